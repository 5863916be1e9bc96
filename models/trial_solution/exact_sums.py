"""Sums of products that round once, whatever order they are added in.

Where windows follow one another, the state at the start of each is a sum of what all before it
have added. There a rounding error of a sum of 32 products would be carried on, and grow.
"""

import keras
import numpy as np
from keras import ops

SIGNIFICAND = 53  # bits of a float64 number
POWERS_OF_TWO = 2.0 ** np.arange(-960.0, 1024.0)


def bits_of_heads(num):
    """Bits of a head, so that sums of `num` products of two heads are float64 numbers."""
    return (SIGNIFICAND - 1 - int(np.ceil(np.log2(max(num, 1))))) // 2


def exact_products(features, kernel):
    """h A_w for every window: right to one rounding of the result, and one in 2²⁰ of its terms.

    Of arrays in float64, in which its promises hold; others are multiplied as they are.

    Numbers are cut into a head, a multiple of a power of two, and what is left over. Products of
    heads and all their sums are exact in float64. (S. M. Rump, T. Ogita, S. Oishi, "Accurate
    floating-point summation", 2008, cut so.)

    Args:
        features: h, `(m, H)`.
        kernel: A, `(W, H, dimension)`.

    Returns:
        `(m, W, dimension)`.
    """
    if keras.backend.standardize_dtype(features.dtype) != "float64":
        return _products(features, kernel)
    bits = bits_of_heads(kernel.shape[1])
    head, of_kernel = _head(features, bits), _head(kernel, bits)
    rest = _products(head, kernel - of_kernel) + _products(features - head, kernel)
    return _products(head, of_kernel) + rest


def _head(values, bits):
    """Values rounded to multiples of 2^−bits times a power of two, the least ≥ all of them.

    As a constant: its derivative is that of what is left over.
    """
    largest, powers = ops.max(ops.abs(values)), ops.convert_to_tensor(POWERS_OF_TWO, values.dtype)
    power = ops.min(ops.where(powers >= largest, powers, np.inf))
    unit = power * 2.0**-bits
    return ops.stop_gradient(ops.round(values * (2.0**bits / power)) * unit)


def _products(features, kernel):
    return ops.einsum("mh,whd->mwd", features, kernel)
