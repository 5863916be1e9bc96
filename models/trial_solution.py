"""The two functions that make a trial solution meet its initial conditions."""

from keras import ops


def initial_motion(problem, t):
    """h1: motion with the initial velocity, x0 + v0 (t − t0); order 1: x0. In m.

    Args:
        problem: `InitialValueProblem`.
        t: `(num, 1)`, in s.

    Returns:
        `(num, dimension)`.
    """
    state = [ops.convert_to_tensor(value, t.dtype) for value in problem.initial_state()]
    motion = state[0] + 0.0 * t
    return motion + state[1] * (t - problem.start_time) if problem.order == 2 else motion


def vanishing_power(problem, duration, t):
    """h2: ((t − t0)/T)^order, which vanishes at t0 with all derivatives below the order.

    Bounded by 1, so that the network it multiplies stays of the size of the motion.

    Args:
        problem: `InitialValueProblem`.
        duration: T, in s.
        t: `(num, 1)`, in s.

    Returns:
        `(num, 1)`.
    """
    return ((t - problem.start_time) / duration) ** problem.order
