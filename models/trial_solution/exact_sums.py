"""Sums of products that round once, whatever order they are added in.

Where windows follow one another, the state at the start of each is a sum of what all before it
have added. There a rounding error of a sum of 32 products would be carried on, and grow.
"""

import keras
import numpy as np
from keras import ops

SPARE = 10  # powers of 2 above the smallest number: the last bit of a head is a number too


def bits_of_heads(num, dtype="float64"):
    """Bits of a head, so that sums of `num` products of two heads are numbers of the dtype."""
    return (np.finfo(dtype).nmant - int(np.ceil(np.log2(max(num, 1))))) // 2


def powers_of_two(dtype):
    """Those of which heads are multiples, but for 2^−bits, increasing."""
    info = np.finfo(dtype)
    return np.ldexp(info.dtype.type(1), np.arange(info.minexp + info.nmant + SPARE, info.maxexp))


def exact_products(features, kernel):
    """h A_w for every window: right to one rounding of the result, and one in 2²⁰ of its terms.

    Numbers are cut into a head, a multiple of a power of two, and what is left over. Products of
    heads and all their sums are exact. (S. M. Rump, T. Ogita, S. Oishi, "Accurate
    floating-point summation", 2008, cut so.)

    Args:
        features: h, `(m, H)`.
        kernel: A, `(W, H, dimension)`.

    Returns:
        `(m, W, dimension)`.
    """
    bits = bits_of_heads(kernel.shape[1], keras.backend.standardize_dtype(kernel.dtype))
    head, of_kernel = _head(features, bits), _head(kernel, bits)
    rest = _products(head, kernel - of_kernel) + _products(features - head, kernel)
    return _products(head, of_kernel) + rest


def _head(values, bits):
    """Values rounded to multiples of 2^−bits times a power of two, the least ≥ all of them.

    As a constant: its derivative is that of what is left over.
    """
    powers = powers_of_two(keras.backend.standardize_dtype(values.dtype))
    largest, powers = ops.max(ops.abs(values)), ops.convert_to_tensor(powers)
    power = ops.min(ops.where(powers >= largest, powers, np.inf))
    unit = power * 2.0**-bits
    return ops.stop_gradient(ops.round(values * (2.0**bits / power)) * unit)


def _products(features, kernel):
    return ops.einsum("mh,whd->mwd", features, kernel)
