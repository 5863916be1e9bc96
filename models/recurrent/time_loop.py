"""The loop over time that every recurrent layer here shares."""

import contextlib

import keras
from keras import ops


def time_loop(step, sequence, initial_state, mask=None, keep_all=True, **options):
    """States of the recurrence h_t = step(x_t, h_{t-1}); h_t = h_{t-1} where the mask is False.

    Args:
        step: function of x_t `(batch, features)` and h_{t-1} `(batch, units)` returning h_t.
        sequence: x, `(batch, time, features)`.
        initial_state: h_0, `(batch, units)`.
        mask: booleans `(batch, time)`, or None for all True.
        keep_all: whether all states are wanted, or the last one only.
        **options: `unroll` and `stateful`, as in `keras.layers.RNN`.

    Returns:
        All states `(batch, time, units)` (None unless `keep_all`), and the last one.
    """
    cell = _StepCell(step, initial_state.shape[-1])
    if without_loops(sequence):
        options["unroll"] = True
    loop = keras.layers.RNN(cell, return_sequences=keep_all, name="time_loop", **options)
    _, states, (last,) = loop.inner_loop(sequence, [initial_state], mask)
    if not keep_all:
        return None, last
    if mask is not None:
        # Keras shows zeros here on some backends and the initial state on others.
        states = ops.where(valid_so_far(mask)[..., None], states, initial_state[:, None])
    return states, last


def valid_so_far(mask):
    """Whether a step or one before it is valid, `(batch, time)`."""
    return ops.cumsum(ops.cast(mask, "int32"), axis=1) > 0


def without_loops(sequence):
    """Whether all steps are written out, for TensorFlow's forward mode in a compiled function.

    It cannot pass through a loop that collects its results. Where the length is known this is the
    way; elsewhere `forward_mode_error` says what to do.
    """
    return sequence.shape[1] is not None and _is_forward_mode_compiled()


@contextlib.contextmanager
def forward_mode_error():
    """What TensorFlow says of forward mode through a loop, as a ValueError that can be read.

    It stands around the `call` of each recurrent layer here. The shape of a tensor of unknown size
    is a second obstacle, where one forward mode is taken of another.
    """
    try:
        yield
    except (TypeError, IndexError) as error:
        if not _is_forward_mode_compiled():
            raise
        raise ValueError(
            "In a compiled function TensorFlow takes forward-mode derivatives (jvp) through a "
            "known number of steps, and second ones of a known batch too. Received sequences of "
            "unknown length or batch. Write both into the shape, "
            "keras.Input(batch_shape=(batch, time, features)), or take tf.GradientTape."
        ) from error


def _is_forward_mode_compiled():
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    from .gradient_by_hand import num_forward_modes

    return not tf.executing_eagerly() and num_forward_modes() > 0


class _StepCell:
    """The face that Keras's time loop expects of a cell, around a plain function."""

    def __init__(self, step, state_size):
        self.step, self.state_size = step, state_size

    def call(self, inputs, states):
        state = self.step(inputs, states[0])
        return state, [state]

    __call__ = call
