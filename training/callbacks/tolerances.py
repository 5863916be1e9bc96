"""Keras callbacks that stop when a PINN is good enough: by its residual, or by its error."""

import keras
import numpy as np

from oscillator_zoo.data.checks import positive_integer, real_value
from oscillator_zoo.models.equation.plain_forces import has_plain_force

from ..evaluation.error_bands import error_band
from ..evaluation.evaluation import position_unit
from ..evaluation.fine_grid import check_pinn, fine_times


class Tolerance(keras.callbacks.Callback):
    """Stops `fit` when the largest value of something, between the training points too, is small.

    Subclasses have a `log_name`, and say in `values(times)` what is looked at and in
    `text(largest)` what was reached.
    """

    log_name = None
    unit = "m/s²"

    def __init__(self, tolerance=1e-6, num_points=None, every=1, verbose=1):
        super().__init__()
        self.tolerance = real_value("tolerance", tolerance, self.unit, above=0.0)
        if num_points is not None:
            num_points = positive_integer("num_points", num_points, at_least=2)
        self.num_points = num_points
        self.every = positive_integer("every", every)
        self.verbose = verbose
        self.stop_reason = None

    def on_train_begin(self, logs=None):
        check_pinn(self.model)
        self.stop_reason = None
        self.times = fine_times(self.model, self.num_points)

    def on_epoch_end(self, epoch, logs=None):
        logs = {} if logs is None else logs
        logs[self.log_name] = float("nan")
        if (epoch + 1) % self.every:
            return
        largest = float(np.abs(self.values(self.times)).max())
        logs[self.log_name] = largest
        if largest <= self.tolerance:
            self.stop_reason = f"{self.text(largest)}: stopped after epoch {epoch + 1}."
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.stop_reason and self.verbose:
            print(self.stop_reason)


class ResidualTolerance(Tolerance):
    """Stops `fit` when a PINN meets the lecture's criterion, |x'' − rhs| ≤ ε.

        max |r(t)| ≤ ε  at the times of `fine_times`

    that is, on a grid ten times finer than the training points and on both sides of every jump of
    the force, where the criterion is harder to meet than at the training points. A mean square of
    ε² is weaker, and one of ε is weaker by far. A network whose x'' is continuous cannot meet it
    across a jump.

    At the end of an epoch the largest |r| is added to the logs as `fine_residual_max`, so that
    `history`, `Progress` and callbacks that come later in the list see it; it is NaN in epochs
    without a check.

    Args:
        tolerance: ε > 0, in m/s² (order 1: m/s).
        num_points: number of training points, as passed to `pinn.collocation_points`, or None.
        every: check after every so many epochs, an integer ≥ 1. A check costs about as much as
            half a dozen training steps.
        verbose: 0, or 1 to print one line when the criterion is met.

    Attributes:
        stop_reason: text that says why training stopped, None where it was not for this.

    Raises:
        ValueError: at the start of `fit` if the model is not a `PINN`.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator
    >>> from oscillator_zoo.models import PINN
    >>> pinn = PINN(DampedOscillator(), duration=1.0, hidden_units=(4,), seed=1)
    >>> pinn.compile("adam")
    >>> tolerance = ResidualTolerance(99.0, num_points=16)  # so large that it is met at once
    >>> _ = pinn.fit(pinn.collocation_points(16), epochs=50, callbacks=[tolerance], verbose=0)
    The residual is at most ... m/s² (tolerance 99 m/s²) at 151 times: stopped after epoch 1.
    """

    log_name = "fine_residual_max"

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.values = _compiled_residual(self.model)

    def text(self, largest):
        unit = self.model.problem.residual_unit
        return (
            f"The residual is at most {largest:.2g} {unit} (tolerance {self.tolerance:g} {unit}) "
            f"at {len(self.times)} times"
        )


class ErrorTolerance(Tolerance):
    """Stops `fit` when a PINN is known to be as near to the exact solution as is wanted.

        max b(t) ≤ ε  at the times of `fine_times`,  |x̂(t) − x(t)| ≤ b(t)

    with b the bound of `PINN.error_bound`, which needs no exact solution; where there is no proof,
    `PINN.error_estimate` takes its place, and the text says so.

    At the end of an epoch the largest b is added to the logs as `error_max`, so that `history`,
    `Progress` and callbacks that come later in the list see it; it is NaN in epochs without a
    check.

    Args:
        tolerance: ε > 0, in m.
        num_points: number of training points, as passed to `pinn.collocation_points`, or None.
        every: check after every so many epochs, an integer ≥ 1.
        verbose: 0, or 1 to print one line when the error is small enough.

    Attributes:
        stop_reason: text that says why training stopped, None where it was not for this.

    Raises:
        ValueError: at the start of `fit` if the model is not a `PINN`, or has no error estimate.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator
    >>> from oscillator_zoo.models import PINN, LevenbergMarquardt
    >>> pinn = PINN(DampedOscillator(), duration=1.0, hidden_units=(8,), seed=1)
    >>> pinn.compile(LevenbergMarquardt())
    >>> points = pinn.collocation_points(32, steps_per_epoch=1)
    >>> _ = pinn.fit(points, epochs=9, callbacks=[ErrorTolerance(1e-3, 32)], verbose=0)
    The position is off by at most ... m (proven; tolerance 0.001 m): stopped after epoch 1.
    """

    log_name = "error_max"
    unit = "m"

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        if error_band(self.model, self.times[:1]) is None:
            self.model.error_estimate(self.times[:1])  # raises, and says why

    def values(self, times):
        self.band = error_band(self.model, times)
        return self.band.position

    def text(self, largest):
        unit = position_unit(self.model.problem)
        how = "is off by at most" if self.band.is_proven else "is probably off by"
        kind = "proven" if self.band.is_proven else "estimated"
        return (
            f"The position {how} {largest:.2g} {unit} ({kind}; tolerance {self.tolerance:g} {unit})"
        )


def _compiled_residual(pinn):
    """A fast `pinn.residual`, where the force can be part of a graph."""
    if has_plain_force(pinn.problem):
        return pinn.residual
    import tensorflow as tf

    compiled = tf.function(pinn.residual)
    return lambda times: compiled(tf.constant(times, pinn.compute_dtype))
