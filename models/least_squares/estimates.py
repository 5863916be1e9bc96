"""What data say of parameters: standard errors and intervals."""

from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """A parameter found from data, if the model is that of the data.

    | field            | content                                             |
    |------------------|-----------------------------------------------------|
    | `value`          | p̂, in the parameter's unit                          |
    | `standard_error` | its standard deviation over repeated measurements   |
    | `lower`, `upper` | ends of the 95 % confidence interval                |
    """

    value: float
    standard_error: float
    lower: float
    upper: float


class Estimates(dict):
    """`Estimate` by name; printed, it says what the intervals take for granted.

    Example:
    >>> print(Estimates(damping=Estimate(0.4, 0.002, 0.396, 0.404)))
    damping: 0.4 ± 0.002, 95 %: 0.396 … 0.404
    (if the model is that of the data, and the noise as it assumes)
    """

    def __str__(self):
        lines = [
            f"{name}: {e.value:.6g} ± {e.standard_error:.2g}, 95 %: {e.lower:.6g} … {e.upper:.6g}"
            for name, e in self.items()
        ]
        assumed = "(if the model is that of the data, and the noise as it assumes)"
        return "\n".join([*lines, assumed])


def estimates_at_minimum(
    values, positive, misfit, jacobian, slopes=None, correlated=False, solved=0
):
    """`Estimate` of each parameter, to first order in the noise.

        independent:  cov(p) = σ̂² D (JᵀJ)⁻¹ Dᵀ,   σ̂² = |ρ|² / (n − Q)
        correlated:   cov(p) = B / (B − 1) Σ_b m_b m_bᵀ,   m_b = D (JᵀJ)⁻¹ Σ_{i in b} J_i ρ_i

    with B batches b of about √n successive numbers each, so long that the noise of one batch
    knows nothing of the next. Independent noise in ρ would make both alike.

    Args:
        values: p̂ by name, where |ρ|² is smallest.
        positive: for each name, whether the interval ends at 0.
        misfit: ρ, `(n,)`; where it is correlated, in order of time.
        jacobian: J = ∂ρ/∂w by the Q numbers w that were fitted, `(n, Q)`.
        slopes: D = ∂p/∂w, `(parameters, Q)`; None where they are the same, D = 1.
        correlated: whether neighbouring numbers in ρ may be alike.
        solved: numbers that were fitted besides, of whose columns J has been cleared.

    Returns:
        `Estimates`, a dictionary of `Estimate` by name.

    Raises:
        ValueError: for no more numbers than parameters.
    """
    num_numbers, num_unknowns = jacobian.shape
    freedom = num_numbers - num_unknowns - solved
    if freedom < 1:
        raise ValueError(
            f"Errors of {num_unknowns + solved} parameters are judged from more numbers than that. "
            f"Received {num_numbers}. Measure more."
        )
    lengths = np.linalg.norm(jacobian, axis=0)  # JᵀJ = RᵀR; columns of one length, for the digits
    inverse = np.linalg.inv(np.linalg.qr(jacobian / lengths, mode="r"))
    inverse /= lengths[:, None]
    factor = inverse if slopes is None else slopes @ inverse
    if correlated:
        starts = np.arange(0, num_numbers, round(np.sqrt(num_numbers)))
        sums = np.add.reduceat(jacobian * misfit[:, None], starts, axis=0)
        freedom = len(sums) - 1
        moves = sums @ inverse @ factor.T
        errors = np.linalg.norm(moves, axis=0) * np.sqrt(len(sums) / freedom)
    else:
        errors = np.sqrt(np.sum(misfit**2) / freedom) * np.linalg.norm(factor, axis=1)
    reach = student_quantile(0.5 + 0.5 * CONFIDENCE, freedom) * errors
    estimates = Estimates()
    for (name, value), is_positive, error, half in zip(values.items(), positive, errors, reach):
        lower = max(value - half, 0.0) if is_positive else value - half
        estimates[name] = Estimate(value, float(error), float(lower), float(value + half))
    return estimates


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
