"""Fits one law to records, from no first guess to the free run."""

from typing import NamedTuple

import numpy as np

from ..multiple_shooting import Shooting, along, middle_of, windows_of
from .linear_decay import fit_linear_decay, fit_overdamped
from .weak_guesses import even, position_of, upright, weak_guesses

BEST = 3  # guesses that are searched from, until one leads to the noise of the windows
ALIKE = 1e-6  # relative, of the sums of squares of two ends
PIECE = 60  # periods of a long record to begin with
CRITICAL = 0.95  # damping ratio of a decay that may be overdamped
COARSE = 0.4  # of the steps, until the free run
DYING, NOISY = 0.15, 2.0  # size of a motion, of the largest and of the least, that is searched
FEWEST_IN_A_PERIOD = 3  # samples that give a size
OTHERS = (0.73, 1.37)  # lengths of windows, of the usual, for where these do not join
WELL = 1.3  # mean square error of whole records, of that of windows with own starts
AS_NEAR = 1.01  # square of one run, of that of windows whose gaps are small


class LawFit(NamedTuple):
    """A law with the constants nearest to the records.

    | field       | content                                                                 |
    |-------------|-------------------------------------------------------------------------|
    | `law`       | `Law`                                                                   |
    | `constants` | by name, in units of the records and s                                  |
    | `starts`    | (x0, v0) of each record, `(records, 2)`                                 |
    | `offsets`   | of each record, `(records,)`                                            |
    | `error`     | fit − record at all samples, `(n,)`                                     |
    | `jacobian`  | by the constants, cleared of starts and offsets, `(n, P)`               |
    | `closed`    | whether the search ended at one free run for each record                |
    | `course`    | of the force between samples, or None                                   |
    | `scales`    | of the records, where they have their own                               |
    | `search`    | `Shooting` and the `Point` where it ended, or None                      |
    """

    law: object
    constants: dict
    starts: np.ndarray
    offsets: np.ndarray
    error: np.ndarray
    jacobian: np.ndarray
    closed: bool
    course: str | None
    scales: np.ndarray = np.ones(1)
    search: tuple | None = None

    @property
    def num_unknowns(self):
        scales = len(self.scales) - 1
        return len(self.constants) + self.starts.size + self.offsets.size + scales

    @property
    def square(self):
        return float(self.error @ self.error)


def fit_decay(law, records):
    """`LawFit` of the linear law to free decays, in closed form."""
    swinging = _swinging(law, records)
    rate = np.sqrt(swinging.constants["squared_frequency"])
    if swinging.constants["damping_rate"] < 2.0 * CRITICAL * rate:
        return swinging
    return min(swinging, _overdamped(law, records), key=lambda fit: fit.square)


def _swinging(law, records):
    found = fit_linear_decay(records)
    w, alpha = found.frequency, found.rate
    local = found.jacobian[:, 2:]
    moves = found.jacobian[:, :2].copy()
    first = 0
    for i, record in enumerate(records):
        rows = slice(first, first + len(record.times))
        basis = np.linalg.qr(local[rows, 3 * i : 3 * i + 3])[0]
        moves[rows] -= basis @ (basis.T @ moves[rows])
        first = rows.stop
    by_square = moves[:, 0] / (2.0 * w)
    jacobian = np.stack([by_square, 0.5 * moves[:, 1] - alpha * by_square], axis=1)
    turn = complex(-alpha, w)
    power = ("position", "velocity", "acceleration").index(records[0].quantity)
    phasor = (found.amplitudes[:, 1] - 1j * found.amplitudes[:, 2]) / turn**power
    starts = np.stack([phasor.real, (turn * phasor).real], axis=1)
    constants = {"squared_frequency": w * w + alpha * alpha, "damping_rate": 2.0 * alpha}
    return LawFit(law, constants, starts, found.amplitudes[:, 0], found.error, jacobian, True, None)


