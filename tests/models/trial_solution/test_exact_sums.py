from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf

from oscillator_zoo.models.trial_solution.exact_sums import bits_of_heads, exact_products


def numbers(units, windows, size):
    """Features and readouts whose products cancel in pairs, all but 1e-9."""
    random = np.random.default_rng(units)
    h, a = random.normal(size=(2, units)), size * random.normal(size=(windows, units, 2))
    half = units // 2
    h[:, half : 2 * half] = h[:, :half]
    a[:, half : 2 * half] = -a[:, :half] * (1.0 + 1e-9 * random.normal(size=(windows, half, 2)))
    return h, a


@pytest.mark.parametrize("path", ["eager", "graph", "XLA"])
@pytest.mark.parametrize(("units", "size"), [(32, 1.0), (7, 1e140), (100, 1e-290), (1, 3.0)])
def test_products_round_once_in_every_path(path, units, size):
    h, a = numbers(units, 3, size)
    function = {
        "eager": exact_products,
        "graph": tf.function(exact_products),
        "XLA": tf.function(exact_products, jit_compile=True),
    }[path]
    found = function(tf.constant(h), tf.constant(a)).numpy()
    for i, j, k in np.ndindex(found.shape):
        terms = [Fraction(x) * Fraction(y) for x, y in zip(h[i].tolist(), a[j, :, k].tolist())]
        # u of the result, and n + 1 roundings of what heads leave over, 2^(2 - b) of the largest
        most = 4 * Fraction(np.abs(h).max()) * Fraction(np.abs(a).max()) / 2 ** bits_of_heads(units)
        allowed = (abs(sum(terms)) + units * (units + 1) * most) / 2**53
        assert abs(Fraction(float(found[i, j, k])) - sum(terms)) <= allowed


def test_a_plain_sum_would_not_do():
    h, a = numbers(32, 3, 1.0)
    plain = np.einsum("mh,whd->mwd", h, a)[0, 0, 0]
    exact = sum(Fraction(x) * Fraction(y) for x, y in zip(h[0].tolist(), a[0, :, 0].tolist()))
    assert abs(Fraction(float(plain)) - exact) > 100 * abs(exact) / 2**53


def test_gradients_are_those_of_a_plain_sum():
    h, a = (tf.constant(y) for y in numbers(8, 2, 1.0))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([h, a])
        found = tf.reduce_sum(exact_products(h, a) ** 2)
        plain = tf.reduce_sum(tf.einsum("mh,whd->mwd", h, a) ** 2)
    for received, expected in zip(tape.gradient(found, [h, a]), tape.gradient(plain, [h, a])):
        # both have terms of size 1, some of which cancel, and round a dozen times
        np.testing.assert_allclose(received, expected, rtol=0.0, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_of_either_precision_and_zeros(dtype):
    h, a = numbers(8, 2, 1.0)
    found = exact_products(tf.constant(h, dtype), tf.constant(a, dtype))
    assert found.dtype == dtype
    plain = np.einsum("mh,whd->mwd", h, a)
    # numbers of size 1 are rounded to the dtype, eight products of them cancel
    np.testing.assert_allclose(found, plain, rtol=0.0, atol=64.0 * np.finfo(dtype).eps)
    assert (exact_products(tf.constant(h, dtype), tf.zeros((3, 8, 1), dtype)).numpy() == 0.0).all()


def test_what_is_no_number_stays_none():
    h, a = np.ones((2, 3)), np.ones((1, 3, 1))
    a[0, 0] = np.nan
    assert np.isnan(exact_products(tf.constant(h), tf.constant(a)).numpy()).all()
