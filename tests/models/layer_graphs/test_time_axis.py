"""Which models carry a state along time, and which layer is the reason that one does not."""

import keras
import pytest
from keras import layers

from oscillator_zoo.models import ElmanRNN
from oscillator_zoo.models.layer_graphs.time_axis import can_carry_state, check_window_model


def with_recurrence(make):
    """A model of sequences of any length, made from its input and a recurrent layer's output."""
    inputs = keras.Input((None, 2))
    return keras.Model(inputs, make(inputs, ElmanRNN(2, return_sequences=True)(inputs)))


class Smooth(keras.Model):
    """A model of the user's own, whose layers are in no graph."""

    def __init__(self):
        super().__init__()
        self.mean = layers.Conv1D(2, 3, padding="same", name="mean")

    def call(self, x):
        return self.mean(x)


@pytest.mark.parametrize(
    ("make", "received"),
    [
        (
            lambda inputs, states: layers.Concatenate(axis=1, name="twice")([inputs, states]),
            r"'twice' \(Concatenate\)",
        ),
        (lambda inputs, states: Smooth()(states), r"'mean' \(Conv1D\)"),
    ],
    ids=["along time", "inside"],
)
def test_a_layer_that_mixes_time_steps_is_named(make, received):
    model = with_recurrence(make)
    assert not can_carry_state(model)
    with pytest.raises(ValueError, match=rf"act on each time step alone\. Received.*{received}"):
        check_window_model(model)


def test_layers_of_single_steps_and_of_parts_without_time_carry_a_state():
    def make(inputs, states):
        gain = layers.Reshape((1,))(layers.Dense(1)(ElmanRNN(2)(inputs)))  # one for all of it
        return layers.Multiply()([layers.Concatenate()([inputs, states]), layers.Dense(1)(gain)])

    assert can_carry_state(with_recurrence(lambda inputs, states: layers.Dense(2)(states)))
    assert can_carry_state(with_recurrence(make))
