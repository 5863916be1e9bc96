"""The matrices of a linear problem, s' = A s + B F(t) in its last rows, and its analytic forces."""

import copy
from typing import NamedTuple

import numpy as np

from oscillator_zoo.data.forces.formulas import Chirp, Constant, Sampled, Sinusoid, Step

from .network_bounds import EXTENDED, EXTENDED_UNIT

ADVICE = "Use error_estimate(t), which needs only its values."


class LinearPiece(NamedTuple):
    """F(t) = value + slope · (t − origin) on each of some cells, arrays `(num,)`."""

    origin: np.ndarray
    value: np.ndarray
    slope: np.ndarray

    def values(self, times):
        """F at times `(num, n)`, in N."""
        origin, value, slope = (a[:, None] for a in self)
        return value + slope * (times - origin)

    def bound(self, middle, radius):
        """|F| where |t − middle| ≤ radius in the complex plane, `(num,)`."""
        return (
            np.abs(self.value + self.slope * (middle - self.origin)) + np.abs(self.slope) * radius
        )

    def size(self, middle, half):
        """|F| on the cells, `(num,)`."""
        return self.bound(middle, half)

    def rounding(self, middle, half):
        """Error of `values`, `(num,)`: a time is right to 8 u |t|."""
        size = np.abs(middle) + half + np.abs(self.origin)
        error = 16.0 * EXTENDED_UNIT * (np.abs(self.value) + np.abs(self.slope) * size)
        return error.astype(np.float64)


class Wave(NamedTuple):
    """F(t) = A sin(φ + (ω + β t) t), float64 numbers and an extended β."""

    amplitude: float
    phase: float
    frequency: float
    sweep: np.longdouble

    def values(self, times):
        """F at times `(num, n)`, in N."""
        return self.amplitude * np.sin(self.phase + (self.frequency + self.sweep * times) * times)

    def bound(self, middle, radius):
        """|F| ≤ |A| cosh(Im) where |t − middle| ≤ radius in the complex plane, `(num,)`."""
        rate = np.abs(self.frequency + 2.0 * self.sweep * middle)
        height = rate * radius + abs(self.sweep) * radius**2
        with np.errstate(over="ignore"):
            return abs(self.amplitude) * np.cosh(height.astype(np.float64))

    def size(self, middle, half):
        """|F| on the cells, `(num,)`."""
        return np.full(len(middle), abs(self.amplitude))

    def rounding(self, middle, half):
        """Error of `values`, `(num,)`: that of the angle, of the sine, and of a time, 8 u |t|."""
        t = np.abs(middle) + half
        angle = abs(self.phase) + abs(self.frequency) * t + 2.0 * abs(self.sweep) * t**2
        return EXTENDED_UNIT * abs(self.amplitude) * (16.0 + 16.0 * angle)


def analytic_force(force, middle):
    """A force on cells around `middle`, `(num,)`, none of which reaches across a kink or a jump.

    Returns:
        `LinearPiece` or `Wave`.

    Raises:
        ValueError: for a force whose size off the real line is not known.
    """
    none = np.zeros_like(middle)
    if force is None:
        return LinearPiece(middle, none, none)
    kind = type(force)
    if kind is Constant:
        return LinearPiece(middle, none + _number(force.value), none)
    if kind is Step:
        value = np.where(middle >= force.time, _number(force.amplitude), 0.0)
        return LinearPiece(middle, value, none)
    if kind is Sampled:
        times, values = force.times.astype(EXTENDED), np.reshape(force.values, -1).astype(EXTENDED)
        left = np.searchsorted(force.times, middle, side="right") - 1
        left = np.clip(left, 0, len(times) - 2)
        slopes = np.diff(values) / np.diff(times)
        return LinearPiece(times[left], values[left], slopes[left])
    if kind is Sinusoid:
        parameters = force.amplitude, force.phase, force.angular_frequency
        return Wave(*map(_number, parameters), EXTENDED(0.0))
    if kind is Chirp:
        start, end = map(_number, (force.start_angular_frequency, force.end_angular_frequency))
        sweep = (EXTENDED(end) - EXTENDED(start)) / EXTENDED(2.0 * _number(force.duration))
        return Wave(_number(force.amplitude), _number(force.phase), start, sweep)
    raise ValueError(
        "error_bound needs a force whose size off the real line is known: None, Constant, "
        f"Sinusoid, Step, Chirp or Sampled. Received: {force!r}. {ADVICE}"
    )


