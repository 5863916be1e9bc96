"""The signed error of a nonlinear equation's trial solution, by Newton's method on cells."""

from typing import NamedTuple

import numpy as np

from ..error_bounds.chebyshev_cells import MOST_CELLS, Cells, check_number_of_cells
from ..error_bounds.defect_bounds import spectral_size
from ..error_bounds.linear_equation import rough_times
from ..error_bounds.residual_bounds import (
    MANY_POOR,
    NEGLIGIBLE,
    RATIOS,
    can_be_resolved,
    missed_by_interpolation,
)
from ..error_bounds.rounding import EXTENDED_UNIT, UNIT
from .cell_polynomials import (
    begins,
    largest,
    node_slopes,
    node_values,
    solve_columns,
)
from .corrected_motion import CorrectedMotion
from .jets import Cut
from .marched_start import marched

MOST_CUTS = 10_000  # times at which an rhs changes
MOST_NEWTON_STEPS = 12
SETTLED = 1e-12  # of E: a correction that changes nothing any more
NEARLY = 1e-6  # of E: one that may be rounding if it falls no more
FARTHEST = 10.0  # of the last correction: a larger one leads nowhere
MOST_TURN = 1.0  # rad, by h |J|, in half a cell
MOST_ROUNDS = 40  # of halving cells
# Of the interval, half a cell in which the rhs has no bound, as where it divides by x = 0. Such a
# cell is cut into so many pieces at once, as each round solves for E on all cells.
SHORTEST = 2.0**-20
PIECES_WITHOUT_BOUND = 8
# What interpolation may miss of x̂'' too: a hundredth of its rounding in float64. A bound that asks
# for less (1e-9 of a residual that is rounding) is smaller by a tenth, and takes 3000 cells for 50.
OF_MOTION = 0.01 * UNIT
# And so many times what the rates at the nodes may be off by: where x̂ is known off the line by its
# nodes, that alone makes four of it, however short a cell is.
OF_ROUNDING = 8.0
SLOWEST = 0.5  # of what was missed before cells were halved: else that helps no more


class Linearisation(NamedTuple):
    """The equation about x̂ − E on cells, at the nodes; the last axis is that of cells.

    | field          | content                                  | shape        |
    |----------------|------------------------------------------|--------------|
    | `rates`        | [x̂'; x̂''] − [v; f(t, x̂ − E)], extended   | (n, s, num)  |
    | `rate_error`   | how far they may be off                  | (s, num)     |
    | `matrix`       | J, extended                              | (n, s, s, num) |
    | `matrix_error` | how far it may be off                    | (s, s, num)  |
    """

    rates: np.ndarray
    rate_error: np.ndarray
    matrix: np.ndarray
    matrix_error: np.ndarray


def linearise(rhs, motion, series):
    """`Linearisation` of `RightHandSide` about a `CorrectedMotion`, E given by its series.

    Args:
        rhs: `RightHandSide`.
        motion: `CorrectedMotion`.
        series: of E.
    """
    time, state, d = motion.times_at_nodes(), motion.at_nodes(series), rhs.dimension
    found = rhs.rates(motion.cells, time, state, order=1)
    acceleration = motion.values[motion.order]
    rates = acceleration - found.value.centre
    error = found.value.radius.max(axis=1) + motion.errors[motion.order]
    error += EXTENDED_UNIT * np.abs(rates).astype(np.float64).max(axis=1)
    rates, error = rates.transpose(1, 2, 0), error.T
    if motion.order == 2:  # x̂' − (x̂' − E_v)
        velocity, lost = node_values(series[:, d:])
        rates, error = np.concatenate([velocity, rates], axis=1), np.concatenate([lost, error])
    matrix = whole(found.slopes.centre.transpose(1, 2, 3, 0))
    lost = whole(found.slopes.radius.max(axis=1).transpose(1, 2, 0)[None], filling=0.0)[0]
    return Linearisation(rates, error, matrix, lost)


def whole(slopes, filling=1.0):
    """J `(…, s, s, num)` from ∂f/∂(x, v) `(…, d, s, num)`: x' = v in the rows above."""
    *_, d, size, num = slopes.shape
    top = np.zeros((*slopes.shape[:-3], size - d, size, num), slopes.dtype)
    top[...] = (filling * np.eye(size)[d:])[:, :, None]
    return np.concatenate([top, slopes], axis=-3)


