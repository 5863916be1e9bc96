"""A one-step forecaster trained on forecasts of many steps."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from least_squares_checks import weight_columns
from marks import further_but_for

from oscillator_zoo.data import (
    DampedOscillator,
    Sinusoid,
    sample_oscillators,
    simulate,
    variable_length_batches,
)
from oscillator_zoo.models import (
    ElmanRNN,
    ForecastModel,
    JordanRNN,
    LevenbergMarquardt,
    rollout,
)
from oscillator_zoo.training import HorizonSchedule, TeacherForcingSchedule

WARM_UP = 4


def forecaster(num_features=3, num_states=2, **options):
    """tanh units that see s and F and predict s, learned initial state included."""
    inputs = keras.Input((None, num_features), dtype="float64")
    layer = ElmanRNN(
        3, output_units=num_states, return_sequences=True, dtype="float64", seed=2, **options
    )
    return keras.Model(inputs, layer(inputs))


def randomised(model, seed=1):
    random = np.random.default_rng(seed)
    model.set_weights([0.5 * random.normal(size=w.shape) for w in model.get_weights()])
    return model


def driven_model():
    return ForecastModel(randomised(forecaster(learn_initial_state=True)), WARM_UP)


def batch(num=3, num_times=12, num_features=3):
    return np.random.default_rng(0).normal(size=(num, num_times, num_features))


def by_hand(model, sequences, shown):
    """ŝ of every time after the warm-up, by the lecture's two lines and a loop."""
    U, W, b, V, c, h0 = (w.numpy() for w in model.forecaster.layers[-1].cell.weights)
    forecasts = []
    for sequence, flags in zip(sequences, shown):
        h, predicted, run = h0, np.zeros(2), []
        for x, flag in zip(sequence[:-1], flags):
            x = np.concatenate([x[:2] if flag else predicted, x[2:]])
            h = np.tanh(b + h @ W + x @ U)
            predicted = h @ V + c
            run.append(predicted)
        forecasts.append(run[WARM_UP - 1 :])
    return np.array(forecasts)


def free(sequences):
    return np.tile(np.arange(sequences.shape[1] - 1) < WARM_UP, (len(sequences), 1))


def test_a_forecast_is_the_loop_by_hand():
    model, sequences = driven_model(), batch()
    expected = by_hand(model, sequences, free(sequences))
    np.testing.assert_allclose(model(sequences), expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(model.predict(sequences, verbose=0), expected, rtol=0, atol=1e-14)


def test_a_forecast_is_a_rollout():
    model, sequences = driven_model(), batch()
    prefix, force = sequences[:, :WARM_UP], sequences[:, WARM_UP - 1 : -1, 2:]
    expected = rollout(model.forecaster, prefix, force.shape[1], force=force)
    np.testing.assert_allclose(model(sequences), expected, rtol=0, atol=1e-6)  # Keras: float32


def test_a_forecast_does_not_see_the_states_it_forecasts():
    model, sequences = driven_model(), batch()
    changed = sequences.copy()
    changed[:, WARM_UP:, :2] += 1.0
    np.testing.assert_array_equal(model(sequences), model(changed))


@pytest.mark.parametrize("horizon", [1, 2, 3, 100, None])
def test_training_starts_a_forecast_from_the_truth_every_horizon_steps(horizon):
    model, sequences = driven_model(), batch()
    model.horizon = horizon
    shown = free(sequences)
    shown[:, WARM_UP - 1 :: horizon or 100] = True
    truth = sequences[:, WARM_UP:, :2]
    expected = np.mean((by_hand(model, sequences, shown) - truth) ** 2)
    model.compile(keras.optimizers.SGD(0.0))
    history = model.fit(sequences, epochs=1, verbose=0).history
    assert history["loss"][0] == pytest.approx(expected, rel=1e-12)


def test_a_horizon_of_one_step_trains_on_what_the_forecaster_predicts():
    model, sequences = driven_model(), batch()
    model.horizon = 1
    one_step = model.forecaster(sequences)[:, WARM_UP - 1 : -1] - sequences[:, WARM_UP:, :2]
    shown = model.shown_states(tf.constant(sequences))
    np.testing.assert_allclose(model.residuals((sequences, shown)), one_step, rtol=0, atol=1e-14)


def test_teacher_forcing_shows_the_truth_with_its_probability():
    model, sequences = driven_model(), tf.zeros((200, 54, 3), "float64")
    after_warm_up = []
    for probability in (0.0, 0.3, 1.0):
        model.teacher_forcing = probability
        shown = model.shown_states(sequences).numpy()
        assert shown[:, :WARM_UP].all()
        after_warm_up.append(shown[:, WARM_UP:].mean())
    # 9800 draws: standard deviation .0046 of a share of .3
    np.testing.assert_allclose(after_warm_up, [0.0, 0.3, 1.0], atol=0.02)


def test_teacher_forcing_is_drawn_anew_and_repeats_with_the_seed():
    sequences = tf.zeros((5, 50, 3), "float64")
    first, again, other = (
        ForecastModel(forecaster(), WARM_UP, teacher_forcing=0.5, seed=seed) for seed in (1, 1, 2)
    )
    steps = [(first, 3), (first, 4), (again, 3), (other, 3)]
    draws = [model.shown_states(sequences, step).numpy() for model, step in steps]
    np.testing.assert_array_equal(draws[0], draws[2])
    assert (draws[0] != draws[1]).any() and (draws[0] != draws[3]).any()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("horizon", "teacher_forcing"), further_but_for([(None, 0.0), (3, 0.0), (None, 0.4)], (3, 0.0))
)
def test_jacobian(horizon, teacher_forcing):
    model, sequences = driven_model(), tf.constant(batch())
    model.horizon, model.teacher_forcing = horizon, teacher_forcing
    x = sequences, model.shown_states(sequences)
    system = tf.function(model.linearise)(x)
    np.testing.assert_allclose(system.residual[0], np.reshape(model.residuals(x), -1), atol=1e-13)
    np.testing.assert_allclose(
        system.by_nonlinear[0], weight_columns(model, (x,)), rtol=0, atol=1e-9
    )


