"""The motion x̂ − E on cells as discs: at the nodes, off the real line, and with a tube around."""

import numpy as np

from ..error_bounds.chebyshev_cells import EXTENDED_COEFFICIENTS, NUM_NODES
from ..error_bounds.residual_bounds import RATIOS
from ..error_bounds.rounding import EXTENDED, EXTENDED_UNIT, UNIT, gamma
from .cell_polynomials import changes, largest, node_values
from .discs import Disc, outwards
from .right_hand_side import ROUNDINGS_OF_NODE

# A coefficient is a sum of n values with weights ≤ 2/n: values are stored, multiplied by rounded
# cosines and added, n + 3.
ROUNDINGS_OF_COEFFICIENT = 2.0 * (NUM_NODES + 3.0)
AT_MIDDLE = np.real(1j ** np.arange(NUM_NODES + 1))  # T_j(0): 1, 0, −1, 0, …


class CorrectedMotion:
    """x̂ and its derivatives on cells, less an error E that is known as series.

    Args:
        trial: `TrialBounds`.
        cells: `Cells`.
    """

    def __init__(self, trial, cells):
        self.trial, self.cells = trial, cells
        self.values, self.errors = trial.values(cells), trial.errors(cells)
        elapsed = cells.middle - trial.edges.astype(EXTENDED)[cells.window]
        self.at_middle = [y[:, 0] for y in trial.motion_in(cells.window, elapsed[:, None])]
        self.order = trial.order
        self.sizes, self.sums_of_weights = {}, {}

    def no_error(self):
        """Series of E = 0, `(n + 1, s, num)`."""
        size = self.order * self.trial.dimension
        return np.zeros((NUM_NODES + 1, size, len(self.cells.begin)))

    def times_at_nodes(self):
        """t at the nodes, `(num, n)`."""
        t = self.cells.node_times
        return Disc(t, ROUNDINGS_OF_NODE * EXTENDED_UNIT * np.abs(t).astype(np.float64))

    def at_nodes(self, series):
        """The state x̂ − E at the nodes, a list of s discs `(num, n)`."""
        error, rounding = node_values(series)
        states = np.concatenate(self.values[: self.order], axis=-1)  # (num, n, s)
        lost = np.concatenate(self.errors[: self.order], axis=-1)  # (num, s)
        return [
            Disc.rounded(states[..., j] - error[:, j].T, (lost[:, j] + rounding[j])[:, None])
            for j in range(states.shape[-1])
        ]

    def size_of(self, ratio):
        """Bounds of |x̂|, |x̂'|, |x̂''| on the ellipse of ρ, each `(num, d)`.

        Sums of absolute values over the weights or, where these cancel as those of least squares
        do, what polynomials through the nodes allow, if that is less.
        """
        if ratio not in self.sizes:
            both = zip(self.size_by_weights(ratio), self._by_nodes(ratio))
            self.sizes[ratio] = [np.fmin(*bounds) for bounds in both]
        return self.sizes[ratio]

    def size_by_weights(self, ratio):
        """The same by sums of absolute values, which the model's rounding grows with."""
        if ratio not in self.sums_of_weights:
            self.sums_of_weights[ratio] = self.trial.sizes(self.cells, ratio)
        return self.sums_of_weights[ratio]

    def _by_nodes(self, ratio):
        """The same from c_j, the coefficients of the interpolant.

            |y| ≤ Σ_j |c_j| ρ^j + min_σ 4 M (ρ/σ)^n/(1 − ρ/σ),   M ≥ |y| on the ellipse of σ > ρ

        as |a_j| ≤ 2 M σ^−j for the series a_j of y, whose terms from n on the nodes take for lower
        ones: each is missed, and added there, on the ellipse ρ^j at most.
        """
        powers, found = ratio ** np.arange(NUM_NODES), []
        for k, (values, errors) in enumerate(zip(self.values, self.errors)):
            series = np.abs(np.tensordot(EXTENDED_COEFFICIENTS, values, (1, 1)).astype(np.float64))
            top = np.abs(values).astype(np.float64).max(axis=1)
            off = 2.0 * errors + gamma(ROUNDINGS_OF_COEFFICIENT, EXTENDED_UNIT) * top
            size = np.tensordot(powers, series, 1)
            missed = np.full(top.shape, np.inf)
            for wider in (sigma for sigma in RATIOS if sigma > ratio):
                share = ratio / wider
                part = 4.0 * share**NUM_NODES / (1.0 - share)
                missed = np.fmin(missed, part * self.size_by_weights(wider)[k])
            found.append(size + powers.sum() * off + missed)
        return found

    def times_around(self, ratio):
        """t on the ellipse of ρ around each cell, `(num,)`."""
        return Disc(self.cells.middle, self.cells.radius(ratio))

    def around(self, series, ratio, tube=0.0):
        """The state x̂ − E on the ellipse of ρ, a list of s discs `(num,)`.

            |x̂(t) − x̂(middle)| ≤ |t − middle| sup|x̂'|,   and so for the velocity

        Args:
            series: of E.
            ratio: ρ; 1 is the cell itself.
            tube: how much larger the discs are to be, `(s, num)` or a number.
        """
        order, radius = self.order, self.cells.radius(ratio)[:, None]
        sizes = self.size_of(ratio)
        moved = np.concatenate([radius * sizes[k + 1] for k in range(order)], axis=-1)
        lost = np.concatenate(self.errors[:order], axis=-1)
        states = np.concatenate(self.at_middle[:order], axis=-1)
        error = np.einsum("j,jsk->ks", AT_MIDDLE, series)
        rounding = 4.0 * (NUM_NODES + 2.0) * UNIT * largest(series).T
        moved = moved + changes(series, ratio).T + np.transpose(tube)
        radius = outwards(moved + lost + rounding)
        centre = states - error
        return [Disc.rounded(centre[:, j], radius[:, j]) for j in range(centre.shape[1])]
