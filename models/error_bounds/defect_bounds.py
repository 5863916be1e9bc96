"""How far a linear system can carry an error: a bound that decays as the system does."""

from typing import NamedTuple

import numpy as np

from .rounding import TINIEST, UNIT, UPWARDS, gamma

TAYLOR_TERMS = 40
TAYLOR_REST = 3e-48  # > Σ_{k ≥ 40} 1/k!: what is left out of exp(P), |P| ≤ 1
SINGULAR = 1e-3  # |I − X V| of an inverse that is as good as none
GRID = 2.0**40  # lengths of cells are rounded to this part of the longest, outwards
# A complex product is right to √5 u, its sum with others to u: of n terms, to (n + 2) u.
ROUNDINGS_OF_COMPLEX = 2.0


class ComparisonSystem(NamedTuple):
    """Bounds for y' = A y + δ(t) in the coordinates w = V⁻¹ y.

    With W = V⁻¹ A V every coordinate obeys

        d|w_i|/dt ≤ Re(W_ii) |w_i| + Σ_{j≠i} |W_ij| |w_j| + (|V⁻¹| |δ|)_i

    so that |w| ≤ u with u' = R u + |V⁻¹| |δ|, R = Re diag(W) + |W − diag(W)|. With the
    eigenvectors in V this decays as the system itself, and rotation costs nothing. The inverse
    is a computed one, V⁻¹ = (I − F)⁻¹ X with F = I − X V, |F| ≤ η < 1, so that it differs from X
    by at most η/(1 − η) times the largest element of each column.

    | field     | content                | shape  |
    |-----------|------------------------|--------|
    | `rates`   | R                      | (s, s) |
    | `into`    | bound of \\|V⁻¹\\|       | (s, s) |
    | `back`    | \\|V\\|                  | (s, s) |
    """

    rates: np.ndarray
    into: np.ndarray
    back: np.ndarray

    @classmethod
    def of(cls, matrix, matrix_error, basis):
        """The comparison for A ± its error in the basis V; None where V is nearly singular."""
        size = len(matrix)
        try:
            inverse = np.linalg.inv(basis)
        except np.linalg.LinAlgError:
            return None
        x, v, a = np.abs(inverse), np.abs(basis), np.abs(matrix)
        per_sum = gamma(size + ROUNDINGS_OF_COMPLEX, UNIT)
        defect = np.abs(np.eye(size) - inverse @ basis) * (1.0 + UNIT) + per_sum * (x @ v)
        eta = defect.sum(axis=1).max() * UPWARDS
        if not eta < SINGULAR:
            return None
        missing = eta / (1.0 - eta)
        moved = inverse @ matrix @ basis
        uncertain = x @ (3.0 * per_sum * a + matrix_error) @ v  # two sums, and second order
        uncertain = uncertain + missing * (np.abs(moved) + uncertain).max(axis=0) + TINIEST
        rates = np.abs(moved) + uncertain
        np.fill_diagonal(rates, (moved.real + uncertain).diagonal())
        return cls(rates, x + missing * x.max(axis=0), v)

    def growth(self, shortest, longest):
        """Bounds of exp(R s) for every s between two times, and for 0 ≤ s ≤ the longer, `(num,)`.

        With R = P − λ I, P ≥ 0:  exp(R s) ≤ exp(−λ shortest) exp(P longest).
        """
        lowest = max(-self.rates.diagonal().min(), 0.0)
        rising = self.rates - np.diag(np.minimum(self.rates.diagonal(), 0.0))
        shifted = self.rates + lowest * np.eye(len(self.rates))
        shifted *= 1.0 + 2.0 * UNIT
        decay = np.exp(-lowest * shortest * (1.0 - 4.0 * UNIT))[:, None, None]
        decay = decay * (1.0 + 8.0 * UNIT)  # the exponential's own rounding
        return decay * _exponential(shifted, longest), _exponential(rising, longest)

    def carry(self, lengths, defects, jumps):
        """Bounds of |y| on each of consecutive cells, `(num, s)`.

        Args:
            lengths: Δ of the cells, `(num,)`, in s.
            defects: bounds of |δ| on each cell, or of its mean over the cell, `(num, s)`.
            jumps: bounds of what is added to y at the start of each cell, `(num, s)`.
        """
        step = lengths.max() / GRID
        kinds, which = np.unique(np.floor(lengths / step), return_inverse=True)
        after, within = self.growth(np.maximum(kinds - 1.0, 0.0) * step, (kinds + 2.0) * step)
        defects, jumps = defects @ self.into.T, jumps @ self.into.T
        bounds = np.empty_like(defects)
        now = np.zeros(defects.shape[1])
        # A sum of positive terms, rounded a dozen times in each of up to 60 000 cells.
        upwards = 1.0 + gamma(2.0 * len(self.rates) + 8.0, UNIT)
        for k, kind in enumerate(which):
            added = lengths[k] * (within[kind] @ defects[k])
            now = now + jumps[k]
            bounds[k] = within[kind] @ now + added
            now = (after[kind] @ now + added) * upwards
        return bounds @ self.back.T * UPWARDS


