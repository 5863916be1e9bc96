"""Functions of time as Chebyshev series on short cells, and linear equations solved in them.

    f(t) = Σ_j c_j T_j(ξ),   t = begin + h (1 + ξ),   −1 ≤ ξ ≤ 1,   h half the length of a cell

A function known at the n zeros of T_n has the coefficients of its interpolant,
c_j = (2 − δ_j0)/n Σ_i f_i T_j(ξ_i). If it is analytic and |f| ≤ M on the ellipse with the foci ±1
and the half axes (ρ ± 1/ρ)/2, the interpolant is off by at most 4 M ρ^{1−n}/(ρ − 1).

Reference: L. N. Trefethen, "Approximation Theory and Approximation Practice", theorem 8.2.
"""

import itertools
from typing import NamedTuple

import numpy as np
from numpy.polynomial.chebyshev import chebint, chebvander

from .rounding import EXTENDED

NUM_NODES = 24
PI = 4.0 * np.arctan(EXTENDED(1.0))
ANGLES = PI * (np.arange(NUM_NODES) + EXTENDED(0.5)) / NUM_NODES
EXTENDED_NODES = np.cos(ANGLES)
COSINES = np.cos(np.arange(NUM_NODES)[:, None] * ANGLES)  # T_j at the nodes
EXTENDED_COEFFICIENTS = COSINES * 2.0 / NUM_NODES  # of values at the nodes
EXTENDED_COEFFICIENTS[0] *= 0.5
COEFFICIENTS = EXTENDED_COEFFICIENTS.astype(np.float64)
INTEGRAL = chebint(np.eye(NUM_NODES), lbnd=-1)  # of a series: coefficients of ∫ from −1 to ξ
INTEGRATED = COSINES.T.astype(np.float64) @ INTEGRAL[:-1] @ COEFFICIENTS  # T_n is 0 there
# Λ: an interpolant is at most so many times larger than the largest value at the nodes.
LEBESGUE = 2.0 / np.pi * np.log(NUM_NODES) + 1.0  # ≥ the constant of n zeros of T_n (Rivlin)
# And |interpolant| is on average over the cell at most so many times larger: its square, of degree
# 2n − 2, is integrated with the weight 1/√(1 − ξ²) by the n nodes without error (Gauss), to π at
# most; ∫ √(1 − ξ²) dξ = π/2, and by Cauchy and Schwarz ∫ |p| dξ ≤ π/√2.
MEAN = np.pi / np.sqrt(8.0) * (1.0 + 1e-15)
PICARD_STEPS = 60
STILL = 1e-15  # of y: the step after it would move y by a twentieth of that, and rounding does too
TURN = 1.1  # h |A| of a cell at most: a window by rule has 1, and damping makes hardly more of it
MOST_CELLS = 60_000  # a minute or two, and a gigabyte
MOST_TIMES = 65_536  # at once, 13 MB for the polynomials and as much for each coordinate


