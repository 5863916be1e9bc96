"""A trial solution all of whose weights are learned, one window after another."""

import functools

import keras
import numpy as np
from keras import ops

from ..equation.equation_checks import checked_rhs
from ..equation.plain_forces import with_given_force
from ..least_squares.line_search import joined, line_point
from .time_windows import Place
from .trial_solution import TrialSolution

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


class LearnedTrial(TrialSolution):
    """`TrialSolution` whose network is `WindowNetworks`: every window has weights of its own.

    The state at the start of a window follows from the windows before it, and from nothing after
    it. So a window is an initial-value problem for its weights alone once those are trained.

    Gradients take that state as given: a window learns to go on from where the one before ends, and
    never bends what is past to make its own residual smaller. All windows can be trained at once
    then. While those before it are far off, a window begins as near to the coarse Runge–Kutta run
    that has placed the windows as `REACH` says, or it would learn to go on from where no motion
    leads; once they obey the equation, it begins where they end, and nothing of that run is left.
    """

    @property
    def num_stages(self):
        return self.num_windows

    def window_objective(self, x, window):
        """The cost of one window as a function of its weights, `WindowObjective`.

        Args:
            x: a batch of collocation points, the same number in each window, in order.
            window: index w, a tensor.
        """
        return WindowObjective(self, x, window)

    def _start_of(self, place):
        return [ops.stop_gradient(y) for y in super()._start_of(place)]

    def residuals_side_by_side(self, x):
        """r at a batch of collocation points, equally many in each window, in order.

        What `residuals` gives, by one product for each layer in place of one for each row; but
        no window begins further than `REACH` from the sketch of the motion.
        """
        problem, x = with_given_force(self.problem, x)
        t, size = self.domain.times(x), self.num_windows
        begin, length = (ops.reshape(a, (size, 1, 1)) for a in self._begins_and_lengths(t.dtype))
        start = [y[:, None] for y in self._within_reach(self.window_starts(problem))]
        by_window = ops.reshape(t, (size, -1, 1))
        motion = self._motion_in(by_window, begin, length, start, self.network.side_by_side())
        *state, rate = (ops.reshape(a, (-1, problem.dimension)) for a in motion)
        return rate - checked_rhs(problem.rhs(t, *state, ops=ops), rate)

    def _within_reach(self, starts):
        """States as given, but no further than `REACH` from the sketch of the motion."""
        near = (ops.clip(y, g - r, g + r) for y, g, r in zip(starts, *self._places_in_reach))
        return [ops.stop_gradient(y) for y in near]

    @functools.cached_property
    def _places_in_reach(self):
        """States where windows begin by the sketch, a list of `(W, dimension)`, and the reaches."""
        sketch, num = self.domain.sketch(), self.problem.order
        guesses, off = sketch.states_at(self.window_edges[:-1])
        off, sizes = (
            [part.max() for part in np.split(a, num)]
            for a in (off, np.abs(sketch.states).max(axis=0))
        )
        smallest = np.finfo(float).tiny
        rooms = [max(REACH * size, UNSURE * by, smallest) for size, by in zip(sizes, off)]
        return np.split(guesses, num, axis=-1), rooms

    def start_of(self, window):
        """[x_w, v_w], order 1: [x_w], each `(1, dimension)`."""
        return [tf.gather(y, [window]) for y in self.window_starts(self.problem)]

    def window_residuals(self, x, window, start, weights):
        """r at times inside one window, for its start and its weights."""
        problem, x = with_given_force(self.problem, x)
        t = self.domain.times(x)
        begin, length = (tf.gather(a, window) for a in self._begins_and_lengths(t.dtype))
        *state, rate = self._motion_in(t, begin, length, start, weights)
        return rate - checked_rhs(problem.rhs(t, *state, ops=ops), rate)

    def _begins_and_lengths(self, dtype):
        """e_w and L_w of all windows, each `(W,)`, in s."""
        edges = np.array(self.window_edges)
        return [ops.convert_to_tensor(a, dtype) for a in (edges[:-1], np.diff(edges))]

    def _motion_in(self, t, begin, length, start, weights):
        """[x̂, x̂', x̂''] (order 1: [x̂, x̂']) inside windows, from states at their starts.

        Args:
            t: times, `(…, num, 1)`, in s.
            begin: e_w of their window, in s.
            length: L_w, in s.
            start: [x_w, v_w], order 1: [x_w], each `(…, 1, dimension)`.
            weights: those of the window, as `WindowNetworks.derivatives` takes them.
        """
        elapsed = t - begin
        place = Place(t, None, elapsed, length, 2.0 * elapsed / length - 1.0, None, self.problem)
        values = self.network.derivatives(place.tau, weights=weights)
        *state, rate = self.h2_motion(place, *values)[: self.problem.order + 1]
        state = [a + b for a, b in zip(state, start)]
        if self.problem.order == 2:
            state[0] = state[0] + start[1] * elapsed
        return [*state, rate]


