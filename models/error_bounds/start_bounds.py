"""The states at which windows begin, and how far rounding may have moved them.

    v_{w+1} = v_w + 2 (N + N')/L,   x_{w+1} = x_w + v_w L + N      at τ = 1 (order 1: x_w + N)

All windows share the hidden layers, whose features h, h' at τ = 1 are computed once: an error of
theirs enters every N = h A_w + c_w alike, and is multiplied by a sum of A over the windows before,
in which terms cancel as they do in the motion. The proof adds whole numbers, which round nothing.
The model adds heads, whose sums and products are exact, and rounds what they leave over, which is
2⁻²⁰ of them and less (`trial_solution.exact_sums`). Where each window has hidden layers of its own,
so are its errors, and add up.
"""

from typing import NamedTuple

import numpy as np

from ..trial_solution.exact_sums import bits_of_heads
from .network_bounds import features, layer_bounds, rounding_errors
from .rounding import (
    EXTENDED,
    EXTENDED_UNIT,
    TINIEST,
    UNIT,
    PairBounds,
    Rounded,
    gamma,
    multiple_bounds,
    power_above,
    sum_bounds,
    sum_of_products,
)
from .whole_numbers import FEATURE_BITS, ROUNDINGS_OF_WHOLE, whole_sums

# Sums of A over windows are computed in float64: 2 A/L has three roundings, its product with L and
# the sum with A two, and one to spare.
ROUNDINGS_OF_WEIGHTS = 6.0
# N of exact heads: the sums of H + 1 products with what is left over, and of both kinds.
ROUNDINGS_OF_REST = 2.0
ROUNDINGS_OF_HEADS = 0.0  # N + N' of exact heads; of numbers, which have no rest, one


def start_bounds(weights, *args):
    """`StartBounds`, or `StartBoundsOfEach` where windows have hidden layers of their own."""
    return (StartBounds if weights.are_shared else StartBoundsOfEach)(weights, *args)


