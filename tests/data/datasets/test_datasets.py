"""Datasets for `fit`: every sample against plain slicing, masks against hand-computed means."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from oscillator_zoo.data import (
    Constant,
    DampedOscillator,
    Sinusoid,
    Trajectory,
    forecast_windows,
    sample_oscillators,
    simulate,
    system_identification_pairs,
    variable_length_batches,
)
from oscillator_zoo.models import ElmanRNN, EulerCell

TIME_STEP = 0.1


def driven(num=3, num_steps=12, seed=0):
    """An ensemble whose force differs at every step and in every member."""
    force = Sinusoid(np.arange(1.0, num + 1.0), angular_frequency=1.3, phase=0.4)
    return simulate(sample_oscillators(num, seed, force=force), TIME_STEP, num_steps)


def free(num_steps=12, position=1.0):
    return simulate(DampedOscillator(damping=0.2, position=position), TIME_STEP, num_steps)


def measured():
    motion = driven(num=1)
    return Trajectory(motion.times, motion.states[:, :, :1], ("position",), motion.force)


def whole(dataset):
    """All batches of a dataset, one after the other, as NumPy arrays."""
    parts = [tf.nest.flatten(batch) for batch in dataset]
    return [np.concatenate([part[k].numpy() for part in parts]) for k in range(len(parts[0]))]


def windows_by_slicing(trajectory, window, horizon, stride):
    """Every window of every trajectory, by two loops."""
    inputs, targets = [], []
    for states, force in zip(trajectory.states, trajectory.force):
        for i in range(0, len(states) - window - horizon + 1, stride):
            inputs.append(np.concatenate([states[i : i + window], force[i : i + window]], axis=1))
            targets.append(states[i + window : i + window + horizon])
    return np.array(inputs), np.array(targets)


# Windows


@pytest.mark.parametrize(
    ("window", "horizon", "stride"), [(1, 1, 1), (4, 1, 1), (4, 3, 2), (5, 2, 7), (12, 1, 1)]
)
def test_windows_are_slices_of_states_and_force_with_what_follows(window, horizon, stride):
    trajectory = driven()
    dataset = forecast_windows(
        trajectory, window, horizon, stride=stride, batch_size=4, dtype="float64"
    )
    inputs, targets = whole(dataset)
    expected_inputs, expected_targets = windows_by_slicing(trajectory, window, horizon, stride)
    if horizon == 1:
        expected_targets = expected_targets[:, 0]
    np.testing.assert_array_equal(inputs, expected_inputs)
    np.testing.assert_array_equal(targets, expected_targets)
    assert int(dataset.cardinality()) == -(-len(inputs) // 4) == len(list(dataset))


def test_the_last_force_of_a_window_leads_to_the_target():
    inputs, targets = whole(forecast_windows(driven(), window=3, dtype="float64"))
    # Euler's step from the last state and the last force of each window: only F_i gives s_{i+1}.
    oscillators = driven().problem
    which = np.repeat(np.arange(3), len(inputs) // 3)
    (x, v, force), stiffness, damping = (
        inputs[:, -1].T,
        oscillators.stiffness[which],
        oscillators.damping[which],
    )
    step = np.stack([x + TIME_STEP * v, v + TIME_STEP * (force - damping * v - stiffness * x)])
    np.testing.assert_allclose(targets, step.T, rtol=0, atol=1e-12)  # rounding
    earlier = inputs[:, -2, 2]
    wrong = v + TIME_STEP * (earlier - damping * v - stiffness * x)
    assert np.abs(wrong - targets[:, 1]).max() > 1e-3


def test_every_step_gives_each_step_of_a_window_its_own_target():
    trajectory = driven()
    inputs, targets = whole(forecast_windows(trajectory, 4, every_step=True, dtype="float64"))
    np.testing.assert_array_equal(targets[:, :-1], inputs[:, 1:, :2])
    last = whole(forecast_windows(trajectory, 4, dtype="float64"))[1]
    np.testing.assert_array_equal(targets[:, -1], last)
    further = whole(forecast_windows(trajectory, 4, 3, every_step=True, dtype="float64"))[1]
    assert further.shape == (3 * 7, 4, 3, 2)
    np.testing.assert_array_equal(
        further[:, :, 0], targets.reshape(3, 9, 4, 2)[:, :7].reshape(-1, 4, 2)
    )
    np.testing.assert_array_equal(further[:, 1:, 0], further[:, :-1, 1])


def test_the_force_is_an_input_where_the_system_has_one():
    def columns(trajectory, **arguments):
        return forecast_windows(trajectory, 3, **arguments).element_spec[0].shape[-1]

    assert columns(driven()) == 3
    assert columns(driven(), include_force=False) == 2
    assert columns(driven(), features="position") == 2
    assert columns(driven(), features=()) == 1
    assert columns(free()) == 2
    assert columns(free(), include_force=True) == 3
    assert columns(simulate(DampedOscillator(force=Constant(0.0)), TIME_STEP, 12)) == 3
    assert columns(measured()) == 2
    silent = dataclasses.replace(measured(), force=np.zeros((1, 13, 1)))
    assert columns(silent) == 1


def test_features_and_targets_are_chosen_by_name_and_in_order():
    trajectory = driven()
    inputs, targets = whole(
        forecast_windows(
            trajectory, 3, features=("velocity", "position"), targets="velocity", dtype="float64"
        )
    )
    np.testing.assert_array_equal(inputs[0, :, :2], trajectory.states[0, :3, ::-1])
    np.testing.assert_array_equal(inputs[0, :, 2:], trajectory.force[0, :3])
    np.testing.assert_array_equal(targets[0], trajectory.states[0, 3, 1:])


def test_values_are_cast_once_from_float64():
    trajectory = driven()
    exact = whole(forecast_windows(trajectory, 3, dtype="float64"))
    single = whole(forecast_windows(trajectory, 3))
    for double, rounded in zip(exact, single):
        assert rounded.dtype == np.float32
        np.testing.assert_array_equal(rounded, double.astype(np.float32))
    assert np.any(exact[0] != single[0])


def test_shapes_are_known_before_the_data_are_read():
    inputs, targets = forecast_windows(driven(), 4, 2).element_spec
    assert tuple(inputs.shape) == (None, 4, 3)
    assert tuple(targets.shape) == (None, 2, 2)
    (force, state), motion = system_identification_pairs(driven(), length=5).element_spec
    assert tuple(force.shape) == (None, 5, 1)
    assert tuple(state.shape) == (None, 2)
    assert tuple(motion.shape) == (None, 5, 2)
    padded, targets = variable_length_batches([driven()], 2).element_spec
    assert tuple(padded.shape) == (None, None, 3)
    assert tuple(targets.shape) == (None, None, 2)


# Order


DATASETS = {
    "windows": lambda **arguments: forecast_windows(driven(), 3, batch_size=4, **arguments),
    "pairs": lambda **arguments: system_identification_pairs(
        driven(), length=2, batch_size=4, **arguments
    ),
    "padded": lambda **arguments: variable_length_batches(
        [free(9, position) for position in np.arange(1.0, 10.0)], 4, **arguments
    ),
}


@pytest.mark.parametrize("kind", DATASETS)
def test_a_seed_alone_decides_the_order_of_every_epoch(kind):
    first, again, other = [], [], []
    for epochs, seed, global_seed in ((first, 3, 1), (again, 3, 2), (other, 4, 1)):
        tf.random.set_seed(global_seed)
        dataset = DATASETS[kind](shuffle_seed=seed)
        epochs += [whole(dataset)[-1] for _ in range(2)]
    np.testing.assert_array_equal(first, again)
    assert np.any(first[0] != first[1])
    assert np.any(first[0] != other[0])
    in_order = whole(DATASETS[kind]())[-1]
    assert np.any(first[0] != in_order)
    for epoch in first:  # the same samples, each once
        np.testing.assert_array_equal(*(np.sort(a, axis=0) for a in (epoch, in_order)))


@pytest.mark.parametrize("kind", DATASETS)
@pytest.mark.parametrize("shuffle_seed", [None, 0])
def test_datasets_know_their_size_and_do_not_autotune(kind, shuffle_seed):
    dataset = DATASETS[kind](shuffle_seed=shuffle_seed)
    assert int(dataset.cardinality()) == len(list(dataset)) == len(dataset)
    assert dataset.options().autotune.enabled is False
    assert dataset.options().deterministic is True


def test_inputs_and_targets_stay_together_when_shuffled():
    inputs, targets = whole(forecast_windows(driven(), 3, shuffle_seed=0, dtype="float64"))
    pairs = {tuple(x.ravel()): tuple(y) for x, y in zip(inputs, targets)}
    expected = windows_by_slicing(driven(), 3, 1, 1)
    assert pairs == {tuple(x.ravel()): tuple(y[0]) for x, y in zip(*expected)}


@pytest.mark.slow
def test_fit_takes_windows_for_training_and_validation():
    model = keras.Sequential([keras.layers.SimpleRNN(4), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    validation = forecast_windows(driven(seed=1), 3)
    history = model.fit(
        forecast_windows(driven(), 3, shuffle_seed=0),
        validation_data=validation,
        epochs=2,
        shuffle=False,
        verbose=0,
    ).history
    inputs, targets = whole(validation)
    predicted = model.predict(validation, verbose=0)  # in the order of the dataset
    expected = np.mean((predicted - targets) ** 2)
    assert history["val_loss"][-1] == pytest.approx(expected, rel=1e-5)  # float32 sums
    np.testing.assert_allclose(predicted, model(inputs).numpy(), rtol=0, atol=1e-6)


# Pairs


@pytest.mark.parametrize(("length", "stride"), [(None, None), (4, None), (4, 2), (5, 7)])
def test_pairs_are_slices_with_the_state_before_them(length, stride):
    trajectory = driven()
    dataset = system_identification_pairs(
        trajectory, length=length, stride=stride, batch_size=2, dtype="float64"
    )
    force, start, motion = whole(dataset)
    num = length or 12
    expected = [
        (f[i : i + num], s[i], s[i + 1 : i + num + 1])
        for s, f in zip(trajectory.states, trajectory.force)
        for i in range(0, 13 - num, stride or num)
    ]
    for received, wanted in zip((force, start, motion), zip(*expected)):
        np.testing.assert_array_equal(received, np.array(wanted))


def test_an_euler_cell_fed_with_pairs_gives_their_targets():
    trajectory = driven(num=1, num_steps=40)
    oscillator = trajectory.problem
    cell = EulerCell(
        TIME_STEP, oscillator.damping[0], oscillator.stiffness[0], mass=1.0, dtype="float64"
    )
    layer = keras.layers.RNN(cell, return_sequences=True, dtype="float64")
    pairs = system_identification_pairs(trajectory, length=8, dtype="float64")
    for (force, state), targets in pairs:
        motion = keras.ops.convert_to_numpy(layer(force, initial_state=state))
        np.testing.assert_allclose(motion, targets, rtol=0, atol=1e-12)


@pytest.mark.slow
def test_fit_takes_pairs_with_and_without_the_initial_state():
    force = keras.Input((None, 1))
    state = keras.Input((2,))
    motion = ElmanRNN(2, return_sequences=True)(force, initial_state=state)
    both = keras.Model([force, state], motion)
    alone = keras.Sequential([ElmanRNN(4, output_units=1, return_sequences=True)])
    for model, arguments in ((both, {}), (alone, {"inputs": "force", "targets": "position"})):
        model.compile(keras.optimizers.SGD(0.0), "mse")
        pairs = system_identification_pairs(driven(), length=4, **arguments)
        history = model.fit(pairs, shuffle=False, verbose=0).history
        ((x, y),) = pairs
        expected = np.mean((model(x).numpy() - y.numpy()) ** 2)
        assert history["loss"][0] == pytest.approx(expected, rel=1e-5)  # float32 sums


def test_the_parts_of_the_inputs_come_in_the_order_asked_for():
    (state, force), _ = next(
        iter(system_identification_pairs(driven(), inputs=("initial_state", "force")))
    )
    assert (state.shape, force.shape) == ((3, 2), (3, 12, 1))
    (only,), _ = system_identification_pairs(driven(), inputs=("force",)).element_spec
    assert tuple(only.shape) == (None, 12, 1)


# Lengths that differ

LENGTHS = (3, 9, 5, 7)


def motions():
    return [free(length, position=k + 1.0) for k, length in enumerate(LENGTHS)]


def test_padded_batches_hold_next_step_pairs_and_padding():
    dataset = variable_length_batches(motions(), batch_size=3, dtype="float64")
    assert int(dataset.cardinality()) == 2
    sizes = []
    remaining = motions()
    for inputs, targets in dataset:
        sizes.append(inputs.shape[1])
        for x, y in zip(inputs.numpy(), targets.numpy()):
            states = remaining.pop(0).states[0]
            num = len(states) - 1
            np.testing.assert_array_equal(x[:num], states[:-1])
            np.testing.assert_array_equal(y[:num], states[1:])
            assert np.all(x[num:] == -1e9)
            assert np.all(y[num:] == 0.0)
    assert sizes == [9, 7]  # the longest of each batch
    assert not remaining


def test_an_ensemble_counts_as_its_trajectories_and_brings_its_force():
    mixed = [driven(num=2, num_steps=4), driven(num=1, num_steps=6)]
    inputs, targets = next(iter(variable_length_batches(mixed, 8, dtype="float64")))
    assert inputs.shape == (3, 6, 3)
    np.testing.assert_array_equal(inputs[1, :4, :2], mixed[0].states[1, :-1])
    np.testing.assert_array_equal(inputs[1, :4, 2:], mixed[0].force[1, :-1])
    np.testing.assert_array_equal(targets[2], mixed[1].states[0, 1:])
    free_and_driven = variable_length_batches([free(4), mixed[0]], 8, dtype="float64")
    first = next(iter(free_and_driven))[0].numpy()[0]
    np.testing.assert_array_equal(first[:, 2], np.zeros(4))


def masked_model(layer, mask_value=-1e9):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Masking(mask_value), layer, keras.layers.Dense(2)])
    model.build((None, None, 2))
    model.layers[-1].bias.assign([0.3, -0.2])
    return model


LAYERS = {"SimpleRNN": keras.layers.SimpleRNN, "ElmanRNN": ElmanRNN}


def mean_over_steps(model):
    """Σ (y − ŷ)² over the steps there are, from each motion alone, without padding or mask."""
    squares = [
        keras.ops.square(
            model(motion.states[:, :-1].astype("float32")) - motion.states[:, 1:].astype("float32")
        )
        for motion in motions()
    ]
    return sum(keras.ops.sum(one) for one in squares) / (2.0 * sum(LENGTHS))


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS)
def test_padded_steps_change_neither_loss_nor_gradient(layer):
    model = masked_model(LAYERS[layer](4, return_sequences=True))
    before = [weight.numpy() for weight in model.trainable_weights]
    with tf.GradientTape() as tape:
        loss = mean_over_steps(model)
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    padded = variable_length_batches(motions(), batch_size=4)
    inputs, targets = next(iter(padded))
    unmasked = np.mean((model(inputs).numpy() - targets.numpy()) ** 2)
    model.compile(keras.optimizers.SGD(1.0), "mse", metrics=["mse"])
    history = model.fit(padded, shuffle=False, verbose=0).history
    # The loss that fit reports was taken before its one step; float32 sums of 48 terms.
    assert history["loss"][0] == pytest.approx(float(loss), rel=1e-5)
    assert history["mse"][0] == pytest.approx(float(loss), rel=1e-5)
    assert abs(unmasked - float(loss)) > 0.01 * float(loss)
    for old, gradient, weight in zip(before, gradients, model.trainable_weights):
        scale = np.abs(gradient).max()
        assert scale > 1e-3
        # One step of rate 1 is the gradient itself.
        np.testing.assert_allclose(old - weight.numpy(), gradient, rtol=0, atol=1e-5 * scale)


def test_an_epoch_weighs_batches_by_their_trajectories():
    model = masked_model(ElmanRNN(4, return_sequences=True))
    model.compile(loss="mse")
    batches = [
        variable_length_batches(part, batch_size=3) for part in (motions()[:3], motions()[3:])
    ]
    first, second = (model.evaluate(batch, verbose=0) for batch in batches)
    both = model.evaluate(variable_length_batches(motions(), batch_size=3), verbose=0)
    assert both == pytest.approx((3 * first + second) / 4, rel=1e-5)


def test_the_mask_value_itself_has_no_effect():
    trained = []
    for mask_value in (-1e9, 77.0):
        keras.utils.set_random_seed(0)  # a layer draws its seeds when it is made
        model = masked_model(keras.layers.SimpleRNN(4, return_sequences=True), mask_value)
        model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
        padded = variable_length_batches(motions(), 2, mask_value=mask_value)
        model.fit(padded, epochs=2, shuffle=False, verbose=0)
        trained.append([weight.numpy() for weight in model.weights])
    for one, other in zip(*trained):
        np.testing.assert_array_equal(one, other)


# What is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"window": 12, "horizon": 2},
            r"at most 13, the number of times. Received window=12 and horizon=2, together 14",
        ),
        ({"window": 13}, r"at most 13.*together 14"),
        ({"window": 0}, r"window must be an integer of at least 1"),
        ({"window": 3.0}, r"Write window=3"),
        ({"horizon": 0}, r"horizon must be an integer of at least 1"),
        ({"stride": 0}, r"stride must be an integer of at least 1"),
        ({"batch_size": 0}, r"batch_size must be an integer of at least 1"),
        ({"shuffle_seed": True}, r"shuffle_seed must be an integer of at least 0"),
        ({"features": "force"}, r"features are position, velocity. Received: 'force'"),
        ({"targets": ("positon",)}, r"Received: 'positon'. Did you mean 'position'"),
        ({"targets": ()}, r"At least one of position, velocity is needed"),
        ({"features": (), "include_force": False}, r"at least one feature, or the force"),
        ({"features": [], "include_force": False}, r"at least one feature, or the force"),
        ({"dtype": "int32"}, r"floating-point type.*Received: 'int32'"),
        ({"dtype": "flaot"}, r"floating-point type.*Received: 'flaot'"),
    ],
)
def test_windows_that_cannot_be_made_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        forecast_windows(driven(), **{"window": 3, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 13}, r"length must be at most 12, the number of steps. Received length=13"),
        ({"length": 0}, r"length must be an integer of at least 1"),
        ({"stride": 0}, r"stride must be an integer of at least 1"),
        ({"inputs": "state"}, r"inputs must be 'force', or a tuple.*Received: 'state'"),
        ({"inputs": ()}, r"inputs must be 'force', or a tuple"),
        ({"targets": "speed"}, r"The features are position, velocity"),
    ],
)
def test_pairs_that_cannot_be_made_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        system_identification_pairs(driven(), **arguments)


def at_rest():
    return simulate(DampedOscillator(position=0.0), TIME_STEP, 5)


@pytest.mark.parametrize(
    ("trajectories", "arguments", "message"),
    [
        ([], {}, r"at least one Trajectory. Received none"),
        ([at_rest()], {"mask_value": 0.0}, r"must not occur in the inputs. Received mask_value=0"),
        ([free()], {"mask_value": 1.0}, r"mask_value=1, which occurs in the data"),
        ([free()], {"mask_value": 1e300}, r"one number that float32 can hold. Received: 1e\+300"),
        ([free()], {"mask_value": np.nan}, r"mask_value must be a finite real number"),
        ([free()], {"mask_value": [1.0, 2.0]}, r"must be one number"),
        ([free()], {"batch_size": 0}, r"batch_size must be an integer"),
        ([free(), measured()], {}, r"\('position',\) and 1 forces in trajectories\[1\], after"),
        (
            [free(), simulate(DampedOscillator(damping=1.0), 0.2, 5)],
            {},
            r"same time step. Received 0.2 s in trajectories\[1\], after 0.1 s",
        ),
    ],
)
def test_batches_that_cannot_be_padded_are_refused(trajectories, arguments, message):
    with pytest.raises(ValueError, match=message):
        variable_length_batches(trajectories, **{"batch_size": 2, **arguments})


def test_a_single_time_is_no_pair():
    short = dataclasses.replace(
        free(),
        times=np.zeros(1),
        states=np.zeros((1, 1, 2)),
        force=np.zeros((1, 1, 1)),
    )
    with pytest.raises(ValueError, match=r"one step.*one time in trajectories\[1\]"):
        variable_length_batches([free(), short], 2)
    with pytest.raises(ValueError, match=r"length must be an integer of at least 1"):
        system_identification_pairs(short)


def test_values_that_are_not_finite_are_refused_with_their_place():
    for value, dtype, shown in ((np.nan, "float64", "nan"), (1e300, "float32", r"1e\+300")):
        broken = free()
        broken.states[0, 4, 1] = value
        message = rf"finite in {dtype}. Received {shown} in trajectory 0 at index 4"
        for make in (
            lambda: forecast_windows(broken, 3, dtype=dtype),  # noqa: B023
            lambda: system_identification_pairs(broken, dtype=dtype),  # noqa: B023
            lambda: variable_length_batches([broken], 2, dtype=dtype),  # noqa: B023
        ):
            with pytest.raises(ValueError, match=message):
                make()


def test_times_that_are_not_equidistant_are_refused():
    uneven = dataclasses.replace(free(2), times=np.array([0.0, 0.1, 0.3]))
    for make in (lambda: forecast_windows(uneven, 1), lambda: system_identification_pairs(uneven)):
        with pytest.raises(ValueError, match=r"times must be equidistant"):
            make()
