"""Gradients by hand against the tape's, against finite differences, and on paper."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from oscillator_zoo.models import ElmanCell, ElmanRNN, JordanCell
from oscillator_zoo.training import backpropagation_through_time

BATCH, TIME, FEATURES, UNITS, OUTPUTS = 3, 6, 2, 4, 2
LETTERS = {
    "kernel": "U",
    "recurrent_kernel": "W",
    "bias": "b",
    "output_kernel": "V",
    "output_bias": "c",
}


def random_cell(activation="tanh", seed=0, **options):
    cell = ElmanCell(UNITS, activation=activation, dtype="float64", **options)
    cell.build((None, FEATURES))
    random = np.random.default_rng(seed)
    cell.set_weights([random.normal(size=w.shape) * 0.6 for w in cell.weights])
    return cell


def sequences(outputs=OUTPUTS, seed=1):
    random = np.random.default_rng(seed)
    shapes = (BATCH, TIME, FEATURES), (BATCH, TIME, outputs), (BATCH, UNITS)
    return [random.normal(size=shape) for shape in shapes]


def tape_gradients(cell, x, target, h_0, cost=None):
    """∂C_t/∂weight of every t by TensorFlow's tape, calling the cell step by step."""
    cost = cost or (lambda y, d: tf.reduce_mean((y - d) ** 2))
    with tf.GradientTape(persistent=True) as tape:
        state, costs = [tf.constant(h_0)], []
        for t in range(x.shape[1]):
            y, state = cell(tf.constant(x[:, t]), state)
            costs.append(cost(y, tf.constant(target[:, t])))
        total = tf.add_n(costs)

    def gradient(value, weight):
        result = tape.gradient(value, weight.value, unconnected_gradients="zero")
        return np.array(result)

    weights = [w for w in cell.trainable_weights if w.name in LETTERS]
    per_step = {LETTERS[w.name]: np.stack([gradient(c, w) for c in costs]) for w in weights}
    return per_step, {LETTERS[w.name]: gradient(total, w) for w in weights}, np.array(costs)


def assert_equal_to_tape(cell, x, target, h_0, **options):
    found = backpropagation_through_time(cell, x, target, initial_state=h_0, **options)
    cost = options.get("cost") and (lambda y, d: tf.reduce_mean((y - d) ** 4))
    per_step, total, costs = tape_gradients(cell, x, target, h_0, cost)
    letters = set(found) - {"states", "outputs", "costs", "sum"}
    assert letters == set(per_step) == set(found["sum"])
    np.testing.assert_allclose(found["costs"], costs, rtol=1e-13)
    for letter in letters:
        assert np.abs(per_step[letter]).max() > 1e-3
        np.testing.assert_allclose(found[letter], per_step[letter], rtol=0, atol=1e-10)
        np.testing.assert_allclose(found["sum"][letter], total[letter], rtol=0, atol=1e-10)


@pytest.mark.parametrize("activation", ["tanh", "linear", "sigmoid", "relu"])
@pytest.mark.parametrize("output_activation", [None, "tanh", "sigmoid", "relu"])
def test_gradients_of_every_step_and_of_the_sum_equal_the_tapes(activation, output_activation):
    options = {"output_units": OUTPUTS, "output_activation": output_activation}
    assert_equal_to_tape(random_cell(activation, **options), *sequences())


def test_gradients_without_output_layer_equal_the_tapes():
    assert_equal_to_tape(random_cell(), *sequences(outputs=UNITS))


def test_gradients_without_offsets_equal_the_tapes():
    assert_equal_to_tape(random_cell(use_bias=False, output_units=OUTPUTS), *sequences())


def test_gradients_of_another_cost_equal_the_tapes():
    assert_equal_to_tape(
        random_cell(output_units=OUTPUTS),
        *sequences(),
        cost=lambda y, d: np.mean((y - d) ** 4),
        cost_derivative=lambda y, d: 4.0 * (y - d) ** 3 / y.size,
    )


@pytest.mark.parametrize("letter", ["U", "W", "b", "V", "c"])
def test_sum_equals_finite_differences(letter):
    cell = random_cell(output_units=OUTPUTS)
    x, target, h_0 = sequences()
    found = backpropagation_through_time(cell, x, target, h_0)["sum"][letter]
    weight = next(w for w in cell.weights if LETTERS[w.name] == letter)
    value, step = weight.numpy(), 1e-5
    place = tuple(0 for _ in value.shape)
    costs = []
    for sign in (1.0, -1.0):
        moved = value.copy()
        moved[place] += sign * step
        weight.assign(moved)
        costs.append(backpropagation_through_time(cell, x, target, h_0)["costs"].sum())
    # Central differences: error of order step² = 1e-10, rounding 1e-16 / step = 1e-11.
    np.testing.assert_allclose((costs[0] - costs[1]) / (2 * step), found[place], rtol=1e-7)


def test_layer_gives_the_gradient_of_keras_mean_squared_error_up_to_the_number_of_steps():
    options = {"return_sequences": True, "learn_initial_state": True, "dtype": "float64"}
    layer = ElmanRNN(UNITS, output_units=OUTPUTS, **options)
    layer.build((None, None, FEATURES))
    random = np.random.default_rng(4)
    layer.set_weights([random.normal(size=w.shape) * 0.6 for w in layer.weights])
    x, target, _ = sequences()
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((layer(x) - target) ** 2)
    gradients = tape.gradient(loss, [w.value for w in layer.trainable_weights])
    found = backpropagation_through_time(layer, x, target)["sum"]
    names = [w.name for w in layer.trainable_weights]
    assert set(LETTERS) < set(names)  # the initial state comes besides
    for name, gradient in zip(names, gradients):
        if name in LETTERS:
            np.testing.assert_allclose(
                found[LETTERS[name]] / TIME, np.array(gradient), rtol=0, atol=1e-10
            )


