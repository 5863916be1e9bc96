"""Euler's method as a recurrent cell: its numbers, its gradients, what training does to it."""

import json
import os
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
from keras import ops
from recurrent_checks import (
    MODES,
    assert_same,
    compiled,
    finite_differences,
    gradient,
    has_float64,
    loss_of,
)

from oscillator_zoo.data import DampedOscillator, Sinusoid, simulate
from oscillator_zoo.models import EulerCell

pytestmark = pytest.mark.skipif(not has_float64(), reason="JAX_ENABLE_X64 is not set")

STEP = 0.05
OSCILLATOR = DampedOscillator(2.0, 0.3, 1.8, force=Sinusoid(0.7, 1.1), position=0.5, velocity=-1.0)
NON_DEFAULT = {
    "time_step": 0.04,
    "damping_rate": -0.3,
    "squared_frequency": 2.5,
    "mass": 1.7,
    "trainable_physics": False,
    "trainable_mass": True,
    "initial_position": 0.4,
    "initial_velocity": -0.6,
    "learn_initial_state": True,
    "features": ("velocity",),
}


def euler_layer(damping_rate=0.15, squared_frequency=0.9, mass=2.0, **options):
    cell = EulerCell(STEP, damping_rate, squared_frequency, mass, dtype="float64", **options)
    return keras.layers.RNN(cell, return_sequences=True, dtype="float64")


def random_force(batch=2, time=8, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, time, 1))


def numpy_euler(force, state, time_step, alpha, delta, mass):
    motion = []
    for i in range(force.shape[1]):
        x, v = state[:, 0], state[:, 1]
        slope = force[:, i, 0] / mass - alpha * v - delta * x
        state = np.stack([x + time_step * v, v + time_step * slope], axis=1)
        motion.append(state)
    return np.stack(motion, axis=1)


def test_cell_equals_a_numpy_loop():
    force, state = random_force(), np.array([[0.3, -0.2], [1.0, 0.5]])
    motion = euler_layer()(force, initial_state=ops.array(state))
    expected = numpy_euler(force, state, STEP, 0.15, 0.9, 2.0)
    # The same operations in the same order: a few roundings of numbers of order 1.
    np.testing.assert_allclose(ops.convert_to_numpy(motion), expected, rtol=0, atol=1e-15)


def test_cell_fed_with_f_i_outputs_the_simulated_s_i_plus_1():
    motion = simulate(OSCILLATOR, STEP, 300)
    states = euler_layer()(motion.force[:, :-1], initial_state=ops.array(motion.states[:, 0]))
    assert np.ptp(motion.force) > 1.0
    np.testing.assert_allclose(
        ops.convert_to_numpy(states), motion.states[:, 1:], rtol=0, atol=1e-13
    )


def test_initial_state_may_come_from_the_constructor():
    layer = euler_layer(initial_position=0.7, initial_velocity=-1.1)  # no float32 numbers
    start = {"position": 0.7, "velocity": -1.1}
    motion = simulate(OSCILLATOR.with_parameters(**start), STEP, 20)
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(motion.force[:, :-1])), motion.states[:, 1:], rtol=0, atol=1e-13
    )


def test_step_by_step_equals_the_whole_sequence():
    layer, force = euler_layer(), random_force()
    whole = ops.convert_to_numpy(layer(force))
    states = layer.cell.get_initial_state(2)
    for i in range(force.shape[1]):
        output, states = layer.cell(ops.array(force[:, i]), states)
        # JAX compiles the whole sequence and may fuse a multiplication with an addition.
        np.testing.assert_allclose(ops.convert_to_numpy(output), whole[:, i], rtol=0, atol=1e-15)


