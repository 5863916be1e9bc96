"""Where a solution holds: the times of its interval, checked and as tensors."""

import keras
import numpy as np
from keras import ops

from oscillator_zoo.data.checks import real_value

from ..base_model.dataset_checks import raise_in_dataset
from ..equation.sketch import Sketch

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


FEWEST_NUMBERS = 131_072  # of float64 in an interval, twice as many as the times of a sketch
LONGEST = 1e100  # s, whose square is a number
OUTSIDE = r"This PINN is trained from .*? outside its interval\."  # what `check_batch` raises


class TimeDomain:
    """The times t0 … t0 + T at which one solution holds: what a `PINN` takes, and refuses.

    Args:
        problem: `InitialValueProblem`, which has t0.
        duration: T, in s.
        dtype: dtype of the tensors.
    """

    ranges = None  # of parameters, which a family has

    def __init__(self, problem, duration, dtype):
        check_interval(problem.start_time, duration)
        self.problem, self.start_time = problem, problem.start_time
        self.duration, self.dtype = duration, dtype
        self._sketch = None

    def sketch(self):
        """A first look at the motion by a stepper, made when it is first asked for."""
        if self._sketch is None:
            self._sketch = self.make_sketch()
        return self._sketch

    def make_sketch(self):
        return Sketch(self.problem, self.duration)

    def called_with(self, inputs):
        """What a model is called with: numbers become checked times, tensors stay."""
        is_plain = isinstance(inputs, list | tuple | float | int)
        has_no_times = isinstance(inputs, dict) and "t" not in inputs
        return self.checked(inputs) if is_plain or has_no_times else inputs

    def checked(self, t):
        """Times as an array `(num, 1)`; raises for times outside the interval."""
        return checked_times(t, self.start_time, self.duration)

    def rows(self, inputs):
        """Times, or {"t": times}, as a tensor `(num, 1)`; raises for times outside the interval."""
        t = inputs["t"] if isinstance(inputs, dict) else inputs
        if not tf.is_symbolic_tensor(t):  # in a graph under construction they are not known yet
            times = self.checked(t)
            t = t if tf.is_tensor(t) else times
        return ops.reshape(ops.cast(t, self.dtype), (-1, 1))

    def times(self, inputs):
        """The times of the rows, `(num, 1)`, in s."""
        return self.rows(inputs)

    def at_parameters(self, function, rows):
        """A function of the rows as a function of t alone: here it is one."""
        return function

    def check_batch(self, *batch):
        """A batch of a dataset as it is; raises where it has NaN or times outside."""
        t = batch[0]["t"] if isinstance(batch[0], dict) else batch[0]
        outside = is_outside(t, self.start_time, self.duration) | tf.math.is_nan(t)
        end = self.start_time + self.duration
        message = (
            f"This PINN is trained from {self.start_time:g} s to {end:g} s. Received "
            "times outside in a dataset. Train one with a longer duration: a network knows nothing "
            "outside its interval."
        )
        batch = raise_in_dataset(tf.reduce_any(outside), message, batch)
        return batch if len(batch) > 1 else batch[0]

    def nan_outside(self, t):
        """The times, and NaN for those outside the interval."""
        outside = is_outside(t, self.start_time, self.duration)
        return t + tf.cast(nan_where(outside), t.dtype)

    def signature(self):
        """What an exported file takes: times `(num, 1)`, in s."""
        return tf.TensorSpec((None, 1), self.dtype, name="t")


def check_interval(start_time, duration):
    """Raise for an interval of time in which float64 has too few numbers, or no room for T²."""
    spacing = float(np.spacing(max(abs(start_time), abs(start_time + duration))))
    shortest = max(FEWEST_NUMBERS * spacing, 1.0 / LONGEST)
    if not shortest <= duration <= LONGEST:
        raise ValueError(
            f"duration must lie between {shortest:.2g} s and {LONGEST:g} s for a start at "
            f"{start_time:g} s, where numbers of float64 are {spacing:.2g} s apart. Received: "
            f"{duration:g} s. Take a unit of time in which it is about 1, or a start_time nearer 0."
        )


def checked_times(t, start_time, duration):
    """Times as an array `(num, 1)` of float64.

    Args:
        t: times, a number, `(num,)` or `(num, 1)`, in s.
        start_time: t0, in s.
        duration: T, in s.

    Raises:
        ValueError: for another shape, values that are not finite, or times outside t0 … t0 + T.
    """
    times = np.atleast_1d(real_value("t", np.asarray(t), "s"))
    if times.ndim > 2 or (times.ndim == 2 and times.shape[1] != 1):
        raise ValueError(
            f"Times must have the shape (num,) or (num, 1). Received {times.shape}. Flatten them; "
            "targets are an argument of their own, fit(times, positions)."
        )
    outside = is_outside(times, start_time, duration)
    if outside.any():
        raise ValueError(
            f"This PINN is trained from {start_time:g} s to {start_time + duration:g} s. "
            f"Received t = {times[outside].flat[0]:g} s. Train one with a longer duration: a "
            "network knows nothing outside its interval."
        )
    return times.reshape(-1, 1)


def is_outside(t, start_time, duration):
    """Whether times lie before t0 or after t0 + T by more than the rounding of float32."""
    end = start_time + duration
    rounding = 1e-6 * max(abs(start_time), abs(end), duration)
    return (t < start_time - rounding) | (t > end + rounding)


def nan_where(condition):
    """NaN where a condition holds, else 0, float64: added, where ONNX's `where` would multiply."""
    return ops.sqrt(-ops.cast(condition, "float64"))
