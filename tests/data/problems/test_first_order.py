"""The pair dx/dt = v, dv/dt = rhs, against the problem that it comes from."""

import numpy as np
import pytest

from oscillator_zoo.data import (
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Duffing,
    FirstOrder,
    Sinusoid,
    Step,
    simulate,
)

PROBLEMS = [
    DampedOscillator(2.0, 0.3, 5.0, Sinusoid(0.5, 1.1, 0.2), 0.1, -0.3, 0.9),
    Duffing(damping=0.1, velocity=0.4),
    CoupledOscillators((1.0, 2.0), damping=(0.3, 0.6), position=(1.0, 0.0), velocity=(0.1, 0.2)),
]


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_a_stepper_takes_the_same_steps(problem, method):
    pair, single = (simulate(p, 0.05, 40, method) for p in (FirstOrder(problem), problem))
    np.testing.assert_allclose(pair.states, single.states, rtol=1e-12, atol=1e-13)
    assert pair.feature_names == single.feature_names


@pytest.mark.parametrize("problem", [PROBLEMS[0], PROBLEMS[2]])
def test_the_exact_motion_obeys_the_pair(problem):
    pair, times = FirstOrder(problem), problem.start_time + np.linspace(0.0, 3.0, 7)
    y, rate = pair.exact(times)
    step = 1e-4
    slope = (pair.exact(times[1:] + step)[0] - pair.exact(times[1:] - step)[0]) / (2.0 * step)
    np.testing.assert_allclose(rate[1:], slope, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(y, np.hstack(problem.exact(times)))


def test_energy_and_breakpoints_are_those_of_the_problem():
    problem = DampedOscillator(2.0, 0.0, 5.0, Step(1.0, 0.5), 0.3, -0.2)
    pair = FirstOrder(problem)
    assert pair.breakpoints == (0.5,)
    y, rate = pair.exact([0.0, 0.2])
    np.testing.assert_allclose(pair.energy(y, rate), problem.energy(y[:, :1], y[:, 1:]))


def test_energy_can_grow_where_that_of_the_problem_can():
    assert FirstOrder(Duffing(damping=0.1)).energy_never_grows
    assert not FirstOrder(Duffing(force=Sinusoid(1.0, 1.0))).energy_never_grows


def test_only_a_free_linear_problem_is_a_linear_pair():
    assert FirstOrder(PROBLEMS[2]).is_linear
    assert not FirstOrder(PROBLEMS[0]).is_linear and not FirstOrder(PROBLEMS[1]).is_linear


def test_a_configuration_makes_it_again():
    pair = FirstOrder(PROBLEMS[1])
    assert repr(FirstOrder.from_config(pair.get_config())) == repr(pair)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (Decay(), r"order 2\. Received: Decay"),
        (DampedOscillator(position=np.ones(2)), r"one trajectory.*select\(0\)"),
        (DampedOscillator(force=lambda t: np.sin(t)), "Received a plain function"),
        ("pair", "Received: 'pair'"),
    ],
)
def test_what_is_no_pair_is_refused(problem, message):
    with pytest.raises(ValueError, match=message):
        FirstOrder(problem)
