"""Times as a network takes them, inside the interval for which it is trained."""

import contextlib
import re

import numpy as np
from keras import ops

from oscillator_zoo.data.checks import real_value


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


@contextlib.contextmanager
def outside_times_as_value_error():
    """The error that TensorFlow raises for times in a dataset, as the `ValueError` of arrays."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        found = re.search(r"This PINN is trained from .*? outside its interval\.", str(error))
        if found is None:
            raise
        raise ValueError(found.group()) from error
