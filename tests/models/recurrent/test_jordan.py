"""JordanRNN: only the output is fed back, and a teacher may stand in for it."""

import itertools

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

from oscillator_zoo.models import ElmanRNN, JordanCell, JordanRNN

needs_float64 = pytest.mark.skipif(not has_float64(), reason="JAX_ENABLE_X64 is not set")
needs_tensorflow = pytest.mark.skipif(checks.BACKEND != "tensorflow", reason="TensorFlow only")

OUTPUTS = 3
# Products of order-one numbers in another order, over six steps: some units of float32.
SINGLE = 5e-6
CHOICES = [False, True]
# One in seven covers every choice; TensorFlow, which need not compile them, can take more.
MODES = list(itertools.product(MASKS, CHOICES, CHOICES, CHOICES, CHOICES))[
    :: 3 if checks.BACKEND == "tensorflow" else 7
]


def built(**options):
    layer = JordanRNN(UNITS, output_units=OUTPUTS, **options)
    layer.build((BATCH, TIME, FEATURES))
    return randomise(layer)


def teacher_values(dtype="float32"):
    return sequences(OUTPUTS, dtype, seed=6)


@needs_float64
@pytest.mark.parametrize("taught", CHOICES)
@pytest.mark.parametrize("mask, sequence, backwards, zero, unroll", MODES)
def test_every_mode_is_the_equation_taken_step_by_step(
    mask, sequence, backwards, zero, unroll, taught
):
    layer = built(
        learn_initial_state=True,
        return_sequences=sequence,
        return_state=True,
        go_backwards=backwards,
        zero_output_for_mask=zero,
        unroll=unroll,
        dtype="float64",
    )
    x = sequences(dtype="float64")
    teacher = teacher_values("float64") if taught else None
    *weights, start = layer.get_weights()
    feedback = teacher if taught else "output"
    outputs, last = recurrence(weights, x, feedback, MASKS[mask], start, zero, backwards)
    outputs = outputs if sequence else outputs[:, -1]
    assert_same(layer(x, teacher=teacher, mask=MASKS[mask]), [outputs, last], 1e-12)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("sequence", CHOICES)
def test_a_free_run_is_keras_rnn_over_the_cell(mask, sequence):
    options = dict(return_sequences=sequence, return_state=True, zero_output_for_mask=True)
    ours = built(**options)
    theirs = keras.layers.RNN(JordanCell(UNITS, output_units=OUTPUTS), **options)
    theirs.build((BATCH, TIME, FEATURES))
    theirs.set_weights(ours.get_weights())
    x = sequences()
    assert_same(ours(x, mask=MASKS[mask]), theirs(x, mask=MASKS[mask]), SINGLE)


def test_its_own_outputs_as_teacher_give_the_free_run():
    layer = built(return_sequences=True, return_state=True)
    outputs, last = layer(sequences())
    assert_same(layer(sequences(), teacher=outputs), [outputs, last], SINGLE)


def test_step_t_sees_the_teacher_at_the_step_before_only():
    layer = built(return_sequences=True)
    teacher = teacher_values()
    before = to_numpy(layer(sequences(), teacher=teacher))[0]
    teacher[:, 2] += 1.0
    after = to_numpy(layer(sequences(), teacher=teacher))[0]
    changed = np.any(before != after, axis=(0, 2))
    assert list(np.flatnonzero(changed)) == [3]


def test_the_first_step_sees_the_initial_state():
    layer = built(return_sequences=True)
    teacher, start = teacher_values(), teacher_values()[:, 0] + 1.0
    default = to_numpy(layer(sequences(), teacher=teacher))[0]
    given = to_numpy(layer(sequences(), teacher=teacher, initial_state=start))[0]
    changed = np.any(default != given, axis=(0, 2))
    assert list(np.flatnonzero(changed)) == [0]


def test_without_output_units_it_is_elman():
    jordan, elman = JordanRNN(UNITS, return_sequences=True), ElmanRNN(UNITS, return_sequences=True)
    for layer in (jordan, elman):
        layer.build((BATCH, TIME, FEATURES))
        randomise(layer)
    assert_same(jordan(sequences()), elman(sequences()), 0)


def test_dropout_is_the_same_at_every_step_with_and_without_a_teacher():
    x = np.repeat(sequences()[:, :1], TIME, axis=1)
    teacher = np.repeat(teacher_values()[:, :1], TIME, axis=1)
    layer = built(dropout=0.5, recurrent_dropout=0.5, seed=2, return_sequences=True)
    outputs = to_numpy(layer(x, teacher=teacher, initial_state=teacher[:, 0], training=True))[0]
    assert_same(outputs, np.repeat(outputs[:, :1], TIME, axis=1), SINGLE)
    plain = to_numpy(layer(x, teacher=teacher, initial_state=teacher[:, 0]))[0]
    assert not np.allclose(outputs, plain)


