"""What a network must know of the equation it is to solve."""

import keras
import numpy as np
from keras import ops

from oscillator_zoo.data import InitialValueProblem
from oscillator_zoo.data.problems.rhs_errors import (
    ROWS,
    check_start,
    check_takes,
    place_of_rhs,
    rate_at,
    reading_of_start,
    with_users_line,
)

from .plain_forces import force_values, has_plain_force, with_given_force

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

SAME = 1e-9  # of the largest rate: float32 rounds to 6e-8, float64 to 1e-16
ROUNDED = 1e-5  # where float32 may be the reason
LITERALS = (
    "A literal in ops.where or ops.convert_to_tensor becomes float32: write "
    "ops.cast(0.1, t.dtype), or 0.1 + 0.0 * t."
)
BRANCHES = "Write it with ops alone, and without asking for the kind of x or ops."
FIRST_ROW = r"\[\s*-?\d+\s*\]"


def check_problem(problem):
    """Raise unless `problem` is an equation with one initial state."""
    if not isinstance(problem, InitialValueProblem):
        raise ValueError(
            "problem must be an InitialValueProblem such as DampedOscillator. "
            f"Received: {problem!r}. Subclass InitialValueProblem for your own equation."
        )
    if problem.ensemble_size is not None:
        raise ValueError(
            "A PINN solves one trajectory. Received an ensemble of "
            f"{problem.ensemble_size}. Take one with problem.select(0)."
            f"{reading_of_start(problem)}"
        )


def check_rhs(problem, duration=0.0):
    """Raise unless `rhs` takes many rows, each for itself, by NumPy and inside a graph.

    Args:
        problem: `InitialValueProblem`, one trajectory.
        duration: T, in s: the times that are tried lie between t0 and t0 + T.
    """
    num = 4 if problem.dimension == 3 else 3  # rows are not to be taken for coordinates
    spread = 1e-3 * np.arange(num)[:, None]
    start = [np.repeat(np.asarray(y), num, axis=0) for y in problem.initial_state()]
    state = [y + spread * np.maximum(np.abs(y), 1.0) for y in start]
    times = problem.start_time + duration * np.linspace(0.0, 1.0, num)[:, None]
    with np.errstate(all="ignore"):
        check_takes(problem, times, *state)
    with np.errstate(all="ignore"):  # beside the start it may be undefined
        value = rate_at(problem, times, *state)
    value = value if isinstance(value, float | int) else np.asarray(value)
    value = checked_rhs(value, state[0], f" from {place_of_rhs(problem, 'where|convert_to')}")
    value = np.broadcast_to(value, state[0].shape)
    check_start(problem, value[0])
    with np.errstate(all="ignore"):
        _check_rows(problem, value, times, state)
    _check_in_graph(problem, value, times, state)


def _check_rows(problem, value, times, state):
    """Raise unless a row alone has the rate that it has among others."""
    for i, expected in enumerate(value):
        row = [y[i : i + 1] for y in (times, *state)]
        with with_users_line():
            alone = np.ravel(problem.rhs(*row, ops=np))
        if np.isfinite(expected).all() and not np.allclose(alone, expected, 1e-9, 0.0):
            raise ValueError(
                "rhs must treat each row of x, of shape (num, d), for itself. Received "
                f"{place_of_rhs(problem, FIRST_ROW)}, which gives row {i} another rate among "
                f"others than alone. x[0] is the first row: {ROWS}."
            )


def _check_in_graph(problem, value, times, state):
    """Raise unless `rhs` runs inside a graph, with the numbers that it has by NumPy."""
    if _is_of_this_library(problem):
        return
    given = {"t": times}
    if has_plain_force(problem):
        given["force"] = force_values(problem, times)
    plain, _ = with_given_force(problem, given)
    signature = [tf.TensorSpec((None, y.shape[1]), "float64") for y in (times, *state)]

    def traced(*args):
        with with_users_line():
            rhs = plain.rhs(*args, ops=ops)
            return ops.broadcast_to(checked_rhs(rhs, args[1]), ops.shape(args[1]))

    arrays = [tf.constant(y, "float64") for y in (times, *state)]
    if has_plain_force(problem):  # its values belong to these rows
        signature = [tf.TensorSpec(y.shape, y.dtype) for y in arrays]
    in_graph = tf.function(traced, input_signature=signature, autograph=False)(*arrays)
    known = np.isfinite(value)
    difference = np.abs(np.where(known, in_graph - np.where(known, value, 0.0), 0.0)).max()
    size = np.abs(np.where(known, value, 0.0)).max()
    if not difference <= SAME * size:
        is_rounding = difference <= ROUNDED * size
        raise ValueError(
            "rhs must give the same numbers with ops=numpy and ops=keras.ops. Received "
            f"{place_of_rhs(problem, 'where|convert_to_tensor|full')}, which differs by "
            f"{difference:.1g} {problem.residual_unit}. {LITERALS if is_rounding else BRANCHES}"
        )


def _is_of_this_library(problem):
    parts = (problem, *(force for force in problem.coordinate_forces if force is not None))
    return all(type(part).__module__.startswith("oscillator_zoo.") for part in parts)


def checked_rhs(rhs, rate, source=""):
    """The right-hand side as a tensor, if it fits the rate of change `(num, dimension)`."""
    rhs = ops.convert_to_tensor(rhs, rate.dtype) if isinstance(rhs, float | int) else rhs
    if _name(rhs.dtype) != _name(rate.dtype):
        raise ValueError(
            f"rhs must compute in {_name(rate.dtype)}. Received {_name(rhs.dtype)}{source}. "
            "keras.ops makes float32 of a Python float in convert_to_tensor or where: cast it to "
            "the dtype of t."
        )
    dimension = rate.shape[-1]
    fits = len(rhs.shape) <= 2 and (not len(rhs.shape) or rhs.shape[-1] in (1, dimension))
    if fits and len(rhs.shape) == 2 and None not in (rhs.shape[0], rate.shape[0]):
        fits = rhs.shape[0] in (1, rate.shape[0])
    if not fits:
        raise ValueError(
            f"rhs must return (num, {dimension}) for x of that shape. "
            f"Received {tuple(rhs.shape)}{source}. "
            "Keep the last axis, for instance with ops.stack([...], axis=-1)."
        )
    return rhs


def _name(dtype):
    return keras.backend.standardize_dtype(dtype)
