"""One step of the lecture's recurrent network."""

import keras
from keras import ops

from oscillator_zoo.data.checks import positive_integer


@keras.saving.register_keras_serializable("oscillator_zoo")
class ElmanCell(keras.layers.SimpleRNNCell):
    """The lecture's recurrent cell: the hidden state is fed back, an output is read from it.

    z_t = b + W h_{t-1} + U x_t,   h_t = f(z_t),   y_t = g(V h_t + c)

    | symbol | argument or weight | shape |
    |---|---|---|
    | x_t | `sequence` | (batch, features) |
    | h_t | `states` | (batch, units) |
    | y_t | output | (batch, output_units) |
    | f, g | `activation`, `output_activation` | |
    | U | `kernel` | (features, units) |
    | W | `recurrent_kernel` | (units, units) |
    | b | `bias` | (units,) |
    | V | `output_kernel` | (units, output_units) |
    | c | `output_bias` | (output_units,) |
    | h_0 | `initial_state`, 0 unless `learn_initial_state` | (units,) |

    The arrays act from the right, as everywhere in Keras: W h is `matmul(h, recurrent_kernel)`.
    With `activation="linear"` the cell is a linear recurrence, and Euler's method for a linear
    oscillator is one such cell; a bounded f such as tanh can only approach it.

    Use it inside `keras.layers.RNN`; `ElmanRNN` is the same network with everything that needs
    no feedback moved out of the time loop. Without `output_units` it is
    `keras.layers.SimpleRNNCell`. Keras's own loop has no forward-mode derivatives (jvp) in a
    compiled function on TensorFlow, which raises a TypeError: there take `ElmanRNN`, or
    `keras.layers.RNN(cell, unroll=True)`.

    Args:
        units: number of hidden units, a positive integer.
        activation: f.
        use_bias: whether the cell has the offsets b and c.
        kernel_initializer, recurrent_initializer, bias_initializer: for U, W and b. V starts
            from "glorot_uniform", c and h_0 from zero.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: for U, W and b.
        kernel_constraint, recurrent_constraint, bias_constraint: for U, W and b.
        dropout: fraction of the inputs dropped, the same ones at every step.
        recurrent_dropout: fraction of the fed-back values dropped, likewise.
        seed: seed of the dropout.
        output_units: size of y. None: the output is h, and there is no V, c or g.
        output_activation: g; None is the identity.
        learn_initial_state: whether h_0 is a weight, shared by all sequences.

    Call arguments:
        sequence: x_t, `(batch, features)`.
        states: h_{t-1}, `(batch, units)`, or a list holding it.
        training: whether dropout is active.

    Returns:
        y_t and h_t, the latter in a list if `states` was one.

    Raises:
        ValueError: if `units` or `output_units` is not a positive integer, or
            `output_activation` is given without `output_units`.

    Example:
    >>> import keras
    >>> from oscillator_zoo.models import ElmanCell
    >>> cell = ElmanCell(8, output_units=1)
    >>> output, (state,) = cell(keras.ops.ones((4, 2)), [keras.ops.zeros((4, 8))])
    >>> tuple(output.shape), tuple(state.shape)
    ((4, 1), (4, 8))

    Reference:
        J. L. Elman, Finding structure in time, Cognitive Science 14 (1990) 179-211.
    """

    feeds_back_output = False

    def call(self, sequence, states, training=False):
        state, like_states = one_state(states)
        hidden = self.activate(
            self.project_input(sequence, training) + self.project_state(state, training)
        )
        return self.read_out(hidden), like_states(hidden)

    def project_input(self, inputs, training=False):
        """U x + b, for one step `(batch, features)` or a sequence `(batch, time, features)`."""
        product = self._product(self.drop_inputs(inputs, training), self.kernel)
        return product if self.bias is None else product + self.bias

    def project_state(self, state, training=False):
        """W h, for one step `(batch, units)` or a sequence `(batch, time, units)`."""
        if training and self.recurrent_dropout > 0:
            state = _drop(state, self.get_recurrent_dropout_mask)
        return self._product(state, self.recurrent_kernel)

    def activate(self, z):
        """h = f(z)."""
        return full_precision(self.activation)(z)

    def read_out(self, hidden):
        """y = g(V h + c), for hidden states of shape `(..., units)`."""
        if self.output_units is None:
            return hidden
        product = self._product(hidden, self.output_kernel)
        return self.activate_output(
            product if self.output_bias is None else product + self.output_bias
        )

    def activate_output(self, product):
        """y = g(V h + c) of V h + c; without `output_units` they are h, and so is y."""
        if self.output_units is None:
            return product
        return full_precision(self.output_activation)(product)

    def __init__(
        self,
        units,
        activation="tanh",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        *,
        output_units=None,
        output_activation=None,
        learn_initial_state=False,
        **kwargs,
    ):
        if output_units is None and output_activation is not None:
            raise ValueError(
                "`output_activation` acts on the output layer V h + c, which exists only with "
                f"`output_units`. Received output_activation={output_activation!r} and "
                "output_units=None. Pass output_units, or use `activation` for the hidden state."
            )
        super().__init__(
            positive_integer("units", units),
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            **kwargs,
        )
        if output_units is not None:
            self.output_size = output_units = positive_integer("output_units", output_units)
        self.state_size = self.output_size if self.feeds_back_output else self.units
        self.output_units = output_units
        self.output_activation = keras.activations.get(output_activation)
        self.learn_initial_state = bool(learn_initial_state)
        self.initial_state_is_trainable = True

    def build(self, input_shape):
        self.kernel = self._add_matrix("kernel", input_shape[-1], "kernel")
        self.recurrent_kernel = self._add_matrix("recurrent_kernel", self.state_size, "recurrent")
        self.bias = self.output_kernel = self.output_bias = self.initial_state = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.units,),
                name="bias",
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        if self.output_units is not None:
            self.output_kernel = self.add_weight(
                shape=(self.units, self.output_units),
                name="output_kernel",
                initializer="glorot_uniform",
            )
            if self.use_bias:
                self.output_bias = self.add_weight(
                    shape=(self.output_units,), name="output_bias", initializer="zeros"
                )
        if self.learn_initial_state:
            self.initial_state = self.add_weight(
                shape=(self.state_size,),
                name="initial_state",
                initializer="zeros",
                trainable=self.initial_state_is_trainable,
            )

    def _add_matrix(self, name, num_rows, role):
        return self.add_weight(
            shape=(num_rows, self.units),
            name=name,
            initializer=getattr(self, f"{role}_initializer"),
            regularizer=getattr(self, f"{role}_regularizer"),
            constraint=getattr(self, f"{role}_constraint"),
        )

    def drop_inputs(self, inputs, training=False):
        """x after dropout, in the dtype of the computation."""
        if training and self.dropout > 0:
            inputs = _drop(inputs, self.get_dropout_mask)
        return ops.cast(inputs, self.compute_dtype)

    @property
    def is_linear(self):
        """Whether h_t is a linear function of h_{t-1}."""
        return self.activation is keras.activations.linear and not self.feeds_back_output

    def step_matrix(self, training=False):
        """A of h_t = h_{t-1} A + U x_t + b, or None where the step is not that."""
        if not self.is_linear or (training and self.recurrent_dropout > 0):
            return None
        return ops.convert_to_tensor(self.recurrent_kernel, self.compute_dtype)

    def weights_of_recurrence(self):
        """U, W and b (zeros without `use_bias`) as tensors, in the dtype of the computation."""
        dtype = self.compute_dtype
        bias = ops.zeros((self.units,)) if self.bias is None else self.bias
        return [ops.cast(weight, dtype) for weight in (self.kernel, self.recurrent_kernel, bias)]

    def weights_of_readout(self):
        """V and c (zeros without `use_bias`) likewise; an empty list without `output_units`."""
        if self.output_units is None:
            return []
        bias = ops.zeros((self.output_units,)) if self.output_bias is None else self.output_bias
        return [ops.cast(weight, self.compute_dtype) for weight in (self.output_kernel, bias)]

    def _product(self, values, weight):
        # The operator, because keras.ops.matmul rounds float64 to float32 on PyTorch.
        dtype = self.compute_dtype
        values, weight = ops.cast(values, dtype), ops.convert_to_tensor(weight, dtype)
        if len(values.shape) == 2:
            return values @ weight
        # As one matrix: TensorFlow multiplies those of a stack one by one.
        rows = ops.reshape(values, (-1, values.shape[-1])) @ weight
        return ops.reshape(rows, (*ops.shape(values)[:-1], weight.shape[-1]))

    def get_initial_state(self, batch_size=None):
        """The state before the first step, in a list: h_0 or zeros, `(batch_size, units)`."""
        state = ops.zeros((batch_size, self.state_size), dtype=self.compute_dtype)
        if self.learn_initial_state:
            state = state + ops.cast(self.initial_state, self.compute_dtype)
        return [state]

    def get_config(self):
        output_activation = None
        if self.output_units is not None:
            output_activation = keras.activations.serialize(self.output_activation)
        return {
            **super().get_config(),
            "output_units": self.output_units,
            "output_activation": output_activation,
            "learn_initial_state": self.learn_initial_state,
        }


def _drop(values, get_mask):
    """Values times a dropout mask that is the same at every step."""
    if len(values.shape) == 2:
        return values * get_mask(values)
    return values * ops.expand_dims(get_mask(values[:, 0]), 1)


def one_state(states):
    """The state of a cell that has one, and a function that gives a new one the same form.

    Args:
        states: the tensor, or, as `keras.layers.RNN` passes it on, a list of it.
    """
    in_list = isinstance(states, list | tuple)
    return (states[0] if in_list else states), (lambda new: [new] if in_list else new)


def full_precision(activation):
    """The activation with results in the dtype of its argument.

    `keras.activations.tanh` rounds float64 to float32 on JAX, whatever `JAX_ENABLE_X64` says:
    there JAX's own tanh takes its place.

    Args:
        activation: a function of one tensor.

    Returns:
        A function of one tensor.
    """
    if keras.backend.backend() == "jax" and activation is keras.activations.tanh:
        import jax

        activation = jax.numpy.tanh
    return lambda values: ops.cast(activation(values), values.dtype)
