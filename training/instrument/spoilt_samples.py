"""Single samples that are no measurement: far from the fit, or the number before, held."""

import numpy as np

MADE_BY_FEW = 0.5  # RMSE without the samples that lie far off, of that with them
TO_DEVIATION = 1.4826  # of a normal distribution, from its median size
FAR_OFF, FEW = 6.0, 0.05  # deviations of an outlier; most of all samples that are called so
LEAST_FAR = 1e-3  # standard deviations of the record: less is no mistake of an instrument
JUMP = 8.0  # in the smallest steps of a record: no rounding
MANY_HELD = 0.2  # share of samples that repeat the one before


def spoilt_samples(records, errors):
    """Sentences on single samples that are far from the fit, or that repeat the one before."""
    found = [_outliers(record, error) for record, error in zip(records, errors)]
    found += [_repeated(record) for record in records]
    return [sentence for sentence in found if sentence]


def _outliers(record, error):
    """Whether few samples lie far off and make most of the error."""
    size = TO_DEVIATION * np.median(np.abs(error - np.median(error)))
    far = np.abs(error) > max(FAR_OFF * size, LEAST_FAR * record.values[record.kept].std())
    if 0 < far.sum() < FEW * len(error) and rms(error[~far]) < MADE_BY_FEW * rms(error):
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


def rms(error):
    return float(np.sqrt(np.mean(error**2)))
