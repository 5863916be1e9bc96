"""Closed-loop forecasts against the loop that anyone would write."""

import gc
import os
import subprocess
import sys
import textwrap
import weakref

import keras
import numpy as np
import pytest
from keras import layers
from recurrent_checks import BACKEND, has_float64

from oscillator_zoo.data import DampedOscillator, Sinusoid, simulate
from oscillator_zoo.models import ElmanRNN, EulerCell, JordanRNN, euler_weights, rollout

BATCH, PREFIX, STEPS = 2, 6, 4
# Both ways do the same arithmetic in float32 (float64), in another order; weights and outputs are
# of order 1, so rounding errors stay near 1e-7 (1e-16) over these few steps.
TOLERANCE = {"float32": 2e-6, "float64": 1e-13}


def network(*hidden, features=2, state=2, length=None, dtype="float32"):
    keras.utils.set_random_seed(1)
    last = [layers.Dense(state, dtype=dtype)]
    return keras.Sequential([keras.Input((length, features), dtype=dtype), *hidden, *last])


def sequence_and_force(features=2, state=2, seed=0):
    random = np.random.default_rng(seed)
    prefix = random.normal(size=(BATCH, PREFIX, features))
    force = random.normal(size=(BATCH, STEPS, features - state))
    force[:, 0] = prefix[:, -1, state:]
    return prefix, force if features > state else None


def naive_forecast(model, prefix, force=None, window=None):
    """Append every prediction to the sequence, and call the model on all of it again."""
    sequence, predictions = np.array(prefix), []
    for i in range(STEPS):
        prediction = keras.ops.convert_to_numpy(model(sequence[:, -(window or 0) :]))
        prediction = prediction[:, -1] if prediction.ndim == 3 else prediction
        predictions.append(prediction)
        if i + 1 < STEPS:
            following = prediction if force is None else np.hstack([prediction, force[:, i + 1]])
            sequence = np.concatenate([sequence, following[:, None]], axis=1)
    return np.stack(predictions, axis=1)


def assert_equals_naive(model, features=2, state=2, window=None, dtype="float32"):
    prefix, force = sequence_and_force(features, state)
    forecast = rollout(model, prefix, STEPS, force)
    expected = naive_forecast(model, prefix, force, window)
    assert forecast.shape == (BATCH, STEPS, state)
    assert np.ptp(expected, axis=1).min() > 1e-3  # a constant forecast would prove nothing
    np.testing.assert_allclose(forecast, expected, rtol=0, atol=TOLERANCE[dtype])


def elman(units=5, **options):
    return ElmanRNN(units, output_units=3, learn_initial_state=True, **options)


def stacked_cells():
    return layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)], return_sequences=True)


RECURRENT = {
    "elman": lambda: [elman()],
    "elman_sequences": lambda: [elman(return_sequences=True)],
    "jordan": lambda: [JordanRNN(5, output_units=3, return_sequences=True)],
    "simple": lambda: [layers.SimpleRNN(5)],
    "lstm": lambda: [layers.LSTM(5, return_sequences=True)],
    "gru": lambda: [layers.GRU(5)],
    "gru_reset_before": lambda: [layers.GRU(5, reset_after=False, unroll=False)],
    "stacked": lambda: [layers.LSTM(4, return_sequences=True), elman(return_sequences=True)],
    "stacked_last_only": lambda: [elman(return_sequences=True), layers.GRU(4)],
    "stacked_cells": lambda: [stacked_cells()],
    "pointwise": lambda: [
        layers.Rescaling(0.5, offset=0.1),
        layers.Dense(4, activation="tanh"),
        layers.Dropout(0.5),
        layers.SimpleRNN(4, return_sequences=True, dropout=0.3, recurrent_dropout=0.2),
        layers.LayerNormalization(),
        layers.TimeDistributed(layers.Dense(3)),
    ],
    "no_time_axis_left": lambda: [layers.SimpleRNN(6), layers.Reshape((6,))],
}


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_model_forecasts_as_on_the_growing_sequence(name):
    assert_equals_naive(network(*RECURRENT[name](), features=3), features=3)


@pytest.mark.parametrize("length", [None, PREFIX - 1])
def test_recurrent_model_without_force_whatever_the_length_of_its_input(length):
    assert_equals_naive(network(*RECURRENT["stacked"](), length=length))


@pytest.mark.skipif(
    BACKEND == "torch" or not has_float64(),
    reason="Keras's matmul on PyTorch computes in float32; JAX needs JAX_ENABLE_X64",
)
@pytest.mark.parametrize("name", ["elman_sequences", "lstm", "jordan"])
def test_float64_model_forecasts_in_float64(name):
    keras.config.set_dtype_policy("float64")
    try:
        hidden = RECURRENT[name]()
    finally:
        keras.config.set_dtype_policy("float32")
    assert_equals_naive(network(*hidden, features=3, dtype="float64"), 3, dtype="float64")


