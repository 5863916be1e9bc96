"""A fit that ends above its tolerance says so, and where."""

import warnings

import keras
import numpy as np

from ..least_squares.self_scaled_broyden import SelfScaledBroyden
from ..trial_solution.learned_trial import FINEST
from .fit_checks import BETWEEN, has_finished_least_squares

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

PIECES = 8  # into which the message cuts the window with the largest residual
TINY = 1000  # so many times shorter than the longest is a window that was halved to the end


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
    x = pinn.points.arrays()
    if not isinstance(x, dict):
        x = pinn.points.arrays(2 * len(x) - 1)  # between the training points too
    x = tf.nest.map_structure(tf.constant, x)
    residual = np.abs(pinn.residuals(x)).max(axis=-1)
    worst = int(residual.argmax())
    if at_points <= tolerance and residual[worst] <= BETWEEN * tolerance:
        return False
    largest, time = residual[worst], float((x["t"] if isinstance(x, dict) else x)[worst, 0])
    warnings.warn(
        f"The residual should end at most at the tolerance, {tolerance:.1g} "
        f"{pinn.problem.residual_unit}. Received up to {max(largest, at_points):.2g}, most at "
        f"t = {time:.6g} s; fit ended with stop_reason={pinn.stop_reason!r}. "
        f"{_what_helps(pinn, time)}",
        stacklevel=3,
    )
    return True


def _has_learned(pinn):
    """Whether all windows of a learned network have been trained, one after another."""
    is_own = pinn.learned and isinstance(pinn.optimizer, SelfScaledBroyden)
    return is_own and pinn.stop_reason is not None


def _what_helps(pinn, time):
    """What to do about a large residual at a time, in one or two sentences."""
    edges = pinn.window_edges
    window = int(np.clip(np.searchsorted(edges, time, side="right") - 1, 0, len(edges) - 2))
    begin, end = edges[window], edges[window + 1]
    if pinn.compute_dtype != "float64":
        cure = f"Rounding leaves that much in {pinn.compute_dtype}: leave dtype out."
    elif pinn.learned and pinn.stop_reason == "rounding floor":
        finest = FINEST * float(pinn.network.size) / (end - begin) ** pinn.problem.order
        cure = (
            f"Gradients are followed to {finest:.1g} {pinn.problem.residual_unit} in a window of "
            f"{end - begin:.2g} s, {FINEST:.0e} of its size over its length"
            f"{' squared' if pinn.problem.order == 2 else ''}: SelfScaledBroyden(tolerance="
            f"{finest:.0e}) says that it will do; LevenbergMarquardt, without learned, goes below."
        )
    elif len(edges) == 2:
        cure = "Leave hidden_units and window_edges out, to have windows where they are needed."
    elif (end - begin) * TINY < np.diff(edges).max():
        cure = (
            f"Windows are as short as {end - begin:.2g} s there already: where rhs jumps or bends "
            "with x or v, no network follows it. Write it smoothly, tanh(v / width) for sign(v)."
        )
    else:
        cure = (
            f"Cut that window, {begin:.6g} s to {end:.6g} s: window_edges=sorted("
            f"[*pinn.window_edges, *np.linspace({begin:.6g}, {end:.6g}, {PIECES + 1})[1:-1]])."
        )
    return f"{cure} How far it moves the solution says error_estimate(t)."
