"""The blocked path of linear problems against the step loop and against its own equation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscillator_zoo.data import (
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Duffing,
    Sampled,
    Sinusoid,
    simulate,
)
from oscillator_zoo.data.forces.force_grid import ForceGrid
from oscillator_zoo.data.stepping.block_response import block_matrix, powers
from oscillator_zoo.data.stepping.linear_recurrence import FORCED_LENGTH, FREE_LENGTH, MANY, PART
from oscillator_zoo.data.stepping.step_loop import solve_stepwise
from oscillator_zoo.data.stepping.step_matrix import one_step_matrix


def stepped(problem, time_step, num_steps, method):
    """The same motion by the general step loop."""
    times = problem.start_time + time_step * np.arange(num_steps + 1)
    states = solve_stepwise(problem, times, time_step, method, "float64")
    grid = ForceGrid(problem.coordinate_forces, times, len(states), "float64")
    return states, grid.evaluate()


def assert_same_motion(problem, time_step, num_steps, method):
    trajectory = simulate(problem, time_step, num_steps, method)
    states, force = stepped(problem, time_step, num_steps, method)
    # Products of blocks round differently from single steps: relative to the largest state.
    assert np.abs(trajectory.states - states).max() <= 1e-12 * np.abs(states).max()
    np.testing.assert_array_equal(trajectory.force, force)


def test_one_step_matrix_of_euler_is_the_lectures():
    problem = DampedOscillator(mass=2.0, damping=0.4, stiffness=6.0, force=Sinusoid(1.0, 2.0))
    matrix = one_step_matrix(problem, 0.1, "euler")[..., 0]
    expected = [[1.0, 0.1, 0.0], [-0.1 * 3.0, 1.0 - 0.1 * 0.2, 0.1 / 2.0]]
    np.testing.assert_allclose(matrix, expected, rtol=1e-15)


def test_one_step_matrix_of_rk4_is_the_taylor_polynomial():
    problem = DampedOscillator(damping=0.4, stiffness=3.0)
    j = 0.1 * np.array([[0.0, 1.0], [-3.0, -0.4]])
    expected = np.eye(2) + j + j @ j / 2 + j @ j @ j / 6 + j @ j @ j @ j / 24
    np.testing.assert_allclose(one_step_matrix(problem, 0.1, "rk4")[..., 0], expected, rtol=1e-14)


def test_powers_and_block_matrix_are_those_of_the_equation():
    a, b = np.array([[1.0, 0.5], [-0.5, 0.75]]), np.array([[0.0], [2.0]])
    known = powers(np.hstack([a, b])[..., None], 5)
    for j in range(5):
        power = np.linalg.matrix_power(a, j)
        np.testing.assert_allclose(known[j, :, :, 0], np.hstack([power @ a, power @ b]), rtol=1e-14)
    matrix = block_matrix(known)[0]
    for j in range(5):
        columns = matrix[:, 2 * j : 2 * j + 2]
        np.testing.assert_allclose(columns[:2].T, np.linalg.matrix_power(a, j + 1), rtol=1e-14)
        for i in range(5):
            response = np.linalg.matrix_power(a, j - i) @ b if i <= j else np.zeros((2, 1))
            np.testing.assert_allclose(columns[2 + i], response[:, 0], rtol=1e-14)


@pytest.mark.parametrize("method", ["euler", "euler_cromer", "rk4"])
@pytest.mark.parametrize("force", [None, Sinusoid(0.5, 1.3), np.cos], ids=["free", "sine", "cos"])
def test_five_thousand_steps_equal_the_step_loop(method, force):
    problem = DampedOscillator(damping=0.2, stiffness=2.0, force=force)
    assert_same_motion(problem, 0.01, 5000, method)


@pytest.mark.parametrize("method", ["euler_cromer", "rk4"])
def test_a_sinusoid_in_resonance_equals_the_step_loop(method):
    force = Sinusoid(0.5, angular_frequency=2.0, phase=0.3)
    assert_same_motion(DampedOscillator(stiffness=4.0, force=force), 0.01, 5000, method)


def test_a_sinusoid_late_in_time_is_taken_at_the_rounded_times():
    # Between rounded times near 1e6 s a turn by ωΔt would be wrong by ω · 1e-10 s.
    problem = DampedOscillator(
        damping=0.2, force=Sinusoid(1.0, 2.0), position=0.0, start_time=1e6 + 0.3
    )
    assert_same_motion(problem, 0.01, 1000, "euler")


@pytest.mark.parametrize("length", [FREE_LENGTH, FORCED_LENGTH])
@pytest.mark.parametrize("blocks", [1, 2, 3])
@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_no_number_of_steps_falls_between_the_blocks(length, blocks, extra):
    for force in (None, np.cos):
        assert_same_motion(DampedOscillator(force=force), 0.01, blocks * length + extra, "euler")


@pytest.mark.parametrize("batch", [2, 33, PART + 5, MANY + 5])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("force", ["none", "shared", "own", "tuned", "sampled"])
def test_ensembles_equal_the_step_loop(batch, shared, force):
    random = np.random.default_rng(0)
    amplitude = random.uniform(size=batch)
    forces = {
        "none": None,
        "shared": Sinusoid(1.0, 2.0),
        "own": Sinusoid(amplitude, 2.0, phase=amplitude),
        "tuned": Sinusoid(1.0, 1.0 + amplitude),
        "sampled": Sampled(np.linspace(0.0, 1.0, 11), random.normal(size=(batch, 11))),
    }
    parameters = {} if shared else {"damping": amplitude, "mass": 1.0 + amplitude}
    problem = DampedOscillator(
        force=forces[force], position=random.normal(size=batch), velocity=0.5, **parameters
    )
    assert_same_motion(problem, 0.01, 97, "rk4")


def test_what_runs_away_on_another_core_is_refused_without_a_warning_of_numpys():
    damping = np.zeros(MANY + 1)
    damping[-3] = 500.0  # each step of 0.1 s multiplies it by -49
    for force in (None, Sinusoid(1.0, 2.0), Sampled(np.arange(0.0, 60.0), np.zeros(60))):
        with pytest.raises(ValueError, match=f"of trajectory {MANY - 2} leaves the range"):
            simulate(DampedOscillator(damping=damping, force=force), 0.1, 300)


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_decay_and_coupled_oscillators_equal_the_step_loop(method):
    rates = np.linspace(0.1, 3.0, 6)
    assert_same_motion(Decay(rates, force=np.cos, start_time=1.0), 0.02, 333, method)
    chain = CoupledOscillators(
        masses=(1.0, 2.0, 3.0),
        stiffness=(1.0, 2.0, 0.5, 1.0),
        damping=0.3,
        force=(None, np.cos, Sinusoid(np.array([0.5, 1.0]), 2.0)),
        position=np.array([[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
    )
    assert_same_motion(chain, 0.02, 333, method)


@given(
    damping=st.floats(0.0, 30.0),
    stiffness=st.floats(1e-3, 30.0),
    num_steps=st.integers(1, 300),
    method=st.sampled_from(["euler", "euler_cromer", "rk4"]),
    forced=st.booleans(),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_every_regime_of_damping_equals_the_step_loop(
    damping, stiffness, num_steps, method, forced
):
    problem = DampedOscillator(
        damping=damping, stiffness=stiffness, force=np.cos if forced else None, velocity=1.0
    )
    assert_same_motion(problem, 0.002, num_steps, method)


def test_a_subclass_that_overrides_rhs_is_stepped_with_its_own():
    class Hardening(DampedOscillator):
        def rhs(self, t, x, v, ops=np):
            return super().rhs(t, x, v, ops) - x * x * x

    own, known = Hardening(damping=0.25), Duffing(damping=0.25)
    assert DampedOscillator().is_linear
    assert not own.is_linear
    ours, theirs = (simulate(problem, 0.01, 200).states for problem in (own, known))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
