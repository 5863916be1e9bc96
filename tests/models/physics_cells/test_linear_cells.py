"""Linear cells step like Euler's method, and trained ones say which oscillator they learned."""

import keras
import numpy as np
import pytest
from recurrent_checks import BACKEND, has_float64

from oscillator_zoo.data import DampedOscillator, Decay, Sinusoid, simulate
from oscillator_zoo.models import ElmanCell, JordanCell, euler_weights, read_oscillator

pytestmark = pytest.mark.skipif(not has_float64(), reason="JAX_ENABLE_X64 is not set")

STEP = 0.05
# Another order of the same sums: 200 roundings of numbers of order 1. Keras's `matmul` on PyTorch
# computes in float32.
TOLERANCE = 1e-5 if BACKEND == "torch" else 1e-13
OSCILLATOR = DampedOscillator(2.0, 0.3, 1.8, force=Sinusoid(0.7, 1.1), position=0.5, velocity=-1.0)


def euler_cell(**options):
    cell = ElmanCell(2, activation="linear", dtype="float64", **options)
    cell.build((None, 1))
    W, U = euler_weights(OSCILLATOR, STEP)
    return cell, W, U


def test_weights_are_the_transposes_of_eulers_matrices():
    weights = euler_weights(OSCILLATOR, STEP)
    alpha, delta = 0.3 / 2.0, 1.8 / 2.0
    A = np.array([[1.0, STEP], [-STEP * delta, 1.0 - STEP * alpha]])
    np.testing.assert_array_equal(weights.recurrent_kernel, A.T)
    np.testing.assert_array_equal(weights.kernel, [[0.0, STEP / 2.0]])


def test_linear_cell_with_eulers_weights_gives_the_simulated_motion():
    cell, W, U = euler_cell(use_bias=False)
    cell.set_weights([U, W])
    motion = simulate(OSCILLATOR, STEP, 200)
    layer = keras.layers.RNN(cell, return_sequences=True, dtype="float64")
    states = layer(motion.force[:, :-1], initial_state=keras.ops.array(motion.states[:, 0]))
    assert np.ptp(motion.force) > 1.0
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(states), motion.states[:, 1:], rtol=0, atol=TOLERANCE
    )


def test_output_layer_reads_the_position():
    cell, W, U = euler_cell(output_units=1)
    cell.set_weights([U, W, np.zeros(2), np.array([[1.0], [0.0]]), np.zeros(1)])
    motion = simulate(OSCILLATOR, STEP, 50)
    layer = keras.layers.RNN(cell, return_sequences=True, dtype="float64")
    position = layer(motion.force[:, :-1], initial_state=keras.ops.array(motion.states[:, 0]))
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(position), motion.states[:, 1:, :1], rtol=0, atol=TOLERANCE
    )


@pytest.mark.parametrize("damping, stiffness", [(0.0, 1.0), (0.3, 2.0), (4.0, 1.0)])
def test_oscillator_is_read_from_a_cell_in_any_hidden_basis(damping, stiffness):
    mass = 1.7
    W, U = euler_weights(DampedOscillator(mass, damping, stiffness), STEP)
    basis = np.array([[0.8, -1.1], [0.4, 0.9]])
    cell = ElmanCell(2, activation="linear", use_bias=False, dtype="float64")
    cell.build((None, 1))
    cell.set_weights([U @ basis, np.linalg.inv(basis) @ W @ basis])
    # Rounding errors of order 1e-16 in trace and determinant, divided by Δt² = 2.5e-3.
    np.testing.assert_allclose(
        read_oscillator(cell, STEP), (damping / mass, stiffness / mass), rtol=0, atol=1e-12
    )


def test_oscillator_is_read_from_keras_layers_too():
    layer = keras.layers.SimpleRNN(2, activation="linear", use_bias=False, dtype="float64")
    layer.build((None, None, 1))
    W, U = euler_weights(OSCILLATOR, STEP)
    layer.set_weights([U, W])
    np.testing.assert_allclose(read_oscillator(layer, STEP), (0.15, 0.9), rtol=0, atol=1e-12)


def test_least_squares_on_states_recovers_the_oscillator():
    motion = simulate(OSCILLATOR, STEP, 400)
    pairs = np.concatenate([motion.states, motion.force], axis=-1)[0, :-1]
    weights = np.linalg.lstsq(pairs, motion.states[0, 1:], rcond=None)[0]
    cell = ElmanCell(2, activation="linear", use_bias=False, dtype="float64")
    cell.build((None, 1))
    cell.set_weights([weights[2:], weights[:2]])
    np.testing.assert_allclose(read_oscillator(cell, STEP), (0.15, 0.9), rtol=0, atol=1e-10)


def test_problems_without_one_linear_oscillator_are_refused():
    with pytest.raises(ValueError, match="Pass a DampedOscillator"):
        euler_weights(Decay(rate=1.0), STEP)
    with pytest.raises(ValueError, match=r"ensemble.*problem.select\(0\)"):
        euler_weights(DampedOscillator(damping=np.array([0.1, 0.2])), STEP)
    with pytest.raises(ValueError, match="time_step must be > 0"):
        euler_weights(OSCILLATOR, 0.0)
    with pytest.raises(ValueError, match="time_step must be one number"):
        euler_weights(OSCILLATOR, np.array([0.1, 0.2]))


def test_cells_that_are_no_linear_oscillator_are_refused():
    with pytest.raises(ValueError, match=r"units=3\. Train a cell with units=2"):
        read_oscillator(ElmanCell(3, activation="linear"), STEP)
    with pytest.raises(ValueError, match="activation='tanh'"):
        read_oscillator(ElmanCell(2), STEP)
    with pytest.raises(ValueError, match="unbuilt"):
        read_oscillator(ElmanCell(2, activation="linear"), STEP)
    with pytest.raises(ValueError, match="Received: GRUCell"):
        read_oscillator(keras.layers.GRU(2), STEP)
    with pytest.raises(ValueError, match="Received: JordanCell"):
        read_oscillator(JordanCell(2, activation="linear"), STEP)
    with pytest.raises(ValueError, match="time_step must be > 0"):
        read_oscillator(ElmanCell(2, activation="linear"), -1.0)
