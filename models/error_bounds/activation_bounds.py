"""How large an activation and its derivatives can be near a point of the complex plane.

All functions take z, the real centre, and d ≥ 0, a distance, and bound |f|, |f'|, |f''|, |f'''| on

    real:     |x − z| ≤ d on the real line,
    complex:  |x + iy − z| ≤ d, so that |y| ≤ d.
"""

import keras
import numpy as np

from ..trial_solution.activations import sin


class Sine:
    """f = sin:  |sin(x + iy)|² = sin²x + sinh²y ≤ cosh²y, and the same for the cosine."""

    @staticmethod
    def derivatives(z):
        """[f, f', f''] by NumPy."""
        s = np.sin(z)
        return [s, np.cos(z), -s]

    @staticmethod
    def bounds(z, distance, is_complex):
        """Bounds of |f|, |f'|, |f''|, |f'''|."""
        return [np.cosh(distance) if is_complex else np.ones_like(distance)] * 4


class Tanh:
    """f = tanh, whose poles lie at ±iπ/2.

    |cosh(x + iy)|² = cosh²x − sin²y,  and |tanh(x + iy)| ≤ 1 for |y| ≤ π/4, hence there

        |f'| = 1/|cosh|² ≤ q = 1/(cosh²x_min − sin²d),  |f''| = 2|f f'| ≤ 2q,
        |f'''| = 2|f'² + f f''| ≤ 2q² + 4q

    with x_min the distance of the real parts from 0. Beyond d = π/4 the bounds are infinite.
    """

    @staticmethod
    def derivatives(z):
        """[f, f', f''] by NumPy."""
        y = np.tanh(z)
        slope = 1.0 - y * y
        return [y, slope, -2.0 * y * slope]

    @staticmethod
    def bounds(z, distance, is_complex):
        """Bounds of |f|, |f'|, |f''|, |f'''|."""
        nearest = np.maximum(np.abs(z) - distance, 0.0)
        height = np.minimum(distance, np.pi / 4.0) if is_complex else 0.0
        q = 1.0 / (np.cosh(np.minimum(nearest, 300.0)) ** 2 - np.sin(height) ** 2)
        bounds = [np.ones_like(q), q, 2.0 * q, 2.0 * q**2 + 4.0 * q]
        if is_complex:
            bounds = [np.where(distance > np.pi / 4.0, np.inf, bound) for bound in bounds]
        return bounds


class Swish:
    """f = z σ(z) with σ(z) = (1 + tanh(z/2))/2:  f^(k) = z σ^(k) + k σ^(k−1)."""

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
        s = [tanh[0], *(0.5 ** (k + 1) * tanh[k] for k in (1, 2, 3))]
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
