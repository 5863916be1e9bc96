"""The matrices of a linear problem, s' = A s + B F(t) in its last rows, and its analytic forces."""

import copy
from typing import NamedTuple

import numpy as np

from oscillator_zoo.data.forces.formulas import Chirp, Constant, Sampled, Sinusoid, Step

from .affine_form import Affine, NotAffine, SymbolicForce
from .rounding import EXTENDED, EXTENDED_UNIT, TINIEST, UNIT

ADVICE = "Use error_estimate(t), which needs only its values."
# A time at a node, begin + half (1 + node), is right to 8 u |t|. F = value + slope (t − origin)
# has four roundings more, its slope, a quotient of differences, three.
ROUNDINGS_OF_TIME = 8.0
ROUNDINGS_OF_PIECE = ROUNDINGS_OF_TIME + 8.0
# The angle φ + (ω + β t) t: at most six roundings of each term, β three more, and the time's twice.
ROUNDINGS_OF_ANGLE = 2.0 * ROUNDINGS_OF_TIME + 9.0
ROUNDINGS_OF_SINE = 8.0  # the sine's own, at most 4 u, and the product with A


class LinearPiece(NamedTuple):
    """F(t) = value + slope · (t − origin) on each of some cells, arrays `(num,)`.

    `beyond` is how far a cell reaches beyond the samples of a force, by rounding, where NumPy goes
    on with the last sample and a graph with the slope: either may be meant.
    """

    origin: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    beyond: np.ndarray

    def values(self, times):
        """F at times `(num, n)`, in N."""
        origin, value, slope, _ = (a[:, None] for a in self)
        return value + slope * (times - origin)

    def bound(self, middle, radius):
        """|F| where |t − middle| ≤ radius in the complex plane, `(num,)`."""
        slope, change = np.abs(self.slope), self.slope * (middle - self.origin)
        rounding = 4.0 * UNIT * (np.abs(self.value) + np.abs(change))
        return (np.abs(self.value + change) + rounding + slope * radius).astype(np.float64)

    def size(self, middle, half):
        """|F| on the cells, `(num,)`."""
        return self.bound(middle, half)

    def rounding(self, middle, half, unit=EXTENDED_UNIT):
        """Error of `values`, `(num,)`."""
        size = np.abs(middle) + half + np.abs(self.origin)
        terms = np.abs(self.value) + np.abs(self.slope) * size
        error = ROUNDINGS_OF_PIECE * unit * terms + np.abs(self.slope) * self.beyond
        return error.astype(np.float64) + TINIEST


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
        rate = np.abs(self.frequency) + 2.0 * np.abs(self.sweep * middle)
        rate = np.fmin(rate, np.abs(self.frequency + 2.0 * self.sweep * middle) + 4.0 * UNIT * rate)
        height = rate * radius + abs(self.sweep) * radius**2
        return abs(self.amplitude) * np.cosh(height.astype(np.float64))

    def size(self, middle, half):
        """|F| on the cells, `(num,)`."""
        return np.full(len(middle), abs(self.amplitude))

    def rounding(self, middle, half, unit=EXTENDED_UNIT):
        """Error of `values`, `(num,)`: that of the angle, and of the sine."""
        t = np.abs(middle) + half
        angle = abs(self.phase) + abs(self.frequency) * t + 2.0 * abs(self.sweep) * t**2
        roundings = ROUNDINGS_OF_SINE + ROUNDINGS_OF_ANGLE * angle.astype(np.float64)
        return unit * abs(self.amplitude) * roundings + TINIEST


def analytic_force(force, begin, end=None):
    """A force on cells that begin at `begin`, `(num,)`: none reaches across a kink or a jump.

    A piece is chosen by where its cell begins. The middle of a cell of two neighbouring numbers is
    rounded to one of them, and may lie in the next piece.

    Args:
        force: None or a `Force`.
        begin: in s.
        end: of the cells, in s; None: the beginning.

    Returns:
        `LinearPiece` or `Wave`.

    Raises:
        ValueError: for a force whose size off the real line is not known.
    """
    none = np.zeros_like(begin)
    if force is None:
        return LinearPiece(begin, none, none, none)
    kind = type(force)
    if kind is Constant:
        return LinearPiece(begin, none + _number(force.value), none, none)
    if kind is Step:
        value = np.where(begin >= force.time, _number(force.amplitude), 0.0)
        return LinearPiece(begin, value, none, none)
    if kind is Sampled:
        times, values = force.times.astype(EXTENDED), np.reshape(force.values, -1).astype(EXTENDED)
        left = np.searchsorted(force.times, begin, side="right") - 1
        left = np.clip(left, 0, len(times) - 2)
        slopes = np.diff(values) / np.diff(times)
        after = (begin if end is None else end) - times[-1]
        beyond = np.maximum(np.maximum(times[0] - begin, after), 0.0)
        return LinearPiece(times[left], values[left], slopes[left], beyond)
    if kind is Sinusoid:
        parameters = force.amplitude, force.phase, force.angular_frequency
        return Wave(*map(_number, parameters), EXTENDED(0.0))
    if kind is Chirp:
        first, last = map(_number, (force.start_angular_frequency, force.end_angular_frequency))
        sweep = (EXTENDED(last) - EXTENDED(first)) / EXTENDED(2.0 * _number(force.duration))
        return Wave(_number(force.amplitude), _number(force.phase), first, sweep)
    raise ValueError(
        "error_bound needs a force whose size off the real line is known: None, Constant, "
        f"Sinusoid, Step, Chirp or Sampled. Received: {force!r}. {ADVICE}"
    )


