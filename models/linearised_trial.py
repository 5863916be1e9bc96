"""How the residual of a trial solution changes with its weights, in closed form."""

import keras
import numpy as np
from keras import ops

from .elimination import Linearised
from .equation_checks import checked_rhs
from .force_data import with_given_force
from .trial_model import TrialModel

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


class LinearisedTrial(TrialModel):
    """A trial solution that gives least-squares training its Jacobian.

    With c_k[i, j] = ∂r_i/∂x_j^(k), that is −∂rhs_i/∂x_j, −∂rhs_i/∂v_j and δ_ij, and the product
    rule x^(k) = h1^(k) + Σ_m T_km N^(m), the network's derivatives move the residual by

        g_m = Σ_k c_k T_km,    ∂r/∂A_w = Σ_m g_m h^(m),    ∂r/∂h^(m) = g_m A_w

    and the hidden weights move h^(m) as `DenseNetwork.hidden_jacobian` says.
    """

    def linearise(self, x, y=None, sample_weight=None, others=True, windows=None):
        """`Linearised` at the times of a batch, the same number in each window.

        Args:
            x: times `(num, 1)`, or a dictionary with them.
            y: None.
            sample_weight: None.
            others: whether to differentiate with respect to the hidden weights too.
            windows: pair (first, number) of the windows in which the times lie; None: all.
        """
        first, num_windows = (0, self.num_windows) if windows is None else windows
        influences, residual, slopes, place, state = self._influences(x, first, num_windows)
        features = self._with_bias(self.network.features(place.inputs))
        num, dimension = ops.shape(residual)
        readout = sum(ops.einsum("nij,nh->nihj", g, h) for g, h in zip(influences, features))
        readout = ops.reshape(readout, (num, dimension, -1))
        if not others:
            columns = residual[..., None][..., :0]
        elif self.unknowns is not None:
            columns = -self._rhs_by_unknowns(x, place, state)
        else:
            columns = self._hidden_columns(place, influences)

        def by_window(columns):
            shape = (num_windows, num // num_windows * dimension, *columns.shape[2:])
            return ops.reshape(columns, shape)

        return Linearised(
            by_window(residual),
            by_window(readout),
            by_window(columns),
            *self._passing_on(place, slopes, by_window, columns.shape[-1], first, num_windows),
        )

    @property
    def num_windows(self):
        return len(self.window_edges) - 1

    def _influences(self, x, first, num_windows):
        """g_0, g_1, g_2 `(num, dimension, dimension)`, the residual, ∂rhs/∂(x, v), the place."""
        problem, x = with_given_force(self.problem_for(x), x)
        place = self.in_windows(self.place(x), first, num_windows)
        order = self.problem.order
        *state, rate = self.motion(place)[: order + 1]
        rhs, slopes = _with_slopes(problem, place.t, state, rate)
        unit = ops.eye(self.problem.dimension, dtype=rate.dtype)[None]
        factors = [*(-slope for slope in slopes), unit]
        products = _product_rule(self.h2_derivatives(place), 2.0 / place.length)
        influences = [
            sum(factors[k] * products[k][m][:, None, :] for k in range(m, order + 1))
            for m in range(order + 1)
        ]
        return influences, rate - rhs, slopes, place, state

    def in_windows(self, place, first, num_windows):
        """The place as it is, if its times come in order and equally many in each window."""
        if self.num_windows == 1:
            return place
        num = place.t.shape[0]
        if num is None or num % num_windows:
            raise ValueError(
                f"Least squares in {num_windows} windows takes the same number of times in "
                f"each. Received {num} times. Use collocation_points()."
            )
        expected = first + tf.repeat(tf.range(num_windows), num // num_windows)
        message = "Least squares in windows takes equally many times in each: collocation_points()."
        with tf.control_dependencies([tf.debugging.assert_equal(place.window, expected, message)]):
            return place._replace(t=tf.identity(place.t))

    def _rhs_by_unknowns(self, x, place, state):
        """∂rhs/∂θ at the same x and v, `(num, dimension, Q)`."""
        num = ops.shape(place.t)[0]
        rows = ops.tile(ops.reshape(self.unknowns.raw, (1, -1)), (num, 1))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(rows)
            problem, _ = with_given_force(self.unknowns.problem(self.problem, rows), x)
            rhs = checked_rhs(problem.rhs(place.t, *state, ops=ops), state[0])
            coordinates = tf.unstack(
                rhs + ops.zeros_like(state[0]), num=self.problem.dimension, axis=-1
            )
        gradients = [tape.gradient(c, rows, unconnected_gradients="zero") for c in coordinates]
        return tf.stack(gradients, axis=1)

    def _start_by_unknowns(self):
        """∂(x_0, v_0)/∂θ, `(order · dimension, Q)`."""
        with tf.GradientTape(persistent=True) as tape:
            raw = ops.reshape(self.unknowns.raw, (1, -1)) + 0.0
            tape.watch(raw)
            start = self.unknowns.problem(self.problem, raw).initial_state()
            numbers = tf.unstack(tf.concat([tf.cast(y, raw.dtype) for y in start], axis=-1)[0])
        gradients = [tape.gradient(c, raw, unconnected_gradients="zero") for c in numbers]
        return tf.concat(gradients, axis=0)

    def _hidden_columns(self, place, influences):
        kernel = self.network.readout.kernel
        if place.window is None:
            seeds = [ops.einsum("nij,hj->nih", g, kernel[0]) for g in influences]
        else:
            kernel = ops.take(kernel, place.window, axis=0)
            seeds = [ops.einsum("nij,nhj->nih", g, kernel) for g in influences]
        seeds += [ops.zeros_like(seeds[0])] * (3 - len(seeds))
        return self.network.hidden_jacobian(place.inputs, seeds)

    def _with_bias(self, features):
        """[h, 1], [h', 0], [h'', 0]: what A and c, one below the other, multiply."""
        one = ops.ones_like(features[0][:, :1])
        return [
            ops.concatenate([h, one if k == 0 else 0.0 * one], axis=-1)
            for k, h in enumerate(features)
        ]

    def _passing_on(self, place, slopes, by_window, num_others, first, windows):
        """The fields of `Linearised` that lead from one window to the next."""
        dimension, order = self.problem.dimension, self.problem.order
        passes = self.num_windows > 1 or self.unknowns is not None
        size = order * dimension if passes else 0
        lengths = ops.convert_to_tensor(np.diff(self.window_edges), self.compute_dtype)
        lengths = tf.slice(lengths, [first], [windows])
        columns = (self.network.readout.kernel.shape[1] + 1) * dimension
        if size == 0:
            empty = [(0,), (0, 0), (0, columns), (0, num_others)]
            rows = by_window(ops.zeros((*ops.shape(slopes[0])[:2], 0), self.compute_dtype))
            rest = [ops.zeros((1, *shape), self.compute_dtype) for shape in empty[1:]]
            return rows, *rest, ops.zeros((0, num_others), self.compute_dtype)
        carry = [-slopes[0]]
        if order == 2:
            carry.append(-slopes[0] * place.elapsed[..., None] - slopes[1])
        unit = ops.eye(size, dtype=self.compute_dtype)
        shift = ops.eye(size, k=dimension, dtype=self.compute_dtype)  # x gains L v
        move = unit[None] + shift[None] * lengths[:, None, None] * (order - 1)
        end, end_hidden = self._ends(lengths, num_others)
        start = ops.zeros((size, num_others), self.compute_dtype)
        if self.unknowns is not None and num_others:
            start = self._start_by_unknowns()
        return by_window(ops.concatenate(carry, axis=-1)), move, end, end_hidden, start

    def _ends(self, lengths, num_others):
        """How the readout and the hidden weights move the state at the end of each window."""
        dimension, windows = self.problem.dimension, lengths.shape[0]
        ones = ops.ones((1, 1), self.compute_dtype)
        h, dh, _ = self._with_bias(self.network.features(ones))
        unit = ops.eye(dimension, dtype=self.compute_dtype)
        rate = 2.0 / lengths[:, None, None]
        rows = [ops.einsum("ij,h->ihj", unit, h[0])[None] + 0.0 * rate[..., None]]
        if self.problem.order == 2:
            rows.append(ops.einsum("ij,h->ihj", unit, (h + dh)[0])[None] * rate[..., None])
        end = ops.reshape(ops.concatenate(rows, axis=1), (windows, len(rows) * dimension, -1))
        if num_others == 0 or self.unknowns is not None:
            return end, ops.zeros((*end.shape[:2], num_others), self.compute_dtype)
        kernel = ops.transpose(self.network.readout.kernel, (0, 2, 1))
        seeds = [[kernel, 0.0 * kernel]]
        if self.problem.order == 2:
            seeds.append([kernel * rate, kernel * rate])
        seeds = [ops.concatenate(parts, axis=1) for parts in zip(*seeds)]
        seeds.append(ops.zeros_like(seeds[0]))
        at_end = ops.ones((windows, 1), self.compute_dtype)
        return end, self.network.hidden_jacobian(at_end, seeds)

    def readout(self):
        """[A; c] of every window, `(W, C)`, in the order of `Linearised.readout`."""
        joined = ops.concatenate(
            [self.network.readout.kernel, self.network.readout.bias[:, None]], axis=1
        )
        return ops.reshape(joined, (self.num_windows, -1))

    def change_readout(self, change):
        """Add `(W, C)` to the readout."""
        size, dimension = self.network.readout.kernel.shape[1], self.problem.dimension
        change = ops.reshape(change, (-1, size + 1, dimension))
        self.network.readout.kernel.assign_add(change[:, :-1])
        self.network.readout.bias.assign_add(change[:, -1])

    @property
    def is_linear_in_readout(self):
        return self.problem.is_linear

    @property
    def readout_variables(self):
        return [self.network.readout.kernel, self.network.readout.bias]

    @property
    def other_variables(self):
        return self.network.hidden_variables


def _product_rule(h2, rate):
    """T[k][m] with (h2 N)^(k) = Σ_m T[k][m] N^(m), N^(m) with respect to τ and dτ/dt = rate."""
    h, dh, ddh = h2
    return [[h], [dh, h * rate], [ddh, 2.0 * dh * rate, h * rate**2]]


def _with_slopes(problem, t, state, rate):
    """rhs `(num, dimension)`, and ∂rhs_i/∂x_j and ∂rhs_i/∂v_j `(num, dimension, dimension)`."""
    with tf.GradientTape(persistent=True) as tape:
        for y in state:
            tape.watch(y)
        rhs = checked_rhs(problem.rhs(t, *state, ops=ops), rate) + ops.zeros_like(rate)
        coordinates = tf.unstack(rhs, num=rate.shape[-1], axis=-1)
    slopes = [
        tf.stack([tape.gradient(c, y, unconnected_gradients="zero") for c in coordinates], axis=1)
        for y in state
    ]
    return rhs, slopes
