"""A right-hand side's numbers with their derivatives: discs that go through a user's own `rhs`.

A `Jet` has a value and its first and second derivatives with respect to the coordinates of the
state (x, v), each a `Disc`, for many cells of time at once. NumPy takes arrays of such objects, so
that the `rhs` which a stepper calls is called here too, with `ops=numpy`; `np.sin` of an array of
jets asks each for its `sin`. What is not in the list, such as a comparison of x, is not
differentiable or not known, and is refused by name; so is an absolute value of what changes its
sign.
"""

import numpy as np

from . import discs
from .discs import exact_disc


class NotSmooth(ValueError):
    """Raised where a right-hand side asks for what has no two derivatives, or is not known."""


class Split(Exception):
    """Raised where a comparison of t holds on some cells only: `holds`, `(num,)`."""

    def __init__(self, holds):
        super().__init__("a comparison of t")
        self.holds = holds


class Cut(Exception):
    """Raised where a comparison of t changes inside of cells: at `time`, in s."""

    def __init__(self, time):
        super().__init__("a comparison of t inside of a cell")
        self.time = time


def _refusing(what, such_as=""):
    def refuse(self, *others):
        raise NotSmooth(f"it takes {what} of t, x or v{such_as}")

    return refuse


class Jet:
    """A value with derivatives ∂_j and ∂_j ∂_k, as dictionaries of `Disc`; what is missing is 0.

    Args:
        value: `Disc`.
        first: {j: `Disc`}.
        second: {(j, k): `Disc`}, j ≤ k.
        order: derivatives that are carried on: 0, 1 or 2.
    """

    __slots__ = ("first", "order", "second", "value")

    def __init__(self, value, first=None, second=None, order=2):
        self.value, self.first, self.second = value, first or {}, second or {}
        self.order = order

    @classmethod
    def variable(cls, value, place, order):
        """The coordinate number `place` of the state."""
        return cls(value, {place: exact_disc(1.0)} if order else {}, order=order)

    def of(self, other):
        """A number as a jet of the same order; a jet as it is."""
        if isinstance(other, Jet):
            return other
        if isinstance(other, complex | np.complexfloating | str) or not np.isscalar(other):
            raise NotSmooth(f"it meets {type(other).__name__} {other!r}")
        exact = other if isinstance(other, np.longdouble) else float(other)
        return Jet(exact_disc(exact), order=self.order)

    def __add__(self, other):
        other = self.of(other)
        return Jet(
            self.value + other.value,
            _sum(self.first, other.first),
            _sum(self.second, other.second),
            self.order,
        )

    def __neg__(self):
        return Jet(-self.value, _scaled(self.first, -1.0), _scaled(self.second, -1.0), self.order)

    def __pos__(self):
        return self

    def __sub__(self, other):
        return self + (-self.of(other))

    def __rsub__(self, other):
        return -self + other

    def __mul__(self, other):
        """(a b)_j = a_j b + a b_j,   (a b)_jk = a_jk b + a_j b_k + a_k b_j + a b_jk."""
        other = self.of(other)
        a, b = self.value, other.value
        first = _sum(_times(self.first, b), _times(other.first, a))
        second = {}
        if self.order == 2:
            second = _sum(_times(self.second, b), _times(other.second, a))
            second = _sum(second, _outer(self.first, other.first))
        return Jet(a * b, first, second, self.order)

    def __truediv__(self, other):
        other = self.of(other)
        return self * other.reciprocal()

    def __rtruediv__(self, other):
        return self.reciprocal() * other

    def __pow__(self, exponent):
        """x^p: by products where p is an integer, else of what is positive."""
        if isinstance(exponent, Jet) or not np.isscalar(exponent):
            raise NotSmooth("it takes a power whose exponent is no number")
        exponent = float(exponent)
        if exponent.is_integer() and abs(exponent) <= 64:
            return self._whole_power(int(exponent))
        return self._function(
            discs.power(self.value, exponent),
            lambda: exact_disc(exponent) * discs.power(self.value, exponent - 1.0),
            lambda: (
                exact_disc(exponent)
                * exact_disc(exponent - 1.0)
                * discs.power(self.value, exponent - 2.0)
            ),
        )

    def _whole_power(self, exponent):
        if exponent < 0:
            return self._whole_power(-exponent).reciprocal()
        result, factor = self.of(1.0), self
        while exponent:
            if exponent % 2:
                result = result * factor
            exponent //= 2
            if exponent:
                factor = factor * factor
        return result

    def _function(self, value, slope, curvature):
        """f(a):  f(a)_j = f' a_j,   f(a)_jk = f' a_jk + f'' a_j a_k."""
        first, second = {}, {}
        if self.order and self.first:
            derivative = slope()
            first = _times(self.first, derivative)
            if self.order == 2:
                outer = _outer(self.first, self.first, halved=True)
                second = _sum(_times(self.second, derivative), _times(outer, curvature()))
        return Jet(value, first, second, self.order)

    def reciprocal(self):
        y = discs.reciprocal(self.value)
        return self._function(y, lambda: -(y * y), lambda: exact_disc(2.0) * y * y * y)

    def sin(self):
        y = discs.sin(self.value)
        return self._function(y, lambda: discs.cos(self.value), lambda: -y)

    def cos(self):
        y = discs.cos(self.value)
        return self._function(y, lambda: -discs.sin(self.value), lambda: -y)

    def tan(self):
        return self.sin() / self.cos()

    def sinh(self):
        y = discs.sinh(self.value)
        return self._function(y, lambda: discs.cosh(self.value), lambda: y)

    def cosh(self):
        y = discs.cosh(self.value)
        return self._function(y, lambda: discs.sinh(self.value), lambda: y)

    def exp(self):
        y = discs.exp(self.value)
        return self._function(y, lambda: y, lambda: y)

    def log(self):
        inverse = discs.reciprocal(self.value)
        return self._function(discs.log(self.value), lambda: inverse, lambda: -(inverse * inverse))

    def sqrt(self):
        return self**0.5

    def tanh(self):
        y = discs.tanh(self.value)
        slope = exact_disc(1.0) - y * y
        return self._function(y, lambda: slope, lambda: exact_disc(-2.0) * y * slope)

    def __abs__(self):
        """±a where a keeps its sign; what it is in a disc that reaches 0 is not known."""
        is_negative = self.value.centre < 0.0
        if is_negative.any() and not is_negative.all():
            raise NotSmooth("it takes the absolute value, which has a kink, of what changes sign")
        sign = np.where(is_negative, -1.0, 1.0)
        return self._function(
            discs.absolute(self.value),
            lambda: discs.constant_near(self.value, sign),
            lambda: discs.constant_near(self.value, 0.0 * sign),
        )

    fabs = __abs__

    def arctan(self):
        slope = discs.reciprocal(exact_disc(1.0) + self.value * self.value)
        return self._function(
            discs.arctan(self.value),
            lambda: slope,
            lambda: exact_disc(-2.0) * self.value * slope * slope,
        )

    __radd__, __rmul__ = __add__, __mul__
    __rpow__ = _refusing("a number to the power")
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refusing(
        "a comparison", ", as maximum and sign do"
    )
    __bool__ = _refusing("a branch or a comparison")
    __float__ = __int__ = __index__ = __complex__ = _refusing("the value as a number")
    __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = _refusing("a remainder")
    floor = ceil = rint = trunc = _refusing("a whole number", " (floor, ceil, round, trunc)")
    __floor__ = __ceil__ = __trunc__ = __round__ = floor
    __hash__ = None


