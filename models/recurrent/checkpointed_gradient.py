"""Gradients of long sequences in little memory, for any recurrent layer."""

import contextlib
import math

import keras
from keras import ops

from oscillator_zoo.data.checks import positive_integer

from ..layer_graphs.twins import twin
from .recurrent_layer import LayerInPieces
from .time_loop import forward_mode_error


@keras.saving.register_keras_serializable("oscillator_zoo")
class CheckpointedGradient(LayerInPieces):
    """A recurrent layer that keeps few states for its gradient and computes the others again.

    Outputs and gradients are the layer's own, to rounding. The sequence is read in pieces of K
    steps, and of the way forwards only the states at their borders are kept, h_0, h_K, h_2K, ...
    (gradient checkpointing). The way back takes the pieces from the last to the first: each is
    run again from its kept state, and differentiated. So memory holds at its peak

        T / K states and the intermediate results of K steps, in place of those of T steps,

    least at K ≈ √T, for one more run forwards. Inputs and outputs are kept for all steps: read
    many units out by `output_units`, or take the last output only (`return_sequences=False`).

        layer = ElmanRNN(128, output_units=2, return_sequences=True)
        model = keras.Sequential([keras.Input((20_000, 1)), CheckpointedGradient(layer)])

    The layer may be shared with another model that is not trained on long sequences. Several
    layers on top of each other are one, `keras.layers.RNN([cell, cell])`, so that what is between
    them is not kept either. Dropout is that of the layer: the second run draws the same numbers.

    Args:
        layer: recurrent layer, `ElmanRNN` or another `keras.layers.RNN`, neither `stateful` nor
            `go_backwards`.
        num_steps: K, an integer ≥ 1, or None for √T, rounded up.

    Call arguments:
        sequence: x, `(batch, time, features)`. Where the number of time steps is not known the
            layer itself is called; to train, it must be known. There are no masks.
        initial_state: the state before the first step, as for the layer.
        training: as for the layer.

    Returns:
        What the layer returns.

    Raises:
        ValueError: for another kind of layer, a `num_steps` that is not a positive integer, a
            mask, training on sequences of unknown length, or second derivatives on TensorFlow.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> from oscillator_zoo.models import CheckpointedGradient, ElmanRNN
    >>> layer = ElmanRNN(4, return_sequences=True)
    >>> x = np.ones((1, 10, 2), "float32")
    >>> np.allclose(CheckpointedGradient(layer, 3)(x), layer(x), atol=1e-6)
    True

    Reference:
        T. Chen, B. Xu, C. Zhang, C. Guestrin, Training deep nets with sublinear memory cost,
        arXiv 1604.06174 (2016).
    """

    does = "checkpointed"

    def __init__(self, layer, num_steps=None, **kwargs):
        kwargs.setdefault("activity_regularizer", getattr(layer, "activity_regularizer", None))
        steps = None if num_steps is None else positive_integer("num_steps", num_steps)
        super().__init__(layer, steps, **kwargs)

    def compute_output_shape(self, sequence_shape, initial_state_shape=None):
        return self.layer.compute_output_shape(sequence_shape)

    @forward_mode_error()
    def call(self, sequence, initial_state=None, training=False, mask=None):
        _check(sequence, training, mask)
        sequence = ops.cast(sequence, self.compute_dtype)
        if _in_forward_mode():  # it keeps nothing, so there is nothing to save
            return self.layer(sequence, initial_state=initial_state, training=training)
        state, return_state = initial_state, self.layer.return_state
        if state is None:
            state = self.layer.get_initial_state(ops.shape(sequence)[0])
        length = sequence.shape[1] or 1
        steps = self.num_steps or math.isqrt(length - 1) + 1
        border = (length - 1) // steps * steps  # what is after it need not be run again
        outputs = []
        if border > 0:
            first, sequence = sequence[:, :border], sequence[:, border:]
            outputs, state = self._run_pieces(_cut(first, steps), state, training)
        last, *state = self._run(sequence, state, training)
        if self.layer.return_sequences and outputs:
            last = ops.concatenate([_joined(*outputs), last], axis=1)
        return (last, *state) if return_state else last

    def _run(self, sequence, state, training):
        layer = twin(self.layer, return_state=True, activity_regularizer=None)
        return layer(sequence, initial_state=state, training=training)

    def _run_pieces(self, pieces, state, training):
        """Outputs of pieces `(piece, batch, time, features)` in a list, and the state after them.

        The list is empty without `return_sequences`.
        """
        variables, start = self.layer.variables, keras.tree.flatten(state)
        # Copies, because on PyTorch a seed is overwritten in its place.
        values = [ops.copy(ops.cast(variable, variable.dtype)) for variable in variables]

        def run(x, states, values):
            # A seed of dropout too is as it was: all pieces see the numbers of the last one.
            with keras.StatelessScope(state_mapping=zip(variables, values)):
                states = keras.tree.pack_sequence_as(state, states)
                output, *states = self._run(x, states, training)
            return [output] * self.layer.return_sequences, keras.tree.flatten(states)

        if keras.backend.backend() == "tensorflow":
            outputs, last = self._by_tensorflow(run, pieces, start, values)
        else:

            def step(states, x):
                outputs, states = keras.remat(run)(x, states, values)
                return states, outputs

            with _to_the_end():
                last, outputs = ops.scan(step, start, pieces)
        return outputs, keras.tree.pack_sequence_as(state, last)

    def _by_tensorflow(self, run, pieces, start, values):
        import tensorflow as tf

        from .checkpointed_pieces import run_pieces

        specs = []
        if self.layer.return_sequences:
            layer = twin(self.layer, return_state=False)
            shape = layer.compute_output_shape(tuple(pieces.shape[1:]))
            specs = [tf.TensorSpec(shape, self.layer.compute_dtype)]
        return run_pieces(run, pieces, start, values, specs)


def _in_forward_mode():
    if keras.backend.backend() != "tensorflow":
        return False
    from .gradient_by_hand import num_forward_modes

    return num_forward_modes() > 0


def _cut(sequence, steps):
    """Pieces, `(piece, batch, steps, features)`."""
    pieces = ops.reshape(sequence, (-1, sequence.shape[1] // steps, steps, sequence.shape[2]))
    return ops.transpose(pieces, (1, 0, 2, 3))


def _joined(pieces):
    """The opposite: `(batch, time, features)`."""
    pieces = ops.transpose(pieces, (1, 0, 2, 3))
    return ops.reshape(pieces, (-1, pieces.shape[1] * pieces.shape[2], pieces.shape[3]))


def _to_the_end():
    # PyTorch stops a second run where it can, and then the cell's masks of dropout are left behind.
    if keras.backend.backend() != "torch":
        return contextlib.nullcontext()
    from torch.utils.checkpoint import set_checkpoint_early_stop

    return set_checkpoint_early_stop(False)


def _check(sequence, training, mask):
    if training and sequence.shape[1] is None:
        raise ValueError(
            "A gradient is checkpointed on sequences of one known length. Received shape "
            f"{tuple(sequence.shape)} in training. Write the length into "
            "keras.Input((time, features))."
        )
    if mask is not None:
        raise ValueError(
            "A gradient is checkpointed on sequences without masks. Received a mask. Train on "
            "sequences of one length, or take the layer itself for padded ones."
        )