def sizes_off_line(rhs, motion, series):
    """Bounds of |[v; f]'s part of δ| and of |J| on the ellipses of `RATIOS`.

    Returns:
        Pair of lists: `(s, num)` for [E_v; x̂'' − f(t, x̂ − E)], and `(s, s, num)` for J.
    """
    of_rates, of_matrix = [], []
    for ratio in RATIOS:
        time, state = motion.times_around(ratio), motion.around(series, ratio)
        found = rhs.rates(motion.cells, time, state, order=1)
        rate = (motion.size_of(ratio)[motion.order] + found.value.largest).T
        if motion.order == 2:
            rate = np.concatenate([largest(series[:, rhs.dimension :], ratio), rate])
        of_rates.append(rate)
        of_matrix.append(whole(found.slopes.largest.transpose(1, 2, 0)))
    return of_rates, of_matrix


def resolved(rhs, trial):
    """Cells on which polynomials follow the equation about x̂ − E, and E with all that is known.

    They end where a window does, where a force jumps or has a kink, and where `rhs` compares t.

    Returns:
        Tuple (motion, series, linearisation, sizes off the line).
    """
    cuts = {time for force in rhs.problem.coordinate_forces for time in rough_times(force)}
    while len(cuts) < MOST_CUTS:
        try:
            return _resolved_between(rhs, trial, sorted(cuts))
        except Cut as cut:
            cuts.add(cut.time)
    raise ValueError(
        f"error_bound follows an rhs that changes at most {MOST_CUTS} times. Received: "
        f"{type(rhs.problem).__name__}, which does more often. Use error_estimate(t)."
    )


def _resolved_between(rhs, trial, cuts):
    """First cells that follow x̂, then those that follow x̂ − E: where E is small, the same."""
    span = trial.edges[-1] - trial.edges[0]
    cells = Cells.between(trial.edges, cuts, span)
    negligible, is_about_error, before = None, False, Division(np.ones(1), np.inf, False)
    for _ in range(MOST_ROUNDS):
        motion = CorrectedMotion(trial, cells)
        series, is_settled = motion.no_error(), True
        if is_about_error:
            series, is_settled = signed_error(rhs, motion)
        here = linearise(rhs, motion, series)
        if negligible is None:
            negligible = _negligible(here.rates, NEGLIGIBLE)
            rounded = motion.size_by_weights(1.0)[motion.order]  # what float64 adds up
            negligible = max(negligible, _negligible(rounded, OF_MOTION))
        sizes = sizes_off_line(rhs, motion, series)
        division = _division(motion, here, sizes, negligible, is_about_error)
        pieces = division.pieces
        if division.is_in_vain or not is_settled or _is_hopeless(trial, cells, pieces):
            break  # no proof will close
        helps, before = division.helps_after(before), division
        if pieces.max() > 1 and pieces.sum() <= MOST_CELLS and helps:
            cells = cells.divided(pieces)
        elif is_about_error:
            break
        else:
            is_about_error = True
    return motion, series, here, sizes


class Division(NamedTuple):
    """Into how many pieces each cell is to be cut.

    | field        | content                                                                |
    |--------------|------------------------------------------------------------------------|
    | `pieces`     | of each cell, `(num,)`; 1 where polynomials follow it                  |
    | `missed`     | what half of the cells that are cut miss, at least                     |
    | `is_in_vain` | whether no cutting will help                                           |
    """

    pieces: np.ndarray
    missed: float
    is_in_vain: bool

    def helps_after(self, before):
        """Whether the cells are better after the `Division` before.

        Shorter cells may be no better, as where times are rounded; they are as they are, then.
        """
        few = (self.pieces > 1).sum() <= max((before.pieces > 1).sum(), MANY_POOR)
        return few or self.missed < SLOWEST * before.missed


def _negligible(sizes, part):
    """A part of the largest of the sizes that are numbers."""
    sizes = np.abs(sizes).astype(np.float64)
    return part * sizes[np.isfinite(sizes)].max(initial=0.0)