@pytest.mark.further
def test_jacobian_of_several_layers_is_that_of_weighted_residuals():
    inputs = keras.Input((None, 2), dtype="float64")
    memory = ElmanRNN(2, "linear", return_sequences=True, dtype="float64")(inputs)
    both = keras.layers.Concatenate(dtype="float64")([inputs, memory])
    hidden = JordanRNN(3, output_units=2, return_sequences=True, dtype="float64")(both)
    model = ForecastModel(randomised(keras.Model(inputs, hidden)), WARM_UP)
    sequences, weight = tf.constant(batch(num_features=2)), tf.constant([1.0, 4.0, 0.0], "float64")
    system = tf.function(model.linearise)(sequences, None, weight)
    scale = np.repeat([1.0, 2.0, 0.0], 2 * (12 - WARM_UP))  # √w
    expected = scale[:, None] * weight_columns(model, (sequences,))
    np.testing.assert_allclose(system.by_nonlinear[0], expected, rtol=0, atol=1e-9)


@pytest.mark.slow
def test_least_squares_find_the_oscillator_from_free_runs():
    force = Sinusoid(1.0, angular_frequency=1.3)
    motion = simulate(DampedOscillator(damping=0.5, force=force), 0.1, num_steps=120)
    keras.utils.set_random_seed(2)  # some starts take a few hundred steps
    layer = ElmanRNN(2, "linear", use_bias=False, return_sequences=True, dtype="float64")
    inputs = keras.Input((None, 3), dtype="float64")
    model = ForecastModel(keras.Model(inputs, layer(inputs)), warm_up=5)
    model.compile(LevenbergMarquardt(tolerance=1e-8))
    # A free run from random weights is far from the motion; short forecasts lead to it.
    schedule = HorizonSchedule(lambda epoch: 1 if epoch < 10 else None)
    sequences = np.concatenate([motion.states, motion.force], axis=-1)
    model.fit(sequences, epochs=80, callbacks=[schedule], verbose=0)
    assert np.abs(model.residuals(sequences)).max() <= 1e-8
    forecast = rollout(model.forecaster, sequences[:, :5], 116, force=sequences[:, 4:-1, 2:])
    np.testing.assert_allclose(forecast, motion.states[:, 5:], atol=1e-5)


