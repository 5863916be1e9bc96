"""The residual of a trial solution for a linear problem: values, rounding, and how smooth it is."""

import numpy as np

from .chebyshev_cells import (
    LEBESGUE,
    MOST_CELLS,
    NUM_NODES,
    TURN,
    Cells,
    check_number_of_cells,
)
from .defect_bounds import spectral_size
from .linear_equation import analytic_force, not_linear, rough_times
from .rounding import EXTENDED_UNIT, TINIEST, UNIT, gamma

RATIOS = (1.5, 2.5, 4.0, 6.0, 9.0, 14.0, 22.0)  # ρ of ellipses, of which the best is taken
NEGLIGIBLE = 1e-9  # of the largest residual: what interpolation may miss of it
# A rhs as NumPy computes it, in the precision it likes, may differ so much from A s + B F, of the
# size of its terms: a thousand times what a dozen roundings of float64 do to them.
SAME = 1e-12
# From so many poor cells on it is asked whether shorter ones can be any better. Weights of 1e20
# would have 60 000 in vain: in a minute for a linear problem, in ten for a nonlinear one.
MANY_POOR = 512
PIECE = 1.0 / 64.0  # of a cell, on which it is asked: more cells than that there will not be


class ResidualBounds:
    """r = x̂^(n) − A [x̂; x̂'] − B F on `Cells`, n the order of the equation.

    Args:
        problem: `InitialValueProblem`.
        equation: its `LinearEquation`.
        trial: `TrialBounds`.
    """

    def __init__(self, problem, equation, trial):
        self.problem, self.equation, self.trial = problem, equation, trial
        d = trial.dimension
        self.row_sizes = np.abs(equation.matrix[-d:]).astype(np.float64)
        self.row_errors = equation.matrix_error[-d:]
        self.drive_sizes = np.abs(equation.drive).astype(np.float64)

    def cells(self):
        """Cells so short that interpolation misses next to nothing of r.

        They end where a window does, and where a force jumps or has a kink.
        """
        rough = [time for force in self.equation.forces for time in rough_times(force)]
        longest = 2.0 * TURN / max(spectral_size(self.equation.matrix), 1e-300)
        check_number_of_cells((self.trial.edges[-1] - self.trial.edges[0]) / longest)
        active, done, num_done = Cells.between(self.trial.edges, rough, longest), [], 0
        size = np.abs(self.values(active)).max()
        while True:
            allowed = np.maximum(self.rounding(active), NEGLIGIBLE * size)
            poor = ~((self.missed(active) <= allowed) | np.isnan(allowed)).all(axis=1)
            poor &= active.can_be_divided & np.isfinite(size)
            poor &= num_done + 2 * len(poor) <= MOST_CELLS
            if poor.sum() > MANY_POOR:
                poor[poor] = can_be_resolved(self.trial, active.select(poor))
            done.append(active.select(~poor))
            num_done += len(done[-1].begin)
            if not poor.any():
                break
            active = active.select(poor).divided(np.full(poor.sum(), 2))
        order = np.argsort(np.concatenate([one.begin for one in done]), kind="stable")
        return Cells(*(np.concatenate(a)[order] for a in zip(*done)))

    def values(self, cells):
        """r at the nodes, `(num, n, dimension)`."""
        return self.of_motion(cells, self.trial.values(cells))

    def of_motion(self, cells, motion):
        """r at the nodes for [x̂, x̂', x̂''] there."""
        forces = [force.values(cells.node_times) for force in self._forces(cells)]
        right, _ = self.equation.rates(self._state(motion), np.stack(forces, axis=-1))
        return (motion[self.trial.order] - right).astype(np.float64)

    def rounding(self, cells):
        """Rounding error of `values`, `(num, dimension)`, in m/s² (order 1: m/s)."""
        forces, sizes = self._forces(cells), self.trial.sizes(cells)
        of_forces = np.stack([f.size(cells.middle, cells.radius(1.0)) for f in forces], axis=-1)
        of_coefficients = (
            self._state(sizes) @ self.row_errors.T + of_forces @ self.equation.drive_error.T
        )
        roundings = [f.rounding(cells.middle, cells.half) for f in forces]
        moved = self._sum(self.trial.errors(cells), np.stack(roundings, axis=-1))
        terms = self._sum(sizes, of_forces)
        # A product, the sums of a row of A and of B, of both, and the difference.
        count = gamma(len(self.row_sizes.T) + len(forces) + 3.0, EXTENDED_UNIT)
        return of_coefficients + moved + count * (terms + moved) + TINIEST

    def missed(self, cells):
        """Bound of |r − interpolant|, `(num, dimension)`.

        4 M ρ^{1−n}/(ρ − 1), M ≥ |r| on an ellipse, with the best ρ; and never more than
        (1 + Λ) max|r| on the cell, as the interpolant is at most Λ times the largest value.
        """
        forces, middle = self._forces(cells), cells.middle
        with np.errstate(over="ignore", invalid="ignore"):
            on_cell = np.stack([f.size(middle, cells.radius(1.0)) for f in forces], axis=-1)
            best = (1.0 + LEBESGUE) * self._sum(self.trial.sizes(cells), on_cell)
            for ratio in RATIOS:
                off_line = np.stack([f.bound(middle, cells.radius(ratio)) for f in forces], axis=-1)
                largest = self._sum(self.trial.sizes(cells, ratio), off_line)
                best = np.fmin(best, 4.0 * largest * ratio ** (1 - NUM_NODES) / (ratio - 1.0))
        return np.where(np.isnan(best), np.inf, best)

    def check_rhs(self, cells, motion):
        """Raise unless the problem's own rhs, with its own forces, is A s + B F at every node.

        The symbols have proven it for any state; here are the numbers, at the motion's own size.
        """
        times = cells.node_times.astype(np.float64).reshape(-1)
        states = self._state(motion).astype(np.float64).reshape(len(times), -1)
        forces = [analytic_force(force, times) for force in self.equation.forces]
        values = np.stack([force.values(times[:, None])[:, 0] for force in forces], axis=-1)
        expected, terms = self.equation.rates(states, values)
        off = np.stack([f.rounding(times, 0.0, UNIT) for f in forces], axis=-1)
        # Terms that cancel in A and B left traces there, of u of the numbers in which they are.
        errors = np.abs(states) @ self.row_errors.T + np.abs(values) @ self.equation.drive_error.T
        allowed = SAME * (terms + errors / EXTENDED_UNIT) + off @ self.drive_sizes.T + TINIEST
        parts = np.split(states, self.trial.order, axis=-1)
        try:
            rates = np.asarray(self.problem.rhs(times[:, None], *parts), np.float64)
        except Exception as error:  # a user's own function
            raise not_linear(self.problem, f"it failed at the nodes: {error}") from error
        received = np.broadcast_to(rates, expected.shape)
        wrong = (np.abs(received - expected) > allowed).any(axis=1) & np.isfinite(terms).all(axis=1)
        if wrong.any():
            raise not_linear(
                self.problem, f"it has other terms at t = {times[np.argmax(wrong)]:g} s"
            )

    def jump_at_end(self):
        """|B| |F(t_end) − F before it|, `(dimension,)`: a step at the last instant."""
        end = self.trial.edges[-1]
        steps = [
            abs(float(np.reshape(force(end), -1)[0])) if end in rough_times(force) else 0.0
            for force in self.equation.forces
        ]
        return self.drive_sizes @ np.array(steps)

    def _state(self, motion):
        return np.concatenate(motion[: self.trial.order], axis=-1)

    def _sum(self, motion, forces):
        """|x̂^(n)| + |A| [|x̂|; |x̂'|] + |B| |F|, `(num, dimension)`."""
        rate = motion[self.trial.order]
        return rate + self._state(motion) @ self.row_sizes.T + forces @ self.drive_sizes.T

    def _forces(self, cells):
        return [analytic_force(force, cells.begin, cells.end) for force in self.equation.forces]


