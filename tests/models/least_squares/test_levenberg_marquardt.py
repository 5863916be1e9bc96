"""Least-squares training under `fit`."""

import itertools
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from least_squares_checks import Chain, LotkaVolterra
from marks import further_but_for
from pinn_checks import Springs
from scipy.integrate import solve_ivp

from oscillator_zoo.data import DampedOscillator, Duffing, Pendulum
from oscillator_zoo.models import PINN, ElmanRNN, LeastSquaresModel, LevenbergMarquardt

SAMPLES = np.random.default_rng(0).normal(size=(40, 2))
TARGETS = np.sin(SAMPLES[:, :1] + 0.5 * SAMPLES[:, 1:])


def small(last=None, units=3, seed=0, **hidden):
    """Float64 layers 2-3-1, tanh inside."""
    inputs = keras.Input((2,), dtype="float64")
    glorot = keras.initializers.GlorotUniform
    layer = keras.layers.Dense(units, "tanh", True, glorot(seed), dtype="float64", **hidden)
    outputs = keras.layers.Dense(1, last, True, glorot(seed + 1), dtype="float64")(layer(inputs))
    return LeastSquaresModel(inputs, outputs, dtype="float64")


def trained(model, epochs=20, x=SAMPLES, y=TARGETS, compiling=None, **arguments):
    model.compile(LevenbergMarquardt(**arguments), **(compiling or {}))
    return model.fit(x, y, epochs=epochs, verbose=0).history


def network_and_slopes(weights, x):
    """Prediction of `small`, and its derivatives with respect to every weight, by hand."""
    kernel, bias, last, last_bias = weights
    h = np.tanh(x @ kernel + bias)
    back = (1.0 - h**2) * last[:, 0]  # ∂prediction/∂z
    of_kernel = (x[:, :, None] * back[:, None, :]).reshape(len(x), -1)
    ones = np.ones((len(x), 1))
    return h @ last + last_bias, np.hstack([of_kernel, back, h, ones])


def numpy_loop(weights, x, y, num_steps, damping):
    """Levenberg–Marquardt with Nielsen's rule; returns the mean square after each step."""
    shapes = [w.shape for w in weights]
    cuts = np.cumsum([w.size for w in weights])[:-1]
    flat, growth, costs = np.concatenate([w.ravel() for w in weights]), 2.0, []

    def evaluate(flat):
        parts = [p.reshape(shape) for p, shape in zip(np.split(flat, cuts), shapes)]
        prediction, jacobian = network_and_slopes(parts, x)
        return (prediction - y)[:, 0], jacobian

    r, jacobian = evaluate(flat)
    for _ in range(num_steps):
        strength = damping * (jacobian**2).sum(axis=0).max()
        tall = np.vstack([jacobian, np.sqrt(strength) * np.eye(flat.size)])
        step = np.linalg.lstsq(tall, -np.append(r, np.zeros(flat.size)), rcond=None)[0]
        new_r, new_jacobian = evaluate(flat + step)
        gain = (r @ r - new_r @ new_r) / (step @ (strength * step - jacobian.T @ r))
        if new_r @ new_r < r @ r:
            flat, r, jacobian = flat + step, new_r, new_jacobian
            damping, growth = damping * max(1.0 / 3.0, 1.0 - (2.0 * gain - 1.0) ** 3), 2.0
        else:
            damping, growth = damping * growth, 2.0 * growth
        costs.append(np.mean(r**2))
    return costs