class StartBounds:
    """[x_w, v_w] at the start of every window, and their errors, lists of `(W, dimension)`.

    `values` are right to `errors`; any float64 order of the model's sums stays within
    `model_errors` of the exact ones. A motion that begins each window at `values` misses its own
    end of the window before by at most `jumps`. All windows share their hidden layers.

    Args:
        weights: `Weights`.
        order: of the equation, 1 or 2.
        edges: of the windows, float64 `(W + 1,)`, in s.
        initial: [x, v] at t0, extended, each `(dimension,)` (order 1: [x]).
    """

    roundings_of_heads = ROUNDINGS_OF_HEADS

    def __init__(self, weights, order, edges, initial):
        self.weights, self.order, self.initial = weights, order, initial
        self.length = np.diff(edges.astype(EXTENDED)).astype(np.float64)[:, None]
        num = 1 if weights.are_shared else len(self.length)
        h, dh, _ = (a[:, 0] for a in features(weights, np.ones((num, 1), EXTENDED)))
        self.features = h, dh
        self.layers = layer_bounds(weights, np.ones(num), np.zeros(num))
        numbers = [h, dh, weights.kernel, weights.bias, edges, *initial]
        if all(np.isfinite(a).all() for a in numbers):
            of_ends, states, lost = whole_sums(*numbers[:5], initial, order)
        else:
            of_ends = states = [np.full(weights.bias.shape, np.nan, EXTENDED)] * 2
            lost = np.inf
        self.of_ends, self.values = of_ends, states[:order]
        self.sizes = [np.abs(y).astype(np.float64) for y in self.values]
        rounded = [ROUNDINGS_OF_WHOLE * EXTENDED_UNIT * np.abs(y) for y in self.values]
        moved = self._moved(EXTENDED_UNIT)
        lost = lost + TINIEST
        self.errors = [(a + b + lost).astype(np.float64) for a, b in zip(rounded, moved)]
        self.jumps = self._jumps(lost)
        self.model_errors = self._model_errors()

    def _features(self, unit, additions=None):
        """`Rounded` of h and h' at τ = 1, as whole numbers too, each `(1, H)` or `(W, H)`."""
        one = np.ones((len(self.features[0]), 1))
        tau = Rounded(one, 0.0 * one)
        found = rounding_errors(self.weights, self.layers, unit, tau, 0.0, additions)
        return [Rounded(a.size, a.error + 2.0**-FEATURE_BITS) for a in found[:2]]

    def _feature_errors(self, unit, additions=None):
        """How far h and h', which all windows share, may be off at τ = 1, each `(H,)`."""
        return [a.error[0] for a in self._features(unit, additions)]

    def _moved_in_model(self):
        """`_moved` for the model's h and h', where the rounding of U + b is known with its sign.

        One sum of two numbers is the same in any order. So h and h' are those at the rounded z, but
        for what happens after it, and the states, which are linear in them, move by as much.
        """
        kernel, bias = self.weights.layers[0]
        moved = (kernel[0].astype(np.float64) + bias.astype(np.float64)) - (kernel[0] + bias)
        there = features(self.weights, np.ones((1, 1), EXTENDED), moved)
        shifts = [(a[0, 0] - b[0]).astype(np.float64) for a, b in zip(there, self.features)]
        after = self._feature_errors(UNIT, additions=0.0)
        own = [a + 2.0 * b for a, b in zip(after, self._feature_errors(EXTENDED_UNIT))]
        rounding = gamma(2.0 * len(shifts[0]) + 2.0, UNIT)
        found = []
        for of_state in self._influences():
            shift = sum(np.einsum("whd,h->wd", one.value, s) for one, s in zip(of_state, shifts))
            off = [rounding * np.abs(s) for s in shifts]
            rest = sum(
                np.einsum("whd,h->wd", one.largest, e + r)
                + np.einsum("whd,h->wd", one.error, np.abs(s))
                for one, e, r, s in zip(of_state, own, off, shifts)
            )
            found.append(np.abs(shift) + rest)
        return found

    def _moved(self, unit):
        """How far errors of h and h', which all windows share, move the states."""
        errors = self._feature_errors(unit)
        return [
            sum(np.einsum("whd,h->wd", a.largest, e) for a, e in zip(of_state, errors))
            for of_state in self._influences()
        ]

    def _influences(self):
        """How h and h' move the states, `influences`."""
        return influences(self.weights.kernel.astype(np.float64), self.order, self.length)

    def _jumps(self, lost):
        """How far `values` miss what the window before ends with, `(W, dimension)`.

        Whole numbers are off by what the errors of h and h' do to N and N', once in each window,
        and are rounded before and after.
        """
        off, rounding = self._ends_moved(EXTENDED_UNIT), ROUNDINGS_OF_WHOLE * EXTENDED_UNIT
        steps = [off[0], 2.0 * (off[0] + off[1]) / self.length]
        sizes = [self.sizes[0], self.sizes[-1]]
        if self.order == 2:
            sizes[0] = sizes[0] + sizes[1] * self.length
        found = []
        for step, size, after in zip(steps, sizes, self.sizes):
            before = step + rounding * size + lost
            found.append(rounding * after + np.concatenate([0.0 * before[:1], before[:-1]]))
        return found

    def _model_errors(self):
        moved, rest = self._moved_in_model(), self._rest_of_end()
        off = self._ends_moved(UNIT)
        size = np.abs(self.of_ends[0]).astype(np.float64) + off[0] + rest.largest
        n = PairBounds(size, rest.largest, rest.error)
        value = [size + by for size, by in zip(self.sizes, moved)]
        first = [np.abs(y).astype(np.float64) for y in self.initial]
        if self.order == 1:
            sums = [sum_bounds(first[0], [n.head, n.rest], n.error, value[0])]
        else:
            both = np.abs(sum(self.of_ends)).astype(np.float64) + sum(off) + 2.0 * rest.largest
            rounding = gamma(1.0, UNIT) * 2.0 * rest.largest + TINIEST
            rounding = rounding + gamma(self.roundings_of_heads, UNIT) * both
            both = PairBounds(both, 2.0 * rest.largest + rounding, 2.0 * rest.error + rounding)
            rates = multiple_bounds(2.0 / self.length, both)
            velocity = sum_bounds(first[1], rates[:2], rates.error, value[1])
            gains = multiple_bounds(self.length, velocity)
            last = gains.rest + n.rest
            error = gains.error + n.error + gamma(1.0, UNIT) * last + TINIEST
            terms = [gains.head, n.head, last + error]
            sums = [sum_bounds(first[0], terms, error, value[0]), velocity]
        return [
            off + pair.error + gamma(1.0, UNIT) * (pair.head + pair.rest) + TINIEST
            for off, pair in zip(moved, sums)
        ]

    def _ends_moved(self, unit):
        """How far N and N' at τ = 1 are moved by the errors of h and h', `(W, dimension)`."""
        kernel = np.abs(self.weights.kernel).astype(np.float64)
        return [np.einsum("whd,h->wd", kernel, e) for e in self._feature_errors(unit)]

    def _rest_of_end(self):
        """`Rounded` of what heads leave over of N and of N', `(W, dimension)`.

        |h|, 1 ≤ P and |A|, |c| ≤ Q, powers of 2. Heads leave over 2^−b P/2 of h and 2^−b Q/2 of A.
        """
        num = self.weights.kernel.shape[1] + 1
        features = [
            np.append(np.abs(h[0]).astype(np.float64) + e, 1.0)
            for h, e in zip(self.features, self._feature_errors(UNIT))
        ]
        sizes = [np.abs(a).astype(np.float64) for a in (self.weights.kernel, self.weights.bias)]
        p, q = power_above(features), power_above([np.max(size) for size in sizes])
        sums = p * (sizes[0].sum(axis=1) + sizes[1]) + q * np.max([a.sum() for a in features])
        rest = 0.5 ** (bits_of_heads(2 * num) + 1) * sums
        rest = rest + num * 0.25 ** (bits_of_heads(2 * num) + 1) * p * q  # of h times A's head
        error = gamma(num + ROUNDINGS_OF_REST, UNIT) * rest + (4 * num + 4) * TINIEST
        return Rounded(rest, error)


