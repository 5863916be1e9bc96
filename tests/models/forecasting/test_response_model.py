"""A recurrent cell trained by least squares on its free run."""

import functools
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from least_squares_checks import weight_columns
from marks import further_but_for

from oscillator_zoo.models import (
    DuffingCell,
    ElmanCell,
    EulerCell,
    LevenbergMarquardt,
    ResponseModel,
    duffing_estimates,
    fit_one_step,
    read_duffing,
)
from oscillator_zoo.models.least_squares.least_squares_steps import accept_or_undo
from oscillator_zoo.models.least_squares.least_squares_system import TapeSystem

TRUTH = [
    np.array(0.01),
    np.array([1.5, -0.9]),
    np.array([0.3, 0.2, -0.1]),
    np.array([-0.02, -0.04, -0.03, 0.01, -0.005]),
    np.array(0.2),
]


def duffing():
    cell = DuffingCell(dtype="float64")
    cell.set_weights(TRUTH)
    return ResponseModel(cell)


def euler():
    return ResponseModel(
        EulerCell(
            0.1,
            0.3,
            1.2,
            trainable_mass=True,
            learn_initial_state=True,
            initial_position=0.4,
            dtype="float64",
        )
    )


def elman():
    cell = ElmanCell(3, output_units=2, learn_initial_state=True, seed=1, dtype="float64")
    model = ResponseModel(cell, num_features=2)
    random = np.random.default_rng(5)
    model.set_weights([0.6 * random.normal(size=w.shape) for w in model.get_weights()])
    return model


def batch_of(model, num=9, batch=2, seed=0):
    """Inputs, targets and weights of a batch."""
    random = np.random.default_rng(seed)
    force = random.normal(size=(batch, num, model.num_features))
    first = random.normal(size=(batch, model.num_known, 1))
    targets = random.normal(size=(batch, num, model.outputs[0].shape[-1]))
    x = (force, first) if model.num_known else force
    return x, targets, random.uniform(0.5, 2.0, batch)


def linearised_batch(model):
    """A batch of tensors, seven steps long: a cell is given up to four positions."""
    return tf.nest.map_structure(tf.constant, batch_of(model, num=7))


@functools.cache
def by_differences(make):
    """∂r/∂P for one kind of model, the same for all modes."""
    model = make()
    return weight_columns(model, linearised_batch(model), step=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "mode"),
    [
        (duffing, "graph"),
        (elman, "eager"),
        *(
            pytest.param(make, mode, marks=pytest.mark.further)
            for make in (duffing, euler, elman)
            for mode in ("eager", "graph", "xla")
            if (make, mode) not in ((duffing, "graph"), (elman, "eager"))
        ),
    ],
)
def test_sensitivities_are_the_differences_of_free_runs(make, mode):
    model = make()
    batch = linearised_batch(model)
    linearise = model.linearise
    if mode != "eager":
        linearise = tf.function(linearise, jit_compile=mode == "xla")
    system = linearise(*batch)
    np.testing.assert_allclose(system.residual[0], np.ravel(model.residuals(*batch)), atol=1e-13)
    expected = by_differences(make)
    assert system.by_nonlinear.shape[1:] == expected.shape
    np.testing.assert_allclose(system.by_nonlinear[0], expected, rtol=0, atol=1e-8)


@pytest.mark.slow
def test_sensitivities_are_those_of_the_tape_through_the_whole_run():
    model = elman()
    batch = batch_of(model, num=4)

    class ByTape(TapeSystem):
        readout_variables = ()

    by_tape = ByTape(model).linearise(*batch)
    np.testing.assert_allclose(
        model.linearise(*batch).by_nonlinear, by_tape.by_nonlinear, rtol=0, atol=1e-12
    )


def test_the_first_positions_are_handed_through_and_the_rest_is_a_free_run():
    model = duffing()
    (force, first), targets, _ = batch_of(model)
    motion = np.array(model((force, first)))
    assert motion.shape == targets.shape
    np.testing.assert_array_equal(motion[:, :3], first[:, 1:])
    state = model.cell.state_after(force[:, :3], first)
    layer = keras.layers.RNN(model.cell, return_sequences=True, dtype="float64")
    run = layer(force[:, 3:], initial_state=state)
    np.testing.assert_allclose(motion[:, 3:], run, rtol=0, atol=1e-14)


def record(num=1500, seed=0):
    """A motion that the recurrence itself makes of a random force: inputs and targets."""
    model = duffing()
    force = 0.5 * np.random.default_rng(seed).normal(size=(1, num, 1))
    first = np.zeros((1, 4, 1))
    motion = np.array(tf.function(model, jit_compile=True)((force, first)))
    return (force, np.concatenate([first[:, :1], motion[:, :3]], axis=1)), motion


def started(x, y):
    model = ResponseModel(DuffingCell(dtype="float64"))
    fit_one_step(model, x, y)
    return model


