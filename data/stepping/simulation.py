"""Numerical solution of an initial-value problem on an equidistant grid."""

import warnings

import numpy as np

from ..checks import one_number, one_of, positive_integer
from ..forces.force_grid import force_on_grid
from ..problems.initial_value_problem import InitialValueProblem
from ..problems.rhs_errors import check_start, check_takes, rate_at, reading_of_start
from ..trajectories.trajectory import Trajectory
from .compiled_loop import solve_compiled
from .linear_recurrence import solve_linear
from .stability import energy_growth_warning, linear_growth_warning
from .step_loop import solve_stepwise
from .step_matrix import one_step_matrix
from .steppers import STEPPERS

DTYPES = ("float64", "float32")


def simulate(problem, time_step, num_steps, method="euler", dtype="float64"):
    """Step a problem through time.

    Explicit Euler, with the old velocity in the first line:

        x_{i+1} = x_i + Δt v_i
        v_{i+1} = v_i + Δt x''(t_i, x_i, v_i)

    | symbol | argument    | unit |
    |--------|-------------|------|
    | Δt     | `time_step` | s    |
    | N      | `num_steps` | –    |

    Explicit Euler gives an undamped oscillator energy in every step; a warning says when a
    method makes a motion grow that should not. Linear problems are solved many steps at a time
    (module `linear_recurrence`), from 4000 trajectories on by all cores; all others by the step
    loop (`step_loop`, which a first reader looks at alone: the numbers are the same). From a
    million evaluations of `rhs` on, and where TensorFlow is loaded as Keras's backend, XLA compiles
    that loop, in some 0.3 s at the first call for a class and shape (module `compiled_loop`); it
    agrees to rounding, which chaos makes grow.

    In float32, twice as fast where memory decides, linear problems err by some roundings (6e-8 of
    the largest state), however many steps: only the products of the blocks are computed in it.
    The step loop rounds in each step: errors reach N · 6e-8 of the largest state, and what makes
    neighbouring motions part makes them grow. Forces are computed in float64, as is a nonlinear
    motion that is alone.

    RK4 is of order 4 where the force is smooth. It cuts its steps (module `smooth_steps`) at the
    `breakpoints` of the problem and its forces, where they jump, and at the `kinks` of the forces,
    where their slopes jump. A plain function of t may carry `breakpoints` as an attribute.

    Args:
        problem: `InitialValueProblem`, one trajectory or an ensemble.
        time_step: positive number.
        num_steps: integer ≥ 1.
        method: `"euler"` (order 1), `"euler_cromer"` (order 1, keeps the energy bounded; for
            problems of order 2) or `"rk4"` (order 4).
        dtype: of the states and the force returned, `"float64"` or `"float32"`.

    Returns:
        `Trajectory` of N + 1 states, the start included; `force[:, i]` is F(t_i). A force of this
        library is evaluated when it is first read; one that all trajectories share is stored once
        (a read-only view). From the step loop the states are a view of memory in which each step
        stands behind the one before: `numpy.ascontiguousarray` puts trajectories there.

    Raises:
        ValueError: for an argument that does not fit, a force that is not known long enough, or
            a motion that leaves the range of numbers.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator
    >>> simulate(DampedOscillator(damping=1.0), time_step=0.5, num_steps=2).states[0]
    array([[ 1.  ,  0.  ],
           [ 1.  , -0.5 ],
           [ 0.75, -0.75]])
    """
    _check_arguments(problem, method, dtype)
    cure = "The trajectories of an ensemble share their times: simulate one for each step."
    time_step = one_number("time_step", time_step, "s", cure, above=0.0)
    num_steps = positive_integer("num_steps", num_steps)

    batch = problem.ensemble_size or 1
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # _check_finite says it
        times = problem.start_time + time_step * np.arange(num_steps + 1)
        _check_times(times, time_step)
        force = force_on_grid(problem, times, batch, dtype)
        if problem.is_linear:
            matrix = one_step_matrix(problem, time_step, method)
            states = solve_linear(problem, matrix, times, time_step, method, dtype)
        else:
            _check_rhs(problem, times[:1], batch)
        # Powers of the matrix can overflow where the motion itself does not: then step after all.
        if not problem.is_linear or not np.isfinite(states[:, -1]).all():
            states = solve_compiled(problem, times, time_step, method, dtype)
            if states is None:
                states = solve_stepwise(problem, times, time_step, method, dtype)
    _check_finite(states, times, time_step, method)

    if problem.is_linear:
        warning = linear_growth_warning(problem, matrix, time_step, num_steps, method)
    else:
        warning = energy_growth_warning(problem, states, time_step, method)
    if warning:
        warnings.warn(warning, stacklevel=2)
    return Trajectory(times, states, problem.feature_names, force, problem, method, time_step)


def _check_arguments(problem, method, dtype):
    if not isinstance(problem, InitialValueProblem):
        raise ValueError(
            "problem must be an InitialValueProblem such as DampedOscillator(damping=0.2). "
            f"Received: {problem!r}. Make a problem first."
        )
    one_of("method", method, STEPPERS)
    if method == "euler_cromer" and problem.order == 1:
        raise ValueError(
            "Euler–Cromer moves the position with the new velocity and needs a problem of order 2. "
            f"Received: a {type(problem).__name__} of order 1. Use method='euler' or 'rk4'."
        )
    one_of("dtype", dtype, DTYPES, "float64 is the accurate one.")


def _check_times(times, time_step):
    """Raise where a step is lost in rounding: numbers lie farther apart far from 0."""
    moves = times[0] < times[1] and times[-2] < times[-1]
    if moves or not np.isfinite(times[-1]):
        return
    last = times[-1] if times[0] < times[1] else times[0]
    raise ValueError(
        "Every step must lead to a later time. Received "
        f"time_step={time_step:g} s at t = {last:g} s, where numbers of float64 are "
        f"{np.spacing(np.abs(last)):.2g} s apart. Pass a larger step, or a start_time nearer 0."
    )


def _check_rhs(problem, t, batch):
    """Raise unless the right-hand side, which may be the user's, has the shape of the state."""
    state = problem.initial_state()
    check_takes(problem, t, *state)
    reading = reading_of_start(problem)
    rate = rate_at(problem, t, *state, reading=reading)
    expected = (batch, problem.dimension)
    try:
        fits = np.broadcast_shapes(np.shape(rate), expected) == expected
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"rhs must return one rate for each coordinate, shape {expected}. Received shape "
            f"{np.shape(rate)} from {type(problem).__name__}.rhs. Return the result; name "
            "parameters that are arrays of shape (batch,) in ensemble_parameters and read them "
            f"with self.columns(...).{reading}"
        )
    check_start(problem, rate)


def _check_finite(states, times, time_step, method):
    """Raise if a motion ran away: a number that is no longer finite never becomes so again."""
    lost = ~np.isfinite(states[:, -1]).all(axis=-1)
    if not lost.any():
        return
    trajectory = int(np.argmax(lost))
    step = int(np.argmin(np.isfinite(states[trajectory]).all(axis=-1)))
    which = f" of trajectory {trajectory}" if len(states) > 1 else ""
    other = "" if method == "rk4" else ' or method="rk4"'
    raise ValueError(
        f"The motion{which} leaves the range of {states.dtype} in step {step} "
        f"(t = {times[step]:g} s). Received time_step={time_step:g} with method={method!r}. "
        f"Use a smaller step{other}; fewer steps if the true motion grows without bound."
    )
