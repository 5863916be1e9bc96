"""ElmanRNN equals Keras's loop over ElmanCell, and Keras's SimpleRNN, in every mode."""

import inspect
import itertools
import os
import subprocess
import sys
import types
import unittest

import keras
import numpy as np
import pytest
import recurrent_checks as checks
from keras import ops
from marks import further_but_for
from recurrent_checks import (
    BATCH,
    FEATURES,
    MASKS,
    TIME,
    UNITS,
    assert_same,
    compiled,
    finite_differences,
    gradient,
    has_float64,
    loss_of,
    randomise,
    recurrence,
    sequences,
    to_numpy,
)

from oscillator_zoo.models import ElmanCell, ElmanRNN, JordanRNN

needs_float64 = pytest.mark.skipif(not has_float64(), reason="JAX_ENABLE_X64 is not set")
needs_tensorflow = pytest.mark.skipif(checks.BACKEND != "tensorflow", reason="TensorFlow only")

# Products of order-one numbers in another order, over six steps: some units of float32.
SINGLE = 5e-6
DIRECTIONS = [False, True]
MODES = list(itertools.product(MASKS, DIRECTIONS, DIRECTIONS, DIRECTIONS, DIRECTIONS))
if checks.BACKEND != "tensorflow":  # JAX compiles a loop for each; these cover every choice.
    MODES = MODES[::7]


def built(layer, x=None):
    layer.build((BATCH, TIME, FEATURES) if x is None else x.shape)
    return randomise(layer)


def twin(ours, theirs):
    theirs.build((BATCH, TIME, FEATURES))
    theirs.set_weights(ours.get_weights())
    return theirs


def keras_loop_is_right(mask, sequence, backwards, zero, unroll):
    """Whether Keras's own loop does here what it documents."""
    if mask == "none":
        return True
    if checks.BACKEND == "jax":  # repeats the state for the output; ignores zero when unrolled
        return zero and not unroll
    if checks.BACKEND == "torch":  # raises
        return not (unroll and backwards)
    return not (unroll and backwards and zero and sequence)  # does not turn the mask


@needs_float64
@pytest.mark.parametrize("mask, sequence, backwards, zero, unroll", MODES)
def test_every_mode_is_the_equation_taken_step_by_step(mask, sequence, backwards, zero, unroll):
    layer = ElmanRNN(
        UNITS,
        output_units=3,
        learn_initial_state=True,
        return_sequences=sequence,
        return_state=True,
        go_backwards=backwards,
        zero_output_for_mask=zero,
        unroll=unroll,
        dtype="float64",
    )
    x = sequences(dtype="float64")
    *weights, start = built(layer).get_weights()
    outputs, last = recurrence(weights, x, "hidden", MASKS[mask], start, zero, backwards)
    outputs = outputs if sequence else outputs[:, -1]
    assert_same(layer(x, mask=MASKS[mask]), [outputs, last], 1e-13)


@pytest.mark.parametrize("output_units", [None, 3, UNITS])
@pytest.mark.parametrize(
    "mask, sequence, backwards, zero, unroll", MODES[:: 3 if checks.BACKEND == "tensorflow" else 1]
)
def test_every_mode_is_keras_rnn_over_the_cell(
    mask, sequence, backwards, zero, unroll, output_units
):
    if not keras_loop_is_right(mask, sequence, backwards, zero, unroll):
        pytest.skip("Keras's own loop departs from its documentation here")
    options = dict(
        return_sequences=sequence,
        return_state=True,
        go_backwards=backwards,
        zero_output_for_mask=zero,
        unroll=unroll,
    )
    cell_options = dict(output_units=output_units, learn_initial_state=True)
    ours = built(ElmanRNN(UNITS, **cell_options, **options))
    theirs = twin(ours, keras.layers.RNN(ElmanCell(UNITS, **cell_options), **options))
    x = sequences()
    assert_same(ours(x, mask=MASKS[mask]), theirs(x, mask=MASKS[mask]), SINGLE)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_bias": False},
        {"activation": "relu"},
        {"activation": None},
        {"go_backwards": True, "return_sequences": True},
        {"unroll": True, "return_state": True},
        {"stateful": True},
        {"stateful": True, "return_sequences": True, "go_backwards": True},
        {"dropout": 0.4, "seed": 3},
        {"recurrent_dropout": 0.4, "seed": 3, "return_sequences": True},
        {"dropout": 0.3, "recurrent_dropout": 0.3, "seed": 3, "unroll": True},
    ],
    ids=str,
)
def test_without_output_units_it_is_simple_rnn(options):
    ours = built(ElmanRNN(UNITS, **options))
    theirs = twin(ours, keras.layers.SimpleRNN(UNITS, **options))
    x = sequences()
    for training in (False, True, True):
        assert_same(ours(x, training=training), theirs(x, training=training), SINGLE)
    if options.get("stateful"):
        ours.reset_state()
        theirs.reset_state()
        assert_same(ours(x), theirs(x), SINGLE)
    else:
        start = sequences(UNITS, seed=5)[:, 0]
        assert_same(ours(x, initial_state=start), theirs(x, initial_state=[start]), SINGLE)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*provided as a generator:UserWarning")  # their own fit
