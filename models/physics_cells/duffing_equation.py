"""A Duffing oscillator fitted to a record: the equation itself, by the error of its free run."""

from typing import NamedTuple

import numpy as np

from oscillator_zoo.data.checks import one_number, one_of

from ..least_squares.estimates import Estimate, estimates_at_minimum
from .duffing_checks import check_found, linear_rmse
from .duffing_reading import differences
from .duffing_runs import COURSES, check_backend
from .duffing_windows import (
    fit_in_windows,
    in_longest_windows,
    in_trusted_windows,
    over_whole_record,
    period_of,
    without_starts,
)

SHORTEST = 100  # samples
PIECE_SAMPLES, PIECE_PERIODS = 4096, 40  # the beginning of a long record, to choose the course
LIKELY = 12.0  # χ² beside the nearest course, beyond which a course is wrong
VAGUE = 0.25  # error of the mass, relative: the force is not seen in the motion
REST_STEPS = 20
FARTHEST_REST = 3.0  # standard deviations from the mean; beyond, the force's zero is elsewhere


class DuffingFit(NamedTuple):
    """A Duffing oscillator found in a record.

    | field       | content                                                             |
    |-------------|---------------------------------------------------------------------|
    | `estimates` | `Estimate` by name, as of `duffing_estimates`                       |
    | `course`    | of the force between samples: "smooth", "linear" or "held"          |
    | `rmse`      | of the free run, in the unit of the position                        |
    | `rmse_of`   | the same by course, over the beginning of the record if it is long  |
    | `position`  | the free run, `(N,)`: the oscillator's motion without the noise     |
    | `asymmetry` | k2 / k3 about the mean position, in its unit; 0 without k3          |
    | `window`    | samples of a run; fewer than N where a longer one is too sensitive  |
    """

    estimates: dict
    course: str
    rmse: float
    rmse_of: dict
    position: np.ndarray
    asymmetry: float
    window: int | None = None


def fit_duffing(force, position, time_step, course=None):
    """The Duffing oscillator whose free run is nearest to a record, at any sampling rate.

        m y'' + γ y' + k y + k2 y² + k3 y³ = u,    y the way from the rest without force

    Least squares on the free run, integrated between the samples as well, in the constants and
    the start of the motion. It begins at the best of many guesses that noise hardly moves
    (`weak_form_guesses`), so that 200 samples a period are as good as ten, and with runs of three
    periods, which no guess leads astray; they grow into one. What the force does between samples
    is tried in three ways unless it is given, and the nearest run is kept. Ways that the record
    cannot tell apart widen the intervals.

    Standard errors are those of `ResponseModel.estimates`, to first order in the noise, the larger
    of those for independent errors and for neighbours that are alike. They hold for an oscillator
    that obeys the equation, under a force of that course.

    Args:
        force: u at times nΔt, `(N,)`.
        position: at the same times, `(N,)`.
        time_step: Δt, in s.
        course: "smooth" (no frequency above half the sampling rate), "linear" or "held" from a
            sample to the next; None tries all.

    Returns:
        `DuffingFit`.

    Raises:
        ValueError: for a record that is too short or does not move, or in which no oscillator is
            found: no run that is clearly better than a linear recurrence's, or errors that are a
            motion themselves.

    Example:
    >>> import numpy as np
    >>> from oscillator_zoo.data import Duffing, Sampled, simulate
    >>> force = np.random.default_rng(0).normal(size=301)
    >>> problem = Duffing(damping=0.4, force=Sampled(0.5 * np.arange(301), force), position=0.0)
    >>> motion = simulate(problem, 0.05, 3000, method="rk4").every(10)
    >>> fit = fit_duffing(force, motion.feature("position")[0], 0.5)
    >>> print(fit.course, f"{fit.estimates['damping'].value:.4f}")
    linear 0.4000
    """
    check_backend()
    time_step = one_number("time_step", time_step, "s", above=0.0)
    force, position = _checked(force, position)
    scales = position.mean(), position.std(), force.std()
    y, u = (position - scales[0]) / scales[1], force / scales[2]
    courses = COURSES if course is None else (one_of("course", course, COURSES),)
    likely, errors = _nearest(y, u, courses)
    estimates = _estimates(likely, time_step, scales)
    found = next(iter(likely.values()))
    run = scales[0] + scales[1] * (found.error + y)
    rmse = float(np.sqrt(np.mean((run - position) ** 2)))
    check_found(rmse, linear_rmse(force, position), scales[1], run - position)
    rmse_of = {course: float(scales[1] * error) for course, error in errors.items()}
    square, cube = found.constants[2:4]
    asymmetry = float(scales[1] * square / cube) if cube else 0.0
    window = found.search.window
    return DuffingFit(estimates, found.search.course, rmse, rmse_of, run, asymmetry, window)


def _nearest(y, u, courses):
    """The oscillators of the likely courses by name, the nearest first, and the RMSE of all.

    Of a long record the beginning tells the courses apart; the end of the search sees all.
    """
    period = period_of(y)
    piece = int(max(PIECE_SAMPLES, PIECE_PERIODS * period))
    piece = piece if len(y) > 2 * piece else len(y)
    begun, unit = {}, None
    for name in courses:
        begun[name] = fit_in_windows(y[:piece], u[:piece], period, name, unit)
        unit = begun[name].search.unit
    errors = {name: np.sqrt(one.square) for name, one in begun.items()}
    found = {name: in_longest_windows(begun[name]) for name in _likely(begun)}
    errors |= {name: np.sqrt(one.square) for name, one in found.items()}
    found = {name: found[name] for name in _likely(found)}
    if piece < len(y):
        begun |= {name: over_whole_record(begun[name], y, u, period) for name in found}
        found = {name: in_longest_windows(begun[name]) for name in found}
    found = {name: in_trusted_windows(found[name], begun[name]) for name in _likely(found)}
    if not all(np.isfinite(one.square) for one in found.values()):
        raise ValueError(_nothing("no run that stays finite"))
    return found, errors


