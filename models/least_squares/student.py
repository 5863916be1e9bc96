"""Student's t distribution."""

import numpy as np


def student_quantile(probability, freedom):
    """The value that a t-distributed number stays below with a probability > 1/2.

    With t = √n tan u the distribution function is a finite integral, solved by bisection:

        P(t) = 1/2 + ∫₀^u cos^{n−1} s ds / (2 ∫₀^{π/2} cos^{n−1} s ds)

    Args:
        probability: between 1/2 and 1.
        freedom: n, degrees of freedom, an integer ≥ 1.

    Example:
    >>> round(student_quantile(0.975, 10), 4)
    2.2281
    """
    scale = min(1.0, 12.0 / np.sqrt(freedom))  # beyond, cos^{n−1} is zero in float64
    u = np.linspace(0.0, scale * np.pi / 2.0, 200_001)
    density = np.cos(u) ** (freedom - 1)
    below = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))])
    angle = np.interp(2.0 * probability - 1.0, below / below[-1], u)
    return float(np.sqrt(freedom) * np.tan(angle))
