"""States at which windows begin, added up by whole numbers: without rounding."""

import numpy as np

from .rounding import EXTENDED

# A whole number as an extended one: its float64 head is exact, its rest and their sum are rounded,
# and bits beyond `KEPT_BITS` are less than a third.
ROUNDINGS_OF_WHOLE = 3.0
KEPT_BITS = 128
FEATURE_BITS = 128  # of h after the point
GUARD_BITS = 200  # below the last bit of the smallest number


def whole_sums(h, dh, kernel, bias, edges, initial, order):
    """[N, N'] at the ends of windows, and [x_w, v_w], by whole numbers: multiples of 2^e.

    All numbers but h are such multiples; 2^e is 2^−200 of the smallest. What is lost is bounded:
    N and N' lose less than 2^e, v 4/L + 1 times that in each window, x that times L, and 2 more.
    """
    unit = min(_last_bit(a) for a in (kernel, bias, edges, *initial)) - GUARD_BITS
    features = np.stack([_whole(a, -FEATURE_BITS) for a in (h, dh)], axis=1)
    features = np.broadcast_to(features, (len(kernel), *features.shape[1:]))
    weights, bias = _whole(kernel, unit), _whole(bias, unit)
    lengths = np.diff(_whole(edges.astype(EXTENDED), unit))
    x, v = [_whole(y, unit) for y in (*initial, *initial)[:2]]
    ends, states = [], []
    for h, a, c, length in zip(features, weights, bias, lengths):
        n, dn = (h @ a) >> FEATURE_BITS
        ends.append((n + c, dn))
        states.append((x, v))
        if order == 1:
            x = x + n + c
            continue
        x = x + _shifted(v * length, unit) + n + c
        v = v + _shifted(2 * (n + c + dn), -unit) // length
    ends, states = (
        [_numbers(np.stack(part), unit) for part in zip(*pairs)] for pairs in (ends, states)
    )
    length = np.diff(edges)
    lost = len(weights) ** 2 * (4.0 / length.min() + 1.0) * (length.max() + 2.0)
    return ends, states, float(np.ldexp(lost, unit))


def _last_bit(values):
    """The exponent of 2 of which all values are multiples."""
    exponents = np.frexp(values[values != 0.0].astype(EXTENDED))[1]
    return int(exponents.min(initial=0)) - np.finfo(EXTENDED).nmant - 1


def _whole(values, unit):
    """Values as multiples of 2^unit, Python's own integers, rounded down."""
    mantissas, exponents = np.frexp(values.astype(EXTENDED))
    bits = np.finfo(EXTENDED).nmant + 1
    whole = np.ldexp(mantissas, bits)  # whole numbers, exactly
    found = np.empty(values.shape, object)
    for i, (number, exponent) in enumerate(zip(whole.flat, exponents.flat)):
        found.flat[i] = _shifted(int(number), int(exponent) - bits - unit)
    return found


def _shifted(whole, bits):
    """Whole numbers times 2^bits, rounded down."""
    return whole << bits if bits >= 0 else whole >> -bits


def _numbers(whole, unit):
    """Whole numbers times 2^unit, extended."""
    found = np.empty(whole.shape, EXTENDED)
    for i, number in enumerate(whole.flat):
        lost = max(number.bit_length() - KEPT_BITS, 0)
        head = float(number >> lost)
        rest = float((number >> lost) - int(head))
        found.flat[i] = np.ldexp(EXTENDED(head) + EXTENDED(rest), unit + lost)
    return found
