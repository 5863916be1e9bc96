"""The free decay of a linear oscillator: offsets and amplitudes solved for, two numbers searched.

y(t) = c + e^{−αt} (A cos ω_d t + B sin ω_d t),    s_1 = ω_d² + α²,   d = 2α

or, where it is overdamped,  y(t) = c + A e^{−at} + B e^{−bt},    s_1 = a b,   d = a + b
"""

from typing import NamedTuple

import numpy as np

SPREADS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)  # α times the duration
FASTEST_DECAY = 0.5  # α times the mean time between samples
OFTEN = 4  # points of the filter's grid of times between two samples, for uneven times
NUM_STARTS = 4
FEW_PERIODS = 4.0  # below, the offset and the two ends matter, and a grid of exact fits is used
FEW_SAMPLES = 400  # enough for that grid
NUM_RATES, APART = 120, (1.2, 8.0)  # of the grid where nothing swings; least ratios of two rates
OVER_AT_ONCE = 5.0  # rate times the step, beyond which no second sample sees a decay
MOST_STEPS = 60
SMALL_STEP = 1e-10  # relative to what the record resolves


class LinearDecay(NamedTuple):
    """A fitted decay.

    | field       | content                                                                  |
    |-------------|--------------------------------------------------------------------------|
    | `frequency` | ω_d, in rad/s                                                            |
    | `rate`      | α, in 1/s                                                                |
    | `amplitudes`| rows (c, A, B), one for each record, `(records, 3)`; t from its start    |
    | `error`     | fit − record, all records in a row, `(n,)`                               |
    | `jacobian`  | ∂error by (ω_d, α, c_1, A_1, B_1, c_2, …), `(n, 2 + 3·records)`          |
    """

    frequency: float
    rate: float
    amplitudes: np.ndarray
    error: np.ndarray
    jacobian: np.ndarray


class Overdamped(NamedTuple):
    """A fitted decay that does not swing.

    | field       | content                                                                  |
    |-------------|--------------------------------------------------------------------------|
    | `rates`     | (a, b), in 1/s                                                           |
    | `amplitudes`| rows (c, A, B), one for each record, `(records, 3)`; t from its start    |
    | `error`     | fit − record, all records in a row, `(n,)`                               |
    | `jacobian`  | ∂error by (a, b), cleared of amplitudes, `(n, 2)`                        |
    """

    rates: np.ndarray
    amplitudes: np.ndarray
    error: np.ndarray
    jacobian: np.ndarray


def fit_linear_decay(records, drift=0):
    """The decay nearest to all records, in the sense of least squares.

    The start is the best of a bank of matched filters, e^{−αt} e^{iωt} over a grid of ω and α:
    the most likely decay on that grid, which noise does not bias. From there variable projection
    (Golub and Pereyra, in the form of Kaufman): the amplitudes are the best for the two numbers at
    every step.

    Args:
        records: list of `Record`, free.
        drift: of the zero, c + c_1 t + …: the highest power of t.

    Returns:
        `LinearDecay`, in whose rows of amplitudes c_1, … follow.
    """
    shifted = [(r.times - r.times[0], r.values) for r in records]
    best = None
    for start in _starts([(t, _detrended(t, y, drift)) for t, y in shifted]):
        found = _search(shifted, *start, drift)
        if best is None or found[0] < best[0]:
            best = found
    _, frequency, rate = best
    parts, size = [_projected(t, y, frequency, rate, drift) for t, y in shifted], 3 + drift
    error = np.concatenate([part[0] for part in parts])
    jacobian = np.zeros((len(error), 2 + size * len(parts)))
    first = 0
    for i, (own, moves, basis, _) in enumerate(parts):
        rows = slice(first, first + len(own))
        jacobian[rows, :2], jacobian[rows, 2 + size * i : 2 + size * (i + 1)] = moves, basis
        first += len(own)
    amplitudes = np.array([part[3] for part in parts])
    return LinearDecay(frequency, rate, amplitudes, error, jacobian)


def _trend(t, drift):
    """Powers of the time from 0 to the drift's, `(n, drift + 1)`."""
    return np.vander(t / t[-1], drift + 1, increasing=True)


def _detrended(t, y, drift):
    trend = _trend(t, drift)
    return y - trend @ np.linalg.lstsq(trend, y, rcond=1e-13)[0] if drift else y


