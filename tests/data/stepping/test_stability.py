"""Warnings of motions that the method makes grow: where due, and only there."""

import warnings

import numpy as np
import pytest

from oscillator_zoo.data import (
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Duffing,
    Pendulum,
    Sinusoid,
    VanDerPol,
    simulate,
)
from oscillator_zoo.data.stepping.stability import spectrum, stable_limit


def warning_of(*arguments):
    with pytest.warns(UserWarning) as caught:
        simulate(*arguments)
    assert len(caught) == 1
    assert caught[0].filename == __file__  # the line that called simulate
    return str(caught[0].message)


def test_spectral_radius_of_euler_is_known():
    a, d, h = 0.2, 3.0, 0.1
    matrix = np.array([[1.0, h], [-h * d, 1.0 - h * a]])[..., None]
    radius, _ = spectrum(matrix)
    assert radius[0] == pytest.approx((1 - h * a + h * h * d) ** 0.5, rel=1e-14)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_spectrum_equals_that_of_numpy(size):
    matrices = np.random.default_rng(0).normal(size=(200, size, size))
    radius, rate = spectrum(matrices.transpose(1, 2, 0))
    expected = np.linalg.eigvals(matrices)
    np.testing.assert_allclose(radius, np.abs(expected).max(axis=1), rtol=1e-7)
    np.testing.assert_allclose(rate, expected.real.max(axis=1), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    ("problem", "limit"),
    [
        (DampedOscillator(damping=0.2, stiffness=4.0), 0.2 / 4.0),
        (DampedOscillator(mass=2.0, damping=0.2, stiffness=4.0), 0.1 / 2.0),
        (DampedOscillator(damping=2.0), 2.0),
        (DampedOscillator(damping=10.0), 2.0 / (5.0 + 24.0**0.5)),
        (Decay(rate=4.0), 0.5),
    ],
)
def test_limit_of_euler_and_motions_on_both_sides_of_it(problem, limit):
    assert stable_limit(problem, 9.0, "euler") == pytest.approx(limit, rel=1e-12)
    expected = f"Explicit Euler grows for this oscillator when time_step > {limit:.3g} s"
    message = warning_of(problem, 1.1 * limit, 1000)
    assert message.startswith(expected)
    assert f"Received time_step={1.1 * limit:g} with num_steps=1000" in message
    simulate(problem, 0.99 * limit, 1000)  # warnings are errors in this suite


@pytest.mark.parametrize(("method", "limit"), [("euler_cromer", 2.0), ("rk4", 2.0 * 2.0**0.5)])
def test_limits_of_the_other_methods_without_damping(method, limit):
    problem = DampedOscillator(stiffness=4.0)  # ω0 = 2
    assert stable_limit(problem, 9.0, method) == pytest.approx(limit / 2.0, rel=1e-3)
    assert "grows for this oscillator when time_step >" in warning_of(
        problem, 0.51 * limit, 200, method
    )
    simulate(problem, 0.49 * limit, 5000, method)


def test_overdamped_example_names_its_limit_and_no_method_that_would_grow_too():
    message = warning_of(DampedOscillator(damping=10.0), 0.3, 100)
    assert "time_step > 0.202 s. Received time_step=0.3" in message
    assert "spectral radius 1.96969, a free" in message  # (5 + √24) · 0.3 − 1
    assert message.endswith("Use a smaller step.")


def test_undamped_euler_names_the_growth_over_the_requested_steps():
    message = warning_of(DampedOscillator(), 0.1, 1000)
    assert "at every time_step, energy by 1.01 in each step" in message
    assert "a free motion grows 145-fold" in message  # 1.01 ** 500
    assert message.endswith('Use a smaller step or method="euler_cromer" or "rk4".')


def test_undamped_euler_is_silent_where_the_growth_is_small():
    simulate(DampedOscillator(), 0.01, 1000)  # 1.0001 ** 500 = 1.05
    assert "1.16-fold" in warning_of(DampedOscillator(), 0.01, 3000)


def test_driven_oscillators_are_judged_like_free_ones():
    problem = DampedOscillator(damping=0.2, force=Sinusoid(1.0, 1.0))
    assert "when time_step > 0.2 s" in warning_of(problem, 0.3, 100)
    simulate(problem, 0.15, 1000)


def test_an_ensemble_names_its_worst_trajectory():
    problem = DampedOscillator(damping=np.array([0.4, 0.2, 0.3]))
    assert "grows for trajectory 1 when time_step > 0.2 s" in warning_of(problem, 0.35, 100)
    simulate(problem, 0.15, 100)


def test_a_trajectory_that_stops_at_once_does_not_hide_one_that_grows():
    problem = Decay(rate=np.array([1.0, 3.0]))  # 1 − Δt λ is 0 and −2
    assert "grows for trajectory 1 when time_step > 0.667 s" in warning_of(problem, 1.0, 10)


def test_growth_too_large_for_a_float_is_written_as_a_power():
    assert "10^29-fold" in warning_of(DampedOscillator(damping=10.0), 0.3, 100)


def test_order_1_is_not_sent_to_euler_cromer():
    assert warning_of(Decay(rate=3.0), 0.7, 100).endswith('Use a smaller step or method="rk4".')


def test_coupled_oscillators_are_judged_by_their_fastest_mode():
    pair = CoupledOscillators(masses=(1.0, 1.0), stiffness=(1.0, 4.0, 1.0), damping=0.09)
    assert "when time_step > 0.01 s" in warning_of(pair, 0.05, 200)  # α/δ = 0.09/9
    simulate(pair, 0.009, 200)


def test_free_masses_that_drift_are_no_growth():
    drifting = CoupledOscillators((1.0, 2.0), stiffness=(0.0, 1.0, 0.0), velocity=1.0)
    simulate(drifting, 0.1, 1000, "euler_cromer")
    simulate(drifting, 0.1, 1000, "rk4")
    assert "at every time_step" in warning_of(drifting, 0.1, 1000)


@pytest.mark.parametrize("problem", [Pendulum(), Duffing(), Duffing(stiffness=-1.0, velocity=0.5)])
def test_nonlinear_motion_that_gains_energy_is_noticed(problem):
    message = warning_of(problem, 0.05, 200)
    assert message.startswith("Explicit Euler raised the energy of this motion, which cannot grow")
    assert "Received time_step=0.05 with num_steps=200" in message
    assert message.endswith('Use a smaller step or method="euler_cromer" or "rk4".')


def test_nonlinear_ensemble_names_its_worst_trajectory():
    assert "energy of trajectory 1," in warning_of(
        Duffing(position=np.array([0.1, 2.0])), 0.03, 200
    )


@pytest.mark.parametrize("method", ["euler_cromer", "rk4"])
@pytest.mark.parametrize("position", [0.1, 1.0, 3.0])
def test_methods_that_keep_the_energy_bounded_raise_no_alarm(method, position):
    for num_steps in (3, 10, 1000):
        simulate(Pendulum(position=position), 0.1, num_steps, method)
        simulate(Duffing(position=position), 0.1, num_steps, method)


def test_energy_that_may_grow_raises_no_alarm():
    simulate(VanDerPol(position=0.01), 0.01, 2000)
    simulate(Duffing(position=0.0, force=Sinusoid(1.0, 1.0)), 0.01, 500)
    simulate(Duffing(stiffness=-1.0, position=0.0), 0.01, 500)  # at rest on the ridge


def test_warning_is_one_and_can_be_silenced():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert simulate(DampedOscillator(), 0.1, 1000).states.shape == (1, 1001, 2)
