"""One step of a recurrent network that feeds back its output only."""

import keras

from .elman_cell import ElmanCell, one_state


@keras.saving.register_keras_serializable("oscillator_zoo")
class JordanCell(ElmanCell):
    """A recurrent cell that remembers nothing but its last output.

    z_t = b + W y_{t-1} + U x_t,   h_t = f(z_t),   y_t = g(V h_t + c)

    | symbol | argument or weight | shape |
    |---|---|---|
    | x_t | `sequence` | (batch, features) |
    | y_t | output and `states` | (batch, output_units) |
    | f, g | `activation`, `output_activation` | |
    | U | `kernel` | (features, units) |
    | W | `recurrent_kernel` | (output_units, units) |
    | b | `bias` | (units,) |
    | V | `output_kernel` | (units, output_units) |
    | c | `output_bias` | (output_units,) |
    | y_0 | `initial_state`, 0 unless `learn_initial_state` | (output_units,) |

    This is the lecture's simplification "only connect the output from one layer to the next".
    Because the feedback is a quantity one can measure, the true output may stand in for it while
    training (see `JordanRNN`). Its limit is the same fact: what the output does not show, the
    cell cannot remember. An oscillator's position alone does not tell where it goes next;
    position and velocity together do.

    Args:
        units: number of hidden units, a positive integer.
        output_units: size of y. None: the output is h, and the cell is `ElmanCell(units)`.
        **kwargs: every other argument of `ElmanCell`, with the same meaning and default.

    Call arguments:
        sequence: x_t, `(batch, features)`.
        states: y_{t-1}, `(batch, output_units)`, or a list holding it.
        training: whether dropout is active.

    Returns:
        y_t twice, as output and as state; the state in a list if `states` was one.

    Raises:
        ValueError: if `units` or `output_units` is not a positive integer, or
            `output_activation` is given without `output_units`.

    Example:
    >>> import keras
    >>> from oscillator_zoo.models import JordanCell
    >>> cell = JordanCell(8, output_units=2)
    >>> output, (state,) = cell(keras.ops.ones((4, 1)), [keras.ops.zeros((4, 2))])
    >>> tuple(output.shape), tuple(state.shape)
    ((4, 2), (4, 2))

    Reference:
        M. I. Jordan, Serial order: a parallel distributed processing approach, ICS Report 8604,
        University of California, San Diego (1986).
    """

    feeds_back_output = True

    def call(self, sequence, states, training=False):
        previous, like_states = one_state(states)
        output = self.respond(self.project_input(sequence, training), previous, training)
        return output, like_states(output)

    def respond(self, projected, previous, training=False):
        """y_t = g(V f(projected_t + W y_{t-1}) + c), for one step or a whole sequence."""
        return self.read_out(self.activate(projected + self.project_state(previous, training)))
