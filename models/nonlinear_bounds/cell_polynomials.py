"""Polynomials on cells of time as solutions of linear equations, and by how much they miss them.

    y' = J(t) y + g(t)   on each cell,   y(t) = Σ_j c_j T_j(ξ),   0 ≤ j ≤ n

The coefficients are computed in float64, and from then on they *are* the polynomial: what it
misses, g + J y − y', is bounded afterwards, from its values at the n nodes and its size off the
real line (lemma 3 of this room).
"""

import numpy as np

from ..error_bounds.chebyshev_cells import (
    ANGLES,
    LEBESGUE,
    NUM_NODES,
    integrate_series,
    node_values_to_series,
    solve_on_cells,
)
from ..error_bounds.residual_bounds import RATIOS, missed_by_interpolation
from ..error_bounds.rounding import EXTENDED, EXTENDED_UNIT

DEGREES = np.arange(NUM_NODES + 1)
NODE_VALUES = np.cos(DEGREES[:, None] * ANGLES)  # T_j
NODE_SLOPES = DEGREES[:, None] * np.sin(DEGREES[:, None] * ANGLES) / np.sin(ANGLES)  # T_j'
# θ is right to 12 u, so that cos jθ is right to (38 j + 8) u ≤ 920 u; n + 1 products are added.
ROUNDINGS_OF_VALUES = 920.0 + NUM_NODES + 4.0
# sin jθ is as right as that, sin θ ≥ 0.065 to 584 u of itself: the quotient to 1170 j² + 130 j;
# n + 1 products, each at most j² |c_j|, are added and divided by h.
ROUNDINGS_OF_SLOPES = 1300.0 + NUM_NODES + 6.0


def node_values(series):
    """Values `(n, …)` of series `(n + 1, …)` at the nodes, extended, and their rounding error."""
    values = np.tensordot(NODE_VALUES.T, series.astype(EXTENDED), axes=1)
    return values, EXTENDED_UNIT * ROUNDINGS_OF_VALUES * largest(series)


def node_slopes(series, half):
    """Derivatives in time `(n, …)` at the nodes, extended, and their rounding error."""
    weights = _on_first_axis(DEGREES.astype(float) ** 2, series)
    half = half.reshape(1, 1, -1, *(1,) * (series.ndim - 3))
    slopes = np.tensordot(NODE_SLOPES.T, series.astype(EXTENDED), axes=1) / half.astype(EXTENDED)
    error = EXTENDED_UNIT * ROUNDINGS_OF_SLOPES * np.abs(weights * series).sum(axis=0) / half[0]
    return slopes, error


def largest(series, ratio=1.0):
    """Bound of |y| on the ellipse of ρ around each cell: |T_j| ≤ (ρ^j + ρ^−j)/2 ≤ ρ^j."""
    return _on_first_axis(ratio ** DEGREES.astype(float), np.abs(series)).sum(axis=0)


def changes(series, ratio=1.0):
    """Bound of |y(t) − y(middle of the cell)| on the ellipse of ρ: all but c_0, twice."""
    return 2.0 * largest(series[1:], 1.0) if ratio == 1.0 else _off_line(series, ratio)


def _off_line(series, ratio):
    grown = 1.0 + ratio ** DEGREES[1:].astype(float)
    return _on_first_axis(grown, np.abs(series[1:])).sum(axis=0)


def begins(series):
    """y at the start of each cell, as computed, `(s, num, …)`."""
    return _on_first_axis((-1.0) ** DEGREES, series).sum(axis=0)


def solve_columns(matrix, drive, start, half):
    """Series `(n + 1, s, num, m)` that solve y' = J y + g on each cell, m columns at once.

    Args:
        matrix: J at the nodes, `(n, s, s, num)`.
        drive: g at the nodes, `(n, s, num, m)`.
        start: y at the start of each cell, `(s, num, m)`.
        half: of the cells, `(num,)`.
    """

    def rate(y):
        return np.einsum("nijk,njkc->nikc", matrix, y) + drive

    solutions = solve_on_cells(rate, start, half[:, None])
    series = integrate_series(node_values_to_series(rate(solutions)), half[:, None])
    series[0] += start
    return series


def fundamental(matrix, half):
    """Series `(n + 1, s, num, s)` of Φ on each cell: Φ' = J Φ, Φ = 1 at its start."""
    size, num = matrix.shape[1], matrix.shape[-1]
    start = np.broadcast_to(np.eye(size)[:, None], (size, num, size))
    return solve_columns(matrix, np.zeros((NUM_NODES, size, num, 1)), start, half)


def largest_defect(rates, rate_error, series, half, sizes):
    """Bounds `(s, num, …)` of |g − y'| on each cell.

    y' is of degree n − 1, so that it is its own interpolant, and
    |g − y'| ≤ |g − interpolant of g| + Λ max_i |g(t_i) − y'(t_i)|.

    Args:
        rates: g at the nodes, extended, `(n, s, num, …)`.
        rate_error: how far they may be off, `(s, num, …)`.
        series: of y.
        half: of the cells.
        sizes: bounds of |g| on the ellipse of each of `RATIOS`.
    """
    slopes, slope_error = node_slopes(series, half)
    off = np.abs(rates - slopes).astype(np.float64).max(axis=0)
    rounded = 2.0 * EXTENDED_UNIT * np.abs(slopes).astype(np.float64).max(axis=0)
    return LEBESGUE * (off + rate_error + slope_error + rounded) + missed_by_interpolation(sizes)


def fundamental_defect(matrix, matrix_error, matrix_sizes, series, half):
    """Bounds `(s, num, s)` of |J Φ − Φ'|.

    Args:
        matrix: J at the nodes, extended, `(n, s, s, num)`.
        matrix_error: how far it may be off, `(s, s, num)`.
        matrix_sizes: bounds of |J| on the ellipse of each of `RATIOS`, `(s, s, num)`.
        series: of Φ.
        half: of the cells.
    """
    values, value_error = node_values(series)
    rates = np.einsum("nijk,njkc->nikc", matrix, values)
    size = np.abs(matrix).astype(np.float64).max(axis=0)
    bound = largest(series)
    count = EXTENDED_UNIT * (matrix.shape[1] + 3.0)
    error = np.einsum("ijk,jkc->ikc", matrix_error + count * size, bound + value_error)
    error += np.einsum("ijk,jkc->ikc", size, value_error)
    sizes = [
        np.einsum("ijk,jkc->ikc", one, largest(series, ratio))
        for one, ratio in zip(matrix_sizes, RATIOS, strict=True)
    ]
    return largest_defect(rates, error, series, half, sizes)


def _on_first_axis(weights, series):
    return weights[: len(series)].reshape(-1, *(1,) * (series.ndim - 1)) * series