def _overdamped(law, records):
    found = fit_overdamped(records)
    slow, fast = found.rates
    # ∂(a, b) by (s_1, d), from the roots of z² − d z + s_1
    turn = np.array([[1.0, -slow], [-1.0, fast]]) / (fast - slow)
    power = ("position", "velocity", "acceleration").index(records[0].quantity)
    sizes = found.amplitudes[:, 1:] / (-found.rates) ** power
    starts = np.stack([sizes.sum(axis=1), -sizes @ found.rates], axis=1)
    constants = {"squared_frequency": slow * fast, "damping_rate": slow + fast}
    jacobian = found.jacobian @ turn
    return LawFit(law, constants, starts, found.amplitudes[:, 0], found.error, jacobian, True, None)


def fit_law(law, records, rate, start, course=None):
    """`LawFit` of any law by multiple shooting, or None where no run stays finite.

    Long records are begun with a piece of them.

    Args:
        law: `Law`.
        records: list of `Record`.
        rate: angular frequency of the motion, in rad/s.
        start: constants by name, of another law, from which to begin too; may be empty.
        course: of the force between samples.
    """
    rate, records = _prepared(law, records, rate, course)
    scales = _scales(law, records, rate)
    guesses = _guesses(law, pieces(records, rate, PIECE), rate, scales, start, course)
    fit = fit_from(law, records, rate, scales, guesses, course)
    if fit is None or not fit.constants["squared_frequency"] > 0.0:
        return None  # no oscillator: it has no natural frequency
    return fit


def fit_from(law, records, rate, scales, guesses, course):
    """`LawFit` by multiple shooting from guesses in scaled units, or None if no run is finite."""
    first = pieces(records, rate, PIECE)
    if law.sticks and records[0].force is None:
        first = moving_parts(first, rate)
    shooting = _shooting(law, first, rate, scales, course)
    best = _best(shooting, shooting.begin(guesses, BEST))
    if best is not None and first is not records:
        heads = best.point.starts[shooting.begins]
        shooting = _shooting(law, records, rate, scales, course)
        point = shooting.at_rest(best.point.constants)
        points = [along(shooting, point, heads)] if law.sticks else [point]
        best = _best(shooting, [*points, point], near=True)
    if law.sticks and best is not None and not best.closed:
        shooting, best = _closed(shooting, best, records, rate, scales, course)
    if best is None:
        return None
    return _in_units(law, records, best, shooting, rate, scales, course)


def _closed(shooting, best, records, rate, scales, course):
    """`Shooting` and `Shot` of one run for each record, from windows that do not quite join.

    A window that begins where the motion only just turns or sticks may do so or not: one run
    cannot. It may end in another valley; windows that begin elsewhere need not.
    """
    law = shooting.law
    tries = (np.inf, *OTHERS, np.inf) if records[0].force is not None else (np.inf,)
    for number, periods in enumerate(tries, 1):
        whole, is_last = np.isinf(periods), number == len(tries)
        heads, constants = best.point.starts[shooting.begins], best.point.constants
        trial = _shooting(law, records, rate, scales, course, law.periods * periods)
        point = best.point._replace(starts=heads) if whole else trial.at_rest(constants)
        shot = _best(trial, [point], near=whole)
        if shot is None or (whole and not is_last and shot.square > AS_NEAR * best.square):
            continue
        shooting, best = trial, shot
        if best.closed:
            break
    return shooting, best


def fit_windows(law, records, rate, course):
    """Constants by name, and the sum of squares, of windows with own starts: soon had."""
    rate, records = _prepared(law, records, rate, course)
    scales = _scales(law, records, rate)
    shooting = _shooting(law, records, rate, scales, course)
    guesses = _guesses(law, records, rate, scales, {}, course)
    constants, square = shooting.in_windows(next(shooting.begin(guesses, 1)))
    units = law.units(records[0].force is not None, rate, *scales)
    return dict(zip(law.constants(records[0].force is not None), constants * units)), square


def _prepared(law, records, rate, course):
    """Rate and records; those of a driven pendulum with the angle in which it hangs."""
    if law.name != "pendulum" or records[0].force is None:
        return rate, records
    return upright(records, rate, course)


