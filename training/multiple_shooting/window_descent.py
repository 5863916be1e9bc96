"""How a search by multiple shooting steps: damping, line search, and the weight of the gaps."""

import numpy as np

FALL, LAST_FALL = 1e-3, 1e-10  # relative, of the sum of squares, at which a level ends
CLOSED = 1e-9
HEAVIER, HEAVIEST = 100.0, 1e8  # growth of the gaps' weight: in a step, and until none will close
LITTLE = 0.1  # growth of the sum of squares, at which the weight of the gaps is adapted
WORTH = 2.0  # of the growth, that closing the gaps takes off
HALVINGS = 4


def _line_search(shooting, state, move, group):
    """The state after the longest share of a step that helps, and the fall; else this one, None."""
    share = 1.0
    for _ in range(HALVINGS):
        point = state.point._make((a + share * b for a, b in zip(state.point, move)))
        tried = shooting.state(point, group, state.weight)
        if share == 1.0:
            state, tried = weighed(state, tried)
        if tried.merit < state.merit:
            return tried, 1.0 - tried.merit / state.merit
        share *= 0.5 if np.isfinite(tried.merit) else 0.1
    return state, None


def weighed(state, tried):
    """Both states with a weight of the gaps that is worth what closing them costs, if little.

    Where windows are about to join, the error may have to grow for that.
    """
    before, after = (one.error @ one.error for one in (state, tried))
    closed = np.sum(state.gaps**2) - np.sum(tried.gaps**2)
    weight = state.weight
    if before < after < (1.0 + LITTLE) * before and closed > 0.0:
        weight = max(weight, WORTH * (after - before) / closed)
    return with_weight(state, weight), with_weight(tried, weight)


def with_weight(state, weight):
    """The state with another weight of its gaps."""
    return state._replace(weight=weight, merit=merit_of(state.error, state.gaps, weight))


def merit_of(error, gaps, weight):
    """What has to fall: the sum of squares, and the gaps between windows."""
    merit = float(error @ error + weight * np.sum(gaps**2))
    return merit if np.isfinite(merit) else np.inf


def descend(shooting, point, group, most, least_fall, weight):
    """Steps until the sum of squares falls no more: `State`.

    Where a step that closes the gaps between windows cannot be had without a larger error,
    the gaps' weight grows.
    """
    state, damping = shooting.state(point, group, weight), 0.0
    for _ in range(most):
        if not np.isfinite(state.merit) or state.weight > HEAVIEST * max(weight, 1.0):
            break
        state, fall = _line_search(shooting, state, shooting.move(state, group, damping), group)
        if fall is None and damping < 1.0:
            damping = max(10.0 * damping, 1e-3)
            if shooting.gap(state) > CLOSED:
                state = with_weight(state, HEAVIER * state.weight)
            continue
        if fall is None:
            break
        damping = 0.1 * damping if damping > 1e-6 else 0.0
        if fall < least_fall and (shooting.gap(state) < CLOSED or least_fall == FALL):
            break
    return state
