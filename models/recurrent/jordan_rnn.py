"""A recurrent network that feeds back its output, over whole sequences."""

import keras
from keras import ops

from .jordan_cell import JordanCell
from .recurrent_layer import RecurrentLayer
from .time_loop import forward_mode_error, time_loop


@keras.saving.register_keras_serializable("oscillator_zoo")
class JordanRNN(RecurrentLayer):
    """A recurrent network that feeds back its output only, or a teacher in its place.

    z_t = b + W y_{t-1} + U x_t,   h_t = f(z_t),   y_t = g(V h_t + c),   t = 1, 2, ...

    The table of symbols is that of `JordanCell`. Called as `layer(sequence)` it runs freely and
    gives the numbers of `keras.layers.RNN(JordanCell(...))`.

    Called as `layer(sequence, teacher=measured)` step t sees the teacher's value at t-1 instead
    of its own output, and the first step sees the initial state (y_0 is not part of the
    teacher). Nothing is fed back then, so all steps are taken at once, without a loop over time,
    and no gradient travels through time. Trained so, the network has never met its own errors:
    always look at a free run too.

    Masked steps do not happen: what is fed back, teacher or output, stays as it was. Masks,
    `stateful` and `reset_state` are those of `ElmanRNN`, with y in place of h as the state. With
    a teacher, the last state is the last value of the teacher. With `go_backwards` the teacher is
    read backwards as well: its time axis is that of `sequence`.

    Args:
        units: number of hidden units, a positive integer.
        output_units: size of y. None: the output is h.
        every other argument: as in `ElmanRNN`.

    Call arguments:
        sequence: x, `(batch, time, features)`.
        teacher: the true y, `(batch, time, output_units)`, or None for a free run.
        initial_state: y_0, `(batch, output_units)`, or a list holding it.
        mask: booleans `(batch, time)`, False where a step is to be left out.
        training: whether dropout is active.

    Returns:
        y, `(batch, time, output_units)` with `return_sequences`, else `(batch, output_units)`;
        with `return_state` also the last state, `(batch, output_units)`.

    Raises:
        ValueError: as `JordanCell`, or if `teacher` or `initial_state` has another shape.

    Example:
    >>> import keras
    >>> from oscillator_zoo.models import JordanRNN
    >>> layer = JordanRNN(8, output_units=2, return_sequences=True)
    >>> force, measured = keras.ops.ones((4, 50, 1)), keras.ops.ones((4, 50, 2))
    >>> tuple(layer(force).shape), tuple(layer(force, teacher=measured).shape)
    ((4, 50, 2), (4, 50, 2))

    Reference:
        M. I. Jordan, Serial order: a parallel distributed processing approach, ICS Report 8604,
        University of California, San Diego (1986).
    """

    cell_class = JordanCell

    def build(self, sequence_shape, teacher_shape=None, initial_state_shape=None):
        super().build(sequence_shape)

    def compute_output_shape(self, sequence_shape, teacher_shape=None, initial_state_shape=None):
        if teacher_shape is not None:
            self._check_teacher(tuple(teacher_shape), tuple(sequence_shape))
        return super().compute_output_shape(sequence_shape)

    @forward_mode_error()
    def call(self, sequence, teacher=None, initial_state=None, mask=None, training=False):
        states = self.first_state(sequence, initial_state)
        if teacher is not None:
            self._check_teacher(tuple(teacher.shape), tuple(sequence.shape))
            states = [*states, teacher]  # Keras hands the states to inner_loop, cast.
        return self.run(sequence, states, mask, training)

    def inner_loop(self, sequences, initial_state, mask, training=False):
        start, *teacher = initial_state
        mask = self.in_processing_order(mask)
        projected = self.cell.project_input(self.in_processing_order(sequences), training)
        if teacher:
            values = self.in_processing_order(teacher[0])
            outputs, last = self._follow(values, projected, start, mask, training)
        else:
            outputs, last = self._run_freely(projected, start, mask, training)
        outputs = self.hide_masked(outputs, mask)
        return outputs[:, -1], outputs, [last]

    def _run_freely(self, projected, start, mask, training):
        outputs, last = time_loop(
            lambda projected_t, previous: self.cell.respond(projected_t, previous, training),
            projected,
            start,
            mask,
            keep_all=self.return_sequences,
            unroll=self.unroll,
            stateful=self.stateful,
        )
        return (outputs if self.return_sequences else last[:, None]), last

    def _follow(self, teacher, projected, start, mask, training):
        teacher = _hold(teacher, start, mask)
        previous = ops.concatenate([start[:, None], teacher[:, :-1]], axis=1)
        outputs = _hold(self.cell.respond(projected, previous, training), start, mask)
        return (outputs if self.return_sequences else outputs[:, -1:]), teacher[:, -1]

    def _check_teacher(self, shape, sequence_shape):
        expected = (*sequence_shape[:2], self.cell.output_size)
        fits = len(shape) == 3 and all(
            None in pair or pair[0] == pair[1] for pair in zip(shape, expected)
        )
        if not fits:
            raise ValueError(
                f"`teacher` must have the shape of the output, (batch, time, output_units) = "
                f"{expected}. Received shape {shape}. Pass the true output of every step: the "
                "layer itself shows each step the value before it."
            )


def _hold(values, start, mask):
    """Values with the last valid one repeated over masked steps."""
    return values if mask is None else time_loop(lambda value, _: value, values, start, mask)[0]