def test_the_tests_that_keras_has_for_simple_rnn_pass(monkeypatch):
    theirs = pytest.importorskip("keras.src.layers.rnn.simple_rnn_test")
    monkeypatch.setattr(theirs, "layers", types.SimpleNamespace(SimpleRNN=ElmanRNN))
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromModule(theirs).run(result)
    assert result.testsRun >= 5
    assert not result.errors + result.failures


@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16"])
def test_low_precision_is_that_of_simple_rnn(policy):
    if checks.BACKEND == "torch" and "bfloat16" not in policy:
        pytest.skip("PyTorch's CPU kernels are not meant for float16")
    # Not the default: TensorFlow has no QR decomposition, hence no "orthogonal", in bfloat16.
    options = dict(recurrent_initializer="glorot_uniform", dtype=policy)
    ours = ElmanRNN(UNITS, return_sequences=True, **options)
    theirs = keras.layers.SimpleRNN(UNITS, return_sequences=True, **options)
    ours.build((BATCH, TIME, FEATURES))
    twin(ours, theirs)
    x = sequences()
    assert ours(x).dtype == theirs(x).dtype
    # Six steps that each round to 8 (bfloat16) or 11 bits.
    assert_same(
        ops.cast(ours(x), "float32"),
        ops.cast(theirs(x), "float32"),
        6 * (2**-8 if "bfloat16" in policy else 2**-11),
    )
    with_output = ElmanRNN(UNITS, output_units=2, learn_initial_state=True, **options)
    assert with_output(x).dtype == ours(x).dtype


@pytest.mark.parametrize("merge_mode", ["concat", None])
@pytest.mark.parametrize("mask", ["left", "right", "interior"])
def test_bidirectional_treats_it_as_it_treats_keras_rnn(mask, merge_mode):
    def wrapped(layer):
        wrapper = keras.layers.Bidirectional(layer, merge_mode=merge_mode)
        wrapper.build((BATCH, TIME, FEATURES))
        return wrapper

    options = dict(output_units=3, learn_initial_state=True)
    ours = randomise(wrapped(ElmanRNN(UNITS, return_sequences=True, **options)))
    theirs = wrapped(keras.layers.RNN(ElmanCell(UNITS, **options), return_sequences=True))
    theirs.set_weights(ours.get_weights())
    x = sequences()
    assert_same(ours(x, mask=MASKS[mask]), theirs(x, mask=MASKS[mask]), SINGLE)


def test_padding_does_not_matter():
    layer = built(ElmanRNN(UNITS, output_units=3, learn_initial_state=True))
    masking = keras.layers.Masking(-1e9)
    x = sequences()
    short = layer(x[:, :4])
    padding = np.full((BATCH, 2, FEATURES), -1e9, "float32")
    for padded in ([x[:, :4], padding], [padding, x[:, :4]]):
        assert_same(layer(masking(np.concatenate(padded, axis=1))), short, SINGLE)