def test_outputs_and_states_are_the_layers():
    cell = random_cell(output_units=OUTPUTS)
    x, target, h_0 = sequences()
    found = backpropagation_through_time(cell, x, target, h_0)
    layer = keras.layers.RNN(cell, return_sequences=True, return_state=True, dtype="float64")
    y, h_last = layer(x, initial_state=tf.constant(h_0))
    np.testing.assert_allclose(found["outputs"].swapaxes(0, 1), y, rtol=0, atol=1e-14)
    np.testing.assert_allclose(found["states"][-1], h_last, rtol=0, atol=1e-14)
    assert found["states"].shape == (TIME, BATCH, UNITS)
    assert found["W"].shape == (TIME, UNITS, UNITS)


def test_cost_of_a_step_does_not_depend_on_later_steps():
    cell = random_cell(output_units=OUTPUTS)
    x, target, h_0 = sequences()
    whole = backpropagation_through_time(cell, x, target, h_0)
    part = backpropagation_through_time(cell, x[:, :3], target[:, :3], h_0)
    for letter in ("U", "W", "b", "V", "c"):
        np.testing.assert_allclose(whole[letter][:3], part[letter], rtol=1e-12)


def test_gradient_of_a_scalar_linear_cell_is_the_derivative_of_a_power():
    # h_t = w^t h_0, C_t = h_t², so ∂C_t/∂w = 2 t w^(2t−1) h_0²
    cell = ElmanCell(1, activation="linear", use_bias=False, dtype="float64")
    cell.build((None, 1))
    w, steps = 0.9, np.arange(1, 41)
    cell.set_weights([np.zeros((1, 1)), np.array([[w]])])
    zeros = np.zeros((1, 40, 1))
    found = backpropagation_through_time(cell, zeros, zeros, initial_state=np.ones((1, 1)))
    np.testing.assert_allclose(found["W"].ravel(), 2 * steps * w ** (2 * steps - 1), rtol=1e-12)


@pytest.mark.parametrize("truncation", [1, 2, 5])
@pytest.mark.parametrize("activation", ["tanh", "linear"])
def test_truncated_gradients_are_the_tapes_with_the_older_state_a_constant(activation, truncation):
    cell = random_cell(activation, output_units=OUTPUTS)
    x, target, h_0 = sequences()
    found = backpropagation_through_time(cell, x, target, h_0, truncation=truncation)
    whole = backpropagation_through_time(cell, x, target, h_0)
    np.testing.assert_array_equal(found["costs"], whole["costs"])
    for t in range(TIME):
        first = max(t - truncation + 1, 0)
        start = whole["states"][first - 1] if first else h_0
        part, _, _ = tape_gradients(cell, x[:, first : t + 1], target[:, first : t + 1], start)
        for letter, values in part.items():
            np.testing.assert_allclose(found[letter][t], values[-1], rtol=0, atol=1e-12)


def test_truncation_after_the_first_step_changes_no_bit():
    cell = random_cell(output_units=OUTPUTS)
    whole = backpropagation_through_time(cell, *sequences())
    for truncation in (TIME, 10 * TIME):
        found = backpropagation_through_time(cell, *sequences(), truncation=truncation)
        for letter in LETTERS.values():
            np.testing.assert_array_equal(found[letter], whole[letter])
    short = backpropagation_through_time(cell, *sequences(), truncation=TIME - 1)
    assert np.abs(short["W"][-1] - whole["W"][-1]).max() > 1e-6
    np.testing.assert_array_equal(short["V"], whole["V"])


def test_unsuitable_cells_are_refused():
    x, target, _ = sequences()
    with pytest.raises(ValueError, match="Pass an ElmanCell or ElmanRNN"):
        backpropagation_through_time(JordanCell(UNITS, output_units=OUTPUTS), x, target)
    with pytest.raises(ValueError, match="Received: LSTMCell"):
        backpropagation_through_time(keras.layers.LSTM(UNITS), x, target)
    with pytest.raises(ValueError, match="unbuilt"):
        backpropagation_through_time(ElmanCell(UNITS), x, target)
    with pytest.raises(ValueError, match="activation 'gelu'"):
        backpropagation_through_time(random_cell("gelu"), x, target)
    with pytest.raises(ValueError, match="activation 'softmax'"):
        cell = random_cell(output_units=OUTPUTS, output_activation="softmax")
        backpropagation_through_time(cell, x, target)


def test_arrays_that_do_not_fit_are_refused():
    cell = random_cell(output_units=OUTPUTS)
    x, target, h_0 = sequences()
    with pytest.raises(ValueError, match=r"inputs must have the shape \(batch, time, 2\)"):
        backpropagation_through_time(cell, x[0], target)
    with pytest.raises(ValueError, match=r"targets .* = \(3, 6, 2\). Received \(3, 5, 2\)"):
        backpropagation_through_time(cell, x, target[:, 1:])
    with pytest.raises(ValueError, match=r"initial_state .* = \(3, 4\). Received \(4,\)"):
        backpropagation_through_time(cell, x, target, h_0[0])
    with pytest.raises(ValueError, match="belong together"):
        backpropagation_through_time(cell, x, target, h_0, cost=lambda y, d: 0.0)
    with pytest.raises(ValueError, match="truncation must be an integer of at least 1"):
        backpropagation_through_time(cell, x, target, h_0, truncation=0)
