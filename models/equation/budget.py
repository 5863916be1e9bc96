"""How much work a motion may be: refused by its numbers, before anything is allocated."""

import numpy as np

# Of a nonlinear motion at its fastest rate. Van der Pol's with μ = 10 over 30 s, 920 rad, is solved
# to 1e-11 m; with μ = 50 over 100 s, 15,000 rad, Newton's steps through all windows stall.
MOST_RADIANS = 10_000
MOST_WORK = 1e11  # multiplications of one least-squares step, about a minute
# Of a window by rule: collocation points, 1.7 for each unknown; unknowns, 32 units and a constant;
# and the angle by which the motion turns in it.
POINTS, UNITS, RADIANS = 56, 33, 2.0
STIFF = (
    "For a stiff equation use scipy.integrate.solve_ivp(method='Radau'), made for rates that the "
    "motion itself does not show; or take a shorter duration."
)


def check_motion(problem, duration, rates, fastest):
    """Raise for a motion that is too long for its fastest rate, stiff ones above all.

    Windows turn by at most 2 rad of the fastest rate, of the equation or of the motion. A stiff
    equation has rates far above those that are seen in its motion, and would have far too many.
    A nonlinear one begins at a trajectory of RK4, whose steps must follow the fastest rate.

    Args:
        problem: `InitialValueProblem`, one trajectory.
        duration: T, in s.
        rates: ω(t_i) at equidistant times, `(num,)`, in rad/s.
        fastest: the largest rate of the equation, in rad/s.

    Raises:
        ValueError: with the numbers, and what to use instead.
    """
    fastest, mean = float(fastest), float(rates.mean())
    num_windows = max(int(np.ceil(mean * duration / RADIANS)), 1)
    d = problem.dimension
    work = 2.0 * num_windows * (POINTS * d) * (UNITS * d) ** 2
    size = num_windows * POINTS * d * UNITS * d * 8.0
    radians = 0.0 if problem.is_linear else fastest * duration
    if radians > MOST_RADIANS:
        reason = f"turns by at most {MOST_RADIANS} rad at its fastest, if nonlinear. Received"
        reason += f" {radians:.3g} rad in"
    elif work > MOST_WORK:
        reason = f"takes at most {MOST_WORK:.0e} multiplications a step. Received {work:.1e} for"
    else:
        return
    shorter = duration / max(work / MOST_WORK, radians / MOST_RADIANS)
    raise ValueError(
        f"A PINN needs a motion that {reason} {problem!r} over {duration:g} s: rates up to "
        f"{fastest:.3g} rad/s ask for {num_windows} windows, whose least squares have "
        f"{num_windows * UNITS * d:.2g} unknowns and {size / 1e9:.2g} GB of derivatives. {STIFF} "
        f"Up to {_rounded_down(shorter):g} s would do here."
    )


def _rounded_down(number):
    """A positive number with two digits, not above it."""
    unit = 10.0 ** (np.floor(np.log10(number)) - 1.0)
    return float(np.floor(number / unit) * unit)


def rate_of_time(problem, times):
    """√(max |∂²rhs/∂t²| / max |rhs|) at the initial state: how fast a force is, in rad/s.

    A pulse that is shorter than the first steps of a sketch is seen here.

    Args:
        problem: `InitialValueProblem`, one trajectory.
        times: many equidistant times, `(num,)`, in s.

    Returns:
        ω at the inner times, `(num − 2,)`.
    """
    state = [np.repeat(np.asarray(y), len(times), axis=0) for y in problem.initial_state()]
    with np.errstate(all="ignore"):
        rhs = np.broadcast_to(problem.rhs(times[:, None], *state), state[0].shape)
        size = np.maximum(np.abs(rhs).max(), 1e-300)
        change = np.abs(np.diff(rhs, n=2, axis=0)).max(axis=-1)
        return np.nan_to_num(np.sqrt(change / size) / (times[1] - times[0]))
