"""The force of a problem on a grid of times, as numbers."""

import copy

import numpy as np

from .force import evaluate_force, select_force
from .formulas import FORMULAS
from .sampled import Sampled

KNOWN = (*FORMULAS, Sampled)  # what may be evaluated later
PART = 100  # trajectories whose force is evaluated at once, at all times


def is_forced(problem):
    """Whether any force acts."""
    return any(force is not None for force in problem.coordinate_forces)


def force_rows(problem, times, part=slice(None)):
    """F at `times` for some trajectories.

    Args:
        problem: `InitialValueProblem`.
        times: `(time,)`, in s.
        part: slice of the trajectories.

    Returns:
        float64 `(num, time, dimension)`, in N; num is 1 where all trajectories share the force.
    """
    row = times[None, :]
    values = []
    for force in problem.coordinate_forces:
        own = select_force(force, part)
        value = np.atleast_2d(evaluate_force(own, row))
        # A function f(t, ops) cannot be selected from: it gives all trajectories at once.
        values.append(value[part] if own is force and len(value) > 1 else value)
    values = np.broadcast_arrays(row, *values)[1:]
    return values[0][..., None] if len(values) == 1 else np.stack(values, axis=-1)


class ForceGrid:
    """F at the times of a grid, which is evaluated when someone asks for it.

    It keeps the numbers of the forces as they were when it was made.

    Args:
        forces: one for each coordinate, or None, as `InitialValueProblem.coordinate_forces`.
        times: `(time,)`, in s.
        batch: number of trajectories.
        dtype: of the array.
    """

    ndim = 3

    def __init__(self, forces, times, batch, dtype):
        self.coordinate_forces = tuple(map(_as_it_is_now, forces))
        self.times, self.batch, self.dtype = times, batch, dtype

    @property
    def shape(self):
        """Of the array, `(batch, time, dimension)`."""
        return self.batch, len(self.times), len(self.coordinate_forces)

    def chosen(self, rows, kept):
        """The force of some trajectories, at some of the times."""
        forces = [
            force if getattr(force, "ensemble_size", None) in (None, 1) else force.select(rows)
            for force in self.coordinate_forces
        ]
        batch = len(np.arange(self.batch)[rows])
        return ForceGrid(forces, self.times[kept], batch, self.dtype)

    def evaluate(self):
        """The array, in N; a force that all trajectories share is one row, as a read-only view."""
        with np.errstate(over="ignore"):  # of float32
            if len(force_rows(self, self.times[:1])) == 1:
                shared = force_rows(self, self.times).astype(self.dtype)
                return np.broadcast_to(shared, self.shape)
            array = np.empty(self.shape, self.dtype)
            for part in slices(self.batch, PART):
                array[part] = force_rows(self, self.times, part)
        return array


def force_on_grid(problem, times, batch, dtype):
    """The force that a `Trajectory` is given: a `ForceGrid`, or an array.

    A formula of this library is left for later; samples must reach over the times now. Whatever
    else a user wrote is evaluated now, which also finds what is wrong with it.
    """
    forces = problem.coordinate_forces
    grid = ForceGrid(forces, times, batch, dtype)
    if not all(force is None or type(force) in KNOWN for force in forces):
        return grid.evaluate()
    for force in forces:
        if type(force) is Sampled:
            force(times[[0, -1]])
    return grid


def slices(num, size):
    """Slices of at most `size` that cover `range(num)`.

    Example:
    >>> slices(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(i, min(i + size, num)) for i in range(0, num, size)]


def _as_it_is_now(force):
    if type(force) not in KNOWN:
        return force
    own = copy.copy(force)
    arrays = {name: v.copy() for name, v in vars(own).items() if isinstance(v, np.ndarray)}
    vars(own).update(arrays)
    return own
