"""RK4 keeps its order where a force jumps or bends, on the grid and between its times."""

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from oscillator_zoo.data import (
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Duffing,
    Force,
    InitialValueProblem,
    Sampled,
    Sinusoid,
    Step,
    Trajectory,
    simulate,
)
from oscillator_zoo.data.stepping.smooth_steps import split_steps
from oscillator_zoo.data.stepping.step_loop import solve_stepwise
from oscillator_zoo.models.equation.sketch import Sketch
from oscillator_zoo.training.evaluation.baselines import stepped as baseline
from oscillator_zoo.training.evaluation.reference import reference_motion

END = 4.0


class Switched(Force):
    """A sin(2t) until t_s, a ramp after it; at t_s itself it still has the value before."""

    def __init__(self, time):
        self.time = time

    @property
    def breakpoints(self):
        return [self.time]

    def __call__(self, t, ops=np):
        return ops.where(t > self.time, 2.0 - 0.5 * t, ops.sin(2.0 * t))


class Bent(Force):
    """|t − t_s|."""

    def __init__(self, time):
        self.time = time

    @property
    def kinks(self):
        return (self.time,)

    def __call__(self, t, ops=np):
        return ops.absolute(t - self.time)


class Stiffened(InitialValueProblem):
    """A pendulum whose string is caught at t_s, and at π too."""

    breakpoints = (np.pi, 1.1)  # in any order

    def rhs(self, t, x, v, ops=np):
        stiffness = ops.where(t < 1.1, 1.0, ops.where(t <= np.pi, 9.0, 4.0))
        return -stiffness * ops.sin(x)


def integrated(rhs, state, breakpoints=()):
    """DOP853 from one breakpoint to the next; rhs(t, state, k) is smooth in piece k."""
    edges = (0.0, *breakpoints, END)
    for k, span in enumerate(itertools.pairwise(edges)):
        state = solve_ivp(
            lambda t, y, k=k: rhs(t, y, k), span, state, "DOP853", rtol=1e-12, atol=1e-13
        ).y[:, -1]
    return state


def oscillator(problem):
    return np.concatenate(problem.exact([END]), axis=-1)[..., 0, :]


def duffing(force, breakpoints):
    def rhs(t, s, k):
        return s[1], force(t, k) - 0.3 * s[1] - s[0] - s[0] ** 3

    return integrated(rhs, (1.0, 0.0), breakpoints)


def case(name):
    """A problem with a jump or a bend, and its state at the end from an independent source."""
    knots, values = np.array([-1.0, 0.53, 1.31, 2.92, 5.0]), np.array([0.0, 3.0, -2.0, 1.0, 0.5])
    kicks = DampedOscillator(damping=0.3, stiffness=2.0, force=Step(3.0, 1.0))
    if name == "step on the grid":
        return kicks, oscillator(kicks)
    if name == "step off the grid":
        return (p := kicks.with_parameters(force=Step(3.0, np.sqrt(2.0)))), oscillator(p)
    if name == "step, ensemble":
        problem = kicks.with_parameters(
            damping=np.array([0.0, 0.5, 5.0]), force=Step(np.array([3.0, -1.0, 2.0]), 1.7)
        )
        return problem, oscillator(problem)
    if name == "samples":
        return (p := kicks.with_parameters(force=Sampled(knots, values))), oscillator(p)
    if name == "samples, ensemble":
        rows = np.array([values, values[::-1]])
        return (p := kicks.with_parameters(force=Sampled(knots, rows))), oscillator(p)
    if name == "masses":
        forces = (Step(2.0, 0.7), Sampled(knots, values), None)
        problem = CoupledOscillators((1.0, 2.0, 3.0), force=forces)
        return problem, oscillator(problem)
    if name == "order 1":
        return (p := Decay(0.7, force=Step(2.0, 1.234))), p.exact([END])[0][0]
    if name == "duffing, step":
        problem = Duffing(damping=0.3, force=Step(3.0, 1.0))
        return problem, duffing(lambda t, k: 3.0 * k, (1.0,))
    if name == "duffing, samples":
        slopes = np.diff(values) / np.diff(knots)
        problem = Duffing(damping=0.3, force=Sampled(knots, values))
        return problem, duffing(
            lambda t, k: values[k] + slopes[k] * (t - knots[k]), knots[1:-1].tolist()
        )
    if name == "switched, on the grid":
        return Duffing(damping=0.3, force=Switched(1.0)), duffing(
            lambda t, k: 2.0 - 0.5 * t if k else np.sin(2.0 * t), (1.0,)
        )
    if name == "bent":
        return Duffing(damping=0.3, force=Bent(1.23)), duffing(
            lambda t, k: t - 1.23 if k else 1.23 - t, (1.23,)
        )
    if name == "function":

        def force(t):
            return np.where(t < 1.0, 0.0, np.cos(t))

        force.breakpoints = (1.0,)
        return Duffing(damping=0.3, force=force), duffing(lambda t, k: k * np.cos(t), (1.0,))
    if name == "equation":
        return Stiffened(position=2.0, velocity=0.0), integrated(
            lambda t, s, k: (s[1], -(1.0, 9.0, 4.0)[k] * np.sin(s[0])), (2.0, 0.0), (1.1, np.pi)
        )
    assert name == "jump at the start"
    problem = Duffing(damping=0.3, force=Switched(0.0))
    return problem, duffing(lambda t, k: 2.0 - 0.5 * t, ())


