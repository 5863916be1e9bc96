"""How far an error can grow from cell to cell: steps in moving coordinates, each of them proven.

    w' = J(t) w − q(t, w) + δ(t),   |δ| ≤ D,   |q_i| ≤ ½ Σ_jk H_ijk |w_j| |w_k|   on each cell

In w = Φ(t) B u, Φ a polynomial that nearly solves Φ' = J Φ and B a matrix of numbers, u hardly
moves: neither rotation nor growth of the motion is counted twice, as B is carried along with it.
"""

from typing import NamedTuple

import numpy as np

from ..error_bounds.defect_bounds import SINGULAR
from ..error_bounds.rounding import TINIEST, UNIT, UPWARDS, gamma

WORST = 1e3  # condition of a basis, above which it is made orthogonal
MOST_ITERATIONS = 60  # of u ← the bound that follows from u
WIDER = 1.0 + 1e-6  # of the trial bound


class CellBounds(NamedTuple):
    """What is known of each cell, bounds unless said otherwise; the axis of cells is the first.

    | field      | content                                                | shape        |
    |------------|--------------------------------------------------------|--------------|
    | `lengths`  | Δ                                                      | (num,)       |
    | `forward`  | \\|Φ\\|                                                  | (num, s, s)  |
    | `backward` | \\|Φ⁻¹\\|                                                | (num, s, s)  |
    | `drift`    | \\|J Φ − Φ'\\|                                           | (num, s, s)  |
    | `ends`     | Φ at the end, as computed                              | (num, s, s)  |
    | `end_error`| of `ends`                                              | (num, s, s)  |
    | `begin_off`| \\|Φ(begin) − 1\\|                                       | (num, s, s)  |
    | `defects`  | D                                                      | (num, s)     |
    | `jumps`    | \\|jump of w\\| at the start of the cell                 | (num, s)     |
    | `slopes`   | \\|J\\|                                                  | (num, s, s)  |
    | `curvature`| H                                                      | (num, s, s, s) |
    | `tube`     | where H holds: \\|w\\| ≤ tube                            | (num, s)     |
    """

    lengths: np.ndarray
    forward: np.ndarray
    backward: np.ndarray
    drift: np.ndarray
    ends: np.ndarray
    end_error: np.ndarray
    begin_off: np.ndarray
    defects: np.ndarray
    jumps: np.ndarray
    slopes: np.ndarray
    curvature: np.ndarray
    tube: np.ndarray


class NotClosed(Exception):
    """Raised where the bound of a cell does not follow from itself.

    Args:
        cell: its index.
        factor: what must be below 1: 4 Y Z₂ of Newton's and Kantorovich's quadratic inequality,
            or |w| over the tube.
        is_too_narrow: whether only the tube was.
    """

    def __init__(self, cell, factor, is_too_narrow=False):
        super().__init__(f"cell {cell}: {factor:.3g}")
        self.cell, self.factor, self.is_too_narrow = cell, factor, is_too_narrow


class Basis(NamedTuple):
    """Coordinates w = V u, with V⁻¹ = (1 − F)⁻¹ X and F = 1 − X V.

    With |F| ≤ η in the norm of row sums, (1 − F)⁻¹ differs from 1 by at most η/(1 − η) in every
    element.

    | field     | content                       | shape  |
    |-----------|-------------------------------|--------|
    | `matrix`  | V, exactly                    | (s, s) |
    | `inverse` | X                             | (s, s) |
    | `missing` | η/(1 − η), a number           |        |
    """

    matrix: np.ndarray
    inverse: np.ndarray
    missing: float

    @classmethod
    def of(cls, matrix, scale):
        """The basis V, rows of which have the sizes `scale`; None where V is nearly singular."""
        try:
            inverse = np.linalg.inv(matrix / scale[:, None]) / scale
        except np.linalg.LinAlgError:
            return None
        per_sum = gamma(len(matrix) + 1.0, UNIT)
        defect = np.abs(np.eye(len(matrix)) - inverse @ matrix) * (1.0 + UNIT)
        defect += per_sum * (np.abs(inverse) @ np.abs(matrix))
        eta = defect.sum(axis=1).max() * UPWARDS
        return cls(matrix, inverse, eta / (1.0 - eta)) if eta < SINGULAR else None

    def solved(self, image, lost):
        """Bounds of |V⁻¹ Y| for a Y that lies within `lost` of `image`."""
        size = np.abs(self.inverse)
        rounded = gamma(len(size) + 1.0, UNIT) * (size @ np.abs(image))
        found = np.abs(self.inverse @ image) + rounded + size @ lost
        return found + self.missing * found.max(axis=0)

    def into(self):
        """Bounds of |V⁻¹|."""
        size = np.abs(self.inverse)
        return size + self.missing * size.max(axis=0)