def _projected(t, y, frequency, rate, drift=0):
    """Error, its ∂ by (ω_d, α) at fixed amplitudes, the basis, and the best (c, A, B)."""
    decay = np.exp(-rate * t)
    cosine, sine = decay * np.cos(frequency * t), decay * np.sin(frequency * t)
    basis = np.column_stack([np.ones_like(t), cosine, sine, _trend(t, drift)[:, 1:]])
    amplitudes = np.linalg.lstsq(basis, y, rcond=1e-13)[0]
    _, a, b = amplitudes[:3]
    moves = np.stack([t * (b * cosine - a * sine), -t * (a * cosine + b * sine)], axis=1)
    return basis @ amplitudes - y, moves, basis, amplitudes


def _search(shifted, frequency, rate, drift=0):
    """The nearest (ω_d, α), searched from a pair: sum of squares, ω_d, α."""
    longest = max(t[-1] for t, _ in shifted)
    fastest = np.pi / _shortest_step(shifted)

    def after(point, move):
        move[1] = max(move[1], -2.0 / longest - point[1])  # no growth beyond e²
        found = point + move
        # A faster wave is at equal steps the same as a slower one: the search keeps below.
        found[0] = min(abs(found[0]), 0.5 * (point[0] + fastest))
        return found

    def at(point):
        return [_projected(t, y, *point, drift) for t, y in shifted]

    square, point, _ = _descent(at, np.array([frequency, rate]), after, SMALL_STEP / longest)
    return square, *point


def _descent(at, point, after, small_step):
    """Levenberg–Marquardt on two numbers with projected residuals: the end of a search.

    Args:
        at: function of a point that gives for each record its error, ∂error by the two numbers at
            fixed amplitudes, the basis of the amplitudes, and whatever else.
        point: to begin at, `(2,)`.
        after: function of a point and a move, that gives the next point within bounds.
        small_step: move that is none.

    Returns:
        Tuple of the sum of squares, the point, and what `at` gives there.
    """

    def squares(parts):
        return sum(float(part[0] @ part[0]) for part in parts)

    parts, damping = at(point), 1e-3
    square = squares(parts)
    for _ in range(MOST_STEPS):
        normal, right = np.zeros((2, 2)), np.zeros(2)
        for error, moves, basis, *_ in parts:
            moves = cleared(moves, basis)
            normal, right = normal + moves.T @ moves, right - moves.T @ error
        for _ in range(12):
            damped = normal + damping * np.diag(np.diag(normal) + 1e-300)
            move = np.linalg.lstsq(damped, right, rcond=1e-15)[0]
            point_there = after(point, move)
            parts_there = at(point_there)
            square_there = squares(parts_there)
            if square_there < square:
                break
            damping *= 8.0
        else:
            break
        fall = square - square_there
        point, parts, square = point_there, parts_there, square_there
        damping = max(damping / 10.0, 1e-12)
        if np.abs(move).max() < small_step or fall < 1e-14 * square:
            break
    return square, point, parts


def cleared(moves, basis):
    """What of some columns no combination of others, the basis, can make."""
    left = np.linalg.qr(basis)[0]
    return moves - left @ (left.T @ moves)


def _starts(shifted):
    """Pairs (ω, α) to begin with, the likeliest first."""
    longest = max(t[-1] for t, _ in shifted)
    step = _shortest_step(shifted)
    even = all(np.ptp(np.diff(t)) < 1e-3 * step for t, _ in shifted)
    grid = step if even else step / OFTEN
    size = 1 << int(np.ceil(np.log2(2.0 * longest / grid + 2)))
    rates = [s / longest for s in SPREADS if s / longest <= FASTEST_DECAY / step]
    frequencies = 2.0 * np.pi * np.fft.rfftfreq(size, grid)
    inside = (frequencies > 0.5 * np.pi / longest) & (frequencies < np.pi / step)
    power = np.array([_gain(shifted, rate, grid, size)[inside] for rate in rates])
    frequencies = frequencies[inside]
    starts = []
    for flat in np.argsort(power, axis=None)[::-1]:
        i, j = np.unravel_index(flat, power.shape)
        spread = max(4.0 * np.pi / longest, 0.5 * rates[i])
        if all(abs(frequencies[j] - w) > spread or a != rates[i] for w, a in starts):
            starts.append((frequencies[j], rates[i]))
        if len(starts) == NUM_STARTS:
            break
    if starts[0][0] * longest < 2.0 * np.pi * FEW_PERIODS or starts[0][1] > 0.1 * starts[0][0]:
        starts = [_best_of_grid(shifted, longest), starts[0]]
    squares = [sum(_square(t, y, *start) for t, y in shifted) for start in starts]
    return [starts[i] for i in np.argsort(squares)[:2]]