def kinks(force):
    """Times at which a force is not analytic, in s."""
    return tuple(force.times) if isinstance(force, Sampled) else getattr(force, "breakpoints", ())


class LinearEquation(NamedTuple):
    """s' = A s + [0; B F(t)] with s = (x, v), or s = x for order 1.

    | field    | content                                | shape                       |
    |----------|----------------------------------------|-----------------------------|
    | `matrix` | A, extended, right to 16 `unit`        | (order · d, order · d), 1/s |
    | `drive`  | B: how F enters the rate of v          | (d, d)                      |
    | `forces` | F of each coordinate                   | tuple of d                  |
    | `unit`   | relative error of one operation of rhs |                             |
    """

    matrix: np.ndarray
    drive: np.ndarray
    forces: tuple
    unit: float

    @classmethod
    def of(cls, problem):
        """The matrices of a problem whose `is_linear`, found by putting in unit vectors.

        Raises:
            ValueError: for a nonlinear problem, or one whose `rhs` has other terms than the mark
                `@linear` promises.
        """
        if not problem.is_linear:
            raise ValueError(
                "error_bound holds for linear equations, those marked @linear. "
                f"Received: {type(problem).__name__}. Use error_estimate(t)."
            )
        order, d = problem.order, problem.dimension
        size = order * d
        probe = copy.copy(problem)
        probe.force = None
        lower = _rates(probe, np.zeros(size), np.eye(size))
        unit = 0.5 * float(np.finfo(lower.dtype).eps)
        matrix = np.concatenate([np.eye(size)[d:], lower.T])
        drive = np.zeros((d, d), EXTENDED)
        for j, force in enumerate(problem.coordinate_forces):
            if force is not None:
                probe.force = tuple(Constant(float(i == j)) for i in range(d))
                drive[:, j] = _rates(probe, np.zeros(1), np.zeros((1, size)))[0]
        equation = cls(matrix.astype(EXTENDED), drive, problem.coordinate_forces, unit)
        equation._check(problem)
        return equation

    def _check(self, problem):
        """Raise if the rates of the problem are not those of the matrices."""
        random = np.random.default_rng(0)
        d, size = len(self.drive), len(self.matrix)
        start = problem.start_time
        states = np.concatenate([np.zeros((1, size)), random.normal(size=(3, size))])
        for t in (start, start + 0.7310585786300049):
            probe = copy.copy(problem)
            force = random.normal(size=d) * [one is not None for one in self.forces]
            probe.force = tuple(map(Constant, force.tolist())) if force.any() else None
            rates = _rates(probe, np.full(len(states), t), states)
            terms = np.abs(states) @ np.abs(self.matrix[-d:]).T + np.abs(self.drive) @ np.abs(force)
            expected = states @ self.matrix[-d:].T + self.drive @ force
            if (np.abs(rates - expected) > 1e-9 * terms).any():
                raise ValueError(
                    "A rhs marked @linear must be A x + B v + F(t)/m with constant coefficients. "
                    f"Received: {type(problem).__name__}, which has other terms at t = {t:g} s. "
                    "Take the mark away and use error_estimate(t)."
                )


def _rates(problem, times, states):
    """rhs at `times` (num,) and `states` (num, order · d), `(num, d)`, extended if it can."""
    parts = np.split(states.astype(EXTENDED), problem.order, axis=-1)
    rates = problem.rhs(times.astype(EXTENDED)[:, None], *parts)
    return np.array(np.broadcast_to(rates, parts[0].shape))


def _number(value):
    return float(np.reshape(value, -1)[0])
