"""Where a right-hand side jumps along a motion, as dry friction does where the velocity turns."""

import numpy as np

from .sketch import is_near, rhs_values

SMALLEST = 1e-3  # jump that is looked for, of the range of the rates
HALVINGS = 50  # of a step: then its ends are neighbouring numbers


def rhs_jumps(sketch):
    """Times near which rhs jumps, with x, v or t, where no force says so; increasing, in s.

    Steps over which rhs changes by more than `SMALLEST` of its range are halved, along the straight
    line between their ends, towards the larger change. Where rhs is smooth that is soon too small.

    Args:
        sketch: `Sketch` of the motion.
    """
    times, states = sketch.times, sketch.states
    rates = rhs_values(sketch.problem, times, states)
    least = SMALLEST * np.ptp(rates, axis=0).max()
    rows = np.hstack([times[:, None], states])
    near = is_near(times, sketch.rough_times)
    smooth = ~(near[1:] | near[:-1])
    begin, end, before, after = (a[smooth] for a in (rows[:-1], rows[1:], rates[:-1], rates[1:]))
    for _ in range(HALVINGS):
        jumping = np.abs(after - before).max(axis=-1) > least
        begin, end, before, after = (a[jumping] for a in (begin, end, before, after))
        middle = 0.5 * (begin + end)
        between = rhs_values(sketch.problem, middle[:, 0], middle[:, 1:])
        first, second = (np.abs(a).max(axis=-1) for a in (between - before, after - between))
        is_first = (first >= second)[:, None]
        begin, end = np.where(is_first, begin, middle), np.where(is_first, middle, end)
        before, after = np.where(is_first, before, between), np.where(is_first, between, after)
    return begin[:, 0].tolist()
