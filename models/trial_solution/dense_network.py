"""The network N of a trial solution: hidden dense layers, and a linear readout for each window."""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from .activations import activation_derivatives
from .exact_sums import Pair, exact_products

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


class DenseNetwork(keras.layers.Layer):
    """Dense layers that know their derivatives with respect to τ and to their weights.

        h_0 = τ,   z_l = h_{l−1} U_l + b_l,   h_l = f(z_l),   N_w = h_L A_w + c_w

    The hidden layers are shared by all windows of time; each window w, and in each window every
    node of a family, reads them out with weights of its own.

    Args:
        hidden_units: units of each hidden layer, a tuple of integers.
        units: number of coordinates of N.
        activation: f, a function.
        num_readouts: windows of time, times nodes of a family.
        initializers: of each hidden layer, pairs (kernel, bias), and of A.
        dtype: dtype or policy.

    Call arguments:
        inputs: τ, `(num, 1)`.
        readout: which readout each row has, integers `(num,)`, None where there is one, or a
            `Mixture`.
        Returns N, `(num, units)`.
    """

    def __init__(
        self,
        hidden_units,
        units,
        activation,
        initializers,
        num_readouts=1,
        dtype="float64",
        name="network",
    ):
        super().__init__(name=name, dtype=dtype)
        self.units = units
        self.activation = activation
        *of_hidden, readout_initializer = initializers
        self.hidden = [
            keras.layers.Dense(n, activation, True, kernel, bias, dtype=self.dtype_policy)
            for n, (kernel, bias) in zip(hidden_units, of_hidden)
        ]
        for layer in self.hidden:  # which a model around a PINN would quantize, layer by layer
            layer.quantize = _not_quantized
        self.readout = Readout(units, num_readouts, readout_initializer, dtype=self.dtype_policy)
        self.build((None, 1))

    def build(self, input_shape):
        for layer in self.hidden:
            layer.build(input_shape)
            input_shape = (None, layer.units)
        self.readout.build(input_shape)
        self.built = True

    def call(self, inputs, readout=None):
        for layer in self.hidden:
            inputs = layer(inputs)
        return self.readout(inputs, readout)

    def derivatives(self, inputs, readout=None):
        """[N, N', N''], derivatives with respect to τ, each `(num, units)`."""
        return self.read(self.features(inputs), readout)

    def read(self, features, readout=None):
        """[N, N', N''] from the `features` h, h', h''."""
        h, dh, ddh = features
        return [self.readout(h, readout), *(self.readout.product(a, readout) for a in (dh, ddh))]

    def ends(self):
        """N and N' at the end τ = 1 of every window, each a `Pair` of `(W, units)`."""
        at_end = ops.ones((1, 1), self.compute_dtype)
        h, dh, _ = self.features(at_end)
        features = [
            ops.concatenate([h, at_end], axis=1),
            ops.concatenate([dh, 0.0 * at_end], axis=1),
        ]
        kernel = ops.concatenate([self.readout.kernel, self.readout.bias[:, None]], axis=1)
        head, rest = exact_products(ops.concatenate(features, axis=0), kernel)
        return Pair(head[0], rest[0]), Pair(head[1], rest[1])

    def features(self, inputs):
        """[h, h', h''] of the last hidden layer, each `(num, H)`.

        Derivatives go through the layers with the values:

            z' = h'_{l−1} U,  z'' = h''_{l−1} U,  h' = f'(z) z',  h'' = f''(z) z'² + f'(z) z''
        """
        first, *deeper = self.hidden
        z, dz, ddz = ops.matmul(inputs, first.kernel), first.kernel[:1], 0.0  # τ' = 1
        h, dh, ddh = self._through(z + first.bias, dz, ddz)
        for layer in deeper:  # one product for all three
            product = ops.matmul(ops.concatenate([h, dh, ddh], axis=0), layer.kernel)
            z, dz, ddz = ops.split(product, 3, axis=0)
            h, dh, ddh = self._through(z + layer.bias, dz, ddz)
        return [h, dh, ddh]

    def _through(self, z, dz, ddz):
        f, df, ddf = activation_derivatives(self.activation, z, 2)
        return f, df * dz, ddf * dz**2 + df * ddz

    def hidden_jacobian(self, inputs, seeds):
        """Derivatives of Σ_k seeds_k · h^(k) with respect to every hidden weight, sample by sample.

        The chain rule backwards through `features`: with g, g', g'' the derivatives of a result
        with respect to h, h', h'' of a layer,

            ∂/∂z = g f' + g' f'' z' + g'' (f''' z'² + f'' z''),  ∂/∂z' = g' f' + 2 g'' f'' z',
            ∂/∂z'' = g'' f',   ∂/∂U = h ⊗ ∂/∂z + h' ⊗ ∂/∂z' + h'' ⊗ ∂/∂z'',   ∂/∂b = ∂/∂z

        Args:
            inputs: τ, `(num, 1)`.
            seeds: three tensors `(num, m, H)`, the derivatives of m results of each sample.

        Returns:
            `(num, m, number of hidden weights)`, in the order of `hidden_variables`.
        """
        one, zero = ops.ones_like(inputs), ops.zeros_like(inputs)
        states, inside = [(inputs, one, zero)], []  # τ' = 1
        for layer in self.hidden:
            z, dz, ddz = (h @ layer.kernel for h in states[-1])
            f, df, ddf, dddf = activation_derivatives(self.activation, z + layer.bias, 3)
            states.append((f, df * dz, ddf * dz**2 + df * ddz))
            inside.append([a[:, None] for a in (df, ddf, dddf, dz, ddz)])
        g, dg, ddg = seeds
        columns = []
        for layer, state, (df, ddf, dddf, dz, ddz) in zip(
            self.hidden[::-1], states[-2::-1], inside[::-1]
        ):
            back = (
                g * df + dg * ddf * dz + ddg * (dddf * dz**2 + ddf * ddz),
                dg * df + 2.0 * ddg * ddf * dz,
                ddg * df,
            )
            of_kernel = sum(h[:, None, :, None] * b[:, :, None, :] for h, b in zip(state, back))
            num, results = ops.shape(back[0])[:2]
            columns = [ops.reshape(of_kernel, (num, results, -1)), back[0], *columns]
            g, dg, ddg = (b @ ops.transpose(layer.kernel) for b in back)
        return ops.concatenate(columns, axis=-1)

    @property
    def hidden_variables(self):
        """The weights of the hidden layers, [U_1, b_1, U_2, …]."""
        return [weight for layer in self.hidden for weight in (layer.kernel, layer.bias)]