def test_parts_of_a_sequence_joined_by_the_state_are_the_whole():
    layer = built(ElmanRNN(UNITS, output_units=3, return_sequences=True, return_state=True))
    x = sequences()
    whole, last = layer(x)
    first, state = layer(x[:, :2])
    second, end = layer(x[:, 2:], initial_state=state)
    assert_same([ops.concatenate([first, second], 1), end], [whole, last], SINGLE)


@needs_float64
@pytest.mark.parametrize("layer_class", [ElmanRNN, JordanRNN])
def test_gradients_are_those_of_finite_differences(layer_class):
    layer = layer_class(
        3, output_units=2, learn_initial_state=True, return_sequences=True, dtype="float64"
    )
    x = sequences(dtype="float64")[:, :4]
    arrays = [*built(layer, x).get_weights(), x]
    mask = ops.convert_to_tensor(MASKS["interior"][:, :4])
    loss = loss_of(layer, mask=mask)
    tensors = [ops.convert_to_tensor(array) for array in arrays]
    expected = finite_differences(compiled(loss, checks.MODES[-1]), arrays)
    for mode in checks.MODES:
        found = to_numpy(compiled(gradient(loss), mode)(*tensors))
        # Central differences with h = 1e-5: rounding 1e-16/h = 1e-11, truncation h^2 = 1e-10.
        assert_same(found, expected, 1e-8)


@pytest.mark.further
@needs_float64
@pytest.mark.parametrize("layer_class", further_but_for([ElmanRNN, JordanRNN], ElmanRNN))
def test_second_derivatives_are_those_of_finite_differences(layer_class):
    layer = layer_class(3, output_units=2, return_sequences=True, dtype="float64")
    x = sequences(dtype="float64")[:2, :4]
    arrays = [*built(layer, x).get_weights(), x]
    direction = ops.convert_to_tensor(sequences(dtype="float64", seed=9)[:2, :4])
    loss = loss_of(layer)

    def slope(*tensors):
        return ops.sum(gradient(loss)(*tensors)[-1] * direction)

    tensors = [ops.convert_to_tensor(array) for array in arrays]
    expected = finite_differences(compiled(slope, checks.MODES[-1]), arrays)
    for mode in checks.MODES:
        assert_same(to_numpy(compiled(gradient(slope), mode)(*tensors)), expected, 1e-7)


def test_the_learned_initial_state_is_trained():
    keras.utils.set_random_seed(0)
    target = sequences(3, seed=4)[:, 0]
    model = keras.Sequential([keras.Input((TIME, FEATURES)), ElmanRNN(UNITS, output_units=3,
                              learn_initial_state=True)])  # fmt: skip
    model.compile("sgd", "mse")
    model.fit(sequences(), target, epochs=1, verbose=0)
    assert np.all(model.layers[-1].cell.get_weights()[-1] != 0)


def stateful(**options):
    with pytest.warns(UserWarning, match="not trained in a stateful layer.*set_weights"):
        layer = ElmanRNN(UNITS, stateful=True, learn_initial_state=True, **options)
    return layer


def test_a_stateful_layer_goes_on_and_returns_to_its_learned_start():
    layer = built(stateful(output_units=3))
    reference = twin(layer, ElmanRNN(UNITS, learn_initial_state=True, output_units=3))
    x = sequences()
    first, second = layer(x), layer(x)
    assert_same([first, second], [reference(x), reference(np.tile(x, (1, 2, 1)))], SINGLE)
    layer.reset_state()
    assert_same(layer.states, np.tile(layer.get_weights()[-1], (BATCH, 1)), 0)
    assert_same(layer(x), first, 0)
    randomise(layer, seed=8)  # New weights before the first batch: it starts from the new h_0.
    layer.reset_state()
    twin(layer, reference)
    assert_same(layer(x), reference(x), SINGLE)


def test_a_layer_without_a_memory_has_nothing_to_reset():
    layer, x = ElmanRNN(3), np.ones((2, 4, 1), "float32")
    before = ops.convert_to_numpy(layer(x))
    layer.reset_state()
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x)), before)


def test_a_stateful_layer_does_not_train_its_learned_start():
    layer = built(stateful())
    assert "initial_state" not in [weight.name for weight in layer.trainable_weights]
    assert layer.weights[-1].name == "initial_state"


