"""Forward-mode derivatives of layers with loops or gradients by hand are those of differences."""

import keras
import pytest
import tensorflow as tf
from marks import further_but_for
from recurrent_checks import BATCH, FEATURES, TIME, UNITS, assert_same, compiled, randomise

from oscillator_zoo.models import (
    CheckpointedGradient,
    ElmanCell,
    ElmanRNN,
    EulerCell,
    JordanRNN,
    LinearRNN,
    TruncatedGradient,
)

OPTIONS = {"return_sequences": True, "dtype": "float64"}
LAYERS = {
    "elman": lambda: ElmanRNN(UNITS, output_units=2, learn_initial_state=True, **OPTIONS),
    "plain loop": lambda: ElmanRNN(UNITS, "softplus", **OPTIONS),
    "blocks": lambda: ElmanRNN(UNITS, "linear", **OPTIONS),
    "jordan": lambda: JordanRNN(UNITS, output_units=2, **OPTIONS),
    "linear": lambda: LinearRNN(ElmanCell(UNITS, "linear", dtype="float64"), **OPTIONS),
    "checkpointed": lambda: CheckpointedGradient(ElmanRNN(UNITS, **OPTIONS), 4),
    "unrolled": lambda: keras.layers.RNN(ElmanCell(UNITS, dtype="float64"), unroll=True, **OPTIONS),
}
H = 1e-6  # differences of numbers of order one are right to 1e-9


def normal(shape, seed):
    return tf.random.stateless_normal(shape, [seed, len(shape)], dtype="float64")


def prepared(name):
    """A function of x and the weights, where it is taken, and a direction."""
    layer = LAYERS[name]()
    x = normal((BATCH, TIME, FEATURES), 1)
    layer(x)
    randomise(layer)

    def outputs(x, *weights):
        with keras.StatelessScope(state_mapping=zip(layer.trainable_variables, weights)):
            return layer(x)

    point = [x, *(tf.identity(weight.value) for weight in layer.trainable_variables)]
    return outputs, point, [normal(tensor.shape, 2) for tensor in point]


def pushed(function, direction):
    """The derivative along a direction in forward mode."""

    def push(*point):
        with tf.autodiff.ForwardAccumulator(list(point), direction) as accumulator:
            values = function(*point)
        return accumulator.jvp(values)

    return push


def slopes(function):
    """Gradient, by a tape, of a scalar that weighs each output differently."""

    def gradient(*point):
        with tf.GradientTape() as tape:
            tape.watch(point)
            value = tf.reduce_sum(tf.sin(function(*point)) * 0.5)
        return tape.gradient(value, point, unconnected_gradients="zero")

    return gradient


def difference(function, point, direction):
    ahead, behind = (
        tf.nest.flatten(function(*[p + h * d for p, d in zip(point, direction)])) for h in (H, -H)
    )
    return [(one - other) / (2 * H) for one, other in zip(ahead, behind)]


