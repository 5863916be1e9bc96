"""Steps of a linear oscillator of any length, with their sensitivities.

    x'' + d x' + s x = g(t)

g is a quartic in a step, which five values give. The Taylor series of the motion is then known
term by term, x = Σ c_j τ^j with τ = t/h:

    c_{j+2} = (h² g_j − (j+1) h d c_{j+1} − h² s c_j) / ((j+1)(j+2))

All is linear in (x_0, v_0, g): a step is a map, once for all steps of its length.
"""

import itertools

import numpy as np

from .window_runs import ABSCISSAE

ORDER = 12  # of the series: its next term is 1e-15 where √s h is a quarter
SHORTEST = 1e-200  # step
QUARTIC = np.linalg.inv(np.vander(ABSCISSAE, increasing=True))  # from values to powers of τ
NEWTON_STEPS = 12  # at most: each at least halves what is left
CLOSE = 1e-8  # a last step of Newton's method, after which a rounding is left


def step_maps(s, d, h):
    """x and v after a step by what they are linear in.

    Args:
        s, d: `(K,)`.
        h: length of the step, `(K,)`.

    Returns:
        `(2, 3, 7, K)`: of x and v; themselves, their derivatives by s and by d; by x_0, v_0, and
        the values of g at `ABSCISSAE`.
    """
    h = np.maximum(h, SHORTEST)
    series = np.zeros((ORDER + 1, 3, 7, len(h)))
    series[0, 0, 0], series[1, 0, 1] = 1.0, h

    def pulled(j):
        pull = np.zeros_like(series[0])
        pull[1], pull[2] = -h * h * series[j, 0], -h * (j + 1) * series[j + 1, 0]
        if j < len(QUARTIC):
            pull[0, 2:] = QUARTIC[j][:, None] * (h * h)
        return pull

    _continue(series, h * d, h * h * s, pulled)
    by_order = np.arange(ORDER + 1.0)
    return np.stack([series.sum(axis=0), np.tensordot(by_order, series, 1) / h])


def velocity_series(s, d, h, state, g):
    """Coefficients of 1, τ, … of h v in a step, `(ORDER, K)`.

    Args:
        s, d, h: `(K,)`.
        state: x and v at its beginning, `(2, K)`.
        g: at `ABSCISSAE`, `(5, K)`.
    """
    series, powers = np.zeros((ORDER + 1, len(h))), h * h * (QUARTIC @ g)
    series[0], series[1] = state[0], h * state[1]
    _continue(series, h * d, h * h * s, lambda j: powers[j] if j < len(powers) else 0.0)
    return np.arange(1, ORDER + 1)[:, None] * series[1:]


def _continue(series, loss, spring, pulled):
    """Fill in c_2, c_3, … from c_0 and c_1, with h d, h² s, and h² g_j as a function of j."""
    for j in range(ORDER - 1):
        forces = pulled(j) - loss * (j + 1) * series[j + 1] - spring * series[j]
        series[j + 2] = forces / ((j + 1) * (j + 2))


def value_at(powers, place):
    """Polynomials and their slopes at places `(…, K)`, from coefficients of 1, τ, … `(n, K)`."""
    between = [1] * (np.ndim(place) - 1)
    number = np.arange(len(powers)).reshape(-1, *between, 1)
    rows = powers[1:].reshape(len(powers) - 1, *between, powers.shape[1])
    terms = rows * place ** number[:-1]
    return powers[0] + (terms * place).sum(axis=0), (terms * number[1:]).sum(axis=0)


def zero_of(powers, last=1.0):
    """Where in 0…`last` polynomials that are positive before and negative after are 0, `(K,)`.

    Newton's method, halving the bracket where it would leave it.
    """
    low, high = np.zeros(powers.shape[1]), np.broadcast_to(last, powers.shape[1])
    first, end = powers[0], value_at(powers, high)[0]
    place = high * np.clip(np.nan_to_num(first / (first - end), nan=0.5), 0.0, 1.0)
    for _ in range(NEWTON_STEPS):
        value, slope = value_at(powers, place)
        low, high = np.where(value > 0.0, place, low), np.where(value > 0.0, high, place)
        ahead = place - value / slope
        inside = (ahead >= low) & (ahead <= high)
        is_close = np.abs(ahead - place) < CLOSE
        place = np.where(inside, ahead, 0.5 * (low + high))
        if np.all(is_close & inside | (low == high)):
            break
    return place


