"""A force known at some times."""

import numpy as np

from ..checks import real_value
from .force import Force
from .sorted_times import count_up_to


class Sampled(Force):
    """A force known at some times, linear between them; it raises outside them.

    In a compiled graph, where nothing can be raised, the force is NaN outside its times.

    Args:
        times: increasing, `(num,)`, in s.
        values: F at `times`, `(num,)`, or `(batch, num)` for an ensemble (NumPy only), in N.

    Raises:
        ValueError: for times that are not increasing or so close that a slope leaves the range of
            float64, sizes that differ, or a call outside.

    Example:
    >>> Sampled(times=[0.0, 1.0, 2.0], values=[0.0, 4.0, 4.0])(np.array([0.25, 1.5]))
    array([1., 4.])
    """

    def __init__(self, times, values):
        self.times = real_value("times", times, "s")
        self.values = real_value("values", values, "N")
        if np.ndim(self.times) != 1 or len(self.times) < 2:
            raise ValueError(
                "times must have the shape (num,) with at least two samples. "
                f"Received shape {np.shape(times)}. Use Constant for a single value."
            )
        falling = np.flatnonzero(np.diff(self.times) <= 0.0)
        if falling.size:
            i = falling[0]
            raise ValueError(
                f"times must increase. Received {self.times[i]:g} s followed by "
                f"{self.times[i + 1]:g} s at index {i + 1}. Sort the samples, drop repetitions."
            )
        if np.ndim(self.values) not in (1, 2) or self.values.shape[-1] != len(self.times):
            raise ValueError(
                f"values must have the shape (num,) or (batch, num) with num = {len(self.times)}, "
                f"the number of times. Received shape {np.shape(values)}. Pass one value per time."
            )
        self._check_slopes()

    def _check_slopes(self):
        with np.errstate(over="ignore"):
            slopes = np.abs(np.diff(self.values) / np.diff(self.times))
        steep = np.flatnonzero(~np.isfinite(slopes.reshape(-1, len(self.times) - 1)).all(axis=0))
        if steep.size:
            pair = self.times[steep[0] : steep[0] + 2]
            raise ValueError(
                "A Sampled force is linear between samples, with a finite slope. Received times "
                f"{pair[0]:.17g} s and {pair[1]:.17g} s, too close for their values. "
                "Leave one of the two samples out, or take a Step for a jump."
            )

    @property
    def ensemble_size(self):
        return len(self.values) if self.values.ndim == 2 else None

    @property
    def kinks(self):
        """The times of the samples, at which the slope of F jumps, in s."""
        return self.times

    def select(self, index):
        return Sampled(self.times, self.values[index]) if self.values.ndim == 2 else self

    def __call__(self, t, ops=np):
        if ops is np:
            return self._numpy(np.asarray(t, np.float64))
        if self.values.ndim == 2:
            raise ValueError(
                "In a Keras model a Sampled force has values of shape (num,). "
                f"Received shape {self.values.shape}. Take one member with force.select(i)."
            )
        times, values = (
            ops.cast(ops.convert_to_tensor(a, "float64"), t.dtype)
            for a in (self.times, self.values)
        )
        left = ops.clip(count_up_to(self.times, t, ops) - 1, 0, len(self.times) - 2)
        start, end = ops.take(times, left), ops.take(times, left + 1)
        first, second = ops.take(values, left), ops.take(values, left + 1)
        rounding = 1e-12 * np.abs(self.times).max()
        inside = ops.logical_and(t >= self.times[0] - rounding, t <= self.times[-1] + rounding)
        force = (second - first) / (end - start) * (t - start) + first
        return ops.where(inside, force, float("nan") * t)

    def _numpy(self, t):
        rounding = 1e-12 * np.abs(self.times).max()  # a grid's last time may exceed its literal
        outside = (t < self.times[0] - rounding) | (t > self.times[-1] + rounding)
        if outside.any():
            raise ValueError(
                f"This force is known from {self.times[0]:g} s to {self.times[-1]:g} s. "
                f"Received t = {t[outside].flat[0]:g} s. Shorten the simulation or sample longer."
            )
        if self.values.ndim == 1:
            return np.interp(t, self.times, self.values)
        flat = np.stack([np.interp(t.reshape(-1), self.times, row) for row in self.values])
        return flat.reshape(len(flat), -1)
