"""Outputs and gradients of a checkpointed layer are the layer's own, in less memory."""

import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops
from marks import further_but_for
from recurrent_checks import (
    BACKEND,
    BATCH,
    FEATURES,
    MODES,
    TIME,
    UNITS,
    assert_same,
    compiled,
    gradient,
    has_float64,
    loss_of,
    randomise,
    sequences,
    to_numpy,
)

from oscillator_zoo.models import CheckpointedGradient, ElmanRNN, JordanRNN

pytestmark = pytest.mark.skipif(not has_float64(), reason="JAX_ENABLE_X64 is not set")
FLOAT64 = {"dtype": "float64"}


def stacked(**options):
    cells = [keras.layers.LSTMCell(3, **FLOAT64), keras.layers.GRUCell(UNITS, **FLOAT64)]
    return keras.layers.RNN(keras.layers.StackedRNNCells(cells, **FLOAT64), **options)


LAYERS = {
    "elman": lambda **o: ElmanRNN(UNITS, output_units=3, learn_initial_state=True, **o),
    "jordan": lambda **o: JordanRNN(UNITS, output_units=3, **o),
    "lstm": lambda **o: keras.layers.LSTM(UNITS, **o),
    "stacked": stacked,
}


def built(name, **options):
    layer = LAYERS[name](**{"return_sequences": True, **FLOAT64, **options})
    layer.build((BATCH, TIME, FEATURES))
    return randomise(layer)


def gradients(layer, x, mode="eager", **call_arguments):
    tensors = [variable.value for variable in layer.trainable_variables] + [x]
    tensors = [ops.convert_to_tensor(tensor) for tensor in tensors]
    return to_numpy(compiled(gradient(loss_of(layer, **call_arguments)), mode)(*tensors))


def assert_like(layer, num_steps, mode="eager"):
    x, checkpointed = sequences(dtype="float64"), CheckpointedGradient(layer, num_steps)
    assert_same(compiled(checkpointed, mode)(x), layer(x), 1e-14)
    assert_same(gradients(checkpointed, x, mode), gradients(layer, x), 1e-13)


@pytest.mark.parametrize("num_steps", further_but_for([1, 2, 4, TIME, TIME + 1, None], 4, None))
def test_outputs_and_gradients_are_those_of_the_layer(num_steps):
    assert_like(built("elman"), num_steps)


@pytest.mark.parametrize("return_sequences", further_but_for([True, False], False))
@pytest.mark.parametrize("mode", MODES)
def test_so_they_are_when_compiled_and_for_the_last_output(mode, return_sequences):
    assert_like(built("elman", return_sequences=return_sequences), 4, mode)


@pytest.mark.parametrize("name", further_but_for(["jordan", "lstm", "stacked"], "lstm"))
def test_other_layers_have_their_own_too(name):
    assert_like(built(name), 2)


def test_an_initial_state_has_its_gradient_and_the_last_state_is_returned():
    layer = built("lstm", return_state=True)
    checkpointed, x = CheckpointedGradient(layer, 4), sequences(dtype="float64")
    states = [ops.convert_to_tensor(sequences(UNITS, "float64", seed)[:, 0]) for seed in (2, 3)]

    def loss(layer):
        def value(*states):
            output, h, c = layer(x, initial_state=list(states))
            return ops.sum(output**2) + ops.sum(ops.sin(h) * c)

        return value

    assert_same(checkpointed(x, initial_state=states), layer(x, initial_state=states), 1e-14)
    expected = gradient(loss(layer))(*states)
    assert_same(gradient(loss(checkpointed))(*states), expected, 1e-13)


FITS = {
    "elman": lambda: LAYERS["elman"](return_sequences=True, activity_regularizer="l2"),
    "dropout": lambda: ElmanRNN(UNITS, "sigmoid", dropout=0.2, seed=1, output_units=3),
    "gru": lambda: keras.layers.GRU(
        3, dropout=0.3, recurrent_dropout=0.2, seed=2, kernel_regularizer="l2"
    ),
}


def fitted(layer, wrap, jit_compile):
    model = keras.Sequential([keras.Input((TIME, FEATURES)), wrap(layer)])
    randomise(model)
    model.compile(keras.optimizers.Adam(0.02), "mse", jit_compile=jit_compile)
    y = sequences(3, seed=4) if layer.return_sequences else sequences(3, seed=4)[:, -1]
    options = {"epochs": 4, "batch_size": BATCH - 1, "shuffle": False, "verbose": 0}
    return [model.fit(sequences(), y, **options).history["loss"], *layer.get_weights()]


@pytest.mark.parametrize("name", further_but_for(FITS, "elman"))
@pytest.mark.slow
def test_fit_gives_the_weights_of_the_layer(name):
    jit_compile = name == "elman" if BACKEND == "tensorflow" else "auto"
    expected = fitted(FITS[name](), lambda layer: layer, jit_compile)
    found = fitted(FITS[name](), lambda layer: CheckpointedGradient(layer, 4), jit_compile)
    assert_same(found, expected, 1e-5)


