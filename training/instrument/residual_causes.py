"""What may have made a residual: friction, a lag, a drift, a line, or something that happened.

Dry friction, a lag and a drift under a force are found by score tests, from what a little of them
would do to the fit; what happens in a free decay by fits of linear decays, which take milliseconds.
"""

import dataclasses

import numpy as np

from ..multiple_shooting import Shooting
from .law_fit import fit_law
from .linear_decay import fit_linear_decay
from .oscillator_laws import LAWS, TERMS, Law
from .record_list import exchanged
from .weak_guesses import spectral_rate, weak_rate

MOST_OF_IT = 0.5  # share of the squares of a residual that one cause has to explain
HALVED = 0.5  # RMSE beside a cause, of that without it
CHANGED = 0.2  # RMSE of two decays, of that of one: where a law changes with the size, .25 and more
LEAST_LAG = 0.25  # of a step: smaller ones depend on what the force does between samples
FEWEST_WAVES = 1.0  # in a record, by which another motion differs from multiples of the first
HARMONICS = 5
DRIFT = 3  # highest power of time
FEWEST_OF_A_PART = 30  # samples, before and after a split
PLAIN, NEARER = 0.05, 0.2  # RMSE over standard deviation, and over the other, of other columns
TO_DEVIATION = 1.4826  # of a normal distribution, from its median size
FAR_OFF, FEW = 6.0, 0.05  # deviations of an outlier; most of all samples that are called so
LEAST_FAR = 1e-3  # standard deviations of the record: less is no mistake of an instrument
JUMP = 8.0  # in the smallest steps of a record: no rounding
MANY_HELD = 0.2  # share of samples that repeat the one before
MANY_SAMPLES = 5_000  # of records whose causes are not searched for


def bic_of_friction(fit):
    """By how much dry friction changes the BIC of a fit to driven records, to first order.

    A weak friction f moves the fit by f z, with z the response of its motion x to −sign x'. What
    z takes off the residual beside all other unknowns is known without a search (Rao's score
    test). Below 0 it is more than a constant costs, ln n.

    Args:
        fit: `LawFit` of a law without dry friction.

    Returns:
        A number; infinite where a friction that pushes along would be nearer.
    """
    moves, num = _cleared(_response(fit), fit.jacobian), len(fit.error)
    fall = -(moves @ fit.error)  # as z itself is cleared of what the fit may still do
    if not fall > 0.0:
        return np.inf
    share = fall**2 / (moves @ moves) / fit.square
    return num * np.log1p(-min(share, 1.0 - 1e-12)) + np.log(num)


def _response(fit):
    """z at all samples, cleared of what starts and offsets can do."""
    shooting, point = fit.search
    own = fit.law
    terms = own.terms | {"dry_friction": TERMS["dry_friction"]}
    law = Law(own.name, own.equation, terms, own.scalable, own.parts)
    weak = Shooting(law, shooting.coarse.windows)  # a score needs no more
    point = point._replace(constants=np.insert(point.constants, -1, 0.0))  # before the gain
    return weak.projected(weak.state(point, weak.groups(len(point.starts))))[:, -2]


def _cleared(column, others):
    basis = np.linalg.qr(others / np.linalg.norm(others, axis=0))[0]
    return column - basis @ (basis.T @ column)


def causes_of(records, linear, errors):
    """Sentences on what may have made a residual that is not white.

    Args:
        records: list of `Record`.
        linear: `LawFit` of the linear law, or of the best one where there is none.
        errors: residuals of the best law, record by record.
    """
    if len(linear.error) > MANY_SAMPLES:
        return []
    if records[0].force is not None:
        found = [_lag(records, linear) or _drift_under_force(records, linear)]
        found += [_nearest([_second(r, linear, e)], rms(e)) for r, e in zip(records, errors)]
    else:
        found = [
            _nearest([_drift(r), _second(r, linear, e), _split(r, rms(e))], rms(e))
            for r, e in zip(records, errors)
        ]
    return [sentence for sentence in found if sentence]


