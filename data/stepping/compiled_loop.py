"""The step loop compiled by XLA: the same steps, from the same `rhs(ops=keras.ops)`.

A large ensemble takes a third to a tenth of the NumPy loop's time so, after a first call that
compiles, some 0.3 s. One loop serves all problems of one class and shape, whose numbers are its
inputs. It is used where TensorFlow is loaded already, as Keras's backend; `data` loads it for
nobody. Its states are those of the NumPy loop to rounding: some steps are compared, three in the
first call and one in each later one, and what differs, or cannot be compiled, is left to that loop.
"""

import copy
import math
import sys

import numpy as np

from ..forces.force import Force
from ..forces.formulas import FORMULAS
from .smooth_steps import split_steps
from .steppers import EVALUATIONS, ORDERS, STEPPERS

LEAST = 10**6  # evaluations of rhs: 15 ms of the NumPy loop for a thousand motions at once,
FEW = 10  # motions added, since few cost as much as hundreds: 0.3 s for one that is alone
MOST_KEPT = 16  # compiled loops; the oldest goes first
TOLERANCE = {"float64": 1e-12, "float32": 2e-6}  # of a step, of the largest number: roundings

LOOPS = {}  # key → CompiledLoop, or None where that failed


def solve_compiled(problem, times, time_step, method, dtype):
    """The states as `solve_stepwise` gives them, or None where it has to be asked."""
    batch = problem.ensemble_size or 1
    if (batch + FEW) * (len(times) - 1) * EVALUATIONS[method] < LEAST or not _backend_is_there():
        return None
    forces = problem.force if isinstance(problem.force, tuple) else (problem.force,)
    if not all(force is None or type(force) in FORMULAS for force in forces):
        return None
    if ORDERS[method] > 1 and split_steps(problem, times) is not None:
        return None
    constants, numbers = zip(*map(_taken_apart, (problem, *forces)))
    if None in constants:
        return None
    shapes = tuple(tuple((name, y.shape) for name, y in some.items()) for some in numbers)
    own = "float64" if batch == 1 else dtype  # as in the NumPy loop
    key = (constants, shapes, len(times), time_step, method, own)
    is_new = key not in LOOPS
    if is_new:
        LOOPS[key] = CompiledLoop(problem, shapes, time_step, method, own)
        if len(LOOPS) > MOST_KEPT:
            del LOOPS[next(iter(LOOPS))]
    if LOOPS[key] is None:
        return None
    try:
        states = LOOPS[key].states(problem, numbers, times)
    except Exception:  # whatever a user's rhs does to symbolic tensors
        states = None
    middle, last = len(times) // 2 - 1, len(times) - 2
    seen = {0, middle, last} if is_new else {middle}
    if states is None or not _are_steps(states, seen, problem, times, time_step, method):
        LOOPS[key] = None
        return None
    return states.astype(dtype, copy=False)


def _backend_is_there():
    keras, tf = sys.modules.get("keras"), sys.modules.get("tensorflow")
    if keras is None or tf is None or keras.backend.backend() != "tensorflow":
        return False
    return not tf.config.functions_run_eagerly()


def _taken_apart(item):
    """What of a problem or force is compiled in, and the numbers that are inputs, by name.

    Of other things than numbers and texts nobody knows whether they change: then the first is None.
    """
    numbers, constants = {}, [type(item)]
    for name, value in getattr(item, "__dict__", {}).items():
        if isinstance(value, float) or getattr(value, "dtype", None) == np.float64:
            numbers[name] = np.asarray(value)
        elif value is None or isinstance(value, int | str):
            constants.append((name, value))
        elif name != "force":
            return None, {}
    return tuple(constants), numbers


def _are_steps(states, seen, problem, times, time_step, method):
    """Whether some steps, of these numbers, are those of NumPy, to rounding."""
    for i in seen:
        start, found = states[:, i].astype(np.float64), states[:, i + 1]
        state = tuple(np.split(start, problem.order, axis=-1))
        expected = np.hstack(STEPPERS[method](problem, times[i : i + 1], state, time_step))
        largest = np.maximum(np.abs(start), np.abs(expected)).max(axis=-1, keepdims=True)
        if (np.abs(found - expected) > TOLERANCE[states.dtype.name] * largest).any():
            return False
    return True


