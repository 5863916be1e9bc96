"""Least squares on the free runs of a Duffing equation, begun where noise hardly matters."""

from typing import NamedTuple

import numpy as np

from .duffing_guesses import weak_form_guesses
from .duffing_runs import LARGEST_ANGLE, force_between, free_runs

AT_ONCE = 17  # runs in one call: the differences of eight numbers, or a run and sixteen steps
MOST_STEPS = 40
LEAST_FALL = 1e-8  # of the mean square error, below which the search ends
RELATIVE_STEP = 1e-6  # of the differences
POOR = 0.1  # RMSE over standard deviation above which the search is repeated in growing windows
WINDOWS = (0.1, 0.2, 0.4, 0.7, 1.0)
NUM_STARTS = 3
FEW_STEPS = 8


class Found(NamedTuple):
    """The best oscillator of a search; `error` is its run − y, `square` the mean of its square."""

    search: object
    oscillator: np.ndarray
    error: np.ndarray
    square: float

    @property
    def unit(self):
        return self.search.unit


class Search:
    """Least squares on free runs, in eight numbers, with 1/`unit` samples as the unit of time."""

    def __init__(self, y, u, unit, course):
        self.y, self.unit = y, unit
        parts = max(1, int(np.ceil(unit / LARGEST_ANGLE)))
        self.step, self.force = unit / parts, force_between(u, parts, course)

    def errors(self, oscillators):
        """Runs − y, `(num, N)`; not finite where a run leaves the range of numbers."""
        runs = []
        for first in range(0, len(oscillators), AT_ONCE):
            some = oscillators[first : first + AT_ONCE]
            padded = np.concatenate([some, np.repeat(some[:1], AT_ONCE - len(some), axis=0)])
            runs.append(free_runs(padded, self.force, self.step)[: len(some)])
        return np.concatenate(runs) - self.y

    def jacobian(self, oscillator):
        """∂error/∂oscillator by central differences, `(N, 8)`."""
        sizes = RELATIVE_STEP * np.maximum(np.abs(oscillator), 0.05)
        moved = oscillator + np.concatenate([np.diag(sizes), -np.diag(sizes)])
        ends = self.errors(moved)
        with np.errstate(invalid="ignore"):  # ∞ − ∞ where both run away
            return ((ends[:8] - ends[8:]) / (2.0 * sizes[:, None])).T

    def descend(self, oscillator, weights=1.0, only=slice(None), most=MOST_STEPS):
        """Levenberg–Marquardt; of each step sixteen lengths and Gauss–Newton's are tried."""
        error = self.errors(oscillator[None])[0]
        square = _squares(error[None], weights)[0]
        for _ in range(most):
            matrix = self.jacobian(oscillator)[:, only] * np.reshape(np.sqrt(weights), (-1, 1))
            if not (np.isfinite(matrix).all() and np.isfinite(square)):
                break
            lengths = np.linalg.norm(matrix, axis=0)
            lengths[lengths == 0.0] = 1.0
            left, sizes, right = np.linalg.svd(matrix / lengths, full_matrices=False)
            target = left.T @ (error * np.sqrt(weights))
            moves = np.zeros((AT_ONCE, 8))
            for move, damping in zip(moves, [1e-14, *np.logspace(-9.0, 2.0, AT_ONCE - 1)]):
                move[only] = -(right.T @ (sizes / (sizes**2 + damping) * target)) / lengths
            trials = self.errors(oscillator + moves)
            squares = _squares(trials, weights)
            i = int(np.argmin(squares))
            if not squares[i] < square:
                break
            fall = 1.0 - squares[i] / square
            oscillator, error, square = oscillator + moves[i], trials[i], squares[i]
            if fall < LEAST_FALL:
                break
        return Found(self, oscillator, error, float(_squares(error[None], 1.0)[0]))


def begin_search(y, u, period, course):
    """The best oscillator for one course of the force after a few steps, and other starts."""
    guesses = weak_form_guesses(y, u, course)
    unit = 2.0 * np.pi / period
    for _ in range(2):
        search = Search(y, u, unit, course)
        starts = np.zeros((len(guesses), 8))
        starts[:, :6] = guesses / unit ** np.array([2, 1, 2, 2, 2, 2])
        starts[:, 6] = y[0]
        squares = _squares(search.errors(starts)[:, len(y) // 4 :], 1.0)  # the start is a guess
        starts = starts[np.argsort(squares)[:NUM_STARTS]]
        found = search.descend(starts[0], only=slice(6, 8), most=2)
        found = search.descend(found.oscillator, most=FEW_STEPS)
        angle = np.sqrt(max(found.oscillator[0], 0.0)) * unit
        if search.step * angle / unit < 2.0 * LARGEST_ANGLE or angle > np.pi:
            break
        unit = angle  # the motion was slower than the oscillator is
    return found, starts


def finish_search(found, starts):
    """On to the end; if that does not fit, from all starts, in windows that grow."""
    search = found.search
    found = search.descend(found.oscillator)
    if found.square <= POOR**2:
        return found
    for start in starts:
        other = search.descend(start, only=slice(6, 8), most=2)
        for share in WINDOWS:
            weights = (np.arange(len(search.y)) < share * len(search.y)).astype(np.float64)
            other = search.descend(other.oscillator, weights, most=FEW_STEPS)
        if other.square < found.square:
            found = other
    return search.descend(found.oscillator)


def _squares(errors, weights):
    """Mean squares of rows; infinite where a row is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.mean(weights * errors**2, axis=1)
    return np.where(np.isfinite(squares), squares, np.inf)


def period_of(y):
    """Samples in a period of the strongest frequency."""
    power = np.abs(np.fft.rfft(y * np.hanning(len(y)))) ** 2
    return len(y) / max(1, int(np.argmax(power)))
