"""Truncated backpropagation through time for any recurrent layer."""

import keras
from keras import ops

from oscillator_zoo.data.checks import positive_integer

from ..layer_graphs.twins import twin
from .recurrent_layer import LayerInPieces
from .time_loop import forward_mode_error


@keras.saving.register_keras_serializable("oscillator_zoo")
class TruncatedGradient(LayerInPieces):
    """A recurrent layer whose gradients go back through `num_steps` steps at most.

    The outputs are the layer's own. The sequence is read in pieces of K = `num_steps` steps, each
    starting from the last state of the one before, h_{jK}, taken as a constant:

        C_t for jK < t ≤ (j + 1)K depends on the weights through the steps jK + 1 … t only

    so that no gradient can explode over more than K steps. The price is a bias, of which
    `oscillator_zoo.training.truncation_bias` gives the size where every cost keeps K steps; here
    the costs right after a border keep fewer. Share the layer with the model that is wanted:

        layer = ElmanRNN(32, output_units=2, return_sequences=True)
        model = keras.Sequential([keras.Input((None, 1)), layer])
        trained = keras.Sequential([keras.Input((200, 1)), TruncatedGradient(layer, 50)])

    and fit `trained`; `model` has the weights.

    Args:
        layer: recurrent layer, `ElmanRNN` or another `keras.layers.RNN`, neither `stateful` nor
            `go_backwards`.
        num_steps: K, an integer ≥ 1.

    Call arguments:
        sequence: x, `(batch, time, features)`, whose time is known when the model is made. There
            are no masks.
        training: as for the layer.

    Returns:
        What the layer returns: `(batch, time, output)` with `return_sequences`, else
        `(batch, output)`.

    Raises:
        ValueError: for another kind of layer, a `num_steps` that is not a positive integer, a
            sequence of unknown length, or a mask.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> from oscillator_zoo.models import ElmanRNN, TruncatedGradient
    >>> layer = ElmanRNN(4, return_sequences=True)
    >>> x = np.ones((1, 10, 2), "float32")
    >>> np.allclose(TruncatedGradient(layer, 3)(x), layer(x), atol=1e-6)
    True

    Reference:
        R. J. Williams, J. Peng, An efficient gradient-based algorithm for on-line training of
        recurrent network trajectories, Neural Computation 2 (1990) 490-501.
    """

    does = "truncated"
    excluded = (*LayerInPieces.excluded, "return_state")

    def __init__(self, layer, num_steps, **kwargs):
        super().__init__(layer, positive_integer("num_steps", num_steps), **kwargs)

    def build(self, sequence_shape):
        _check_length(sequence_shape)
        super().build(sequence_shape)

    @forward_mode_error()
    def call(self, sequence, training=False, mask=None):
        _check_length(sequence.shape, mask)
        outputs, states = [], None
        layer = twin(self.layer, return_state=True, return_sequences=True)
        for first in range(0, sequence.shape[1], self.num_steps):
            piece = sequence[:, first : first + self.num_steps]
            output, *states = layer(piece, initial_state=states, training=training)
            states = keras.tree.map_structure(ops.stop_gradient, states)
            outputs.append(output)
        if not self.layer.return_sequences:
            return outputs[-1][:, -1]
        return ops.concatenate(outputs, axis=1)


def _check_length(shape, mask=None):
    if shape[1] is None or mask is not None:
        received = "a mask" if mask is not None else f"shape {tuple(shape)}"
        raise ValueError(
            "A gradient is truncated on sequences of one known length, without masks. "
            f"Received {received}. Write the length into keras.Input((time, features))."
        )