def test_float32_cell_inside_a_float64_model():
    assert_equals_naive(network(layers.GRU(4, dtype="float32"), dtype="float64"))


WINDOWED = {
    "dense_window": (5, lambda: [layers.Flatten(), layers.Dense(8, activation="tanh")]),
    "conv_window": (6, lambda: [layers.Conv1D(4, 3, activation="tanh"), layers.Flatten()]),
    "conv_window_sequences": (6, lambda: [layers.Conv1D(4, 3, padding="causal")]),
    "conv_then_recurrent": (6, lambda: [layers.Conv1D(4, 3), layers.LSTM(4)]),
    "bidirectional": (4, lambda: [layers.Bidirectional(layers.SimpleRNN(4, dropout=0.2))]),
}


@pytest.mark.parametrize("name", WINDOWED)
@pytest.mark.parametrize("features", [2, 3])
def test_windowed_model_forecasts_from_the_last_steps(name, features):
    window, hidden = WINDOWED[name]
    model = network(*hidden(), features=features, length=window)
    assert_equals_naive(model, features, window=window)


def test_convolution_of_unlimited_length_sees_a_window_as_long_as_the_prefix():
    model = network(layers.Conv1D(4, 3), layers.GlobalAveragePooling1D())
    assert_equals_naive(model, window=PREFIX)


def test_subclassed_model_without_recurrent_layers_sees_a_window_as_long_as_the_prefix():
    class Mean(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, inputs):
            return self.dense(keras.ops.mean(inputs, axis=1))

    model = Mean()
    model(np.zeros((1, PREFIX, 2)))
    assert_equals_naive(model, window=PREFIX)


def test_recurrent_layer_alone_is_a_model():
    keras.utils.set_random_seed(2)
    layer = ElmanRNN(5, output_units=2, return_sequences=True)
    layer.build((None, None, 3))
    assert_equals_naive(layer, features=3)


def test_functional_model_with_a_shortcut_and_a_model_inside():
    keras.utils.set_random_seed(3)
    inner = keras.Sequential([layers.GRU(4, return_sequences=True), layers.Dense(3)])
    shared = layers.SimpleRNN(3, return_sequences=True)
    inputs = keras.Input((None, 2))
    hidden = shared(shared(inner(layers.Dense(3)(inputs))))  # one layer, two places, two states
    model = keras.Model(inputs, inputs + 0.1 * layers.Dense(2)(hidden))
    assert_equals_naive(model)


@pytest.mark.slow
def test_masked_steps_of_the_prefix_are_skipped():
    model = network(layers.Masking(-1e9), layers.LSTM(4, return_sequences=True), elman())
    prefix, _ = sequence_and_force()
    padded = np.concatenate([np.full((BATCH, 4, 2), -1e9), prefix], axis=1)
    padded[0, 5] = -1e9
    expected = naive_forecast(model, padded)
    np.testing.assert_allclose(rollout(model, padded, STEPS), expected, rtol=0, atol=2e-6)
    plain = rollout(model, prefix, STEPS)
    np.testing.assert_allclose(expected[1:], plain[1:], rtol=0, atol=2e-6)


def test_stateful_layer_starts_anew_and_keeps_its_state():
    keras.utils.set_random_seed(1)
    stateful = keras.Sequential(
        [keras.Input(batch_shape=(BATCH, None, 2)), layers.LSTM(4, stateful=True), layers.Dense(2)]
    )
    stateless = network(layers.LSTM(4))
    stateless.set_weights(stateful.get_weights())
    prefix, _ = sequence_and_force()
    stateful(prefix)
    state = [s.numpy() for s in stateful.layers[0].states]
    forecast = rollout(stateful, prefix, STEPS)
    np.testing.assert_allclose(forecast, naive_forecast(stateless, prefix), rtol=0, atol=2e-6)
    for before, after in zip(state, stateful.layers[0].states):
        np.testing.assert_array_equal(before, after.numpy())


