"""How wrong a trial solution can be: a proven bound, without knowing the answer.

For a linear problem the error e = x̂ − x obeys the equation itself, driven by the residual r,

    y' = A y + [0; r],   y = (e, e'),   y(t0) = 0                    (order 1: y = e)

and begins at zero, as the trial solution meets the initial conditions. The bound has two parts.

1. The signed error E. On short cells r is replaced by the Chebyshev interpolant p of its values at
   n nodes, and E' = A E + [0; p] is solved by polynomials. |r| inside the convolution with the
   impulse response would lose the cancellation in it, a factor of 10 or more.
2. What E leaves over. y − E obeys the equation too, driven by the defect A E + [0; r] − E', which
   is as small as rounding, so that here absolute values do no harm (`ComparisonSystem.carry`):

       |A E + [0; p] − E'|   by its coefficients,
       |r − p|  ≤ 4 M ρ^{1−n}/(ρ − 1) + Λ max_i |δr_i|

   with M ≥ |r| on an ellipse around the cell, Λ the Lebesgue constant (on average over the cell
   π/√8) and δr_i the rounding error of r at a node (`ResidualBounds`).

Then |x̂ − x| ≤ |E| + bound of |y − E| + rounding error of the model's own x̂.
"""

from typing import NamedTuple

import numpy as np

from .chebyshev_cells import (
    LEBESGUE,
    MEAN,
    NUM_NODES,
    integrate_series,
    node_values_to_series,
    solve_on_cells,
    values_at,
)
from .defect_bounds import error_bounds
from .linear_equation import LinearEquation
from .residual_bounds import ResidualBounds
from .rounding import UNIT, UPWARDS, gamma
from .trial_bounds import TrialBounds

SMALLEST = 1e-290  # bounds are no smaller, so that they themselves do not underflow
MOST_CHECKED = 4096  # times at which the model's own numbers are compared
TERMS = NUM_NODES + 1  # of the series of E
# ξ has three roundings of numbers ≤ 2: it is off by 4 u, and T_j by j² as much. The recurrence
# T_{j+1} = 2 ξ T_j − T_{j−1} rounds by 3 u, which it carries on like U_k ≤ k + 1: 3 u Σ (k + 1).
ROUNDINGS_OF_VALUE = 4.0 * NUM_NODES**2 + 1.5 * TERMS * (TERMS + 1) + TERMS + 1
# Both ends of a cell: ± c_j added up, and a difference.
ROUNDINGS_OF_JUMP = TERMS + 2.0
# c_j = h (a_{j−1} − a_{j+1})/(2j): four roundings, of which |T_j'| ≤ j² makes, for the slope of E,
# 4 (j/2) (|a_{j−1}| + |a_{j+1}|), together at most 4 n Σ|a_j|.
ROUNDINGS_OF_INTEGRAL = 4.0 * NUM_NODES
# Values are stored, multiplied by rounded cosines and added: n + 3 for each of n coefficients,
# each of which is a sum of n values with weights ≤ 2/n.
ROUNDINGS_OF_SERIES = 2.0 * NUM_NODES * (NUM_NODES + 3.0)


class Enclosure(NamedTuple):
    """Where the error lies, arrays `(num, dimension)`: |x̂ − x − error| ≤ radius, the same for x'.

    The radius is what rounding and interpolation can do at the worst.
    """

    error: np.ndarray
    rate_error: np.ndarray
    radius: np.ndarray
    rate_radius: np.ndarray

    def bounds(self):
        """|x̂ − x| ≤ |error| + radius, in m, and the same for the velocity, in m/s."""
        return np.abs(self.error) + self.radius, np.abs(self.rate_error) + self.rate_radius