@pytest.mark.further
def test_weights_that_made_the_data_are_found_again():
    x, y = record()
    assert y.std() > 0.5  # the spring is felt
    model = started(x, y)
    assert max(np.abs(w - t).max() for w, t in zip(model.get_weights(), TRUTH)) > 1e-2
    model.compile(LevenbergMarquardt(tolerance=1e-13))
    model.fit(x, y, epochs=40, verbose=0)
    for found, truth in zip(model.get_weights(), TRUTH):
        np.testing.assert_allclose(found, truth, rtol=0, atol=1e-9)


@pytest.mark.further
def test_the_free_run_forgives_noise_that_biases_the_one_step_error():
    x, y = record(3000)
    y = y + 0.05 * np.random.default_rng(1).normal(size=y.shape)
    model = started(x, y)
    biased = np.array(model.cell.position_kernel.numpy())
    model.compile(LevenbergMarquardt(tolerance=0.0))
    model.fit(x, y, epochs=40, verbose=0)
    errors = [np.abs(k - TRUTH[1]).max() for k in (biased, model.cell.position_kernel.numpy())]
    assert errors[0] > 0.01 and errors[1] < 1e-3
    found, true = (read_duffing(each.cell, 1.0) for each in (model, duffing()))
    estimates = duffing_estimates(model, 1.0, x, y)
    for name, estimate in estimates.items():
        assert estimate.value == found[name]
        assert 0.0 < estimate.standard_error < 0.2 * abs(true[name])
        assert abs(estimate.value - true[name]) < 4.0 * estimate.standard_error


def rk4_duffing(mass, damping, stiffness, cubic_stiffness, force, time_step):
    """Positions from rest; `force` at every half step."""

    def slope(x, v, f):
        return v, (f - damping * v - stiffness * x - cubic_stiffness * x**3) / mass

    x, v, positions = 0.0, 0.0, [0.0]
    for i in range(0, len(force) - 2, 2):
        a, b = slope(x, v, force[i])
        c, d = slope(x + 0.5 * time_step * a, v + 0.5 * time_step * b, force[i + 1])
        e, f = slope(x + 0.5 * time_step * c, v + 0.5 * time_step * d, force[i + 1])
        g, h = slope(x + time_step * e, v + time_step * f, force[i + 2])
        x += time_step * (a + 2.0 * c + 2.0 * e + g) / 6.0
        v += time_step * (b + 2.0 * d + 2.0 * f + h) / 6.0
        positions.append(x)
    return np.array(positions)


@pytest.mark.slow
def test_constants_of_an_equation_are_found_in_its_motion():
    """About 14 samples a period, each of twenty steps of RK4."""
    oscillator = {"mass": 2.0, "damping": 0.4, "stiffness": 2.0, "cubic_stiffness": 0.5}
    half_steps = np.arange(2 * 20 * 1500 + 1) * (0.45 / 40.0)
    phases = np.random.default_rng(0).uniform(0.0, 2.0 * np.pi, 30)
    force = sum(0.2 * np.cos(w * half_steps + p) for w, p in zip(np.linspace(0.3, 2, 30), phases))
    positions = rk4_duffing(**oscillator, force=force.tolist(), time_step=0.45 / 20.0)
    positions, forces = positions[None, ::20, None], force[None, 40::40, None]
    assert np.abs(positions).max() > 1.0
    x, y = (forces, positions[:, :4]), positions[:, 1:]
    model = started(x, y)
    model.compile(LevenbergMarquardt(tolerance=0.0))
    loss = model.fit(x, y, epochs=25, verbose=0).history["loss"][-1]
    assert np.sqrt(loss) < 2e-3 * positions.std()
    found = read_duffing(model.cell, 0.45)
    for name, true in oscillator.items():
        assert found[name] == pytest.approx(true, rel=0.02), name
    frequency = np.sqrt(oscillator["stiffness"] / oscillator["mass"]) / (2.0 * np.pi)
    assert found["natural_frequency"] == pytest.approx(frequency, rel=1e-3)
    assert abs(found["quadratic_stiffness"]) < 0.01


@pytest.mark.parametrize("end", [np.nan, np.inf, 1e200])
@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_a_step_after_which_the_run_overflows_is_taken_back(mode, end):
    weight, damping, growth = (keras.Variable(v, dtype="float64") for v in (3.0, 1e-3, 2.0))
    before = tf.constant([[1.0, -2.0]], tf.float64)

    def step():
        def move():
            weight.assign_add(1.0)
            return tf.constant([0.0, end], tf.float64)

        predicted = tf.constant(1.0, tf.float64)
        return accept_or_undo([weight], before, move, predicted, damping, growth)

    run = step if mode == "eager" else tf.function(step, jit_compile=mode == "xla")
    residuals, falls = run()
    assert not falls and weight.numpy() == 3.0
    np.testing.assert_array_equal(residuals, before[0])
    assert (damping.numpy(), growth.numpy()) == pytest.approx((2e-3, 4.0), rel=1e-7)


