"""A PINN all of whose weights are learned by gradients, one window after another."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from marks import further_but_for

from oscillator_zoo.data import DampedOscillator, Decay, Duffing, Pendulum, simulate
from oscillator_zoo.models import PINN, LevenbergMarquardt, SelfScaledBroyden, load_model
from oscillator_zoo.models.least_squares.whole_batch_optimizer import STOP_REASONS
from oscillator_zoo.models.pinn.what_helps import what_helps
from oscillator_zoo.models.trial_solution import learned_trial


def decaying(**options):
    """Three windows of a small network."""
    edges = [0.0, 0.7, 1.5, 2.0]
    pinn = PINN(Decay(), 2.0, (4, 4), window_edges=edges, learned=True, seed=3, **options)
    pinn.compile(SelfScaledBroyden(tolerance=1e-3), jit_compile=False)
    return pinn


def fit(pinn, epochs):
    return pinn.fit(pinn.collocation_points(30, steps_per_epoch=1), epochs=epochs, verbose=0)


@pytest.fixture(scope="module")
def trained():
    """The weights after each step of fit, and the model at the end."""
    pinn = decaying()
    weights = [pinn.get_weights()]
    for epochs in (1, 1, 9):
        fit(pinn, epochs)
        weights.append(pinn.get_weights())
    return pinn, weights


@pytest.mark.slow
def test_each_step_of_fit_trains_one_window(trained):
    _, weights = trained
    for window in range(3):
        for old, new in zip(weights[window][:-1], weights[window + 1][:-1]):  # but the size
            assert np.abs(new[window] - old[window]).max() > 1e-6
            np.testing.assert_array_equal(np.delete(new, window, 0), np.delete(old, window, 0))


@pytest.mark.slow
def test_it_ends_by_itself_when_every_window_meets_its_tolerance(trained):
    pinn, _ = trained
    assert pinn.stop_reason == "tolerance met"
    assert np.abs(pinn.residual(pinn.collocation_times(30))).max() <= 1e-3
    times = np.linspace(0.0, 2.0, 50)
    np.testing.assert_allclose(pinn(times)[:, 0], np.exp(-times), rtol=0, atol=1e-3)


@pytest.mark.slow
def test_going_on_from_a_file_ends_where_it_would_have_without_a_stop(trained, tmp_path):
    pinn = decaying()
    fit(pinn, 1)
    pinn.save(tmp_path / "half.keras")
    loaded = load_model(tmp_path / "half.keras")
    assert loaded.learned and loaded.activation is pinn.activation
    fit(loaded, 9)
    for one, other in zip(loaded.get_weights(), trained[1][-1]):
        # Rounding differs in a loaded model, and some fifty steps of a window amplify it: 2e-7.
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    assert loaded.stop_reason == "tolerance met"


def test_windows_units_and_activation_are_by_rule():
    pinn = PINN(DampedOscillator(), 7.0, learned=True, seed=0)
    assert (pinn.num_windows, pinn.hidden_units) == (4, (10, 10))  # 2 rad in each
    assert pinn.activation.__name__ == "tanh"
    assert pinn.get_config()["learned"] is True


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"h2": lambda t: t}, "Received h2 beside it"),
        ({"parameter_ranges": {"rate": (1.0, 2.0)}}, "Received parameter_ranges"),
        ({"unknown_parameters": ("rate",)}, "Received unknown_parameters"),
    ],
)
def test_what_learned_windows_cannot_have_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        PINN(Decay(), 2.0, learned=True, **options)


def test_least_squares_refuse_it_and_proofs_do_not():
    pinn = decaying()
    with pytest.raises(ValueError, match=r"Received: a PINN with learned=True.*SelfScaledBroyden"):
        pinn.compile(LevenbergMarquardt())
    error = pinn([1.0, 2.0]).numpy() - np.exp([[-1.0], [-2.0]])
    estimate, _ = pinn.error_estimate([1.0, 2.0])
    np.testing.assert_allclose(estimate, error, rtol=1e-6, atol=1e-12)  # a linear equation
    bound, _ = pinn.error_bound([1.0, 2.0])
    assert (np.abs(error) <= bound + 1e-16).all()  # the exponential's own rounding
    np.testing.assert_allclose(bound, np.abs(error), atol=1e-12)


def test_learned_windows_that_end_above_their_tolerance_say_so():
    pinn = PINN(DampedOscillator(stiffness=400.0), 0.2, learned=True, seed=0)
    pinn.compile(SelfScaledBroyden(), run_eagerly=True)
    points = pinn.collocation_points(8, steps_per_epoch=1)
    pinn.optimizer.finished.assign(STOP_REASONS.index("rounding floor"))
    message = r"Gradients are followed to 2e-06 m/s² in a window of 0.067 s.*tolerance=2e-06"
    with pytest.warns(UserWarning, match=message):
        pinn.fit(points, epochs=1, verbose=0)
    pinn.optimizer.finished.assign(STOP_REASONS.index("stalled"))
    assert "Cut that window, 0 s to 0.0666667 s" in what_helps(pinn, 0.01)


@pytest.mark.slow
@pytest.mark.parametrize("options", further_but_for([{}, {"jit_compile": False}], {}))
@pytest.mark.parametrize(
    "problem", [DampedOscillator(0.5, 2.0, 50.0), Duffing(damping=0.1)], ids=["linear", "Duffing"]
)
def test_all_weights_reach_the_lectures_tolerance(problem, options):
    pinn = PINN(problem, 1.0 if problem.is_linear else 4.0, learned=True, seed=0)
    pinn.compile(SelfScaledBroyden(), **options)
    pinn.fit(epochs=1, verbose=0)
    # Near the floor curvature loses its sign, in one window or in none: rounding decides.
    assert pinn.stop_reason in ("tolerance met", "rounding floor")
    between = np.linspace(0.0, pinn.duration, 3001)
    largest = 100.0 if problem.is_linear else 1.0  # ω0² x0, the size of the acceleration
    assert np.abs(pinn.residual(between)).max() <= 1e-6 * largest
    bound, _ = pinn.error_bound(between[::100])
    assert bound.max() <= 1e-7


def test_windows_side_by_side_have_the_residuals_of_each_row(monkeypatch):
    pinn = PINN(
        Duffing(damping=0.1), 3.0, (4, 4), window_edges=[0.0, 1.0, 3.0], learned=True, seed=3
    )
    for array in pinn.network.arrays:  # so that the windows differ
        array.assign(array + 0.1 * np.random.default_rng(0).standard_normal(array.shape))
    monkeypatch.setattr(learned_trial, "REACH", 1e9)  # untrained, it is far from the motion
    times = tf.constant(pinn.collocation_times(20))
    together = pinn.trial.residuals_side_by_side({"t": times})
    np.testing.assert_allclose(together, pinn.trial.residuals(times), rtol=0, atol=1e-13)


def test_no_window_is_moved_by_the_residual_of_a_later_one():
    pinn = decaying()
    times = tf.constant(pinn.collocation_times(30))
    for residuals in (pinn.trial.residuals, pinn.trial.residuals_side_by_side):
        with tf.GradientTape() as tape:
            of_last = tf.reduce_sum(residuals(times)[20:] ** 2)
        for gradient in tape.gradient(of_last, pinn.network.arrays):
            by_window = np.abs(tf.convert_to_tensor(gradient)).reshape(3, -1).max(axis=1)
            assert by_window[0] == by_window[1] == 0.0
            assert by_window[2] > 0.0


def test_no_window_begins_far_from_the_motion_while_all_are_trained(monkeypatch):
    monkeypatch.setattr(learned_trial, "REACH", 0.01)  # seen in the residual to 250 steps
    pinn = PINN(Duffing(), 3.0, (4, 4), window_edges=[0.0, 1.0, 3.0], learned=True, seed=3)
    times = tf.constant(pinn.collocation_times(40))
    for array in pinn.network.arrays:
        array.assign(0.0 * array)
    pinn.network.arrays[-1].assign([[100.0], [0.0]])  # x would be 101 m where the second begins
    residuals = pinn.trial.residuals_side_by_side(times)[20:, 0]
    # With N = 0 the second window is x_w + v_w (t − 1): Duffing's x'' = −x − x³, from 1 m.
    motion = simulate(pinn.problem, 1e-3, 1000, "rk4").states[0]
    largest = simulate(pinn.problem, 1e-3, 3000, "rk4").states[0]
    x, v = motion[-1] + 0.01 * np.abs(largest).max(axis=0)  # both at the end of their reach
    straight = x + v * (times[20:, 0] - 1.0)
    np.testing.assert_allclose(residuals, straight + straight**3, rtol=1e-3)  # of 250 steps


def test_gradients_train_all_windows_at_once(monkeypatch):
    monkeypatch.setattr(learned_trial, "REACH", 1e9)  # untrained, it is far from the motion
    pinn = decaying()
    pinn.compile(keras.optimizers.SGD(1e-3), run_eagerly=True)
    points = pinn.collocation_points(30, steps_per_epoch=1)
    expected = np.mean(np.square(pinn.residual(pinn.collocation_times(30))))
    assert loss_of_fit(pinn, points) == pytest.approx(expected, rel=1e-12)
    assert pinn.is_side_by_side
    backwards = np.linspace(2.0, 0.0, 7)
    expected = np.mean(np.square(pinn.residual(backwards)))
    pinn.reset_metrics()
    assert pinn.train_on_batch(backwards)[0] == pytest.approx(expected, rel=1e-12)
    assert not pinn.is_side_by_side  # times in any order
    expected = np.mean(np.square(pinn.residual(backwards)))
    of_others = tf.data.Dataset.from_tensors(tf.constant(backwards[:, None]))
    assert loss_of_fit(pinn, of_others) == pytest.approx(expected, rel=1e-12)


def loss_of_fit(pinn, points):
    return pinn.fit(points, verbose=0).history["loss"][0]


@pytest.mark.slow
def test_adam_finds_the_pendulum_that_starts_nearly_upright():
    """One network for all times ends at the upright rest, in every library that was tried."""
    pinn = PINN(Pendulum(gravity=1.0, position=2.5), 10.0, learned=True, seed=0)
    num_steps = 4000
    rate = keras.optimizers.schedules.CosineDecay(1e-2, num_steps)
    pinn.compile(keras.optimizers.Adam(rate))
    pinn.fit(pinn.collocation_points(), epochs=num_steps // 100, verbose=0)
    times = np.linspace(0.0, 10.0, 101)
    truth = simulate(pinn.problem, 1e-3, 10_000, "rk4").states[0, ::100, :1]
    assert np.linalg.norm(pinn(times) - truth) <= 1e-2 * np.linalg.norm(truth)
