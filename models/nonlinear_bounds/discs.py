"""Numbers that are known up to a distance: discs of the complex plane with real centres.

    {z : |z − c| ≤ r},   c real, extended,   r ≥ 0 in float64

Every operation takes discs to a disc in which all results lie, so that a right-hand side may be
evaluated on all points of a disc at once. The same arithmetic has three uses: rounding errors at a
node (r is tiny), the size of a function off the real line (r is a few cells), and its size near a
motion. Centres are rounded, |fl − exact| ≤ u|fl| + TINIEST, and r is larger by that; r itself is a
sum of at most `STEPS` products of numbers ≥ 0, and is rounded upwards by `outwards`. What cannot be
said has r = ∞.

The functions are Taylor series whose coefficients, in absolute value, sum up to the distance: with
|d| ≤ r,

    |sin(c + d) − sin c|   ≤ |cos c| sinh r + |sin c| (cosh r − 1)        and so the cosine
    |e^{c+d} − e^c|        ≤ e^c (e^r − 1)
    |(c + d)^p − c^p|      ≤ |c|^p ((1 − q)^{−|p|} − 1),   q = r/|c| < 1, c > 0 or p = −1
    |log(c + d) − log c|   ≤ −log(1 − q)
    |tanh(c + d) − tanh c| ≤ r sup|tanh'|,   and so the arc tangent
"""

import numpy as np

from ..error_bounds.activation_bounds import Tanh
from ..error_bounds.rounding import EXTENDED, EXTENDED_UNIT, TINIEST, UNIT

STEPS = 28  # roundings in the formula of a radius, at the most; a function of NumPy counts as 8
OUTWARDS = 1.0 + (STEPS + 4.0) * UNIT
# Extended sin, cos, exp, log, sqrt, power, tanh, arctan of NumPy are right to so many u of their
# value; a test measures it.
ROUNDINGS_OF_FUNCTION = 8.0
DOWN = 1.0 - 4.0 * UNIT


def outwards(radius):
    """A radius that was computed as a sum of products, rounded up; ∞ where it is no number."""
    radius = np.asarray(radius, np.float64) * OUTWARDS + TINIEST
    return np.where(np.isnan(radius), np.inf, radius)


class Disc:
    """Discs |z − c| ≤ r, arrays that broadcast.

    Args:
        centre: c, real.
        radius: r ≥ 0.
    """

    __slots__ = ("centre", "radius")

    def __init__(self, centre, radius=0.0):
        self.centre = np.asarray(centre, EXTENDED)
        self.radius = np.asarray(radius, np.float64)

    @classmethod
    def rounded(cls, centre, radius, roundings=1.0):
        """With a centre that was rounded so often, and a radius computed from numbers ≥ 0."""
        centre = np.asarray(centre, EXTENDED)
        lost = roundings * EXTENDED_UNIT * np.abs(centre).astype(np.float64)
        return cls(centre, outwards(radius + lost))

    @property
    def size(self):
        """|c| rounded to float64."""
        return np.abs(self.centre).astype(np.float64)

    @property
    def largest(self):
        """A bound of |z|."""
        return outwards(self.size + self.radius)

    def __add__(self, other):
        return Disc.rounded(self.centre + other.centre, self.radius + other.radius)

    def __sub__(self, other):
        return Disc.rounded(self.centre - other.centre, self.radius + other.radius)

    def __neg__(self):
        return Disc(-self.centre, self.radius)

    def __mul__(self, other):
        moved = self.size * other.radius + self.radius * (other.size + other.radius)
        return Disc.rounded(self.centre * other.centre, moved)

    def widened(self, distance):
        """The disc with a larger radius."""
        return Disc(self.centre, outwards(self.radius + distance))

    def nearest(self):
        """A lower bound of |z|, 0 where the disc reaches 0."""
        gap = (self.size * DOWN - self.radius) * DOWN
        return np.where(gap > 0.0, gap, 0.0)


def exact_disc(value):
    """The disc of a number that is exact."""
    return Disc(EXTENDED(value))


