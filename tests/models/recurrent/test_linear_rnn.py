"""LinearRNN, and ElmanRNN without activation, are keras.layers.RNN in fewer steps."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops
from marks import further_but_for
from recurrent_checks import (
    BACKEND,
    assert_same,
    gradient,
    has_float64,
    loss_of,
    randomise,
    to_numpy,
)

from oscillator_zoo.data import DampedOscillator, Sinusoid, simulate
from oscillator_zoo.models import ElmanCell, ElmanRNN, EulerCell, JordanCell, LinearRNN
from oscillator_zoo.models.recurrent.linear_loop import SHORT, linear_matrix

pytestmark = pytest.mark.skipif(not has_float64(), reason="JAX_ENABLE_X64 is not set")
BATCH, TIME, FEATURES, UNITS = 2, 100, 2, 4
WAYS = [
    dict(return_sequences=a, go_backwards=b, return_state=c)
    for a, b, c in itertools.product([True, False], repeat=3)
]


def inputs(features=FEATURES, time=TIME, dtype="float64"):
    return np.random.default_rng(0).normal(size=(BATCH, time, features)).astype(dtype)


def elman_cell(**options):
    return ElmanCell(UNITS, activation=None, output_units=3, learn_initial_state=True, **options)


def euler_cell(**options):
    options = {"mass": 1.7, "initial_position": 0.4, "initial_velocity": -0.6, **options}
    return EulerCell(0.05, 0.3, 1.2, dtype="float64", **options)


def stable(layer, x):
    """The layer with random weights whose recurrent matrix has spectral radius .95."""
    layer.build(x.shape)
    randomise(layer)
    matrix = layer.cell.recurrent_kernel
    radius = np.abs(np.linalg.eigvals(to_numpy(matrix)[0])).max()
    matrix.assign(matrix * (0.95 / radius))
    return layer


def twins(kind, dtype="float64", **options):
    """The layer in question and keras.layers.RNN over an equal cell, with equal weights."""
    if kind == "euler":
        cells = euler_cell(), euler_cell()
        ours = LinearRNN(cells[0], dtype=dtype, **options)
        return ours, keras.layers.RNN(cells[1], dtype=dtype, **options), inputs(1)
    x = inputs(dtype=dtype)
    if kind == "elman rnn":
        ours = ElmanRNN(UNITS, activation=None, output_units=3, learn_initial_state=True,
                        dtype=dtype, **options)  # fmt: skip
    else:
        ours = LinearRNN(elman_cell(dtype=dtype), dtype=dtype, **options)
    theirs = keras.layers.RNN(elman_cell(dtype=dtype), dtype=dtype, **options)
    theirs.build(x.shape)
    theirs.set_weights(stable(ours, x).get_weights())
    return ours, theirs, x


BLOCKS = BACKEND != "jax"  # whose own loop is as fast
KINDS = ("euler", "elman cell", "elman rnn")


@pytest.mark.parametrize("options", further_but_for(WAYS, *WAYS[::3]), ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_and_states_are_those_of_keras_rnn(kind, options):
    ours, theirs, x = twins(kind, **options)
    assert (linear_matrix(ours, x, None, False) is not None) is BLOCKS
    assert_same(ours(x), theirs(x), 1e-12)
    start = np.random.default_rng(1).normal(size=(BATCH, ours.cell.state_size))
    start = ops.convert_to_tensor(start)
    assert_same(ours(x, initial_state=start), theirs(x, initial_state=[start]), 1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_keras_rnn(kind):
    options = {"trainable_mass": True, "learn_initial_state": True}
    ours, theirs, x = twins(kind, return_sequences=True)
    if kind == "euler":
        ours = LinearRNN(euler_cell(**options), dtype="float64", return_sequences=True)
        theirs = keras.layers.RNN(euler_cell(**options), dtype="float64", return_sequences=True)

    def gradients(layer):
        values = [variable.value for variable in layer.trainable_variables]
        return to_numpy(gradient(loss_of(layer))(*values, ops.convert_to_tensor(x)))

    for found, expected in zip(gradients(ours), gradients(theirs), strict=True):
        scale = np.abs(expected).max()
        assert scale > 0.0
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("damping", [0.0, 0.4, 3.0])
def test_euler_cell_fed_with_f_i_gives_the_simulated_s_i_plus_1_of_ten_thousand_steps(damping):
    force = Sinusoid(0.7, 1.1)
    oscillator = DampedOscillator(2.0, damping, 1.8, force=force, position=0.5, velocity=-1.0)
    step = 1e-3 if damping == 0.0 else 0.02
    motion = simulate(oscillator, step, 10000)
    cell = EulerCell(step, damping / 2.0, 0.9, 2.0, dtype="float64")
    layer = LinearRNN(cell, return_sequences=True, dtype="float64")
    start = ops.convert_to_tensor(motion.states[:, 0])
    found = to_numpy(layer(motion.force[:, :-1], initial_state=start))[0]
    largest = np.abs(motion.states).max()
    np.testing.assert_allclose(found, motion.states[:, 1:], rtol=0, atol=1e-12 * largest)


@pytest.mark.parametrize("features", [("position",), ("velocity", "position")])
def test_features_choose_what_is_given_out(features):
    everything = LinearRNN(euler_cell(), return_sequences=True, dtype="float64")(inputs(1))
    layer = LinearRNN(euler_cell(features=features), return_sequences=True, dtype="float64")
    columns = [("position", "velocity").index(name) for name in features]
    found = to_numpy(layer(inputs(1)))[0]
    np.testing.assert_array_equal(found, to_numpy(everything)[0][:, :, columns])


@pytest.mark.parametrize("kind", ["euler", "elman rnn"])
def test_masked_steps_do_not_happen(kind):
    ours, _, x = twins(kind, return_sequences=True)
    mask = np.random.default_rng(2).random(x.shape[:2]) < 0.7
    mask[:, 0] = True
    found = to_numpy(ours(x, mask=ops.convert_to_tensor(mask)))[0]
    for i in range(BATCH):
        compact = to_numpy(ours(x[i : i + 1, mask[i]]))[0][0]
        np.testing.assert_allclose(found[i, mask[i]], compact, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(found[i, 1:][~mask[i, 1:]], found[i, :-1][~mask[i, 1:]])


def test_a_stateful_layer_goes_on_where_it_ended():
    ours, theirs, x = twins("elman rnn", return_sequences=True)
    stateful = ElmanRNN(UNITS, activation=None, output_units=3, stateful=True,
                        return_sequences=True, dtype="float64")  # fmt: skip
    stateful.build(x.shape)
    stateful.set_weights(ours.get_weights()[:-1])
    twice = theirs(np.tile(x, (1, 2, 1)), initial_state=ops.zeros((BATCH, UNITS), "float64"))
    assert_same(ops.concatenate([stateful(x), stateful(x)], axis=1), twice, 1e-12)
    stateful.reset_state()
    assert_same(stateful(x), twice[:, :TIME], 1e-12)


def test_steps_are_taken_one_by_one_where_blocks_do_not_apply():
    def layer(**options):
        return stable(ElmanRNN(UNITS, **{"activation": None, **options}), x)

    x = inputs(dtype="float32")
    mask = ops.convert_to_tensor(np.ones((BATCH, TIME), bool))
    assert (linear_matrix(layer(), x, None, True) is not None) is BLOCKS
    assert linear_matrix(layer(), x, mask, False) is None
    assert linear_matrix(layer(), x[:, : SHORT - 1], None, False) is None
    assert linear_matrix(layer(unroll=True), x, None, False) is None
    assert linear_matrix(layer(activation="tanh"), x, None, False) is None
    assert linear_matrix(layer(dtype="mixed_bfloat16"), x, None, False) is None
    dropping = layer(recurrent_dropout=0.5)
    assert (linear_matrix(dropping, x, None, False) is not None) is BLOCKS
    assert linear_matrix(dropping, x, None, True) is None


def test_dropout_of_the_inputs_is_that_of_keras():
    options = dict(activation=None, dropout=0.4, seed=3, return_sequences=True)
    ours = stable(ElmanRNN(UNITS, **options), inputs(dtype="float32"))
    theirs = keras.layers.SimpleRNN(UNITS, **options)
    theirs.build((BATCH, TIME, FEATURES))
    theirs.set_weights(ours.get_weights())
    x = inputs(dtype="float32")
    assert_same(ours(x, training=True), theirs(x, training=True), 1e-4)


@pytest.mark.skipif(BACKEND == "jax", reason="Each of these compiles for long")
def test_fit_moves_the_constants_towards_the_truth_and_a_file_holds_them(tmp_path):
    motion = simulate(DampedOscillator(damping=0.4), 0.05, 300)
    cell = EulerCell(0.05, 0.1, 0.7, initial_position=1.0, dtype="float64")
    layer = LinearRNN(cell, return_sequences=True, dtype="float64")
    model = keras.Sequential([keras.Input((None, 1), dtype="float64"), layer])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    force = motion.force[:, :-1]
    losses = [model.train_on_batch(force, motion.states[:, 1:]) for _ in range(60)]
    assert losses[-1] < 0.1 * losses[0]
    assert abs(cell.damping_rate.numpy() - 0.4) < 0.15
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.layers[-1], LinearRNN)
    assert_same(loaded(force), model(force), 0)


@pytest.mark.further
@pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow only")
def test_xla_and_export_give_the_same_numbers(tmp_path):
    import tensorflow as tf

    ours, _, x = twins("euler", return_sequences=True)
    model = keras.Sequential([keras.Input((None, 1), dtype="float64"), ours])
    expected = to_numpy(model(x))
    assert_same(tf.function(model, jit_compile=True)(x), expected, 1e-13)
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    assert_same(served.serve(x), expected, 1e-13)


def test_cells_that_are_no_linear_recurrence_are_refused():
    with pytest.raises(ValueError, match=r"Received: ElmanCell with activation='tanh'\. Use keras"):
        LinearRNN(ElmanCell(UNITS))
    with pytest.raises(ValueError, match=r"Received: GRUCell"):
        LinearRNN(keras.layers.GRUCell(UNITS))
    with pytest.raises(ValueError, match=r"Received: JordanCell with activation='linear'"):
        LinearRNN(JordanCell(UNITS, activation="linear", output_units=2))
    with pytest.raises(ValueError, match=r"\(batch, 2\)\. Received \(2, 3\)\. Pass one row"):
        LinearRNN(euler_cell())(inputs(1), initial_state=ops.zeros((2, 3)))
