"""What may have made a residual: a lag, a drift, a line, or something that happened.

Under a force these are found by score tests (module `score_tests`); what happens in a free decay by
fits of linear decays, which take milliseconds.
"""

import dataclasses

import numpy as np

from ..law_fits.linear_decay import fit_linear_decay
from .score_tests import DRIFT, drift_under_force, lag
from .spoilt_samples import rms

HALVED = 0.5  # RMSE beside a cause, of that without it
CHANGED = 0.2  # RMSE of two decays, of that of one: where a law changes with the size, .25 and more
FEWEST_WAVES = 1.0  # in a record, by which another motion differs from multiples of the first
HARMONICS = 5
FEWEST_OF_A_PART = 30  # samples, before and after a split
MANY_SAMPLES = 5_000  # of records whose causes are not searched for


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
        found = [lag(records, linear) or drift_under_force(records, linear)]
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