def test_a_stateful_layer_starts_from_a_given_state():
    layer = built(stateful())
    reference = twin(layer, ElmanRNN(UNITS, learn_initial_state=True))
    x, start = sequences(), sequences(UNITS, seed=5)[:, 0]
    both = [layer(x, initial_state=start), layer(x)]
    whole = reference(np.tile(x, (1, 2, 1)), initial_state=start)
    assert_same(both, [reference(x, initial_state=start), whole], SINGLE)


@pytest.mark.parametrize("sequence", [True, False])
@pytest.mark.parametrize("state", [True, False])
def test_output_shapes_are_known_before_the_first_call(sequence, state):
    layer = ElmanRNN(UNITS, output_units=3, return_sequences=sequence, return_state=state)
    shape = (None, None, 3) if sequence else (None, 3)
    expected = (shape, (None, UNITS)) if state else shape
    assert layer.compute_output_shape((None, None, FEATURES)) == expected
    symbolic = layer(keras.Input((None, FEATURES)))
    assert keras.tree.map_structure(lambda t: t.shape, symbolic) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    further_but_for([{"jit_compile": True}, {"run_eagerly": True}], {"jit_compile": True}),
    ids=str,
)
def test_training_gives_the_same_losses_however_it_is_compiled(options):
    if checks.BACKEND == "torch" and "jit_compile" in options:
        pytest.skip("Keras leaves compilation on PyTorch to torch.compile, which needs a compiler")

    def losses(**how):
        model = keras.Sequential([
            keras.Input((None, FEATURES)),
            keras.layers.Masking(-1e9),
            ElmanRNN(UNITS, output_units=2, learn_initial_state=True, return_sequences=True),
        ])  # fmt: skip
        randomise(model)
        model.compile(keras.optimizers.Adam(0.01), "mse", **how)
        x, y = sequences(), sequences(2, seed=2)
        return model.fit(x, y, epochs=3, verbose=0).history["loss"]

    plain = losses(jit_compile=False)
    assert plain[2] < plain[0]
    assert np.allclose(plain, losses(**options), rtol=1e-5)


# One entry for every constructor argument, at a value that is not its default.
VARIATIONS = {
    "units": 5,
    "activation": "sigmoid",
    "use_bias": False,
    "kernel_initializer": keras.initializers.RandomUniform(seed=11),
    "recurrent_initializer": keras.initializers.RandomUniform(seed=12),
    "bias_initializer": keras.initializers.RandomUniform(seed=13),
    "kernel_regularizer": "l2",
    "recurrent_regularizer": "l1",
    "bias_regularizer": keras.regularizers.L2(0.3),
    "activity_regularizer": "l2",
    "kernel_constraint": "non_neg",
    "recurrent_constraint": keras.constraints.MaxNorm(0.5),
    "bias_constraint": "unit_norm",
    "dropout": 0.5,
    "recurrent_dropout": 0.5,
    "return_sequences": True,
    "return_state": True,
    "go_backwards": True,
    "stateful": True,
    "unroll": True,
    "seed": 4,
    "zero_output_for_mask": True,
    "output_units": 3,
    "output_activation": "tanh",
    "learn_initial_state": True,
    "dtype": "float16",
    "trainable": False,
}
# What an argument needs beside it to have an effect.
COMPANY = {
    "seed": {"dropout": 0.5},
    "zero_output_for_mask": {"return_sequences": True},
    "output_activation": {"output_units": 3},
}
SEEDED = {
    f"{role}_initializer": keras.initializers.RandomUniform(seed=seed)
    for seed, role in enumerate(["kernel", "recurrent", "bias"])
}


def model_with(**arguments):
    inputs = keras.Input(batch_shape=(BATCH, TIME, FEATURES))
    layer = ElmanRNN(**{"units": UNITS, "seed": 1, **SEEDED, **arguments})
    outputs = layer(keras.layers.Masking(-1e9)(inputs))
    model = keras.Model(inputs, outputs)
    return randomise(model) if arguments.get("dtype") != "float16" else model


def masked_sequences():
    x = sequences()
    x[0, 2] = x[1, 0] = x[2, -1] = -1e9
    return x