@pytest.mark.parametrize("num_steps", [1, 2])
@pytest.mark.parametrize("length", [1, 2])
def test_shortest_prefix_and_shortest_forecast(num_steps, length):
    model = network(layers.LSTM(4), features=3)
    prefix, force = sequence_and_force(3)
    long = rollout(model, prefix[:, -length:], STEPS, force)
    short = rollout(model, prefix[:, -length:], num_steps, force[:, :num_steps])
    np.testing.assert_allclose(short, long[:, :num_steps], rtol=0, atol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("length", [None, 5])
def test_retrained_model_forecasts_with_its_new_weights(length):
    hidden = [layers.GRU(4)] if length is None else [layers.Flatten(), layers.Dense(4)]
    model = network(layers.Normalization(), *hidden, length=length)
    prefix, _ = sequence_and_force()
    before = rollout(model, prefix, STEPS)
    model.compile("adam", "mse")
    for _ in range(3):
        model.train_on_batch(prefix[:, :5], np.ones((BATCH, 2)))
    after = rollout(model, prefix, STEPS)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(
        after, naive_forecast(model, prefix, window=length), rtol=0, atol=2e-6
    )
    model.layers[0].adapt(3.0 * prefix + 1.0)
    np.testing.assert_allclose(
        rollout(model, prefix, STEPS),
        naive_forecast(model, prefix, window=length),
        rtol=0,
        atol=2e-6,
    )


def test_layer_added_to_a_sequential_model_is_seen():
    model = network(layers.GRU(4))
    prefix, _ = sequence_and_force()
    before = rollout(model, prefix, STEPS)
    model.add(layers.Rescaling(0.5))
    assert_equals_naive(model)
    assert np.abs(rollout(model, prefix, STEPS) - before).max() > 1e-3


def test_rollout_leaves_the_random_numbers_of_training_alone():
    options = {"dropout": 0.5, "recurrent_dropout": 0.5, "seed": 7}
    model, twin = (network(layers.SimpleRNN(4, **options)) for _ in range(2))
    twin.set_weights(model.get_weights())
    prefix, _ = sequence_and_force()
    rollout(model, prefix, STEPS)
    for _ in range(2):
        outputs = [keras.ops.convert_to_numpy(m(prefix, training=True)) for m in (model, twin)]
        np.testing.assert_array_equal(*outputs)


def test_forecast_is_compiled_once_for_a_kind_of_shapes():
    calls = []

    @keras.saving.register_keras_serializable("test_rollout")
    class Counting(layers.SimpleRNNCell):
        def call(self, *args, **kwargs):
            calls.append(1)
            return super().call(*args, **kwargs)

    model = network(layers.RNN(Counting(3)))
    prefix, _ = sequence_and_force()
    for num_steps in (5, 5, 6, 7):
        rollout(model, prefix, num_steps)
    del calls[:]
    rollout(model, prefix, 5)
    rollout(model, prefix, 100)
    if BACKEND == "tensorflow":
        assert not calls


def test_model_is_freed_with_its_compiled_forecast():
    model = network(layers.LSTM(3))
    rollout(model, sequence_and_force()[0], 3)
    watch = weakref.ref(model)
    del model
    keras.utils.clear_session()
    gc.collect()
    assert watch() is None


@pytest.mark.further
def test_model_is_saved_and_exported_after_a_forecast_as_before(tmp_path):
    model = network(elman(return_sequences=True))
    prefix, _ = sequence_and_force()
    num_weights = len(model.weights)
    forecast = rollout(model, prefix, STEPS)
    assert len(model.weights) == num_weights and model.layers[0].output is not None
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(rollout(loaded, prefix, STEPS), forecast)
    if BACKEND != "tensorflow":
        return
    model.export(tmp_path / "served", verbose=False)
    served = layers.TFSMLayer(tmp_path / "served", call_endpoint="serve")
    np.testing.assert_allclose(served(prefix.astype("float32")), model(prefix), atol=1e-6)


@pytest.mark.further
def test_model_saved_here_forecasts_the_same_in_a_fresh_process(tmp_path):
    model = network(elman(return_sequences=True), features=3)
    prefix, force = sequence_and_force(3)
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "case.npz", prefix=prefix, force=force)
    script = """
        import sys, keras, numpy as np
        from oscillator_zoo.models import rollout
        case = np.load(sys.argv[1] + "/case.npz")
        model = keras.saving.load_model(sys.argv[1] + "/model.keras")
        np.save(sys.argv[1] + "/out.npy", rollout(model, case["prefix"], 4, case["force"]))
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    subprocess.run(command, check=True, env=os.environ, cwd=tmp_path)
    np.testing.assert_allclose(
        np.load(tmp_path / "out.npy"), rollout(model, prefix, STEPS, force), rtol=0, atol=1e-6
    )


def test_forecast_of_a_linear_cell_is_the_simulated_driven_motion():
    oscillator = DampedOscillator(2.0, 0.3, 1.5, force=Sinusoid(0.7, 1.1))
    motion = simulate(oscillator, time_step=0.05, num_steps=100)
    W, U = euler_weights(oscillator, time_step=0.05)
    layer = ElmanRNN(2, activation="linear", use_bias=False, dtype="float64")
    layer.build((None, None, 3))
    layer.set_weights([np.vstack([W, U]), np.zeros((2, 2))])  # s_i comes as input, with F_i
    known = np.concatenate([motion.states, motion.force], axis=-1)[:, :10]
    forecast = rollout(layer, known, 91, force=motion.force[:, 9:100])
    np.testing.assert_allclose(forecast, motion.states[:, 10:], rtol=0, atol=1e-13)


def test_forecast_that_diverges_warns():
    layer = ElmanRNN(1, activation="linear", use_bias=False)
    layer.build((None, None, 1))
    layer.set_weights([np.array([[1e30]]), np.zeros((1, 1))])
    with pytest.warns(RuntimeWarning, match="not finite from step 2 on"):
        forecast = rollout(layer, np.ones((1, 1, 1)), 4)
    assert np.isfinite(forecast[0, 0]).all()


class Inner(layers.Layer):
    """A user's own layer with a recurrent one inside, which no graph shows."""

    def __init__(self):
        super().__init__()
        self.memory = layers.GRU(3, return_sequences=True)

    def call(self, x):
        return self.memory(x)


