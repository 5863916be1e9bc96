"""Least squares on the free runs of a Duffing equation, over a record or over windows of it."""

from typing import NamedTuple

import numpy as np

from .duffing_runs import LARGEST_ANGLE, force_between, free_runs

AT_ONCE = 17  # runs in one call: the differences of eight numbers, or a run and sixteen steps
MOST_STEPS = 40
LEAST_FALL = 1e-8  # of the mean square error, below which the search ends
RELATIVE_STEP = 1e-6  # of the differences
DAMPINGS = (1e-12, *np.logspace(-9.0, 2.0, AT_ONCE - 1))  # of columns of length one


class FoundMinimum(NamedTuple):
    """The best oscillator of a search.

    | field       | content                                                        |
    |-------------|----------------------------------------------------------------|
    | `search`    | the `Search`                                                   |
    | `constants` | (s_1, d, s_2, s_3, G, c), `(6,)`                               |
    | `starts`    | (y, y') at the start of every window, `(windows, 2)`           |
    | `error`     | its run − y, `(N,)`                                            |
    | `square`    | the mean of its square; infinite if the run is not finite      |
    """

    search: object
    constants: np.ndarray
    starts: np.ndarray
    error: np.ndarray
    square: float

    @property
    def variance(self):
        """Square of the error by degree of freedom: what was fitted to the noise is not missed."""
        numbers = self.constants.size + self.starts.size
        return self.square * self.error.size / max(self.error.size - numbers, 1)


class Search:
    """Least squares on free runs, with 1/`unit` samples as the unit of time.

    A record is cut into windows of equal length. The constants are shared; every window has a
    start of its own, so that a run forgets what it did wrong before.
    """

    def __init__(self, y, u, unit, course, window=None):
        self.y, self.u, self.unit, self.course = y, u, unit, course
        self.window = min(window or len(y), len(y))
        self.num_windows = -(-len(y) // self.window)
        parts = 2 ** max(0, int(np.ceil(np.log2(unit / LARGEST_ANGLE))))  # few shapes to compile
        force = force_between(u, parts, course)
        beyond = self.num_windows * self.window - len(force)
        force = np.pad(force, [(0, beyond), (0, 0)], mode="edge")
        force = force.reshape(self.num_windows, self.window, -1)
        self.step, self.force = unit / parts, force[:, :-1]

    def with_window(self, window):
        """The same search in windows of another length."""
        return type(self)(self.y, self.u, self.unit, self.course, window)

    def errors(self, constants, starts):
        """Runs − y, `(num, N)`; not finite where a run leaves the range of numbers."""
        runs = []
        for first in range(0, len(constants), AT_ONCE):
            some = [a[first : first + AT_ONCE] for a in (constants, starts)]
            lack = AT_ONCE - len(some[0])
            padded = (np.concatenate([a, np.repeat(a[:1], lack, axis=0)]) for a in some)
            run = free_runs(*padded, self.force, self.step)[: len(some[0])]
            runs.append(run.reshape(len(run), -1)[:, : len(self.y)])
        return np.concatenate(runs) - self.y

    def found(self, constants, starts):
        error = self.errors(constants[None], starts[None])[0]
        return FoundMinimum(self, constants, starts, error, float(mean_squares(error[None])[0]))

    def jacobian(self, constants, starts):
        """∂error/∂constants `(N, 6)` and ∂error/∂(start of its window) `(N, 2)`, by differences."""
        numbers = np.concatenate([constants, np.abs(starts).max(axis=0)])
        sizes = RELATIVE_STEP * np.maximum(np.abs(numbers), 0.05)
        moves = np.concatenate([np.diag(sizes), -np.diag(sizes)])
        ends = self.errors(constants + moves[:, :6], starts + moves[:, None, 6:])
        with np.errstate(invalid="ignore"):  # ∞ − ∞ where both run away
            slopes = ((ends[:8] - ends[8:]) / (2.0 * sizes[:, None])).T
        return slopes[:, :6], slopes[:, 6:]

    def descend(self, found, most=MOST_STEPS, starts_only=False):
        """Levenberg–Marquardt; of each step sixteen lengths and Gauss–Newton's are tried.

        Args:
            found: `FoundMinimum` of this search, where it begins.
            most: steps.
            starts_only: whether the constants stay as they are.
        """
        constants, starts, error, square = found[1:]
        for _ in range(most):
            slopes = self.jacobian(constants, starts)
            if not (np.isfinite(square) and all(np.isfinite(a).all() for a in slopes)):
                break
            moves = self._moves(*slopes, error, starts_only)
            moved = constants + moves[0], starts + moves[1]
            trials = self.errors(*moved)
            squares = mean_squares(trials)
            i = int(np.argmin(squares))
            if not squares[i] < square:
                break
            fall = 1.0 - squares[i] / square
            constants, starts, error, square = moved[0][i], moved[1][i], trials[i], squares[i]
            if fall < LEAST_FALL:
                break
        return FoundMinimum(self, constants, starts, error, float(square))

    def in_windows(self, samples):
        """`(N, …)` as `(windows, window, …)`, with zeros after the end."""
        beyond = self.num_windows * self.window - len(samples)
        padded = np.pad(samples, [(0, beyond)] + [(0, 0)] * (samples.ndim - 1))
        return padded.reshape(self.num_windows, self.window, *samples.shape[1:])

    def _moves(self, by_constants, by_starts, error, starts_only):
        """Steps of Levenberg–Marquardt, `(17, 6)` and `(17, windows, 2)`.

        The starts are eliminated window by window, so that their number costs no more than the
        record's length.
        """
        shared, sizes = _of_length_one(by_constants, axis=0)
        shared, error = self.in_windows(shared), self.in_windows(error)
        own, own_sizes = _of_length_one(self.in_windows(by_starts), axis=1)
        damping = np.reshape(DAMPINGS, (-1, 1, 1, 1))
        inverse = np.linalg.inv(np.swapaxes(own, 1, 2) @ own + damping * np.eye(2))
        target = np.einsum("wnj,wn->wj", own, error)
        across = np.swapaxes(own, 1, 2) @ shared
        moves = np.zeros((AT_ONCE, 6))
        if not starts_only:
            matrix = np.einsum("wnj,wnk->jk", shared, shared) + damping[:, 0] * np.eye(6)
            matrix = matrix - np.sum(np.swapaxes(across, 1, 2) @ inverse @ across, axis=1)
            right = np.einsum("wnj,wn->j", shared, error)
            right = right - np.einsum("wkj,lwkm,wm->lj", across, inverse, target)
            moves = -np.linalg.solve(matrix, right[:, :, None])[:, :, 0]
        rest = -target - np.einsum("wkj,lj->lwk", across, moves)
        own_moves = np.einsum("lwkm,lwm->lwk", inverse, rest)
        return moves / sizes, own_moves / own_sizes[:, 0]


def _of_length_one(columns, axis):
    sizes = np.linalg.norm(columns, axis=axis, keepdims=True)
    sizes[sizes == 0.0] = 1.0
    return columns / sizes, sizes[0] if axis == 0 else sizes


def mean_squares(errors):
    """Mean squares of rows; infinite where a row is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.mean(errors**2, axis=1)
    return np.where(np.isfinite(squares), squares, np.inf)
