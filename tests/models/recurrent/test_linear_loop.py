"""Blocks of steps at once against one step after another, in NumPy."""

import numpy as np
import pytest
from keras import ops
from recurrent_checks import (
    BACKEND,
    MODES,
    assert_same,
    compiled,
    finite_differences,
    gradient,
    has_float64,
    to_numpy,
)

from oscillator_zoo.models.recurrent.linear_loop import linear_loop

pytestmark = pytest.mark.skipif(not has_float64(), reason="JAX_ENABLE_X64 is not set")
LENGTHS = (1, 2, 15, 16, 17, 33, 255, 256, 257, 700)


def step_loop(matrix, drive, state):
    states = []
    for i in range(drive.shape[1]):
        state = state @ matrix + drive[:, i]
        states.append(state)
    return np.stack(states, axis=1)


def problem(length, units=3, batch=2, radius=0.99, dtype="float64", seed=0):
    """A random matrix of a given spectral radius, drive and start."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(units, units))
    matrix *= radius / np.abs(np.linalg.eigvals(matrix)).max()
    drive, start = random.normal(size=(batch, length, units)), random.normal(size=(batch, units))
    return [array.astype(dtype) for array in (matrix, drive, start)]


def tensors(arrays):
    return [ops.convert_to_tensor(array) for array in arrays]


def relative_error(found, expected):
    return np.abs(to_numpy(found)[0] - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("length", LENGTHS)
def test_states_are_those_of_the_step_loop(length):
    arrays = problem(length)
    found = linear_loop(*tensors(arrays))
    assert tuple(found.shape) == arrays[1].shape
    assert relative_error(found, step_loop(*arrays)) < 1e-14


@pytest.mark.skipif(BACKEND != "tensorflow", reason="Only TensorFlow has shapes without sizes")
def test_one_graph_takes_sequences_of_any_length_and_number():
    import tensorflow as tf

    sizes = [(3, 3), (None, None, 3), (None, 3)]
    signature = [tf.TensorSpec(size, tf.float64) for size in sizes]
    function = tf.function(linear_loop, input_signature=signature)
    for length in LENGTHS:
        for batch in (1, 4):
            arrays = problem(length, batch=batch)
            assert relative_error(function(*arrays), step_loop(*arrays)) < 1e-14
    assert function.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("radius", [0.9, 1.0, 1.002])
def test_ten_thousand_steps_stay_within_rounding_of_the_largest_state(radius):
    arrays = problem(10000, radius=radius)
    expected = step_loop(*arrays)
    assert relative_error(linear_loop(*tensors(arrays)), expected) < 1e-12


@pytest.mark.skipif(BACKEND == "jax", reason="Powers in float64 need JAX_ENABLE_X64")
def test_float32_is_nearer_to_the_exact_states_than_the_step_loop():
    angle = 0.05  # a rotation forgets nothing: all errors add up
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], "float32")
    _, drive, start = problem(10000, units=2, dtype="float32")
    exact = step_loop(*(array.astype("float64") for array in (matrix, drive, start)))
    stepped = relative_error(step_loop(matrix, drive, start), exact)
    found = relative_error(linear_loop(*tensors((matrix, drive, start))), exact)
    assert found < 1e-6 and found < stepped


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_growth_beyond_the_range_of_numbers_leaves_the_states_before_it_alone(dtype):
    matrix, drive, start = np.array([[20.0]]), np.zeros((1, 300, 1)), np.ones((1, 1))
    arrays = [array.astype(dtype) for array in (matrix, drive, start)]
    found = to_numpy(linear_loop(*tensors(arrays)))[0].ravel()
    steps, largest = np.arange(1, 301), float(np.finfo(dtype).max)
    fits = steps * np.log(20.0) < np.log(largest)
    np.testing.assert_allclose(found[fits], 20.0 ** steps[fits], rtol=1e-4)
    assert not np.any(np.abs(found[~fits]) < largest / 1e20)  # huge, infinite or NaN


def test_state_at_rest_stays_there_whatever_the_growth():
    matrix, zeros = np.array([[20.0, 3.0], [1.0, 50.0]]), np.zeros((1, 300, 2))
    states = linear_loop(*tensors((matrix, zeros, zeros[:, 0])))
    np.testing.assert_array_equal(to_numpy(states)[0], zeros)


def loss_of_states(matrix, drive, start):
    states = linear_loop(matrix, drive, start)
    scale = np.cos(np.arange(np.prod(states.shape))).reshape(states.shape)
    return ops.sum(states**2 * ops.convert_to_tensor(scale))


@pytest.mark.slow
def test_gradients_are_those_of_finite_differences():
    arrays = problem(37, units=2, batch=1, radius=0.9)
    expected = finite_differences(compiled(loss_of_states, MODES[-1]), arrays)
    for mode in MODES:
        found = compiled(gradient(loss_of_states), mode)(*tensors(arrays))
        # Central differences of numbers of order 100: rounding 1e-14 / 1e-5 = 1e-9.
        assert_same(found, expected, 1e-6)


@pytest.mark.further
def test_second_derivatives_are_those_of_finite_differences():
    arrays = problem(37, units=2, batch=1, radius=0.9)
    direction = ops.convert_to_tensor(problem(37, units=2, batch=1, seed=5)[0])

    def slope(*tensors):
        return ops.sum(gradient(loss_of_states)(*tensors)[0] * direction)

    expected = finite_differences(compiled(slope, MODES[-1]), arrays)
    largest = max(np.abs(values).max() for values in expected)
    for mode in MODES:
        assert_same(compiled(gradient(slope), mode)(*tensors(arrays)), expected, 1e-8 * largest)


def test_gradient_stays_finite_where_only_unused_powers_overflow():
    arrays = problem(200, units=2, batch=1, radius=20.0)  # 20²⁰⁰ = 1e260, 20²⁵⁶ is none
    gradients = to_numpy(gradient(lambda *a: ops.sum(linear_loop(*a)[:, :20]))(*tensors(arrays)))
    assert all(np.isfinite(values).all() for values in gradients)