class StartBoundsOfEach(StartBounds):
    """`StartBounds` where each window has hidden layers of its own: errors of N and N' add up."""

    roundings_of_heads = ROUNDINGS_OF_HEADS + 1.0

    def _moved_in_model(self):
        return self._moved(UNIT)

    def _moved(self, unit):
        """How far the errors of N and N' of all windows before move the states."""
        n, dn = self._ends_moved(unit)
        if self.order == 1:
            return [_before(n)]
        velocity = _before(2.0 * (n + dn) / self.length)
        return [_before(n + velocity * self.length), velocity]

    def _ends_moved(self, unit):
        """How far N and N' at τ = 1 may be off, `(W, dimension)`."""
        kernel, bias, products = *self.weights.readout_sizes, self.weights.products
        h, dh = self._features(unit)
        n = sum_of_products(h, kernel, unit, bias, products)
        return [n.error, sum_of_products(dh, kernel, unit, products=products).error]

    def _rest_of_end(self):
        """`Rounded` of what N leaves over: nothing, as it is one number."""
        none = np.zeros_like(self.of_ends[0], np.float64)
        return Rounded(none, none)


class Influence(NamedTuple):
    """∂x_w/∂h as computed, and what it may be off by, `(W, H, dimension)`."""

    value: np.ndarray
    error: np.ndarray

    @property
    def largest(self):
        return np.abs(self.value) + self.error


def influences(kernel, order, length):
    """[∂x_w/∂h, ∂x_w/∂h'], and the same of v_w, each an `Influence`."""
    length, size = length[..., None], np.abs(kernel)
    lost = gamma(2.0 * len(kernel) + ROUNDINGS_OF_WEIGHTS, UNIT)
    if order == 1:
        return [[Influence(_before(kernel), lost * _before(size))]]
    rate, most = _before(2.0 * kernel / length), _before(2.0 * size / length)
    of_velocity = Influence(rate, lost * most)
    gain, most = rate * length, most * length
    of_value = Influence(_before(gain + kernel), lost * _before(most + size))
    of_slope = Influence(_before(gain), lost * _before(most))
    return [[of_value, of_slope], [of_velocity, of_velocity]]


def _before(steps):
    return np.cumsum(steps, axis=0) - steps
