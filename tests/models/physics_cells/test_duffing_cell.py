"""The Duffing oscillator as a recurrent cell: its equation, its gradients, what a file keeps."""

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

from oscillator_zoo.models import DuffingCell

pytestmark = pytest.mark.skipif(not has_float64(), reason="JAX_ENABLE_X64 is not set")

NON_DEFAULT = {
    "num_forces": 2,
    "num_springs": 4,
    "position_scale": 0.5,
    "position_offset": -0.3,
    "force_scale": 2.0,
    "num_known": 7,
}
# A lightly damped oscillator with about nine samples per period and a hardening spring.
OFFSET, POSITION, ASYMMETRY = 0.01, [1.5, -0.9], 0.2
FORCE, SPRING = [0.3, 0.2, -0.1], [-0.02, -0.04, -0.03, 0.01, -0.005]


def weights_of(cell):
    forces, springs = FORCE[: cell.num_forces], SPRING[: cell.num_springs]
    return [np.array(w) for w in (OFFSET, POSITION, forces, springs, ASYMMETRY)]


def duffing_layer(**options):
    cell = DuffingCell(dtype="float64", **options)
    cell.set_weights(weights_of(cell))
    return keras.layers.RNN(cell, return_sequences=True, dtype="float64")


def force_of(num=12, batch=2, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, num, 1))


def numpy_duffing(u, y, scale=1.0, middle=0.0, force_scale=1.0, num_forces=3, num_springs=5):
    """One sequence: u_1 … u_N and y_0 … y_{k−1} to y_0 … y_N, k known; u_0 = 0."""
    g, q = SPRING[:num_springs], ASYMMETRY
    u = np.concatenate([[0.0], u]) / force_scale
    y = list((np.asarray(y) - middle) / scale)
    for n in range(len(y) - 1, len(u) - 1):
        p = OFFSET + POSITION[0] * y[n] + POSITION[1] * y[n - 1]
        p += sum(FORCE[j] * u[n + 1 - j] for j in range(num_forces))
        p += sum(g[j] * (y[n + 1 - j] ** 3 + q * y[n + 1 - j] ** 2) for j in range(1, num_springs))
        slope = 3.0 * p**2 + 2.0 * q * p
        y.append(p + g[0] * (p**3 + q * p**2) / (1.0 - g[0] * slope))
    return np.array(y) * scale + middle


def test_cell_equals_a_numpy_loop():
    force, known = force_of(), np.random.default_rng(1).normal(size=(2, 4, 1))
    layer = duffing_layer()
    state = layer.cell.state_after(ops.array(force[:, :3]), ops.array(known))
    motion = ops.convert_to_numpy(layer(force[:, 3:], initial_state=state))
    for i in range(2):
        expected = numpy_duffing(force[i, :, 0], known[i, :, 0])
        assert np.abs(expected).max() > 1.0  # the spring is felt
        np.testing.assert_allclose(motion[i, :, 0], expected[4:], rtol=0, atol=1e-13)


def test_units_are_those_of_the_data():
    layer = duffing_layer(**NON_DEFAULT | {"num_known": None})
    force, known = 2.0 * force_of(), np.random.default_rng(1).normal(size=(2, 3, 1))
    assert layer.cell.num_known == 3
    state = layer.cell.state_after(ops.array(force[:, :2]), ops.array(known))
    motion = ops.convert_to_numpy(layer(force[:, 2:], initial_state=state))
    for i in range(2):
        expected = numpy_duffing(force[i, :, 0], known[i, :, 0], 0.5, -0.3, 2.0, 2, 4)
        np.testing.assert_allclose(motion[i, :, 0], expected[3:], rtol=0, atol=1e-13)


def test_newtons_step_solves_for_the_spring_at_the_end_of_the_step():
    """y_{n+1} − g_0 f(y_{n+1}) is p, up to the square of the correction."""
    layer = duffing_layer()
    known, force = np.full((1, 4, 1), 0.8), np.ones((1, 1, 1))
    state = layer.cell.state_after(ops.ones((1, 3, 1), dtype="float64"), ops.array(known))
    y = float(layer(force, initial_state=state)[0, 0, 0])
    f = 0.8**3 + ASYMMETRY * 0.8**2
    p = OFFSET + 0.8 * sum(POSITION) + sum(FORCE) + f * sum(SPRING[1:])
    assert abs(y - p) > 1e-2
    assert y - SPRING[0] * (y**3 + ASYMMETRY * y**2) == pytest.approx(p, abs=1e-4)


def test_without_weights_the_cell_rests_at_the_offset():
    cell = DuffingCell(position_offset=0.7, position_scale=0.1)
    motion = keras.layers.RNN(cell, return_sequences=True)(np.ones((1, 5, 1)))
    np.testing.assert_allclose(ops.convert_to_numpy(motion), 0.7, rtol=1e-6)
    start = ops.convert_to_numpy(cell.get_initial_state(2)[0])
    np.testing.assert_allclose(start, [[0.7] * 4 + [0.0] * 2] * 2, rtol=1e-6)


def test_step_by_step_equals_the_whole_sequence():
    layer, force = duffing_layer(), force_of()
    whole = ops.convert_to_numpy(layer(force))
    states = layer.cell.get_initial_state(2)
    for i in range(force.shape[1]):
        output, states = layer.cell(ops.array(force[:, i]), states)
        np.testing.assert_allclose(ops.convert_to_numpy(output), whole[:, i], rtol=0, atol=1e-14)


