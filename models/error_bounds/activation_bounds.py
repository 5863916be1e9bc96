"""How large an activation and its derivatives can be near a point of the complex plane.

All functions take z, the real centre, and d ≥ 0, a distance, and bound |f|, |f'|, |f''|, |f'''| on

    real:     |x − z| ≤ d on the real line,
    complex:  |x + iy − z| ≤ d, so that |y| ≤ d.

`roundings` says how exactly f, f' and f'' are computed: to so many u · max(1, |f|), by TensorFlow,
XLA and NumPy, at any argument. A test measures it; the comments have the largest that were seen.
"""

import keras
import numpy as np

from ..trial_solution.activations import sin
from .rounding import UNIT

LOW = 0.785  # < π/4
FAR = 300.0  # cosh² of it is still a number


class Sine:
    """f = sin:  |sin(x + iy)|² = sin²x + sinh²y ≤ cosh²y, and the same for the cosine.

    On the real line also |sin x| ≤ |sin z| + |x − z|.
    """

    roundings = (4.0, 4.0, 4.0)  # seen: 0.5, 0.5, 0.5; vectorised ones promise 2 ulp

    @staticmethod
    def derivatives(z):
        """[f, f', f''] by NumPy."""
        s = np.sin(z)
        return [s, np.cos(z), -s]

    @staticmethod
    def bounds(z, distance, is_complex):
        """Bounds of |f|, |f'|, |f''|, |f'''|."""
        if is_complex:
            return [np.cosh(distance)] * 4
        near = distance + 4.0 * UNIT  # sin z is rounded too
        s, c = (np.fmin(np.abs(f(z)) + near, 1.0) for f in (np.sin, np.cos))
        return [s, c, s, c]


class Tanh:
    """f = tanh, whose poles ±iπ/2, ±3iπ/2 … all lie at Re z = 0.

    With x_min ≥ 0 the distance of the real parts from 0,

        |cosh(x + iy)|² = cosh²x − sin²y = sinh²x + cos²y
        |f'| = 1/|cosh|² ≤ q,   1/q the larger of sinh²x_min and, if d ≤ π/4, cosh²x_min − sin²d
        |f| ≤ p,   p = 1 if d ≤ π/4, else coth x_min
        |f''| = 2|f f'| ≤ 2 p q,   |f'''| = 2|f'² + f f''| ≤ 2 q² + 4 p² q

    so that a disc may be as large as one likes if it does not reach Re z = 0.
    """

    # f' = 1 − f² and f'' = −2 f f' of an f that is right to 12: 2 · 12 + 2, and 2 (12 + 26 + 1).
    roundings = (12.0, 26.0, 78.0)  # seen: 8.9, 15, 30

    @staticmethod
    def derivatives(z):
        """[f, f', f''] by NumPy."""
        y = np.tanh(z)
        slope = 1.0 - y * y
        return [y, slope, -2.0 * y * slope]

    @staticmethod
    def bounds(z, distance, is_complex):
        """Bounds of |f|, |f'|, |f''|, |f'''|."""
        nearest = np.abs(z) * (1.0 - 4.0 * UNIT) - distance * (1.0 + 4.0 * UNIT)
        nearest = np.clip(np.nan_to_num(nearest), 0.0, FAR)  # ∞ − ∞: at 0
        cosh, sinh = np.cosh(nearest), np.sinh(nearest)
        p, per_slope = np.ones_like(cosh), cosh**2
        if is_complex:
            is_low = distance <= LOW
            above_poles = cosh**2 - np.sin(np.minimum(distance, LOW)) ** 2
            with np.errstate(divide="ignore"):
                p = np.where(is_low, 1.0, cosh / sinh)
            per_slope = np.maximum(np.where(is_low, above_poles, 0.0), sinh**2)
        with np.errstate(divide="ignore"):
            q = 1.0 / per_slope
        return [p, q, 2.0 * p * q, 2.0 * q**2 + 4.0 * p**2 * q]


class Swish:
    """f = z σ(z) with σ(z) = (1 + tanh(z/2))/2:  f^(k) = z σ^(k) + k σ^(k−1)."""

    roundings = (8.0, 16.0, 32.0)  # seen: 2.4, 2.0, 1.7

    @staticmethod
    def derivatives(z):
        """[f, f', f''] by NumPy."""
        with np.errstate(over="ignore"):
            s = 1.0 / (1.0 + np.exp(-z))
        slope = s * (1.0 - s)
        return [z * s, s + z * slope, 2.0 * slope + z * slope * (1.0 - 2.0 * s)]

    @staticmethod
    def bounds(z, distance, is_complex):
        """Bounds of |f|, |f'|, |f''|, |f'''|."""
        tanh = Tanh.bounds(0.5 * z, 0.5 * distance, is_complex)
        s = [0.5 * (1.0 + tanh[0]), *(0.5 ** (k + 1) * tanh[k] for k in (1, 2, 3))]
        size = np.abs(z) + distance
        return [size * s[0], *(size * s[k] + k * s[k - 1] for k in (1, 2, 3))]


KNOWN = {
    sin: Sine,
    keras.activations.tanh: Tanh,
    keras.activations.silu: Swish,
}


def activation_bounds(activation):
    """`Sine`, `Tanh` or `Swish` for a Keras activation.

    Raises:
        ValueError: for any other activation.

    Example:
    >>> activation_bounds(keras.activations.tanh).bounds(np.array([2.0]), np.array([0.0]), False)[1]
    array([0.07065082])
    """
    if activation in KNOWN:
        return KNOWN[activation]
    raise ValueError(
        "error_bound needs an activation whose size off the real line is known: sin, tanh or "
        f"swish. Received: {activation!r}. Use error_estimate(t), which needs nothing of it."
    )