class Cells(NamedTuple):
    """Intervals of time one after another, each inside one window of a trial solution.

    | field    | content                  | shape     |
    |----------|--------------------------|-----------|
    | `begin`  | in s                     | (num,)    |
    | `end`    | in s                     | (num,)    |
    | `window` | index w of the window    | (num,)    |
    """

    begin: np.ndarray
    end: np.ndarray
    window: np.ndarray

    @classmethod
    def between(cls, edges, others, longest):
        """Cells between window edges, with ends at `others` too, none longer than `longest`."""
        inside = [t for t in others if edges[0] < t < edges[-1]]
        stops = np.union1d(edges, inside)
        pieces = [
            np.linspace(a, b, int(np.ceil((b - a) / longest)) + 1)[:-1]
            for a, b in itertools.pairwise(stops)
        ]
        times = np.unique(np.concatenate([*pieces, stops[-1:]]))  # far from 0 they may coincide
        window = np.searchsorted(edges, times[:-1], side="right") - 1
        return cls(times[:-1], times[1:], window)

    @property
    def half(self):
        """h, `(num,)`, in s."""
        return 0.5 * (self.end - self.begin)

    @property
    def middle(self):
        """Times `(num,)`, in s; far from 0 that of a short cell is rounded to one of its ends."""
        return 0.5 * (self.begin + self.end)

    def radius(self, ratio):
        """Of a disc around `middle` with the ellipse of ρ = `ratio` inside, `(num,)`, in s.

        (ρ + 1/ρ)/2 times h, and so much more as the middle may be rounded.
        """
        return self.half * 0.5 * (ratio + 1.0 / ratio) + self.rounding_of_times

    @property
    def rounding_of_times(self):
        """The distance from one number to the next at the end that is farther from 0, in s."""
        return np.spacing(np.maximum(np.abs(self.begin), np.abs(self.end)))

    @property
    def node_distances(self):
        """Times of the nodes since the cell began, extended, `(num, n)`, in s."""
        half = 0.5 * (self.end.astype(EXTENDED) - self.begin)
        return half[:, None] * (1.0 + EXTENDED_NODES)

    @property
    def node_times(self):
        """Times of the nodes, extended, `(num, n)`, in s."""
        return self.begin[:, None] + self.node_distances

    def select(self, which):
        """Some of the cells."""
        return Cells(*(a[which] for a in self))

    def divided(self, pieces):
        """Every cell cut into `pieces` (num,) of equal length, or fewer, with numbers between."""
        cuts = [
            np.unique(np.linspace(begin, end, num + 1))
            for begin, end, num in zip(self.begin, self.end, pieces)
        ]
        begin = np.concatenate([times[:-1] for times in cuts])
        end = np.concatenate([times[1:] for times in cuts])
        return Cells(begin, end, np.repeat(self.window, [len(times) - 1 for times in cuts]))

    @property
    def can_be_divided(self):
        """Whether a number lies between the ends, `(num,)`."""
        middle = self.middle
        return (self.begin < middle) & (middle < self.end)

    def index(self, t):
        """Index of the cell of each time `(num,)`; a time between two is in the later."""
        return np.clip(np.searchsorted(self.begin, t, side="right") - 1, 0, len(self.begin) - 1)

    def place(self, t):
        """`index` of each time `(num,)`, and ξ."""
        index = self.index(t)
        return index, self.xi(t, index)

    def xi(self, t, index):
        """ξ of times `(num,)` in cells of their own."""
        begin, end = self.begin[index], self.end[index]
        return ((t - begin) - (end - t)) / (end - begin)


def node_values_to_series(values):
    """Coefficients `(n, …)` of the interpolant of values `(n, …)` at the nodes."""
    return _on_first_axis(COEFFICIENTS, values)


def integrate_series(series, half):
    """Coefficients `(n + 1, s, num)` of the integral in time from the start of each cell."""
    return _on_first_axis(INTEGRAL, series) * half


def values_at(series, cell, xi):
    """Values `(num_times, s)` of series `(n, s, num_cells)` in the cells at places ξ."""
    values = np.empty((len(xi), series.shape[1]))
    for start in range(0, len(xi), MOST_TIMES):  # each time has all its polynomials in memory
        some = slice(start, start + MOST_TIMES)
        polynomials = chebvander(xi[some], len(series) - 1)
        np.einsum("tj,jst->ts", polynomials, series[:, :, cell[some]], out=values[some])
    return values


def solve_on_cells(rate, start, half):
    """y at the nodes of each cell, y' = rate(y), by Picard's iteration, all cells at once.

        y ← y(begin) + ∫ rate(y) dt

    It converges like (2 h |A|)^m/m!; cells have h |A| ≤ 1.1.

    Args:
        rate: linear function of y `(n, s, num, …)`, at the nodes.
        start: y at the start of each cell, `(s, num, …)`.
        half: h of the cells, `(num,)`, shaped so that it broadcasts against `start`.
    """
    y = np.broadcast_to(start, (NUM_NODES, *start.shape))
    for _ in range(PICARD_STEPS):
        before, y = y, start + half * _on_first_axis(INTEGRATED, rate(y))
        if np.abs(y - before).max() <= STILL * np.abs(y).max():
            break
    return y


def check_number_of_cells(num):
    """Raise where an error bar would take too long: a cell turns the motion by at most 2 rad."""
    if num > MOST_CELLS:
        raise ValueError(
            f"Error bars are worked out on at most {MOST_CELLS} cells, in each of which the motion "
            f"may turn by 2 rad. This equation and duration need {num:.3g}. Use a shorter duration."
        )


def _on_first_axis(matrix, values):
    return (matrix @ values.reshape(len(values), -1)).reshape(len(matrix), *values.shape[1:])