def sin(z):
    """sin z."""
    s, c = np.sin(z.centre), np.cos(z.centre)
    return _wave(s, c, z.radius)


def cos(z):
    """cos z."""
    s, c = np.sin(z.centre), np.cos(z.centre)
    return _wave(c, s, z.radius)


def sinh(z):
    """sinh z, whose series is that of the sine with positive signs."""
    s, c = np.sinh(z.centre), np.cosh(z.centre)
    return _wave(s, c, z.radius)


def cosh(z):
    """cosh z."""
    s, c = np.sinh(z.centre), np.cosh(z.centre)
    return _wave(c, s, z.radius)


def _wave(value, slope, radius):
    """A function with f'' = ±f, of which f and |f'| are known at the centre."""
    even = 2.0 * np.sinh(0.5 * radius) ** 2  # cosh r − 1 without cancelling
    odd = np.sinh(radius)
    sizes = (np.abs(a).astype(np.float64) for a in (value, slope))
    return Disc.rounded(value, _lengths(sizes, (even, odd)), ROUNDINGS_OF_FUNCTION)


def _lengths(sizes, factors):
    return sum(np.where(factor > 0.0, size * factor, 0.0) for size, factor in zip(sizes, factors))


def exp(z):
    """e^z."""
    value = np.exp(z.centre)
    return Disc.rounded(value, value.astype(np.float64) * np.expm1(z.radius), ROUNDINGS_OF_FUNCTION)


def log(z):
    """log z of discs to the right of 0."""
    q, is_right = _reach(z)
    value = np.log(np.where(is_right, z.centre, 1.0))
    radius = np.where(is_right, -np.log1p(-q), np.inf)
    # The logarithm of a number near 1 is as exact as it is large; its argument is exact.
    return Disc.rounded(value, radius, ROUNDINGS_OF_FUNCTION)


def power(z, exponent):
    """z^p for a real number p, of discs to the right of 0."""
    q, is_right = _reach(z)
    value = np.power(np.where(is_right, z.centre, 1.0), EXTENDED(exponent))
    grown = np.expm1(-abs(float(exponent)) * np.log1p(-q)) * value.astype(np.float64)
    radius = np.where(is_right, grown, np.inf)
    return Disc.rounded(value, radius, ROUNDINGS_OF_FUNCTION)


def reciprocal(z):
    """1/z of discs without 0."""
    gap = z.nearest()
    value = 1.0 / np.where(gap > 0.0, z.centre, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        radius = np.where(gap > 0.0, z.radius / (gap * (z.size * DOWN)), np.inf)
    return Disc.rounded(value, radius)


def tanh(z):
    """tanh z of discs without its poles."""
    slope = Tanh.bounds(z.centre.astype(np.float64), z.radius, True)[1]
    # The centre is rounded to float64 there: the disc is not, but by 4 u of |c|, which counts.
    return Disc.rounded(np.tanh(z.centre), z.radius * slope, ROUNDINGS_OF_FUNCTION)


def absolute(z):
    """±z, which is |z| of real z, of discs without 0."""
    return Disc.rounded(np.abs(z.centre), np.where(z.nearest() > 0.0, z.radius, np.inf))


def constant_near(z, value):
    """A number that f is on discs without 0, such as the sign of z."""
    return Disc(value, np.where(z.nearest() > 0.0, 0.0, np.inf))


def arctan(z):
    """arctan z of discs without ±i."""
    slope = reciprocal(exact_disc(1.0) + z * z).largest
    radius = np.where(z.radius > 0.0, z.radius * slope, 0.0)
    return Disc.rounded(np.arctan(z.centre), radius, ROUNDINGS_OF_FUNCTION)


def _reach(z):
    """q = r/c, a little more, and whether it is below 1 and c above 0; q is 0 where not."""
    gap = z.nearest()
    is_right = (gap > 0.0) & (z.centre > 0.0)
    q = np.where(is_right, z.radius / np.where(is_right, z.size, 1.0), 0.0) * (1.0 + 8.0 * UNIT)
    is_right = is_right & (q < 1.0)
    return np.where(is_right, q, 0.0), is_right
