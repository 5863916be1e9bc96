"""First guesses of a law's constants that noise in the record hardly moves."""

import dataclasses

import numpy as np

from oscillator_zoo.models.physics_cells.weak_form import integrals, solved, weights_of

from .oscillator_laws import TERMS, Law, Term

WIDTHS = (0.6, 1.0, 1.6, 2.5)  # in periods
MOST_SAMPLES = 20_000  # of a record: enough for a guess
NARROWEST = 7  # samples
FASTER = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # than the line of the spectrum
EQUATIONS = 3  # for each unknown of a weak form that is believed
LIKE = 2.0  # how far a found frequency may lie from the one that its test functions were made for
_LINEAR = Law("", "", {name: TERMS[name] for name in ("squared_frequency", "damping_rate")})
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

    See `weak_form`; a constant force c of the search stands for the offset of the record.

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
        second, columns, *force = map(np.concatenate, zip(*parts))
        guesses += [_by_term(law, row) for row in solved(second, columns, *force)]
    num = len(law.constants(records[0].force is not None))  # without G in a free decay
    return np.array(guesses).reshape(-1, len(law.terms) + 1)[:, :num]


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
    found = _agreeing(_TURNED, records, rate * np.array(FASTER), course)
    if found is None:
        return rate, records
    rate, constants = found
    angles = [np.arctan2(cosine, sine) for sine, cosine, *_ in constants]
    middles = [even(r)[1][:MOST_SAMPLES].mean() - angle for r, angle in zip(records, angles)]
    return rate, [dataclasses.replace(r, middle=float(m)) for r, m in zip(records, middles)]


def weak_rate(records, rate, course):
    """The rate at which the linear law holds best in weak form; `rate` if it does nowhere.

    A driven oscillator with much damping, or under a slow force, moves most far below its own
    frequency. Arguments as of `upright`.
    """
    nyquist = np.pi / max(even(record)[0] for record in records)
    rates = rate * 2.0 ** np.arange(1 + max(0.0, np.log2(nyquist / rate)))
    found = _agreeing(_LINEAR, records, rates, course)
    return rate if found is None else found[0]


def _agreeing(law, records, rates, course):
    """The natural frequency, and p of each record, from the weak form whose equations hold best.

    Of those whose test functions are made for about the frequency that is found, which is one of
    `rates` or near it; None without one.
    """
    best = None
    for own in rates:
        for periods in WIDTHS:
            rows = [_alone(law, record, own, periods, course == "held") for record in records]
            if not all(row is not None and 1.0 / LIKE < row[0] < LIKE for row in rows):
                continue
            left = max(row[2] for row in rows)
            if best is None or left < best[0]:
                frequency = own * float(np.median([row[0] for row in rows]))
                best = left, frequency, [row[1] for row in rows]
    return best and best[1:]


def _alone(law, record, rate, periods, held):
    """√s over the rate, p, and the share of the equations of a record that is left; or None."""
    found = _integrals(law, record, rate, (1.0, record.force.std()), periods, held)
    if found is None:
        return None
    second, columns, force = found
    has_angle = "cosine" in law.terms
    if has_angle:  # in which the pendulum hangs: it stands for the offset of the record
        columns = columns[:, :-1]
    columns = np.c_[columns, -force]
    if len(second) < EQUATIONS * columns.shape[1]:
        return None
    p = np.linalg.lstsq(columns, -second, rcond=1e-12)[0]
    left = np.linalg.norm(columns @ p + second) / np.linalg.norm(second)
    square = np.hypot(p[0], p[1]) if has_angle else max(p[0], 0.0)
    return np.sqrt(square), p, left


def _integrals(law, record, rate, scales, periods, held):
    """∫φ''x; columns of the terms that have a shape, and of c; and ∫φu if driven."""
    step, values, force, known = even(record)
    values, known = values[:MOST_SAMPLES], known[:MOST_SAMPLES]
    x = position_of(record, values, step, rate) / scales[0]
    step = step * rate
    width = max(NARROWEST, round(periods * 2.0 * np.pi / step)) | 1
    if width > len(x):
        return None
    phi, first, second, later = weights_of(width, step, 0.5 * held)
    whole = integrals(known.astype(float), np.ones(width)) > width - 0.5
    if whole.sum() < 4:
        return None
    columns = []
    for term in law.terms.values():
        if term.shape == "velocity":
            columns.append(-integrals(x, first))
        elif term.shape is not None:
            columns.append(integrals(term.shape(x), phi))
    columns.append(-integrals(np.ones_like(x), phi))
    found = [integrals(x, second), np.stack(columns, axis=1)]
    if force is not None:
        found.append(integrals(force[:MOST_SAMPLES] / scales[1], later))
    return [one[whole] for one in found]


def _by_term(law, row):
    """The constants of a row (p of terms with a shape, c, G) in the order of the law."""
    shown = [i for i, term in enumerate(law.terms.values()) if term.shape is not None]
    full = np.zeros(len(law.terms) + 1)
    full[shown], full[-1] = row[: len(shown)], row[-1]
    return full