def same_behaviour(one, other):
    return one.keys() == other.keys() and all(
        np.allclose(one[key], other[key], rtol=0, atol=SINGLE) for key in one
    )


@pytest.mark.slow
@pytest.mark.skipif(checks.BACKEND == "jax", reason="JAX compiles each of its 170 loops")
@pytest.mark.filterwarnings("ignore:The learned initial state:UserWarning")
def test_every_argument_survives_saving_and_loading_in_a_fresh_process(tmp_path):
    ignored = {"args", "kwargs"}
    assert set(inspect.signature(ElmanRNN).parameters) - ignored <= set(VARIATIONS)
    x = masked_sequences()
    np.save(tmp_path / "x.npy", x)
    cases = {name: {name: value, **COMPANY.get(name, {})} for name, value in VARIATIONS.items()}
    cases["stateful h0"] = {"stateful": True, "learn_initial_state": True, "output_units": 3}
    behaviours = {}
    for name, arguments in cases.items():
        model = model_with(**arguments)
        model.save(tmp_path / f"{name}.keras")
        behaviours[name] = checks.behaviour(model, x)
    subprocess.run([sys.executable, checks.__file__, tmp_path], check=True, env=os.environ)
    plain = checks.behaviour(model_with(), x)
    for name, expected in behaviours.items():
        with np.load(tmp_path / f"{name}.reloaded.npz") as found:
            assert same_behaviour(dict(found), expected), name
        company = COMPANY.get(name)
        without = checks.behaviour(model_with(**company), x) if company else plain
        # Unrolling changes how the numbers are made, not what they are.
        assert same_behaviour(without, expected) is (name == "unroll"), name


def test_training_goes_on_after_loading_as_if_it_had_not_stopped(tmp_path):
    x, y = sequences(), sequences(3, seed=2)[:, 0]

    def fit(model, epochs):
        return model.fit(x, y, epochs=epochs, shuffle=False, verbose=0).history["loss"]

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((TIME, FEATURES)), ElmanRNN(UNITS, output_units=3)])
    model.compile(keras.optimizers.Adam(0.03), "mse")
    fit(model, 3)
    model.save(tmp_path / "half.keras")
    straight = fit(model, 3)
    resumed = fit(keras.saving.load_model(tmp_path / "half.keras"), 3)
    assert np.allclose(resumed, straight, rtol=1e-6)


@needs_tensorflow
def test_exported_model_takes_any_batch_and_length(tmp_path):
    import tensorflow as tf

    layer = ElmanRNN(UNITS, output_units=3, learn_initial_state=True, return_sequences=True)
    model = randomise(keras.Sequential([keras.Input((None, FEATURES)), layer]))
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    for x in (sequences(), sequences()[:1, :4], np.tile(sequences(), (2, 5, 1))):
        assert_same(served.serve(x), model(x), SINGLE)


def test_every_argument_of_simple_rnn_is_taken_with_its_default():
    theirs = inspect.signature(keras.layers.SimpleRNN).parameters
    ours = inspect.signature(ElmanRNN).parameters
    assert list(ours)[: len(theirs) - 1] == list(theirs)[:-1]
    assert [ours[name].default for name in theirs] == [p.default for p in theirs.values()]
    layer = built(ElmanRNN(UNITS))
    for name in theirs:
        assert name == "kwargs" or hasattr(layer, name)


@pytest.mark.parametrize("shape", [(BATCH, 3), (UNITS,), (BATCH, 1, UNITS)])
def test_an_initial_state_of_another_shape_is_refused(shape):
    layer = built(ElmanRNN(UNITS))
    expected = r"must be one array of shape \(batch, 4\)\. Received shapes.*Pass one row"
    with pytest.raises(ValueError, match=expected):
        layer(sequences(), initial_state=np.zeros(shape, "float32"))


def test_other_features_than_at_first_are_refused():
    layer = built(ElmanRNN(UNITS))
    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 2"):
        layer(sequences(FEATURES + 1))


def test_importing_the_models_elsewhere_imports_no_tensorflow():
    if checks.BACKEND == "tensorflow":
        pytest.skip("TensorFlow is the backend")
    assert "tensorflow" not in sys.modules