def _guesses(law, records, rate, scales, start, course):
    """Constants to begin with, in scaled units: like those of another law, weak, plain."""
    driven = records[0].force is not None
    guesses = [weak_guesses(law, records, rate, scales, course), _plain_guesses(law, driven)]
    if start:
        like = np.array([start.get(name, 0.0) for name in law.constants(driven)])
        guesses.insert(0, like[None] / law.units(driven, rate, *scales))
    guesses = np.concatenate(guesses)
    return guesses[(guesses[:, 0] > 0.0) & np.isfinite(guesses).all(axis=1)]


def pieces(records, rate, periods):
    """The beginnings of long records; the records themselves where none is long."""
    length = periods * 2.0 * np.pi / rate
    if all(record.duration < 2.0 * length for record in records):
        return records
    return [record.part(record.times <= record.times[0] + length) for record in records]


def moving_parts(records, rate):
    """The beginnings of records until their motion has nearly died, by its size in each period.

    Where a motion sticks, samples say nothing of a window's own velocity.
    """
    parts = []
    for record in records:
        period = np.floor((record.times - record.times[0]) * rate / (2.0 * np.pi)).astype(int)
        number = np.bincount(period)
        means = np.bincount(period, record.values) / np.maximum(number, 1)
        squares = np.bincount(period, (record.values - means[period]) ** 2)
        sizes = np.sqrt(squares / np.maximum(number, 1))
        least = sizes[number > FEWEST_IN_A_PERIOD].min(initial=0.0)
        still = np.flatnonzero(sizes < max(DYING * sizes.max(), NOISY * least))
        last = max(still.min(initial=period[-1]), 1)
        parts.append(record if last >= period[-1] - 1 else record.part(period <= last))
    return records if all(a is b for a, b in zip(parts, records)) else parts


def _plain_guesses(law, driven):
    """A little and much damping at the frequency of the motion, for where nothing else is had."""
    guesses = np.zeros((2, len(law.constants(driven))))
    names = list(law.terms)
    guesses[:, names.index("squared_frequency")] = 1.0
    guesses[:, names.index("damping_rate")] = 0.05, 0.4
    if driven:
        guesses[:, -1] = 0.1, 0.5
    return guesses


def _shooting(law, records, rate, scales, course, periods=None):
    fine, coarse = (
        windows_of(records, rate, scales, share * law.parts, course, periods or law.periods, rough)
        for share, rough in ((1.0, False), (COARSE, True))
    )
    return Shooting(law, fine, coarse)


def _best(shooting, points, near=False):
    """The best end of the searches from several points, the rest left out once one is good.

    Or once two ended alike, as those of a wrong law do: of 80 third searches none ended elsewhere.
    """
    shots = []
    for point in points:
        shot = shooting.search(point, near=near)
        if np.isfinite(shot.square):
            shots.append(shot)
        good = shot.noise and shot.square < WELL * shot.noise * len(shot.error)
        if (near or good) and (shot.closed or (good and shooting.law.sticks)):
            break
        if len(shots) == 2 and _are_alike(*shots) and not shooting.law.sticks:
            break
        near = False
    return min(shots, key=lambda shot: (not shot.closed, shot.square), default=None)


def _are_alike(one, other):
    """Whether two searches ended in the same valley."""
    return one.closed == other.closed and np.isclose(one.square, other.square, rtol=ALIKE, atol=0.0)


def _scales(law, records, rate):
    """Units of position and force: standard deviations."""
    sizes = []
    for record in records:
        step, values, _, _ = even(record)
        sizes.append(position_of(record, values, step, rate).std())
    forces = [record.force.std() for record in records if record.force is not None]
    return max(sizes) if law.scalable else 1.0, max(forces, default=1.0)


def _in_units(law, records, shot, shooting, rate, scales, course):
    driven = records[0].force is not None
    units = law.units(driven, rate, *scales)
    power = ("position", "velocity", "acceleration").index(records[0].quantity)
    unit = scales[0] * rate**power
    names = law.constants(driven)
    return LawFit(
        law,
        dict(zip(names, shot.point.constants * units)),
        shot.point.starts[shooting.begins] * scales[0] * [1.0, rate],
        np.array([middle_of(r) for r in records]) + shot.point.offsets * unit,
        shot.error * unit,
        shot.jacobian * unit / units,
        shot.closed,
        course,
        np.atleast_1d(shot.point.scales),
        (shooting, shot.point),
    )