def test_saved_model_gives_the_same_numbers(tmp_path):
    layer = LAYERS["elman"](return_sequences=True, activity_regularizer="l2")
    model = keras.Sequential([keras.Input((TIME, FEATURES)), CheckpointedGradient(layer, 4)])
    randomise(model).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(loaded(sequences()), model(sequences()), 1e-6)
    assert_same(loaded.losses, model.losses, 1e-6)
    assert loaded.layers[-1].num_steps == 4
    assert loaded.layers[-1].layer.output_units == 3


def test_sequences_of_unknown_length_can_be_predicted():
    layer = built("elman")
    model = keras.Sequential([keras.Input((None, FEATURES)), CheckpointedGradient(layer, 2)])
    x = sequences(dtype="float64")
    assert_same(model.predict(x, verbose=0), layer(x), 1e-6)


def test_half_precision_is_that_of_the_layer():
    layer = ElmanRNN(UNITS, output_units=2, return_sequences=True, dtype="mixed_bfloat16")
    x, checkpointed = sequences(), CheckpointedGradient(layer, 2)
    assert_same(ops.cast(checkpointed(x), "float32"), ops.cast(layer(x), "float32"), 1e-2)
    assert keras.backend.standardize_dtype(checkpointed(x).dtype) == "bfloat16"


PEAKS = """
import json, re, keras, numpy as np
from oscillator_zoo.models import CheckpointedGradient, ElmanRNN

def peak_after_a_step(length, wrap):
    layer = wrap(ElmanRNN(64, output_units=1, return_sequences=True))
    model = keras.Sequential([keras.Input((length, 1)), layer])
    model.compile("adam", "mse")
    x = np.ones((8, length, 1), "float32")
    model.train_on_batch(x, x)
    return int(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])

def plain(layer):
    return layer

loaded = max(peak_after_a_step(16, wrap) for wrap in (plain, CheckpointedGradient))
print(json.dumps([peak_after_a_step(30_000, f) - loaded for f in (CheckpointedGradient, plain)]))
"""


@pytest.mark.further
@pytest.mark.skipif(BACKEND != "tensorflow", reason="measured on TensorFlow")
@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="measured on Linux")
def test_a_long_sequence_takes_less_than_a_third_of_the_memory():
    # The peak of a process only grows, hence the smaller one first. All states of 8 sequences of
    # 30,000 steps of 64 units are 61 MB in float32, and the layer holds three such arrays.
    command = [sys.executable, "-W", "ignore", "-c", PEAKS]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    checkpointed, plain = json.loads(output.splitlines()[-1])
    assert 0 < checkpointed < plain / 3


@pytest.mark.skipif(BACKEND != "tensorflow", reason="JAX and PyTorch have second derivatives")
def test_second_derivatives_are_refused():
    layer, x = built("elman"), ops.convert_to_tensor(sequences(dtype="float64"))
    first = gradient(lambda x: ops.sum(CheckpointedGradient(layer, 2)(x)))
    with pytest.raises(ValueError, match=r"no second derivatives.*Take them of the layer"):
        gradient(lambda x: ops.sum(first(x)[0] ** 2))(x)


def test_what_cannot_be_checkpointed_is_refused():
    with pytest.raises(ValueError, match=r"Received: Dense \. Pass an ElmanRNN"):
        CheckpointedGradient(keras.layers.Dense(2), 5)
    with pytest.raises(ValueError, match=r"Received: ElmanRNN stateful=True\. Pass"):
        CheckpointedGradient(ElmanRNN(UNITS, stateful=True), 5)
    with pytest.raises(ValueError, match=r"Received: ElmanRNN go_backwards=True"):
        CheckpointedGradient(ElmanRNN(UNITS, go_backwards=True), 5)
    with pytest.raises(ValueError, match="num_steps must be an integer of at least 1"):
        CheckpointedGradient(ElmanRNN(UNITS), 0)
    layer = CheckpointedGradient(ElmanRNN(UNITS), 5)
    with pytest.raises(ValueError, match=r"Received a mask\. Train on sequences of one length"):
        layer(sequences(), mask=np.ones((BATCH, TIME), bool))


@pytest.mark.skipif(BACKEND != "tensorflow", reason="elsewhere every length is known")
def test_training_on_unknown_lengths_is_refused():
    import tensorflow as tf

    layer = CheckpointedGradient(ElmanRNN(UNITS), 5)
    train = tf.function(lambda x: layer(x, training=True))
    with pytest.raises(ValueError, match=r"shape \(3, None, 2\) in training\. Write the length"):
        train.get_concrete_function(tf.TensorSpec((BATCH, None, FEATURES)))
