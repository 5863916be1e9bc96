"""How wrong a trial solution probably is: the linearised equation of its error.

The error e = x̂ − x of a trial solution obeys, with the residual r and J = ∂(v, rhs)/∂(x, v) at x̂,

    y' = J(t) y + [0; r] + O(e²),   y = (e, e'),   y(t0) = 0          (order 1: y = e)

Without the last term it is solved on short cells by polynomials, far more precisely than e needs;
what the model's own evaluation in float64 has lost is added. What is left out makes this an
estimate, not a bound: it is good where e is small.
"""

from typing import NamedTuple

import keras
import numpy as np
from numpy.polynomial.chebyshev import chebvander

from .chebyshev_cells import (
    EXTENDED_NODES,
    MOST_CELLS,
    NUM_NODES,
    TURN,
    Cells,
    check_number_of_cells,
    integrate_series,
    node_values_to_series,
    solve_on_cells,
    values_at,
)
from .defect_bounds import spectral_size
from .trial_bounds import TrialBounds

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

RESOLVED = 1e-8  # of the residual: what the last coefficients of its series may be
NOISE = 1e-12  # of the rate x'' (or x'): the series of rounding errors never ends
ROUNDS = 6
NONLINEAR = 0.5  # of the error: with less, an estimate is right to a factor of about 2


class ErrorEstimate(NamedTuple):
    """An estimate of x̂ − x and of its rate, with their signs, arrays `(num, dimension)`.

    `nonlinearity` is what the terms that were left out add to the error where they are put in
    once, as a part of the largest error: 0 for a linear problem. From `NONLINEAR` on the estimate
    may be wrong by any factor.
    """

    error: np.ndarray
    rate_error: np.ndarray
    nonlinearity: float

    @property
    def is_valid(self):
        """Whether the equation of the error may be linearised."""
        return self.nonlinearity <= NONLINEAR


def estimate_error(pinn, t):
    """`ErrorEstimate` of x̂ − x and its rate by the linearised equation.

    Args:
        pinn: `PINN`, any problem, activation, h1 and h2.
        t: times `(num,)` in s.

    Raises:
        ValueError: for a motion that turns too often in the time.
    """
    cells, state, residual, jacobian = _resolved(pinn)
    size, half = jacobian.shape[1], cells.half
    start = np.zeros((size, len(half), size))
    start[np.arange(size), :, np.arange(size)] = 1.0
    fundamental = _solved(jacobian, np.zeros((NUM_NODES, size, len(half), 1)), start, half)
    rates, series = _response(jacobian, residual, fundamental, half)
    nonlinearity = 0.0
    if not pinn.problem.is_linear:
        with np.errstate(all="ignore"):  # a motion that is far away may overflow
            left_out = _left_out(pinn.problem, cells, state, jacobian, series)
            added = _response(jacobian, -left_out, fundamental, half)[1]
            nonlinearity = _ratio(*(np.abs(y).sum(axis=0).max() for y in (added, series)))
    index, xi = cells.place(t)
    d, now = pinn.problem.dimension, values_at(series, index, xi)
    rate = now[:, d:] if pinn.problem.order == 2 else values_at(rates, index, xi)
    error, rate_error = (e + lost for e, lost in zip((now[:, :d], rate), _rounding(pinn, t)))
    return ErrorEstimate(error, rate_error, nonlinearity)


def _solved(jacobian, drive, start, half):
    """Series of y' and of y on each cell, for columns of drives and of states at the start."""

    def rate(y):
        return np.einsum("nijk,njkc->nikc", jacobian, y) + drive

    rates = node_values_to_series(rate(solve_on_cells(rate, start, half[:, None])))
    series = integrate_series(rates, half[:, None])
    series[0] += start
    return rates, series


def _response(jacobian, residual, fundamental, half):
    """Series of y' and of y from rest, y' = J y + [0; r] with r at the nodes."""
    size, d = jacobian.shape[1], residual.shape[1]
    drive = np.zeros((NUM_NODES, size, len(half), 1))
    drive[:, -d:, :, 0] = residual
    own = _solved(jacobian, drive, np.zeros((size, len(half), 1)), half)
    columns = [np.concatenate(pair, axis=-1) for pair in zip(own, fundamental)]
    weights = _carried(columns[1].sum(axis=0))
    return [np.einsum("jskc,kc->jsk", column, weights) for column in columns]


def _left_out(problem, cells, state, jacobian, series):
    """f(t, y − E) − f(t, y) + J E at the nodes, `(n, d, num)`, y the state there."""
    d, num = problem.dimension, len(cells.begin)
    polynomials = chebvander(EXTENDED_NODES.astype(np.float64), NUM_NODES)
    error = np.einsum("nj,jsk->nsk", polynomials, series)
    moved = error.transpose(2, 0, 1).reshape(num * NUM_NODES, -1)
    parts = [y - e for y, e in zip(state, np.split(moved, problem.order, axis=-1))]
    t = cells.node_times.reshape(-1, 1)
    change = problem.rhs(t, *parts) - problem.rhs(t, *state) + np.zeros_like(state[0])
    change = change.astype(np.float64).reshape(num, NUM_NODES, d).transpose(1, 2, 0)
    return change + np.einsum("nijk,njk->nik", jacobian[:, -d:], error)


