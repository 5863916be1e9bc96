"""A Duffing oscillator fitted to a record: the equation itself, by the error of its free run."""

from typing import NamedTuple

import numpy as np

from oscillator_zoo.data.checks import real_value

from ..least_squares.estimates import estimates_at_minimum
from .duffing_guesses import weak_form_guesses
from .duffing_reading import differences
from .duffing_runs import COURSES, LARGEST_ANGLE, force_between, free_runs

AT_ONCE = 17  # runs in one call: the differences of eight numbers, or a run and sixteen steps
MOST_STEPS = 40
LEAST_FALL = 1e-8  # of the mean square error, below which the search ends
RELATIVE_STEP = 1e-6  # of the differences
SHORTEST = 50  # samples
PIECE_SAMPLES, PIECE_PERIODS = 4096, 40  # the beginning of a long record, to choose the course
POOR = 0.1  # RMSE over standard deviation above which the search is repeated in growing windows
WINDOWS = (0.1, 0.2, 0.4, 0.7, 1.0)
NUM_STARTS = 3
FEW_STEPS = 8
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
    """

    estimates: dict
    course: str
    rmse: float
    rmse_of: dict
    position: np.ndarray
    asymmetry: float


def fit_duffing(force, position, time_step, course=None):
    """The Duffing oscillator whose free run is nearest to a record, at any sampling rate.

        m y'' + γ y' + k y + k2 y² + k3 y³ = u,    y the way from the rest without force

    Least squares on the free run, integrated between the samples as well, in the constants and
    the start of the motion. It begins at the best of many guesses that noise hardly moves
    (`weak_form_guesses`), so that 200 samples a period are as good as ten. What the force does
    between samples is tried in three ways unless it is given, and the nearest run is kept.

    Standard errors are those of `ResponseModel.estimates`, to first order in the noise: they hold
    for an oscillator that obeys the equation, under a force of that course.

    Args:
        force: u at times nΔt, `(N,)`.
        position: at the same times, `(N,)`.
        time_step: Δt, in s.
        course: "smooth" (no frequency above half the sampling rate), "linear" or "held" from a
            sample to the next; None tries all.

    Returns:
        `DuffingFit`.

    Raises:
        ValueError: for a record that is too short or does not move, or in which no damped
            oscillator is found.

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
    time_step = real_value("time_step", time_step, "s", above=0.0, arrays=False)
    force, position = _checked(force, position)
    scales = position.mean(), position.std(), force.std()
    y, u = (position - scales[0]) / scales[1], force / scales[2]
    piece = len(y)
    period = _period(y)
    if len(y) > 2 * max(PIECE_SAMPLES, PIECE_PERIODS * period):
        piece = int(max(PIECE_SAMPLES, PIECE_PERIODS * period))
    courses = COURSES if course is None else (course,)
    begun = {name: _search(y[:piece], u[:piece], period, name) for name in courses}
    found = {name: oscillator for name, (oscillator, _) in begun.items()}
    name = min(found, key=lambda name: found[name].square)
    best = found[name] = _descended(*begun[name])
    if not np.isfinite(best.square):
        raise ValueError(_nothing("no run that stays finite"))
    if piece < len(y):
        best = _Search(y, u, best.unit, name).descend(best.oscillator)
    rmse_of = {n: float(scales[1] * np.sqrt(one.square)) for n, one in found.items()}
    jacobian = best.search.jacobian(best.oscillator)

    def constants(weights):
        return _constants(weights[0], best.unit / time_step, scales)

    slopes = differences(constants, [best.oscillator])
    try:
        values = constants([best.oscillator])
        never = [False] * len(values)
        estimates = estimates_at_minimum(values, never, best.error, jacobian, slopes, True)
    except np.linalg.LinAlgError:
        raise ValueError(_nothing("constants that cannot be told apart")) from None
    rmse = float(scales[1] * np.sqrt(np.mean(best.error**2)))
    run = scales[0] + scales[1] * (best.error + y)
    square, cube = best.oscillator[2:4]
    asymmetry = float(scales[1] * square / cube) if cube else 0.0
    return DuffingFit(estimates, name, rmse, rmse_of, run, asymmetry)


class _Found(NamedTuple):
    """The best oscillator of a search; `error` is its run − y, `square` the mean of its square."""

    search: object
    oscillator: np.ndarray
    error: np.ndarray
    square: float

    @property
    def unit(self):
        return self.search.unit


