"""Each function of discs against 40 digits, at points inside and on the edge of random discs."""

import mpmath
import numpy as np
import pytest

from oscillator_zoo.models.nonlinear_bounds import discs
from oscillator_zoo.models.nonlinear_bounds.discs import Disc

FUNCTIONS = {
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "exp": mpmath.exp,
    "tanh": mpmath.tanh,
    "arctan": mpmath.atan,
    "log": mpmath.log,
    "reciprocal": lambda z: 1 / z,
    "absolute": lambda z: z if mpmath.re(z) > 0 else -z,
}
NUM = 60


def exactly(number):
    """An extended number as an `mpf`."""
    mantissa, exponent = np.frexp(number)
    return mpmath.ldexp(mpmath.mpf(int(mantissa * np.longdouble(2) ** 64)), int(exponent) - 64)


def random_discs(seed, is_right=False):
    random = np.random.default_rng(seed)
    centre = random.normal(size=NUM) * 10.0 ** random.uniform(-3.0, 1.0, NUM)
    centre = np.abs(centre) if is_right else centre
    radius = np.abs(centre) * 10.0 ** random.uniform(-18.0, 0.3, NUM)
    radius[::7] = 0.0
    return Disc(centre.astype(np.longdouble) * (1 + np.longdouble(2) ** -60), radius)


def points(disc, k):
    """Where a function is the farthest from its value at the centre: on the edge."""
    centre, radius = exactly(disc.centre[k]), mpmath.mpf(float(disc.radius[k]))
    return [centre + radius * mpmath.expjpi(mpmath.mpf(turn) / 4) for turn in range(8)]


def assert_encloses(result, k, value):
    radius = float(result.radius[k])
    if np.isfinite(radius):
        assert abs(value - exactly(result.centre[k])) <= mpmath.mpf(radius)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_point_of_a_disc_goes_into_the_disc_of_the_function(name):
    z = random_discs(1, is_right=name == "log")
    result = getattr(discs, name)(z)
    assert np.isfinite(result.radius).sum() > NUM // 2
    with mpmath.workdps(40):
        for k in range(NUM):
            for point in points(z, k):
                assert_encloses(result, k, FUNCTIONS[name](point))


@pytest.mark.parametrize("exponent", [0.5, -0.5, 1.7, -3.3])
def test_powers_of_discs_to_the_right_of_zero(exponent):
    z = random_discs(2, is_right=True)
    result = discs.power(z, exponent)
    with mpmath.workdps(40):
        for k in range(NUM):
            for point in points(z, k):
                assert_encloses(result, k, mpmath.power(point, mpmath.mpf(exponent)))


def test_sums_and_products_of_all_points():
    a, b = random_discs(3), random_discs(4)
    results = (a + b, a - b, a * b)
    with mpmath.workdps(40):
        for k in range(0, NUM, 3):
            for p in points(a, k):
                for q in points(b, k):
                    for result, value in zip(results, (p + q, p - q, p * q), strict=True):
                        assert_encloses(result, k, value)


@pytest.mark.parametrize(
    ("name", "centre", "radius"),
    [
        ("reciprocal", 1.0, 1.0),
        ("reciprocal", -1.0, 2.0),
        ("absolute", 1.0, 1.0),
        ("log", 1.0, 1.0),
        ("log", -1.0, 0.1),
        ("tanh", 0.5, np.pi / 2),
        ("arctan", 0.0, 1.0),
    ],
)
def test_a_disc_that_reaches_a_pole_has_no_bound(name, centre, radius):
    assert getattr(discs, name)(Disc([centre], [radius])).radius == np.inf
    assert np.isfinite(getattr(discs, name)(Disc([abs(centre)], [0.4 * radius])).radius).all()


def test_what_is_no_number_has_no_bound():
    huge = Disc([1e300], [1e300])
    with np.errstate(all="ignore"):
        for result in (discs.exp(huge), discs.sin(huge), huge * huge * huge, discs.cosh(huge)):
            assert (result.radius > 1e300).all()
