"""The states at which windows begin, and how far rounding may have moved them.

    v_{w+1} = v_w + 2 (N + N')/L,   x_{w+1} = x_w + v_w L + N      at τ = 1 (order 1: x_w + N)

All windows share the hidden layers, whose features h, h' at τ = 1 are computed once: an error of
theirs enters every N = h A_w + c_w alike, and is multiplied by a sum of A over the windows before,
in which terms cancel as they do in the motion. The proof adds whole numbers, which round nothing.
The model rounds each N, N', step and sum; that is its own in each window, and is added up at its
largest.
"""

import numpy as np

from ..trial_solution.exact_sums import bits_of_heads, powers_of_two
from .network_bounds import features, layer_bounds, rounding_errors
from .rounding import EXTENDED, EXTENDED_UNIT, TINIEST, UNIT, Rounded, gamma

# 2 (N + N')/L and v L + N: a length, a quotient or product, a sum; and one to spare.
ROUNDINGS_OF_STEP = 4.0
# Sums of A over windows are computed in float64: 2 A/L has three roundings, its product with L and
# the sum with A two, and one to spare.
ROUNDINGS_OF_WEIGHTS = 6.0
# An N of exact heads: the sums of H products with what is left over and of both kinds; then its own
# sum, and c's. N' has no c.
ROUNDINGS_OF_REST = 2.0
ROUNDINGS_OF_END, ROUNDINGS_OF_END_SLOPE = 2.0, 1.0
# A whole number as an extended one: its float64 head is exact, its rest and their sum are rounded,
# and bits beyond `KEPT_BITS` are less than a third.
ROUNDINGS_OF_WHOLE = 3.0
KEPT_BITS = 128
FEATURE_BITS = 128  # of h after the point
GUARD_BITS = 200  # below the last bit of the smallest number


class StartBounds:
    """[x_w, v_w] at the start of every window, and their errors, lists of `(W, dimension)`.

    `values` are right to `errors`; any float64 order of the model's sums stays within
    `model_errors` of the exact ones.

    Args:
        weights: `Weights`.
        order: of the equation, 1 or 2.
        edges: of the windows, float64 `(W + 1,)`, in s.
        initial: [x, v] at t0, extended, each `(dimension,)` (order 1: [x]).
    """

    def __init__(self, weights, order, edges, initial):
        self.weights, self.order, self.initial = weights, order, initial
        self.length = np.diff(edges.astype(EXTENDED)).astype(np.float64)[:, None]
        h, dh, _ = (a[0] for a in features(weights, np.ones(1, EXTENDED)))
        self.features = h, dh
        self.layers = layer_bounds(weights, np.ones(1), np.zeros(1))
        self.influences = _influences(weights.kernel.astype(np.float64), order, self.length)
        numbers = [h, dh, weights.kernel, weights.bias, edges, *initial]
        if all(np.isfinite(a).all() for a in numbers):
            of_ends, states, lost = _whole_sums(*numbers[:5], initial, order)
        else:
            of_ends = states = [np.full(weights.bias.shape, np.nan, EXTENDED)] * 2
            lost = np.inf
        self.of_ends, self.values = of_ends, states[:order]
        rounded = [ROUNDINGS_OF_WHOLE * EXTENDED_UNIT * np.abs(y) for y in self.values]
        moved = self._moved(EXTENDED_UNIT)
        lost = lost + TINIEST
        self.errors = [(a + b + lost).astype(np.float64) for a, b in zip(rounded, moved)]
        self.model_errors = self._model_errors()

    def _feature_errors(self, unit):
        """How far h and h' may be off at τ = 1, as whole numbers too, each `(H,)`."""
        tau = Rounded(np.ones((1, 1)), np.zeros((1, 1)))
        found = rounding_errors(self.weights, self.layers, unit, tau, products=0.0)
        return [a.error[0] + 2.0**-FEATURE_BITS for a in found[:2]]

    def _moved(self, unit):
        """How far errors of h and h', which all windows share, move the states."""
        errors = self._feature_errors(unit)
        return [
            sum(np.einsum("whd,h->wd", a, e) for a, e in zip(of_state, errors))
            for of_state in self.influences
        ]

    def _model_errors(self):
        moved, rest, off = self._moved(UNIT), self._largest_end(), self._ends_moved()
        n, dn = self.of_ends
        n, dn, both = (
            np.abs(a).astype(np.float64) * (1.0 + UNIT) + by
            for a, by in zip((n, dn, n + dn), (*off, off[0] + off[1]))
        )
        en = gamma(ROUNDINGS_OF_END, UNIT) * (n + rest) + rest
        edn = gamma(ROUNDINGS_OF_END_SLOPE, UNIT) * (dn + rest) + rest
        values = [np.abs(y).astype(np.float64) for y in self.values]
        if self.order == 1:
            return [self._summed(0, en, moved[0], values)]
        step, length = gamma(ROUNDINGS_OF_STEP, UNIT), self.length
        rate = 2.0 * (en + edn + step * (both + en + edn)) / length
        ev = self._summed(1, rate, moved[1], values)
        terms = (values[1] + ev) * length + n + en
        gain = (ev - moved[1]) * length + en + step * terms  # what h and h' do is in `moved`
        return [self._summed(0, gain, moved[0], values), ev]

    def _ends_moved(self):
        """How far N and N' at τ = 1 are moved by the errors of h and h', `(W, dimension)`."""
        kernel = np.abs(self.weights.kernel).astype(np.float64)
        return [np.einsum("whd,h->wd", kernel, e) for e in self._feature_errors(UNIT)]

    def _largest_end(self):
        """What `exact_products` may round beside the result: its terms that are no heads.

        |h| ≤ P, |A| ≤ Q, powers of 2, less than twice the largest or the least that there is. Heads
        leave over 2^−b P/2 and 2^−b Q/2, so that the H terms of either kind are at most 2^−b P Q/2.
        """
        num = self.weights.kernel.shape[1]
        size = max(
            (np.abs(h).astype(np.float64) + e).max()
            for h, e in zip(self.features, self._feature_errors(UNIT))
        )
        sizes = np.array([size, float(np.abs(self.weights.kernel).max())])
        p, q = np.maximum(2.0 * sizes, powers_of_two("float64")[0])
        rest = num * p * q * 2.0 ** -bits_of_heads(num)
        return gamma(num + ROUNDINGS_OF_REST, UNIT) * rest + (4 * num + 4) * TINIEST

    def _summed(self, k, errors, moved, values):
        """Errors of x_w or v_w as sums of steps that are off by `errors`, `(W, dimension)`.

        Neighbours are added, in any bracketing, and the step itself is taken away again: w + 2
        additions, whose results are sums of consecutive steps, no larger than the range of the
        sums from the first step on; then the initial value is added. `moved` is how far errors
        that all steps share move the sums, beyond the `errors` of each.
        """
        carried = np.cumsum(errors, axis=0) - errors
        sums = (self.values[k] - self.initial[k]).astype(np.float64)
        last = sums[-1:] + self._last_step(k)
        sums = np.concatenate([sums, last])
        span = np.maximum.accumulate(sums, axis=0) - np.minimum.accumulate(sums, axis=0)
        num = np.arange(len(errors))[:, None] + 3.0
        off = carried + errors + 2.0 * np.maximum.accumulate(moved, axis=0)
        largest = span[1:] + np.abs(self.initial[k]).astype(np.float64) + off
        return carried + moved + num * UNIT / (1.0 - num * UNIT) * largest + num * TINIEST

    def _last_step(self, k):
        n, dn = (a[-1:].astype(np.float64) for a in self.of_ends)
        if k == 1:
            return 2.0 * (n + dn) / self.length[-1]
        gain = self.values[1][-1:].astype(np.float64) * self.length[-1] if self.order == 2 else 0.0
        return gain + n


