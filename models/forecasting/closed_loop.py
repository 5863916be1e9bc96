"""A one-step model with its output connected to its input."""

import keras
from keras import ops

from ..layer_graphs.time_axis import (
    can_carry_state,
    check_call,
    check_window_model,
    graph_of,
)
from ..layer_graphs.twins import twin, without_dropout


class ClosedLoop(keras.Model):
    """The forecast of `rollout` as a model, which Keras compiles on every backend.

    A closed loop is a recurrent network whose input is the force and whose state is the last
    prediction together with all that the one-step model remembers:

        input of the one-step model at step i:   (ŝ_i, F_i)
        state:   (ŝ_i, hidden states or window)  →  (ŝ_{i+1}, hidden states or window)

    Args:
        model: one-step model, as for `rollout`.

    Call arguments:
        inputs: tuple of the prefix, `(batch, time, features)`, and the force from the last time of
            the prefix on, `(batch, num_steps, dimension)`.

    Returns:
        The predictions, `(batch, num_steps, state)`.

    Raises:
        ValueError: if it is unknown how the model treats the time axis.
    """

    def __init__(self, model):
        graph = graph_of(model)
        dtype = model.compute_dtype if graph is None else graph.outputs[0].dtype
        super().__init__(dtype=dtype)
        if can_carry_state(model):
            self.predictor = CarriedState(model)
        else:
            check_window_model(model)
            self.predictor = SlidingWindow(model)
        cell = FeedbackCell(self.predictor, dtype=dtype)
        self.loop = keras.layers.RNN(cell, return_sequences=True, dtype=dtype)
        for layer in (self, self.predictor, self.loop, cell):
            layer.built = True  # all weights are the model's, and it has them

    def call(self, inputs):
        prefix, force = inputs
        prediction, memory = self.predictor.begin(prefix)
        # Step i of the loop gives out ŝ_i and makes ŝ_{i+1}, with the force one place later in
        # the array. The ŝ that the last step makes is not given out: any force will do there.
        return self.loop(ops.roll(force, -1, axis=1), initial_state=[prediction, *memory])


class FeedbackCell(keras.layers.Layer):
    """One turn of the loop: force, prediction and memory in, the same prediction out."""

    def __init__(self, predictor, **kwargs):
        super().__init__(**kwargs)
        self.predictor = predictor
        self.state_size = 1  # unknown here, and used only where a state is made from nothing

    def call(self, force, states):
        prediction, *memory = states
        inputs = ops.concatenate([prediction, force], axis=-1)
        following, new_memory = self.predictor.step(inputs, memory)
        new_states = [following, *new_memory]
        return prediction, [ops.cast(new, old.dtype) for new, old in zip(new_states, states)]


class SlidingWindow(keras.layers.Layer):
    """Predictions of a model that sees the last steps, as many as its window is long."""

    def __init__(self, model):
        super().__init__(dtype=model.dtype_policy)
        self.model = model
        graph = graph_of(model)
        self.window = None if graph is None else graph.input_shape[1]

    def begin(self, prefix):
        window = prefix if self.window is None else prefix[:, -self.window :]
        return self._last(window), [window]

    def step(self, inputs, memory):
        window = ops.concatenate([memory[0][:, 1:], inputs[:, None]], axis=1)
        return self._last(window), [window]

    def _last(self, window):
        return last_step(without_dropout(self.model)(window))


class CarriedState(keras.layers.Layer):
    """Predictions of a recurrent model that is given its hidden states, and gives them back."""

    def __init__(self, model):
        super().__init__(dtype=model.dtype_policy)
        self.model = model

    def begin(self, prefix):
        return self._run(prefix, over_sequence, memory=None)

    def step(self, inputs, memory):
        return self._run(inputs[:, None], over_one_step, memory)

    def initial_memory(self, inputs):
        """The hidden states before the first step, for inputs `(batch, features)`."""
        return self._run(inputs[:, None], before_the_first_step, memory=None)[1]

    def _run(self, inputs, recur, memory):
        """The model's layers on `inputs`, its recurrent layers replaced by `recur`."""
        past, future = [] if memory is None else list(memory), []

        def replaced(operation):
            operation = operation if graph_of(operation) else without_dropout(operation)
            if isinstance(operation, keras.layers.RNN):

                def recurrent(sequence, **arguments):
                    check_call(operation, arguments)
                    states = past[len(future) :]  # in the order in which the layers are called
                    output, states = recur(operation, sequence, states, arguments.get("mask"))
                    future.extend(states)
                    return output

                return recurrent
            graph = graph_of(operation)
            if graph is None:
                return operation
            return lambda x, **_: graph._run_through_graph([x], operation_fn=replaced)

        return last_step(replaced(self.model)(inputs)), future


def over_sequence(layer, sequence, states, mask):
    """A recurrent layer on a whole sequence from its initial state: output, last states."""
    output, *states = twin(layer, return_state=True, stateful=False)(sequence, mask=mask)
    return output, keras.tree.flatten(states)


def before_the_first_step(layer, sequence, states, mask):
    """A recurrent layer on a sequence of one step from its initial state: output, that state."""
    states = keras.tree.flatten(layer.get_initial_state(ops.shape(sequence)[0]))
    return over_one_step(layer, sequence, states, mask)[0], states


def over_one_step(layer, sequence, states, mask):
    """A recurrent layer on a sequence of one step from given states: output, new states."""
    sizes = layer.cell.state_size
    sizes = list(sizes) if isinstance(sizes, list | tuple) else [sizes]
    states = states[: len(keras.tree.flatten(sizes))]
    output, states = layer.cell(sequence[:, 0], keras.tree.pack_sequence_as(sizes, states))
    return output[:, None] if layer.return_sequences else output, keras.tree.flatten(states)


def last_step(prediction):
    """`(batch, time, state)` or `(batch, state)` → `(batch, state)`."""
    return prediction[:, -1] if len(prediction.shape) == 3 else prediction
