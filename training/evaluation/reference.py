"""The motion that a solution is compared with."""

import itertools
from typing import NamedTuple

import numpy as np

from oscillator_zoo.data.stepping.smooth_steps import split_steps, step_in_pieces
from oscillator_zoo.data.stepping.steppers import rk4_step

RELATIVE_ERROR = 1e-10
MOST_SUBSTEPS = 16


class ReferenceMotion(NamedTuple):
    """A solution of an initial-value problem at given times, with its own error.

    | field      | content                                                   |
    |------------|-----------------------------------------------------------|
    | `position` | x, `(num, dimension)`, in m                               |
    | `velocity` | v (order 1: x'), `(num, dimension)`, in m/s               |
    | `method`   | "the exact solution" or "RK4"                             |
    | `error`    | what the last halving of the step moved x by, in m        |
    """

    position: np.ndarray
    velocity: np.ndarray
    method: str
    error: float


def reference_motion(problem, times):
    """The closed form where there is one, else RK4 with steps that go to zero.

    Between two neighbouring times RK4 takes 1, 2, 4, … equal steps. Its error is a series in the
    step h, c4 h⁴ + c5 h⁵ + …, of which every halving lets one more term be removed,

        X_{j,0} = X(h/2^j),   X_{j,i} = X_{j,i−1} + (X_{j,i−1} − X_{j−1,i−1}) / (2^{3+i} − 1)

    until a halving moves no position by more than 1e-10 of the largest one, or there are 16 steps.
    Where the force jumps or has a kink between two times, each piece between them has these steps.

    Args:
        problem: `InitialValueProblem`, one trajectory.
        times: increasing, from `problem.start_time` on, `(num,)`, in s.

    Returns:
        `ReferenceMotion`. A chaotic motion may not reach the 1e-10: look at its `error`.

    Raises:
        ValueError: if the force is not known at all times.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator, Pendulum
    >>> reference_motion(DampedOscillator(), np.linspace(0.0, 10.0, 101)).method
    'the exact solution'
    >>> reference_motion(Pendulum(), np.linspace(0.0, 10.0, 101)).method
    'RK4'
    """
    try:
        x, v = problem.exact(times)
    except ValueError:
        return _extrapolated(problem, times)
    return ReferenceMotion(x, v, "the exact solution", 0.0)


def _extrapolated(problem, times):
    """RK4 at h, h/2, h/4, …, extrapolated to h = 0."""
    substeps, row = 1, [_rk4(problem, times, 1)]
    while True:
        substeps *= 2
        previous, row = row, [_rk4(problem, times, substeps)]
        for i, coarser in enumerate(previous):
            row.append(row[i] + (row[i] - coarser) / (2.0 ** (4 + i) - 1.0))
        x, v = row[-1]
        error = float(np.abs(x - previous[-1][0]).max())
        if error <= RELATIVE_ERROR * np.abs(x).max() or substeps == MOST_SUBSTEPS:
            return ReferenceMotion(x, v, "RK4", error)


def _rk4(problem, times, substeps):
    """Position and velocity at `times`, `(2, num, dimension)`, with equal steps in between."""
    pieces = split_steps(problem, times)
    cut = {} if pieces is None else pieces.by_step()
    state = problem.initial_state()
    states = [state]
    for i, (start, end) in enumerate(itertools.pairwise(times)):
        whole = [(start, end - start, -np.inf, np.inf)]
        parts = [
            (begin + k * length / substeps, length / substeps, first, last)
            for begin, length, first, last in cut.get(i, whole)
            for k in range(substeps)
        ]
        state = step_in_pieces(problem, parts, state, rk4_step, np.atleast_1d)
        states.append(state)
    position, *velocity = (np.concatenate(component) for component in zip(*states))
    rate = velocity[0] if velocity else problem.rhs(times[:, None], position)
    return np.stack([position, rate])
