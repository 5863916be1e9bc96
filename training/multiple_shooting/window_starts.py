"""Where the windows of a record begin, for constants that are given."""

import numpy as np

from .window_runs import empty_windows

STEPS = 6  # of least squares, at most
STILL = 1e-3  # relative fall of the sum of squares, below which starts are found
LINE = 2.0  # rad, of a window, through which a line is laid


def settled(shooting, point):
    """The state with the starts of all windows by least squares, constants fixed.

    The first step is exact for a linear law. Each window takes a step only if that helps it, and
    a shorter one where it does not.

    Args:
        shooting: `Shooting`.
        point: `Point`, of which the starts are searched from.

    Returns:
        `State`.
    """
    windows = shooting.windows
    group, share = np.arange(len(windows.step)), np.ones((len(windows.step), 1))
    state = shooting.state(point, group)
    if windows.quantity == "position":
        state = _better(shooting, state, lines(windows), group)[0]
    before = squares(windows, state)
    for _ in range(STEPS):
        move = shooting.move(state, group, fixed=True).starts
        state, better = _better(shooting, state, state.point.starts + share * move, group)
        share = np.where(better[:, None], 1.0, 0.25 * share)
        after = squares(windows, state)
        if not np.sum((before - after)[better]) > STILL * np.nansum(before):
            break
        before = after
    return state


def _better(shooting, state, starts, group):
    """The state in which each window has the better of two starts, and where that is the new."""
    windows = shooting.windows
    tried = shooting.state(state.point._replace(starts=starts), group)
    better = squares(windows, tried) < squares(windows, state)  # not, where a run has left all
    if better.all():
        return tried, better
    starts = np.where(better[:, None], starts, state.point.starts)
    return shooting.state(state.point._replace(starts=starts), group), better


def lines(windows):
    """Starts by a straight line through the first samples: for a pendulum that turns round."""
    times = windows.at_step * windows.step[windows.window]
    early = times < LINE
    window, num = windows.window[early], len(windows.step)
    times, values = times[early], windows.values[early]
    rows = (np.ones_like(times), times, times**2, values, times * values)
    n, t, tt, y, ty = (np.bincount(window, row, num) for row in rows)
    spread = n * tt - t * t
    slope = np.where(spread > 1e-9, (n * ty - t * y) / np.maximum(spread, 1e-9), 0.0)
    return np.stack([(y - slope * t) / np.maximum(n, 1.0), slope], axis=1)


def along(shooting, point, heads):
    """The point whose windows begin on the free runs from `heads`, one for each record."""
    starts, windows = point.starts.copy(), shooting.windows
    starts[shooting.begins] = heads
    place = np.arange(len(starts)) - shooting.begins[windows.record]
    for number in range(place.max()):
        chosen = np.flatnonzero(place[1:] == number + 1)
        run = shooting.law.run(point.constants, starts[chosen], empty_windows(windows, chosen))
        starts[chosen + 1] = run.ends
    return point._replace(starts=starts)


def squares(windows, state):
    """The sum of squares of each window, `(K,)`."""
    return np.bincount(windows.window, state.error**2, len(windows.step))