BAD_MODELS = {
    "model must be a keras.Model": lambda: layers.Dense(2),
    "unbuilt": lambda: keras.Sequential([layers.GRU(2)]),
    "have the 3 features": lambda: network(layers.GRU(3), features=3),
    "do not fit.*call it on the force": lambda: network(layers.GRU(3), state=3),
    "'flatten.*not known": lambda: network(
        layers.GRU(3, return_sequences=True), layers.Conv1D(2, 3, name="flattening")
    ),
    "go_backwards_layer.*not known": lambda: network(
        layers.GRU(3, go_backwards=True, name="go_backwards_layer")
    ),
    "Bidirectional.*not known": lambda: network(layers.Bidirectional(layers.GRU(3))),
    "Inner.*not known": lambda: network(Inner()),
    "window of 9 steps": lambda: network(layers.Flatten(), length=9),
    "one input, .* and one output": lambda: keras.Model(
        (inputs := keras.Input((None, 2))), [inputs, inputs * 2.0]
    ),
}


@pytest.mark.parametrize("message", BAD_MODELS)
def test_unsuitable_model_is_refused(message):
    with pytest.raises(ValueError, match=message):
        rollout(BAD_MODELS[message](), sequence_and_force()[0], STEPS)


def test_stateful_window_and_given_initial_state_are_refused():
    prefix, _ = sequence_and_force()
    stateful = keras.Sequential(
        [
            keras.Input(batch_shape=(BATCH, PREFIX, 2)),
            layers.Conv1D(2, 3),
            layers.GRU(3, stateful=True),
            layers.Dense(2),
        ]
    )
    with pytest.raises(ValueError, match="stateful=False"):
        rollout(stateful, prefix, STEPS)
    inputs = keras.Input((None, 2))
    encoded = layers.GRU(2)(inputs)
    model = keras.Model(inputs, layers.GRU(2, name="decoder")(inputs, initial_state=encoded))
    with pytest.raises(ValueError, match="'decoder' called with initial_state"):
        rollout(model, prefix, STEPS)


def test_physics_cell_is_referred_to_its_own_call():
    model = keras.Sequential([keras.Input((None, 1)), layers.RNN(EulerCell(0.1, 0.1, 1.0))])
    with pytest.raises(ValueError, match=r"1 input features and 2 outputs.*call it on the force"):
        rollout(model, np.zeros((1, 5, 1)), 3)


def test_bad_arrays_are_refused():
    model, driven = network(layers.GRU(3)), network(layers.GRU(3), features=3)
    prefix, force = sequence_and_force(3)
    state = prefix[:, :, :2]
    with pytest.raises(ValueError, match=r"prefix must have the shape \(batch, time, features\)"):
        rollout(model, state[0], STEPS)
    with pytest.raises(ValueError, match=r"prefix must be a finite real number.*nan"):
        rollout(model, state * np.nan, STEPS)
    with pytest.raises(ValueError, match=r"num_steps must be an integer.*Write num_steps=4"):
        rollout(model, state, 4.0)
    with pytest.raises(ValueError, match="num_steps must be an integer of at least 1"):
        rollout(model, state, 0)
    with pytest.raises(ValueError, match=r"force=None. Pass force of shape"):
        rollout(driven, prefix, STEPS)
    with pytest.raises(ValueError, match="Leave force out"):
        rollout(model, state, STEPS, force)
    with pytest.raises(ValueError, match=r"= \(2, 3, 1\). Received \(2, 4, 1\)"):
        rollout(driven, prefix, STEPS - 1, force)
    with pytest.raises(ValueError, match="force must have the shape"):
        rollout(driven, prefix, STEPS, force[0])
    with pytest.raises(ValueError, match=r"pass force\[:, P - 1 : P - 1 \+ num_steps\]"):
        rollout(driven, prefix, STEPS, np.roll(force, -1, axis=1))
