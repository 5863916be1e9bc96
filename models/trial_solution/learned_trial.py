"""A trial solution all of whose weights are learned, one window after another."""

import keras
import numpy as np
from keras import ops

from ..equation.equation_checks import checked_rhs
from ..equation.plain_forces import with_given_force
from ..least_squares.line_search import Point, joined
from .time_windows import Place
from .trial_solution import TrialSolution

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


class LearnedTrial(TrialSolution):
    """`TrialSolution` whose network is `WindowNetworks`: every window has weights of its own.

    The state at the start of a window follows from the windows before it, and from nothing after
    it. So a window is an initial-value problem for its weights alone once those are trained.
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

    def start_of(self, window):
        """[x_w, v_w], order 1: [x_w], each `(1, dimension)`."""
        return [tf.gather(y, [window]) for y in self.window_starts(self.problem)]

    def window_residuals(self, x, window, start, weights):
        """r at times inside one window, for its start and its weights."""
        problem, x = with_given_force(self.problem, x)
        t, edges = self.domain.times(x), np.array(self.window_edges)
        of_windows = ops.convert_to_tensor(np.stack([edges[:-1], np.diff(edges)]), t.dtype)
        begin, length = ops.unstack(tf.gather(of_windows, window, axis=1), 2)
        tau = 2.0 * (t - begin) / length - 1.0
        place = Place(t, None, t - begin, length, tau, None, problem)
        values = self.network.derivatives(place.inputs, weights=weights)
        *state, rate = self.h2_motion(place, *values)[: problem.order + 1]
        state = [a + b for a, b in zip(state, start)]
        if problem.order == 2:
            state[0] = state[0] + start[1] * place.elapsed
        return rate - checked_rhs(problem.rhs(t, *state, ops=ops), rate)


# Where a window's training ends, max |r| in units of X/L² (order 1: X/L), X the size of the motion
# and L of the window: below, steps are many and gain little (1e-8 takes twice as many as 3e-7).
FINEST = 1e-7


class WindowObjective:
    """The cost of a window, mean r² at its points, as a function of its weights in one vector.

    It has the methods of `Objective`, moves no weight before `move`, and knows the smallest |r|
    that is worth its steps, `finest`.

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
        """`Point` at other weights."""
        with tf.GradientTape() as tape:
            tape.watch(weights)
            cost = tf.reduce_mean(tf.square(self._residuals(weights)))
        return Point(tf.cast(cost, "float64"), tape.gradient(cost, weights))

    def at_present(self):
        """`Point` at the present weights."""
        return self.at(self.weights())

    def residuals(self):
        """r of the window at the present weights."""
        return self._residuals(self.weights())

    def _residuals(self, weights):
        return self.trial.window_residuals(self.x, self.window, self.start, self._split(weights))

    def _split(self, weights):
        parts = tf.split(weights, [int(np.prod(shape)) for shape in self.shapes])
        dtype = self.trial.compute_dtype
        return [tf.cast(tf.reshape(a, s), dtype) for a, s in zip(parts, self.shapes)]