def _shortest_step(shifted):
    """The mean time between samples, of the record where it is shortest."""
    return min(t[-1] / (len(t) - 1) for t, _ in shifted)


def _gain(shifted, rate, grid, size):
    """How much of all records the filters of one decay take away, by frequency."""
    total = 0.0
    for t, y in shifted:
        places = np.rint(t / grid).astype(int)
        weights = np.exp(-rate * t)
        values = weights * (y - np.average(y, weights=weights**2))
        row = np.bincount(places, values, size)
        total = total + np.abs(np.fft.rfft(row)) ** 2 / np.sum(weights**2)
    return total


def _square(t, y, frequency, rate):
    error = _projected(t, y, frequency, rate)[0]
    return float(error @ error)


def _best_of_grid(shifted, longest):
    """The best of exact fits on a coarse grid, for records of few periods or much damping."""
    thin = [(t[:: -(-len(t) // FEW_SAMPLES)], y[:: -(-len(t) // FEW_SAMPLES)]) for t, y in shifted]
    frequencies = np.concatenate([np.arange(0.25, 6.0, 0.25), np.geomspace(6.0, 60.0, 14)]) * (
        np.pi / longest
    )
    step = min(t[1] - t[0] for t, _ in thin)
    points = [
        (w, ratio * w)
        for w in frequencies
        for ratio in (0.0, 0.03, 0.1, 0.2, 0.35, 0.6, 1.0, 1.6, 2.5)
        if w * step < np.pi and ratio * w * step < 2.0
    ]
    squares = [sum(_square(t, y, *point) for t, y in thin) for point in points]
    return points[int(np.argmin(squares))]


def fit_overdamped(records):
    """The decay without a swing that is nearest: y(t) = c + A e^{−at} + B e^{−bt}, a < b.

    It begins with the best two rates of a grid, near each other or far apart; from there variable
    projection on their logarithms.

    Args:
        records: list of `Record`, free.

    Returns:
        `Overdamped`.
    """
    shifted = [(r.times - r.times[0], r.values) for r in records]
    ends = [_search_rates(shifted, _two_rates(shifted, apart)) for apart in APART]
    _, logarithms, parts = min(ends, key=lambda end: end[0])
    errors, moves, bases, amplitudes = zip(*parts)
    rates = np.exp(logarithms)
    jacobian = np.concatenate([cleared(*both) for both in zip(moves, bases)]) / rates
    return Overdamped(rates, np.array(amplitudes), np.concatenate(errors), jacobian)


def _search_rates(shifted, rates):
    """The nearest two rates, searched by their logarithms: as `_descent` gives them."""
    fastest = np.log(OVER_AT_ONCE / _shortest_step(shifted))

    def after(point, move):
        found = np.sort(point + np.clip(move, -1.0, 1.0))
        return np.minimum(found, [fastest - 1e-3, fastest])

    def at(point):
        return [_projected_rates(t, y, *np.exp(point)) for t, y in shifted]

    return _descent(at, np.log(rates), after, SMALL_STEP)


def _projected_rates(t, y, slow, fast):
    """As `_projected`, by the logarithms of the rates."""
    decays = np.exp(-t[:, None] * [slow, fast])
    basis = np.column_stack([np.ones_like(t), decays])
    amplitudes = np.linalg.lstsq(basis, y, rcond=1e-13)[0]
    moves = -t[:, None] * decays * amplitudes[1:] * [slow, fast]
    return basis @ amplitudes - y, moves, basis, amplitudes


def _two_rates(shifted, apart):
    """The best pair of a grid of rates, by normal equations, since there are many."""
    longest = max(t[-1] for t, _ in shifted)
    rates = np.geomspace(0.3 / longest, 2.0 / _shortest_step(shifted), NUM_RATES)
    slow, fast = np.nonzero(rates[None] > apart * rates[:, None])
    taken = 0.0
    for t, y in shifted:
        columns = np.exp(-t[:, None] * rates)
        columns = (columns - columns.mean(axis=0)) / (columns.std(axis=0) * np.sqrt(len(t)))
        alike, along = (columns.T @ columns)[slow, fast], columns.T @ (y - y.mean())
        a, b = along[slow], along[fast]
        taken = taken + (a * a + b * b - 2.0 * alike * a * b) / (1.0 - alike**2)
    best = int(np.argmax(taken))
    return rates[slow[best]], rates[fast[best]]