# Where a window's training ends, max |r| in units of X/L² (order 1: X/L), X the size of the motion
# and L of the window. Van der Pol with μ = 5 over 20 s ends at an error of 1.5e-7 with 1e-7, 7e-8
# with 3e-8 and 1.5e-8 with 1e-8, after 25, 31 and 40 thousand steps (1.6 to 2.3 s).
FINEST = 1e-8
# How far from the sketch a window may begin, as a share of the largest position or speed there,
# while all are trained at once. Windows that settle one after another take each other's errors as
# their start, and Adam's jumps in one window throw off all after it: ω0 = 80 rad/s over 1 s, 40
# windows, ended at an error of 8 after 25,000 steps of Adam where each began anywhere, and after
# 16,000 at 1e-3 with 0.01 and at 4e-4 with 0.001; Duffing over 20π s, 35 windows, after 25,000 at
# 0.25 with 0.1, at 1e-3 with 0.01 and at 7e-5 with 0.001. The sketch itself, RK4 in steps of 0.05
# rad, was wrong by less than 1e-4 there, so that the motion lies within reach.
REACH = 0.001
# Where the sketch is worse, a window begins so many times further from it as halving its steps has
# moved it. A force that jumps inside a step of RK4 adds up to a third of that step too much or too
# little, and halving it moves that by a twelfth at least: half steps are off by twice as much.
UNSURE = 4.0


class WindowObjective:
    """The cost of a window, mean r² at its points, as a function of its weights in one vector.

    It has the methods of `Objective` that a line search asks for, moves no weight before `move`,
    and knows the smallest |r| that is worth its steps, `finest`.

    Args:
        trial: `LearnedTrial`.
        x: a batch of points, the same number in each window, in order.
        window: index w, a tensor.
    """

    def __init__(self, trial, x, window):
        self.trial, self.window = trial, window
        self.variables = trial.network.arrays
        if not all(variable.trainable for variable in self.variables):
            raise ValueError(
                "Window after window, all weights of a network are trained. Received: frozen "
                "weights. Set network.trainable = True, or compile keras.optimizers.Adam."
            )
        self.shapes = [variable.shape[1:] for variable in self.variables]
        self.start = trial.start_of(window)
        units = FINEST / np.diff(trial.window_edges) ** trial.problem.order
        self.finest = tf.cast(trial.network.size, "float64") * tf.gather(units, window)
        self.x = tf.nest.map_structure(self._rows, x)

    def _rows(self, column):
        """Those of the window."""
        num = self.trial.num_windows
        if column.shape[0] is None or column.shape[0] % num:
            raise ValueError(
                f"A PINN of {num} windows is trained at equally many times in each. Received "
                f"{column.shape[0]} times. Use collocation_points()."
            )
        return tf.gather(tf.reshape(column, (num, -1, column.shape[-1])), self.window)

    def weights(self):
        """The weights of the window, `(n,)`, a copy."""
        return joined([tf.gather(variable.value, self.window) for variable in self.variables])

    def move(self, weights):
        """Put other weights `(n,)` in their place."""
        for variable, part in zip(self.variables, self._split(weights)):
            row = tf.cast(part, variable.dtype)[None]
            at = tf.reshape(self.window, (1, 1))
            variable.assign(tf.tensor_scatter_nd_update(variable.value, at, row))

    def at(self, weights):
        """`LinePoint` at other weights."""
        return line_point(
            lambda: self._residuals(weights), lambda r: tf.reduce_mean(tf.square(r)), weights
        )

    def _residuals(self, weights):
        return self.trial.window_residuals(self.x, self.window, self.start, self._split(weights))

    def _split(self, weights):
        parts = tf.split(weights, [int(np.prod(shape)) for shape in self.shapes])
        dtype = self.trial.compute_dtype
        return [tf.cast(tf.reshape(a, s), dtype) for a, s in zip(parts, self.shapes)]
