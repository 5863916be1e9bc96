"""The motion x̂ − E on cells as discs: at the nodes, off the real line, and with a tube around."""

import numpy as np

from ..error_bounds.chebyshev_cells import NUM_NODES
from ..error_bounds.rounding import EXTENDED, EXTENDED_UNIT, UNIT
from .cell_polynomials import changes, largest, node_values
from .discs import Disc, outwards
from .right_hand_side import ROUNDINGS_OF_NODE

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
        self.sizes = {}

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
        """Bounds of |x̂|, |x̂'|, |x̂''| on the ellipse of ρ, each `(num, d)`."""
        if ratio not in self.sizes:
            self.sizes[ratio] = self.trial.sizes(self.cells, ratio)
        return self.sizes[ratio]

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
