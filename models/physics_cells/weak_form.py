"""An equation of motion in weak form, which needs no derivative of what was measured.

Multiplied by a test function φ that ends smoothly and integrated by parts,

    x'' + Σ_i p_i φ_i(x, x') = G u    becomes    ∫φ''x + Σ_i p_i ∫φ φ_i = G ∫φu.

Noise is averaged over the width of φ; differences of neighbouring samples would show nothing else.
"""

import numpy as np

POWER = 4  # of the test functions, whose second derivative then ends smoothly
OVERLAP = 8  # places of a test function in its width
NARROWEST = 9  # samples, of a Duffing oscillator's guesses
WIDEST = 1200  # samples
GROWTH = 1.5  # from one width to the next


def weights_of(width, step=1.0, late=0.0):
    """φ = (1 − τ²)⁴ over `width` samples, its derivatives φ' and φ'', and φ `late` samples later.

    Args:
        width: samples, odd.
        step: between them.
        late: 0.5 for a force that is held from a sample to the next.

    Returns:
        Four arrays, `(width,)`.
    """
    half = 0.5 * width * step
    samples = (np.arange(width) - (width - 1) / 2) * step
    tau = samples / half
    inside = 1.0 - tau**2
    first = -2.0 * POWER * tau * inside ** (POWER - 1) / half
    second = 4.0 * POWER * (POWER - 1) * tau**2 * inside ** (POWER - 2)
    second = (second - 2.0 * POWER * inside ** (POWER - 1)) / half**2
    later = np.clip(1.0 - ((samples + late * step) / half) ** 2, 0.0, None)
    return inside**POWER, first, second, later**POWER


def integrals(samples, weights):
    """Of samples under a test function, an eighth of its width apart."""
    return np.correlate(samples, weights, "valid")[:: max(1, len(weights) // OVERLAP)]


def solved(second, columns, force=None):
    """Constants p by least squares: with the noise in ∫φ''x, and in all but ∫φu.

    Args:
        second: ∫φ''x, `(M,)`.
        columns: ∫φ φ_i, `(M, P)`.
        force: ∫φu, `(M,)`, or None for a free motion, whose noise is in ∫φ''x.

    Returns:
        One or two rows (p, G); G is 0 where no force acts.
    """
    if force is None:
        return [np.append(_least_squares(columns, -second), 0.0)]
    rows = [_least_squares(np.c_[columns, -force], -second)]
    *constants, mass = _least_squares(np.c_[columns, second], force)
    if mass != 0.0:
        rows.append(np.array([*constants, 1.0]) / mass)
    return rows


def _least_squares(matrix, target):
    sizes = np.linalg.norm(matrix, axis=0)
    sizes[sizes == 0.0] = 1.0
    return np.linalg.lstsq(matrix / sizes, target, rcond=1e-12)[0] / sizes


def weak_form_guesses(position, force, course):
    """Constants of y'' + d y' + s_1 y + s_2 y² + s_3 y³ = G u + c, one set for each width.

    Which width of the test functions suits depends on the period: all are tried.

    Args:
        position: y, `(N,)`, of order one.
        force: u, `(N,)`, of order one.
        course: of the force between samples, see `force_between`.

    Returns:
        Rows (s_1, d, s_2, s_3, G, c), `(num_guesses, 6)`, with the sample as the unit of time. For
        each width four: with and without s_2 and s_3, the noise in y'' or in all terms but u.
    """
    guesses, width = [], float(NARROWEST)
    while width <= min(len(position) / OVERLAP, WIDEST):
        second, columns, drive = _terms(
            position, force, int(width) | 1, 0.5 if course == "held" else 0.0
        )
        for kept in ([0, 1, 2, 3, 4], [0, 1, 4]):
            for row in solved(second, columns[:, kept], drive):
                guesses.append(np.zeros(6))
                guesses[-1][[*kept, 5]] = row
        width *= GROWTH
    return np.array(guesses).reshape(-1, 6)[:, [0, 1, 2, 3, 5, 4]]


def _terms(position, force, width, late):
    """∫φ''y; (∫φy, −∫φ'y, ∫φy², ∫φy³, −∫φ); and ∫φu."""
    phi, first, second, later = weights_of(width, late=late)
    ones = integrals(np.ones_like(position), phi)
    y, y2, y3 = (integrals(position**power, phi) for power in (1, 2, 3))
    columns = np.stack([y, -integrals(position, first), y2, y3, -ones], axis=1)
    return integrals(position, second), columns, integrals(force, later)
