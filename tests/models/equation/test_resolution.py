"""Windows are cut where a motion is too fast for them, and nowhere else."""

import itertools

import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator, Duffing, InitialValueProblem, Step
from oscillator_zoo.models import PINN, LevenbergMarquardt
from oscillator_zoo.models.equation import sketch
from oscillator_zoo.models.equation.resolution import motion_at, unresolved
from oscillator_zoo.models.equation.sketch import Sketch
from oscillator_zoo.models.trial_solution.time_windows import edges_by_rule


class Kepler(InitialValueProblem):
    """A planet at its perihelion, x'' = −x/|x|³, of period 2π."""

    dimension = 2

    def __init__(self, eccentricity):
        self.eccentricity = eccentricity
        speed = float(np.sqrt((1.0 + eccentricity) / (1.0 - eccentricity)))
        super().__init__([1.0 - eccentricity, 0.0], [0.0, speed])

    def rhs(self, t, x, v, ops=np):
        squares = ops.sum(x * x, axis=-1, keepdims=True)
        return -x / (squares * ops.sqrt(squares))


def bells(places, width):
    return lambda t: sum(np.exp(-(((t - place) / width) ** 2)) for place in places)


def test_what_a_polynomial_of_degree_12_can_follow_is_resolved():
    edges = np.array([0.0, 1.0, 2.0, 4.0])
    polynomial = np.polynomial.Chebyshev([1.0] * 13, domain=[0.0, 4.0])
    assert not unresolved(lambda t: polynomial(t)[:, None] / 13.0, edges).any()
    bend = unresolved(lambda t: np.abs(t - 1.3)[:, None], edges)
    np.testing.assert_array_equal(bend, [False, True, False])


def test_a_motion_between_steps_keeps_its_side_of_a_jump():
    """x'' = −x + [t ≥ 1]: cos t, then 1 + (cos t − cos(t − 1)); steps of 0.03 s do not meet 1."""
    times = np.linspace(0.0, 2.4, 81)

    def state(t):
        late = t >= 1.0
        x = np.cos(t) + late * (1.0 - np.cos(t - 1.0))
        v = -np.sin(t) + late * np.sin(t - 1.0)
        return np.stack([x, v], axis=-1)

    states = state(times)
    rates = np.stack([states[:, 1], -states[:, 0] + (times >= 1.0)], axis=-1)
    t = np.linspace(0.0, 2.4, 1001)
    found = motion_at(times, states, rates, [1.0], t)
    np.testing.assert_allclose(found, state(t), rtol=0, atol=2e-7)  # h⁴/384, and 4 h⁴/24 there
    assert np.abs(motion_at(times, states, rates, [], t) - state(t)).max() > 1e-5


@pytest.mark.parametrize(
    "problem",
    [DampedOscillator(stiffness=9.0), Duffing(damping=0.1), Duffing(force=Step(0.3, 1.2))],
    ids=["harmonic", "duffing", "step"],
)
def test_ordinary_motions_have_the_windows_of_their_angle(problem):
    motion = Sketch(problem, 10.0)
    parts = len(set(motion.rough_times)) + 1
    assert len(edges_by_rule(motion)) - 1 <= np.ceil(motion.angle[-1] / 2.0) + parts


@pytest.mark.parametrize("width", [3e-4, 3e-3, 3e-2, 0.1, 0.3])
def test_windows_beside_pulses_are_short_enough(width):
    """Least squares of degree 16 by NumPy, in every window, of a force that peaks at 1."""
    force = bells([2.1, 7.77], width)
    problem = DampedOscillator(force=force, position=0.0)
    edges = np.array(edges_by_rule(Sketch(problem, 10.0)))
    assert len(edges) < 100
    for begin, end in itertools.pairwise(edges):
        t = np.linspace(begin, end, 400)
        follows = np.polynomial.Chebyshev.fit(t, force(t), 16)
        assert np.abs(follows(t) - force(t)).max() < 1e-6


class Friction(InitialValueProblem):
    """Dry friction, which jumps with v and holds the mass in the end."""

    def rhs(self, t, x, v, ops=np):
        return -x - 0.2 * ops.sign(v)


def test_an_equation_that_jumps_with_the_velocity_is_refused_with_time_and_cure(monkeypatch):
    monkeypatch.setattr(sketch, "MOST_STEPS", 4000)  # enough, and quick
    message = r"continuous in x and v\. Received Friction.*near t = \d.* s, as dry friction.*tanh"
    with pytest.raises(ValueError, match=message):
        Sketch(Friction(1.0, 0.0), 10.0)


def test_a_window_is_halved_only_so_often_where_a_motion_bends():
    class Backlash(InitialValueProblem):
        def rhs(self, t, x, v, ops=np):
            return -10.0 * ops.maximum(x - 0.5, 0.0) - 0.1 * x

    edges = edges_by_rule(Sketch(Backlash(1.0, 0.0), 10.0))
    assert len(edges) < 150 and np.diff(edges).min() > 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(
    "problem",
    [Kepler(0.9), DampedOscillator(damping=0.1, force=bells([4.321], 0.07))],
    ids=["kepler", "pulse"],
)
def test_fast_parts_are_solved_with_the_defaults(problem):
    pinn = PINN(problem, 7.0, seed=0)
    pinn.compile(LevenbergMarquardt())
    pinn.fit(epochs=1, verbose=0)
    assert pinn.optimizer.method == "readout solve"
    assert np.abs(pinn.residual(np.linspace(0.0, 7.0, 5001))).max() < 1e-6
    if isinstance(problem, Kepler):  # a whole turn later it is where it began
        np.testing.assert_allclose(pinn([2.0 * np.pi]), [[0.1, 0.0]], rtol=0, atol=1e-6)


def test_nearness_to_corners_is_that_of_each_time_with_each_corner():
    times, corners = np.linspace(0.0, 1.0, 101), [0.02, 0.505, 0.51, 0.97]
    expected = (np.abs(times[:, None] - corners) < 2.0 * (times[1] - times[0])).any(axis=1)
    np.testing.assert_array_equal(sketch.is_near(times, corners), expected)
    assert not sketch.is_near(times, ()).any()
