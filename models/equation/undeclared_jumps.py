"""Where forces jump that do not say so: plain functions of t, looked at by bisection."""

import numpy as np

from oscillator_zoo.data.forces.force import Force, evaluate_force

INTERVALS, FINER = 4096, 16
SMALLEST = 1e-3  # jump that is looked for, of the range of the force
MOST_JUMPS = 256
MOST_INTERVALS = 100_000


def undeclared_jumps(problem, end):
    """Times at which forces without `breakpoints` of their own jump, increasing, in s.

    Intervals over which a force changes by more than `SMALLEST` of its range are halved again and
    again. Where it is smooth its change is halved too, and soon too small; what is left in the end
    is two neighbouring numbers t₋ < t with different forces, and t is where it jumps. A pulse
    shorter than 1/65,536 of the time is overlooked, and so are all jumps if more than 256.

    Args:
        problem: `InitialValueProblem`, one trajectory.
        end: t0 + T, in s.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator
    >>> kicked = DampedOscillator(force=lambda t: np.where(t < 0.3, 0.0, np.cos(t)))
    >>> undeclared_jumps(kicked, end=2.0)
    [0.3]
    """
    forces = [f for f in problem.coordinate_forces if f is not None and not isinstance(f, Force)]
    times = {time for force in forces for time in _jumps(force, problem.start_time, end)}
    return sorted(times)


def _jumps(force, start, end):
    times = np.linspace(start, end, FINER * INTERVALS + 1)
    values = _evaluate(force, times)
    least = SMALLEST * np.ptp(values)
    # Intervals at whose ends the force is the same may hide a pulse: their parts are looked at.
    same = np.abs(np.diff(values[::FINER])) <= least
    coarse, fine = FINER * np.flatnonzero(~same), np.flatnonzero(np.repeat(same, FINER))
    first = np.concatenate([coarse, fine])
    last = np.concatenate([coarse + FINER, fine + 1])
    begins, ends, before, after = times[first], times[last], values[first], values[last]
    while True:
        jumping = np.abs(after - before) > least
        begins, ends, before, after = (a[jumping] for a in (begins, ends, before, after))
        middles = 0.5 * (begins + ends)
        if len(begins) > MOST_INTERVALS or np.all((middles == begins) | (middles == ends)):
            break
        between = _evaluate(force, middles)
        begins, ends = np.append(begins, middles), np.append(middles, ends)
        before, after = np.append(before, between), np.append(between, after)
    inside = ends[(ends > start + 1e-9 * (end - start)) & (ends < end)]
    return inside.tolist() if len(inside) <= MOST_JUMPS else []


def _evaluate(force, times):
    column = times[:, None]
    return np.broadcast_to(evaluate_force(force, column), column.shape)[:, 0]
