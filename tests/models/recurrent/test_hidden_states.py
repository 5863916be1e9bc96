"""Backpropagation through time by hand gives TensorFlow's derivatives, however it is run."""

import keras
import numpy as np
import pytest
import recurrent_checks as checks
import tensorflow as tf
from marks import further_but_for
from recurrent_checks import assert_same, finite_differences, gradient, randomise

from oscillator_zoo.models import ElmanRNN
from oscillator_zoo.models.recurrent.hidden_states import FEW_FEATURES, SLOPES

BATCH, TIME, FEATURES, UNITS = 3, 13, 2, 4
# How the layer is traced: the shape it sees, and whether XLA compiles all around it.
WAYS = {
    "known": ((BATCH, TIME, FEATURES), False),
    "any batch": ((None, TIME, FEATURES), False),
    "any length": ((None, None, FEATURES), False),
    "any length in XLA": ((None, None, FEATURES), True),
}
OPTIONS = {
    "sequences": {"return_sequences": True, "output_units": 3},
    "last": {"output_units": 3, "output_activation": "tanh"},
    "state": {"return_sequences": True, "return_state": True},
    "backwards": {"return_sequences": True, "go_backwards": True, "zero_output_for_mask": True},
    "backwards, last": {"go_backwards": True, "return_state": True, "zero_output_for_mask": True},
    "no bias": {"return_sequences": True, "use_bias": False},
    "many outputs": {"return_sequences": True, "output_units": FEW_FEATURES + 1},
    "regularised": {"kernel_regularizer": "l2", "recurrent_regularizer": "l1"},
}


@pytest.fixture(autouse=True)
def two_passes_of_five_steps_and_three_more(monkeypatch):
    """What is written out without XLA takes time to trace."""
    monkeypatch.setattr("oscillator_zoo.models.recurrent.hidden_states.STEPS_WRITTEN_OUT", 5)


def sequences(features=FEATURES, dtype="float64", seed=0):
    return np.random.default_rng(seed).normal(size=(BATCH, TIME, features)).astype(dtype)


def mask_of(kind):
    """`(batch, time)`; the last sequence of "interior" has no valid step."""
    mask = np.ones((BATCH, TIME), bool)
    if kind == "left":
        mask[0, :2] = mask[1, :7] = False
    elif kind == "right":
        mask[0, -2:] = mask[1, -7:] = False
    elif kind == "interior":
        mask = np.random.default_rng(3).random((BATCH, TIME)) < 0.6
        mask[2] = False
    return mask


def built(units=UNITS, features=FEATURES, dtype="float64", **options):
    layer = ElmanRNN(units, learn_initial_state=True, dtype=dtype, **options)
    layer.build((BATCH, TIME, features))
    return randomise(layer)


def graph(function, way, features=FEATURES, dtype="float64"):
    """The function of x and its mask, traced."""
    shape, jit_compile = WAYS[way]
    shape = (*shape[:2], features)
    signature = tf.TensorSpec(shape, dtype), tf.TensorSpec(shape[:2], "bool")
    return tf.function(function, signature, jit_compile=jit_compile, autograph=False)


def loss_of(layer, mask=None, training=True):
    """A scalar that weighs every output differently, as a function of the weights and x."""

    def loss(*tensors):
        *weights, x = tensors
        with keras.StatelessScope(state_mapping=zip(layer.trainable_variables, weights)):
            outputs = keras.tree.flatten(layer(x, mask=mask, training=training))
        total = 0.0
        for output in outputs:
            scale = tf.cos(tf.cast(tf.range(tf.size(output)), output.dtype))
            total += tf.tensordot(tf.reshape(output, (-1,)), scale, 1)
        return total

    return loss