@pytest.mark.parametrize("features", [("position",), ("velocity",), ("velocity", "position")])
def test_features_choose_what_is_given_out(features):
    everything = ops.convert_to_numpy(euler_layer(initial_position=1.0)(random_force()))
    layer = euler_layer(initial_position=1.0, features=features)
    columns = [("position", "velocity").index(name) for name in features]
    output = ops.convert_to_numpy(layer(random_force()))
    np.testing.assert_array_equal(output, everything[:, :, columns])
    assert layer.compute_output_shape((2, 8, 1)) == (2, 8, len(features))
    assert tuple(keras.Sequential([keras.Input((None, 1)), layer]).output_shape) == (
        None,
        None,
        len(features),
    )


def test_masked_steps_do_not_happen():
    layer, force = euler_layer(initial_position=1.0), random_force(1, 5)
    mask = np.array([[False, True, False, True, True]])
    motion = ops.convert_to_numpy(layer(force, mask=ops.array(mask)))
    compact = ops.convert_to_numpy(layer(force[:, mask[0]]))
    np.testing.assert_array_equal(motion[:, mask[0]], compact)
    np.testing.assert_array_equal(motion[:, 2], motion[:, 1])


def test_weights_are_the_constants_in_float64_precision():
    cell = EulerCell(STEP, 0.1, 0.7, dtype="float64")
    assert [w.name for w in cell.trainable_weights] == ["damping_rate", "squared_frequency"]
    assert (cell.damping_rate.numpy(), cell.squared_frequency.numpy()) == (0.1, 0.7)
    assert cell.mass == 1.0


def test_what_is_trainable_is_a_choice():
    names = lambda weights: [w.name for w in weights]  # noqa: E731
    fixed = EulerCell(STEP, 0.1, 0.7, trainable_physics=False)
    assert names(fixed.trainable_weights) == [] and len(fixed.weights) == 2
    everything = EulerCell(STEP, 0.1, 0.7, trainable_mass=True, learn_initial_state=True)
    assert names(everything.trainable_weights) == [
        "damping_rate",
        "squared_frequency",
        "mass",
        "initial_position",
        "initial_velocity",
    ]


def test_fit_moves_the_constants_towards_the_truth():
    motion = simulate(OSCILLATOR, STEP, 60)
    force, states = motion.force[:, :-1], motion.states
    layer = euler_layer(
        0.6, 0.5, initial_position=0.5, initial_velocity=-1.0, features=("position",)
    )
    model = keras.Sequential([keras.Input((None, 1), dtype="float64"), layer])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    losses = [model.train_on_batch(force, states[:, 1:, :1]) for _ in range(25)]
    assert losses[-1] < 0.5 * losses[0]
    assert abs(layer.cell.damping_rate.numpy() - 0.15) < 0.45 - 0.1
    assert abs(layer.cell.squared_frequency.numpy() - 0.9) < 0.4 - 0.1


def test_squared_frequency_stays_nonnegative_and_damping_may_not():
    start = {"initial_position": 1.0, "initial_velocity": 1.0}
    layer = euler_layer(0.0, 0.01, **start)
    model = keras.Sequential([keras.Input((None, 1), dtype="float64"), layer])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    force, state = np.zeros((1, 20, 1)), np.array([[1.0, 1.0]])
    for _ in range(5):
        model.train_on_batch(force, numpy_euler(force, state, STEP, -0.5, -0.5, 1.0))
    assert layer.cell.squared_frequency.numpy() == 0.0
    assert layer.cell.damping_rate.numpy() < -0.05


def test_gradients_equal_finite_differences():
    layer = euler_layer(trainable_mass=True, learn_initial_state=True, initial_position=0.5)
    layer.build((2, 8, 1))
    loss = loss_of(layer)
    arrays = [np.array(weight.numpy()) for weight in layer.trainable_variables]
    arrays.append(random_force())
    assert len(arrays) == 6
    tensors = [ops.convert_to_tensor(array) for array in arrays]
    # Central differences: error of order step² = 1e-10, rounding 1e-15 / 1e-5 = 1e-10.
    expected = finite_differences(compiled(loss, MODES[-1]), arrays)
    for mode in MODES:
        assert_same(compiled(gradient(loss), mode)(*tensors), expected, 1e-8)


