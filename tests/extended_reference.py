"""Motions in extended precision: Gragg's and Bulirsch's extrapolation of the midpoint rule."""

import itertools

import numpy as np

EXTENDED = np.longdouble
SEQUENCE = tuple(range(2, 28, 2))  # order 26


def extended_motion(problem, times, step=0.1):
    """States `(num, order · dimension)` at increasing times, the first of them t0.

    Right to about 1e-17 of the motion where it turns by less than a radian in a step; no step
    reaches across a time of `times`, so that jumps of the equation may be put there.
    """
    size = problem.order * problem.dimension
    state = np.concatenate([np.reshape(y, -1) for y in problem.initial_state()]).astype(EXTENDED)

    def slopes(t, y):
        parts = [part[None] for part in np.split(y, problem.order)]
        return np.concatenate(problem.slopes(np.array([[t]]), *parts), axis=-1)[0]

    found = np.empty((len(times), size), EXTENDED)
    found[0] = state
    for k, (begin, end) in enumerate(itertools.pairwise(times)):
        num = int(np.ceil((end - begin) / step))
        length = (EXTENDED(end) - EXTENDED(begin)) / num
        for i in range(num):
            state = _extrapolated(slopes, EXTENDED(begin) + i * length, state, length)
        found[k + 1] = state
    return found


def _extrapolated(slopes, begin, state, length):
    """One long step from midpoint rules of 2, 4, 6, … short ones, errors in even powers of h."""
    table = []
    for num in SEQUENCE:
        h = length / num
        before, now = state, state + h * slopes(begin, state)
        for i in range(1, num):
            before, now = now, before + 2.0 * h * slopes(begin + i * h, now)
        row = [now]
        for j, previous in enumerate(table[-1] if table else []):
            ratio = EXTENDED(num) / SEQUENCE[len(table) - 1 - j]
            row.append(row[-1] + (row[-1] - previous) / (ratio**2 - 1))
        table.append(row)
    return table[-1][-1]