@pytest.mark.slow
@needs_float64
def test_gradients_with_a_teacher_are_those_of_finite_differences():
    layer = built(learn_initial_state=True, return_sequences=True, dtype="float64")
    x = sequences(dtype="float64")
    loss = loss_of(
        layer,
        teacher=ops.convert_to_tensor(teacher_values("float64")),
        mask=ops.convert_to_tensor(MASKS["interior"]),
    )
    arrays = [*layer.get_weights(), x]
    tensors = [ops.convert_to_tensor(array) for array in arrays]
    expected = finite_differences(compiled(loss, checks.MODES[-1]), arrays)
    for mode in checks.MODES:
        found = to_numpy(compiled(gradient(loss), mode)(*tensors))
        # Central differences with h = 1e-5: rounding 1e-16/h = 1e-11, truncation h^2 = 1e-10.
        assert_same(found, expected, 1e-8)


def test_a_stateful_layer_goes_on_from_its_last_output_or_teacher():
    layer = built(stateful=True, return_sequences=True)
    whole = built(return_sequences=True)
    x, teacher = sequences(), teacher_values()
    parts = [layer(x[:, :2]), layer(x[:, 2:])]
    assert_same(ops.concatenate(parts, 1), whole(x), SINGLE)
    layer.reset_state()
    parts = [layer(x[:, :2], teacher=teacher[:, :2]), layer(x[:, 2:], teacher=teacher[:, 2:])]
    assert_same(ops.concatenate(parts, 1), whole(x, teacher=teacher), SINGLE)


def taught_model():
    x = keras.Input((None, FEATURES), name="force")
    teacher = keras.Input((None, OUTPUTS), name="teacher")
    layer = JordanRNN(
        UNITS,
        output_units=OUTPUTS,
        output_activation="tanh",
        learn_initial_state=True,
        return_sequences=True,
    )
    return keras.Model([x, teacher], layer(keras.layers.Masking(-1e9)(x), teacher=teacher))


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    further_but_for([{"jit_compile": False}, {"jit_compile": True}], {"jit_compile": False}),
    ids=str,
)
def test_it_trains_with_a_teacher_and_is_the_same_after_saving(how, tmp_path):
    if checks.BACKEND == "torch" and how["jit_compile"]:
        pytest.skip("Keras leaves compilation on PyTorch to torch.compile, which needs a compiler")
    model = randomise(taught_model())
    x, teacher = sequences(), np.tanh(teacher_values())
    x[0, 2] = x[1, 0] = -1e9
    model.compile(keras.optimizers.Adam(0.01), "mse", **how)
    losses = model.fit([x, teacher], teacher, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "jordan.keras")
    loaded = keras.saving.load_model(tmp_path / "jordan.keras")
    assert_same(loaded([x, teacher]), model([x, teacher]), 0)
    resumed, straight = (
        m.fit([x, teacher], teacher, epochs=2, verbose=0).history["loss"] for m in (loaded, model)
    )
    assert np.allclose(resumed, straight, rtol=1e-6)


@needs_tensorflow
def test_exported_model_takes_any_batch_and_length(tmp_path):
    import tensorflow as tf

    model = randomise(taught_model())
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    for repeats in (1, 4):
        inputs = [np.tile(a, (repeats, repeats, 1)) for a in (sequences(), teacher_values())]
        assert_same(served.serve(inputs), model(inputs), SINGLE)


def test_configuration_makes_the_same_layer():
    layer = JordanRNN(UNITS, "relu", output_units=2, unroll=True, seed=3, stateful=True)
    twin = JordanRNN.from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    assert (twin.units, twin.output_units, twin.seed, twin.stateful) == (UNITS, 2, 3, True)
    assert keras.saving.get_registered_name(JordanRNN) == "oscillator_zoo>JordanRNN"


@pytest.mark.parametrize(
    "shape",
    [
        (BATCH, OUTPUTS),
        (BATCH, TIME, 1),
        (BATCH, TIME + 1, OUTPUTS),
        (BATCH - 1, TIME, OUTPUTS),
        (BATCH, TIME, OUTPUTS, 1),
    ],
)
def test_a_teacher_of_another_shape_is_refused(shape):
    layer = built()
    expected = (
        r"`teacher` must have the shape of the output, \(batch, time, output_units\) = "
        rf"\(3, 6, 3\)\. Received shape \({', '.join(map(str, shape))}\)\. Pass the true output"
    )
    with pytest.raises(ValueError, match=expected):
        layer(sequences(), teacher=np.zeros(shape, "float32"))


def test_a_symbolic_teacher_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="`teacher` must have the shape of the output"):
        built()(keras.Input((None, FEATURES)), teacher=keras.Input((None, OUTPUTS + 1)))


def test_an_initial_state_of_another_shape_is_refused():
    expected = r"must be one array of shape \(batch, 3\)\. Received shapes.*Pass one row"
    with pytest.raises(ValueError, match=expected):
        built()(sequences(), initial_state=np.zeros((BATCH, UNITS), "float32"))
