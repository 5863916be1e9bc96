"""Least squares on free runs by multiple shooting: short windows first, joined step by step.

Each window begins where the record says that the motion was. So no phase is ever wrong by a
period, whatever the constants were, and least squares finds the right valley from afar. Then
windows are joined into groups of four, sixteen, …, inside which a window has to begin where the
one before it ended; with the last join the groups are the free runs of the records.
"""

import itertools
from typing import NamedTuple

import numpy as np

from .window_descent import FALL, LAST_FALL, descend, merit_of
from .window_runs import repeated_windows, sums_of_groups
from .window_starts import settled

JOINED = 4  # groups become one
FEW_STEPS, MOST_STEPS = 8, 40
FIRST_STEPS = 25
SLIGHT = 1e-3  # fall in variances of the noise, where kinks let no search end: .03 standard errors
SHUT = 1e-6  # a gap, of the size of the motion, below which a run is one
MOST_WINDOWS = 500  # of all guesses together
QUIET = np.errstate(over="ignore", invalid="ignore")  # of runs that leave the range of numbers
RIDGE = 1e-9  # of starts that no sample sees


class Point(NamedTuple):
    """Where a search is: constants, offsets of the records, starts of the windows, scales."""

    constants: np.ndarray
    offsets: np.ndarray
    starts: np.ndarray
    scales: np.ndarray | float = 1.0  # of the records, where they have their own


class Shot(NamedTuple):
    """The end of a search.

    | field      | content                                                              |
    |------------|----------------------------------------------------------------------|
    | `point`    | `Point`                                                              |
    | `error`    | free run + offset − record at all samples, `(N,)`                    |
    | `jacobian` | its derivatives by the constants, starts and offsets solved for      |
    | `square`   | of the error                                                         |
    | `closed`   | whether all windows begin where those before them end                |
    | `noise`    | mean square error with a start for each window, or None if not known |
    """

    point: Point
    error: np.ndarray
    jacobian: np.ndarray
    square: float
    closed: bool
    noise: float | None


