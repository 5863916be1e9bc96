"""What layers here share: arguments, states, masks and configuration."""

import types
import warnings

import keras
from keras import ops

from ..saving.frozen_parts import frozen_config, set_trainable_parts
from .time_loop import forward_mode_error, valid_so_far


def _of_cell(name):
    return property(lambda self: getattr(self.cell, name), doc=f"`{name}` of the cell.")


NOT_TRAINED = (
    "The learned initial state is not trained in a stateful layer, whose sequences start where the "
    "last batch ended. Received stateful=True and learn_initial_state=True. Train with "
    "stateful=False and hand the result over with set_weights."
)


class RecurrentLayer(keras.layers.RNN):
    """Base of `ElmanRNN` and `JordanRNN`: it makes its own cell, of class `cell_class`."""

    cell_class = None

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
        activity_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        seed=None,
        *,
        zero_output_for_mask=False,
        output_units=None,
        output_activation=None,
        learn_initial_state=False,
        **kwargs,
    ):
        cell = self.cell_class(
            units,
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
            output_units=output_units,
            output_activation=output_activation,
            learn_initial_state=learn_initial_state,
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name="cell",
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            zero_output_for_mask=zero_output_for_mask,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.input_spec = [keras.layers.InputSpec(ndim=3)]
        self._at_start = None
        if stateful and learn_initial_state:
            cell.initial_state_is_trainable = False
            warnings.warn(NOT_TRAINED, stacklevel=3)

    units = _of_cell("units")
    activation = _of_cell("activation")
    use_bias = _of_cell("use_bias")
    kernel_initializer = _of_cell("kernel_initializer")
    recurrent_initializer = _of_cell("recurrent_initializer")
    bias_initializer = _of_cell("bias_initializer")
    kernel_regularizer = _of_cell("kernel_regularizer")
    recurrent_regularizer = _of_cell("recurrent_regularizer")
    bias_regularizer = _of_cell("bias_regularizer")
    kernel_constraint = _of_cell("kernel_constraint")
    recurrent_constraint = _of_cell("recurrent_constraint")
    bias_constraint = _of_cell("bias_constraint")
    dropout = _of_cell("dropout")
    recurrent_dropout = _of_cell("recurrent_dropout")
    seed = _of_cell("seed")
    output_units = _of_cell("output_units")
    output_activation = _of_cell("output_activation")
    learn_initial_state = _of_cell("learn_initial_state")
    kernel = _of_cell("kernel")
    recurrent_kernel = _of_cell("recurrent_kernel")
    bias = _of_cell("bias")
    output_kernel = _of_cell("output_kernel")
    output_bias = _of_cell("output_bias")

    def build(self, sequences_shape, initial_state_shape=None):
        super().build(sequences_shape)
        self.input_spec = [keras.layers.InputSpec(ndim=3, axes={-1: sequences_shape[-1]})]
        if self.stateful and self.learn_initial_state and self._at_start is None:
            # Inside a namespace, so that it is no weight: like `states` it is not saved.
            self._at_start = types.SimpleNamespace(
                flag=keras.Variable(1, trainable=False, dtype="int32", name="at_start")
            )

    @forward_mode_error()
    def call(self, sequences, initial_state=None, mask=None, training=False):
        return self.run(sequences, self.first_state(sequences, initial_state), mask, training)

    def run(self, sequences, states, mask, training):
        """Keras's own call (checks, dropout, casts, stored states) around `inner_loop`."""
        outputs = super().call(sequences, initial_state=states, mask=mask, training=training)
        if self._at_start is not None:
            self._at_start.flag.assign(0)
        return outputs

    def first_state(self, sequences, initial_state):
        """The state before the first step, in a list."""
        if initial_state is not None:
            states = initial_state if isinstance(initial_state, (list, tuple)) else [initial_state]
            size = self.cell.state_size
            if len(states) != 1 or tuple(states[0].shape[1:]) != (size,):
                raise ValueError(
                    f"`initial_state` must be one array of shape (batch, {size}). Received "
                    f"shapes {[tuple(state.shape) for state in states]}. Pass one row for each "
                    f"sequence of the batch, as `return_state=True` returns it."
                )
            return list(states)
        if not self.stateful:
            return self.get_initial_state(ops.shape(sequences)[0])
        if self._at_start is None:
            return self.states
        # Read the weight now: it may have been loaded or set since the states were made.
        learned = self.get_initial_state(self.states[0].shape[0])[0]
        stored = ops.cast(self.states[0], learned.dtype)
        return [ops.where(self._at_start.flag > 0, learned, stored)]

    def reset_state(self):
        """Returns the state of a stateful layer to its start: the learned h_0, or zero."""
        if self.states is None:
            return
        for variable, value in zip(self.states, self.get_initial_state(self.states[0].shape[0])):
            variable.assign(value)
        if self._at_start is not None:
            self._at_start.flag.assign(1)

    def in_processing_order(self, sequence):
        """The sequence (or mask, or None), turned round in time for `go_backwards`."""
        turn = self.go_backwards and sequence is not None
        return ops.flip(sequence, axis=1) if turn else sequence

    def hide_masked(self, outputs, mask):
        """Zeros before the first valid step; with `zero_output_for_mask`, at every masked one."""
        if mask is None:
            return outputs
        shown = ops.cast(mask, "bool") if self.zero_output_for_mask else valid_so_far(mask)
        shown = shown if self.return_sequences else shown[:, -1:]
        return ops.where(shown[..., None], outputs, ops.zeros_like(outputs))

    def get_config(self):
        layer_config = super().get_config()
        del layer_config["cell"]
        frozen = frozen_config(self, with_weights=False)  # weights are made later, by `build`
        return {**self.cell.get_config(), **layer_config, **frozen}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        flags = config.pop("trainable_parts", None)
        layer = cls(**config)
        set_trainable_parts(layer, flags)
        return layer


class LayerInPieces(keras.layers.Layer):
    """Base of `TruncatedGradient` and `CheckpointedGradient`: a layer is read in pieces of time.

    Args:
        layer: recurrent layer, `ElmanRNN` or another `keras.layers.RNN`.
        num_steps: of a piece, checked by the subclass.
        **kwargs: as for `keras.layers.Layer`.

    Raises:
        ValueError: for another kind of layer, or one of the options in `excluded`.
    """

    does = ""  # what a subclass does to the gradient: "A gradient is …"
    excluded = ("stateful", "go_backwards")

    def __init__(self, layer, num_steps, **kwargs):
        given = [f"{name}=True" for name in self.excluded if getattr(layer, name, False)]
        if given or not isinstance(layer, keras.layers.RNN):
            raise ValueError(
                f"A gradient is {self.does} in a recurrent layer that reads forwards from its own "
                f"initial state. Received: {type(layer).__name__} {', '.join(given)}. Pass an "
                "ElmanRNN or another keras.layers.RNN without these options."
            )
        kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(**kwargs)
        self.layer, self.num_steps = layer, num_steps
        set_trainable_parts(self)

    def build(self, sequence_shape, initial_state_shape=None):
        if not self.layer.built:
            self.layer.build(sequence_shape)

    def get_config(self):
        layer = keras.saving.serialize_keras_object(self.layer)
        return {**super().get_config(), "layer": layer, "num_steps": self.num_steps}

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})
