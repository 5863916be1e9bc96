"""From first guesses to the oscillator nearest to a record, first in windows, then in one run."""

import numpy as np

from .duffing_runs import LARGEST_ANGLE
from .duffing_search import Search, mean_squares
from .weak_form import weak_form_guesses

NUM_STARTS = 3
START_STEPS, FEW_STEPS, MORE_STEPS = 3, 4, 12
SHORTEST_WINDOW = 3  # periods: long enough to show the damping, short enough for any guess
FEWEST_SAMPLES = 16  # in a window, of which its start takes two
GROWTH = 4  # of windows
AS_NEAR = 1.3  # of the variance: what a longer run may lose by chance, and by what shakes it
POOR = 0.1  # RMSE over standard deviation, above which no longer run is taken that loses more
BENT = 0.3  # curvature of the errors over their size, one standard error away (Bates and Watts)


def fit_in_windows(y, u, period, course, unit=None):
    """`FoundMinimum` in windows of three periods, each from a start of its own.

    So short a run cannot get out of step, whatever the guess. The longer, the more exact, but a
    light damping makes the error of a long run a mountain range of local minima.

    Args:
        y: position, `(N,)`, of order one.
        u: force, `(N,)`, of order one.
        period: samples in a period.
        course: of the force between samples, see `force_between`.
        unit: of a search with another course, whose oscillator moves as fast.
    """
    guesses = weak_form_guesses(y, u, course)
    unit, window = unit or 2.0 * np.pi / period, shortest_first_window(period)
    for _ in range(2):
        search = Search(y, u, unit, course, window)
        constants = guesses / unit ** np.array([2, 1, 2, 2, 2, 2])
        starts = _starts(search, period)
        errors = search.errors(constants, np.repeat(starts[None], len(constants), axis=0))
        order = np.argsort(mean_squares(errors))[:NUM_STARTS]
        begun = [search.found(constants[i], starts) for i in order]
        begun = [search.descend(search.descend(one, START_STEPS, True), FEW_STEPS) for one in begun]
        found = min(begun, key=lambda one: one.square)
        angle = np.sqrt(max(found.constants[0], 0.0)) * unit
        if search.step * angle / unit < 2.0 * LARGEST_ANGLE or angle > np.pi:
            break
        unit = angle  # the motion was slower than the oscillator is
    return search.descend(found, MORE_STEPS)


def shortest_first_window(period):
    """Samples in a window with which a search begins."""
    return max(FEWEST_SAMPLES, int(np.ceil(SHORTEST_WINDOW * period)))


def in_longest_windows(found):
    """`FoundMinimum` in one run, or in the longest windows whose runs are still near to the record.

    One run is tried at once, then windows that grow slowly. What shakes the oscillator unseen
    moves a long run farther from the record than a short one: that is taken, if it is little.
    """
    growth = len(found.search.y) if np.isfinite(found.square) else 1
    while found.search.num_windows > 1 and growth > 1:
        longer = _longer(found, growth)
        little = growth == 2 and longer.square < POOR**2
        if longer.variance <= AS_NEAR * found.variance or little:
            found = longer
        else:
            growth = min(GROWTH, growth // 2)
    return found


def in_trusted_windows(found, short):
    """`FoundMinimum` in windows so short that its errors follow the constants in a straight line.

    A light damping and a strong spring make runs that forget nothing, or chaos: a change of one
    standard error then bends the run, and the standard errors say nothing. In windows it does not.

    Args:
        found: `FoundMinimum`, in one run or in long windows.
        short: `FoundMinimum` in short windows.
    """
    if not largest_bend(found) > BENT:
        return found
    while 2 * short.search.window < found.search.window:
        longer = _longer(short, 2)
        if longer.variance > AS_NEAR * short.variance or largest_bend(longer) > BENT:
            break
        short = longer
    return short


def over_whole_record(found, y, u, period):
    """What was found in the beginning of a record, in windows of the same length over all."""
    search = Search(y, u, found.search.unit, found.search.course, found.search.window)
    begun = search.found(found.constants, _starts(search, period))
    return search.descend(search.descend(begun, START_STEPS, True))


def largest_bend(found):
    """The largest part of a change by one standard error that is not proportional to it."""
    search = found.search
    slopes = search.jacobian(found.constants, found.starts)
    if not all(np.isfinite(a).all() for a in slopes):
        return np.inf
    left, follow = without_starts(search, *slopes)
    deviation, sizes = np.sqrt(found.variance), np.linalg.norm(left, axis=0)
    if not (deviation > 0.0 and sizes.all()):
        return 0.0
    moves = deviation * np.linalg.inv(np.linalg.qr(left / sizes, mode="r")) / sizes[:, None]
    moves = np.concatenate([moves.T, -moves.T])
    starts = found.starts - np.einsum("wkj,lj->lwk", follow, moves)
    ends = search.errors(found.constants + moves, starts)
    if not np.isfinite(ends).all():
        return np.inf
    curved = 0.5 * (ends[:6] + ends[6:]) - found.error
    return float(np.max(np.linalg.norm(curved, axis=1)) / deviation)


def without_starts(search, by_constants, by_starts):
    """∂error/∂constants where the starts follow, `(N, 6)`, and how far they do.

    Returns:
        The slopes; −∂starts/∂constants, `(windows, 2, 6)`.
    """
    shared, own = search.in_windows(by_constants), search.in_windows(by_starts)
    follow = np.linalg.pinv(own) @ shared
    left = (shared - own @ follow).reshape(-1, 6)
    return left[: len(by_constants)], follow


def period_of(y):
    """Samples in a period of the strongest frequency."""
    power = np.abs(np.fft.rfft(y * np.hanning(len(y)))) ** 2
    return len(y) / max(1, int(np.argmax(power)))


def _longer(found, growth):
    """`FoundMinimum` in windows that are longer by a factor."""
    search = found.search.with_window(growth * found.search.window)
    begun = search.found(found.constants, found.starts[::growth])
    return search.descend(search.descend(begun, START_STEPS, True))


def _starts(search, period):
    """Position and velocity at every start, of the parabola through the samples around it."""
    half = max(1, round(period / 8))
    half = min(half, (len(search.y) - 1) // 2)
    starts = []
    for first in range(0, search.num_windows * search.window, search.window):
        begin = int(np.clip(first - half, 0, len(search.y) - 2 * half - 1))
        samples = np.arange(begin, begin + 2 * half + 1)
        _, slope, value = np.polyfit(samples - first, search.y[samples], 2)
        starts.append([value, slope / search.unit])
    return np.array(starts)