def test_a_run_goes_on_from_any_of_its_samples():
    layer, force = duffing_layer(), force_of(30)
    whole = ops.convert_to_numpy(layer(force))
    state = layer.cell.state_after(ops.array(force[:, 7:10]), ops.array(whole[:, 6:10]))
    rest = ops.convert_to_numpy(layer(force[:, 10:], initial_state=state))
    np.testing.assert_allclose(rest, whole[:, 10:], rtol=0, atol=1e-13)


def test_a_state_after_more_positions_is_that_of_the_nearest_run():
    """A run's own positions give it back, up to the square of the spring's part; noise averages."""
    exact, known = duffing_layer(), 40
    force = 0.2 * force_of(60, seed=3)
    run = ops.convert_to_numpy(exact(force))
    cell = DuffingCell(num_known=known, dtype="float64")
    cell.set_weights(weights_of(cell))
    # force[:, n] is u_{n+1}, run[:, n] is y_{n+1}: positions y_1 … y_40 and forces u_2 … u_40.
    state = cell.state_after(ops.array(force[:, 1:known]), ops.array(run[:, :known]))
    latest = run[:, known - 1 : known - 5 : -1, 0]
    np.testing.assert_allclose(ops.convert_to_numpy(state)[:, :4], latest, rtol=0, atol=1e-4)
    noise = 0.05 * np.random.default_rng(4).normal(size=(2, known, 1))
    state = cell.state_after(ops.array(force[:, 1:known]), ops.array(run[:, :known] + noise))
    averaged = np.abs(ops.convert_to_numpy(state)[:, :4] - latest).max()
    assert averaged < 0.6 * np.abs(noise[:, -4:]).max()


@pytest.mark.slow
def test_gradients_equal_finite_differences():
    layer = duffing_layer(**NON_DEFAULT)
    layer.build((2, 8, 1))
    loss = loss_of(layer)
    arrays = [np.array(weight.numpy()) for weight in layer.trainable_variables]
    arrays.append(force_of(8))
    assert len(arrays) == 6
    tensors = [ops.convert_to_tensor(array) for array in arrays]
    # Central differences: error of order step² = 1e-10, rounding 1e-15 / 1e-5 = 1e-10.
    expected = finite_differences(compiled(loss, MODES[-1]), arrays)
    for mode in MODES:
        assert_same(compiled(gradient(loss), mode)(*tensors), expected, 1e-8)


@pytest.mark.further
def test_every_argument_and_weight_comes_back_in_a_fresh_process(tmp_path):
    force = force_of().astype("float32")
    outputs = {}
    for name in ["default", *NON_DEFAULT]:
        cell = DuffingCell(**{k: v for k, v in NON_DEFAULT.items() if k == name})
        cell.set_weights(weights_of(cell))
        layer = keras.layers.RNN(cell, return_sequences=True)
        model = keras.Sequential([keras.Input((None, 1)), layer])
        model.save(tmp_path / f"{name}.keras")
        outputs[name] = ops.convert_to_numpy(model(force))
    np.save(tmp_path / "force.npy", force)
    script = """
        import pathlib, sys, keras, numpy as np
        import oscillator_zoo.models
        folder = pathlib.Path(sys.argv[1])
        for path in folder.glob("*.keras"):
            output = keras.saving.load_model(path)(np.load(folder / "force.npy"))
            np.save(path.with_suffix(".npy"), keras.ops.convert_to_numpy(output))
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    subprocess.run(command, check=True, env=os.environ, cwd=tmp_path, capture_output=True)
    for name, output in outputs.items():
        loaded = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_allclose(loaded, output, rtol=0, atol=1e-6)
        changes = np.abs(output - outputs["default"]).max()
        # Or the comparison would say nothing; `num_known` is where a free run may begin.
        assert name in ("default", "num_known") or changes > 1e-3


def test_config_holds_every_argument():
    config = DuffingCell(**NON_DEFAULT).get_config()
    assert {name: config[name] for name in NON_DEFAULT} == NON_DEFAULT
    assert DuffingCell.from_config(config).state_size == 4


def test_numbers_of_samples_decide_the_sizes():
    for num_forces, num_springs, known, size in ((1, 2, 2, 2), (4, 2, 4, 5), (3, 5, 4, 6)):
        cell = DuffingCell(num_forces, num_springs)
        assert (cell.num_known, cell.state_size) == (known, size)
        state = cell.state_after(ops.ones((2, known - 1, 1)), ops.ones((2, known, 1)))
        assert tuple(state.shape) == (2, size)
        layer = keras.layers.RNN(cell, return_sequences=True)
        assert layer.compute_output_shape((2, 8, 1)) == (2, 8, 1)


BAD_ARGUMENTS = {
    r"num_forces must be an integer of at least 1": {"num_forces": 0},
    r"num_known must be an integer of at least 4": {"num_known": 3},
    r"num_springs must be an integer of at least 2": {"num_springs": 1},
    r"position_scale must be > 0": {"position_scale": 0.0},
    r"force_scale must be a finite real number": {"force_scale": np.nan},
    r"position_scale must be one number": {"position_scale": [1.0, 2.0]},
    r"position_offset must be a finite real number": {"position_offset": "middle"},
}


@pytest.mark.parametrize("message", BAD_ARGUMENTS)
def test_bad_arguments_are_refused(message):
    with pytest.raises(ValueError, match=message):
        DuffingCell(**BAD_ARGUMENTS[message])


def test_wrong_force_and_wrong_state_are_refused():
    with pytest.raises(ValueError, match=r"takes one force.*Received 2 features"):
        duffing_layer()(np.zeros((1, 3, 2)))
    with pytest.raises(ValueError, match=r"state of this DuffingCell is \(batch, 6\).*\(1, 3\)"):
        duffing_layer()(np.zeros((1, 3, 1)), initial_state=ops.zeros((1, 3), dtype="float64"))
