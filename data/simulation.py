"""Numerical solution of an initial-value problem on an equidistant grid."""

import numpy as np

from .checks import positive_integer, real_value
from .configurable import did_you_mean
from .steppers import STEPPERS
from .trajectory import Trajectory


def simulate(problem, time_step, num_steps, method="euler"):
    """Step a problem through time.

    Explicit Euler, with the old velocity in the first line:

        x_{i+1} = x_i + Δt v_i
        v_{i+1} = v_i + Δt x''(t_i, x_i, v_i)

    Args:
        problem: `InitialValueProblem`, one trajectory or an ensemble.
        time_step: Δt > 0, in s.
        num_steps: number of steps, an integer ≥ 1.
        method: `"euler"` (order 1), `"euler_cromer"` (order 1, keeps the energy bounded) or
            `"rk4"` (order 4).

    Returns:
        `Trajectory` of `num_steps + 1` states, the start included; `force[:, i]` is F(t_i).

    Raises:
        ValueError: for an unknown method, a step that is not positive, or a motion that leaves
            the range of float64.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator
    >>> simulate(DampedOscillator(), time_step=0.5, num_steps=2).states[0]
    array([[ 1.  ,  0.  ],
           [ 1.  , -0.5 ],
           [ 0.75, -1.  ]])
    """
    time_step = real_value("time_step", time_step, "s", above=0.0)
    num_steps = positive_integer("num_steps", num_steps)
    if method not in STEPPERS:
        raise ValueError(
            f"method must be one of {', '.join(STEPPERS)}. Received: {method!r}."
            f"{did_you_mean(method, STEPPERS)}"
        )
    times = problem.start_time + time_step * np.arange(num_steps + 1)
    states = step_through(problem, times, time_step, STEPPERS[method])
    return Trajectory(times, states, problem.feature_names, problem.force_values(times), problem)


def step_through(problem, times, time_step, step):
    """The general loop: any problem, all trajectories of the ensemble at once."""
    batch, dimension = problem.ensemble_size or 1, problem.dimension
    states = np.empty((batch, len(times), problem.order * dimension))
    state = tuple(np.broadcast_to(y, (batch, dimension)) for y in problem.initial_state())
    for i in range(len(times)):
        if i:
            state = step(problem, times[i - 1 : i], state, time_step)
        for j, y in enumerate(state):
            states[:, i, j * dimension : (j + 1) * dimension] = y
    return states