@pytest.mark.parametrize(
    ("how", "damping"),
    further_but_for(
        [("eager", 1e-3), ("eager", 1e-9), ("graph", 1e-9), ("XLA", 1e-9)], ("graph", 1e-9)
    ),
)
def test_steps_and_damping_are_those_of_a_numpy_loop(how, damping):
    """1e-9 takes steps that are too long at first, so that some are taken back."""
    model = small(seed=3)
    expected = numpy_loop(model.get_weights(), SAMPLES, TARGETS, 12, damping)
    ways = {"eager": {"run_eagerly": True}, "graph": {}, "XLA": {"jit_compile": True}}
    history = trained(
        model, 12, variable_projection=False, initial_damping=damping, compiling=ways[how]
    )
    if damping == 1e-9:
        assert any(a == b for a, b in itertools.pairwise(expected))  # a step taken back
    assert expected[-1] < 0.1 * expected[0]
    # Each step multiplies the rounding of the last by the condition of J, about 1e3.
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-7)
    assert model.optimizer.method == "all weights"


@pytest.mark.slow
@pytest.mark.parametrize("projection", further_but_for([True, False], False))
def test_pinn_steps_are_the_same_eagerly_in_a_graph_and_under_xla(projection):
    losses = []
    for way in ({"run_eagerly": True}, {}, {"jit_compile": True}):
        pinn = PINN(Duffing(damping=0.1), 2.0, (3,), seed=1)
        pinn.compile(LevenbergMarquardt(projection, 0.0, initial_damping=1e-2), **way)
        points = pinn.collocation_points(24, steps_per_epoch=1)
        losses.append(pinn.fit(points, epochs=5, verbose=0).history["loss"])
    for other in losses[1:]:
        np.testing.assert_allclose(other, losses[0], rtol=1e-6)
    assert losses[0][-1] < losses[0][0]


def test_a_linear_model_is_solved_in_one_step_with_its_sample_weights():
    """min Σ w (x·a + c − y)² by NumPy."""
    weights = np.random.default_rng(1).uniform(0.1, 3.0, 40)
    inputs = keras.Input((2,), dtype="float64")
    model = LeastSquaresModel(
        inputs, keras.layers.Dense(1, dtype="float64")(inputs), dtype="float64"
    )
    model.compile(LevenbergMarquardt())
    model.fit(SAMPLES, TARGETS, sample_weight=weights, epochs=10, verbose=0)
    root = np.sqrt(weights)[:, None]
    columns = np.hstack([SAMPLES, np.ones((40, 1))])
    expected = np.linalg.lstsq(root * columns, root * TARGETS, rcond=None)[0]
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(np.vstack([kernel, bias[None]]), expected, rtol=0, atol=1e-13)
    assert (model.optimizer.method, model.stop_reason) == ("readout solve", "stalled")


@pytest.mark.slow
def test_hidden_weights_see_the_sample_weights_too():
    """Weight 0 is the same as leaving the samples out."""
    some = np.r_[np.ones(25), np.zeros(15)]
    one, other = small(), small()
    options = {"epochs": 4, "verbose": 0}
    for model in (one, other):
        model.compile(LevenbergMarquardt(True, initial_damping=1e-3), run_eagerly=True)
    one.fit(SAMPLES, TARGETS, sample_weight=some, **options)
    other.fit(SAMPLES[:25], TARGETS[:25], **options)
    for weight, expected in zip(one.get_weights(), other.get_weights()):
        np.testing.assert_allclose(weight, expected, rtol=0, atol=1e-9)


@pytest.fixture(scope="module")
def projected():
    """A model after ten steps of variable projection, and their history."""
    model = small(seed=4)
    return model, trained(model, 10, variable_projection=True, initial_damping=1e-3)


@pytest.mark.further
def test_variable_projection_gets_further_than_all_weights_in_as_many_steps(projected):
    other = trained(small(seed=4), 10, variable_projection=False, initial_damping=1e-3)
    assert projected[1]["loss"][-1] < other["loss"][-1]


@pytest.mark.slow
def test_readout_is_solved_exactly_at_every_step_of_variable_projection(projected):
    """The readout that is left is NumPy's for the hidden weights that are left."""
    model, _ = projected
    kernel, bias, last, last_bias = model.get_weights()
    h = np.hstack([np.tanh(SAMPLES @ kernel + bias), np.ones((40, 1))])
    expected = np.linalg.lstsq(h, TARGETS, rcond=None)[0]
    np.testing.assert_allclose(np.vstack([last, last_bias[None]]), expected, rtol=0, atol=1e-10)