class Shooting:
    """A law, the windows of the records, and the least squares on them.

    Args:
        law: `Law`.
        windows: `Windows`.
        coarse: the same with larger steps, for all but the end of a search; None: these.
    """

    def __init__(self, law, windows, coarse=None):
        self.law, self.windows = law, windows
        self.coarse = self if coarse is None else Shooting(law, coarse)
        self.num_records = int(windows.record[-1]) + 1
        self.sample_record = windows.record[windows.window]
        self.begins = np.flatnonzero(np.diff(windows.record, prepend=-1))  # of records
        self.first_weight = max(1.0, len(windows.values) / (4 * len(windows.record)))  # of a gap

    @QUIET
    def begin(self, guesses, most):
        """Points for guessed constants, one after the other, the nearest to the record first.

        All guesses run at once, in every so many windows, from rest.
        """
        windows = self.coarse.windows
        every = max(1, len(guesses) * len(windows.step) // MOST_WINDOWS)
        tiled = repeated_windows(windows, len(guesses), every)
        trial = Shooting(self.law, tiled)
        constants = np.repeat(np.transpose(guesses), len(tiled.step) // len(guesses), axis=1)
        point = Point(constants, np.zeros(len(guesses)), np.zeros((len(tiled.step), 2)))
        squares = np.bincount(tiled.record[tiled.window], settled(trial, point).error ** 2)
        order = np.argsort(np.where(np.isfinite(squares), squares, np.inf))[:most]
        return (self.at_rest(guesses[i]) for i in order)

    @QUIET
    def at_rest(self, constants):
        """The point with these constants whose windows lie nearest to the record."""
        starts = np.zeros((len(self.windows.step), 2))
        point = Point(np.array(constants), np.zeros(self.num_records), starts)
        return settled(self.coarse, point).point

    @QUIET
    def search(self, point, first_steps=FIRST_STEPS, near=False):
        """From single windows to whole records; at once if the constants are `near`: `Shot`."""
        longest = int(np.diff(np.append(self.begins, len(self.windows.record))).max())
        size, steps, weight, noise = 1, first_steps, self.first_weight, None
        while size < longest and not near:
            state = descend(self.coarse, point, self.groups(size), steps, FALL, weight)
            freedom = len(state.error) - 2 * len(np.unique(self.groups(size)))
            if size == 1 and freedom > 0:
                noise = float(state.error @ state.error) / freedom
            point, weight = state.point, state.weight
            size, steps = size * JOINED, FEW_STEPS
        last = max(LAST_FALL, SLIGHT / len(self.windows.values)) if self.law.sticks else LAST_FALL
        state = descend(self, point, self.groups(longest), MOST_STEPS, last, weight)
        return Shot(
            *(state.point, state.error, self.projected(state)),
            *(float(state.error @ state.error), self.gap(state) < SHUT, noise),
        )

    @QUIET
    def in_windows(self, point):
        """Constants and the sum of squares where each window has its own start."""
        group = self.groups(1)
        state = descend(self.coarse, point, group, FIRST_STEPS, FALL, self.first_weight)
        return state.point.constants, state.merit

    def groups(self, size):
        """The first window of the group of each window, `(K,)`."""
        places = np.arange(len(self.windows.record))
        begin = self.begins[self.windows.record]
        return begin + (places - begin) // size * size

    def state(self, point, group, weight=0.0):
        """Runs from a point: `State`.

        Args:
            point: `Point`.
            group: the first window of the group of each window, `(K,)`.
            weight: of the gaps inside groups; of no use where each window is a group.
        """
        run = self.law.run(point.constants, point.starts, self.windows)
        scale = np.broadcast_to(point.scales, self.num_records)[self.sample_record]
        run = run._replace(slopes=scale[:, None] * run.slopes)
        error = scale * run.values + point.offsets[self.sample_record] - self.windows.values
        inner = np.flatnonzero(group != np.arange(len(group)))  # windows that continue one
        gaps = run.ends[inner - 1] - point.starts[inner]
        return State(point, run, error, inner, gaps, weight, merit_of(error, gaps, weight))

    def transfers(self, state, group):
        """Moves of all starts by (start of the group, constants, 1), `(K, 2, 2 + P + 1)`."""
        size = state.run.slopes.shape[1]
        moves = np.zeros((len(group), 2, size + 1))
        moves[:, 0, 0] = moves[:, 1, 1] = 1.0
        gaps = np.zeros((len(group), 2))
        gaps[state.inner] = state.gaps
        place = np.arange(len(group)) - group
        slopes = state.run.end_slopes
        order = np.argsort(place, kind="stable")
        edges = np.searchsorted(place[order], np.arange(1, place.max() + 2))
        for first, last in itertools.pairwise(edges):
            k = order[first:last]
            moves[k] = slopes[k - 1, :, :2] @ moves[k - 1]
            moves[k, :, 2:size] += slopes[k - 1, :, 2:]
            moves[k, :, size] += gaps[k]
        return moves

    def rows(self, state, moves):
        """Rows of the samples: by the start of the group, by the constants, and the error."""
        slopes, window = state.run.slopes, self.windows.window
        through = slopes[:, 0, None] * moves[window, 0] + slopes[:, 1, None] * moves[window, 1]
        through[:, 2:-1] += slopes[:, 2:]
        through[:, -1] += state.error
        return through

    def move(self, state, group, damping=0.0, fixed=False):
        """The Levenberg–Marquardt step as a `Point` of changes.

        The two numbers of each group are eliminated first (Schur's complement).
        """
        moves = self.transfers(state, group)
        rows = self.rows(state, moves)
        heads, number = np.unique(group, return_inverse=True)
        first = np.searchsorted(number[self.windows.window], np.arange(len(heads)))
        local, shared = rows[:, :2], self.shared(rows, state.run.values)
        products = sums_of_groups(np.einsum("ni,nj->nij", local, np.c_[rows[:, -1], local]), first)
        blocks, right = products[:, :, 1:], products[:, :, 0]
        typical = np.trace(blocks, axis1=1, axis2=2).max() + 1e-300
        # A window that begins at rest may stick whatever its own velocity is.
        share = RIDGE + damping if self.law.sticks else RIDGE
        blocks = blocks + share * typical * np.eye(2)
        unknowns, num = self.unknowns(shared.shape[1])
        change = np.zeros(num + 1)
        if not fixed:
            cross = sums_of_groups(np.einsum("ni,nj->nij", local, shared), first)
            solved = np.linalg.solve(blocks, np.concatenate([cross, right[..., None]], axis=2))
            record = self.windows.record[heads]
            eliminated = np.einsum("gij,gik->gjk", cross, solved)
            eliminated = sums_of_groups(eliminated, self.firsts(record))
            products = self.shared_products(shared, rows[:, -1])
            change[:-1] = shared_change(products, eliminated, unknowns, num, damping)
            right = right + np.einsum("gij,gj->gi", cross, change[unknowns[record]])
        of_groups = -np.linalg.solve(blocks, right[..., None])[..., 0]
        return self.changes(moves, number, of_groups, change[:-1])

    def shared_products(self, shared, error):
        """Products of the shared columns with each other and the error, summed by record."""
        products = np.einsum("ni,nj->nij", shared, np.c_[shared, error])
        return sums_of_groups(products, self.firsts(self.sample_record))

    def firsts(self, record):
        """Where each record begins in the sorted records of rows, `(R,)`."""
        return np.searchsorted(record, np.arange(self.num_records))

    def shared(self, rows, values):
        """Columns of the constants, of the offset of the row's record, and of its scale."""
        columns = [rows[:, 2:-1], np.ones((len(rows), 1))]
        return np.concatenate(columns + [values[:, None]] * self.windows.scaled, axis=1)

    def unknowns(self, num_columns):
        """Which unknown each column of `shared` belongs to, `(R, columns)`, and how many there are.

        Constants come first, then offsets, then scales but that of the first record, which is 1:
        its place is behind all unknowns.
        """
        records = np.arange(self.num_records)
        num = num_columns - 1 - self.windows.scaled  # constants
        columns = [np.full(len(records), k) for k in range(num)] + [num + records]
        num += len(records)
        if self.windows.scaled:
            columns.append(np.roll(num + records, 1))
            num += len(records) - 1
        return np.stack(columns, axis=1), num

    def changes(self, moves, number, of_groups, change):
        """All windows follow the starts of their groups and the constants."""
        num_scales = self.num_records - 1 if self.windows.scaled else 0
        edges = np.cumsum([len(change) - self.num_records - num_scales, self.num_records])
        constants, offsets, scales = np.split(change, edges)
        tiled = np.tile(constants, (len(number), 1))
        whole = np.c_[of_groups[number], tiled, np.ones(len(number))]
        starts = np.einsum("kij,kj->ki", moves, whole)
        return Point(constants, offsets, starts, np.append(0.0, scales) if num_scales else 0.0)

    def gap(self, state):
        """The largest gap between a window and the next, of the size of the motion."""
        size = np.abs(state.point.starts).max()
        return float(np.abs(state.gaps).max(initial=0.0) / (size + 1e-300))

    def projected(self, state):
        """∂error by the constants, cleared of what starts and offsets can do."""
        group = self.groups(len(self.windows.record))
        rows = self.rows(state, self.transfers(state, group))
        jacobian = rows[:, 2:-1].copy()
        edges = np.searchsorted(self.sample_record, np.arange(self.num_records + 1))
        values = state.run.values[:, None]
        for first, last in itertools.pairwise(edges):
            own = np.c_[rows[first:last, :2], np.ones(last - first)]
            if self.windows.scaled and first > 0:
                own = np.c_[own, values[first:last]]
            basis = np.linalg.qr(own / np.maximum(np.linalg.norm(own, axis=0), 1e-300))[0]
            jacobian[first:last] -= basis @ (basis.T @ jacobian[first:last])
        return jacobian


class State(NamedTuple):
    """A point and its runs.

    | field    | content                                                            | shape  |
    |----------|--------------------------------------------------------------------|--------|
    | `point`  | `Point`                                                            |        |
    | `run`    | `WindowRun` in the scales of the records                           |        |
    | `error`  | run + offset − record at all samples                               | (N,)   |
    | `inner`  | windows that continue the one before them                          | (I,)   |
    | `gaps`   | where these should begin, minus where they do                      | (I, 2) |
    | `weight` | of the gaps' squares beside those of the errors                    |        |
    | `merit`  | what has to fall: both squares; infinite where a run is not finite |        |
    """

    point: Point
    run: object
    error: np.ndarray
    inner: np.ndarray
    gaps: np.ndarray
    weight: float
    merit: float


def shared_change(products, eliminated, unknowns, num, damping):
    """The step of constants, offsets and scales, once the groups' own numbers are eliminated.

    Args:
        products: of their columns with each other and with the error, `(R, columns, columns + 1)`.
        eliminated: what the groups' own numbers do instead, of the same shape.
        unknowns, num: of `Shooting.unknowns`.
        damping: of Levenberg–Marquardt.
    """
    squares, whole = np.zeros(num + 1), np.zeros((num + 1, num + 2))
    np.add.at(squares, unknowns, np.einsum("rjj->rj", products[..., :-1]))
    columns = np.c_[unknowns, np.full(len(unknowns), num + 1)]
    np.add.at(whole, (unknowns[:, :, None], columns[:, None]), products - eliminated)
    if not np.isfinite(whole).all():
        return np.full(num, np.nan)  # a step that no search takes
    sizes = np.sqrt(np.maximum(squares[:-1], 1e-300))
    normal = whole[:-1, :-2] / np.outer(sizes, sizes) + (damping + 1e-13) * np.eye(num)
    return -np.linalg.lstsq(normal, whole[:-1, -1] / sizes, rcond=1e-14)[0] / sizes
