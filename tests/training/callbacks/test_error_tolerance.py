import keras
import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator, Duffing
from oscillator_zoo.models import PINN
from oscillator_zoo.training import ErrorTolerance, evaluate_solution
from oscillator_zoo.training.evaluation.fine_grid import fine_times


def fit(pinn, callback, epochs=3):
    pinn.compile(keras.optimizers.Adam(1e-6), run_eagerly=True)
    points = pinn.collocation_points(11, steps_per_epoch=1)
    return pinn.fit(points, epochs=epochs, callbacks=[callback], verbose=0)


def nearly_exact(problem=None, factor=1.0):
    """x̂ = cos(factor · t): exact for the free oscillator at 1, else off by a known amount."""
    return PINN(
        problem or DampedOscillator(),
        2.0,
        (4,),
        h1=lambda t: keras.ops.cos(factor * t),
        h2=lambda t: 1e-14 * t**2,
    )


def test_training_stops_when_the_bound_is_small_enough_and_says_that_it_is_proven(capsys):
    pinn = PINN(DampedOscillator(), 2.0, (4,), seed=1)
    grid = fine_times(pinn, 11)
    error = float(np.abs(np.asarray(pinn(grid)) - np.cos(grid)[:, None]).max())
    assert len(fit(pinn, ErrorTolerance(0.9 * error, 11)).epoch) == 3
    tolerance = ErrorTolerance(1.1 * error, 11)
    history = fit(pinn, tolerance)
    assert len(history.epoch) == 1
    # an epoch of Adam at 1e-6 moves the network by about 1e-6
    assert history.history["error_max"][0] == pytest.approx(error, rel=1e-4)
    said = capsys.readouterr().out
    assert "m (proven; tolerance " in said and said.endswith("stopped after epoch 1.\n")
    assert said.startswith("The position is off by at most ") and tolerance.stop_reason in said


def test_without_a_proof_it_is_an_estimate():
    tolerance = ErrorTolerance(0.02, 11, verbose=0)
    history = fit(nearly_exact(factor=1.01), tolerance)
    t = np.linspace(0.0, 2.0, 101)
    largest = np.abs(np.cos(1.01 * t) - np.cos(t)).max()
    assert history.history["error_max"][0] == pytest.approx(largest, rel=1e-6)
    assert "is probably off by 0.018 m (estimated; tolerance 0.02 m)" in tolerance.stop_reason


def test_a_nonlinear_problem_has_an_estimate_in_the_table_and_a_linear_one_a_bound():
    linear = evaluate_solution(PINN(DampedOscillator(), 2.0, (4,), seed=1), 11)
    scores = linear["pinn"]
    assert scores["position_max"] <= scores["position_bound"]
    assert scores["position_bound"] == pytest.approx(scores["position_max"], rel=1e-9)
    assert "position error, bound (m)" in str(linear)
    duffing = evaluate_solution(nearly_exact(Duffing(cubic_stiffness=0.0), 1.001), 11)
    scores = duffing["pinn"]
    assert scores["position_estimate"] == pytest.approx(scores["position_max"], rel=1e-6)
    assert "position error, estimate (m)" in str(duffing)


def test_every_second_epoch_is_checked():
    history = fit(PINN(DampedOscillator(), 2.0, (4,), seed=1), ErrorTolerance(1e-9, 11, every=2))
    assert np.isnan(history.history["error_max"]).tolist() == [True, False, True]


def test_wrong_arguments_and_models_raise():
    with pytest.raises(ValueError, match="tolerance must be > 0"):
        ErrorTolerance(0.0)
    with pytest.raises(ValueError, match="every must be an integer"):
        ErrorTolerance(every=0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"belong to a PINN\. Received a model of type Sequential"):
        model.fit(np.ones((2, 1)), np.ones((2, 1)), callbacks=[ErrorTolerance()], verbose=0)


def test_motion_that_turns_too_often_raises_and_says_how_often():
    fast = PINN(DampedOscillator(stiffness=5.6e9), 2.0, (4,), window_edges=[0.0, 2.0])
    with pytest.raises(ValueError, match=r"at most 60000 cells.*need [\d.e+]+\. Use a shorter"):
        fast.error_bound([1.0])
    with pytest.raises(ValueError, match=r"at most 60000 cells.*Use a shorter duration"):
        fit(fast, ErrorTolerance(1e-3, 11))