def _influences(kernel, order, length):
    """Bounds of [|∂x_w/∂h|, |∂x_w/∂h'|], and the same of v_w, each `(W, H, dimension)`."""
    length, size = length[..., None], np.abs(kernel)
    lost = gamma(2.0 * len(kernel) + ROUNDINGS_OF_WEIGHTS, UNIT)
    if order == 1:
        return [[np.abs(_before(kernel)) + lost * _before(size)]]
    rate, most = _before(2.0 * kernel / length), _before(2.0 * size / length)
    of_velocity = np.abs(rate) + lost * most
    gain, most = rate * length, most * length
    of_value = np.abs(_before(gain + kernel)) + lost * _before(most + size)
    of_slope = np.abs(_before(gain)) + lost * _before(most)
    return [[of_value, of_slope], [of_velocity, of_velocity]]


def _before(steps):
    return np.cumsum(steps, axis=0) - steps


def _whole_sums(h, dh, kernel, bias, edges, initial, order):
    """[N, N'] at the ends of windows, and [x_w, v_w], by whole numbers: multiples of 2^e.

    All numbers but h are such multiples; 2^e is 2^−200 of the smallest. What is lost is bounded:
    N and N' lose less than 2^e, v 4/L + 1 times that in each window, x that times L, and 2 more.
    """
    unit = min(_last_bit(a) for a in (kernel, bias, edges, *initial)) - GUARD_BITS
    features = np.stack([_whole(a, -FEATURE_BITS) for a in (h, dh)])
    weights, bias = _whole(kernel, unit), _whole(bias, unit)
    lengths = np.diff(_whole(edges.astype(EXTENDED), unit))
    x, v = [_whole(y, unit) for y in (*initial, *initial)[:2]]
    ends, states = [], []
    for a, c, length in zip(weights, bias, lengths):
        n, dn = (features @ a) >> FEATURE_BITS
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