def enclose_error(pinn, t, kind=None):
    """`Enclosure` of the error of a `PINN` at times `(num,)`, by `ErrorSeries` or another kind."""
    series = (kind or ErrorSeries)(pinn)
    t = np.asarray(t, np.float64)
    inside = t[(t >= series.cells.begin[0]) & (t <= series.cells.end[-1])]
    if len(inside):
        some = inside[:: -(-len(inside) // MOST_CHECKED)]
        series.check_model(pinn, some, [pinn(some[:, None]), pinn.derivatives(some)[1]])
    return series.at(t)


def error_table(pinn, kind=None):
    """`ErrorSeries.table` of a `PINN`."""
    series = (kind or ErrorSeries)(pinn)
    t = series.cells.begin[:MOST_CHECKED]
    series.check_model(pinn, t, [pinn(t[:, None])])
    return series.table()


class ErrorSeries:
    """The signed error of a `PINN` with a linear problem as series on cells, and its radius.

    Args:
        pinn: `PINN`.

    Raises:
        ValueError: where no proof is known: for nonlinear problems, plain functions as forces,
            activations other than sin, tanh and swish, h1 or h2, float32.
    """

    def __init__(self, pinn):
        with np.errstate(all="ignore"):  # what overflows makes a bound infinite
            self._solve(pinn)

    def _solve(self, pinn):
        equation, trial = LinearEquation.of(pinn.problem), TrialBounds(pinn)
        residual = ResidualBounds(pinn.problem, equation, trial)
        self.trial, self.cells = trial, residual.cells()
        cells, motion = self.cells, trial.values(self.cells)
        residual.check_rhs(cells, motion)
        matrix = equation.matrix.astype(np.float64)
        off = equation.matrix_error + np.abs(equation.matrix - matrix).astype(np.float64)
        rates, series, driven = _signed_error(matrix, residual.of_motion(cells, motion), cells)
        defects, on_average = _defects(matrix, off, rates, series, driven, residual, cells)
        jumps = _jumps(series) + trial.jumps(cells)
        radius = error_bounds(matrix, 2.0 * cells.half, on_average, jumps, off)

        d, own = trial.dimension, gamma(ROUNDINGS_OF_VALUE, UNIT)
        self.slopes = _sum(rates)[:, :d]  # |E'| of the position at most, in m/s
        self.jump_at_end = np.zeros(d)
        if trial.order == 2:
            parts, radii = (series[:, :d], series[:, d:]), (radius[:, :d], radius[:, d:])
        else:  # e' = A e + r
            parts, radii = (series, rates), (radius, radius @ (np.abs(matrix) + off).T + defects)
            self.jump_at_end = residual.jump_at_end()
        self._allow(trial.errors(cells))
        widths = [
            (width + own * _sum(part) + of_model) * UPWARDS
            for part, width, of_model in zip(parts, radii, self.model_errors, strict=True)
        ]
        known = [np.isfinite(_sum(part) + width) for part, width in zip(parts, widths)]
        self.parts = [np.where(k.T, part, 0.0) for k, part in zip(known, parts)]
        self.radii = [np.where(k, width, np.inf) for k, width in zip(known, widths)]

    def _allow(self, errors):
        """How far the model's numbers may be off the extended ones, and off the formula itself."""
        off = self.trial.model_errors(self.cells)
        self.allowed = [a + b for a, b in zip(off, errors)]
        self.model_errors = [a + b for a, b in zip(self.allowed, errors)]

    def at(self, t):
        """`Enclosure` at times `(num,)` in s; before t0 and after t0 + T the radius is infinite."""
        index, xi = self.cells.place(t)
        outside = ((t < self.cells.begin[0]) | (t > self.cells.end[-1]))[:, None]
        errors = [values_at(part, index, xi) for part in self.parts]
        radii = [np.where(outside, np.inf, r[index]) for r in self.radii]
        radii[1] = radii[1] + np.where((t == self.cells.end[-1])[:, None], self.jump_at_end, 0.0)
        return Enclosure(*errors, *radii)

    def check_model(self, pinn, t, received):
        """Raise unless the model's own numbers are those that the proof is about.

        Args:
            pinn: `PINN`.
            t: times `(num,)`.
            received: [x̂] or [x̂, x̂'] of the model at these times.
        """
        index = self.cells.index(t)
        for values, expected, errors in zip(received, self.trial.at(t), self.allowed):
            with np.errstate(all="ignore"):
                off = np.abs(np.asarray(values) - expected).astype(np.float64)
            allowed = errors[index]
            wrong = ((off > allowed) | (np.isnan(off) & np.isfinite(allowed))).any(axis=1)
            if wrong.any():
                first = np.argmax(wrong)
                raise ValueError(
                    "error_bound needs a model that returns its trial solution. Received: a "
                    f"{type(pinn).__name__} that is off by {off[first].max():.1g} at "
                    f"t = {t[first]:g} s. Use error_estimate(t), which needs only its values."
                )

    def table(self, pieces=128):
        """Bounds of |x̂ − x| that hold everywhere between the times of a grid.

        With t_m in the middle of a piece and δ half its length, |E| ≤ |E(t_m)| + δ max |E'|.

        Args:
            pieces: of each cell.

        Returns:
            Tuple (times, bounds): `(num + 1,)` in s, and `(num, dimension)` in m between each
            two of them.
        """
        fine = self.cells.divided(np.full(len(self.cells.begin), pieces))
        cell = self.cells.index(fine.begin)
        xi = self.cells.xi(fine.middle, cell)
        error = np.abs(values_at(self.parts[0], cell, xi)) + self.radii[0][cell]
        width = (fine.half + fine.rounding_of_times)[:, None]
        times = np.append(fine.begin, fine.end[-1])
        return times, error + UPWARDS * width * self.slopes[cell]


def _signed_error(matrix, residual, cells):
    """Coefficients of E' and E, and of [0; p], each `(…, s, num)`."""
    size, half = len(matrix), cells.half
    drive = np.zeros((NUM_NODES, size, len(half)))
    drive[:, -residual.shape[-1] :] = residual.transpose(1, 2, 0)

    def rate(y):
        return matrix @ y + drive

    from_rest = solve_on_cells(rate, np.zeros((size, len(half))), half)
    series = integrate_series(node_values_to_series(rate(from_rest)), half)
    start = _carried(matrix, 2.0 * half, series.sum(axis=0))
    rates = node_values_to_series(rate(solve_on_cells(rate, start, half)))
    series = integrate_series(rates, half)
    series[0] += start
    return rates, series, node_values_to_series(drive)


def _carried(matrix, lengths, added):
    """E at the start of every cell, E ← exp(A Δ) E + what the cell adds, `(s, num)`."""
    kinds, which = np.unique(np.round(lengths / lengths.max(), 12), return_inverse=True)
    step = matrix * (kinds * lengths.max())[:, None, None]
    powers = np.broadcast_to(np.eye(len(matrix)), step.shape)
    for k in range(30, 0, -1):
        powers = np.eye(len(matrix)) + step @ powers / k
    start = np.zeros((added.shape[1], len(matrix)))
    for k in range(added.shape[1] - 1):
        start[k + 1] = powers[which[k]] @ start[k] + added[:, k]
    return start.T


def _defects(matrix, off, rates, series, driven, residual, cells):
    """Bounds of |A E + [0; r] − E'|, for A within `off` of the matrix, on cells and on average.

    Returns:
        Pair of arrays `(num, s)`: the largest on each cell, and the mean over it.
    """
    rounding = residual.rounding(cells)
    d = rounding.shape[1]
    left = -(matrix @ series)
    left[:-1] += rates - driven
    sizes = _sum(series)
    terms = _sum(rates) + sizes @ np.abs(matrix).T + _sum(driven)
    bound = _sum(left) + gamma(len(matrix) + 3.0, UNIT) * terms + sizes @ off.T
    bound += gamma(ROUNDINGS_OF_INTEGRAL, UNIT) * _sum(rates) + SMALLEST
    largest = np.abs(driven[:, -d:]).sum(axis=0).T  # ≥ max |r| at the nodes
    of_series = gamma(ROUNDINGS_OF_SERIES, UNIT) * UPWARDS * largest
    bound[:, -d:] += residual.missed(cells) + of_series
    on_average = bound.copy()
    bound[:, -d:] += LEBESGUE * rounding
    on_average[:, -d:] += MEAN * rounding
    return bound, on_average


def _jumps(series):
    """Bounds of |E(end of one cell) − E(start of the next)|, the first from 0, `(num, s)`."""
    signs = (-1.0) ** np.arange(len(series))
    before = np.concatenate([np.zeros_like(series[0, :, :1]), series.sum(axis=0)[:, :-1]], axis=1)
    jump = np.abs(np.tensordot(signs, series, axes=1) - before).T
    sizes = _sum(series)
    sizes[1:] += sizes[:-1].copy()
    return jump + gamma(ROUNDINGS_OF_JUMP, UNIT) * sizes + SMALLEST


def _sum(series):
    """Σ_j |c_j| ≥ max |f|, `(num, s)`."""
    return np.abs(series).sum(axis=0).T
