"""What a network must know of the equation it is to solve."""

import numpy as np
from keras import ops

from oscillator_zoo.data import InitialValueProblem


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
        )


def check_rhs(problem):
    """Raise unless `rhs` gives three states the shape and precision that it should."""
    state = [np.repeat(np.asarray(y), 3, axis=0) for y in problem.initial_state()]
    times = np.full((3, 1), float(problem.start_time))
    checked_rhs(np.asarray(problem.rhs(times, *state, ops=np)), state[0])


def checked_rhs(rhs, rate):
    """The right-hand side as a tensor, if it fits the rate of change `(num, dimension)`."""
    rhs = ops.convert_to_tensor(rhs, rate.dtype) if isinstance(rhs, float | int) else rhs
    if rhs.dtype != rate.dtype:
        raise ValueError(
            f"rhs must compute in {rate.dtype.name}. Received {rhs.dtype.name}. keras.ops makes "
            "float32 of a Python float in convert_to_tensor or where: cast it to the dtype of t."
        )
    dimension = rate.shape[-1]
    if len(rhs.shape) > 2 or (len(rhs.shape) and rhs.shape[-1] not in (1, dimension)):
        raise ValueError(
            f"rhs must return (num, {dimension}) for x of that shape. Received {tuple(rhs.shape)}. "
            "Keep the last axis, for instance with ops.stack([...], axis=-1)."
        )
    return rhs