@pytest.mark.further
def test_adam_learns_with_both_schedules():
    keras.utils.set_random_seed(1)  # from some weights twelve epochs do not suffice
    motions = simulate(sample_oscillators(8, seed=0, damping=0.5, stiffness=1.0), 0.1, 60)
    model = ForecastModel(forecaster(num_features=2), WARM_UP)
    model.compile(keras.optimizers.Adam(2e-2))
    history = model.fit(
        motions.states,
        epochs=12,
        batch_size=4,
        callbacks=[
            HorizonSchedule(lambda epoch: None if epoch > 8 else 2 + epoch),
            TeacherForcingSchedule(lambda epoch: 0.5 if epoch < 6 else 0.0),
        ],
        validation_data=motions.states,
        verbose=0,
    ).history
    assert history["horizon"] == [*range(2, 11), np.inf, np.inf, np.inf]
    assert history["teacher_forcing"] == [0.5] * 6 + [0.0] * 6
    assert history["val_loss"][-1] < 0.7 * history["val_loss"][0]
    truth = motions.states[:, WARM_UP:]
    forecast = model.predict(motions.states, verbose=0)
    assert history["val_loss"][-1] == pytest.approx(np.mean((forecast - truth) ** 2), rel=1e-9)


def test_validation_is_a_free_run_whatever_training_shows():
    model, sequences = driven_model(), batch()
    model.horizon, model.teacher_forcing = 1, 1.0
    model.compile("sgd")
    loss = model.evaluate(sequences, verbose=0)
    expected = by_hand(model, sequences, free(sequences)) - sequences[:, WARM_UP:, :2]
    assert loss == pytest.approx(np.mean(expected**2), rel=1e-12)


def padded_motions():
    """Motions of 20 to 400 steps under a force, one by one and padded to one array."""
    force = Sinusoid(1.0, angular_frequency=1.3)
    motions = [
        simulate(DampedOscillator(damping=0.5, force=force, position=start), 0.1, num_steps)
        for start, num_steps in ((1.0, 20), (-2.0, 150), (0.5, 400))
    ]
    # The last state of each is what the last of these inputs leads to.
    dataset = variable_length_batches(motions, batch_size=3, mask_value=-1e9, dtype="float64")
    sequences = next(iter(dataset))[0].numpy()
    return [np.concatenate([m.states, m.force], axis=-1)[:, :-1] for m in motions], sequences


