"""Networks N of a trial solution, one for each window of time, hidden layers and all."""

import keras
import numpy as np
from keras import ops

from .activations import activation_derivatives
from .exact_sums import Pair

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


class WindowNetworks(keras.layers.Layer):
    """W dense networks of one shape, N_w for the window w, weights side by side in one array.

        h_0 = τ,   h_l = f(h_{l−1} U_lw + b_lw),   N_w = X (h_L A_w + c_w)

    X is the size of the motion, so that weights are of order 1 in whatever unit it has. No weight
    serves two windows: a window can be trained after the one before it has been.

    Args:
        activation: f, a function.
        initial_weights: of one network, arrays [U_1, b_1, …, A, c]: all windows begin with them.
        num_windows: W.
        size: X, in m.
        dtype: dtype or policy.

    Call arguments:
        inputs: τ, `(num, 1)`.
        window: integers `(num,)`, the window of each row; None where there is one.
        Returns N, `(num, units)`, in m.
    """

    def __init__(
        self, activation, initial_weights, num_windows, size=1.0, dtype="float64", name="network"
    ):
        super().__init__(name=name, dtype=dtype)
        self.activation, self.num_windows = activation, num_windows
        self.arrays = [
            self.add_weight(
                (num_windows, *np.shape(array)),
                keras.initializers.Constant(np.broadcast_to(array, (num_windows, *array.shape))),
                name=f"{'bias' if k % 2 else 'kernel'}_{k // 2}",
            )
            for k, array in enumerate(initial_weights)
        ]
        constant = keras.initializers.Constant(np.float64(size))
        self.size = self.add_weight((), constant, trainable=False, name="size")
        self.built = True

    def call(self, inputs, window=None):
        *hidden, (kernel, bias) = self.layers_of(self.weights_of(window))
        for inner, shift in hidden:
            inputs = self.activation(_product(inputs, inner) + shift)
        return self.size * (_product(inputs, kernel) + bias)

    def derivatives(self, inputs, window=None, weights=None):
        """[N, N', N''], derivatives with respect to τ, each `(num, units)`.

        Args:
            inputs: τ, `(num, 1)`.
            window: the window of each row, or None where there is one.
            weights: of one network for all rows, in the place of those of `window`; or of all,
                as `side_by_side` has them, for inputs `(W, num, 1)`.
        """
        weights = self.weights_of(window) if weights is None else weights
        *hidden, (kernel, bias) = self.layers_of(weights)
        h = [inputs, ops.ones_like(inputs), ops.zeros_like(inputs)]
        for inner, shift in hidden:
            z, dz, ddz = ops.unstack(_product(ops.stack(h), inner), 3)
            f, df, ddf = activation_derivatives(self.activation, z + shift, 2)
            h = [f, df * dz, ddf * dz**2 + df * ddz]
        n, dn, ddn = ops.unstack(self.size * _product(ops.stack(h), kernel), 3)
        return [n + self.size * bias, dn, ddn]

    def ends(self):
        """N and N' at the end of every window, each a `Pair` of `(W, units)`, rounded."""
        at_end = ops.ones((self.num_windows, 1, 1), self.compute_dtype)
        ends = self.derivatives(at_end, weights=self.side_by_side())[:2]
        return [Pair(a[:, 0], ops.zeros_like(a[:, 0])) for a in ends]

    def side_by_side(self):
        """The weights of all windows: U `(W, …)`, b `(W, 1, …)`."""
        return [array[:, None] if k % 2 else array.value for k, array in enumerate(self.arrays)]

    def weights_of(self, window):
        """Each row's own of all weights, `(num, …)`; those of the one window where it is None."""
        if window is None:
            return [array[0] for array in self.arrays]
        return [tf.gather(array, window) for array in self.arrays]

    def layers_of(self, weights):
        """Pairs (U, b), the readout's (A, c) last."""
        return list(zip(weights[::2], weights[1::2]))


def _product(h, kernel):
    """h U for one matrix, for one `(num, …)` of each row of h `(…, num, units)`, or for one
    `(W, …)` of each window of h `(3, W, num, units)`."""
    if len(kernel.shape) == 2 or len(h.shape) == 4:
        return ops.matmul(h, kernel)
    return ops.einsum("...ni,nio->...no", h, kernel)
