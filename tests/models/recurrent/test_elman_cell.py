"""The lecture's cell: its equation, its weights, its place among Keras's cells."""

import inspect

import keras
import numpy as np
import pytest
from keras import ops
from recurrent_checks import (
    BATCH,
    FEATURES,
    TIME,
    UNITS,
    assert_same,
    has_float64,
    randomise,
    recurrence,
    sequences,
)

from oscillator_zoo.models import ElmanCell, JordanCell

needs_float64 = pytest.mark.skipif(not has_float64(), reason="JAX_ENABLE_X64 is not set")


def built(cell):
    cell.build((None, FEATURES))
    return randomise(cell)


@needs_float64
def test_cell_follows_the_equation_step_by_step():
    cell = built(ElmanCell(UNITS, output_units=3, output_activation="sigmoid", dtype="float64"))
    U, W, b, V, c = cell.get_weights()
    x = sequences(dtype="float64")
    h = np.zeros((BATCH, UNITS))
    states = [ops.convert_to_tensor(h)]
    for t in range(TIME):
        z = b + h @ W + x[:, t] @ U
        h = np.tanh(z)
        y = 1 / (1 + np.exp(-(h @ V + c)))
        output, states = cell(x[:, t], states)
        assert_same([output, states[0]], [y, h], 1e-14)


def test_weights_have_their_names_shapes_and_order():
    cell = built(ElmanCell(UNITS, output_units=3, learn_initial_state=True))
    shapes = {
        "kernel": (FEATURES, UNITS),
        "recurrent_kernel": (UNITS, UNITS),
        "bias": (UNITS,),
        "output_kernel": (UNITS, 3),
        "output_bias": (3,),
        "initial_state": (UNITS,),
    }
    assert {weight.name: tuple(weight.shape) for weight in cell.weights} == shapes
    assert [weight.name for weight in cell.weights] == list(shapes)
    for name in shapes:
        assert getattr(cell, name).name == name


def test_jordan_feeds_back_the_output_and_so_has_another_recurrent_kernel():
    cell = built(JordanCell(UNITS, output_units=3, learn_initial_state=True))
    assert tuple(cell.recurrent_kernel.shape) == (3, UNITS)
    assert tuple(cell.initial_state.shape) == (3,)
    assert cell.state_size == cell.output_size == 3


@pytest.mark.parametrize("nested", [True, False])
def test_without_output_units_it_is_the_cell_of_keras(nested):
    ours, theirs = built(ElmanCell(UNITS)), keras.layers.SimpleRNNCell(UNITS)
    theirs.build((None, FEATURES))
    theirs.set_weights(ours.get_weights())
    x, h = sequences()[:, 0], ops.convert_to_tensor(sequences(UNITS, seed=3)[:, 0])
    states = [h] if nested else h
    ours_new, theirs_new = ours(x, states), theirs(x, states)
    assert isinstance(ours_new[1], list) is nested
    # One product and one sum in another order: a few units in the last place of float32.
    assert_same(ours_new, theirs_new, 1e-6)


def test_without_bias_there_is_no_offset_before_or_after():
    cell = built(ElmanCell(UNITS, use_bias=False, output_units=3))
    assert [weight.name for weight in cell.weights] == [
        "kernel",
        "recurrent_kernel",
        "output_kernel",
    ]
    output, _ = cell(np.zeros((BATCH, FEATURES), "float32"), [ops.zeros((BATCH, UNITS))])
    assert_same(output, np.zeros((BATCH, 3)), 0)


def test_learned_initial_state_is_the_same_for_every_sequence():
    cell = built(ElmanCell(UNITS, learn_initial_state=True))
    assert_same(cell.get_initial_state(5), np.tile(cell.get_weights()[-1], (5, 1)), 0)
    assert_same(built(ElmanCell(UNITS)).get_initial_state(5), np.zeros((5, UNITS)), 0)


@needs_float64
@pytest.mark.parametrize("cell_class", [ElmanCell, JordanCell])
def test_keras_rnn_over_the_cell_takes_its_steps(cell_class):
    layer = keras.layers.RNN(
        cell_class(UNITS, output_units=3, dtype="float64"),
        return_sequences=True,
        return_state=True,
        dtype="float64",
    )
    x = sequences(dtype="float64")
    layer.build(x.shape)
    randomise(layer)
    feedback = "hidden" if cell_class is ElmanCell else "output"
    assert_same(layer(x), recurrence(layer.get_weights(), x, feedback), 1e-13)


def test_cells_can_be_stacked():
    cells = [ElmanCell(UNITS, output_units=3), ElmanCell(5)]
    stack = keras.layers.RNN(cells, return_sequences=True)
    outputs = stack(sequences())
    one_by_one = sequences()
    for cell in cells:
        one_by_one = keras.layers.RNN(cell, return_sequences=True)(one_by_one)
    assert_same(outputs, one_by_one, 1e-6)


@pytest.mark.parametrize("cell_class", [ElmanCell, JordanCell])
def test_configuration_makes_the_same_cell(cell_class):
    cell = cell_class(
        5,
        "relu",
        False,
        bias_initializer="ones",
        kernel_regularizer="l2",
        recurrent_constraint="max_norm",
        dropout=0.25,
        seed=7,
        output_units=2,
        output_activation="tanh",
        learn_initial_state=True,
    )
    twin = cell_class.from_config(cell.get_config())
    assert twin.get_config() == cell.get_config()
    assert keras.saving.get_registered_name(cell_class) == f"oscillator_zoo>{cell_class.__name__}"


def test_every_argument_of_the_keras_cell_is_taken_with_its_default():
    theirs = inspect.signature(keras.layers.SimpleRNNCell).parameters
    ours = inspect.signature(ElmanCell).parameters
    assert list(ours)[: len(theirs) - 1] == list(theirs)[:-1]
    assert [ours[name].default for name in theirs] == [p.default for p in theirs.values()]


@pytest.mark.parametrize("name", ["units", "output_units"])
@pytest.mark.parametrize("value", [0, -3, 2.5, "4", True])
def test_sizes_that_are_no_positive_integer_are_refused(name, value):
    arguments = {"units": 3, name: value}
    expected = rf"{name} must be an integer of at least 1\. Received: {value!r}"
    with pytest.raises(ValueError, match=expected):
        ElmanCell(**arguments)


def test_an_output_activation_without_output_is_refused():
    expected = r"only with `output_units`\. Received output_activation='tanh'.*Pass output_units"
    with pytest.raises(ValueError, match=expected):
        ElmanCell(3, output_activation="tanh")


def test_sizes_may_be_numpy_integers():
    cell = ElmanCell(np.int64(3), output_units=np.int32(2))
    assert (cell.units, cell.output_units) == (3, 2)
    assert type(cell.get_config()["units"]) is int


@needs_float64
def test_a_linear_cell_is_a_matrix_recurrence():
    cell = built(ElmanCell(UNITS, activation="linear", use_bias=False, dtype="float64"))
    U, W = cell.get_weights()
    x, h = sequences(dtype="float64")[:, 0], sequences(UNITS, "float64", seed=2)[:, 0]
    _, (state,) = cell(x, [ops.convert_to_tensor(h)])
    assert_same(state, h @ W + x @ U, 1e-14)