def _nearest(causes, rmse):
    """The sentence of the cause that leaves least, if that is much less than is left now."""
    left, sentence = min(cause for cause in causes if cause) if any(causes) else (np.inf, None)
    if left < HALVED * rmse:
        return f"{sentence} an RMSE of {left:.3g}, not {rmse:.3g}."


def check_columns(records, found, course):
    """Raise where records are explained once they are taken to be something else.

    Raises:
        ValueError: if the linear law is nearer by far to another quantity, or to the two columns
            exchanged.
    """
    other = weak_rate(records, spectral_rate(records), course)
    slow = fit_law(LAWS["linear"], records, other, {}, course)  # far below its frequency
    left = min((left_of(f, records) for f in (found, slow) if f and f.closed), default=1.0)
    for what, others in exchanged(records) if left > PLAIN else ():
        rate = spectral_rate(others)
        fit = fit_law(LAWS["linear"], others, rate, {}, course)
        if fit is not None and fit.closed and left_of(fit, others) < min(PLAIN, NEARER * left):
            raise ValueError(
                "Force and motion must be what they are said to be. Received "
                f"{records[0].name} with a {records[0].quantity}, of whose standard deviation a "
                f"fit leaves {left:.2g}; {what}, a linear one leaves {left_of(fit, others):.2g}. "
                "Check the headings; pass measured, input_column and output_column."
            )


def left_of(fit, records):
    """RMSE of a fit over the standard deviation of the records, together."""
    square = sum(record.kept.sum() * record.values[record.kept].var() for record in records)
    return np.sqrt(fit.square / square)


def spoilt_samples(records, errors):
    """Sentences on single samples that are far from the fit, or that repeat the one before."""
    found = [_outliers(record, error) for record, error in zip(records, errors)]
    found += [_repeated(record) for record in records]
    return [sentence for sentence in found if sentence]


def _outliers(record, error):
    """Whether few samples lie far off and make most of the error."""
    size = TO_DEVIATION * np.median(np.abs(error - np.median(error)))
    far = np.abs(error) > max(FAR_OFF * size, LEAST_FAR * record.values[record.kept].std())
    if 0 < far.sum() < FEW * len(error) and rms(error[~far]) < HALVED * rms(error):
        worst = int(np.argmax(np.abs(error)))
        time = record.times[record.kept][worst]
        return (
            f"{far.sum()} samples of {record.name} lie more than {FAR_OFF:g} deviations off, the "
            f"farthest at {time:.6g} s by {-error[worst]:+.3g}; without them the RMSE is "
            f"{rms(error[~far]):.2g}, not {rms(error):.2g}. Leave them out if they are mistakes."
        )


def _repeated(record):
    """Whether a record that moves stands still and then jumps, as where a number is held."""
    values = record.values[record.kept]
    steps = np.abs(np.diff(values))
    digit = steps[steps > 0.0].min(initial=np.inf)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], steps == 0.0, [False]]).astype(int)))
    begins, ends = edges[::2], edges[1::2]  # of steps of 0; that at `ends` is the jump
    inner = (ends < len(steps)) & (values[begins] < values.max()) & (values[begins] > values.min())
    begins, ends = begins[inner], ends[inner]
    held = np.minimum(steps[ends], steps[np.maximum(begins - 1, 0)]) > JUMP * digit
    lengths = (ends - begins)[held]
    if lengths.sum() > MANY_HELD * len(values) or np.sum(lengths > 1) > 1:
        return (
            f"{lengths.sum()} samples of {record.name} repeat the one before, up to "
            f"{lengths.max()} in a row, and then jump: the last number may have been held where "
            "none was measured. Leave them empty."
        )


