"""What a right-hand side is made of: it is evaluated on symbols, and is linear or cannot be.

An `Affine` is c_0 + Σ_k c_k s_k with symbols s_k for t, each coordinate of x and v, and each force.
Sums of such, and products and quotients with numbers, are all that it knows. A rhs that asks for
more (a product of two, a comparison, a sine, a branch) cannot be evaluated, one that can is affine
for *all* t, x, v and F, with coefficients that do not depend on time. That is a proof, which no
number of samples would be. Beside each coefficient runs a bound of its rounding error.
"""

import numpy as np

from oscillator_zoo.data.forces.force import Force

from .rounding import EXTENDED, EXTENDED_UNIT


class NotAffine(ValueError):
    """Raised where a right-hand side asks for more than sums, and products with numbers."""


def _refusing(what):
    def refuse(self, *others):
        raise NotAffine(f"it takes {what} of t, x, v or F")

    return refuse


class Affine:
    """c_0 + Σ_k c_k s_k, with |computed c_k − exact c_k| ≤ e_k.

    Args:
        values: c, extended `(1 + number of symbols,)`.
        errors: e, of the same shape.
    """

    __slots__ = ("errors", "values")

    def __init__(self, values, errors):
        self.values, self.errors = values, errors

    @classmethod
    def symbols(cls, num):
        """s_1 … s_num."""
        rows = np.eye(num + 1, dtype=EXTENDED)[1:]
        return [cls(row, np.zeros_like(row)) for row in rows]

    @classmethod
    def of(cls, number, like):
        """A number, which is exact, as an `Affine` of the same symbols; an `Affine` as it is."""
        if isinstance(number, cls):
            return number
        if isinstance(number, complex | np.complexfloating | str) or not np.isscalar(number):
            raise NotAffine(f"it meets {type(number).__name__} {number!r}")
        values = np.zeros_like(like.values)
        # Whole numbers are what float64 makes of them, as beside an array.
        values[0] = number if isinstance(number, EXTENDED) else float(number)
        return cls(values, np.zeros_like(values))

    @property
    def number(self):
        """The constant c_0, or None where symbols take part."""
        return None if (self.values[1:].any() or self.errors.any()) else self.values[0]

    def __add__(self, other):
        other = Affine.of(other, self)
        values = self.values + other.values
        return Affine(values, self.errors + other.errors + EXTENDED_UNIT * np.abs(values))

    def __neg__(self):
        return Affine(-self.values, self.errors)

    def __pos__(self):
        return self

    def __sub__(self, other):
        return self + (-Affine.of(other, self))

    def __rsub__(self, other):
        return -self + other

    def __mul__(self, other):
        other = Affine.of(other, self)
        if other.number is None:
            if self.number is None:
                raise NotAffine("it multiplies two of t, x, v and F")
            return other * self.number
        values = self.values * other.number
        return Affine(values, self.errors * abs(other.number) + EXTENDED_UNIT * np.abs(values))

    def __truediv__(self, other):
        divisor = Affine.of(other, self).number
        if divisor is None:
            raise NotAffine("it divides by t, x, v or F")
        values = self.values / divisor
        return Affine(values, self.errors / abs(divisor) + EXTENDED_UNIT * np.abs(values))

    __radd__, __rmul__ = __add__, __mul__
    __rtruediv__ = _refusing("a quotient")
    __pow__ = __rpow__ = _refusing("a power")
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refusing("a comparison")
    __bool__ = _refusing("a branch or a comparison")
    __abs__ = _refusing("the absolute value")
    __float__ = __int__ = __index__ = __complex__ = _refusing("the value as a number")
    __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = _refusing("a remainder")
    __hash__ = None


class SymbolicForce(Force):
    """F as a symbol, which has to be asked for at t itself.

    Args:
        force: `Affine`.
        time: `Affine`, t.
    """

    def __init__(self, force, time):
        self.force, self.time = force, time

    def __call__(self, t, ops=np):
        for one in np.ravel(t):
            if not isinstance(one, Affine) or (one - self.time).values.any():
                raise NotAffine("it asks for the force at another time than t")
        values = np.empty(np.shape(t), object)
        values.fill(self.force)
        return values
