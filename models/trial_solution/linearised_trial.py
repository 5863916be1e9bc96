"""How the residual of a trial solution changes with its weights, in closed form."""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from ..equation.budget import POINTS
from ..equation.equation_checks import checked_rhs
from ..equation.plain_forces import with_given_force
from ..least_squares.elimination import Linearised, one_window
from ..least_squares.least_squares_system import LeastSquaresSystem
from ..least_squares.memory import MOST_BYTES
from .row_jacobians import row_jacobians
from .trial_solution import TrialSolution

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


class Influences(NamedTuple):
    """How N and the state move the residual of the equation, row by row.

    | field        | content                                 | shape                       |
    |--------------|-----------------------------------------|-----------------------------|
    | `place`      | `Place` of the rows                     |                             |
    | `features`   | [h, h', h''] of the network             | (num, H)                    |
    | `state`      | [x̂, x̂'] there (order 1: [x̂])          | (num, dimension)            |
    | `residual`   | r                                       | (num, dimension)            |
    | `by_state`   | [∂rhs/∂x, ∂rhs/∂v] (order 1: [∂rhs/∂x]) | (num, dimension, dimension) |
    | `by_network` | [g_0, g_1, g_2] (order 1: [g_0, g_1])   | (num, dimension, dimension) |
    """

    place: object
    features: list
    state: list
    residual: object
    by_state: list
    by_network: list