def _lag(records, fit):
    """Whether force and motion are apart in time, by the score of a shift: ∂error/∂τ = x'."""
    ends = np.cumsum([record.kept.sum() for record in records])[:-1]
    moves = []
    for record, error in zip(records, np.split(fit.error, ends)):
        times = record.times[record.kept]
        moves.append(np.gradient(record.values[record.kept] + error, times))
    moves = _cleared(np.concatenate(moves), fit.jacobian)
    along = float(moves @ fit.error)
    share = along**2 / (moves @ moves) / fit.square
    lag, step = along / (moves @ moves), records[0].duration / (len(records[0].times) - 1)
    if share > MOST_OF_IT and abs(lag) > LEAST_LAG * step:
        first, second = ("motion", "force") if lag > 0.0 else ("force", "motion")
        return (
            f"The {first} seems to come later than the {second}: a lag of about {abs(lag):.2g} s "
            f"({abs(lag) / step:.2g} samples) takes {share:.0%} off the squares of the residual of "
            f"{fit.law.name}, with a force that is {fit.course} between samples. Compare their "
            "clocks and filters, and shift one of them."
        )


def _drift_under_force(records, fit):
    """Whether powers of the time take most off the residual, beside all constants."""
    columns = np.zeros((len(fit.error), DRIFT * len(records)))
    first = 0
    for i, record in enumerate(records):
        times = (record.times[record.kept] - record.times[0]) / record.duration
        rows, places = slice(first, first + len(times)), slice(DRIFT * i, DRIFT * (i + 1))
        columns[rows, places] = np.vander(times, DRIFT + 1)[:, :-1]
        first = rows.stop
    columns = _cleared(columns, fit.jacobian)
    basis = np.linalg.qr(columns)[0]
    share = np.sum((basis.T @ fit.error) ** 2) / fit.square
    if share > MOST_OF_IT:
        return (
            f"The zero seems to drift: powers of the time up to {DRIFT} take {share:.0%} off the "
            f"squares of the residual of {fit.law.name}. Subtract the drift."
        )


def _drift(record):
    """RMSE of a linear decay about a zero that drifts, and a sentence."""
    found = fit_linear_decay([record], DRIFT)
    return rms(found.error), (
        f"The zero of {record.name} seems to drift. Subtract the drift: {_decay(found)} beside "
        "one with t … t³ leaves"
    )


def _second(record, fit, error):
    """RMSE beside a second motion in a residual, and a sentence; None where it may be the first."""
    own = np.sqrt(fit.constants.get("squared_frequency", np.nan)) / (2.0 * np.pi)
    rest = dataclasses.replace(record.part(record.kept), values=-error, force=None)
    found = fit_linear_decay([rest])
    frequency = found.frequency / (2.0 * np.pi)
    apart = np.abs(frequency - own * np.arange(HARMONICS + 1)).min() * record.duration
    if apart > FEWEST_WAVES:
        return rms(found.error), (
            f"{record.name} holds another motion, or hum. Filter the record, or measure without "
            f"it: {_decay(found)} beside the fit leaves"
        )


def _split(record, rmse):
    """RMSE of two linear decays, before and after the best time, and a sentence."""
    num, tried = len(record.times), {}
    for step in (num // 8, num // 64, max(num // 512, 1)):
        near = min(tried, key=lambda k: tried[k][0]) if tried else num // 2
        for at in near + step * np.arange(-7, 8):
            if at not in tried and FEWEST_OF_A_PART <= at <= num - FEWEST_OF_A_PART:
                ends = [fit_linear_decay([record.part(s)]) for s in (slice(at), slice(at, num))]
                tried[at] = sum(end.error @ end.error for end in ends), ends
    if not tried:
        return None
    at = min(tried, key=lambda k: tried[k][0])
    square, (before, after) = tried[at]
    if np.sqrt(square / num) > CHANGED * rmse:
        return None
    return np.sqrt(square / num), (
        f"Something seems to have changed in {record.name} at about {record.times[at]:.4g} s. Cut "
        f"it there: {_decay(before)} before and {_decay(after)} after leave"
    )


def _decay(found):
    root = np.hypot(found.frequency, found.rate)
    return (
        f"a linear decay of {root / (2.0 * np.pi):.5g} Hz and damping ratio {found.rate / root:.3g}"
    )


def rms(error):
    return float(np.sqrt(np.mean(error**2)))
