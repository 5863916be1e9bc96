"""Outputs of a truncated layer are the layer's; its gradients are those of pieces."""

import keras
import numpy as np
import pytest
from keras import ops
from marks import further_but_for
from recurrent_checks import (
    BATCH,
    FEATURES,
    TIME,
    UNITS,
    assert_same,
    gradient,
    has_float64,
    loss_of,
    randomise,
    sequences,
    to_numpy,
)

from oscillator_zoo.models import ElmanRNN, EulerCell, TruncatedGradient

pytestmark = pytest.mark.skipif(not has_float64(), reason="JAX_ENABLE_X64 is not set")
LAYERS = {
    "elman": lambda **o: ElmanRNN(UNITS, output_units=3, learn_initial_state=True, **o),
    "lstm": lambda **o: keras.layers.LSTM(UNITS, **o),
    "euler": lambda **o: keras.layers.RNN(EulerCell(0.1, 0.2, 1.0, dtype="float64"), **o),
}


def built(name, **options):
    layer = LAYERS[name](return_sequences=True, dtype="float64", **options)
    layer.build((BATCH, TIME, 1 if name == "euler" else FEATURES))
    return layer if name == "euler" else randomise(layer)


def inputs(name):
    return sequences(1 if name == "euler" else FEATURES, dtype="float64")


def gradients(layer, x):
    tensors = [ops.convert_to_tensor(v) for v in (*map(to_value, layer.trainable_variables), x)]
    return to_numpy(gradient(loss_of(layer))(*tensors))


def to_value(variable):
    return variable.value


@pytest.mark.parametrize("num_steps", further_but_for([1, 2, 4, TIME, TIME + 1], 2, TIME + 1))
@pytest.mark.parametrize("name", LAYERS)
def test_outputs_are_those_of_the_layer(name, num_steps):
    layer, x = built(name), inputs(name)
    assert_same(TruncatedGradient(layer, num_steps)(x), layer(x), 1e-14)
    layer.return_sequences = False
    assert_same(TruncatedGradient(layer, num_steps)(x), layer(x), 1e-14)
    assert layer.return_state is False


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_over_the_whole_length_are_those_of_the_layer(name):
    layer, x = built(name), inputs(name)
    assert_same(gradients(TruncatedGradient(layer, TIME), x), gradients(layer, x), 1e-13)


def test_gradients_are_the_sums_of_those_of_the_pieces_from_given_states():
    layer, x = built("elman"), inputs("elman")
    truncated = gradients(TruncatedGradient(layer, 4), x)
    assert max(np.abs(a - b).max() for a, b in zip(truncated, gradients(layer, x))) > 1e-2

    layer.return_state = True
    state = ops.convert_to_tensor(to_numpy(layer(x[:, :4])[1])[0])
    layer.return_state = False

    def loss_of_pieces(*tensors):
        *weights, x = tensors
        with keras.StatelessScope(state_mapping=zip(layer.trainable_variables, weights)):
            pieces = [layer(x[:, :4]), layer(x[:, 4:], initial_state=state)]
        output = ops.concatenate(pieces, axis=1)
        scale = np.cos(np.arange(np.prod(output.shape))).reshape(output.shape)
        return ops.sum(output * ops.convert_to_tensor(scale))

    tensors = [ops.convert_to_tensor(v) for v in (*map(to_value, layer.trainable_variables), x)]
    assert_same(truncated, gradient(loss_of_pieces)(*tensors), 1e-13)


@pytest.mark.slow
def test_fit_trains_the_layer_of_another_model():
    keras.utils.set_random_seed(0)
    layer = ElmanRNN(UNITS, output_units=1, return_sequences=True)
    model = keras.Sequential([keras.Input((None, FEATURES)), layer])
    before = model.get_weights()
    trained = keras.Sequential([keras.Input((TIME, FEATURES)), TruncatedGradient(layer, 2)])
    trained.compile(keras.optimizers.Adam(0.02), "mse")
    losses = trained.fit(sequences(), sequences(1, seed=3), epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all(np.abs(a - b).max() > 0 for a, b in zip(before, model.get_weights()))
    assert_same(model(sequences()), trained(sequences()), 1e-6)


def test_saved_model_gives_the_same_numbers(tmp_path):
    layer = LAYERS["elman"](return_sequences=True)
    model = keras.Sequential([keras.Input((TIME, FEATURES)), TruncatedGradient(layer, 4)])
    randomise(model).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(loaded(sequences()), model(sequences()), 1e-6)
    assert loaded.layers[-1].num_steps == 4


def test_what_cannot_be_truncated_is_refused():
    with pytest.raises(ValueError, match=r"Received: Dense \. Pass an ElmanRNN"):
        TruncatedGradient(keras.layers.Dense(2), 5)
    with pytest.raises(ValueError, match=r"Received: ElmanRNN stateful=True\. Pass"):
        TruncatedGradient(ElmanRNN(UNITS, stateful=True), 5)
    with pytest.raises(ValueError, match=r"Received: ElmanRNN go_backwards=True"):
        TruncatedGradient(ElmanRNN(UNITS, go_backwards=True), 5)
    with pytest.raises(ValueError, match="num_steps must be an integer of at least 1"):
        TruncatedGradient(ElmanRNN(UNITS), 0)
    layer = TruncatedGradient(ElmanRNN(UNITS), 5)
    with pytest.raises(ValueError, match=r"Received shape \(None, None, 2\)\. Write the length"):
        layer(keras.Input((None, FEATURES)))
    with pytest.raises(ValueError, match=r"Received a mask"):
        layer(keras.layers.Masking()(keras.Input((TIME, FEATURES))))