class _Search:
    """Least squares on free runs, in eight numbers, with 1/`unit` samples as the unit of time."""

    def __init__(self, y, u, unit, course):
        self.y, self.unit = y, unit
        parts = max(1, int(np.ceil(unit / LARGEST_ANGLE)))
        self.step, self.force = unit / parts, force_between(u, parts, course)

    def errors(self, oscillators):
        """Runs − y, `(num, N)`; not finite where a run leaves the range of numbers."""
        runs = []
        for first in range(0, len(oscillators), AT_ONCE):
            some = oscillators[first : first + AT_ONCE]
            padded = np.concatenate([some, np.repeat(some[:1], AT_ONCE - len(some), axis=0)])
            runs.append(free_runs(padded, self.force, self.step)[: len(some)])
        return np.concatenate(runs) - self.y

    def jacobian(self, oscillator):
        """∂error/∂oscillator by central differences, `(N, 8)`."""
        sizes = RELATIVE_STEP * np.maximum(np.abs(oscillator), 0.05)
        moved = oscillator + np.concatenate([np.diag(sizes), -np.diag(sizes)])
        ends = self.errors(moved)
        return ((ends[:8] - ends[8:]) / (2.0 * sizes[:, None])).T

    def descend(self, oscillator, weights=1.0, only=slice(None), most=MOST_STEPS):
        """Levenberg–Marquardt; of each step sixteen lengths and Gauss–Newton's are tried."""
        error = self.errors(oscillator[None])[0]
        square = _squares(error[None], weights)[0]
        for _ in range(most):
            matrix = self.jacobian(oscillator)[:, only] * np.reshape(np.sqrt(weights), (-1, 1))
            if not (np.isfinite(matrix).all() and np.isfinite(square)):
                break
            lengths = np.linalg.norm(matrix, axis=0)
            lengths[lengths == 0.0] = 1.0
            left, sizes, right = np.linalg.svd(matrix / lengths, full_matrices=False)
            target = left.T @ (error * np.sqrt(weights))
            moves = np.zeros((AT_ONCE, 8))
            for move, damping in zip(moves, [1e-14, *np.logspace(-9.0, 2.0, AT_ONCE - 1)]):
                move[only] = -(right.T @ (sizes / (sizes**2 + damping) * target)) / lengths
            trials = self.errors(oscillator + moves)
            squares = _squares(trials, weights)
            i = int(np.argmin(squares))
            if not squares[i] < square:
                break
            fall = 1.0 - squares[i] / square
            oscillator, error, square = oscillator + moves[i], trials[i], squares[i]
            if fall < LEAST_FALL:
                break
        return _Found(self, oscillator, error, float(_squares(error[None], 1.0)[0]))


def _search(y, u, period, course):
    """The best oscillator for one course of the force after a few steps, and other starts."""
    guesses = weak_form_guesses(y, u, course)
    unit = 2.0 * np.pi / period
    for _ in range(2):
        search = _Search(y, u, unit, course)
        starts = np.zeros((len(guesses), 8))
        starts[:, :6] = guesses / unit ** np.array([2, 1, 2, 2, 2, 2])
        starts[:, 6] = y[0]
        squares = _squares(search.errors(starts)[:, len(y) // 4 :], 1.0)  # the start is a guess
        starts = starts[np.argsort(squares)[:NUM_STARTS]]
        found = search.descend(starts[0], only=slice(6, 8), most=2)
        found = search.descend(found.oscillator, most=FEW_STEPS)
        angle = np.sqrt(max(found.oscillator[0], 0.0)) * unit
        if search.step * angle / unit < 2.0 * LARGEST_ANGLE or angle > np.pi:
            break
        unit = angle  # the motion was slower than the oscillator is
    return found, starts


def _descended(found, starts):
    """On to the end; if that does not fit, from all starts, in windows that grow."""
    search = found.search
    found = search.descend(found.oscillator)
    if found.square <= POOR**2:
        return found
    for start in starts:
        other = search.descend(start, only=slice(6, 8), most=2)
        for share in WINDOWS:
            weights = (np.arange(len(search.y)) < share * len(search.y)).astype(np.float64)
            other = search.descend(other.oscillator, weights, most=FEW_STEPS)
        if other.square < found.square:
            found = other
    return search.descend(found.oscillator)


def _squares(errors, weights):
    """Mean squares of rows; infinite where a row is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.mean(weights * errors**2, axis=1)
    return np.where(np.isfinite(squares), squares, np.inf)


def _period(y):
    """Samples in a period of the strongest frequency."""
    power = np.abs(np.fft.rfft(y * np.hanning(len(y)))) ** 2
    return len(y) / max(1, int(np.argmax(power)))


def _constants(oscillator, rate, scales):
    """Constants in the units of the data by name; `rate` is the unit of time, in 1/s."""
    _, size, force = scales
    s1, d, s2, s3, gain, constant = oscillator[:6]
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