NAMES = (
    "step on the grid",
    "step off the grid",
    "step, ensemble",
    "samples",
    "samples, ensemble",
    "masses",
    "order 1",
    "duffing, step",
    "duffing, samples",
    "switched, on the grid",
    "bent",
    "function",
    "equation",
    "jump at the start",
)


@pytest.mark.parametrize("name", NAMES)
def test_rk4_has_order_4_across_jumps_and_bends(name):
    problem, expected = case(name)
    counts = np.array([160, 320, 640])
    errors = [
        np.abs(simulate(problem, END / n, n, "rk4").states[:, -1] - expected).max() for n in counts
    ]
    order = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert errors[0] < 3e-6
    assert order == pytest.approx(4.0, abs=0.15)


def stepped(problem, num_steps):
    times = END / num_steps * np.arange(num_steps + 1)
    return solve_stepwise(problem, times, END / num_steps, "rk4", "float64")


@pytest.mark.parametrize("name", ["step off the grid", "samples, ensemble", "masses"])
def test_blocks_differ_from_the_step_loop_by_less_than_the_error_of_a_step(name):
    problem, _ = case(name)
    states = simulate(problem, END / 400, 400, "rk4").states
    assert np.abs(states - stepped(problem, 400)).max() < 1e-9


def test_steps_that_a_jump_on_the_grid_only_touches_are_those_of_the_step_loop():
    problem, _ = case("step on the grid")
    difference = simulate(problem, 0.01, 400, "rk4").states - stepped(problem, 400)
    assert np.abs(difference).max() < 1e-13


@pytest.mark.parametrize("method", ["euler", "euler_cromer"])
def test_methods_of_order_1_are_the_plain_loop_across_a_jump(method):
    x, v, h = 1.0, 0.0, 0.03
    expected = [(x, v)]
    for i in range(100):
        a = ((2.0 if i * h >= 1.0 else 0.0) - 0.25 * v - (1.0 + x * x) * x) / 1.0
        if method == "euler":
            x, v = x + h * v, v + h * a
        else:
            v = v + h * a
            x = x + h * v
        expected.append((x, v))
    problem = Duffing(damping=0.25, force=Step(2.0, 1.0))
    np.testing.assert_array_equal(simulate(problem, h, 100, method).states[0], expected)


@pytest.mark.parametrize(
    "force",
    [None, Sinusoid(1.0, 2.0), np.cos, Step(1.0, 9.0), Step(1.0, -1.0)],
    ids=["free", "sine", "function", "later", "earlier"],
)
def test_no_step_is_cut_without_a_jump_on_the_way(force):
    assert split_steps(DampedOscillator(force=force), 0.1 * np.arange(41)) is None


def test_samples_at_the_times_of_the_grid_cut_no_step():
    force = Sampled(np.linspace(0.0, 4.0, 41), np.random.default_rng(0).normal(size=41))
    assert split_steps(DampedOscillator(force=force), 0.1 * np.arange(41)) is None


def test_a_jump_is_found_at_a_grid_time_that_was_rounded_otherwise():
    assert 3 * 0.1 != 0.3
    pieces = split_steps(DampedOscillator(force=Step(1.0, 0.3)), 0.1 * np.arange(11))
    assert pieces.step.tolist() == [2, 3]
    np.testing.assert_allclose(pieces.length, 0.1, rtol=1e-15)


def test_several_jumps_in_one_step_are_all_cut_at():
    force = Sampled([0.0, 0.52, 0.55, 0.58, 2.0], [0.0, 1.0, -1.0, 1.0, 0.0])
    pieces = split_steps(DampedOscillator(force=force), 0.1 * np.arange(11))
    assert pieces.step.tolist() == [5, 5, 5, 5]
    np.testing.assert_allclose(pieces.start, [0.5, 0.52, 0.55, 0.58], rtol=1e-15)
    np.testing.assert_allclose(pieces.length, [0.02, 0.03, 0.03, 0.02], rtol=1e-12)
    assert [rank.tolist() for rank in pieces.by_rank()] == [[0], [1], [2], [3]]


def test_breakpoints_that_are_no_times_are_refused():
    class Broken(InitialValueProblem):
        breakpoints = (float("nan"),)

        def rhs(self, t, x, v, ops=np):
            return -x

    with pytest.raises(ValueError, match=r"breakpoints of Broken must be a finite real.* in s"):
        simulate(Broken(position=1.0, velocity=0.0), 0.1, 10, "rk4")


@pytest.mark.parametrize("name", ["duffing, samples", "switched, on the grid", "equation"])
def test_the_reference_motion_is_right_whether_jumps_are_among_its_times_or_not(name):
    problem, expected = case(name)
    motion = reference_motion(problem, np.linspace(0.0, END, 81))
    assert motion.error < 1e-9
    assert np.abs(np.hstack([motion.position, motion.velocity])[-1] - expected).max() < 1e-9


def test_rk4_as_a_baseline_has_order_4_across_a_jump():
    errors = []
    for num in (40, 80):
        problem = DampedOscillator(damping=0.3, stiffness=2.0, force=Step(3.0, 1.0))
        times = np.linspace(0.0, END, num + 1)
        states = np.hstack(problem.exact(times))[None]
        trajectory = Trajectory(
            times, states, problem.feature_names, problem.force_values(times), problem
        )
        warm_up = num // 8
        forecast = baseline(trajectory, warm_up, num + 1 - warm_up, "rk4")
        errors.append(np.abs(forecast - states[:, warm_up:]).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4.0, abs=0.2)


def test_the_first_look_of_a_pinn_goes_round_a_jump():
    problem, expected = case("duffing, step")
    assert np.abs(Sketch(problem, END).states[-1] - expected).max() < 3e-7