def test_config_holds_every_argument_and_training_does_not_change_it():
    cell = EulerCell(**NON_DEFAULT)
    cell.damping_rate.assign(9.0)
    config = cell.get_config()
    assert {name: config[name] for name in NON_DEFAULT} == NON_DEFAULT
    twin = EulerCell.from_config(config)
    for name, value in NON_DEFAULT.items():
        attribute = getattr(twin, name)
        if hasattr(attribute, "numpy"):  # a weight, in float32
            attribute, value = float(attribute.numpy()), float(np.float32(value))
        assert attribute == value


@pytest.mark.further
def test_trained_values_come_back_in_a_fresh_process(tmp_path):
    cell = EulerCell(**NON_DEFAULT)
    model = keras.Sequential(
        [keras.Input((None, 1)), keras.layers.RNN(cell, return_sequences=True)]
    )
    trained = {"damping_rate": 0.25, "squared_frequency": 1.9, "mass": 2.2}
    for name, value in {**trained, "initial_position": 0.1, "initial_velocity": 0.8}.items():
        getattr(cell, name).assign(value)
    force = random_force().astype("float32")
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "force.npy", force)
    script = """
        import json, sys, keras, numpy as np
        import oscillator_zoo.models
        model = keras.saving.load_model(sys.argv[1] + "/model.keras")
        output = model(np.load(sys.argv[1] + "/force.npy"))
        np.save(sys.argv[1] + "/output.npy", keras.ops.convert_to_numpy(output))
        names = [w.name for w in model.trainable_weights]
        print(json.dumps([names, float(model.layers[0].cell.damping_rate.numpy())]))
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    run = subprocess.run(command, check=True, env=os.environ, cwd=tmp_path, capture_output=True)
    names, damping_rate = json.loads(run.stdout.decode().splitlines()[-1])
    assert names == ["mass", "initial_position", "initial_velocity"] and damping_rate == 0.25
    output = ops.convert_to_numpy(model(force))
    np.testing.assert_allclose(np.load(tmp_path / "output.npy"), output, rtol=0, atol=1e-6)
    state = np.array([[0.1, 0.8]] * 2)
    expected = numpy_euler(force, state, 0.04, 0.25, 1.9, 2.2)[:, :, 1:]
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-6)


BAD_ARGUMENTS = {
    r"time_step must be > 0 s": {"time_step": 0.0},
    r"mass must be > 0 kg": {"mass": -1.0},
    r"squared_frequency must be >= 0 1/s²": {"squared_frequency": -1.0},
    r"damping_rate must be a finite real number": {"damping_rate": np.nan},
    r"damping_rate must be one number .* Received: \[0\.1, 0\.2\]": {"damping_rate": [0.1, 0.2]},
    r"initial_position must be a finite real number": {"initial_position": "left"},
    r"initial_velocity must be a finite real number": {"initial_velocity": np.inf},
    r"features must be a tuple of names": {"features": ("speed",)},
    r'Write features=\("position",\)': {"features": "position"},
}


@pytest.mark.parametrize("message", BAD_ARGUMENTS)
def test_bad_arguments_are_refused(message):
    arguments = {"time_step": 0.1, "damping_rate": 0.1, "squared_frequency": 1.0}
    with pytest.raises(ValueError, match=message):
        EulerCell(**{**arguments, **BAD_ARGUMENTS[message]})


def test_wrong_force_and_wrong_state_are_refused():
    with pytest.raises(ValueError, match="Received 2 features"):
        euler_layer()(np.zeros((1, 3, 2)))
    with pytest.raises(ValueError, match=r"state of an EulerCell .* Received shape \(1, 3\)"):
        euler_layer()(np.zeros((1, 3, 1)), initial_state=ops.zeros((1, 3), dtype="float64"))
