"""What the errors of a stepper do to parameters that are found from its data."""

import warnings

import numpy as np

from oscillator_zoo.data import simulate
from oscillator_zoo.data.stepping.steppers import ORDERS

FINER = 8  # steps, so small that a linear answer will do
NOTICEABLE_ERROR = 1e-4  # of a motion, relative
NOTICEABLE_BIAS = 1e-3  # of a parameter, relative


def method_bias(problem, trajectory, jacobian, sample_weight=None):
    """How far the stepper that made a trajectory moves the parameters found from it.

        Δp = (√w J)⁺ √w e,   e = s^k (x_{Δt/s} − x)

    to first order, with the error e of a method of order k in the problem found, taken from steps
    of Δt/s. Of Euler's method and the damping rate it is Δα ≈ −Δt δ: its data look less damped
    than the motion they stand for, and nothing in them tells, since they are exactly those of
    another oscillator.

    Args:
        problem: `InitialValueProblem` with the parameters found.
        trajectory: `Trajectory` of one motion.
        jacobian: J = ∂x/∂p at the times of the trajectory, `(time · dimension, Q)`.
        sample_weight: w of each time with which the parameters were found, `(time,)`, or None.

    Returns:
        Δp, `(Q,)`; zeros for a measurement, where the stepper's error is not noticeable, and where
        it cannot be repeated.
    """
    none = np.zeros(jacobian.shape[1])
    if trajectory.method is None or trajectory.method_step is None:
        return none
    steps = (trajectory.times - problem.start_time) / trajectory.method_step
    rows = np.rint(steps).astype(int)
    if rows[0] < 0 or rows[-1] < 1 or np.abs(steps - rows).max() > 1e-3:
        return none
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # growth is what is being looked for
            step, num_steps = trajectory.method_step / FINER, FINER * int(rows[-1])
            run = simulate(problem, step, num_steps, trajectory.method)
            exact = simulate(problem, 0.5 * step, 2 * num_steps, "rk4").every(2)
    except ValueError:  # the motion found leaves the range of numbers
        return none
    positions = exact.states[0, FINER * rows, : problem.dimension]
    error = run.states[0, FINER * rows, : problem.dimension] - positions
    error *= FINER ** ORDERS[trajectory.method]
    if np.abs(error).max() < NOTICEABLE_ERROR * np.abs(positions).max():
        return none
    error = error.reshape(-1, 1)
    if sample_weight is not None:
        root = np.repeat(np.sqrt(sample_weight), problem.dimension)[:, None]
        jacobian, error = root * jacobian, root * error
    return np.linalg.lstsq(jacobian, error, rcond=None)[0][:, 0]


def warn_of_method_bias(trajectory, bias, estimates):
    """Warn if a stepper moved parameters further than the noise does.

    Args:
        trajectory: `Trajectory` that was fitted.
        bias: Δp, as `method_bias` says.
        estimates: `Estimate` of each parameter by name.
    """
    moved = [
        f"{name} by about {change:+.2g} (found {e.value:.4g} ± {e.standard_error:.1g})"
        for (name, e), change in zip(estimates.items(), bias)
        if abs(change) > max(e.standard_error, NOTICEABLE_BIAS * abs(e.value))
    ]
    if moved:
        warnings.warn(
            f"The data were made by method={trajectory.method!r} with steps of "
            f"{trajectory.method_step:g} s, whose error moves {', '.join(moved)}: the intervals do "
            "not hold for the equation itself. Simulate with method='rk4' or a smaller time_step.",
            stacklevel=5,
        )
