"""First guesses of a law's constants that noise in the record hardly moves."""

import dataclasses

import numpy as np

from .oscillator_laws import TERMS, Law, Term

POWER = 4  # of the test functions, whose second derivative then ends smoothly
WIDTHS = (0.6, 1.0, 1.6, 2.5)  # in periods
PLACES = 8  # of a test function in its width
MOST_SAMPLES = 20_000  # of a record: enough for a guess
NARROWEST = 7  # samples
FASTER = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # than the line of the spectrum, of a pendulum that turns
EQUATIONS = 3  # for each unknown of a weak form that is believed
LIKE = 2.0  # how far a found frequency may lie from the one that its test functions were made for
# s sin(x + c) = s cos c · sin x + s sin c · cos x
_TURNED = Law(
    "",
    "",
    {
        "sine": Term(None, 2, 0, np.sin),
        "cosine": Term(None, 2, 0, np.cos),
        "damping_rate": TERMS["damping_rate"],
    },
    scalable=False,
)


def spectral_rate(records):
    """The angular frequency at which the records move most, in rad/s."""
    best, power = None, 0.0
    for record in records:
        grid, y, _, _ = even(record)
        size = 4 * len(y)
        row = np.abs(np.fft.rfft((y - y.mean()) * np.hanning(len(y)), size)) ** 2
        i = 4 + int(np.argmax(row[4:]))
        if row[i] > power:
            best, power = 2.0 * np.pi * i / (size * grid), row[i]
    return best


def even(record):
    """Time step, values, force and which values are known, on a grid of equal steps."""
    times, kept = record.times, record.kept
    if record.is_even:
        step = record.duration / (len(times) - 1)
        values = np.interp(times, times[kept], record.values[kept])
        return step, values, record.force, kept
    step = float(np.median(np.diff(times)))
    grid = times[0] + step * np.arange(int(record.duration / step) + 1)
    after = np.clip(np.searchsorted(times, grid), 1, len(times) - 1)
    known = times[after] - times[after - 1] < 3.0 * step
    return step, np.interp(grid, times, record.values), None, known


def position_of(record, values, step, rate):
    """Roughly the position, from whatever was measured: integrated where it moves."""
    values = values - (values.mean() if record.middle is None else record.middle)
    if record.quantity == "position":
        return values
    size = 2 * len(values)
    spectrum = np.fft.rfft(values, size)
    omega = 2.0 * np.pi * np.fft.rfftfreq(size, step)
    inside = omega > 0.3 * rate
    factor = np.zeros(len(omega), complex)
    factor[inside] = 1.0 / (1j * omega[inside])
    times = 2 if record.quantity == "acceleration" else 1
    return np.fft.irfft(spectrum * factor**times, size)[: len(values)]


def weak_guesses(law, records, rate, scales, course):
    """Constants by linear least squares on the law in weak form, one set for each width.

    Multiplied by a test function φ = (1 − τ²)⁴ and integrated by parts, the equation needs no
    derivative of the measured x:

        ∫φ''x − d ∫φ'x + Σ_i p_i ∫φ φ_i(x) = G ∫φu + c ∫φ

    Terms of the velocity other than d start at 0.

    Args:
        law: `Law`.
        records: list of `Record`.
        rate: of the motion, in rad/s; 1/rate is the unit of time of what is returned.
        scales: units of position and of force.
        course: of the force between samples.

    Returns:
        Rows of constants, `(guesses, P)`.
    """
    guesses = []
    for periods in WIDTHS:
        parts = [_integrals(law, r, rate, scales, periods, course == "held") for r in records]
        parts = [part for part in parts if part is not None]
        if not parts:
            continue
        second = np.concatenate([part[0] for part in parts])
        columns = np.concatenate([part[1] for part in parts])
        guesses += _solved(law, second, columns, records[0].force is not None)
    return np.array(guesses).reshape(-1, len(law.constants(records[0].force is not None)))