@pytest.mark.slow
def test_training_comes_back_from_trial_runs_that_overflow():
    """Around a start of the wrong frequency the first steps are far too long."""
    x, y = record(400)
    cell = DuffingCell(dtype="float64")
    start = [0.0, [1.2, -0.8], [0.3, 0.0, 0.0], [0.0, -0.1, 0.0, 0.0, 0.0], 0.0]
    cell.set_weights([np.array(w) for w in start])
    model = ResponseModel(cell)
    model.compile(LevenbergMarquardt(tolerance=0.0))
    loss = model.fit(x, y, epochs=60, verbose=0).history["loss"]
    assert np.isfinite(loss).all() and (np.diff(loss) <= 0.0).all()
    assert any(a == b for a, b in itertools.pairwise(loss))  # a step was taken back
    assert loss[-1] < 1e-6 * loss[0]


@pytest.mark.further
def test_other_optimizers_train_it_too():
    x, y = record(100)
    model = started(x, y)
    model.compile(keras.optimizers.Adam(1e-5))
    assert not model.jit_compile
    loss = model.fit(x, y, epochs=3, verbose=0).history
    assert loss["loss"][-1] < loss["loss"][0]


@pytest.mark.slow
@pytest.mark.parametrize("make", further_but_for([duffing, euler, elman], duffing))
def test_a_file_and_a_saved_model_give_the_same_numbers(make, tmp_path):
    model = make()
    x, targets, _ = batch_of(model)
    model.compile(LevenbergMarquardt())
    model.fit(x, targets, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert loaded.num_features == model.num_features
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    again, onwards = (m.fit(x, targets, epochs=1, verbose=0).history for m in (model, loaded))
    assert onwards["loss"] == pytest.approx(again["loss"], rel=1e-9)
    loaded.export(tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served")
    arguments = [tf.constant(part) for part in (x if model.num_known else (x,))]
    output = served.serve(arguments if model.num_known else arguments[0])
    np.testing.assert_allclose(output, loaded(x), rtol=0, atol=1e-12)


@pytest.mark.further
@pytest.mark.parametrize("options", [{"jit_compile": True}, {"run_eagerly": True}], ids=str)
def test_every_way_to_compile_trains_alike(options):
    losses = []
    for given in ({}, options):
        model = euler()
        model.compile(LevenbergMarquardt(), **given)
        x, targets, _ = batch_of(model, num=3)
        losses.append(model.fit(x, targets, epochs=3, verbose=0).history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-9)


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match=r"one state tensor. Received LSTMCell with state_size=\["):
        ResponseModel(keras.layers.LSTMCell(2))
    with pytest.raises(ValueError, match=r"Targets must have the shape of the predictions"):
        model = duffing()
        model.linearise(*batch_of(model)[:1], np.zeros((2, 5, 1)))
    cell = DuffingCell(dtype="float64")
    with pytest.raises(ValueError, match=r"those of a driven oscillator. Received .* Train the"):
        read_duffing(cell, 0.1)
    with pytest.raises(ValueError, match=r"those of a DuffingCell. Received: EulerCell"):
        read_duffing(euler().cell, 0.1)
    with pytest.raises(ValueError, match=r"time_step must be > 0 s"):
        read_duffing(duffing().cell, 0.0)
    x, y = record(14)
    with pytest.raises(ValueError, match=r"than the 12 weights. Received shapes \(1, 14, 1\), \("):
        fit_one_step(duffing(), x, y)
    with pytest.raises(ValueError, match=r"Received shapes \(1, 14, 1\), \(1, 4, 1\), \(1, 14\)"):
        fit_one_step(duffing(), x, y[..., 0])
    with pytest.raises(ValueError, match=r"one for a DuffingCell. Received: EulerCell"):
        fit_one_step(euler(), x, y)


def test_a_first_guess_that_would_run_away_is_damped():
    force = np.random.default_rng(0).normal(size=(1, 60, 1))
    positions = np.cumsum(np.cumsum(np.cumsum(force, axis=1), axis=1), axis=1)
    cell = DuffingCell(dtype="float64", position_scale=float(positions.std()))
    fit_one_step(ResponseModel(cell), (force, positions[:, :4]), positions)
    poles = np.roots([1.0, *-cell.position_kernel.numpy()])
    assert np.abs(poles).max() == pytest.approx(0.999)


def test_a_first_guess_whose_run_overflows_gets_a_linear_spring():
    """The spring that makes this motion softens; noise makes the guess soften too much."""
    x, y = record(6000)
    y = y + 0.05 * np.random.default_rng(1).normal(size=y.shape)
    model = started(x, y)
    np.testing.assert_array_equal(model.cell.spring_kernel.numpy(), 0.0)
    assert np.isfinite(model(tuple(part[:, :50] for part in x))).all()
