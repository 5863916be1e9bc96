"""Each lemma of the bound against mpmath, at inputs that are meant to break it."""

import mpmath
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from oscillator_zoo.models.error_bounds.activation_bounds import KNOWN, Sine, Swish, Tanh
from oscillator_zoo.models.error_bounds.affine_form import Affine, NotAffine
from oscillator_zoo.models.error_bounds.chebyshev_cells import (
    COEFFICIENTS,
    EXTENDED_NODES,
    LEBESGUE,
    MEAN,
    NUM_NODES,
    Cells,
    integrate_series,
    node_values_to_series,
    values_at,
)
from oscillator_zoo.models.error_bounds.defect_bounds import ComparisonSystem, _exponential
from oscillator_zoo.models.error_bounds.error_bound import (
    ROUNDINGS_OF_INTEGRAL,
    ROUNDINGS_OF_JUMP,
    ROUNDINGS_OF_SERIES,
    ROUNDINGS_OF_VALUE,
)
from oscillator_zoo.models.error_bounds.rounding import (
    TINIEST,
    UNIT,
    PairBounds,
    Rounded,
    function_value,
    gamma,
    multiple_bounds,
    product,
    sum_bounds,
    sum_of_products,
    total,
)
from oscillator_zoo.models.trial_solution.activations import activation_derivatives
from oscillator_zoo.models.trial_solution.exact_sums import (
    Pair,
    exact_multiples,
    exact_sums_before,
)

FUNCTIONS = {
    Sine: (mpmath.sin, mpmath.cos, lambda z: -mpmath.sin(z), lambda z: -mpmath.cos(z)),
    Tanh: (
        mpmath.tanh,
        lambda z: mpmath.sech(z) ** 2,
        lambda z: -2 * mpmath.tanh(z) * mpmath.sech(z) ** 2,
        lambda z: (4 * mpmath.tanh(z) ** 2 - 2 * mpmath.sech(z) ** 2) * mpmath.sech(z) ** 2,
    ),
    Swish: tuple(
        lambda z, k=k: mpmath.diff(lambda y: y / (1 + mpmath.exp(-y)), z, k) for k in range(4)
    ),
}


@pytest.fixture(autouse=True, scope="module")
def fifty_digits():
    with mpmath.workdps(50):
        yield


kinds = pytest.mark.parametrize("kind", FUNCTIONS, ids=lambda kind: kind.__name__)
sizes = st.floats(-300.0, 300.0)
seeds = st.integers(0, 10**6)


def off_by_at_most(random, sizes, errors):
    """Exact numbers and computed ones that are off by up to the errors, often by all of them."""
    exact = [
        mpf(float(s)) * mpf(float(random.choice([-1, 1, random.uniform(-1, 1)]))) for s in sizes
    ]
    shifts = [mpf(float(e)) * int(random.choice([-1, 0, 1])) for e in errors]
    computed = np.array([float(x + d) for x, d in zip(exact, shifts)])
    # as float64 rounds once more, the error is what it is
    return exact, computed, np.array([float(abs(mpf(c) - x)) for c, x in zip(computed, exact)])


# ------------------------------------------------------------------- sums, products, functions