def upright(records, rate, course):
    """Rate of a driven pendulum, and its records with the angle in which it hangs as the middle.

    One that is carried over the top has its mean angle anywhere, and moves most far below its
    own frequency. In weak form frequency and angle are found by linear least squares; the test
    functions whose equations hold best are taken, of those made for about that frequency.

    Args:
        records: list of `Record`, driven, in rad.
        rate: where the records move most, in rad/s.
        course: of the force between samples.

    Returns:
        Tuple (rate in rad/s, records); as they were where nothing is found.
    """
    best = None
    for own in (rate * faster for faster in FASTER):
        for periods in WIDTHS:
            rows = [_turned(record, own, periods, course == "held") for record in records]
            if not all(row is not None and 1.0 / LIKE < row[0] < LIKE for row in rows):
                continue
            left = max(row[2] for row in rows)
            if best is None or left < best[0]:
                angles = [row[1] for row in rows]
                best = left, own * float(np.median([row[0] for row in rows])), angles
    if best is None:
        return rate, records
    _, rate, angles = best
    middles = [even(r)[1][:MOST_SAMPLES].mean() - angle for r, angle in zip(records, angles)]
    return rate, [dataclasses.replace(r, middle=float(m)) for r, m in zip(records, middles)]


def _turned(record, rate, periods, held):
    """√s over the rate, the angle c, and the share of the equations that is left; or None."""
    found = _integrals(_TURNED, record, rate, (1.0, record.force.std()), periods, held)
    if found is None:
        return None
    second, columns = found[0], found[1][:, :-1]
    if len(second) < EQUATIONS * columns.shape[1]:
        return None
    sine, cosine, *_ = solved = np.linalg.lstsq(columns, -second, rcond=1e-12)[0]
    left = np.linalg.norm(columns @ solved + second) / np.linalg.norm(second)
    return np.sqrt(np.hypot(sine, cosine)), np.arctan2(cosine, sine), left


def _integrals(law, record, rate, scales, periods, held):
    """∫φ''x, and columns of the terms that have a shape, of G if driven, and of c."""
    step, values, force, known = even(record)
    values, known = values[:MOST_SAMPLES], known[:MOST_SAMPLES]
    x = position_of(record, values, step, rate) / scales[0]
    step = step * rate
    width = max(NARROWEST, round(periods * 2.0 * np.pi / step)) | 1
    if width > len(x):
        return None
    half = 0.5 * width * step
    tau = (np.arange(width) - (width - 1) / 2) * step / half
    inside = 1.0 - tau**2
    phi = inside**POWER
    first = -2.0 * POWER * tau * inside ** (POWER - 1) / half
    second = 4.0 * POWER * (POWER - 1) * tau**2 * inside ** (POWER - 2)
    second = (second - 2.0 * POWER * inside ** (POWER - 1)) / half**2
    every = max(1, width // PLACES)
    whole = np.correlate(known.astype(float), np.ones(width), "valid")[::every] > width - 0.5
    if whole.sum() < 4:
        return None

    def integral(samples, kernel):
        return np.correlate(samples, kernel, "valid")[::every][whole]

    columns = []
    for term in law.terms.values():
        if term.shape == "velocity":
            columns.append(-integral(x, first))
        elif term.shape is not None:
            columns.append(integral(term.shape(x), phi))
    if force is not None:
        late = np.clip(1.0 - (tau + 0.5 * held * step / half) ** 2, 0.0, None) ** POWER
        columns.append(-integral(force[:MOST_SAMPLES] / scales[1], late))
    columns.append(-integral(np.ones_like(x), phi))
    return integral(x, second), np.stack(columns, axis=1)


def _solved(law, second, columns, driven):
    """Constants with the noise taken to be in x'', and for a driven motion in all but u too."""
    shown = [i for i, term in enumerate(law.terms.values()) if term.shape is not None]
    size = len(law.terms) + driven

    def least_squares(matrix, target):
        sizes = np.linalg.norm(matrix, axis=0)
        sizes[sizes == 0.0] = 1.0
        return np.linalg.lstsq(matrix / sizes, target, rcond=1e-12)[0] / sizes

    def row(found, gain):
        full = np.zeros(size)
        full[shown] = found[: len(shown)]
        if driven:
            full[-1] = gain
        return full

    found = least_squares(columns, -second)
    rows = [row(found, found[len(shown)])]
    if driven:
        others = np.delete(columns, len(shown), axis=1)
        inverse = least_squares(np.c_[others, second], -columns[:, len(shown)])
        if inverse[-1] != 0.0:
            rows.append(row(inverse / inverse[-1], 1.0 / inverse[-1]))
    return rows
