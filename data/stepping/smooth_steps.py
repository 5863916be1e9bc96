"""Steps that no jump of a force crosses.

A Runge–Kutta method has its order only where the right-hand side is smooth. A step across a jump
of the force errs by Δt, one across a kink by Δt², whatever the order of the method. Such a step is
cut at these times into pieces. At a jump the force has two values: each piece looks at it from
inside, a few roundings away.
"""

from typing import NamedTuple

import numpy as np

from ..checks import real_value
from .steppers import rk4_step

# How far two computations of one time differ, of the largest time: 3 · 0.1 and 0.3.
ROUNDING = 16.0 * np.finfo(np.float64).eps


class Pieces(NamedTuple):
    """The pieces of all steps that are cut or touched by a jump, in order of time.

    | field    | content                                         | shape |
    |----------|-------------------------------------------------|-------|
    | `step`   | i of the step t_i → t_{i+1} it belongs to       | (num,) |
    | `start`  | its begin, in s                                 | (num,) |
    | `length` | in s                                            | (num,) |
    | `first`  | earliest time at which the force is looked at   | (num,) |
    | `last`   | latest such time, in s; ∓inf: no jump there     | (num,) |
    """

    step: np.ndarray
    start: np.ndarray
    length: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def by_step(self):
        """Dictionary i → list of (start, length, first, last)."""
        found = {}
        for step, *piece in zip(*(column.tolist() for column in self)):
            found.setdefault(step, []).append(piece)
        return found

    def by_rank(self):
        """Indices of the first pieces of their steps, then of the second ones, …: a list."""
        begins = np.flatnonzero(np.diff(self.step, prepend=-1))
        rank = np.arange(len(self.step)) - np.repeat(begins, np.diff(begins, append=len(self.step)))
        order = np.argsort(rank, kind="stable")
        return np.split(order, np.cumsum(np.bincount(rank))[:-1])


class OneSided:
    """A problem that is looked at between two times only."""

    def __init__(self, problem, first, last):
        self.problem, self.first, self.last = problem, first, last

    def slopes(self, t, *state):
        """As `InitialValueProblem.slopes`."""
        return self.problem.slopes(np.clip(t, self.first, self.last), *state)


def split_steps(problem, times):
    """Where the steps of a grid have to be cut, so that the problem is smooth in every piece.

    Args:
        problem: `InitialValueProblem`; its `breakpoints`, and those and the `kinks` of its forces.
        times: increasing, `(N + 1,)`, in s; need not be equidistant.

    Returns:
        `Pieces`, or None if no step has to be cut and none begins or ends at a jump.
    """
    margin = ROUNDING * np.abs(times).max()
    rough, jumps = _rough_times(problem, times[0] - margin, times[-1] + margin)
    if not len(rough):
        return None
    after = np.clip(np.searchsorted(times, rough), 1, len(times) - 1)
    nearest = after - (rough - times[after - 1] < times[after] - rough)
    on_grid = np.abs(rough - times[nearest]) <= margin
    rows = nearest[on_grid & jumps]  # of times at which the problem jumps
    inside, jumps = rough[~on_grid], jumps[~on_grid]
    touched = np.unique(np.concatenate([after[~on_grid] - 1, rows - 1, rows]))
    touched = touched[(touched >= 0) & (touched < len(times) - 1)]
    if not len(touched):
        return None

    step = np.concatenate([touched, after[~on_grid] - 1])
    start = np.concatenate([times[touched], inside])
    from_jump = np.concatenate([np.isin(touched, rows), jumps])
    order = np.lexsort((start, step))
    step, start, from_jump = step[order], start[order], from_jump[order]
    is_last = np.append(step[1:] != step[:-1], True)
    end = np.where(is_last, times[step + 1], np.roll(start, -1))
    to_jump = np.where(is_last, np.isin(step + 1, rows), np.roll(from_jump, -1))
    first = np.where(from_jump, start + margin, -np.inf)
    return Pieces(step, start, end - start, first, np.where(to_jump, end - margin, np.inf))


def step_in_pieces(problem, pieces, state, step, as_time):
    """One step of a method, piece by piece.

    Args:
        problem: `InitialValueProblem`.
        pieces: what `Pieces.by_step` has for the step.
        state: tuple (x, v), order 1: (x,).
        step: one of the functions of `steppers`.
        as_time: makes of a number the t that the problem takes.
    """
    for start, length, first, last in pieces:
        beside_jump = first > -np.inf or last < np.inf
        smooth = OneSided(problem, first, last) if beside_jump else problem
        state = step(smooth, as_time(start), state, length)
    return state


class LinearRates:
    """s' = J s + B F(t) of many copies of a linear problem, each at a time of its own.

    Args:
        matrix: [J B], `(d, d + dimension, batch or 1)`.
        force: F(t), from `(num,)` to `(batch or 1, num, dimension)`.
    """

    def __init__(self, matrix, force):
        d = len(matrix)
        self.equation, self.drive = matrix[:, :d].T, matrix[:, d:].T
        self.force = force

    def slopes(self, t, state):
        """Rates of states `(batch, num, d)` at times t, `(num, 1)`."""
        return (state @ self.equation + self.force(t[:, 0]) @ self.drive,)


def response_in_pieces(matrix, force, pieces, batch):
    """What the force adds to the state in every step that is cut, by RK4 in each of its pieces.

    Args:
        matrix: [J B] of the equation s' = J s + B F(t), `(d, d + dimension, batch or 1)`.
        force: F(t), from `(num,)` to `(batch or 1, num, dimension)`.
        pieces: `Pieces`.
        batch: number of trajectories.

    Returns:
        g, `(batch, number of steps that are cut, d)`: those steps lead from 0 to g.
    """
    rows = np.unique(pieces.step, return_inverse=True)[1]
    added = np.zeros((batch, rows[-1] + 1, len(matrix)))
    rates = LinearRates(matrix, force)
    for chosen in pieces.by_rank():
        start, length, first, last = (column[chosen, None] for column in pieces[1:])
        now = added[:, rows[chosen]]
        (added[:, rows[chosen]],) = rk4_step(OneSided(rates, first, last), start, (now,), length)
    return added


def _rough_times(problem, start, end):
    """Times at which the problem jumps or has a kink, and which of them are jumps."""
    forces = problem.coordinate_forces
    jumps = [_times("breakpoints", item) for item in (problem, *forces)]
    kinks = [_times("kinks", force) for force in forces]
    jumps = np.concatenate(jumps)
    rough = np.unique(np.concatenate([jumps, *kinks]))
    rough = rough[(rough >= start) & (rough <= end)]
    return rough, np.isin(rough, jumps)


def _times(name, item):
    times = getattr(item, name, ())
    if np.size(times) == 0:
        return np.empty(0)
    return np.ravel(real_value(f"{name} of {type(item).__name__}", times, "s"))