class Time(Jet):
    """t on cells: it alone may be compared with numbers, where whole cells lie on one side.

    A comparison decides which piece of the equation holds on a cell, so that the piece is one
    analytic function off the real line too.

    Args:
        value: `Disc`, t.
        begin: of the cells, `(num,)`, in s.
        end: of the cells, in s.
        order: as for `Jet`.
        compared: a set to which the numbers go that t is compared with.
    """

    __slots__ = ("begin", "compared", "end")

    def __init__(self, value, begin, end, order, compared):
        super().__init__(value, order=order)
        self.begin, self.end, self.compared = begin, end, compared

    def _is_after(self, other):
        """Whether t > other inside of the cells."""
        is_number = np.isscalar(other) and not isinstance(other, Jet)
        other = float(other) if is_number else np.nan
        if np.isnan(other):
            raise NotSmooth("it compares t with what is no number")
        self.compared.add(other)
        after, before = self.begin >= other, self.end <= other
        if not (after | before).all():
            raise Cut(other)
        if after.all():
            return True
        if before.all():
            return False
        raise Split(after)

    def __gt__(self, other):
        return self._is_after(other)

    def __lt__(self, other):
        return not self._is_after(other)

    __ge__, __le__ = __gt__, __lt__
    __hash__ = None


def _sum(a, b):
    total = dict(a)
    for key, one in b.items():
        total[key] = total[key] + one if key in total else one
    return total


def _scaled(derivatives, sign):
    return {key: -one if sign < 0.0 else one for key, one in derivatives.items()}


def _times(derivatives, factor):
    return {key: one * factor for key, one in derivatives.items()}


def _outer(a, b, halved=False):
    """a_j b_k + a_k b_j for j ≤ k; with `halved`, where b is a, a_j a_k."""
    found = {}
    for j, k in [(j, k) for j in a for k in b if j <= k or not halved]:
        one, key = a[j] * b[k], (min(j, k), max(j, k))
        if j == k and not halved:
            one = one + one
        found[key] = found[key] + one if key in found else one
    return found