@pytest.mark.slow
def test_methods_say_what_ran():
    assert LevenbergMarquardt().method is None
    model, eagerly = small(), {"run_eagerly": True}
    trained(model, 4, compiling=eagerly)
    assert model.optimizer.method == "variable projection"
    model = small(last="tanh")  # nothing to solve for
    trained(model, 4, compiling=eagerly)
    assert model.optimizer.method == "all weights"
    pinn = PINN(DampedOscillator(), 2.0, (12,), seed=1)
    for projection, method in (("auto", "readout solve"), (True, "variable projection")):
        pinn.compile(LevenbergMarquardt(projection), run_eagerly=True)
        pinn.fit(pinn.collocation_points(48, steps_per_epoch=1), epochs=3, verbose=0)
        assert pinn.optimizer.method == method


def test_a_last_layer_that_is_not_linear_is_trained():
    model = small(last="tanh", units=6)
    history = trained(model, 60, initial_damping=1e-3)
    assert history["loss"][-1] < 1e-4 * np.var(TARGETS)


@pytest.mark.further
def test_training_stops_by_itself_and_says_why():
    """Each reason; few epochs of the 60 are left in the history."""
    pinn = PINN(DampedOscillator(damping=0.2), 10.0, seed=1)
    pinn.compile(LevenbergMarquardt())
    history = pinn.fit(pinn.collocation_points(steps_per_epoch=2), epochs=60, verbose=0)
    assert pinn.stop_reason in ("rounding floor", "tolerance met")
    assert len(history.history["loss"]) < 10
    assert history.history["residual_max"][-1] < 1e-10

    rough = PINN(DampedOscillator(), 4.0, (7,), seed=1)  # reaches 1e-4 and not much less
    rough.compile(LevenbergMarquardt(tolerance=1e-2))
    rough.fit(rough.collocation_points(64), epochs=60, verbose=0)
    assert rough.stop_reason == "tolerance met"
    assert 1e-9 < np.abs(rough.residual(rough.collocation_times(64))).max() <= 1e-2

    model = small(units=1)  # one unit cannot follow this function of two inputs with its offset
    history = trained(model, 400, y=TARGETS + SAMPLES[:, :1] ** 2)
    assert model.stop_reason == "stalled" and len(history["loss"]) < 400


@pytest.mark.slow
def test_rounding_floor_is_where_the_residual_is_rounding():
    pinn = PINN(DampedOscillator(stiffness=400.0), 1.0, seed=1)
    pinn.compile(LevenbergMarquardt(tolerance=0.0))
    pinn.fit(pinn.collocation_points(), epochs=60, verbose=0)
    assert pinn.stop_reason == "rounding floor"
    assert np.abs(pinn.residual(pinn.collocation_times())).max() < 400.0 * 1e-11


def test_a_linear_equation_takes_a_solve_and_hardly_more():
    """cos t in five windows: one solve, and no shorter steps where a whole one gains nothing."""
    pinn = PINN(DampedOscillator(), 9.0, seed=1)
    pinn.compile(LevenbergMarquardt(), run_eagerly=True)
    pinn.fit(pinn.collocation_points(steps_per_epoch=20), epochs=1, verbose=0)
    assert int(pinn.optimizer.iterations) <= 6 and pinn.stop_reason is not None
    t = np.linspace(0.0, 9.0, 50)
    np.testing.assert_allclose(pinn(t)[:, 0], np.cos(t), rtol=0, atol=1e-12)


@pytest.mark.slow
def test_steps_after_the_end_change_nothing():
    pinn = PINN(DampedOscillator(damping=0.2), 4.0, seed=1)
    pinn.compile(LevenbergMarquardt())
    points = pinn.collocation_points()
    pinn.fit(points, epochs=60, verbose=0)
    before, steps = pinn.get_weights(), int(pinn.optimizer.iterations)
    again = pinn.fit(points, epochs=60, verbose=0)
    pinn.train_on_batch(pinn.collocation_times())
    assert len(again.history["loss"]) == 1 and int(pinn.optimizer.iterations) == steps
    for weight, expected in zip(pinn.get_weights(), before):
        np.testing.assert_array_equal(weight, expected)


