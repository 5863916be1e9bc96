"""Whether a motion is smooth enough in a window of time to be followed there."""

import numpy as np

DEGREE, NODES = 12, 32
# What polynomials of that degree may leave, of the largest rate: 32 waves then leave 1e-12 … 1e-10
# of it, rounding included, as tried on poles and bells of many widths. (Hermite's interpolation of
# a sketch, in steps of 0.05 rad, adds 2e-8.)
RESOLVED = 2e-7
ANGLES = np.pi * (np.arange(NODES) + 0.5) / NODES
HIGHEST = 2.0 / NODES * np.cos(np.arange(DEGREE + 1, NODES)[:, None] * ANGLES)


def unresolved(rates_at, edges):
    """Which windows are too long for a motion: its rate there has high Chebyshev coefficients.

        x''(t) = Σ_j c_j T_j(τ),   max |c_j| > 2e-7 for j > 12,   x'' (order 1: x') at most 1

    Args:
        rates_at: x'' as a function of times `(num,)`, `(num, d)`, of its largest magnitude.
        edges: e_0, …, e_W, increasing, in s.

    Returns:
        `(W,)`, booleans.
    """
    lengths = np.diff(edges)
    times = edges[:-1, None] + 0.5 * lengths[:, None] * (1.0 + np.cos(ANGLES))
    rates = np.reshape(rates_at(times.ravel()), (len(lengths), NODES, -1))
    return np.abs(HIGHEST @ rates).max(axis=(1, 2)) > RESOLVED


def motion_at(times, states, derivatives, jumps, t):
    """States between the steps of a stepper, by Hermite's cubic polynomials.

    Where the rate jumps within a step, the polynomial of the step before it, or after it, goes on.

    Args:
        times: equidistant, `(num,)`, in s.
        states: y(t_i), `(num, features)`.
        derivatives: y'(t_i), `(num, features)`.
        jumps: times at which y' jumps, in s.
        t: `(m,)`, in s.

    Returns:
        `(m, features)`.
    """
    step, last = times[1] - times[0], len(times) - 2

    def step_of(t):
        return np.clip(np.floor((t - times[0]) / step), 0, last).astype(int)

    k = step_of(t)
    if len(jumps):
        jumps = np.asarray(jumps)
        index = np.clip(np.searchsorted(jumps, times[k]), 0, len(jumps) - 1)
        jump = jumps[index]  # the first that is not before this step
        has_jump = (jump > times[k]) & (jump < times[k + 1])
        k = np.clip(k + has_jump * np.where(t < jump, -1, 1), 0, last)
    s = ((t - times[k]) / step)[:, None]
    before, after = states[k], states[k + 1]
    first, second = step * derivatives[k], step * derivatives[k + 1]
    rise = after - before
    curve = 3.0 * rise - 2.0 * first - second
    return before + s * (first + s * (curve + s * (first + second - 2.0 * rise)))
