"""Sums whose roundings do not add up, whatever order they are computed in.

Where windows follow one another, the state at the start of each is a sum of what all before it
have added. There a rounding error of each would be carried on, and grow. Numbers are cut into a
head, a multiple of a power of two, and what is left over; products of heads and all their sums are
exact, and what is left over is so small that its rounding is nothing.

Reference: S. M. Rump, T. Ogita, S. Oishi, "Accurate floating-point summation", 2008, cut so.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

SPARE = 10  # powers of 2 above the smallest number: the last bit of a head is a number too


class Pair(NamedTuple):
    """A number that is the sum of two: a tensor without rounding, and a small one with its own."""

    head: object
    rest: object


def bits_of_heads(num, dtype="float64"):
    """Bits of a head, so that sums of `num` products of two heads are numbers of the dtype."""
    return bits_of_terms(num, dtype) // 2


def bits_of_terms(num, dtype="float64"):
    """Bits of a head, so that sums of `num` heads are numbers of the dtype."""
    return np.finfo(dtype).nmant + 1 - int(np.ceil(np.log2(max(num, 1))))


def powers_of_two(dtype):
    """Those of which heads are multiples, but for 2^−bits, increasing."""
    info = np.finfo(dtype)
    return np.ldexp(info.dtype.type(1), np.arange(info.minexp + info.nmant + SPARE, info.maxexp))


def exact_products(features, kernel):
    """h A_w for every window, a `Pair` `(m, W, dimension)`: rests are one in 2²⁰ of the terms.

    The sum of two heads is exact too.

    Args:
        features: h, `(m, H)`.
        kernel: A, `(W, H, dimension)`.
    """
    bits = bits_of_heads(2 * kernel.shape[1], _dtype(kernel))
    head, of_kernel = _head(features, bits), _head(kernel, bits)
    rest = _products(head, kernel - of_kernel) + _products(features - head, kernel)
    return Pair(_products(head, of_kernel), rest)


def exact_multiples(factors, numbers):
    """g y as a `Pair`: the product of two heads, and all else of it.

    Args:
        factors: g, an extended NumPy array, which broadcasts against y.
        numbers: y, a `Pair`.
    """
    bits = bits_of_heads(1, _dtype(numbers.head))
    power = 2.0 ** np.ceil(np.log2(np.abs(factors).max()))
    whole = np.round(factors / power * 2.0**bits) * (power * 2.0**-bits)
    whole, beyond = (
        ops.convert_to_tensor(a, numbers.head.dtype)
        for a in (whole.astype(np.float64), (factors - whole).astype(np.float64))
    )
    head = _head(numbers.head, bits)
    rest = whole * (numbers.head - head) + beyond * numbers.head + (whole + beyond) * numbers.rest
    return Pair(whole * head, rest)


def exact_sums_before(first, terms):
    """first + what was added before each window begins, a `Pair` of `(W, …)`.

    Heads are cut off twice: what is left over then is one in 2⁶⁰ of the terms and less.

    Args:
        first: a number, or a tensor that broadcasts against a row of the terms.
        terms: what each window adds, a list of tensors `(W, …)`.
    """
    row = ops.zeros_like(terms[0][:1])
    begins = [first + row, *(row for _ in terms[1:])]
    rows = ops.stack([ops.concatenate(pair) for pair in zip(begins, (a[:-1] for a in terms))])
    bits = bits_of_terms(rows.shape[0] * rows.shape[1] + 1, _dtype(rows))
    head = _head(rows, bits)
    second = _head(rows - head, bits)
    heads, *tails = (_sums(part) for part in (head, second, rows - head - second))
    return Pair(heads, sum(tails))


def _sums(rows):
    """a_0, a_0 + a_1, … of the sums of rows `(k, W, …)`."""
    return ops.cumsum(ops.sum(rows, axis=0), axis=0)


def _head(values, bits):
    """Values rounded to multiples of 2^−bits times a power of two, the least ≥ all of them.

    As a constant: its derivative is that of what is left over.
    """
    powers = ops.convert_to_tensor(powers_of_two(_dtype(values)))
    largest = ops.max(ops.abs(values))
    power = ops.min(ops.where(powers >= largest, powers, np.inf))
    head = ops.round(values * (2.0**bits / power)) * (power * 2.0**-bits)
    # A file in float32 rounds the least power to 0, which values of 0 alone take.
    return ops.stop_gradient(ops.where(largest > 0.0, head, ops.zeros_like(head)))


def _products(features, kernel):
    return ops.einsum("mh,whd->mwd", features, kernel)


def _dtype(values):
    return keras.backend.standardize_dtype(values.dtype)