@pytest.mark.parametrize("mode", further_but_for(["eager", "graph", "xla"], "eager", "xla"))
@pytest.mark.parametrize("name", LAYERS)
def test_with_respect_to_inputs_and_weights(name, mode):
    outputs, point, direction = prepared(name)
    found = compiled(pushed(outputs, direction), mode)(*point)
    assert_same([found], difference(outputs, point, direction), 1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("mode", further_but_for(["eager", "graph", "xla"], "graph"))
def test_over_reverse_mode_and_under_it(mode):
    outputs, point, direction = prepared("elman")
    expected = difference(slopes(outputs), point, direction)
    forward_over_reverse = pushed(slopes(outputs), direction)
    assert_same(compiled(forward_over_reverse, mode)(*point), expected, 1e-7)

    def along(*point):  # gradient of the derivative along the direction
        with tf.GradientTape() as tape:
            tape.watch(point)
            value = pushed(lambda *p: 0.5 * tf.reduce_sum(tf.sin(outputs(*p))), direction)(*point)
        return tape.gradient(value, point)

    assert_same(compiled(along, mode)(*point), expected, 1e-7)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_of_a_function_that_was_compiled_before(jit_compile):
    outputs, point, direction = prepared("elman")
    function = tf.function(outputs, jit_compile=jit_compile, autograph=False)
    function(*point)
    found = pushed(function, direction)(*point)
    assert_same([found], difference(outputs, point, direction), 1e-7)


@pytest.mark.slow
def test_with_masks_and_of_sequences_of_any_length():
    _, point, direction = prepared("elman")
    layer = LAYERS["elman"]()
    layer(point[0])
    randomise(layer)
    mask = tf.constant([[True] * 4 + [False] * (TIME - 4)] * BATCH)
    signature = [tf.TensorSpec((None, None, FEATURES), "float64")]
    push = pushed(lambda x: layer(x, mask=mask[:, : tf.shape(x)[1]]), direction[:1])
    found = tf.function(push, signature, autograph=False)(point[0])
    assert_same([found], difference(lambda x: layer(x, mask=mask), point[:1], direction[:1]), 1e-7)


def test_a_truncated_gradient_is_truncated_in_both_modes():
    layer = TruncatedGradient(ElmanRNN(UNITS, **OPTIONS), 2)
    x, direction = normal((BATCH, TIME, FEATURES), 1), normal((BATCH, TIME, FEATURES), 2)
    weights = normal(layer(x).shape, 3)
    found = tf.function(pushed(layer, [direction]), autograph=False)(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(layer(x) * weights)
    slope = tape.gradient(value, x)  # uᵀ (J t) = (Jᵀ u)ᵀ t
    assert_same([tf.reduce_sum(found * weights)], [tf.reduce_sum(slope * direction)], 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("mode", further_but_for(["eager", "graph", "xla"], "graph"))
@pytest.mark.parametrize("name", LAYERS)
def test_over_forward_mode(name, mode):
    """The second derivative with respect to the inputs along a direction, dᵀ H d."""
    layer = LAYERS[name]()
    x, direction = normal((BATCH, 3, FEATURES), 1), [normal((BATCH, 3, FEATURES), 2)]
    layer(x)
    randomise(layer)
    slope = pushed(layer, direction)
    found = compiled(pushed(slope, direction), mode)(x)
    assert_same([found], difference(slope, [x], direction), 1e-7)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.further) if name in ("blocks", "linear") else name
        for name in LAYERS
    ],
)
def test_unknown_sizes_are_refused_where_tensorflow_cannot(name):
    """Of first derivatives the length, of second ones the batch too: an error and no zeros."""
    layer = LAYERS[name]()
    x = normal((BATCH, TIME, FEATURES), 1)
    layer(x)
    signature = [tf.TensorSpec((None, None, FEATURES), "float64")]
    first, second = pushed(layer, [x]), pushed(pushed(layer, [x]), [x])
    for push in (second,) if name in ("elman", "checkpointed") else (first, second):
        with pytest.raises(ValueError, match=r"unknown length|dimension is undefined"):
            tf.function(push, signature, autograph=False).get_concrete_function()


@pytest.mark.slow
@pytest.mark.parametrize("cell", [ElmanCell(UNITS), EulerCell(0.1, 0.3, 1.0)])
def test_kerass_own_loop_raises_and_unrolled_it_is_right(cell):
    """It is TensorFlow that cannot: a TypeError, and no zeros."""
    x = tf.ones((1, 3, 1))
    expected = pushed(keras.layers.RNN(cell), [x])(x)
    compiled_jvp = tf.function(pushed(keras.layers.RNN(cell), [x]), autograph=False)
    with pytest.raises(TypeError, match="variant"):
        compiled_jvp(x)
    found = tf.function(pushed(keras.layers.RNN(cell, unroll=True), [x]), autograph=False)(x)
    assert_same([found], [expected], 1e-6)


def test_the_constants_of_an_oscillator_in_blocks():
    """72 steps of a damped oscillator, and how they change with its damping and stiffness."""
    cell = EulerCell(0.1, damping_rate=0.3, squared_frequency=1.0, dtype="float64")
    layer = LinearRNN(cell, **OPTIONS)
    force = normal((1, 72, 1), 4)
    layer(force)
    direction = [tf.constant(1.0, "float64"), tf.constant(-2.0, "float64")]

    def motion(*constants):
        with keras.StatelessScope(state_mapping=zip(layer.trainable_variables, constants)):
            return layer(force)

    point = [tf.identity(weight.value) for weight in layer.trainable_variables]
    found = tf.function(pushed(motion, direction), autograph=False)(*point)
    assert_same([found], difference(motion, point, direction), 1e-7)


@pytest.mark.parametrize("error", [TypeError, IndexError])
def test_an_error_of_the_users_own_function_stays_what_it_is(error):
    def activation(x):
        raise error("not like this")

    with pytest.raises(error, match="not like this"):
        ElmanRNN(2, activation)(tf.ones((1, 3, 2)))