def rough_times(force):
    """Times at which a force is not analytic, jumps and kinks, in s."""
    return tuple(force.times) if isinstance(force, Sampled) else getattr(force, "breakpoints", ())


class LinearEquation(NamedTuple):
    """s' = A s + [0; B F(t)] with s = (x, v), or s = x for order 1, as `rhs` computes it.

    | field          | content                            | shape                       |
    |----------------|------------------------------------|-----------------------------|
    | `matrix`       | A, extended                        | (order · d, order · d), 1/s |
    | `drive`        | B: how forces enter the rate of v  | (d, number of forces)       |
    | `forces`       | F                                  | tuple                       |
    | `matrix_error` | how far A can be off               | as A                        |
    | `drive_error`  | how far B can be off               | as B                        |
    """

    matrix: np.ndarray
    drive: np.ndarray
    forces: tuple
    matrix_error: np.ndarray
    drive_error: np.ndarray

    @classmethod
    def of(cls, problem):
        """The matrices of a problem whose `is_linear`: its rhs, evaluated on symbols (`Affine`).

        Raises:
            ValueError: for a problem whose `rhs` is not what the mark `@linear` promises.
        """
        given = problem.force
        forces = given if isinstance(given, tuple) else (given,)
        d, size = problem.dimension, problem.order * problem.dimension
        time, *symbols = Affine.symbols(1 + size + len(forces))
        try:
            rates = _symbolic_rates(problem, time, symbols[:size], zip(forces, symbols[size:]))
        except Exception as error:  # whatever a user's own function does with symbols
            reason = error if isinstance(error, NotAffine) else f"it failed on symbols: {error}"
            raise not_linear(problem, reason) from error
        values, errors = (np.array([getattr(r, a) for r in rates]) for a in Affine.__slots__[::-1])
        if values[:, :2].any() or errors[:, :2].any():
            raise not_linear(problem, "it has other terms")
        top, none = np.eye(size, dtype=EXTENDED)[d:], np.zeros((size - d, size))
        errors = (errors * (1.0 + 1e-9)).astype(np.float64)  # the sums of errors are rounded too
        return cls(
            np.concatenate([top, values[:, 2 : 2 + size]]),
            values[:, 2 + size :],
            forces,
            np.concatenate([none, errors[:, 2 : 2 + size]]),
            errors[:, 2 + size :],
        )

    def rates(self, states, forces):
        """A s + B F in the rates of v, `(num, d)`, and the size of its terms."""
        rows, sizes = self.matrix[-len(self.drive) :], np.abs(self.matrix[-len(self.drive) :])
        value = states @ rows.T + forces @ self.drive.T
        return value, np.abs(states) @ sizes.T + np.abs(forces) @ np.abs(self.drive).T


def not_linear(problem, reason):
    """The error for a rhs that is not what its mark promises."""
    return ValueError(
        "A rhs marked @linear must be A x + B v + F(t)/m with constant coefficients. "
        f"Received: {type(problem).__name__}: {reason}. "
        "Take the mark away and use error_estimate(t)."
    )


def _symbolic_rates(problem, time, state, forces):
    """rhs on symbols: a list of d `Affine`."""
    probe = copy.copy(problem)
    symbolic = tuple(force and SymbolicForce(symbol, time) for force, symbol in forces)
    probe.force = symbolic if isinstance(problem.force, tuple) else symbolic[0]
    parts = [
        _row(state[i : i + problem.dimension]) for i in range(0, len(state), problem.dimension)
    ]
    rates = probe.rhs(_row([time]), *parts)
    rates = np.broadcast_to(np.asarray(rates, object), parts[0].shape)[0]
    return [Affine.of(rate, time) for rate in rates]


def _row(numbers):
    row = np.empty((1, len(numbers)), object)
    row[0] = numbers
    return row


def _number(value):
    return float(np.reshape(value, -1)[0])
