"""What rounding can do: the lemmas on which every bound of this room rests.

A computed quantity is described by two numbers, `Rounded`: how large the exact value can be, and
how far the computed one can lie from it. Every operation obeys

    fl(a ∘ b) = (a ∘ b)(1 + δ) + η,   |δ| ≤ u,   |η| ≤ TINIEST

with u half the distance from 1 to the next number and η what underflow can leave, flushed to zero
or not. k operations one after the other, in any order, multiply a term by at most
1 + γ_k, γ_k = k u/(1 − k u).

Reference: N. J. Higham, "Accuracy and Stability of Numerical Algorithms", §2.2, §3.1 and §2.8.
"""

from typing import NamedTuple

import numpy as np

from ..trial_solution.exact_sums import bits_of_heads, bits_of_terms, powers_of_two

EXTENDED = np.longdouble  # 64 bits or more of precision on most machines, at least float64
UNIT = 0.5 * float(np.finfo(np.float64).eps)  # u of float64, 2⁻⁵³
EXTENDED_UNIT = 0.5 * float(np.finfo(EXTENDED).eps)
TINIEST = float(np.finfo(np.float64).tiny)  # 2⁻¹⁰²², below which float64 underflows
# Bounds are sums and products of numbers ≥ 0, computed in float64 with fewer than 4e6 roundings
# each: 4e6 u < 1e-9. They are multiplied by this once, at the end.
UPWARDS = 1.0 + 1e-9
# g y: of what heads leave over, (g + its rest) y.rest has two and is added after another sum.
ROUNDINGS_OF_MULTIPLE = 4.0
# The factors L and 2/L, extended: a difference and a quotient.
ROUNDINGS_OF_FACTOR = 2.0
# Sums over windows: what is taken away again, first, and both kinds of heads' rests.
ROUNDINGS_OF_SUM = 3.0


class Rounded(NamedTuple):
    """|exact| ≤ size and |computed − exact| ≤ error, arrays of one shape."""

    size: np.ndarray
    error: np.ndarray

    @property
    def largest(self):
        """|computed| at most."""
        return self.size + self.error

    def at_most(self, size):
        """The same quantity, where another bound of the exact value is known."""
        return self._replace(size=np.minimum(self.size, size))


class PairBounds(NamedTuple):
    """Bounds for a `Pair` of the model: of |head|, of |rest|, and of what the rest is off by."""

    head: np.ndarray
    rest: np.ndarray
    error: np.ndarray


def gamma(count, unit):
    """γ_k = k u/(1 − k u), what k roundings do to a term; ∞ where they can do anything."""
    roundings = count * unit
    return roundings / (1.0 - roundings) if roundings < 1.0 else np.inf


def sum_of_products(inputs, kernel, unit, bias=None, products=1.0, additions=None, total=None):
    """`Rounded` of h @ U + b, summed in any order.

        S = (|h| + e) |U| + |b|,   M = (S + |h U + b|)/2
        |fl − exact| ≤ e |U| + γ_p S + u (m − 1) M + u |h U + b| + 2 m u (e |U| + γ_{p+m} S)
                       + (2n + 2) TINIEST

    p roundings of each product, then m additions. What an addition rounds is a sum of some of the
    terms, those ≥ 0 or those ≤ 0 at most, which is no more than M, and at last of all. Earlier
    roundings move it by no more than e |U| + γ_{p+m} S.

    Args:
        inputs: `Rounded` of h, `(num, n)`.
        kernel: |U|, `(n, m)` or for each row its own, `(num, n, m)`; exact in float64.
        unit: u.
        bias: |b|, `(m,)`, or None.
        products: p.
        additions: m, if other than as many as there are terms, bias included, less one.
        total: bound of |h U + b|, where one is known.
    """
    n = kernel.shape[-2]
    carried = times_kernel(inputs.error, kernel)
    size = times_kernel(inputs.size, kernel) + (0.0 if bias is None else bias)
    if additions is None:
        additions = n - 1.0 if bias is None else float(n)
    terms = size + carried
    total = size if total is None else np.fmin(total, size)
    early = carried + gamma(products + additions, unit) * terms
    sums = max(additions - 1.0, 0.0) * 0.5 * (terms + total) + min(additions, 1.0) * total
    rounded = gamma(products, unit) * terms + unit * (sums + 2.0 * additions * early)
    return Rounded(total, carried + rounded + (2 * n + 2) * TINIEST)


