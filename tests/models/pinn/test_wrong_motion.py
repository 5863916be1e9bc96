"""A fit that ends at another motion than the one asked for says so."""

import keras
import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator, Duffing, Pendulum
from oscillator_zoo.models import PINN, LevenbergMarquardt
from oscillator_zoo.models.pinn import warm_start as start
from oscillator_zoo.models.pinn.fit_checks import warn_of_wrong_motion
from oscillator_zoo.models.pinn.warm_start import warm_start
from oscillator_zoo.models.pinn.what_helps import what_helps


def fit(pinn, epochs=60, steps_per_epoch=100):
    pinn.compile(LevenbergMarquardt())
    return pinn.fit(pinn.collocation_points(None, steps_per_epoch), epochs=epochs, verbose=0)


@pytest.mark.slow
def test_too_few_waves_are_noticed():
    """Eight waves over 20 periods: far too few, whatever their weights."""
    pinn = PINN(DampedOscillator(damping=0.1), 40.0 * np.pi, hidden_units=(8,), seed=1)
    parts = [
        r"differs from that of RK4 by up to [\d.]+ m, where the largest position is 1 m; ",
        r"its residual at the training points is at most [\d.]+ m/s², there at t = [\d.]+ s. ",
        r"Received hidden_units=\(8,\) in 1 window: .* hidden_units and window_edges left out",
    ]
    with pytest.warns(UserWarning, match="".join(parts)):
        fit(pinn)


@pytest.mark.further
def test_a_pendulum_that_adam_trapped_does_not_pass_in_silence():
    """From a zero start Adam goes over the top; what is left after it looks like a solution."""
    pinn = PINN(Pendulum(length=9.81, position=2.5), 10.0, hidden_units=(16,), seed=0)
    pinn.compile(keras.optimizers.Adam(1e-2), steps_per_execution=100)
    pinn.fit(pinn.collocation_points(), epochs=3, verbose=0)
    with pytest.warns(
        UserWarning, match="differs from that of RK4 by up to .* rad, where .* rad/s²"
    ):
        history = fit(pinn, epochs=3)
    # Most of the motion obeys the equation: rad/s², where θ'' itself is of order 1.
    assert np.sqrt(history.history["loss"][-1]) < 0.03


def test_a_fit_that_has_only_begun_is_left_in_peace():
    pinn = PINN(DampedOscillator(damping=0.1), 40.0 * np.pi, hidden_units=(8,), seed=1)
    fit(pinn, epochs=1, steps_per_epoch=1)
    assert np.abs(pinn(pinn.domain.sketch().times) - pinn.domain.sketch().states[:, :1]).max() > 0.1


@pytest.mark.slow
def test_a_residual_that_vanishes_at_too_few_points_only_is_noticed():
    """Eight windows with eight points and 33 weights each: any right-hand side is met there."""
    pinn = PINN(Duffing(), 10.0, seed=0)
    pinn.compile(LevenbergMarquardt())
    parts = [
        r"Received up to \de-\d+ m/s² at them and [\d.]+ m/s² between: too few points .*",
        rf"collocation_points\(\) without a number, {56 * pinn.num_windows} points here",
    ]
    with pytest.warns(UserWarning, match="".join(parts)):
        pinn.fit(pinn.collocation_points(60), epochs=9, verbose=0)


@pytest.mark.slow
def test_a_motion_at_rest_is_no_wrong_motion():
    """Rounding is infinitely far from 0; what the tolerance permits is not."""
    pinn = PINN(DampedOscillator(position=0.0), 3.0)
    pinn.compile(LevenbergMarquardt())
    pinn.fit(epochs=2, verbose=0)  # warnings are errors
    assert pinn.optimizer.stop_reason is not None
    readout = pinn.trial.readout_variables[0]
    readout.assign(readout + 0.1)
    with pytest.warns(UserWarning, match="largest position is 0 m"):
        assert warn_of_wrong_motion(pinn)


def test_one_window_of_waves_of_ones_own_is_advised_to_have_those_of_the_rule():
    pinn = PINN(DampedOscillator(), 1.0, hidden_units=(4,), seed=0)
    assert what_helps(pinn, 0.5).startswith("Leave hidden_units and window_edges out, to have win")


def test_a_network_nearer_to_the_equation_than_a_steppers_motion_keeps_its_weights(monkeypatch):
    pinn = PINN(Duffing(), 1.0, seed=0)
    warm_start(pinn)
    near = pinn.get_weights()
    residual = np.abs(pinn.residual(pinn.collocation_times())).max()
    assert residual < 0.1
    fitted = start.fitted_readout
    monkeypatch.setattr(
        start, "fitted_readout", lambda *args: [1.5 * part for part in fitted(*args)]
    )
    warm_start(pinn)
    for weight, expected in zip(pinn.get_weights(), near, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_all_times_weigh_alike_however_they_are_given():
    pinn = PINN(Duffing(), 1.0, seed=0)
    with pytest.raises(ValueError, match=r"weighs all collocation points alike.*Put more points"):
        pinn.residuals([0.1, 0.2], sample_weight=[1.0, 2.0])