def test_loss_and_residual_max_are_those_after_the_step():
    pinn = PINN(DampedOscillator(damping=0.2), 4.0, (6,), seed=1)
    pinn.compile(LevenbergMarquardt())
    points = pinn.collocation_points(64, steps_per_epoch=1)
    logs = pinn.fit(points, epochs=1, verbose=0).history
    residual = np.array(pinn.residual(pinn.collocation_times(64)))
    np.testing.assert_allclose(logs["loss"], [np.mean(residual**2)], rtol=1e-9)
    np.testing.assert_allclose(logs["residual_max"], [np.abs(residual).max()], rtol=1e-9)


@pytest.mark.slow
def test_metrics_are_logged_beside_the_loss():
    model = small()
    mae = keras.metrics.MeanAbsoluteError("mae", dtype="float64")
    history = trained(model, 5, compiling={"metrics": [mae]})
    expected = np.abs(model.predict(SAMPLES, verbose=0) - TARGETS).mean()
    np.testing.assert_allclose(history["mae"][-1], expected, rtol=1e-12)


def stiffening():
    """A Duffing oscillator in three windows with too few units: hidden weights must be trained."""
    return PINN(Duffing(damping=0.1), 3.0, (5,), window_edges=[0.0, 1.0, 2.0, 3.0], seed=2)


CONTINUE = """
import sys
import numpy as np
import keras
import oscillator_zoo.models
pinn = keras.models.load_model(sys.argv[1])
assert pinn.optimizer.method == sys.argv[3] and pinn.optimizer.has_begun
pinn.fit(pinn.collocation_points(steps_per_epoch=1), epochs=6, verbose=0)
np.savez(sys.argv[2], *pinn.get_weights(), damping=float(pinn.optimizer.damping))
"""


@pytest.mark.further
def test_a_fresh_process_goes_on_as_if_training_had_not_stopped(tmp_path):
    whole = stiffening()
    whole.compile(LevenbergMarquardt())

    def save_half(epoch, logs):
        if epoch == 5:
            whole.save(tmp_path / "half.keras")

    callback = keras.callbacks.LambdaCallback(on_epoch_end=save_half)
    points = whole.collocation_points(steps_per_epoch=1)
    whole.fit(points, epochs=12, callbacks=[callback], verbose=0)
    assert whole.optimizer.method == "variable projection"
    arguments = [tmp_path / "half.keras", tmp_path / "end.npz", "variable projection"]
    subprocess.run(
        [sys.executable, "-c", CONTINUE, *map(str, arguments)],
        check=True,
        cwd=pathlib.Path(tmp_path),
    )
    end = np.load(tmp_path / "end.npz")
    assert float(end["damping"]) == pytest.approx(float(whole.optimizer.damping), rel=1e-6)
    for k, expected in enumerate(whole.get_weights()):
        np.testing.assert_allclose(end[f"arr_{k}"], expected, rtol=0, atol=1e-8)


def test_every_argument_survives_a_configuration():
    arguments = {
        "variable_projection": True,
        "tolerance": 1e-3,
        "initial_damping": 0.1,
        "name": "a",
    }
    copy = LevenbergMarquardt.from_config(LevenbergMarquardt(**arguments).get_config())
    assert {name: getattr(copy, name) for name in arguments} == arguments


