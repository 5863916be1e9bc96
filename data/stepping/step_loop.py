"""The step loop: any problem, any method, all trajectories of an ensemble at once.

In memory each step has its place after the one before, all trajectories side by side: there a
step reads and writes. What is returned is a view with the axes `(batch, time, features)`.
"""

import copy

import numpy as np

from ..ensemble import Ensemble
from ..forces.force import Force, evaluate_force
from ..forces.force_grid import slices
from ..forces.formulas import FORMULAS
from .smooth_steps import split_steps, step_in_pieces
from .steppers import FORCE_FRACTIONS, ORDERS, STEPPERS

PART = 4000  # trajectories stepped at once: their numbers stay in the processor's cache
AHEAD = 32  # steps for which the force is computed at once


def solve_stepwise(problem, times, time_step, method, dtype):
    """The states of a problem of any kind, `(batch, N + 1, order · dimension)`."""
    batch = problem.ensemble_size or 1
    memory = np.empty((len(times), problem.order * problem.dimension, batch), dtype)
    size = PART if batch > PART and _divides(problem, times[:1]) else batch
    # A method of order 1 keeps it across a jump.
    pieces = split_steps(problem, times) if ORDERS[method] > 1 else None
    for part in slices(batch, size):
        some = problem if size == batch else problem.select(part)
        write_motion(some, times, time_step, method, pieces, memory[:, :, part])
    return memory.transpose(2, 0, 1)


def write_motion(problem, times, time_step, method, pieces, memory):
    """Write s_0, then every s_{i+1} made from s_i.

    A motion that is alone is stepped as Python's floats, several times faster than arrays of one
    number. Motions none of whose numbers is finite stay so: the rest is NaN, without a step.

    Args:
        problem: `InitialValueProblem`.
        times: `(N + 1,)`, in s.
        time_step: Δt, in s.
        method: name of the method.
        pieces: the `Pieces` of steps that have to be cut, or None.
        memory: `(N + 1, order · dimension, batch)`, written to.
    """
    start, step = problem.initial_state(), STEPPERS[method]
    alone = _takes_numbers(problem, times.item(0), start)
    forces = []
    problem = _prepared(problem, memory.dtype, forces)
    cut = {} if pieces is None else pieces.by_step()
    rows = memory.reshape(len(times), problem.order, problem.dimension, -1).swapaxes(2, 3)
    for component, y in zip(rows[0], start):
        component[...] = y
    state = tuple(y.item() for y in start) if alone else tuple(rows[0])
    for part in slices(len(times) - 1, AHEAD):
        for force in forces:
            force.look_ahead(times[part], time_step, FORCE_FRACTIONS[method], alone)
        written = rows[part.start + 1 : part.stop + 1]
        if alone:
            moving = _numbers(problem, times, time_step, step, cut, part, state)
            kept = list(moving)
            written[:, :, 0, 0], state = kept, kept[-1]
        else:
            state = _arrays(problem, times, time_step, step, cut, part, state, written)
        last = memory[part.stop]
        if not np.isfinite(last[0, 0]) and not np.isfinite(last).any():
            memory[part.stop + 1 :] = np.nan
            return


def _arrays(problem, times, time_step, step, cut, part, state, written):
    """Writes the states of some steps; returns the last, as it is written."""
    for i, row in zip(range(part.start, part.stop), written):
        if i in cut:
            state = step_in_pieces(problem, cut[i], state, step, np.atleast_1d)
        else:
            state = step(problem, times[i : i + 1], state, time_step)
        row = tuple(row)
        for component, y in zip(row, state):
            component[...] = y
        state = row
    return state


def _numbers(problem, times, time_step, step, cut, part, state):
    """Yields the states of some steps of a motion that is alone."""
    for i, t in enumerate(times[part].tolist(), part.start):
        try:
            if i in cut:
                state = step_in_pieces(problem, cut[i], state, step, np.float64)
                state = tuple(float(y) for y in state)
            else:
                state = step(problem, t, state, time_step)
        except ArithmeticError:  # where NumPy's numbers become infinite, Python's raise
            state = tuple(np.float64(y) for y in state)
            state = step(problem, np.float64(t), state, time_step)
        yield state


class ForceAhead(Force):
    """A force whose values at the next steps are known: one call for many steps.

    Args:
        force: a `Force` or function.
        dtype: of the values.
    """

    def __init__(self, force, dtype):
        self.force, self.dtype, self.known = force, dtype, {}

    def look_ahead(self, times, time_step, fractions, alone):
        """Compute the values at which steps look that begin at `times`, `(num,)`, in s."""
        times = np.concatenate([times + fraction * time_step for fraction in fractions])
        if type(self.force) in FORMULAS:
            values = np.atleast_3d(self.force(times[:, None, None]))
        else:
            values = np.atleast_2d(evaluate_force(self.force, times[None, :])).T[:, :, None]
        values = values[:, 0, 0].tolist() if alone else np.ascontiguousarray(values, self.dtype)
        self.known = dict(zip(times.tolist(), values))

    def __call__(self, t, ops=np):
        one = t.item() if isinstance(t, np.ndarray) and t.size == 1 else t
        value = self.known.get(one) if isinstance(one, float) else None
        return evaluate_force(self.force, t, ops) if value is None else value


def _prepared(item, dtype, forces):
    """A copy of a problem or force whose `columns` are made once, and whose force looks ahead.

    Args:
        item: problem, force, tuple of forces, or None.
        dtype: of the columns.
        forces: list of every `ForceAhead`, which is appended to.
    """
    if not isinstance(item, Ensemble):  # something of the user's, which stays as it is
        return item
    ready, made = copy.copy(item), {}

    def columns(*names, ops=np):
        if (names, ops) not in made:
            made[names, ops] = tuple(
                value.astype(dtype, copy=False) if isinstance(value, np.ndarray) else value
                for value in item.columns(*names, ops=ops)
            )
        return made[names, ops]

    ready.columns = columns
    given = getattr(item, "force", None)
    if given is not None:
        ready.force = [
            one if one is None else ForceAhead(_prepared(one, np.float64, []), dtype)
            for one in (given if isinstance(given, tuple) else (given,))
        ]
        forces.extend(one for one in ready.force if one is not None)
        ready.force = tuple(ready.force) if isinstance(given, tuple) else ready.force[0]
    return ready


def _takes_numbers(problem, t, state):
    """Whether rhs of a single oscillator may be given numbers in place of arrays of one number."""
    if any(y.size > 1 for y in state) or problem.ensemble_size not in (None, 1):
        return False
    try:
        value = problem.rhs(t, *(y.item() for y in state))
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