def _division(motion, here, sizes, negligible, is_about_error):
    """The `Division` of the cells that polynomials do not follow.

    About x̂ a cell in which the rhs has no bound is cut only where x̂ asks for it: x̂ − E may be far
    from there. About x̂ − E such cells are cut until they are very short, or too many.
    """
    cells, order = motion.cells, motion.order
    matrix = np.abs(here.matrix).astype(np.float64).max(axis=0)
    missed, lost = (missed_by_interpolation(size) for size in sizes)
    good = (missed <= np.maximum(OF_ROUNDING * here.rate_error, negligible)).all(axis=0)
    good &= lost.max(axis=(0, 1)) <= NEGLIGIBLE * matrix.max(axis=(0, 1))
    is_bounded = np.isfinite(missed).all(axis=0) & np.isfinite(lost).all(axis=(0, 1))
    is_known = np.isfinite(here.rate_error).all(axis=0)  # else shorter cells are of no use either
    if not is_about_error:
        of_motion = missed_by_interpolation([motion.size_of(ratio)[order] for ratio in RATIOS])
        follows = of_motion <= np.maximum(motion.errors[order], negligible)
        good |= ~is_bounded & follows.all(axis=1)
    matrix = np.nan_to_num(matrix, posinf=0.0)
    fastest = np.array([spectral_size(one) for one in matrix.transpose(2, 0, 1)])
    turning = np.ceil(cells.half * fastest / MOST_TURN)
    check_number_of_cells(turning.sum())
    parts = np.where(is_bounded, 2.0, PIECES_WITHOUT_BOUND)
    pieces = np.maximum(turning, np.where(good | ~is_known, 1.0, parts))
    pieces = np.where(cells.can_be_divided, pieces, 1.0).astype(int)
    missed_there = missed.max(axis=0)[pieces > 1]
    missed_there = np.median(missed_there) if len(missed_there) else 0.0
    if not is_about_error:
        return Division(pieces, missed_there, False)
    is_short = cells.half < SHORTEST * (cells.end[-1] - cells.begin[0])
    is_in_vain = (~is_known | ~is_bounded & is_short).any()
    is_in_vain |= pieces[~is_bounded].sum() > MANY_POOR
    return Division(pieces, missed_there, is_in_vain)


def _is_hopeless(trial, cells, pieces):
    """Whether x̂ itself is such that no number of cells is enough somewhere."""
    poor = pieces > 1
    return poor.sum() > MANY_POOR and not can_be_resolved(trial, cells.select(poor)).all()


def signed_error(rhs, motion):
    """Series of E by Newton's method, and whether it has settled: from x̂, or else from RK4."""
    series, is_settled = _newton(rhs, motion, motion.no_error())
    return (series, True) if is_settled else _newton(rhs, motion, marched(rhs.problem, motion))


def _newton(rhs, motion, series):
    """Newton's method from a first E, all cells at once.

    C, which E lacks, obeys C' = J C + rates − E', and jumps where E does.
    """
    before, half = np.inf, motion.cells.half
    for _ in range(MOST_NEWTON_STEPS):
        here = linearise(rhs, motion, series)
        mismatch = (here.rates - node_slopes(series, half)[0]).astype(np.float64)
        correction = _propagated(here.matrix.astype(np.float64), mismatch, jumps(series), half)
        change, size = np.abs(correction).max(), np.abs(series + correction).max()
        if not np.isfinite(size) or change > FARTHEST * before:
            return series, False
        if change > 0.5 * before and change <= NEARLY * size:
            return series, True  # as far as float64 goes
        series, before = series + correction, change
        if change <= SETTLED * size:
            return series, True
    return series, False


def jumps(series):
    """E at the start of a cell less E at the end of the one before, `(s, num)`; 0 before all."""
    before = np.concatenate([np.zeros_like(series[0, :, :1]), series.sum(axis=0)[:, :-1]], axis=1)
    return begins(series) - before


def _propagated(matrix, drive, jump, half):
    """Series of C on all cells: C' = J C + drive, from 0, and less by the jumps at each start."""
    size, num = jump.shape
    drives = np.zeros((len(drive), size, num, 1 + size))
    drives[..., 0] = drive
    start = np.zeros((size, num, 1 + size))
    start[np.arange(size), :, 1 + np.arange(size)] = 1.0
    columns = solve_columns(matrix, drives, start, half)
    ends, weights = columns.sum(axis=0), np.ones((num, 1 + size))
    now = np.zeros(size)
    for k in range(num):
        weights[k, 1:] = now - jump[:, k]
        now = ends[:, k] @ weights[k]
    return np.einsum("jskc,kc->jsk", columns, weights)
