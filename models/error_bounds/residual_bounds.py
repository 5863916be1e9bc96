"""The residual of a trial solution for a linear problem: values, rounding, and how smooth it is."""

import numpy as np

from .chebyshev_cells import MOST_CELLS, NUM_NODES, Cells, check_number_of_cells
from .defect_bounds import spectral_size
from .linear_equation import analytic_force, kinks

RATIOS = (2.5, 4.0, 6.0, 9.0, 14.0, 22.0)  # ρ of ellipses, of which the best is taken
NEGLIGIBLE = 1e-9  # of the largest residual: what interpolation may miss of it


class ResidualBounds:
    """r = x̂^(n) − A [x̂; x̂'] − B F on `Cells`, n the order of the equation.

    Args:
        equation: `LinearEquation`.
        trial: `TrialBounds`.
    """

    def __init__(self, equation, trial):
        self.equation, self.trial = equation, trial
        self.rows = equation.matrix[-trial.dimension :]
        self.row_sizes = np.abs(self.rows).astype(np.float64)
        self.drive_sizes = np.abs(equation.drive).astype(np.float64)

    def cells(self, end):
        """Cells up to a time, so short that interpolation misses next to nothing of r.

        They end where a window does, and where a force jumps or has a kink.
        """
        others = [time for force in self.equation.forces for time in kinks(force)]
        edges = self.trial.edges.copy()
        edges[-1] = max(edges[-1], end)  # which may differ by a rounding
        longest = 2.0 / max(spectral_size(self.equation.matrix), 1e-300)
        check_number_of_cells((edges[-1] - edges[0]) / longest)
        active, done, num_done = Cells.between(edges, others, longest), [], 0
        size = np.abs(self.values(active)).max()
        while True:
            allowed = np.maximum(self.rounding(active), NEGLIGIBLE * size)
            poor = ~(self.missed(active) <= allowed).all(axis=1)
            poor &= num_done + 2 * len(poor) <= MOST_CELLS
            done.append(active.select(~poor))
            num_done += len(done[-1].begin)
            if not poor.any():
                break
            active = active.select(poor).divided(np.full(poor.sum(), 2))
        order = np.argsort(np.concatenate([one.begin for one in done]))
        return Cells(*(np.concatenate(a)[order] for a in zip(*done)))

    def values(self, cells):
        """r at the nodes, `(num, n, dimension)`."""
        times = cells.node_times
        *state, rate = self.trial.values(cells)[: self.trial.order + 1]
        forces = [force.values(times) for force in self._forces(cells)]
        right = (
            np.concatenate(state, -1) @ self.rows.T + np.stack(forces, -1) @ self.equation.drive.T
        )
        return (rate - right).astype(np.float64)

    def rounding(self, cells):
        """Rounding error of `values`, `(num, dimension)`."""
        forces, middle, half = self._forces(cells), cells.middle, cells.half
        terms = self._sum(self.trial.sizes(cells), [f.size(middle, half) for f in forces])
        moved = self._sum(self.trial.errors(cells), [f.rounding(middle, half) for f in forces])
        return moved + (len(self.rows.T) + 32.0) * self.equation.unit * terms

    def missed(self, cells):
        """4 M ρ^{1−n}/(ρ − 1) ≥ |r − interpolant| for the best ρ, `(num, dimension)`."""
        forces, best = self._forces(cells), np.inf
        with np.errstate(over="ignore", invalid="ignore"):
            for ratio in RATIOS:
                radius = cells.half * 0.5 * (ratio + 1.0 / ratio)
                sizes = self.trial.sizes(cells, ratio)
                largest = self._sum(sizes, [f.bound(cells.middle, radius) for f in forces])
                missed = 4.001 * largest * ratio ** (1 - NUM_NODES) / (ratio - 1.0)
                best = np.fmin(best, missed)
        return np.where(np.isnan(best), np.inf, best)

    def _sum(self, motion, forces):
        """|x̂^(n)| + |A| [|x̂|; |x̂'|] + |B| |F|, `(num, dimension)`."""
        *state, rate = motion[: self.trial.order + 1]
        state, forces = np.concatenate(state, axis=-1), np.stack(forces, axis=-1)
        with np.errstate(over="ignore", invalid="ignore"):
            return rate + state @ self.row_sizes.T + forces @ self.drive_sizes.T

    def _forces(self, cells):
        return [analytic_force(force, cells.middle) for force in self.equation.forces]
