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

   with M ≥ |r| on an ellipse around the cell (`TrialBounds.sizes`), Λ the Lebesgue constant and
   δr_i the rounding error of r at a node (`TrialBounds.errors`).

Then |x̂ − x| ≤ |E| + bound of |y − E| + rounding error of the model's own x̂.
"""

from typing import NamedTuple

import numpy as np

from .comparison import EPSILON, error_bounds, spectral_size
from .linear_equation import LinearEquation, analytic_force, kinks
from .polynomial_cells import (
    LEBESGUE,
    NUM_NODES,
    Cells,
    integrate_series,
    node_values_to_series,
    solve_on_cells,
    values_at,
)
from .trial_bounds import TrialBounds

RATIOS = (2.5, 4.0, 6.0, 9.0, 14.0, 22.0)  # ρ, of which the best is taken in each cell
NEGLIGIBLE = 1e-9  # of the residual: what its interpolant may miss where that is not rounding
MOST_CELLS = 6000


class Enclosure(NamedTuple):
    """Where the error lies, arrays `(num, dimension)`: |x̂ − x − error| ≤ radius, the same for x'.

    The radius is what rounding and interpolation can do; it does not fall by training.
    """

    error: np.ndarray
    rate_error: np.ndarray
    radius: np.ndarray
    rate_radius: np.ndarray

    def bounds(self):
        """|x̂ − x| ≤ |error| + radius, in m, and the same for the velocity, in m/s."""
        return np.abs(self.error) + self.radius, np.abs(self.rate_error) + self.rate_radius


def enclose_error(pinn, t):
    """Where the error of a `PINN` with a linear problem lies.

    Args:
        pinn: `PINN`.
        t: times `(num,)` in s; before t0 and after t0 + T the radius is infinite.

    Returns:
        `Enclosure`.

    Raises:
        ValueError: where no proof is known: for nonlinear problems, plain functions as forces,
            activations other than sin, tanh and swish, h1 or h2, float32.
    """
    equation = LinearEquation.of(pinn.problem)
    trial = TrialBounds(pinn)
    cells = _cells(equation, trial, pinn.problem.start_time + pinn.duration)
    residual, rounding, missed = _residual(equation, trial, cells)
    matrix, d = equation.matrix.astype(np.float64), trial.dimension
    rates, series, driven = _signed_error(matrix, residual, cells)
    defects = _defects(matrix, rates, series, driven, rounding, missed)
    radius = error_bounds(matrix, 2.0 * cells.half, defects, _jumps(series))
    radius_of_rate = radius[:, d:] if trial.order == 2 else radius @ np.abs(matrix).T + defects

    index, xi = cells.place(t)
    now, rate_now = values_at(series, index, xi), values_at(rates, index, xi)
    own = 4.0 * NUM_NODES**2 * EPSILON
    position = radius[:, :d] + own * _sum(series)[:, :d] + trial.model_errors(cells)[0]
    of_rate = series[:, d:] if trial.order == 2 else rates
    velocity = radius_of_rate + own * _sum(of_rate) + trial.model_errors(cells)[1]
    outside = ((t < cells.begin[0]) | (t > cells.end[-1]))[:, None]
    return Enclosure(
        now[:, :d],
        now[:, d:] if trial.order == 2 else rate_now,
        np.where(outside, np.inf, position[index]),
        np.where(outside, np.inf, velocity[index]),
    )


def _cells(equation, trial, end):
    """Cells so short that interpolation misses next to nothing of the residual."""
    others = [time for force in equation.forces for time in kinks(force)]
    longest = 2.0 / max(spectral_size(equation.matrix), 1e-300)
    edges = trial.edges.copy()
    edges[-1] = max(edges[-1], end)  # which may differ by a rounding
    cells = Cells.between(edges, others, longest)
    size = np.abs(_residual_values(equation, trial, cells)).max()
    done, active = [], cells
    while len(active.begin):
        rounding = _residual_rounding(equation, trial, active)
        missed = _missed(equation, trial, active)
        poor = (missed > np.maximum(rounding, NEGLIGIBLE * size)).any(axis=1)
        if len(active.begin) + sum(len(one.begin) for one in done) > MOST_CELLS:
            poor[:] = False
        done.append(active.select(~poor))
        active = active.select(poor)
        active = active.divided(np.full(len(active.begin), 2))
    order = np.argsort(np.concatenate([one.begin for one in done]))
    return Cells(*(np.concatenate(a)[order] for a in zip(*done)))


def _residual_values(equation, trial, cells):
    """r = x^(order) − rhs at the nodes, `(num, n, dimension)`."""
    *state, rate = trial.values(cells)[: trial.order + 1]
    times = cells.node_times
    force = np.stack([analytic_force(f, cells.middle).values(times) for f in equation.forces], -1)
    rows = equation.matrix[-trial.dimension :]
    residual = rate - np.concatenate(state, axis=-1) @ rows.T - force @ equation.drive.T
    return residual.astype(np.float64)


def _residual_rounding(equation, trial, cells):
    """Bounds of the rounding error of r, `(num, dimension)`."""
    *state, rate = trial.sizes(cells)[: trial.order + 1]
    *state_error, rate_error = trial.errors(cells)[: trial.order + 1]
    forces = [analytic_force(force, cells.middle) for force in equation.forces]
    force = np.stack([f.bound(cells.middle, cells.half) for f in forces], axis=-1)
    force_error = np.stack([f.rounding(cells.middle, cells.half) for f in forces], axis=-1)
    rows, drive = equation.sizes()
    terms = rate + np.hstack(state) @ rows.T + force @ drive.T
    errors = rate_error + np.hstack(state_error) @ rows.T + force_error @ drive.T
    return errors + (len(rows.T) + 32.0) * equation.unit * terms


def _missed(equation, trial, cells):
    """4 M ρ^{1−n}/(ρ − 1) for the best ρ, `(num, dimension)`."""
    rows, drive = equation.sizes()
    forces = [analytic_force(force, cells.middle) for force in equation.forces]
    best = np.full((len(cells.begin), trial.dimension), np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        for ratio in RATIOS:
            *state, rate = trial.sizes(cells, ratio)[: trial.order + 1]
            reach = cells.half * 0.5 * (ratio + 1.0 / ratio)
            force = np.stack([f.bound(cells.middle, reach) for f in forces], axis=-1)
            largest = rate + np.hstack(state) @ rows.T + force @ drive.T
            best = np.fmin(best, 4.001 * largest * ratio ** (1 - NUM_NODES) / (ratio - 1.0))
    return best


def _residual(equation, trial, cells):
    """r at the nodes `(n, dimension, num)`, and bounds of its rounding and of what p misses."""
    values = _residual_values(equation, trial, cells)
    rounding = _residual_rounding(equation, trial, cells)
    return values.transpose(1, 2, 0), rounding, _missed(equation, trial, cells)


def _signed_error(matrix, residual, cells):
    """Coefficients of E' and E, and of [0; p], each `(…, s, num)`."""
    size, half = len(matrix), cells.half
    drive = np.zeros((NUM_NODES, size, len(half)))
    drive[:, -residual.shape[1] :] = residual

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


def _defects(matrix, rates, series, driven, rounding, missed):
    """Bounds of |A E + [0; r] − E'| on each cell, `(num, s)`."""
    size, d = len(matrix), rounding.shape[1]
    left = -(matrix @ series)
    left[:-1] += rates - driven
    terms = (_sum(rates) + _sum(series) @ np.abs(matrix).T + _sum(driven)) * EPSILON
    bound = _sum(left) + (8.0 * NUM_NODES + 2.0 * size + 24.0) * terms
    largest = np.abs(driven[:, -d:]).sum(axis=0).T
    of_transform = 2.0 * NUM_NODES * (NUM_NODES + 4.0) * EPSILON * largest
    bound[:, -d:] += LEBESGUE * rounding + missed + of_transform
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