@given(seeds, st.integers(1, 40), sizes)
@settings(max_examples=40, deadline=None)
def test_sums_of_products_in_any_order_are_within_their_error(seed, n, scale):
    random = np.random.default_rng(seed)
    u = random.normal(size=(n, 1)) * 10.0 ** random.uniform(-8, 8, (n, 1))
    u[n // 2 :] = -u[: n - n // 2]  # terms that cancel
    bias = np.array([float(random.normal())])
    size = 10.0 ** (scale / 3.0) * np.ones(n)
    exact, h, error = off_by_at_most(random, size, size * 10.0 ** random.uniform(-17, 1, n))
    rounded = sum_of_products(
        Rounded(np.abs(np.array([exact], float)), error[None]), np.abs(u), UNIT, np.abs(bias)
    )
    true = sum(x * mpf(float(w)) for x, w in zip(exact, u[:, 0])) + mpf(float(bias[0]))
    for order in (np.arange(n), np.arange(n)[::-1], random.permutation(n)):
        one_by_one = float(bias[0]) if seed % 2 else 0.0
        for i in order:
            one_by_one += h[i] * u[i, 0]
        one_by_one += 0.0 if seed % 2 else float(bias[0])
        assert abs(mpf(one_by_one) - true) <= rounded.error[0, 0] * (1 + 1e-9)
    assert abs(true) <= rounded.size[0, 0] * (1 + 1e-9)


@given(seeds, st.integers(2, 20))
@settings(max_examples=40, deadline=None)
def test_sums_that_cancel_round_what_their_positive_terms_make(seed, half):
    n = 2 * half
    random = np.random.default_rng(seed)
    u = random.normal(size=(n, 1)) * 10.0 ** random.uniform(-3, 3, (n, 1))
    u[half:] = -u[:half] * (1.0 + 1e-9)
    h = np.ones(n)  # products round nothing: sums alone do
    true = sum(mpf(float(w)) for w in u[:, 0])
    total = np.array([[float(abs(true))]])
    one = Rounded(h[None], 0.0 * h[None])
    rounded = sum_of_products(one, np.abs(u), UNIT, products=0.0, total=total)
    worst = np.argsort(-u[:, 0])  # all that is positive first, the largest of it before
    halves = [float(u[i, 0]) for i in random.permutation(n)]
    while len(halves) > 1:
        halves = [sum(halves[i : i + 2]) for i in range(0, len(halves), 2)]
    for received in (sum(u[worst, 0].tolist()), sum(u[::-1, 0].tolist()), halves[0]):
        assert abs(mpf(received) - true) <= rounded.error[0, 0]
    assert rounded.error <= 0.51 * n * UNIT * np.abs(u).sum()


@given(seeds, sizes, sizes, st.floats(-20.0, 2.0))
@settings(max_examples=60, deadline=None)
def test_products_and_totals_are_within_their_error(seed, first, second, relative):
    random = np.random.default_rng(seed)
    size = 10.0 ** (np.array([first, second]) / 2.0)
    exact, computed, error = off_by_at_most(random, size, size * 10.0**relative)
    a, b = (Rounded(np.array(float(abs(x))), e) for x, e in zip(exact, error))
    of_product, of_total = product(a, b, UNIT), total(a, b, UNIT)
    assert abs(mpf(computed[0] * computed[1]) - exact[0] * exact[1]) <= of_product.error * (
        1 + 1e-9
    )
    assert abs(mpf(computed[0] + computed[1]) - sum(exact)) <= of_total.error * (1 + 1e-9)


@given(seeds, sizes, st.floats(0.0, 6.0))
@settings(max_examples=20, deadline=None)
def test_multiples_and_sums_over_windows_are_within_their_error(seed, scale, uneven):
    random = np.random.default_rng(seed)
    shape, size = (40, 1), 10.0 ** (scale / 3.0)
    factor = 10.0 ** random.uniform(-uneven, 0.0, shape)
    head = size * random.normal(size=shape) * 10.0 ** random.uniform(-uneven, 0.0, shape)
    rest, error = 1e-6 * head * random.normal(size=shape), 1e-20 * np.abs(head)
    true = [mpf(float(a)) + mpf(float(b)) for a, b in zip(head[:, 0], rest[:, 0])]
    true = [y + mpf(float(e)) * random.choice([-1, 1]) for y, e in zip(true, error[:, 0])]
    received = exact_multiples(factor.astype(np.longdouble), Pair(*map(tf.constant, (head, rest))))
    bounds = multiple_bounds(factor, PairBounds(*map(np.abs, (head, rest, error))))
    true = [y * mpf(float(g)) for y, g in zip(true, factor[:, 0])]
    check_pairs(received, true, bounds)

    first = size * float(random.normal())
    received = exact_sums_before(first, received)
    sums = [mpf(first)]
    for y in true[:-1]:
        sums.append(sums[-1] + y)
    value = np.array([[float(abs(y))] for y in sums])
    found = sum_bounds(np.abs([first]), bounds[:2], bounds.error, value)
    check_pairs(received, sums, found)


def check_pairs(received, true, bounds):
    """Raise unless every `Pair` is within its `PairBounds`."""
    for i, exact in enumerate(true):
        head, rest = (float(part[i, 0]) for part in received)
        assert abs(head) <= bounds.head[i, 0] * (1 + 1e-9)
        assert abs(rest) <= bounds.rest[i, 0] * (1 + 1e-9)
        assert abs(mpf(head) + mpf(rest) - exact) <= bounds.error[i, 0] * (1 + 1e-9)


def test_underflow_is_within_the_error():
    tiny = Rounded(np.array([[1e-200]]), np.array([[0.0]]))
    assert product(tiny, tiny, UNIT).error >= TINIEST > mpf(10) ** -400  # flushed to 0
    assert sum_of_products(tiny, np.array([[1e-200]]), UNIT).error >= TINIEST


@kinds
@given(seeds)
@settings(max_examples=40, deadline=None)
def test_functions_of_an_argument_that_is_off_are_within_their_error(kind, seed):
    random = np.random.default_rng(seed)
    z = float(random.normal() * 10.0 ** random.uniform(-2, 1.5))
    moved = float(10.0 ** random.uniform(-18, 2.5))  # far above 1 too
    computed = z + float(random.uniform(-1, 1)) * moved
    moved = max(moved, float(abs(mpf(computed) - mpf(z)) * (1 + 1e-15)))  # the sum is rounded
    bounds = kind.bounds(np.array([z]), np.array([moved]), False)
    values = kind.derivatives(np.array([computed]))
    for k in range(3):
        own = kind.roundings[k] * UNIT * max(1.0, float(bounds[0][0]))
        rounded = function_value(bounds[k], bounds[k + 1], moved, own)
        assert abs(mpf(float(values[k][0])) - FUNCTIONS[kind][k](mpf(z))) <= rounded.error[0]


@kinds
@given(seeds)
@settings(max_examples=40, deadline=None)
def test_activations_in_discs_are_within_their_bounds(kind, seed):
    random = np.random.default_rng(seed)
    centre = float(random.normal() * 10.0 ** random.uniform(-1, 1.3))
    radius = float(10.0 ** random.uniform(-3, 1.3))
    bounds = kind.bounds(np.array([centre]), np.array([radius]), False)
    for shift in random.uniform(-1.0, 1.0, 4):
        x = mpf(centre) + mpf(float(radius * shift))
        assert all(abs(f(x)) <= b[0] * (1 + 1e-9) for f, b in zip(FUNCTIONS[kind], bounds))
    bounds = kind.bounds(np.array([centre]), np.array([radius]), True)
    for angle in random.uniform(0, 2 * np.pi, 4):
        z = mpf(centre) + mpf(radius) * mpmath.expj(float(angle)) * mpf(
            float(random.choice([1, 0.9]))
        )
        for k, bound in enumerate(bounds):
            if np.isfinite(bound[0]):
                assert abs(FUNCTIONS[kind][k](z)) <= bound[0] * (1 + 1e-9)


def test_discs_that_avoid_the_poles_are_bounded_however_large():
    f, df, _, _ = Tanh.bounds(np.array([1e5]), np.array([1e5 - 1.0]), True)
    assert f[0] < 1.4 and df[0] < 0.8
    assert np.isinf(Tanh.bounds(np.array([2.0]), np.array([2.0]), True)[1][0])


# ------------------------------------------------------- what TensorFlow and NumPy are trusted in


@pytest.mark.parametrize("is_compiled", [False, True], ids=["eager", "XLA"])
@kinds
def test_elementary_functions_are_as_exact_as_is_assumed(kind, is_compiled):
    activation = next(f for f, known in KNOWN.items() if known is kind)
    random = np.random.default_rng(0)
    largest = 1e15 if kind is Sine else 700.0
    z = random.uniform(-1, 1, 200) * 10.0 ** random.uniform(-3, np.log10(largest), 200)
    z[:140] = random.uniform(-30, 30, 140)

    def values(z):
        return activation_derivatives(activation, z, 2)

    compiled = tf.function(values, jit_compile=True) if is_compiled else values
    for name, found in (("model", compiled(tf.constant(z))), ("NumPy", kind.derivatives(z))):
        for k, received in enumerate(found):
            sizes = [max(1, abs(FUNCTIONS[kind][0](mpf(float(y))))) for y in z]
            off = max(
                float(abs(mpf(float(a)) - FUNCTIONS[kind][k](mpf(float(y)))) / size)
                for a, y, size in zip(np.asarray(received), z, sizes)
            )
            assert off <= kind.roundings[k] * UNIT, (name, k, off / UNIT)


def test_float64_operations_of_tensorflow_are_rounded_correctly():
    a, b = np.random.default_rng(0).normal(size=(2, 200))
    for name, received in {
        "+": tf.constant(a) + b,
        "*": tf.constant(a) * b,
        "/": tf.constant(a) / b,
    }.items():
        exact = [
            {"+": mpf(float(x)) + mpf(float(y)), "*": mpf(float(x)) * mpf(float(y))}.get(
                name, mpf(float(x)) / mpf(float(y))
            )
            for x, y in zip(a, b)
        ]
        assert all(abs(mpf(float(r)) - e) <= UNIT * abs(e) for r, e in zip(received.numpy(), exact))


# ---------------------------------------------------------------------------------- series


def exact_series(series, xi):
    """Σ c_j T_j(ξ), to 50 digits."""
    angle = mpmath.acos(xi)
    return sum(mpf(float(c)) * mpmath.cos(j * angle) for j, c in enumerate(series))


def exact_slope(series, xi):
    """Its slope in ξ."""
    angle = mpmath.acos(xi)
    terms = (mpf(float(c)) * j * mpmath.sin(j * angle) for j, c in enumerate(series))
    return sum(terms) / mpmath.sin(angle)


@given(seeds, st.sampled_from([0.0, 1.0, 1e9]), st.floats(-14.0, 0.0))
@settings(max_examples=15, deadline=None)
def test_values_and_ends_of_series_are_within_their_error(seed, start, exponent):
    random = np.random.default_rng(seed)
    end = max(start + 10.0**exponent, float(np.nextafter(start, np.inf)))
    cells = Cells(np.array([start]), np.array([end]), np.zeros(1, int))
    series = random.normal(size=(NUM_NODES + 1, 1, 1))
    t = np.clip(start + (end - start) * random.random(3), start, end)
    index, xi = cells.place(t)
    received = values_at(series, index, xi)[:, 0]
    largest = float(np.abs(series).sum())
    for value, time in zip(received, t):
        exact = (2 * mpf(float(time)) - mpf(start) - mpf(end)) / (mpf(end) - mpf(start))
        off = abs(mpf(float(value)) - exact_series(series[:, 0, 0], exact))
        assert off <= gamma(ROUNDINGS_OF_VALUE, UNIT) * largest
    ends = series.sum(axis=0), np.tensordot((-1.0) ** np.arange(len(series)), series, axes=1)
    for sign, received in zip((1, -1), ends):
        exact = sum(mpf(float(c)) * sign**j for j, c in enumerate(series[:, 0, 0]))
        assert abs(mpf(float(received[0, 0])) - exact) <= gamma(ROUNDINGS_OF_JUMP, UNIT) * largest


@given(seeds)
@settings(max_examples=8, deadline=None)
def test_slope_of_an_integral_is_the_series_within_its_error(seed):
    rates = np.random.default_rng(seed).normal(size=(NUM_NODES, 1, 1))
    half = 0.3
    series = integrate_series(rates, np.array([half]))
    for xi in (mpf("0.999"), mpf("-0.3"), mpf("0.71")):
        slope = exact_slope(series[:, 0, 0], xi) / mpf(half)
        off = abs(slope - exact_series(rates[:, 0, 0], xi))
        assert off <= gamma(ROUNDINGS_OF_INTEGRAL, UNIT) * float(np.abs(rates).sum())


@given(seeds)
@settings(max_examples=4, deadline=None)
def test_coefficients_of_an_interpolant_are_within_their_error(seed):
    random = np.random.default_rng(seed)
    values = random.choice([-1.0, 1.0, 1.0 / 3.0], (NUM_NODES, 1))
    received = node_values_to_series(values)[:, 0]
    angles = [(mpf(i) + mpf(1) / 2) * mpmath.pi / NUM_NODES for i in range(NUM_NODES)]
    off = mpf(0)
    for j in range(NUM_NODES):
        cosines = [mpmath.cos(j * angle) for angle in angles]
        exact = sum(mpf(float(f)) * c for f, c in zip(values[:, 0], cosines)) * (2 - (j == 0))
        off += abs(mpf(float(received[j])) - exact / NUM_NODES)
    assert off <= gamma(ROUNDINGS_OF_SERIES, UNIT)


def test_lebesgue_constant_is_not_exceeded():
    xi = np.linspace(-1.0, 1.0, 4001)
    lagrange = np.polynomial.chebyshev.chebvander(xi, NUM_NODES - 1) @ COEFFICIENTS
    assert 0.97 * LEBESGUE < np.abs(lagrange).sum(axis=1).max() <= LEBESGUE
    assert np.abs(EXTENDED_NODES).max() < 1.0


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_interpolants_of_errors_are_small_on_average(seed):
    values = np.random.default_rng(seed).choice([-1.0, 0.5, 1.0], (NUM_NODES, 3))
    values[:, 1] = (-1.0) ** np.arange(NUM_NODES)
    values[:, 2] = np.sign(COEFFICIENTS[:, seed % NUM_NODES])  # all of one sign at a place
    xi = np.linspace(-1.0, 1.0, 20_001)
    found = np.polynomial.chebyshev.chebvander(xi, NUM_NODES - 1) @ (COEFFICIENTS @ values)
    mean = np.abs(found).mean(axis=0)
    assert (mean <= MEAN).all() and mean[1] > 0.55


# ------------------------------------------------------------------------ carrying errors


@pytest.mark.parametrize("size", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("seed", range(3))
def test_exponential_of_a_positive_matrix_is_bounded_after_many_squarings(size, seed):
    random = np.random.default_rng(seed)
    matrix = random.random((3, 3)) * 10.0 ** random.uniform(-6, 0, (3, 3))
    matrix[0, 2] = 0.0
    times = np.array([0.37, 1.0]) * min(size, 600.0 / matrix.sum(axis=1).max())
    matrix, times = matrix * size / times.max(), times / (size / times.max())
    found = _exponential(matrix, times)
    for bound, time in zip(found, times):
        with mpmath.workdps(60):
            exact = mpmath.expm(mpmath.matrix(matrix.tolist()) * mpf(float(time)), method="taylor")
        for i in range(3):
            for j in range(3):
                assert exact[i, j] <= bound[i, j]
                assert bound[i, j] <= exact[i, j] * (1 + 1e-9) + 1e-30 * exact[2, 2]


def test_exponential_of_what_overflows_is_infinite():
    with np.errstate(over="ignore"):
        assert (_exponential(np.full((2, 2), 1e308), np.array([1.0, 10.0])) == np.inf).all()


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_lengths_on_a_grid_are_rounded_outwards(seed):
    random = np.random.default_rng(seed)
    a = np.array([[0.0, 1.0], [-1.0, -0.2]]) * 10.0 ** random.uniform(-2, 2)
    comparison = ComparisonSystem.of(a, 0.0 * a, np.linalg.eig(a)[1])
    longest = 1.0 / np.abs(a).max()
    lengths = longest * np.array([1.0, *10.0 ** random.uniform(-16, 0, 3)])
    defects = np.zeros((4, 2))
    jumps = np.eye(4, 2)[[0, 2, 2, 2]]  # one jump of 1 in y_1, carried through all cells
    bounds = comparison.carry(lengths, defects, jumps)
    with mpmath.workdps(40):
        y = mpmath.matrix([1, 0])
        for k in range(4):
            assert abs(y[0]) <= bounds[k, 0] and abs(y[1]) <= bounds[k, 1]
            y = mpmath.expm(mpmath.matrix(a.tolist()) * mpf(float(lengths[k]))) * y


def test_uncertain_matrix_is_carried():
    a, off = np.array([[0.0, 1.0], [-1.0, -0.2]]), np.array([[0.0, 0.0], [0.1, 0.1]])
    lengths, jumps = np.full(8, 0.5), np.eye(8, 2) * np.eye(8, 1)
    comparison = ComparisonSystem.of(a, off, np.linalg.eig(a)[1])
    bounds = comparison.carry(lengths, 0.0 * jumps, jumps)
    for sign in ([1, 1], [-1, 1], [1, -1], [-1, -1]):
        y, moved = mpmath.matrix([1, 0]), a + off * np.array(sign)
        for k in range(8):
            assert abs(y[0]) <= bounds[k, 0] and abs(y[1]) <= bounds[k, 1]
            y = mpmath.expm(mpmath.matrix(moved.tolist()) * mpf("0.5")) * y


# ------------------------------------------------------------------- symbols of a rhs


@given(st.lists(st.tuples(st.sampled_from("+-*/rc"), st.floats(-1e9, 1e9)), max_size=12))
@settings(max_examples=60, deadline=None)
def test_coefficients_of_any_linear_expression_are_within_their_error(steps):
    (x,) = Affine.symbols(1)
    form, exact = x, mpf(1)
    for operation, number in steps:
        c = mpf(number)
        if operation == "+":  # c x added
            form, exact = form + number * x, exact + c
        elif operation == "-":
            form, exact = x * number - form, c - exact
        elif operation == "*":
            form, exact = number * form, exact * c
        elif operation == "/" and abs(number) > 1e-9:
            form, exact = form / number, exact / c
        elif operation == "r":
            form, exact = +(-form + 0.0), -exact
        elif operation == "c":  # a number that was an expression, such as a mass that vanishes
            form = form + (0.0 * x) * form
    value, error = (
        mpf(np.format_float_scientific(part[1], unique=False, precision=40))
        for part in (form.values, form.errors)
    )
    assert abs(value - exact) <= error * (1 + 1e-9)
    assert form.values[0] == 0.0 and form.errors[0] == 0.0


@pytest.mark.parametrize(
    "operation",
    [
        lambda x, y: x * y,
        lambda x, y: x / y,
        lambda x, y: 1.0 / x,
        lambda x, y: x**2,
        lambda x, y: 2.0**x,
        lambda x, y: abs(x),
        lambda x, y: x == y,
        lambda x, y: x < 1.0,
        lambda x, y: bool(x),
        lambda x, y: float(x),
        lambda x, y: x % 1.0,
        lambda x, y: x + "1",
    ],
)
def test_what_is_not_affine_cannot_be_done_with_symbols(operation):
    with pytest.raises(NotAffine):
        operation(*Affine.symbols(2))
