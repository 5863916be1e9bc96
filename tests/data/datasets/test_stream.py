"""The endless stream: each trajectory against a plain loop, and against itself in every split."""

import hashlib
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from oscillator_zoo.data import (
    Chirp,
    Constant,
    DampedOscillator,
    forecast_windows,
    simulate,
    trajectory_stream,
)
from oscillator_zoo.data.datasets import stream
from oscillator_zoo.data.datasets.stream_source import StreamSource
from oscillator_zoo.models import ElmanRNN

RANGES = {
    "mass": (1.0, 2.0),
    "damping": (0.5, 1.0),
    "stiffness": (1.0, 4.0),
    "position": (-1.0, 1.0),
    "velocity": (-2.0, 2.0),
    "amplitude": (0.5, 1.5),
    "angular_frequency": (0.5, 2.0),
    "phase": (0.0, 6.0),
}
SHORT = {**RANGES, "time_step": 0.05, "num_steps": 6, "dtype": "float64"}


def parameters(seed, index):
    """The eight numbers of one trajectory, from two counts of Philox."""
    uniform = np.random.Generator(np.random.Philox(seed, counter=2 * index)).random(8)
    return [low + (high - low) * u for (low, high), u in zip(RANGES.values(), uniform)]


def by_loop(seed, index, time_step, num_steps):
    """Euler's method with numbers: states `(N + 1, 2)` and forces `(N + 1, 1)`."""
    m, g, k, x, v, amplitude, frequency, phase = parameters(seed, index)
    states, forces = [], []
    for i in range(num_steps + 1):
        force = amplitude * np.sin(frequency * (time_step * i) + phase)
        states.append((x, v))
        forces.append((force,))
        x, v = x + time_step * v, v + time_step * ((force - g * v - k * x) / m)
    return np.array(states), np.array(forces)


def taken(num_batches, **arguments):
    """Some batches as one array each of inputs and targets."""
    batches = list(trajectory_stream(**arguments).take(num_batches))
    return [np.concatenate([batch[k].numpy() for batch in batches]) for k in range(2)]


def test_a_trajectory_is_that_of_a_plain_loop_from_parameters_drawn_for_its_index():
    inputs, targets = taken(2, seed=3, start_index=10, batch_size=4, **SHORT)
    for row in range(8):
        states, forces = by_loop(3, 10 + row, 0.05, 6)
        expected = np.concatenate([states, forces], axis=1)[:-1]
        np.testing.assert_allclose(inputs[row], expected, rtol=0, atol=1e-14)
        np.testing.assert_allclose(targets[row], states[1:], rtol=0, atol=1e-14)


def test_a_source_gives_any_trajectories_by_their_indices():
    source = StreamSource(3, RANGES, None, 0.05, 6, "euler")
    found = source.trajectories(10**12, 5, 3)
    for row in range(3):
        states, forces = by_loop(3, 10**12 + 5 * row, 0.05, 6)
        np.testing.assert_allclose(found.states[row], states, rtol=0, atol=1e-14)
        np.testing.assert_allclose(found.force[row], forces, rtol=0, atol=1e-14)


@pytest.mark.parametrize("names", ["force", ("force", "initial_state"), ("initial_state", "force")])
def test_inputs_may_be_the_force_and_the_initial_state(names):
    inputs, targets = next(iter(trajectory_stream(3, inputs=names, batch_size=2, **SHORT)))
    states, forces = by_loop(3, 1, 0.05, 6)
    expected = {"force": forces[:-1], "initial_state": states[0]}
    if names == "force":
        inputs, names = (inputs,), (names,)
    assert len(inputs) == len(names)
    for name, part in zip(names, inputs):
        np.testing.assert_allclose(part[1], expected[name], rtol=0, atol=1e-14)
    np.testing.assert_allclose(targets[1], states[1:], rtol=0, atol=1e-14)