@pytest.mark.slow
def test_recompiling_after_adam_keeps_its_weights():
    """Adam has come near; the fit to a stepper's trajectory would be further away."""
    pinn = PINN(Pendulum(length=9.81), 3.0, (10,), seed=1)
    points = pinn.collocation_points(steps_per_epoch=1)
    pinn.compile(LevenbergMarquardt(), run_eagerly=True)
    pinn.fit(points, epochs=5, verbose=0)
    pinn.compile(keras.optimizers.Adam(1e-6), run_eagerly=True)
    pinn.fit(points, epochs=1, verbose=0)
    before = pinn.get_weights()
    cost = np.mean(np.array(pinn.residual(pinn.collocation_times())) ** 2)
    pinn.compile(LevenbergMarquardt())
    history = pinn.fit(points, epochs=1, verbose=0)
    assert history.history["loss"][0] <= cost
    for hidden, expected in zip(pinn.get_weights()[:2], before[:2]):  # a readout solve
        np.testing.assert_array_equal(hidden, expected)


@pytest.mark.slow
def test_a_network_that_knows_nothing_begins_at_a_steppers_trajectory():
    """The pendulum from 2.5 rad, where Newton's steps from zero end at another motion."""
    pinn = PINN(Pendulum(length=9.81, position=2.5), 10.0, seed=1)
    pinn.compile(LevenbergMarquardt())
    pinn.fit(pinn.collocation_points(), epochs=60, verbose=0)
    times = np.linspace(0.0, 10.0, 101)
    truth = reference(lambda t, y: [y[1], -np.sin(y[0])], [2.5, 0.0], times)[:1].T
    assert relative_error(pinn(times), truth) < 1e-10


@pytest.mark.slow
def test_steps_on_a_batch_begin_at_a_steppers_trajectory_too():
    pinn = PINN(Pendulum(length=9.81, position=2.5), 10.0, seed=1)
    pinn.compile(LevenbergMarquardt())
    batch = next(iter(pinn.collocation_points()))
    before = pinn.get_weights()
    with pytest.raises(ValueError, match="Received t = 11 s"):
        pinn.train_on_batch([11.0])
    for weight, expected in zip(pinn.get_weights(), before):
        np.testing.assert_array_equal(weight, expected)
    for _ in range(10):
        pinn.train_on_batch(batch)
    times = np.linspace(0.0, 10.0, 101)
    truth = reference(lambda t, y: [y[1], -np.sin(y[0])], [2.5, 0.0], times)[:1].T
    assert relative_error(pinn(times), truth) < 1e-8


def reference(slopes, start, times):
    run = solve_ivp(slopes, times[[0, -1]], start, "DOP853", times, rtol=3e-14, atol=1e-15)
    return run.y


def relative_error(found, truth):
    return np.linalg.norm(np.array(found) - truth) / np.linalg.norm(truth)


@pytest.mark.parametrize(
    ("problem", "duration"),
    [(LotkaVolterra(), 10.0), (Chain(), 5.0), (Springs(0.5, order=1), 4.0)],
    ids=["order 1, two coordinates", "order 2, four coordinates", "order 1, forced"],
)
@pytest.mark.slow
def test_equations_of_the_user_need_no_tuning(problem, duration):
    pinn = PINN(problem, duration, seed=1)
    pinn.compile(LevenbergMarquardt())
    pinn.fit(pinn.collocation_points(), epochs=60, verbose=0)
    dimension = problem.dimension

    def slopes(t, state):
        parts = np.split(state[None], problem.order, axis=-1)
        rate = problem.rhs(np.array([[t]]), *parts)[0]
        return np.concatenate([state[dimension:], rate]) if problem.order == 2 else rate

    times = np.linspace(0.0, duration, 101)
    start = np.concatenate([np.reshape(y, -1) for y in problem.initial_state()])
    truth = reference(slopes, start, times)[:dimension].T
    assert relative_error(pinn(times), truth) < 1e-9


