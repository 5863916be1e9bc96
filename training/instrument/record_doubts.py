"""What speaks against a fit, each in a sentence with its number."""

import re

import numpy as np

from oscillator_zoo.models.physics_cells.duffing_checks import UNEXPLAINED, linear_rmse

from ..law_fits.oscillator_laws import LAWS
from ..law_fits.weak_guesses import spectral_rate

MOST_LAGS = 20
NORMAL_999 = 3.0902  # the value that a standard normal number stays below in 999 of 1000 cases
HARDLY_BETTER = 0.9  # RMSE over that of autoregression, where UNEXPLAINED of the motion is left
ALIKE = 0.999  # correlation of two constants that cannot be told apart
FEWEST_A_PERIOD = 3.0  # samples
LEAST_ENERGY = 25.0  # of the motion, in variances of the noise: five standard deviations
FIVE_IN_100000 = 4.0  # standard errors
UNIT_MASS = 0.05  # how near to −1 the mass is called that of a shaken base
AS_SINE = 0.75, 1.1  # −6 s3/s of a Duffing law beside a sine, for swings up to 90° and small ones
EVEN = 1e-3  # s, by which whole numbers may miss
UNDECIDED = 6.0  # difference of BIC: odds of 20, "strong" (Kass and Raftery, JASA 90 (1995) 773)
RUN, FEWEST_RUNS = 3, 3  # equal extremes in a row, and how often, that are called clipped


