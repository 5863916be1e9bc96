"""The lecture's recurrent network over whole sequences."""

import keras

from .elman_cell import ElmanCell
from .linear_loop import linear_matrix, linear_outputs
from .recurrent_layer import RecurrentLayer
from .time_loop import time_loop


@keras.saving.register_keras_serializable("oscillator_zoo")
class ElmanRNN(RecurrentLayer):
    """The lecture's recurrent network: `keras.layers.RNN(ElmanCell(...))`, only leaner.

    z_t = b + W h_{t-1} + U x_t,   h_t = f(z_t),   y_t = g(V h_t + c),   t = 1, 2, ...

    Only h_t = f(z_t) needs the step before it. The inputs U x_t + b of all steps are one matrix
    product before the loop over time, and the outputs g(V h_t + c) one product after it; where
    XLA compiles the loop and they are few, both are computed in it. The table of symbols is that
    of `ElmanCell`. Without `output_units` the layer is `keras.layers.SimpleRNN`, and takes its
    weights.

    On TensorFlow the gradient is backpropagation through time by hand (`hidden_states`), and its
    second derivatives are right too. Of every step it keeps h_t alone, and nothing outside
    training: with δ, and ∂C/∂h unless y is few numbers, two or three arrays
    `(time, batch, units)` at the peak. For long sequences `CheckpointedGradient` keeps few steps
    of them, and computes the others again. While training on a known number of steps XLA
    compiles the loop by itself, once for each size of batch (outside training: if that is known as
    well); a loop of any length runs without, ten steps to a pass. With `compile(jit_compile=True)`
    it is a part of what XLA compiles. Eager calls, `unroll`, `recurrent_dropout` in training, half
    precision and activations other than tanh, sigmoid, relu and linear take the plain loop.

    Masked steps do not happen: h stays as it was. Their output is the last one before them, zero
    before the first valid step, and always zero with `zero_output_for_mask` (which
    `keras.layers.Bidirectional` sets). This holds on every backend, unrolled or not; Keras's own
    loop departs from it on JAX, where it repeats the state in place of the output, and with
    `unroll`, `go_backwards` and `zero_output_for_mask` together.

    Where f is the identity, sequences of 64 steps and more are taken in blocks of steps at once
    (`linear_loop`), to the same numbers up to rounding; with a mask, `unroll`, active recurrent
    dropout, in 16 bits or on JAX they are stepped through.

    With `stateful`, every batch starts where the last one ended, and `reset_state` returns to
    the start: the learned h_0, or zero. The learned h_0 is not trained in a stateful layer.

    Args:
        units, activation, use_bias, dropout, recurrent_dropout, seed and the initializers,
            regularizers and constraints: as in `ElmanCell`.
        activity_regularizer: regularizer of the outputs.
        return_sequences: whether to return y at every step, or at the last one only.
        return_state: whether to return the last h as well.
        go_backwards: whether to run from the last step to the first; y is in the order of
            the run.
        stateful: whether the last state is kept for the next batch.
        unroll: whether to write the loop out step by step (short sequences of known length).
        zero_output_for_mask: whether the output is zero at masked steps.
        output_units, output_activation, learn_initial_state: as in `ElmanCell`.

    Call arguments:
        sequences: x, `(batch, time, features)`.
        initial_state: h_0, `(batch, units)`, or a list holding it.
        mask: booleans `(batch, time)`, False where a step is to be left out.
        training: whether dropout is active.

    Returns:
        y, `(batch, time, output_units)` with `return_sequences`, else `(batch, output_units)`;
        with `return_state` also the last h, `(batch, units)`.

    Raises:
        ValueError: as `ElmanCell`, or if `initial_state` has another shape.

    Example:
    >>> import keras
    >>> from oscillator_zoo.models import ElmanRNN
    >>> layer = ElmanRNN(8, output_units=2, return_sequences=True, return_state=True)
    >>> outputs, state = layer(keras.ops.ones((4, 50, 1)))
    >>> tuple(outputs.shape), tuple(state.shape)
    ((4, 50, 2), (4, 8))

    Reference:
        J. L. Elman, Finding structure in time, Cognitive Science 14 (1990) 179-211.
    """

    cell_class = ElmanCell

    def inner_loop(self, sequences, initial_state, mask, training=False):
        mask = self.in_processing_order(mask)
        sequences = self.in_processing_order(sequences)
        matrix = linear_matrix(self, sequences, mask, training)
        if matrix is not None:
            projected = self.cell.project_input(sequences, training)
            return linear_outputs(self, matrix, projected, initial_state[0])
        run = self._run_by_hand if self._has_gradient_by_hand(training) else self._run
        outputs, last = run(sequences, initial_state[0], mask, training)
        outputs = self.hide_masked(outputs, mask)
        return outputs[:, -1], outputs, [last]

    def _run(self, sequences, start, mask, training):
        """Outputs and the last state, the gradient left to the backend."""
        projected = self.cell.project_input(sequences, training)

        def step(projected_t, hidden):
            return self.cell.activate(projected_t + self.cell.project_state(hidden, training))

        hidden, last = time_loop(
            step,
            projected,
            start,
            mask,
            keep_all=self.return_sequences,
            unroll=self.unroll,
            stateful=self.stateful,
        )
        return self.cell.read_out(hidden if self.return_sequences else last[:, None]), last

    def _run_by_hand(self, sequences, start, mask, training):
        """The same with backpropagation through time by hand."""
        from .hidden_states import recurrence

        cell = self.cell
        last, outputs = recurrence(
            cell.drop_inputs(sequences, training),
            start,
            cell.weights_of_recurrence(),
            cell.weights_of_readout(),
            mask,
            self.activation,
            training,
            self.return_sequences,
        )
        if not self.return_sequences:
            return cell.read_out(last[:, None]), last
        return cell.activate_output(outputs), last

    def _has_gradient_by_hand(self, training):
        if keras.backend.backend() != "tensorflow" or self.unroll:
            return False
        import tensorflow as tf

        from .gradient_by_hand import num_forward_modes
        from .hidden_states import SLOPES

        return (
            not tf.executing_eagerly()
            and self.activation in SLOPES
            and self.compute_dtype in ("float32", "float64")
            and not (training and self.recurrent_dropout > 0)
            and num_forward_modes() < 2  # XLA fails on the gradients of its gradient's loops
        )