def _likely(found):
    """Share of each course by name, e^{−χ²/2} beside the nearest, which is the first."""
    least = min(one.variance for one in found.values())
    chi2 = {name: one.error.size * (one.variance / least - 1.0) for name, one in found.items()}
    near = {name: np.exp(-0.5 * more) for name, more in chi2.items() if not more > LIKELY}
    return dict(sorted(near.items(), key=lambda item: -item[1]))


def _estimates(found, time_step, scales):
    """`Estimate` by name, of the nearest course; others that are as likely widen the intervals."""
    shares = _likely(found)
    each = {name: _estimates_of(found[name], time_step, scales) for name in shares}
    first, widened = each[next(iter(shares))], {}
    for constant, (value, error, _, upper) in first.items():
        squares = {
            name: one[constant].standard_error ** 2 + (one[constant].value - value) ** 2
            for name, one in each.items()
        }
        mean = sum(shares[name] * square for name, square in squares.items())
        wider = max(1.0, np.sqrt(mean / sum(shares.values())) / error) if error else 1.0
        half = wider * (upper - value)
        widened[constant] = Estimate(value, float(wider * error), value - half, value + half)
    return widened


def _estimates_of(found, time_step, scales):
    """`Estimate` by name, the larger one of independent and of correlated errors."""
    search, rate = found.search, found.search.unit / time_step

    def constants(weights):
        return _constants(weights[0], rate, scales)

    values = constants([found.constants])
    slopes = differences(constants, [found.constants])
    never = [False] * len(values)
    jacobian, _ = without_starts(search, *search.jacobian(found.constants, found.starts))
    lost = np.sqrt(len(found.error) / (len(found.error) - found.starts.size))
    try:
        independent, alike = (
            estimates_at_minimum(values, never, lost * found.error, jacobian, slopes, correlated)
            for correlated in (False, True)
        )
    except np.linalg.LinAlgError:
        raise ValueError(_nothing("constants that cannot be told apart")) from None
    larger = {
        name: max(independent[name], alike[name], key=lambda estimate: estimate.standard_error)
        for name in values
    }
    mass, error = larger["mass"][:2]
    if not error < VAGUE * abs(mass):
        raise ValueError(_nothing(f"a force that hardly moves it (mass {mass:.3g} ± {error:.2g})"))
    return larger


def _constants(oscillator, rate, scales):
    """Constants in the units of the data by name; `rate` is the unit of time, in 1/s."""
    _, size, force = scales
    s1, d, s2, s3, gain, constant = oscillator
    rest = _rest(s1, s2, s3, constant)
    s1, s2 = s1 + rest * (2.0 * s2 + 3.0 * rest * s3), s2 + 3.0 * rest * s3
    if not (s1 > 0.0 and gain != 0.0):
        raise ValueError(_nothing(f"s_1 = {s1:.3g} and G = {gain:.3g} (scaled)"))
    mass = force / (gain * size * rate**2)
    values = {
        "natural_frequency": np.sqrt(s1) * rate / (2.0 * np.pi),
        "damping_ratio": 0.5 * d / np.sqrt(s1),
        "mass": mass,
        "damping": mass * d * rate,
        "stiffness": mass * s1 * rate**2,
        "quadratic_stiffness": mass * s2 * rate**2 / size,
        "cubic_stiffness": mass * s3 * rate**2 / size**2,
    }
    return {name: float(value) for name, value in values.items()}


def _rest(s1, s2, s3, constant):
    """y where the oscillator rests without force: s_1 y + s_2 y² + s_3 y³ = c, by Newton."""
    y = 0.0
    for _ in range(REST_STEPS):
        slope = s1 + y * (2.0 * s2 + 3.0 * y * s3)
        if not slope > 0.0:
            return 0.0
        y += (constant - y * (s1 + y * (s2 + y * s3))) / slope
    return y if abs(y) < FARTHEST_REST else 0.0


def _checked(force, position):
    force, position = (np.asarray(a, np.float64) for a in (force, position))
    if not (force.shape == position.shape == (force.size,) and len(force) >= SHORTEST):
        raise ValueError(
            f"A record needs force and position of one shape (N,), N ≥ {SHORTEST}. Received "
            f"shapes {force.shape} and {position.shape}. Pass one record."
        )
    if not (np.isfinite(force).all() and np.isfinite(position).all()):
        raise ValueError(
            "A record must hold finite numbers. Received NaN or infinity. Cut the record there."
        )
    if not (force.std() > 0.0 and position.std() > 0.0):
        raise ValueError(
            "Force and position must vary. Received standard deviations "
            f"{force.std():g} and {position.std():g}. Check the columns."
        )
    return force, position


def _nothing(found):
    return (
        f"The record must show a driven oscillator with a spring. Received {found}. "
        "Check the columns and the sampling rate, or measure longer."
    )