class Readout(keras.layers.Layer):
    """Linear layers side by side, with weights A_w, c_w of their own: N_w = h A_w + c_w.

    Args:
        units: number of coordinates of N.
        num_readouts: W.
        initializer: of A; c begins at 0.
        dtype: dtype or policy.

    Call arguments:
        features: h, `(num, H)`.
        index: w of each row, integers `(num,)`, None where there is one, or a `Mixture`.
    """

    def __init__(self, units, num_readouts, initializer, dtype=None, name="readout"):
        super().__init__(name=name, dtype=dtype)
        self.units = units
        self.num_readouts = num_readouts
        self.initializer = initializer

    def build(self, input_shape):
        shape = (self.num_readouts, input_shape[-1], self.units)
        self.kernel = self.add_weight(shape=shape, initializer=self.initializer, name="kernel")
        shape = (self.num_readouts, self.units)
        self.bias = self.add_weight(shape=shape, initializer="zeros", name="bias")
        self.built = True

    def call(self, features, index=None):
        return self.product(features, index) + self.chosen(self.bias, index)

    def product(self, features, index=None):
        """h A_w, without c_w."""
        if index is None:
            return ops.matmul(features, self.kernel[0])
        return ops.einsum("nh,nhd->nd", features, self.chosen(self.kernel, index))

    def chosen(self, values, index=None):
        """Each row's own of `(W, …)`."""
        if isinstance(index, Mixture):
            return index.of(values)
        return values[0] if index is None else tf.gather(values, index)


class Mixture(NamedTuple):
    """Which readouts a row has: those of one window, mixed by weights of the nodes.

    | field     | content                                | shape            |
    |-----------|----------------------------------------|------------------|
    | `window`  | w; None where there is one             | (num,)           |
    | `weights` | ℓ_q(ξ)                                 | (num, num_nodes) |
    """

    window: object
    weights: object

    def of(self, values):
        """Σ_q ℓ_q values_wq of each row, `(num, …)`, for values `(W · num_nodes, …)`."""
        if self.window is None:
            return self.of_windows(values)[:, 0]
        shape, num_nodes = values.shape[1:], self.weights.shape[-1]
        by_window = ops.reshape(values, (-1, num_nodes, int(np.prod(shape))))
        own = tf.gather(by_window, self.window)  # of its window alone: linear in windows
        return ops.reshape(ops.einsum("np,npc->nc", self.weights, own), (-1, *shape))

    def of_windows(self, values):
        """The same for every window, `(num, W, …)`."""
        shape, num_nodes = values.shape[1:], self.weights.shape[-1]
        by_node = ops.reshape(values, (-1, num_nodes, int(np.prod(shape))))
        mixed = ops.einsum("np,wpc->nwc", self.weights, by_node)
        return ops.reshape(mixed, (-1, by_node.shape[0], *shape))


def _not_quantized(*args, **kwargs):
    raise NotImplementedError(
        "A trial solution keeps the digits of its weights. Received a call of quantize, which "
        "leaves its hidden layers as they are."
    )
