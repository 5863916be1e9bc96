"""First guesses of a Duffing oscillator that noise in the positions hardly moves."""

import numpy as np

POWER = 4  # of the test functions, whose second derivative then ends smoothly
NARROWEST = 9  # samples
WIDEST = 1200
GROWTH = 1.5  # from one width to the next
OVERLAP = 8  # test functions in one width


def weak_form_guesses(position, force, course):
    """Constants of y'' + d y' + s_1 y + s_2 y² + s_3 y³ = G u + c, one set for each width.

    Multiplied by a test function φ and integrated by parts, the equation has no derivative of the
    measured y:

        ∫φ''y − d ∫φ'y + s_1 ∫φ y + s_2 ∫φ y² + s_3 ∫φ y³ = G ∫φ u + c ∫φ,    φ = (1 − τ²)⁴

    which is linear in the constants, for every place of φ in the record. Noise is averaged over
    the width of φ, however finely it was sampled; differences of neighbouring samples would show
    nothing else. Which width suits depends on the period: all are tried.

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
        terms = _terms(position, force, int(width) | 1, 0.5 if course == "held" else 0.0)
        for springs in (True, False):
            guesses += _solved(*terms, springs)
        width *= GROWTH
    return np.array(guesses).reshape(-1, 6)


def _terms(position, force, width, late):
    """∫φ''y; (∫φy, −∫φ'y, ∫φy², ∫φy³, −∫φ); and ∫φu, for places an eighth of a width apart."""
    half = 0.5 * width
    samples = np.arange(width) - (width - 1) / 2
    tau = samples / half
    inside = np.clip(1.0 - tau**2, 0.0, None)
    phi = inside**POWER
    first = -2.0 * POWER * tau * inside ** (POWER - 1) / half
    second = 4.0 * POWER * (POWER - 1) * tau**2 * inside ** (POWER - 2)
    second = (second - 2.0 * POWER * inside ** (POWER - 1)) / half**2
    later = np.clip(1.0 - ((samples + late) / half) ** 2, 0.0, None) ** POWER

    def integrals(values, kernel):
        return np.correlate(values, kernel, "valid")[:: max(1, width // OVERLAP)]

    ones = integrals(np.ones_like(position), phi)
    y, y2, y3 = (integrals(position**power, phi) for power in (1, 2, 3))
    columns = np.stack([y, -integrals(position, first), y2, y3, -ones], axis=1)
    return integrals(position, second), columns, integrals(force, later)


def _solved(second, columns, force, springs):
    """Constants by least squares, in two ways."""
    kept = [0, 1, 2, 3, 4] if springs else [0, 1, 4]

    def least_squares(matrix, target):
        sizes = np.linalg.norm(matrix, axis=0)
        sizes[sizes == 0.0] = 1.0
        return np.linalg.lstsq(matrix / sizes, target, rcond=1e-12)[0] / sizes

    def row(constants, gain):
        full = np.zeros(5)
        full[kept] = constants
        return [*full[:4], gain, full[4]]

    *constants, gain = least_squares(np.column_stack([columns[:, kept], -force]), -second)
    rows = [row(constants, gain)]
    *constants, mass = least_squares(np.column_stack([columns[:, kept], second]), force)
    if mass != 0.0:
        rows.append(row(np.array(constants) / mass, 1.0 / mass))
    return rows