class LinearisedTrial(TrialSolution, LeastSquaresSystem):
    """A trial solution that gives least-squares training its Jacobian.

    With c_k[i, j] = ∂r_i/∂x_j^(k), that is −∂rhs_i/∂x_j, −∂rhs_i/∂v_j and δ_ij, and the product
    rule x^(k) = h1^(k) + Σ_m T_km N^(m), the network's derivatives move the residual by

        g_m = Σ_k c_k T_km,    ∂r/∂A_w = Σ_m g_m h^(m),    ∂r/∂h^(m) = g_m A_w

    and the hidden weights move h^(m) as `DenseNetwork.hidden_jacobian` says. The arguments are
    those of `TrialSolution`.
    """

    start_moves = False  # whether the initial state depends on what is trained

    def linearise(self, x, y=None, sample_weight=None, readout_only=False, windows=None):
        """`Linearised` at the times of a batch, the same number in each window.

        Args:
            x: times `(num, 1)`, or a dictionary with them.
            y: None.
            sample_weight: None.
            readout_only: whether to leave out the hidden weights.
            windows: pair (first, number) of the windows in which the times lie, for the readout
                only; None: all.

        Raises:
            ValueError: for some windows without `readout_only`: hidden weights belong to all.
        """
        if windows is not None and not readout_only:
            raise ValueError(
                "Some windows are linearised for their readout alone: hidden weights move all "
                f"windows. Received windows={windows}, readout_only=False. Leave windows out, or "
                "pass readout_only=True."
            )
        first, num_windows = (0, self.num_windows) if windows is None else windows
        rows = self._influences(x, first, num_windows)
        features = self._with_bias(rows.features)
        num, dimension = ops.shape(rows.residual)
        readout = sum(ops.einsum("nij,nh->nihj", g, h) for g, h in zip(rows.by_network, features))
        readout = ops.reshape(readout, (num, dimension, -1))
        columns = rows.by_network[0][..., :0]
        if not readout_only:
            columns = self.nonlinear_columns(x, rows)

        def by_window(columns):
            shape = (num_windows, num // num_windows * dimension, *columns.shape[2:])
            return ops.reshape(columns, shape)

        blocks = [by_window(part) for part in (rows.residual, readout, columns)]
        if self.num_windows == 1 and not self.start_moves:
            return one_window(*blocks)
        passed_on = self._passing_on(columns.shape[-1], first, num_windows)
        return Linearised(*blocks, by_window(self._by_start(rows)), *passed_on)

    def _influences(self, x, first, num_windows):
        """`Influences` at the times of a batch."""
        problem, x = with_given_force(self.problem_for(x), x)
        place = self.checked_place(x, first, num_windows)
        order = self.problem.order
        features = self.network.features(place.tau)
        values = self.network.read(features, place.readout)
        *state, rate = self.motion(place, values)[: order + 1]
        rhs, slopes = _with_slopes(problem, place.t, state, rate)
        unit = ops.convert_to_tensor(np.eye(self.problem.dimension)[None], rate.dtype)
        factors = [*(-slope for slope in slopes), unit]
        if self.h2_takes_network:
            by_network = self._chain_rule(place, values, factors)
        else:
            products = _product_rule(self.h2_derivatives(place), 2.0 / place.length)
            by_network = [
                sum(factors[k] * products[k][m][:, None, :] for k in range(m, order + 1))
                for m in range(order + 1)
            ]
        return Influences(place, features, state, rate - rhs, slopes, by_network)

    def _chain_rule(self, place, values, factors):
        """g_m = Σ_k c_k ∂x^(k)/∂N^(m) for an h2 that takes N as its second argument."""
        num = len(factors)

        def motion(*values):
            return ops.concatenate(self.h2_motion(place, *values)[:num], axis=-1)

        jacobians = row_jacobians(motion, values)[1][:num]
        return [
            sum(ops.matmul(c, part) for c, part in zip(factors, ops.split(jacobian, num, axis=1)))
            for jacobian in jacobians
        ]

    def checked_place(self, x, first, num_windows):
        """`Place` of a batch whose times come in order and equally many in each window."""
        place = self.place(x)
        if self.num_windows == 1:
            return place
        num = place.t.shape[0]
        if num is None or num % num_windows:
            received = "a number that is not fixed" if num is None else f"{num} times"
            raise ValueError(
                f"Least squares in {num_windows} windows takes the same number of times in "
                f"each. Received {received}. Use collocation_points()."
            )
        expected = first + np.repeat(np.arange(num_windows, dtype="int32"), num // num_windows)
        message = "Least squares in windows takes equally many times in each: collocation_points()."
        with tf.control_dependencies([tf.debugging.assert_equal(place.window, expected, message)]):
            return place._replace(t=tf.identity(place.t))

    def nonlinear_columns(self, x, rows):
        """∂r/∂q, `(num, dimension, Q)`, for the hidden weights q and the `Influences` of rows."""
        kernel = self.network.readout.kernel
        if rows.place.window is None:
            seeds = [ops.einsum("nij,hj->nih", g, kernel[0]) for g in rows.by_network]
        else:
            kernel = tf.gather(kernel, rows.place.window)
            seeds = [ops.einsum("nij,nhj->nih", g, kernel) for g in rows.by_network]
        seeds += [ops.zeros_like(seeds[0])] * (3 - len(seeds))
        return self.network.hidden_jacobian(rows.place.tau, seeds)

    def _with_bias(self, features):
        """[h, 1], [h', 0], [h'', 0]: what A and c, one below the other, multiply."""
        one, zero = ops.ones_like(features[0][:, :1]), ops.zeros_like(features[0][:, :1])
        beside = (one, zero, zero)
        return [ops.concatenate(pair, axis=-1) for pair in zip(features, beside)]

    def _by_start(self, rows):
        """∂r/∂(x_w, v_w) of the state at the start of the window, `(num, dimension, K)`."""
        by_position, *by_velocity = rows.by_state
        columns = [-by_position]
        for by_v in by_velocity:  # the position moves with v_w too
            columns.append(-by_position * rows.place.elapsed[..., None] - by_v)
        return ops.concatenate(columns, axis=-1)

    def _passing_on(self, num_nonlinear, first, num_windows):
        """The last four fields of `Linearised`, which lead from one window to the next."""
        dimension, order = self.problem.dimension, self.problem.order
        size, all_lengths = order * dimension, np.diff(self.window_edges)
        gain = (order - 1) * all_lengths[:, None, None]  # x gains L v
        by_start = np.eye(size) + gain * np.eye(size, k=dimension)
        by_start = ops.convert_to_tensor(by_start, self.compute_dtype)
        by_start = tf.slice(by_start, [first, 0, 0], [num_windows, size, size])
        lengths = ops.convert_to_tensor(all_lengths, self.compute_dtype)
        lengths = tf.slice(lengths, [first], [num_windows])
        by_readout, by_nonlinear = self._ends(lengths, num_nonlinear)
        return by_start, by_readout, by_nonlinear, self.start_by_nonlinear(size, num_nonlinear)

    def start_by_nonlinear(self, size, num_nonlinear):
        """∂(x_0, v_0)/∂q, `(order · dimension, Q)`: the initial state is given."""
        return ops.zeros((size, num_nonlinear), self.compute_dtype)

    def _ends(self, lengths, num_nonlinear):
        """How the readout and the hidden weights move the state at the end of each window."""
        dimension, windows = self.problem.dimension, lengths.shape[0]
        ones = ops.ones((1, 1), self.compute_dtype)
        h, dh, _ = self._with_bias(self.network.features(ones))
        unit = ops.eye(dimension, dtype=self.compute_dtype)
        rate = 2.0 / lengths[:, None, None]
        end_of_one = ops.einsum("ij,h->ihj", unit, h[0])[None]
        rows = [ops.broadcast_to(end_of_one, (windows, *end_of_one.shape[1:]))]
        if self.problem.order == 2:
            rows.append(ops.einsum("ij,h->ihj", unit, (h + dh)[0])[None] * rate[..., None])
        end = ops.reshape(ops.concatenate(rows, axis=1), (windows, len(rows) * dimension, -1))
        return end, self.end_by_nonlinear(end, rate, num_nonlinear)

    def end_by_nonlinear(self, end, rate, num_nonlinear):
        """How the hidden weights move the state at the end of each window, by N and N'."""
        if num_nonlinear == 0:
            return ops.zeros((*end.shape[:2], 0), self.compute_dtype)
        kernel = ops.transpose(self.network.readout.kernel, (0, 2, 1))
        seeds = [[kernel, ops.zeros_like(kernel)]]
        if self.problem.order == 2:
            seeds.append([kernel * rate, kernel * rate])
        seeds = [ops.concatenate(parts, axis=1) for parts in zip(*seeds)]
        seeds.append(ops.zeros_like(seeds[0]))
        at_end = ops.ones((self.num_windows, 1), self.compute_dtype)
        return self.network.hidden_jacobian(at_end, seeds)

    def readout(self):
        """[A; c] of every window, `(W, C)`, in the order of `Linearised.by_readout`."""
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
    def has_hidden_weights(self):
        """Whether a step may train hidden weights: not in so many windows that memory ends."""
        rows = POINTS * self.num_windows * self.problem.dimension
        columns = sum(int(np.prod(v.shape)) for v in self.nonlinear_variables)
        return super().has_hidden_weights and 48.0 * rows * columns <= MOST_BYTES  # six such

    @property
    def is_linear_in_readout(self):
        return self.problem.is_linear and not self.h2_takes_network

    @property
    def readout_variables(self):
        return [self.network.readout.kernel, self.network.readout.bias]

    @property
    def nonlinear_variables(self):
        return self.network.hidden_variables


def _product_rule(h2, rate):
    """T[k][m] with (h2 N)^(k) = Σ_m T[k][m] N^(m), N^(m) with respect to τ and dτ/dt = rate."""
    h, dh, ddh = h2
    return [[h], [dh, h * rate], [ddh, 2.0 * dh * rate, h * rate**2]]


def _with_slopes(problem, t, state, rate):
    """rhs `(num, dimension)`, and ∂rhs_i/∂x_j and ∂rhs_i/∂v_j `(num, dimension, dimension)`."""

    def rhs(*state):
        value = checked_rhs(problem.rhs(t, *state, ops=ops), rate)
        return ops.broadcast_to(value, ops.shape(rate))

    return row_jacobians(rhs, state)