def autocorrelation(errors, most=MOST_LAGS):
    """Correlation of residuals at lags 0, 1, …, of all records together.

    Args:
        errors: list of residuals in order of time, one array for each record.
    """
    lags = max(1, min(most, min(map(len, errors)) // 5))
    total = sum(float(e @ e) for e in errors)
    sums = [sum(float(e[: len(e) - k] @ e[k:]) for e in errors) for k in range(lags + 1)]
    return np.array(sums) / total


def ljung_box(errors):
    """Ljung and Box's Q and the value that it exceeds for white noise in 1 of 1000 cases.

    G. M. Ljung and G. E. P. Box, Biometrika 65 (1978) 297; χ² by Wilson and Hilferty.
    """
    alike, num = autocorrelation(errors), sum(map(len, errors))
    lags = np.arange(1, len(alike))
    found = num * (num + 2.0) * np.sum(alike[1:] ** 2 / (num - lags))
    part = 2.0 / (9.0 * len(lags))
    return float(found), len(lags) * (1.0 - part + NORMAL_999 * np.sqrt(part)) ** 3


def check_above_noise(records, fit, errors):
    """Raise where the motion that was found is no more than noise shows by itself.

    The energy of the fit, Σ (y − ȳ)² / σ̂², is the square of a matched filter's output in
    standard deviations.

    Raises:
        ValueError: below 25, that is five standard deviations.
    """
    variance = fit.square / max(len(fit.error) - fit.num_unknowns, 1)
    motions = [record.values[record.kept] + error for record, error in zip(records, errors)]
    energy = sum(len(motion) * motion.var() for motion in motions) / (variance + 1e-300)
    if energy < LEAST_ENERGY:
        raise ValueError(
            "The motion must stand out from the noise by five standard deviations. Received "
            f"records in which the nearest motion has {np.sqrt(energy):.2g} ({fit.law.name}). "
            "Measure longer, more often or a larger motion."
        )


def doubts_of(records, fit, errors, estimates, correlation):
    """Sentences; none if all is well.

    Args:
        records: list of `Record`.
        fit: `LawFit`.
        errors: residuals of each record.
        estimates: `Estimate` by name.
        correlation: of the law's constants, `(P, P)`.
    """
    found = [
        _open(fit),
        _not_white(errors),
        *(no_better(record, error) for record, error in zip(records, errors)),
        _not_above_zero(estimates),
        _wrong_sign(records[0], estimates),
        _in_degrees(records[0], fit),
        *_alike(list(fit.constants), correlation),
        *(_too_short(record, estimates) for record in records),
        *(_too_coarse(record, estimates) for record in records),
        *(_clipped(record) for record in records),
        *(_in_unnamed_unit_of_time(record, estimates) for record in records),
    ]
    return [sentence for sentence in found if sentence]


def _open(fit):
    if not fit.closed:
        return (
            "The search did not end at one free run, so the constants have no intervals: the "
            "motion between the windows does not follow this equation."
        )


def _not_white(errors):
    found, usual = ljung_box(errors)
    if found > usual:
        alike = autocorrelation(errors)
        lag = 1 + int(np.argmax(np.abs(alike[1:])))
        shown = 2.0 / np.sqrt(sum(map(len, errors)))
        return (
            f"The residual is not white: its autocorrelation is {alike[lag]:.2g} at a lag of {lag} "
            f"samples, where noise shows ±{shown:.2g} (Ljung–Box {found:.4g}, for noise below "
            f"{usual:.4g}). The equation or the noise is another; the intervals allow for "
            "correlated noise only."
        )


def no_better(record, error):
    """A sentence if a linear autoregression runs as freely, where one can be fitted; or None."""
    if not (record.is_even and record.kept.all()):
        return None
    force = np.zeros(len(record.values)) if record.force is None else record.force
    deviation, rmse = record.values.std(), np.sqrt(np.mean(error**2))
    linear = linear_rmse(force, record.values)
    if rmse > UNEXPLAINED * deviation and rmse > HARDLY_BETTER * linear:
        return (
            f"The fit is no better than linear autoregression in {record.name}: RMSE / standard "
            f"deviation {rmse / deviation:.3g} against {linear / deviation:.3g}."
        )


def _not_above_zero(estimates):
    one = estimates.get("damping_ratio")
    if one is not None and -np.inf < one.lower <= 0.0:  # an open search has no intervals
        return (
            "The damping is not above 0 by more than its error: damping_ratio "
            f"{one.value:.3g}, 95 % interval from {one.lower:.3g} to {one.upper:.3g}."
        )


def _wrong_sign(record, estimates):
    """A mass below 0, but for the −1 of a shaken base; there another mass."""
    one = estimates.get("mass")
    if one is None or not np.isfinite(one.standard_error):
        return None
    sure = FIVE_IN_100000 * one.standard_error
    is_base = abs(one.value + 1.0) < max(sure, UNIT_MASS)
    if one.value + sure < 0.0 and not is_base and not record.on_base:
        return (
            f"The mass is below 0: {one.value:.4g} ± {one.standard_error:.2g}. Force and motion "
            "count in opposite directions, or the input is none of a force. Turn the sign of one, "
            "or pass input_kind."
        )
    if record.on_base and not is_base and not _other_units(record):
        return (
            "On a shaken base the mass is −1, where motion and base are in units that go together. "
            f"Received {one.value:.4g} ± {one.standard_error:.2g}. Check units, signs, and frame."
        )


def _other_units(record):
    """Whether the base is named to be measured in another unit than the motion, as g and mm."""
    base, own = (record.units.get(name) for name in ("force", record.quantity))
    return bool(base and own) and re.findall(r"\w+", base)[:1] != re.findall(r"\w+", own)[:1]


def _in_degrees(record, fit):
    """Whether a spring softens as sin x does, with x in degrees, where no unit is named."""
    softer = -6.0 * fit.constants.get("cubic_stiffness", 0.0)
    softer /= fit.constants.get("squared_frequency", np.inf)
    low, high = (share * np.radians(1.0) ** 2 for share in AS_SINE)
    if record.quantity in record.units or record.quantity != "position":
        low = np.inf
    if low < softer < high:
        return (
            f"The spring softens as that of a pendulum whose angle is in degrees: −6 s3/s = "
            f"{softer:.3g}, where (π/180)² = {np.radians(1.0) ** 2:.3g}. If so, name the unit, as "
            "in the heading 'angle (deg)'."
        )


def _alike(names, correlation):
    for i, first in enumerate(names):
        for j, second in enumerate(names[:i]):
            if abs(correlation[i, j]) > ALIKE:
                yield (
                    f"{first} and {second} cannot be told apart: their estimates have a "
                    f"correlation of {correlation[i, j]:.5f}."
                )


def _frequency(record, estimates):
    """In Hz: the natural one, or for a problem of the user's own the record's strongest."""
    found = estimates.get("natural_frequency")
    return spectral_rate([record]) / (2.0 * np.pi) if found is None else found.value


def _too_short(record, estimates):
    periods = record.duration * _frequency(record, estimates)
    if periods < 1.0:
        return f"The record is shorter than a period: {periods:.2g} periods in {record.name}."


def _too_coarse(record, estimates):
    samples = (len(record.times) - 1) / record.duration / _frequency(record, estimates)
    if samples < FEWEST_A_PERIOD:
        return (
            f"The sampling may be too slow for what was found: {samples:.3g} samples a period in "
            f"{record.name}. Two or fewer show another frequency (aliasing)."
        )


def _clipped(record):
    """Whether the record stays at its largest or smallest value again and again."""
    values = record.values[record.kept]
    for extreme in (values.max(), values.min()):
        at = np.concatenate([[False], values == extreme, [False]])
        edges = np.flatnonzero(np.diff(at.astype(int)))
        runs = edges[1::2] - edges[::2]
        if np.sum(runs >= RUN) >= FEWEST_RUNS:
            return (
                f"The record looks clipped: {np.sum(runs)} samples of {record.name} are "
                f"{extreme:g}, {runs.max()} of them in a row."
            )


def _in_unnamed_unit_of_time(record, estimates):
    """Whether times without a unit are whole numbers, as of ms or of samples that are counted."""
    steps = np.diff(record.times)
    if not record.timed and steps.min() > 0.5 and np.abs(steps - np.rint(steps)).max() < EVEN:
        return (
            f"Nothing says what unit the times of {record.name} have: as s they are whole numbers "
            f"in steps of {np.median(steps):g} s, at {_frequency(record, estimates):.3g} Hz. Name "
            "it, as in the heading 'time (ms)'; for numbers of samples pass time_column=False and "
            "sampling_rate."
        )


def as_good(comparison):
    """A sentence if other laws are as good as the best."""
    (best, first), *others = comparison.items()
    if not others:
        return []
    own = set(LAWS[best].terms)
    # A law with one term more is never farther: that it is no nearer speaks for the simpler one.
    others = [(n, o) for n, o in others if n == "pendulum" or not own < set(LAWS[n].terms)]
    near = [
        f"{name} (difference of BIC {one.bic - first.bic:.2g}, natural frequency "
        f"{one.rate / first.rate - 1.0:+.2g} of itself)"
        for name, one in others
        if one.bic - first.bic < UNDECIDED
    ]
    if not near:
        return []
    return [
        f"{best} cannot be told from {', '.join(near)}: below {UNDECIDED:g} is no decision, and "
        "the intervals know of this equation alone. Measure longer or larger motions, or name the "
        "model."
    ]
