"""The step loop: any problem, any method, all trajectories of an ensemble at once."""

import copy
import math

import numpy as np

from ..ensemble import Ensemble
from ..forces.force_grid import fill_force, force_rows
from .smooth_steps import split_steps, step_in_pieces
from .steppers import ORDERS, STEPPERS

PART = 4000  # trajectories stepped at once: their numbers stay in the processor's cache
FORCE_PART = 100  # trajectories whose force is evaluated at once, at all times
KEPT = 16  # steps kept aside before they are written, trajectory by trajectory


def motion(problem, times, time_step, step, pieces=None):
    """Yields s_0, then every s_{i+1} made from s_i.

    Args:
        problem: `InitialValueProblem`.
        times: `(N + 1,)`, in s.
        time_step: Δt, in s.
        step: one of the functions of `steppers`.
        pieces: the `Pieces` of steps that have to be cut, or None.
    """
    problem, state = _prepared(problem), problem.initial_state()
    alone = _takes_numbers(problem, times[0], state)
    if alone:  # numbers are stepped several times faster than arrays of one number
        state = tuple(y[0, 0] for y in state)
    yield state
    cut = {} if pieces is None else pieces.by_step()
    as_time = np.float64 if alone else np.atleast_1d
    for i in range(len(times) - 1):
        if i in cut:
            state = step_in_pieces(problem, cut[i], state, step, as_time)
        else:
            state = step(problem, times[i] if alone else times[i : i + 1], state, time_step)
        yield state


def write_motion(moving, states, order):
    """Write what `motion` yields to `states`, `(batch, time, order · dimension)`.

    A few steps are kept aside first, so that the memory of each trajectory is visited once for
    all of them. Motions none of whose numbers is finite stay so: the rest is NaN, without a step.
    """
    batch, num_times, num_features = states.shape
    target = states.reshape(batch, num_times, order, num_features // order)
    kept = np.empty((KEPT, order, batch, num_features // order))
    for part in slices(num_times, KEPT):
        num_kept = part.stop - part.start
        for row, state in zip(kept[:num_kept], moving):
            for component, y in zip(row, state):
                component[...] = y
        target[:, part] = kept[:num_kept].transpose(2, 0, 1, 3)
        last = kept[num_kept - 1]
        if not math.isfinite(last.item(0)) and not np.isfinite(last).any():  # one tells of most
            target[:, part.stop :] = np.nan
            return


def solve_stepwise(problem, times, time_step, method, states, force):
    """Write the states, and the force where it is not shared, of a problem of any kind."""
    batch = len(states)
    size = PART if batch > PART and _divides(problem, times[:1]) else batch
    step, pieces = STEPPERS[method], None
    if ORDERS[method] > 1:  # a method of order 1 keeps it across a jump
        pieces = split_steps(problem, times)
    for part in slices(batch, size):
        some = problem if size == batch else problem.select(part)
        write_motion(motion(some, times, time_step, step, pieces), states[part], problem.order)
    if force.flags.writeable:
        for part in slices(batch, FORCE_PART):
            fill_force(force, part, force_rows(problem, times, part))


def _prepared(item):
    """A copy of a problem or force whose `columns` are made once, not anew in every step."""
    if isinstance(item, tuple):
        return tuple(map(_prepared, item))
    if not isinstance(item, Ensemble):
        return item
    ready, made = copy.copy(item), {}

    def columns(*names, ops=np):
        if (names, ops) not in made:
            made[names, ops] = item.columns(*names, ops=ops)
        return made[names, ops]

    ready.columns = columns
    if getattr(item, "force", None) is not None:
        ready.force = _prepared(item.force)
    return ready


def _takes_numbers(problem, t, state):
    """Whether rhs of a single oscillator may be given numbers in place of arrays of one number."""
    if any(y.size > 1 for y in state) or problem.ensemble_size not in (None, 1):
        return False
    try:
        value = problem.rhs(t, *(y[0, 0] for y in state))
    except Exception:
        return False
    return np.ndim(value) == 0 and value == problem.rhs(np.array([t]), *state)


def _divides(problem, t):
    """Whether a part of the ensemble moves as it does within the whole."""
    part = slice(0, 2)
    whole = problem.rhs(t, *problem.initial_state())
    try:
        some = problem.select(part)
        return np.array_equal(some.rhs(t, *some.initial_state()), whole[part])
    except Exception:
        return False


def slices(num, size):
    """Slices of at most `size` that cover `range(num)`.

    Example:
    >>> slices(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(i, min(i + size, num)) for i in range(0, num, size)]