def first_zero_of(powers):
    """Where in 0…1 polynomials that begin positive, or at 0, first are 0, and whether they are.

    They may fall below 0 and rise again, but once.
    """
    powers = np.where(powers[0] == 0.0, np.concatenate([powers[1:], 0.0 * powers[:1]]), powers)
    slopes = np.arange(1, len(powers))[:, None] * powers[1:]
    dips = (slopes[0] < 0.0) & (slopes.sum(axis=0) > 0.0)
    least, place = np.ones((2, len(dips)))
    least[dips] = zero_of(-slopes[:, dips])
    falls = value_at(powers, least)[0] < 0.0
    place[falls] = zero_of(powers[:, falls], least[falls])
    return place, falls


def carried(maps, state, pulls):
    """x and v after a step with their derivatives by (x_0, v_0, s, d, …), `(2, R, K)`.

    Args:
        maps: `(2, 3, 2 + B, K)`, see `step_maps`.
        state: x and v before it: the numbers, then their derivatives, `(2, R, K)`.
        pulls: g and its derivatives by what comes after d, `(R − 4, B, K)`.
    """
    after = maps[:, 0, 0, None] * state[0] + maps[:, 0, 1, None] * state[1]
    moved = np.einsum("acbk,bk->ack", maps, np.concatenate([state[:, 0], pulls[0]]))
    after[:, 0] = moved[:, 0]
    after[:, 3:5] += moved[:, 1:]
    after[:, 5:] += np.einsum("abk,rbk->ark", maps[:, 0, 2:], pulls[1:])
    return after


def driven_nodes(maps, starts, pulls):
    """`carried` step by step from (x_0, v_0), `(N + 1, 2, R, K)`.

    Args:
        maps: of all steps, `(2, 3, 7, K)`.
        starts: `(K, 2)`.
        pulls: g and its derivatives by what comes after d in all steps, `(N, R − 4, 5, K)`.
    """
    num_steps, rows = len(pulls), pulls.shape[1] + 4
    nodes = np.zeros((num_steps + 1, 2, rows, len(starts)))
    nodes[0, :, 0], nodes[0, 0, 1], nodes[0, 1, 2] = starts.T, 1.0, 1.0
    by_force = np.einsum("acbk,nbk->nack", maps[:, :, 2:], pulls[:, 0])
    nodes[1:, :, 0], nodes[1:, :, 3:5] = by_force[:, :, 0], by_force[:, :, 1:]
    nodes[1:, :, 5:] = np.einsum("abk,nrbk->nark", maps[:, 0, 2:], pulls[:, 1:])
    x_moves, v_moves = maps[:, 0, 0, None], maps[:, 0, 1, None]
    x_bends, v_bends = maps[:, 1:, 0], maps[:, 1:, 1]
    for now, then in itertools.pairwise(nodes):
        then += x_moves * now[0] + v_moves * now[1]
        then[:, 3:5] += x_bends * now[0, 0] + v_bends * now[1, 0]
    return nodes


def power_maps(maps, number):
    """`step_maps` of 0, 1, … steps for a g that stays as it is, `(number + 1, 2, 3, 3, K)`."""
    one = np.concatenate([maps[:, :, :2], maps[:, :, 2:].sum(axis=2, keepdims=True)], axis=2)
    powers = np.zeros((number + 1, *one.shape))
    powers[0, 0, 0, 0] = powers[0, 1, 0, 1] = 1.0
    for before, after in itertools.pairwise(powers):
        after += one[:, 0, 0, None, None] * before[0] + one[:, 0, 1, None, None] * before[1]
        after[:, 1:] += one[:, 1:, 0, None] * before[0, 0] + one[:, 1:, 1, None] * before[1, 0]
        after[:, :, 2] += one[:, :, 2]
    return powers