def derivatives(layer, times=1, with_mask=True, training=True):
    """Gradients of a scalar with respect to all weights and x, or of a weighted sum of these."""

    def weighted(of, *tensors):
        slopes = gradient(of)(*tensors)
        return sum(tf.reduce_sum(slope * tf.sin(slope + 1.0)) for slope in slopes)

    def run(x, mask):
        loss = loss_of(layer, mask if with_mask else None, training)
        of = loss if times == 1 else lambda *tensors: weighted(loss, *tensors)
        return gradient(of)(*[w.value for w in layer.trainable_variables], x)

    return run


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mask", checks.MASKS)
def test_states_are_the_equation_taken_step_by_step(mask, way):
    layer = built(output_units=3, return_sequences=True, return_state=True)
    *weights, start = layer.get_weights()
    x, mask = sequences(), mask_of(mask)
    found = graph(lambda x, mask: layer(x, mask=mask, training=True), way)(x, mask)
    assert_same(found, checks.recurrence(weights, x, "hidden", mask, start), 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    "mask, options",
    further_but_for(
        [("none", "sequences"), ("left", "sequences"), ("right", "sequences")]
        + [("interior", name) for name in OPTIONS],
        *(("none", "sequences"), ("interior", "last")),
    ),
)
def test_gradients_are_those_of_the_plain_recurrence(mask, options):
    layer = built(**OPTIONS[options])
    run = derivatives(layer, with_mask=mask != "none")
    x, mask = sequences(), mask_of(mask)
    expected = run(tf.constant(x), tf.constant(mask))
    for way in WAYS:
        assert_same(graph(run, way)(x, mask), expected, 1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("options", further_but_for(["sequences", "last", "no bias"], "sequences"))
def test_outside_training_gradients_are_the_same(options):
    layer = built(**OPTIONS[options])
    x, mask = sequences(), mask_of("interior")
    expected = derivatives(layer)(tf.constant(x), tf.constant(mask))
    for way in WAYS:
        found = graph(derivatives(layer, training=False), way)(x, mask)
        assert_same(found, expected, 1e-11)


@pytest.mark.further
@pytest.mark.parametrize("mask", further_but_for(["none", "interior"], "interior"))
def test_second_derivatives_are_those_of_the_plain_recurrence(mask):
    layer = built(3, output_units=2, return_sequences=True, return_state=True)
    run = derivatives(layer, times=2, with_mask=mask != "none")
    x, mask = sequences(), mask_of(mask)
    expected = run(tf.constant(x), tf.constant(mask))
    scale = max(np.abs(slope).max() for slope in checks.to_numpy(expected))
    for way in ("known", "any length", "any length in XLA"):
        assert_same(graph(run, way)(x, mask), expected, 1e-12 * scale)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["known", "any length"])
def test_second_derivatives_are_those_of_finite_differences(way):
    layer = built(2, return_sequences=True)
    mask = tf.constant(mask_of("interior"))
    arrays = [*layer.get_weights(), sequences()[:, :12]]
    mask = mask[:, :12]
    loss = loss_of(layer, mask)

    def slope(*tensors):
        return sum(tf.reduce_sum(tf.sin(slope)) for slope in gradient(loss)(*tensors))

    shapes = [*(array.shape for array in arrays[:-1]), (BATCH, 12 if way == "known" else None, 2)]
    signature = [tf.TensorSpec(shape, "float64") for shape in shapes]
    compiled, found = (tf.function(f, signature) for f in (slope, gradient(slope)))
    # Central differences with h = 1e-5 of numbers around 10, whose third derivatives are 100.
    assert_same(found(*arrays), finite_differences(compiled, arrays), 1e-6)


@pytest.mark.parametrize(
    "activation, features",
    further_but_for(
        [*((f, 1) for f in SLOPES), (keras.activations.tanh, 20)],
        *((f, 1) for f in SLOPES if f is keras.activations.sigmoid),
    ),
)
def test_every_activation_has_its_own_derivative(activation, features):
    layer = built(activation=activation, return_sequences=True, features=features)
    layer.set_weights([0.5 * weight for weight in layer.get_weights()])
    run = derivatives(layer)
    x, mask = sequences(features), mask_of("left")
    expected = run(tf.constant(x), tf.constant(mask))
    scale = max(np.abs(slope).max() for slope in checks.to_numpy(expected))
    for way in ("known", "any length"):
        assert_same(graph(run, way, features)(x, mask), expected, 1e-13 * scale)


@pytest.mark.further
def test_float32_is_right_to_its_rounding():
    layer = built(dtype="float32", output_units=1)
    run = derivatives(layer)
    x, mask = sequences(dtype="float32"), mask_of("right")
    expected = run(tf.constant(x), tf.constant(mask))
    for way in WAYS:
        found = graph(run, way, dtype="float32")(x, mask)
        assert all(slope.dtype == "float32" for slope in found)
        assert_same(found, expected, 2e-4)


@pytest.mark.parametrize("way", ["known", "any length"])
def test_dropout_of_the_inputs_is_that_of_the_plain_recurrence(way):
    one, other = (built(dropout=0.4, seed=2, return_sequences=True) for _ in range(2))
    x, mask = sequences(), mask_of("none")
    plain = derivatives(other)
    fast = graph(derivatives(one), way)
    for _ in range(2):  # the second batch drops other inputs
        assert_same(fast(x, mask), plain(tf.constant(x), tf.constant(mask)), 1e-11)


def uses_plain(monkeypatch, layer, way="known", training=True):
    called = []
    plain = ElmanRNN._run
    with monkeypatch.context() as patch:
        patch.setattr(ElmanRNN, "_run", lambda *args: called.append(1) or plain(*args))
        x = sequences(dtype="float32")
        graph(lambda x, mask: layer(x, training=training), way, dtype="float32")(x, mask_of("none"))
    return bool(called)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("training", [True, False])
