"""Whether a smallest misfit can be believed: noise in it, and parameters at their bound."""

import warnings

import numpy as np

FEWEST = 15  # numbers in a row: of fewer, noise alone looks like a pattern too often
PAST = 2  # a misfit that swings is predicted by its last two values, whatever its rate
EXACT = 1e-4  # of the data: steppers and rounded files are no better


def noise_in(misfit, num_unknowns):
    """The size of a misfit, and of the part of it that its past does not predict.

        s² = |ρ|² / (n − Q),   σ² = min_{a,b} Σ_j (ρ_j − a ρ_{j−1} − b ρ_{j−2})² / (n − Q − 4d)

    n counts all numbers of the misfit. Each of its d columns loses four: the first two have no
    past, and a, b are fitted. Noise is as large as what is left of it, s ≈ σ; where the equation
    cannot follow the data, neighbours are alike, or swing together, and s is larger.

    Args:
        misfit: ρ, `(num, dimension)`, in order of time.
        num_unknowns: Q.

    Returns:
        Tuple (s, σ). For too few numbers to tell, σ is None and s² = |ρ|² / n.
    """
    num, dimension = misfit.shape
    freedom = misfit.size - num_unknowns - 2 * PAST * dimension
    if num < FEWEST or freedom < 1:
        return np.sqrt(np.mean(misfit**2)), None
    left = 0.0
    for column in misfit.T:
        past = np.stack([column[PAST - 1 - k : num - 1 - k] for k in range(PAST)], axis=1)
        now = column[PAST:]
        weights = np.linalg.lstsq(past, now, rcond=None)[0]
        left += np.sum((now - past @ weights) ** 2)
    size = np.sqrt(np.sum(misfit**2) / (misfit.size - num_unknowns))
    return size, np.sqrt(left / freedom)


def is_above_noise(misfit, num_unknowns, scale):
    """Whether s > (2 + 30/n) σ, which noise alone does not reach in 8000 trials of n ≥ 15 numbers.

    Args:
        misfit: ρ, `(num, dimension)`, in order of time.
        num_unknowns: Q.
        scale: root mean square of the data; a misfit below 1e-4 of it is none.
    """
    size, noise = noise_in(misfit, num_unknowns)
    return noise is not None and size > EXACT * scale and size > (2 + 30 / len(misfit)) * noise


def names_at_bound(values, positive, misfit, jacobian):
    """Parameters that cannot be negative, and that the data would have negative.

        p + δ ≤ 0 and p < s / |J|,   δ = −Jᵀρ / |J|²,   J = ∂ρ/∂p

    At a minimum inside of the bounds δ is zero: it says how far p alone would still go.

    Args:
        values: p by name.
        positive: for each, whether it cannot be negative.
        misfit: ρ, `(n,)`.
        jacobian: J, `(n, Q)`.
    """
    lengths = np.linalg.norm(jacobian, axis=0)
    steps = -(jacobian.T @ misfit) / lengths**2
    errors = np.sqrt(np.sum(misfit**2) / max(len(misfit) - len(lengths), 1)) / lengths
    return [
        name
        for (name, value), is_positive, step, error in zip(values.items(), positive, steps, errors)
        if is_positive and value + step <= 0.0 and value < error
    ]


def warn_of_misfit(size, noise, unit):
    """Warn with the numbers of `noise_in`."""
    warnings.warn(
        "The misfit of the right equation is noise, which its neighbours in time do not predict. "
        f"Received a smallest misfit of {size:.2g} {unit} (rms), {size / noise:.0f} times the "
        f"noise that it shows, {noise:.1g} {unit}: the equation cannot follow these data, and the "
        "intervals of estimates(), which assume that it can, do not hold. Name more "
        "unknown_parameters, add the missing term to the problem, or begin with a better guess.",
        stacklevel=6,
    )


def warn_of_bound(names, values):
    """Warn of parameters that ended at their bound."""
    found = ", ".join(f"{name}={values[name]:.1g}" for name in names)
    warnings.warn(
        "The smallest misfit should lie where no parameter is at its bound. Received: "
        f"{found}, which cannot be negative and would be, if it could. Its value is not measured "
        "and its interval only says how large it may be. Fix it at 0, or look whether the sign of "
        "the data, their times or the equation are what you mean.",
        stacklevel=6,
    )