class CompiledLoop:
    """All steps of a method, for the problems of one class and shape.

    Args:
        problem: `InitialValueProblem`, one of them.
        shapes: of its numbers, then of each force's, pairs (name, shape).
        time_step: Δt, in s.
        method: name of the method.
        dtype: of the states.
    """

    def __init__(self, problem, shapes, time_step, method, dtype):
        import keras
        import tensorflow as tf

        self.tf, self.ops, self.shapes = tf, keras.ops, shapes
        self.problem = problem.members(slice(0, 1))  # whose numbers are exchanged for tensors
        self.start = (problem.ensemble_size or 1, problem.dimension)  # shape of x, and of v
        self.time_step, self.step, self.dtype = time_step, STEPPERS[method], tf.as_dtype(dtype)
        self.run = tf.function(self._steps, jit_compile=True, autograph=False)
        self.traced = None  # `run` for its one shape: its looking for it would take 0.1 ms

    def states(self, problem, numbers, times):
        """The states of a problem, `(batch, N + 1, order · dimension)`."""
        values = [np.broadcast_to(y, self.start) for y in problem.initial_state()]
        values += [value for some in numbers for value in some.values()]
        flat = np.concatenate([np.ravel(value) for value in values])  # each input takes 50 µs
        with self.tf.device("CPU:0"):
            given = self.tf.constant(flat), self.tf.constant(times)
            self.traced = self.traced or self.run.get_concrete_function(*given)
            memory = self.traced(*given).__array__()  # `numpy()` would copy it
        return memory.reshape(len(times), -1, self.start[0]).transpose(2, 0, 1)

    def _apart(self, flat):
        """Start and numbers as `states` was given them, as tensors."""
        shapes = [self.start] * self.problem.order + [y for some in self.shapes for _, y in some]
        values = self.tf.split(flat, [math.prod(shape) for shape in shapes])
        values = (self.tf.reshape(value, shape) for value, shape in zip(values, shapes))
        start = tuple(self.tf.cast(next(values), self.dtype) for _ in range(self.problem.order))
        return start, [{name: next(values) for name, _ in some} for some in self.shapes]

    def _steps(self, flat, times):
        """Every state, `((N + 1) · order, dimension, batch)`."""
        tf, order, num_steps = self.tf, self.problem.order, times.shape[0] - 1
        state, numbers = self._apart(flat)
        problem, shape = InTensors(self, numbers), self.start[::-1]
        memory = tf.TensorArray(self.dtype, (num_steps + 1) * order, element_shape=shape)

        def write(i, state, memory):
            for k, y in enumerate(state):
                memory = memory.write(i * order + k, tf.transpose(y))
            return memory

        def body(i, state, memory):
            state = self.step(problem, tf.reshape(times[i], (1,)), state, self.time_step)
            return i + 1, state, write(i + 1, state, memory)

        given = (0, state, write(0, state, memory))
        count = {"maximum_iterations": num_steps}
        return tf.while_loop(lambda i, *_: i < num_steps, body, given, **count)[-1].stack()


class InTensors:
    """A problem as `steppers` take it, with tensors for its numbers, and `keras.ops`.

    Args:
        loop: `CompiledLoop`.
        numbers: of its problem, then of each force, a list of {name: tensor}.
    """

    def __init__(self, loop, numbers):
        self.loop, self.time = loop, (None, None)
        own, *of_forces = numbers
        given = loop.problem.force
        forces = given if isinstance(given, tuple) else (given,)
        forces = tuple(
            force and ForceInTensors(self, self._with_tensors(force, some, "float64"))
            for force, some in zip(forces, of_forces)
        )
        self.problem = self._with_tensors(loop.problem, own, loop.dtype)
        self.problem.force = forces if isinstance(given, tuple) else forces[0]

    def _with_tensors(self, item, numbers, dtype):
        """A copy of a problem or force with tensors of a type for its numbers."""
        own = copy.copy(item)
        vars(own).update({name: self.loop.tf.cast(y, dtype) for name, y in numbers.items()})

        def shaped(names, shape, ops):
            values = [getattr(own, name) for name in names]
            is_row = [len(getattr(value, "shape", ())) == 1 for value in values]
            return tuple(ops.reshape(v, shape) if row else v for v, row in zip(values, is_row))

        own._shaped = shaped
        return own

    def slopes(self, t, *state):
        """As `InitialValueProblem.slopes`."""
        return self.problem.slopes(self._seen(t), *state, ops=self.loop.ops)

    def rhs(self, t, *state):
        """As `InitialValueProblem.rhs`."""
        return self.problem.rhs(self._seen(t), *state, ops=self.loop.ops)

    def _seen(self, t):
        """The time as `rhs` sees it, in float32 a rounded one; forces look at the true one."""
        self.time = (self.loop.tf.cast(t, self.loop.dtype), t)
        return self.time[0]


class ForceInTensors(Force):
    """A force that is evaluated in float64, at the time that was not rounded."""

    def __init__(self, of, force):
        self.of, self.force = of, force

    def __call__(self, t, ops):
        seen, true = self.of.time
        if t is not seen:
            true = ops.cast(t, "float64")
        return ops.cast(self.force(true, ops=ops), t.dtype)
