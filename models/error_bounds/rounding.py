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

EXTENDED = np.longdouble  # 64 bits or more of precision on most machines, at least float64
UNIT = 0.5 * float(np.finfo(np.float64).eps)  # u of float64, 2⁻⁵³
EXTENDED_UNIT = 0.5 * float(np.finfo(EXTENDED).eps)
TINIEST = float(np.finfo(np.float64).tiny)  # 2⁻¹⁰²², below which float64 underflows
# Bounds are sums and products of numbers ≥ 0, computed in float64 with fewer than 4e6 roundings
# each: 4e6 u < 1e-9. They are multiplied by this once, at the end.
UPWARDS = 1.0 + 1e-9


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
    carried = _times(inputs.error, kernel)
    size = _times(inputs.size, kernel) + (0.0 if bias is None else bias)
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


def _times(rows, kernel):
    return rows @ kernel if kernel.ndim == 2 else (rows[:, None] @ kernel)[:, 0]