@pytest.mark.further
@pytest.mark.parametrize("horizon", [None, 3])
def test_padding_changes_neither_cost_nor_jacobian(horizon):
    alone, padded = padded_motions()
    model = ForecastModel(randomised(forecaster(learn_initial_state=True)), WARM_UP, horizon)
    model.mask_value = -1e9
    squares, products = [], []
    for sequences in alone:
        x = sequences, model.shown_states(sequences)
        system = tf.function(model.linearise)(x)
        residuals, jacobian = (
            np.asarray(part[0]) for part in (system.residual, system.by_nonlinear)
        )
        squares.append(residuals @ residuals)
        products.append(jacobian.T @ residuals)
    count = sum(2 * (sequences.shape[1] - WARM_UP) for sequences in alone)
    x = tf.constant(padded), model.shown_states(padded)
    assert float(model.cost(model.residuals(x))) == pytest.approx(sum(squares) / count, rel=1e-13)
    system = tf.function(model.linearise)(x)
    residuals, jacobian = (np.asarray(part[0]) for part in (system.residual, system.by_nonlinear))
    gradient = jacobian.T @ residuals / len(residuals)
    np.testing.assert_allclose(gradient, np.sum(products, axis=0) / count, rtol=1e-11)
    with tf.GradientTape() as tape:
        cost = model.cost(model.residuals(x))
    by_tape = [np.reshape(g, -1) for g in tape.gradient(cost, model.trainable_variables)]
    np.testing.assert_allclose(np.concatenate(by_tape), 2.0 * gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_padding_that_runs_away_changes_nothing():
    alone, padded = padded_motions()
    layer = ElmanRNN(2, "linear", use_bias=False, return_sequences=True, dtype="float64")
    inputs = keras.Input((None, 3), dtype="float64")
    model = ForecastModel(keras.Model(inputs, layer(inputs)), WARM_UP, mask_value=-1e9)
    layer.set_weights([np.eye(3)[:, :2], 9.0 * np.eye(2)])
    # 9^400 is no number: the forecast of 20 steps overflows in its padding, where nobody looks.
    weights = tf.constant([1.0, 0.0, 0.0], "float64")
    expected = np.sum(np.square(model.residuals(alone[0])))
    residuals = model.residuals(padded, sample_weight=weights)[:1]
    share = sum(one.shape[1] - WARM_UP for one in alone) / (3 * (padded.shape[1] - WARM_UP))
    assert float(np.sum(np.square(residuals))) == pytest.approx(expected / share, rel=1e-12)


@pytest.mark.further
def test_trained_on_padded_motions_it_forecasts_any_length():
    _, padded = padded_motions()
    keras.utils.set_random_seed(2)
    layer = ElmanRNN(2, "linear", use_bias=False, return_sequences=True, dtype="float64")
    inputs = keras.Input((None, 3), dtype="float64")
    model = ForecastModel(keras.Model(inputs, layer(inputs)), WARM_UP, mask_value=-1e9)
    model.compile(LevenbergMarquardt(tolerance=1e-9))
    schedule = HorizonSchedule(lambda epoch: 1 if epoch < 10 else None)
    model.fit(padded, epochs=60, callbacks=[schedule], verbose=0)
    force = Sinusoid(1.0, angular_frequency=1.3)
    motion = simulate(DampedOscillator(damping=0.5, force=force, position=3.0), 0.1, 3000)
    prefix = np.concatenate([motion.states, motion.force], axis=-1)[:, :10]
    for num_steps in (7, 2990):
        forecast = rollout(model.forecaster, prefix, num_steps, motion.force[:, 9 : 9 + num_steps])
        truth = motion.states[:, 10 : 10 + num_steps]
        np.testing.assert_allclose(forecast, truth, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_a_saved_model_goes_on_training(tmp_path):
    model, sequences = driven_model(), batch()
    model.horizon, model.teacher_forcing = 3, 0.25
    model.compile(LevenbergMarquardt(tolerance=0.0), jit_compile=False)
    model.fit(sequences, epochs=2, verbose=0)
    model.save(tmp_path / "forecast.keras")
    again = keras.models.load_model(tmp_path / "forecast.keras")
    assert (again.horizon, again.teacher_forcing, again.warm_up, again.seed) == (3, 0.25, 4, 0)
    np.testing.assert_array_equal(model(sequences), again(sequences))
    losses = [m.fit(sequences, epochs=2, verbose=0).history["loss"] for m in (model, again)]
    np.testing.assert_allclose(*losses, rtol=1e-9)


def test_errors_say_what_to_do():
    window = keras.Sequential([keras.Input((5, 2)), keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match=r"carries the hidden states .* train on windows"):
        ForecastModel(window, 3)
    inputs = keras.Input((None, 2))
    last_only = keras.Model(inputs, ElmanRNN(2)(inputs))
    with pytest.raises(ValueError, match=r"at every step.*return_sequences=True"):
        ForecastModel(last_only, 3)
    too_many = keras.Model(inputs, ElmanRNN(3, return_sequences=True)(inputs))
    with pytest.raises(ValueError, match="states <= features"):
        ForecastModel(too_many, 3)
    model = driven_model()
    with pytest.raises(ValueError, match="warm_up must be"):
        ForecastModel(forecaster(), 0)
    with pytest.raises(ValueError, match="horizon must be"):
        model.horizon = 0
    with pytest.raises(ValueError, match=r"from 0 to 1. Received: 1.5"):
        model.teacher_forcing = 1.5
    with pytest.raises(ValueError, match=r"more than warm_up = 4 times. Received 4"):
        model(batch(num_times=4))
    model.compile("sgd")
    with pytest.raises(ValueError, match=r"Call fit\(sequences\)"):
        model.fit(batch(), batch()[..., :2], verbose=0)
    with pytest.raises(ValueError, match=r"function of the epoch.*set model.horizon"):
        HorizonSchedule(10)
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    other.compile("sgd", "mse")
    with pytest.raises(ValueError, match="Wrap it: ForecastModel"):
        other.fit(np.ones((2, 2)), np.ones((2, 1)), callbacks=[HorizonSchedule(int)], verbose=0)