def _ratio(added, size):
    return 0.0 if size == 0.0 else float(np.nan_to_num(added / size, nan=np.inf))


def _resolved(pinn):
    """Cells on which polynomials follow the residual, with the state, r and J at their nodes."""
    problem = pinn.problem
    rough_times = pinn.domain.sketch().rough_times
    edges = np.array(pinn.window_edges, np.float64)
    edges[-1] = max(edges[-1], problem.start_time + pinn.duration)
    cells = Cells.between(edges, rough_times, edges[-1] - edges[0])
    for _ in range(ROUNDS):
        state, residual, jacobian, largest = _linearise(pinn, cells)
        series = np.abs(node_values_to_series(residual))
        negligible = RESOLVED * series.max() + NOISE * largest
        ending = series[-3:].max(axis=(0, 1)) > negligible
        fastest = [spectral_size(one) for one in np.abs(jacobian).max(axis=0).transpose(2, 0, 1)]
        turning = np.ceil(cells.half * np.array(fastest) / TURN)
        check_number_of_cells(turning.sum())
        pieces = np.maximum(turning, 1.0 + ending)
        if turning.max() > 1.0 and pieces.sum() > MOST_CELLS:
            pieces = np.maximum(turning, 1.0)
        if pieces.max() <= 1.0 or pieces.sum() > MOST_CELLS:
            break
        cells = cells.divided(pieces.astype(int))
    else:
        state, residual, jacobian, _ = _linearise(pinn, cells)
    return cells, state, residual, jacobian


def _linearise(pinn, cells):
    """The state, r `(n, dimension, num)` and J `(n, s, s, num)` at the nodes, and max |x''|."""
    problem = pinn.problem
    order, dimension, num = problem.order, problem.dimension, len(cells.begin)
    t = cells.node_times.reshape(-1, 1)
    *state, rate = _motion(pinn, cells, t)[: order + 1]
    size = order * dimension
    jacobian = np.zeros((len(t), size, size))
    jacobian[:, :-dimension] = np.eye(size)[dimension:]
    jacobian[:, -dimension:] = _slopes(problem, t, np.concatenate(state, axis=-1))
    residual = (rate - problem.rhs(t, *state)).astype(np.float64)
    residual = residual.reshape(num, NUM_NODES, dimension)
    jacobian = jacobian.reshape(num, NUM_NODES, size, size)
    largest = float(np.abs(rate).max())
    return state, residual.transpose(1, 2, 0), jacobian.transpose(1, 2, 3, 0), largest


def _motion(pinn, cells, t):
    """x̂, x̂', x̂'' at the nodes: extended where NumPy can, as a residual is a small difference."""
    trial = _extended_trial(pinn)
    motion = trial.values(cells) if trial else pinn.derivatives(t.astype(np.float64))
    return [np.asarray(y).reshape(len(t), -1) for y in motion]


def _rounding(pinn, t):
    """What the model's own position and velocity have lost by rounding, where it can be seen."""
    trial = _extended_trial(pinn)
    if trial is None:
        return 0.0, 0.0
    pairs = zip(pinn.derivatives(t)[:2], trial.at(t))
    return [(np.asarray(y) - extended).astype(np.float64) for y, extended in pairs]


def _extended_trial(pinn):
    """The trial solution in NumPy; None with h1, h2, networks of each window's own, …"""
    try:
        return TrialBounds(pinn)
    except ValueError:
        return None


def _slopes(problem, t, states):
    """∂rhs/∂(x, v), `(num, d, s)`."""
    t, states = (tf.constant(a.astype(np.float64)) for a in (t, states))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(states)
        parts = tf.split(states, problem.order, axis=-1)
        rhs = problem.rhs(t, *parts, ops=keras.ops) + tf.zeros_like(parts[0])
        coordinates = tf.unstack(rhs, num=problem.dimension, axis=-1)
    rows = [tape.gradient(c, states, unconnected_gradients="zero") for c in coordinates]
    return np.stack([np.asarray(row, np.float64) for row in rows], axis=1)


def _carried(ends):
    """Weights [1, y(start of cell)] of the columns in each cell, `(num, 1 + s)`."""
    weights = np.zeros((ends.shape[1], ends.shape[2]))
    weights[0, 0] = 1.0
    for k in range(ends.shape[1] - 1):
        weights[k + 1] = np.append(1.0, ends[:, k] @ weights[k])
    return weights
