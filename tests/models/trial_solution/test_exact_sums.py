from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf

from oscillator_zoo.models.trial_solution.exact_sums import (
    Pair,
    bits_of_heads,
    exact_multiples,
    exact_products,
    exact_sums_before,
)

PATHS = {
    "eager": lambda function: function,
    "graph": tf.function,
    "XLA": lambda function: tf.function(function, jit_compile=True),
}
paths = pytest.mark.parametrize("path", PATHS)


def numbers(units, windows, size):
    """Features and readouts whose products cancel in pairs, all but 1e-9."""
    random = np.random.default_rng(units)
    h, a = random.normal(size=(2, units)), size * random.normal(size=(windows, units, 2))
    half = units // 2
    h[:, half : 2 * half] = h[:, :half]
    a[:, half : 2 * half] = -a[:, :half] * (1.0 + 1e-9 * random.normal(size=(windows, half, 2)))
    return h, a


def exact(number):
    return Fraction(float(number))


@paths
@pytest.mark.parametrize(("units", "size"), [(32, 1.0), (7, 1e140), (100, 1e-290), (1, 3.0)])
def test_products_are_exact_but_for_a_small_rest_in_every_path(path, units, size):
    h, a = numbers(units, 3, size)
    found = PATHS[path](exact_products)(tf.constant(h), tf.constant(a))
    found = Pair(*(part.numpy() for part in found))
    for i, j, k in np.ndindex(found.head.shape):
        terms = [exact(x) * exact(y) for x, y in zip(h[i], a[j, :, k])]
        # n + 1 roundings of what heads leave over, 2^(2 - b) of the largest
        most = 4 * exact(np.abs(h).max()) * exact(np.abs(a).max()) / 2 ** bits_of_heads(2 * units)
        off = exact(found.head[i, j, k]) + exact(found.rest[i, j, k]) - sum(terms)
        assert abs(off) <= units * (units + 1) * most / 2**53
    both = found.head[0] + found.head[1]
    for j, k in np.ndindex(both.shape):
        assert exact(both[j, k]) == exact(found.head[0, j, k]) + exact(found.head[1, j, k])


@paths
def test_multiples_round_only_what_heads_leave_over(path):
    random = np.random.default_rng(0)
    factors = 2.0 / np.exp(random.uniform(-7.0, 5.0, (9, 1, 1))).astype(np.longdouble)
    head, rest = random.normal(size=(2, 9, 1, 2)) * np.reshape([1.0, 1e-6], (2, 1, 1, 1))

    def multiples(head, rest):
        return exact_multiples(factors, Pair(head, rest))

    found = PATHS[path](multiples)(tf.constant(head), tf.constant(rest))
    found = Pair(*(part.numpy() for part in found))
    for i, _, k in np.ndindex(head.shape):
        g, extra = float(factors[i, 0, 0]), float(factors[i, 0, 0] - float(factors[i, 0, 0]))
        wanted = (exact(g) + exact(extra)) * (exact(head[i, 0, k]) + exact(rest[i, 0, k]))
        off = exact(found.head[i, 0, k]) + exact(found.rest[i, 0, k]) - wanted
        largest = float(factors.max()) * np.abs(head).max()
        assert abs(off) <= exact(8.0 * largest) / 2 ** (53 + 19)  # of a rest of 1e-6


@paths
@pytest.mark.parametrize("size", [1.0, 1e140, 1e-280])
def test_sums_before_windows_round_once(path, size):
    random = np.random.default_rng(1)
    big = 0.1 + 0.01 * random.normal(size=(2000, 1, 2))
    big[1000:] = -big[:1000]  # which cancel
    terms = [size * big, size * 1e-7 * random.normal(size=big.shape)]
    first = size * np.array([[0.3, -40.0]])

    def sums(first, *terms):
        return exact_sums_before(first, list(terms))

    found = Pair(*PATHS[path](sums)(tf.constant(first), *map(tf.constant, terms)))
    received = np.asarray(found.head + found.rest)
    for k in range(2):
        wanted = exact(first[0, k])
        for w in range(len(big)):
            off = abs(exact(received[w, 0, k]) - wanted)
            assert off <= abs(wanted) * (1 + Fraction(1, 10**6)) / 2**53 + exact(size) / 2**75
            wanted += sum(exact(term[w, 0, k]) for term in terms)
    plain = first + np.cumsum(sum(terms), axis=0) - sum(terms)
    assert np.abs(plain - received).max() > 2.0 * np.spacing(np.abs(received).max())


def test_gradients_of_sums_before_windows_are_those_of_plain_sums():
    random = np.random.default_rng(2)
    first, y = tf.constant(random.normal(size=(1, 2))), tf.constant(random.normal(size=(5, 1, 2)))
    factors, wanted = np.arange(1.0, 6.0, dtype=np.longdouble)[:, None, None], []
    for are_exact in (True, False):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([first, y])
            if are_exact:
                multiples = exact_multiples(factors, Pair(y, 0.1 * y**2))
                found = sum(exact_sums_before(first, multiples))
            else:
                steps = tf.constant(factors.astype(float)) * (y + 0.1 * y**2)
                found = first + tf.cumsum(steps, axis=0) - steps
            total = tf.reduce_sum(found**2)
        wanted.append([*tape.gradient(total, [first, y]), found])
    for received, expected in zip(*wanted):
        np.testing.assert_allclose(received, expected, rtol=1e-13, atol=1e-13)


def test_a_plain_sum_would_not_do():
    h, a = numbers(32, 3, 1.0)
    plain = np.einsum("mh,whd->mwd", h, a)[0, 0, 0]
    exact = sum(Fraction(x) * Fraction(y) for x, y in zip(h[0].tolist(), a[0, :, 0].tolist()))
    assert abs(Fraction(float(plain)) - exact) > 100 * abs(exact) / 2**53


def test_gradients_are_those_of_a_plain_sum():
    h, a = (tf.constant(y) for y in numbers(8, 2, 1.0))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([h, a])
        found = tf.reduce_sum(sum(exact_products(h, a)) ** 2)
        plain = tf.reduce_sum(tf.einsum("mh,whd->mwd", h, a) ** 2)
    for received, expected in zip(tape.gradient(found, [h, a]), tape.gradient(plain, [h, a])):
        # both have terms of size 1, some of which cancel, and round a dozen times
        np.testing.assert_allclose(received, expected, rtol=0.0, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_of_either_precision_and_zeros(dtype):
    h, a = numbers(8, 2, 1.0)
    found = sum(exact_products(tf.constant(h, dtype), tf.constant(a, dtype)))
    assert found.dtype == dtype
    plain = np.einsum("mh,whd->mwd", h, a)
    # numbers of size 1 are rounded to the dtype, eight products of them cancel
    np.testing.assert_allclose(found, plain, rtol=0.0, atol=64.0 * np.finfo(dtype).eps)
    zeros = exact_products(tf.constant(h, dtype), tf.zeros((3, 8, 1), dtype))
    assert all((part.numpy() == 0.0).all() for part in zeros)


def test_what_is_no_number_stays_none():
    h, a = np.ones((2, 3)), np.ones((1, 3, 1))
    a[0, 0] = np.nan
    assert np.isnan(sum(exact_products(tf.constant(h), tf.constant(a))).numpy()).all()
