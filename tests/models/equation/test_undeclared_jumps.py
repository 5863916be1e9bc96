import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator, Step
from oscillator_zoo.models import PINN, LevenbergMarquardt
from oscillator_zoo.models.equation.undeclared_jumps import undeclared_jumps
from oscillator_zoo.training import evaluate_solution


def found(force, end=8.0, start=0.0):
    return undeclared_jumps(DampedOscillator(force=force, start_time=start), end)


@pytest.mark.parametrize("jump", [0.1, 1.0, 3.3, 4.0, np.pi, 7.999])
def test_a_jump_is_found_to_the_last_digit(jump):
    assert found(lambda t: np.where(t < jump, np.sin(9.0 * t), 2.0)) == [jump]
    # the first time with the new force is the next number
    assert found(lambda t: np.where(t <= jump, np.sin(9.0 * t), 2.0)) == [np.nextafter(jump, 9.0)]


def test_small_jumps_and_all_edges_of_a_square_wave_are_found():
    assert found(lambda t: np.cos(t) + 0.01 * (t >= 2.0)) == [2.0]
    edges = found(lambda t: np.sign(np.sin(5.0 * t)))
    np.testing.assert_allclose(edges, np.arange(1, 13) * np.pi / 5.0, rtol=1e-15)


@pytest.mark.parametrize(
    "force",
    [None, np.sin, lambda t: np.sin(300.0 * t), lambda t: np.abs(t - 3.0), lambda t: 0.0 * t + 2.0],
    ids=["none", "sine", "fast", "kink", "constant"],
)
def test_forces_that_do_not_jump_have_no_jumps(force):
    assert found(force) == []


def test_forces_that_declare_their_jumps_are_left_alone():
    assert found(Step(1.0, 3.0)) == []


def test_a_force_that_jumps_all_the_time_is_given_up():
    assert found(lambda t: np.sign(np.sin(5000.0 * t))) == []


def test_jumps_count_from_the_start_and_not_at_it():
    assert found(lambda t: np.where(t > 5.0, 1.0, 0.0), start=5.0) == []
    assert found(lambda t: np.where(t < 6.0, 1.0, 0.0), start=5.0) == [6.0]


@pytest.mark.further
def test_a_pinn_solves_an_equation_whose_plain_force_jumps():
    problem = DampedOscillator(damping=0.2, force=lambda t: np.where(t < 3.3, 0.0, 1.0))
    pinn = PINN(problem, 8.0, seed=0)
    assert 3.3 in pinn.window_edges
    pinn.compile(LevenbergMarquardt())
    pinn.fit(pinn.collocation_points(), epochs=60, verbose=0)
    times = np.linspace(0.0, 8.0, 801)
    exact = DampedOscillator(damping=0.2, force=Step(1.0, 3.3)).exact(times)[0]
    np.testing.assert_allclose(pinn(times), exact, atol=1e-12)
    # judged on both sides of the jump, between the training points
    assert evaluate_solution(pinn)["pinn"]["residual_max"] < 1e-10