def test_it_runs_by_hand_wherever_it_can(monkeypatch, way, training):
    assert not uses_plain(monkeypatch, ElmanRNN(UNITS, recurrent_dropout=0.0), way, training)


@pytest.mark.parametrize(
    "options",
    [
        {"unroll": True},
        {"recurrent_dropout": 0.3, "seed": 1},
        {"activation": "softsign"},
        {"activation": keras.layers.LeakyReLU()},
        {"dtype": "mixed_bfloat16", "recurrent_initializer": "zeros"},
    ],
    ids=str,
)
def test_the_plain_recurrence_does_what_it_cannot(monkeypatch, options):
    assert uses_plain(monkeypatch, ElmanRNN(UNITS, **options))


def test_recurrent_dropout_does_not_matter_outside_training(monkeypatch):
    assert not uses_plain(monkeypatch, ElmanRNN(UNITS, recurrent_dropout=0.3), training=False)


def holds_xla(concrete_function):
    definition = concrete_function.graph.as_graph_def()
    return any("_XlaMustCompile" in function.attr for function in definition.library.function)


@pytest.mark.parametrize(
    "way, training, expected",
    [
        ("known", False, True),
        ("any batch", True, True),
        ("any batch", False, False),
        ("any length", True, False),
    ],
)
def test_xla_compiles_what_will_not_come_in_ever_new_shapes(way, training, expected):
    layer = built()
    run = graph(lambda x, mask: layer(x, mask=mask, training=training), way)
    assert holds_xla(run.get_concrete_function()) is expected


@pytest.mark.parametrize(
    "options, training, expected",
    [
        ("last", False, 0),
        ("last", True, 1),
        ("sequences", False, 1),
        ("sequences", True, 2),
        ("no bias", False, 1),
        ("no bias", True, 1),
    ],
)
def test_a_loop_stores_only_what_is_wanted_and_what_a_gradient_needs(options, training, expected):
    layer = built(**OPTIONS[options])
    run = graph(lambda x, mask: layer(x, training=training), "known")
    functions = run.get_concrete_function().graph.as_graph_def().library.function
    nodes = [node.op for function in functions for node in function.node_def]
    assert nodes.count("TensorListStack") == expected


def test_an_exported_model_needs_no_xla(tmp_path):
    layer = ElmanRNN(UNITS, output_units=3, return_sequences=True)
    model = randomise(keras.Sequential([keras.Input((TIME, FEATURES)), layer]))
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    assert not holds_xla(served.signatures["serving_default"])
    for batch in (sequences(dtype="float32"), sequences(dtype="float32")[:1]):
        assert_same(served.serve(batch), model(batch), 1e-5)


@pytest.mark.further
def test_jacobians_are_those_of_the_plain_recurrence():
    layer = built(output_units=1, return_sequences=True)
    layer.set_weights([0.5 * weight for weight in layer.get_weights()])

    def jacobians(x, mask):
        with tf.GradientTape() as tape:
            outputs = layer(x, mask=mask, training=True)[:, 3:7]
        variables = [weight.value for weight in layer.trainable_variables]
        return tape.jacobian(outputs, variables)

    x, mask = sequences(), mask_of("interior")
    expected = jacobians(tf.constant(x), tf.constant(mask))
    for way in ("known", "any length"):
        assert_same(graph(jacobians, way)(x, mask), expected, 1e-11)


@pytest.mark.further
@pytest.mark.parametrize("length, other_length", [(TIME, TIME), (None, 8)])
def test_batches_of_other_sizes_and_lengths_train_alike(length, other_length):
    def losses(**options):
        keras.utils.set_random_seed(0)
        masking = keras.layers.Masking(-9.0)
        layers = keras.Input((length, FEATURES)), masking, ElmanRNN(UNITS, output_units=1)
        model = keras.Sequential(layers)
        model.compile("adam", "mse", **options)
        found = []
        for batch, time in ((3, TIME), (2, other_length)):
            x = sequences(dtype="float32")[:batch, :time]
            found += model.fit(x, x[:, -1, :1], epochs=2, verbose=0).history["loss"]
        return found

    expected = losses(run_eagerly=True)
    for jit_compile in (False, True):
        np.testing.assert_allclose(losses(jit_compile=jit_compile), expected, rtol=1e-4)


@pytest.mark.parametrize("learn", [False, True])
def test_sequences_of_any_length_are_predicted_one_at_a_time(learn):
    """After a second length Keras traces the model for one sequence and an unknown length."""
    layer = ElmanRNN(UNITS, return_sequences=True, learn_initial_state=learn, dtype="float64")
    model = keras.Sequential([keras.Input((None, FEATURES), dtype="float64"), layer])
    for length in (7, 20, TIME):
        x = sequences()[:1, :length]
        np.testing.assert_allclose(model.predict_on_batch(x), layer(x), rtol=0, atol=1e-12)