def can_be_resolved(trial, cells):
    """Whether a polynomial follows x̂^(n), n the order, on some short piece of each cell, `(num,)`.

    At its start, middle or end. Where it does on none, as where a wave turns a million times or its
    phase is lost in rounding, no division helps.

    Args:
        trial: `TrialBounds`.
        cells: `Cells`.
    """
    found = np.zeros(len(cells.begin), bool)
    width = PIECE * (cells.end - cells.begin)
    for begin in (cells.begin, cells.middle, cells.end - width):
        begin = np.minimum(begin, np.nextafter(cells.end, -np.inf))
        end = np.clip(begin + width, np.nextafter(begin, np.inf), cells.end)
        piece = Cells(begin, end, cells.window)
        with np.errstate(over="ignore", invalid="ignore"):  # which is an answer too
            sizes = [trial.sizes(piece, ratio)[trial.order] for ratio in RATIOS]
            missed = missed_by_interpolation(sizes)
        found |= (missed <= trial.sizes(piece)[trial.order]).all(axis=1)
    return found


def missed_by_interpolation(sizes):
    """min_ρ 4 M ρ^{1−n}/(ρ − 1), M ≥ |g| on the ellipse of ρ: bound of |g − interpolant|.

    Args:
        sizes: M for each of `RATIOS`.
    """
    best = np.inf
    for ratio, size in zip(RATIOS, sizes, strict=True):
        size = np.where(np.isnan(size), np.inf, size)
        best = np.fmin(best, 4.0 * size * ratio ** (1 - NUM_NODES) / (ratio - 1.0))
    return best