def comparisons(matrix, matrix_error=0.0):
    """`ComparisonSystem`s for A by its eigenvectors, and by a Schur basis, for critical damping."""
    scale = _balance(matrix)
    balanced = matrix * (scale[None, :] / scale[:, None])
    vectors = np.linalg.eig(balanced)[1]
    bases = [vectors, np.linalg.qr(vectors)[0]]
    error = matrix_error + np.zeros_like(matrix)
    found = [ComparisonSystem.of(matrix, error, scale[:, None] * basis) for basis in bases]
    return [one for one in found if one is not None]


def error_bounds(matrix, lengths, defects, jumps, matrix_error=0.0):
    """The smallest of the bounds of `carry`, component by component, `(num, s)`."""
    found = [one.carry(lengths, defects, jumps) for one in comparisons(matrix, matrix_error)]
    found = [np.where(np.isnan(one), np.inf, one) for one in found]
    return np.min(found, axis=0) if found else np.full(defects.shape, np.inf)


def spectral_size(matrix):
    """The spectral radius of |A|, at least max |λ(A)|, in 1/s."""
    return float(np.abs(np.linalg.eigvals(np.abs(matrix).astype(np.float64))).max())


def _balance(matrix):
    """Scales that make rows and columns of A about equal: powers of 2, which round nothing."""
    scale = np.ones(len(matrix))
    for _ in range(20):
        off = np.abs(matrix * (scale[None, :] / scale[:, None]))
        np.fill_diagonal(off, 0.0)
        rows, columns = off.sum(axis=1), off.sum(axis=0)
        active = (rows > 0.0) & (columns > 0.0)
        ratio = np.where(active, rows, 1.0) / np.where(active, columns, 1.0)
        scale = scale * 2.0 ** np.round(0.25 * np.log2(ratio))
    return scale


def _exponential(matrix, times):
    """exp(P t) for a matrix P ≥ 0 and times `(num,)`, from above.

    By its series for P t/2^k, |P| t/2^k ≤ 1, and k squarings, each of which doubles the relative
    error and adds that of a product of positive matrices.
    """
    size = len(matrix)
    largest = matrix.sum(axis=1).max() * times.max() * UPWARDS
    if not np.isfinite(largest):
        return np.full((len(times), size, size), np.inf)
    halvings = max(int(np.ceil(np.log2(max(largest, 1e-300)))), 0)
    step = matrix * (times[:, None, None] * 0.5**halvings)
    total = np.broadcast_to(np.eye(size), step.shape)
    for k in range(TAYLOR_TERMS - 1, 0, -1):
        total = np.eye(size) + step @ total / k
    total = total * (1.0 + gamma(TAYLOR_TERMS * (size + 4.0), UNIT)) + TAYLOR_REST
    for _ in range(halvings):
        total = (total @ total) * (1.0 + gamma(size + 1.0, UNIT))
    return total
