"""How far a linear system can carry an error: a bound that decays as the system does."""

from typing import NamedTuple

import numpy as np

EPSILON = float(np.finfo(np.float64).eps)
SAFETY = 1.0 + 1e-9  # rounding in sums of positive terms, of which there are far fewer than 1e6
TAYLOR_TERMS = 40


class Comparison(NamedTuple):
    """Bounds for y' = A y + δ(t) in the coordinates w = V⁻¹ y.

    With W = V⁻¹ A V every coordinate obeys

        d|w_i|/dt ≤ Re(W_ii) |w_i| + Σ_{j≠i} |W_ij| |w_j| + (|V⁻¹| |δ|)_i

    so that |w| ≤ u with u' = R u + |V⁻¹| |δ|, R = Re diag(W) + |W − diag(W)|. With the
    eigenvectors in V this decays as the system itself, and rotation costs nothing. The inverse
    is a computed one, V⁻¹ = (I − F)⁻¹ X with F = I − X V, and everything is rounded upwards.

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
    def of(cls, matrix, basis):
        """The comparison for A, right to 8 ε, in the basis V; None where V is nearly singular."""
        size = len(matrix)
        try:
            inverse = np.linalg.inv(basis)
        except np.linalg.LinAlgError:
            return None
        x, v, a = np.abs(inverse), np.abs(basis), np.abs(matrix)
        defect = np.abs(np.eye(size) - inverse @ basis) + 4.0 * size * EPSILON * (x @ v)
        eta = defect.sum(axis=1).max()
        if not eta < 1e-3:
            return None
        missing = eta / (1.0 - eta)
        moved = inverse @ matrix @ basis
        uncertain = 8.0 * (size + 2.0) * EPSILON * (x @ a @ v) + missing * np.abs(moved).max(axis=0)
        rates = np.abs(moved) + uncertain
        np.fill_diagonal(rates, (moved.real + uncertain).diagonal())
        return cls(rates, (x + missing * x.max(axis=0)) * SAFETY, v)

    def growth(self, lengths):
        """Bounds of exp(R Δ), and of exp(R s) for 0 ≤ s ≤ Δ, for times Δ `(num,)`."""
        lowest = max(-self.rates.diagonal().min(), 0.0)
        rising = self.rates - np.diag(np.minimum(self.rates.diagonal(), 0.0))
        shifted = self.rates + lowest * np.eye(len(self.rates))
        decay = np.exp(-lowest * lengths)[:, None, None]
        return decay * _exponential(shifted, lengths), _exponential(rising, lengths)

    def carry(self, lengths, defects, jumps):
        """Bounds of |y| on each of consecutive cells, `(num, s)`.

        Args:
            lengths: Δ of the cells, `(num,)`, in s.
            defects: bounds of |δ| on each cell, `(num, s)`.
            jumps: bounds of what is added to y at the start of each cell, `(num, s)`.
        """
        kinds, which = np.unique(np.round(lengths / lengths.max(), 12), return_inverse=True)
        after, within = self.growth(kinds * lengths.max())
        defects, jumps = defects @ self.into.T, jumps @ self.into.T
        bounds = np.empty_like(defects)
        now = np.zeros(defects.shape[1])
        for k, kind in enumerate(which):
            added = lengths[k] * (within[kind] @ defects[k])
            now = now + jumps[k]
            bounds[k] = within[kind] @ now + added
            now = (after[kind] @ now + added) * (1.0 + 1e-11)  # Δ was rounded to 12 digits
        return bounds @ self.back.T * SAFETY


def comparisons(matrix):
    """`Comparison`s for A by its eigenvectors, and by a Schur basis, for critical damping."""
    scale = _balance(matrix)
    balanced = matrix * (scale[None, :] / scale[:, None])
    vectors = np.linalg.eig(balanced)[1]
    bases = [vectors, np.linalg.qr(vectors)[0]]
    found = [Comparison.of(matrix, scale[:, None] * basis) for basis in bases]
    return [one for one in found if one is not None]


def error_bounds(matrix, lengths, defects, jumps):
    """The smallest of the bounds of `carry`, component by component, `(num, s)`."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = [one.carry(lengths, defects, jumps) for one in comparisons(matrix)]
    return np.nan_to_num(np.min(found, axis=0), nan=np.inf, posinf=np.inf)


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
    """exp(P t) for a matrix P ≥ 0 and times `(num,)`, by its series, rounded upwards."""
    halvings = max(int(np.ceil(np.log2(max(matrix.sum(axis=1).max() * times.max(), 1e-300)))), 0)
    step = matrix * (times[:, None, None] * 0.5**halvings)
    total = np.broadcast_to(np.eye(len(matrix)), step.shape)
    for k in range(TAYLOR_TERMS, 0, -1):
        total = np.eye(len(matrix)) + step @ total / k
    for _ in range(halvings):
        total = total @ total
    return total * (1.0 + 1e-12)