def test_a_stream_looks_like_the_windows_of_a_trajectory():
    """The motion of numbers that are not drawn, through `simulate` and `forecast_windows`."""
    given = {"damping": 0.2, "stiffness": 2.0, "position": 1.0, "velocity": 0.5}
    force = Chirp(1.0, 0.5, 2.0, duration=2.0)
    columns = {"features": "velocity", "targets": "position"}
    motion = simulate(DampedOscillator(force=force, **given), 0.1, num_steps=20)
    windows = forecast_windows(motion, window=20, every_step=True, **columns)
    expected = next(iter(windows))
    fixed = trajectory_stream(0, force=force, num_steps=20, batch_size=3, **given, **columns)
    for part, one in zip(next(iter(fixed)), expected):
        assert part.dtype == one.dtype
        for row in part:
            np.testing.assert_allclose(row, one[0], rtol=0, atol=1e-6)


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(0, 2**70),
    st.sampled_from([1, 40, 500]),
)
def test_shards_are_the_stream_bit_for_bit(num_shards, batch_size, start_index, steps_at_once):
    """Whatever the number of shards, the size of a batch, the start and the size of a block."""
    num = num_shards * 2 * batch_size
    common = {"seed": 5, "start_index": start_index, **SHORT}
    whole = taken(1, batch_size=num, **common)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "STEPS_AT_ONCE", steps_at_once)
        for shard in range(num_shards):
            split = {"shard_index": shard, "num_shards": num_shards, "batch_size": batch_size}
            parts = taken(2, **split, **common)
            for part, all_of_them in zip(parts, whole):
                np.testing.assert_array_equal(part, all_of_them[shard::num_shards])


@pytest.mark.parametrize("method", ["euler", "euler_cromer", "rk4"])
def test_every_method_gives_a_trajectory_alone_the_bits_it_has_among_others(method, monkeypatch):
    arguments = {**SHORT, "seed": 1, "method": method, "num_steps": 40}
    together = taken(1, batch_size=50, **arguments)
    monkeypatch.setattr(stream, "STEPS_AT_ONCE", 1)
    alone = taken(50, batch_size=1, **arguments)
    for one, other in zip(alone, together):
        np.testing.assert_array_equal(one, other)


def test_a_resumed_stream_goes_on_where_it_was():
    split = {"seed": 2, "shard_index": 1, "num_shards": 3, "batch_size": 4}
    all_of_it = taken(5, **split, **SHORT)
    resumed = taken(2, start_index=3 * 4 * 3, **split, **SHORT)
    for one, other in zip(all_of_it, resumed):
        np.testing.assert_array_equal(one[12:], other)


def digest(dataset):
    hashed = hashlib.sha256()
    for batch in dataset:
        for part in tf.nest.flatten(batch):
            hashed.update(part.numpy().astype("<f8").tobytes())
    return hashed.hexdigest()


def test_the_same_seed_gives_the_same_bits_everywhere():
    free = trajectory_stream(7, num_steps=50, batch_size=8, dtype="float64").take(3)
    assert digest(free) == "b5d4ae0117b20871b92000a9b8357aefaa0595d559c58523c42771ab23be6a43"


@pytest.mark.further
def test_another_process_sees_the_same_bits_whatever_its_random_state():
    code = """
import keras, test_stream
keras.utils.set_random_seed(1)
stream = test_stream.trajectory_stream(4, shard_index=1, num_shards=2, **test_stream.RANGES)
print(test_stream.digest(stream.take(2)))
"""
    folder = pathlib.Path(__file__).parent
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    here = digest(trajectory_stream(4, shard_index=1, num_shards=2, **RANGES).take(2))
    assert run.stdout.split()[-1] == here


def test_the_stream_has_no_end_and_repeats_nothing(monkeypatch):
    monkeypatch.setattr(stream, "STEPS_AT_ONCE", 100)  # several blocks
    endless = trajectory_stream(0, num_steps=5, batch_size=7)
    assert endless.cardinality() == tf.data.INFINITE_CARDINALITY
    starts = np.concatenate([inputs[:, 0].numpy() for inputs, _ in endless.take(200)])
    assert len(np.unique(starts, axis=0)) == 1400


def test_seeds_differ_and_parameters_fill_their_ranges_independently():
    """Starts of 10 000 trajectories: means scatter by .003 of the range, correlations by .01."""
    starts = [
        taken(1, seed=seed, num_steps=1, batch_size=10_000, dtype="float64")[0][:, 0]
        for seed in (0, 1)
    ]
    assert not np.isin(starts[0], starts[1]).any()
    assert np.abs(starts[0].mean(axis=0)).max() < 4 * 0.003 * 2.0
    assert np.all((starts[0].min(axis=0) < -0.99) & (starts[0].max(axis=0) > 0.99))
    assert abs(np.corrcoef(starts[0].T)[0, 1]) < 0.04


def test_fixing_one_parameter_changes_no_other():
    free = taken(1, seed=0, num_steps=1, position=0.0)[0][:, 0]
    other = taken(1, seed=0, num_steps=1, position=(-1.0, 1.0), amplitude=1.0)[0][:, 0]
    np.testing.assert_array_equal(free[:, 1], other[:, 1])