def carry(bounds, scale):
    """Bounds of |w| on each cell, `(num, s)`; w = 0 before the first jump.

    Args:
        bounds: `CellBounds`.
        scale: sizes of the coordinates of w, powers of 2, `(s,)`.

    Raises:
        NotClosed: where |w| cannot be bounded.
    """
    num, size = bounds.jumps.shape
    none = np.zeros((size, size))
    basis = Basis(np.diag(scale), np.diag(1.0 / scale), 0.0)  # powers of 2: exactly
    u = _begun(bounds, 0, basis, scale, none, none, np.zeros(size))
    found = np.empty((num, size))
    for k in range(num):
        u, found[k] = _step(bounds, k, basis, u)
        if k + 1 < num:
            image = bounds.ends[k] @ basis.matrix
            lost = gamma(size + 1.0, UNIT) * np.abs(bounds.ends[k]) + bounds.end_error[k]
            lost = lost @ np.abs(basis.matrix)
            basis = _next_basis(image, scale, k)
            u = _begun(bounds, k + 1, basis, scale, image, lost, u)
    return found


def _step(bounds, k, basis, start):
    """Bounds of |u| at the end of a cell and of |w| on it, from one of |u| at its start.

    u' = (Φ V)⁻¹ ((J Φ − Φ') V u + δ − q), so that |u| ≤ U up to the end of the cell if

        U > start + Δ |V⁻¹| |Φ⁻¹| (D + ½ H (|Φ| |V| U)² + |J Φ − Φ'| |V| U)

    as |u| can reach U nowhere before.
    """
    gain = bounds.lengths[k] * (basis.into() @ bounds.backward[k])
    to_w = bounds.forward[k] @ np.abs(basis.matrix)
    drift, curvature = bounds.drift[k] @ np.abs(basis.matrix), bounds.curvature[k]

    def follows(u):
        w = to_w @ u
        bent = 0.5 * ((curvature @ w) @ w)
        return (start + gain @ (bounds.defects[k] + bent + drift @ u)) * UPWARDS + TINIEST

    u = first = follows(np.zeros(len(start)))
    for _ in range(MOST_ITERATIONS):
        trial = u * WIDER
        u = follows(trial)
        if (u < trial).all():
            w = to_w @ trial * UPWARDS
            if not (w <= bounds.tube[k]).all():
                raise NotClosed(k, (w / bounds.tube[k]).max(), is_too_narrow=True)
            return u, w
        if not np.isfinite(u).all():
            break
    raise NotClosed(k, _factor(follows, first))


def _factor(follows, first):
    """4 Y Z₂/(1 − Z₁)², where u = λ · first is tried: λ > 1 + Z₁ λ + Z₂ λ² has to have a root."""
    none, one, two = (follows(step * first) for step in (0.0, 1.0, 2.0))
    z2 = float(np.max((two - 2.0 * one + none) / first)) / 2.0
    z1 = float(np.max((one - none) / first)) - z2
    if not (np.isfinite(z2) and np.isfinite(z1) and z1 < 1.0):
        return np.inf
    return 4.0 * z2 / (1.0 - z1) ** 2


def _next_basis(image, scale, k):
    """`Basis` near the image of the last one.

    Its columns have length 1 in the scale. Where they are nearly parallel, columns at right angles
    are taken that span the same subspaces one after another, the Q of QR: each then grows as its
    subspace does.
    """
    scaled = image / scale[:, None]
    lengths = np.sqrt((scaled**2).sum(axis=0))
    if not (np.isfinite(lengths).all() and (lengths > 0.0).all()):
        raise NotClosed(k, np.inf)
    scaled = scaled * 2.0 ** -np.round(np.log2(lengths))
    if not np.linalg.cond(scaled) <= WORST:
        scaled = np.linalg.qr(scaled)[0]
    basis = Basis.of(scaled * scale[:, None], scale)
    if basis is None:
        raise NotClosed(k, np.inf)
    return basis


def _begun(bounds, k, basis, scale, image, lost, before):
    """Bounds of |u| at the start of a cell, w = (image ± lost) u_before + jump = Φ(begin) V u.

    Φ(begin) = 1 + G, and (1 + G)⁻¹ = 1 + K with |K| ≤ γ/(1 − γ), γ = |G| in the scale.
    """
    off = (bounds.begin_off[k] * scale).sum(axis=1) / scale
    off = off.max() * UPWARDS
    if not off < SINGULAR:
        raise NotClosed(k, np.inf)
    jump = bounds.jumps[k]
    w = (np.abs(image) + lost) @ before + jump
    turned = scale * (off / (1.0 - off) * (w / scale).sum())
    into = basis.into()
    return (basis.solved(image, lost) @ before + into @ (jump + turned)) * UPWARDS
