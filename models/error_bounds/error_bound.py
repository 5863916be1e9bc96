"""How wrong a trial solution can be: a proven bound, without knowing the answer.

For a linear problem the error e = x̂ − x obeys the equation itself, driven by the residual r,

    y' = A y + [0; r],   y = (e, e'),   y(t0) = 0                    (order 1: y = e)

and begins at zero, as the trial solution meets the initial conditions. The bound has two parts.

1. The signed error E. On short cells r is replaced by the Chebyshev interpolant p of its values at
   n nodes, and E' = A E + [0; p] is solved by polynomials. |r| inside the convolution with the
   impulse response would lose the cancellation in it, a factor of 10 or more.
2. What E leaves over. y − E obeys the equation too, driven by the defect A E + [0; r] − E', which
   is as small as rounding, so that here absolute values do no harm (`Comparison.carry`):

       |A E + [0; p] − E'|   by its coefficients,
       |r − p|  ≤ 4 M ρ^{1−n}/(ρ − 1) + Λ max_i |δr_i|

   with M ≥ |r| on an ellipse around the cell, Λ the Lebesgue constant and δr_i the rounding error
   of r at a node (`ResidualBounds`).

Then |x̂ − x| ≤ |E| + bound of |y − E| + rounding error of the model's own x̂.
"""

from typing import NamedTuple

import numpy as np

from .chebyshev_cells import (
    LEBESGUE,
    NUM_NODES,
    integrate_series,
    node_values_to_series,
    solve_on_cells,
    values_at,
)
from .defect_bounds import EPSILON, error_bounds
from .linear_equation import LinearEquation
from .residual_bounds import ResidualBounds
from .trial_bounds import TrialBounds


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


def enclose_error(pinn, t):
    """`Enclosure` of the error of a `PINN` at times `(num,)`, see `ErrorSeries`."""
    return ErrorSeries(pinn).at(t)


class ErrorSeries:
    """The signed error of a `PINN` with a linear problem as series on cells, and its radius.

    Args:
        pinn: `PINN`.

    Raises:
        ValueError: where no proof is known: for nonlinear problems, plain functions as forces,
            activations other than sin, tanh and swish, h1 or h2, float32.
    """

    def __init__(self, pinn):
        equation, trial = LinearEquation.of(pinn.problem), TrialBounds(pinn)
        residual = ResidualBounds(equation, trial)
        self.cells = cells = residual.cells(pinn.problem.start_time + pinn.duration)
        matrix = equation.matrix.astype(np.float64)
        rates, series, driven = _signed_error(matrix, residual.values(cells), cells)
        defects = _defects(matrix, rates, series, driven, residual, cells)
        radius = error_bounds(matrix, 2.0 * cells.half, defects, _jumps(series))

        d, own = trial.dimension, 4.0 * NUM_NODES**2 * EPSILON  # of summing a series
        self.slopes = _sum(rates)[:, :d]  # |E'| of the position at most, in m/s
        if trial.order == 2:
            parts, radii = (series[:, :d], series[:, d:]), (radius[:, :d], radius[:, d:])
        else:  # e' = A e + r
            parts, radii = (series, rates), (radius, radius @ np.abs(matrix).T + defects)
        self.parts = parts
        self.radii = [
            width + own * _sum(part) + of_model
            for part, width, of_model in zip(parts, radii, trial.model_errors(cells), strict=True)
        ]

    def at(self, t):
        """`Enclosure` at times `(num,)` in s; before t0 and after t0 + T the radius is infinite."""
        index, xi = self.cells.place(t)
        outside = ((t < self.cells.begin[0]) | (t > self.cells.end[-1]))[:, None]
        errors = [values_at(part, index, xi) for part in self.parts]
        return Enclosure(*errors, *(np.where(outside, np.inf, r[index]) for r in self.radii))

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
        cell = np.repeat(np.arange(len(self.cells.begin)), pieces)
        middle = self.at(fine.middle)
        rest = (1.0 + 1e-9) * fine.half[:, None] * self.slopes[cell]
        times = np.append(fine.begin, fine.end[-1])
        return times, np.abs(middle.error) + middle.radius + rest


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


def _defects(matrix, rates, series, driven, residual, cells):
    """Bounds of |A E + [0; r] − E'| on each cell, `(num, s)`."""
    size, rounding = len(matrix), residual.rounding(cells)
    d = rounding.shape[1]
    left = -(matrix @ series)
    left[:-1] += rates - driven
    terms = (_sum(rates) + _sum(series) @ np.abs(matrix).T + _sum(driven)) * EPSILON
    bound = _sum(left) + (8.0 * NUM_NODES + 2.0 * size + 24.0) * terms
    largest = np.abs(driven[:, -d:]).sum(axis=0).T
    of_transform = 2.0 * NUM_NODES * (NUM_NODES + 4.0) * EPSILON * largest
    bound[:, -d:] += LEBESGUE * rounding + residual.missed(cells) + of_transform
    return bound


def _jumps(series):
    """Bounds of |E(end of one cell) − E(start of the next)|, the first from 0, `(num, s)`."""
    signs = (-1.0) ** np.arange(len(series))
    before = np.concatenate([np.zeros_like(series[0, :, :1]), series.sum(axis=0)[:, :-1]], axis=1)
    jump = np.abs(np.tensordot(signs, series, axes=1) - before).T
    sizes = _sum(series)
    sizes[1:] += sizes[:-1].copy()
    return jump + 4.0 * NUM_NODES * EPSILON * sizes


def _sum(series):
    """Σ_j |c_j| ≥ max |f|, `(num, s)`."""
    return np.abs(series).sum(axis=0).T
