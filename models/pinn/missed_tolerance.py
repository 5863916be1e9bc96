"""A fit that ends above its tolerance says so, and where."""

import warnings

import keras
import numpy as np

from ..least_squares.self_scaled_broyden import SelfScaledBroyden
from .fit_checks import BETWEEN, has_finished_least_squares
from .what_helps import what_helps

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def warn_of_missed_tolerance(pinn):
    """Warn if a fit by `LevenbergMarquardt`, or of learned windows, missed its tolerance ε.

        max |r| > ε at the training points,   or max |r| > 100 ε between them

    A tolerance of 0, which nothing can meet, asks for the smallest residual and is left in peace,
    and so is a fit that has neither finished nor taken 100 steps.

    Args:
        pinn: `PINN`, no parameter of which is unknown.

    Returns:
        Whether it warned.
    """
    ended = has_finished_least_squares(pinn.optimizer) or _has_learned(pinn)
    if not ended or pinn.optimizer.tolerance == 0.0:
        return False
    tolerance, at_points = pinn.optimizer.tolerance, float(pinn.residual_max.result())
    points = tf.nest.map_structure(tf.constant, pinn.points.finer())
    residual = np.abs(pinn.residuals(points)).max(axis=-1)
    worst = int(residual.argmax())
    if at_points <= tolerance and residual[worst] <= BETWEEN * tolerance:
        return False
    largest, time = residual[worst], float(pinn.domain.times(points)[worst, 0])
    warnings.warn(
        f"The residual should end at most at the tolerance, {tolerance:.1g} "
        f"{pinn.problem.residual_unit}. Received up to {max(largest, at_points):.2g}, most at "
        f"t = {time:.6g} s; fit ended with stop_reason={pinn.stop_reason!r}. "
        f"{what_helps(pinn, time)}",
        stacklevel=3,
    )
    return True


def _has_learned(pinn):
    """Whether all windows of a learned network have been trained, one after another."""
    is_own = pinn.learned and isinstance(pinn.optimizer, SelfScaledBroyden)
    return is_own and pinn.stop_reason is not None