@pytest.mark.further
def test_memory_does_not_grow():
    """700 MB pass through; the peak after the first tenth grows by less than a tenth of that."""
    code = """
import resource
from oscillator_zoo.data import trajectory_stream
peaks = []
for number, _ in enumerate(trajectory_stream(0, num_steps=400, batch_size=256).take(440)):
    if number in (40, 439):
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)  # MB
print(peaks[1] - peaks[0])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(run.stdout.split()[-1]) < 70.0


@pytest.mark.slow
@pytest.mark.parametrize("shards", [{}, {"shard_index": 1, "num_shards": 2}])
def test_fit_takes_new_trajectories_in_every_epoch(shards):
    keras.utils.set_random_seed(0)
    layer = ElmanRNN(16, output_units=2, return_sequences=True)
    model = keras.Sequential([keras.Input((None, 1)), layer])
    model.compile(keras.optimizers.Adam(1e-2), loss="mse")
    common = {"amplitude": (0.5, 1.0), "inputs": "force", "num_steps": 40}
    common |= {"position": 0.0, "velocity": 0.0, "stiffness": 1.0, "damping": 0.5}
    seen = []

    def look(inputs, targets):
        tf.py_function(lambda first: seen.append(float(first)), [inputs[0, 1, 0]], [])
        return inputs, targets

    data = trajectory_stream(0, batch_size=16, **shards, **common)
    held_out = trajectory_stream(1, batch_size=64, **common).take(1)
    history = model.fit(
        data.map(look),
        steps_per_epoch=20,
        epochs=4,
        validation_data=held_out,
        shuffle=False,
        verbose=0,
    )
    assert history.history["val_loss"][-1] < 0.5 * history.history["val_loss"][0]
    assert len(set(seen)) == len(seen) >= 80


def test_growth_at_the_ends_of_the_ranges_is_said_before_it_happens():
    message = r"ends of the ranges.*Explicit Euler grows .*Use a smaller step"
    with pytest.warns(UserWarning, match=message):
        trajectory_stream(0, damping=(0.0, 0.1))
    with pytest.raises(ValueError, match="leaves the range"):
        trajectory_stream(0, stiffness=(1.0, 1e9), num_steps=2000)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, r"seed must be an integer of at least 0. Received: -1"),
        ({"shard_index": 2, "num_shards": 2}, r"at most 1 for num_shards=2. Received: 2"),
        ({"shard_index": -1}, r"shard_index must be an integer of at least 0"),
        ({"num_shards": 0}, r"num_shards must be an integer of at least 1"),
        ({"start_index": 1.5}, r"start_index must be an integer of at least 0. Received: 1.5"),
        ({"batch_size": 0}, r"batch_size must be an integer of at least 1"),
        ({"num_steps": 0}, r"num_steps must be an integer of at least 1"),
        ({"damping": (0.5, 0.1)}, r"damping must be a number or a range.*lo <= hi, in kg/s"),
        ({"mass": (0.0, 1.0)}, r"mass must be > 0 kg"),
        ({"amplitude": "strong"}, r"amplitude must be a finite real number in N"),
        ({"amplitude": 1.0, "phase": (1.0, 0.0)}, r"phase must be .* lo <= hi, in rad"),
        ({"amplitude": 1.0, "force": np.sin}, r"one force.*amplitude=1.0 and force=.*Leave one"),
        ({"force": 1.0}, r"write Constant\(1.0\)"),
        ({"force": Constant(np.ones(4))}, r"share the numbers.*a Constant of 4. Pass numbers"),
        ({"time_step": np.array([0.1, 0.2])}, r"time_step must be one number"),
        ({"time_step": -0.1}, r"time_step must be > 0 s"),
        ({"method": "heun"}, r"method must be one of euler"),
        ({"inputs": "forces"}, r"inputs must be 'states', 'force', or a tuple.*for 'states'"),
        ({"inputs": "force"}, r"inputs='force' needs a force.*Pass amplitude=\(lo, hi\)"),
        (
            {"inputs": "force", "amplitude": 1.0, "features": "position"},
            r"features and include_force choose columns.*inputs='force'",
        ),
        ({"features": "speed"}, r"speed"),
        ({"targets": ()}, r"At least one of position, velocity"),
        ({"dtype": "int32"}, r"dtype must be a floating-point type"),
    ],
)
def test_what_cannot_be_streamed_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        trajectory_stream(**{"seed": 0, **arguments})
