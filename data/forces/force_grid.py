"""The force of a problem on a grid of times, as numbers."""

import numpy as np

from .force import evaluate_force, select_force


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


def force_array(problem, times, batch, dtype):
    """The array of F that a `Trajectory` holds, `(batch, time, dimension)`, in N.

    Where each trajectory has its own force, it is filled later, rows by rows (`fill_force`), since
    the steps need those rows too. Where all share the force, it is filled here and stored once, as
    a read-only view.
    """
    if len(force_rows(problem, times[:1])) > 1:
        return np.empty((batch, len(times), problem.dimension), dtype)
    shared = force_rows(problem, times).astype(dtype)
    return np.broadcast_to(shared, (batch, *shared.shape[1:]))


def fill_force(force, part, rows):
    """Write the rows of some trajectories, unless one row is stored for all."""
    if force.flags.writeable:
        force[part] = rows