def product(a, b, unit):
    """`Rounded` of a b:  |fl − exact| ≤ |a| e_b + e_a |b| + e_a e_b + u |âb̂| + TINIEST."""
    moved = a.size * b.error + a.error * b.largest
    return Rounded(a.size * b.size, moved + unit * a.largest * b.largest + TINIEST)


def total(a, b, unit):
    """`Rounded` of a + b:  |fl − exact| ≤ e_a + e_b + u |â + b̂| + TINIEST."""
    error = a.error + b.error + unit * (a.largest + b.largest) + TINIEST
    return Rounded(a.size + b.size, error)


def function_value(size, slope, moved, own):
    """`Rounded` of f(ẑ), |ẑ − z| ≤ δ:  |fl − f(z)| ≤ min(δ sup|f'|, 2 sup|f|) + own + TINIEST.

    Args:
        size: sup|f| between z and ẑ, for every z of the cell.
        slope: sup|f'| there.
        moved: δ.
        own: by how much the computed function misses f at its own argument.
    """
    return Rounded(size, np.fmin(slope * moved, 2.0 * size) + own + TINIEST)


def multiple_bounds(factor, pair):
    """`PairBounds` of g y as `exact_multiples` has it, for bounds of y.

    With g = f + q and y.head = a + s, heads f and a, what is left over of g y is f s + q y.head +
    g y.rest; |q| and |s| are at most 2^−b/2 of a power of 2 above them.
    """
    half = 0.5 ** (bits_of_heads(1) + 1)
    beyond = half * power_above(factor) * (1.0 + UNIT)
    tail = half * power_above(pair.head)
    off = ROUNDINGS_OF_FACTOR * EXTENDED_UNIT * factor + UNIT * beyond + TINIEST
    terms = (factor + beyond) * tail + beyond * pair.head + (factor + 2.0 * beyond) * pair.rest
    rounding = gamma(ROUNDINGS_OF_MULTIPLE, UNIT) * terms + 8.0 * TINIEST
    error = rounding + off * (pair.head + pair.rest) + (factor + off) * pair.error
    return PairBounds((factor + beyond) * (pair.head + tail), terms + rounding, error)


def sum_bounds(first, terms, errors, value):
    """`PairBounds` of what `exact_sums_before` gives, where terms are off by `errors`.

    The sums of heads are exact. What they leave over is at most 2^−b P/2 of each term, P a power of
    2 above all of them, and what second heads leave over 2^−b of that. This alone is added by as
    many roundings as there are windows before, with the window's own, which is taken away again.

    Args:
        first: |first|, `(dimension,)`.
        terms: bounds of what each window adds, `(W, dimension)`.
        errors: of all of them together, `(W, dimension)`.
        value: bounds of the sums, `(W, dimension)`.
    """
    num = np.arange(len(value))[:, None] + 1.0
    added = len(terms) * (num + 1.0) + 1.0  # terms
    part = 0.5 ** (bits_of_terms(len(terms) * len(value) + 1) + 1)
    tail = part * power_above([np.max(bound) for bound in (*terms, first)])
    last = added * part * power_above(tail)
    tails = added * tail + last
    roundings = num + len(terms) + ROUNDINGS_OF_SUM
    rounding = gamma(1.0, UNIT) * tails + gamma(roundings.max(), UNIT) * last
    carried = np.concatenate([np.zeros_like(value[:1]), np.cumsum(errors, axis=0)[:-1]])
    error, rest = carried + rounding + roundings * TINIEST, tails + rounding
    return PairBounds(value + error + rest, rest, error)


def power_above(sizes):
    """The largest power of 2 that `exact_sums` may take for numbers of these sizes at most."""
    largest, least = float(np.max(sizes)) * UPWARDS, powers_of_two("float64")[0]
    if not np.isfinite(largest):
        return np.inf
    return float(max(np.ldexp(1.0, np.frexp(largest)[1]), least)) if largest > least else least


def times_kernel(rows, kernel):
    """h U for rows of h, `(num, n)`: one U for all, or for each row its own, `(num, n, m)`."""
    return rows @ kernel if kernel.ndim == 2 else (rows[:, None] @ kernel)[:, 0]
