"""The two functions that make a trial solution h1 + h2·N meet its initial conditions."""

import inspect

import numpy as np
from keras import ops

from .time_derivatives import time_derivatives


def initial_motion(problem, t):
    """h1: motion with the initial velocity, x0 + v0 (t − t0); order 1: x0. In m.

    Args:
        problem: `InitialValueProblem`.
        t: `(num, 1)`, in s.

    Returns:
        `(num, dimension)`; order 1: `(1, dimension)` where x0 is the same in all rows.
    """
    state = [ops.convert_to_tensor(value, t.dtype) for value in problem.initial_state()]
    return state[0] + state[1] * (t - problem.start_time) if problem.order == 2 else state[0]


def power_derivatives(order, elapsed, length):
    """[h2, h2', h2''] of h2 = (t/L)^order, which vanishes at the start with its first slopes.

    Bounded by 1, so that the network it multiplies stays of the size of the motion.

    Args:
        order: of the equation, 1 or 2.
        elapsed: t, time since the start, `(num, 1)`, in s.
        length: L, in s.

    Returns:
        List of three tensors `(num, 1)`, in 1, 1/s and 1/s².
    """
    s, none = elapsed / length, ops.zeros_like(elapsed)
    if order == 1:
        return [s, none + 1.0 / length, none]
    return [s**2, 2.0 * s / length, none + 2.0 / length**2]


def takes_network(h2):
    """Whether h2 is the lecture's h2(t, N), a function of two arguments."""
    try:
        parameters = inspect.signature(h2).parameters.values()
    except (TypeError, ValueError):  # None, or a function that does not tell
        return False
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p for p in parameters if p.kind in kinds and p.default is inspect.Parameter.empty]
    return len(needed) == 2


def check_initial_conditions(problem, duration, h1, h2):
    """Raise unless h1 meets the initial conditions and h2 vanishes at t0, with enough slopes.

    Args:
        problem: `InitialValueProblem`.
        duration: T, in s.
        h1: function of t that replaces `initial_motion`, or None.
        h2: function of t that replaces ((t − t0)/T)^order, or of t and N, or None.

    Raises:
        ValueError: for a value, a slope or a shape that does not fit.
    """
    state = np.stack([np.reshape(value, -1) for value in problem.initial_state()])
    if h1 is not None:
        _check_start(problem, duration, "h1", h1, state)
    if h2 is None:
        return
    takes_both = takes_network(h2)
    for function in _with_networks(problem, h2) if takes_both else [h2]:
        name = "h2(t, N)" if takes_both else "h2"
        _check_start(problem, duration, name, function, np.zeros_like(state))


def _with_networks(problem, h2):
    """h2(t, N(t)) as functions of t, for two straight lines N that have nothing in common."""

    def along(value, slope):
        def of_time(t):
            n = value + slope * (t - problem.start_time)
            return h2(t, ops.repeat(n, problem.dimension, axis=-1))

        return of_time

    return [along(0.7, -0.4), along(-1.3, 0.9)]


def _check_start(problem, duration, name, function, wanted):
    """Raise unless a function has the wanted value, and slope for order 2, at t0."""
    start, dimension = problem.start_time, problem.dimension
    t = ops.convert_to_tensor([[start], [start + duration]], "float64")
    _check_shape(name, function(t).shape, dimension)

    def of_all_coordinates(t):
        return ops.broadcast_to(function(t), (2, dimension))

    received = time_derivatives(of_all_coordinates, t, problem.order - 1, dimension)
    for quantity, value, target in zip(("value", "slope"), received, wanted):
        value = ops.convert_to_numpy(value)[0]
        # Relative to the motion: float64 leaves 1e-16, a formula of the user's perhaps 1e-12.
        if not np.allclose(value, target, rtol=1e-9, atol=1e-9):
            raise ValueError(
                f"The {quantity} of {name} at t0 = {start:g} s must be {target.tolist()}, so that "
                f"h1 + h2·N meets the initial conditions. Received {value.tolist()}. Let h1 start "
                "like the solution and h2 vanish there, for a problem of order 2 with its slope."
            )


def _check_shape(name, shape, dimension):
    allowed = [(2, dimension), (2, 1)] if name == "h2" else [(2, dimension)]
    if tuple(shape) not in allowed:
        raise ValueError(
            f"{name} must return (num, {dimension}) for times (num, 1). Received {tuple(shape)} "
            "for times (2, 1). Compute with t as it comes, without flattening it."
        )