def recurrent(seed):
    """h = W h + U F, y = V h: four hidden numbers for a system of two."""
    inputs = keras.Input((None, 1), dtype="float64")
    orthogonal = keras.initializers.Orthogonal(0.9, seed)
    layer = ElmanRNN(
        4,
        activation="linear",
        kernel_initializer=keras.initializers.GlorotUniform(seed),
        recurrent_initializer=orthogonal,
        output_units=1,
        return_sequences=True,
        dtype="float64",
    )
    return LeastSquaresModel(inputs, layer(inputs), dtype="float64")


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [0, pytest.param(1, marks=pytest.mark.long), pytest.param(2, marks=pytest.mark.long)]
)
def test_a_recurrent_model_learns_a_linear_system(seed):
    """Of eight seeds all met the tolerance of 1e-6, after 8 to 31 steps."""
    force = np.random.default_rng(0).normal(size=(6, 30, 1))
    step = np.array([[1.0, 0.2], [-0.2, 0.9]])
    state, motion = np.zeros((6, 2)), []
    for k in range(30):
        state = state @ step.T + force[:, k] * [0.0, 0.2]
        motion.append(state[:, :1])
    targets = np.stack(motion, axis=1)
    model = recurrent(seed)
    trained(model, 60, force, targets, initial_damping=1e-3)
    assert model.stop_reason == "tolerance met"
    assert np.abs(model.predict(force, verbose=0) - targets).max() < 2e-6


@pytest.mark.parametrize("make", [keras.Model, keras.Sequential])
def test_other_models_are_told_which_one_to_use(make):
    inputs, layer = keras.Input((2,)), keras.layers.Dense(1)
    model = make([inputs, layer]) if make is keras.Sequential else make(inputs, layer(inputs))
    model.compile(LevenbergMarquardt(), loss="mse")
    with pytest.raises(ValueError, match="to compile a LeastSquaresModel or a PINN"):
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)


def test_frozen_weights_are_held_where_layers_are_free_and_refused_in_a_pinn():
    model = small()
    model.layers[1].trainable = False
    before = model.get_weights()
    trained(model, 5)
    for weight, expected in zip(model.get_weights()[:2], before[:2]):
        np.testing.assert_array_equal(weight, expected)
    assert model.optimizer.method == "readout solve"
    pinn = PINN(DampedOscillator(), 2.0, (4,), seed=1)
    pinn.network.hidden[0].trainable = False
    pinn.compile(LevenbergMarquardt())
    with pytest.raises(ValueError, match=r"all weights of a PINN\. Received frozen ones: .*kernel"):
        pinn.fit(pinn.collocation_points(), verbose=0)
    before = pinn.get_weights()
    pinn.compile(LevenbergMarquardt(), run_eagerly=True)
    with pytest.raises(ValueError, match="Received frozen"):
        pinn.fit(pinn.collocation_points(), verbose=0)
    for weight, expected in zip(pinn.get_weights(), before):
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize("penalty", ["kernel_regularizer", "activity_regularizer"])
def test_penalties_are_refused(penalty):
    with pytest.raises(ValueError, match="squares of residuals small and nothing else"):
        trained(small(**{penalty: "l2"}))


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"must be 'auto', True or False\. Received: 'yes'"):
        LevenbergMarquardt("yes")
    for name in ("tolerance", "initial_damping"):
        with pytest.raises(ValueError, match=f"{name} .*Received: .*-1"):
            LevenbergMarquardt(**{name: -1.0})


@pytest.mark.slow
@pytest.mark.parametrize("projection", further_but_for(["auto", True, False], "auto"))
def test_float32_ends_near_its_own_rounding(projection):
    equation = Duffing(damping=0.1, stiffness=1.0, cubic_stiffness=1.0)  # warm start included
    pinn = PINN(equation, 4.0, seed=1, dtype="float32")
    pinn.compile(LevenbergMarquardt(projection))
    with pytest.warns(UserWarning, match=r"Rounding leaves that much in float32: leave dtype out"):
        pinn.fit(epochs=3, verbose=0)
    assert pinn.stop_reason == "rounding floor"
    # 3e-4 m/s²: ε = 1.2e-7 times readouts of 14 m and the squared rates of the sines, up to 200.
    assert np.abs(pinn.residual(np.linspace(0.0, 4.0, 401))).max() < 3e-3
