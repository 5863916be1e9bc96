"""Dry friction, free and driven: against integrators, the closed form, and differences."""

import keras
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from oscillator_zoo.data import MeasuredOscillator, Trajectory, simulate
from oscillator_zoo.models import OscillatorCell
from oscillator_zoo.training import identify
from oscillator_zoo.training.instrument.identifying import _with_friction
from oscillator_zoo.training.instrument.score_tests import bic_of_friction
from oscillator_zoo.training.law_fits.record_list import Record
from oscillator_zoo.training.multiple_shooting import run_with_friction, windows_of

FURTHER = pytest.mark.further
MOST = 4.0  # standard errors between truth and estimate: one in 16,000


def slid(s, d, f, start, times):
    """x, v by DOP853 from one velocity zero to the next; it rests where s|x| ≤ f."""
    motion, now, state = np.zeros((2, len(times))), times[0], np.array(start)
    way = np.sign(state[1]) or -np.sign(state[0])
    while now < times[-1]:
        stop = lambda t, y: way * y[1] if t > now + 1e-9 else 1.0  # noqa: B023, E731
        stop.terminal, stop.direction = True, -1
        slope = lambda t, y: [y[1], -d * y[1] - s * y[0] - f * way]  # noqa: B023, E731
        given = {"rtol": 1e-12, "atol": 1e-14, "events": stop, "dense_output": True}
        run = solve_ivp(slope, (now, times[-1]), state, "DOP853", **given)
        here = (times >= now) & (times <= run.t[-1])
        motion[:, here] = run.sol(times[here])
        now, state = run.t[-1], run.y[:, -1]
        if run.status != 1:
            break
        if s * abs(state[0]) <= f:
            motion[:, times >= now] = [[state[0]], [0.0]]
            break
        way = -np.sign(state[0])
    return motion


def record(times, values, quantity="position"):
    force = np.zeros((1, len(times), 1))
    return Trajectory(times, values[None, :, None], (quantity,), force)


@pytest.fixture(scope="module", params=["position", "velocity", "acceleration"])
def laid(request):
    times = np.sort(np.random.default_rng(0).uniform(0.0, 40.0, 300))
    one = Record("one", times, np.sin(times), None, request.param, np.ones(300, bool))
    return windows_of([one], 1.0, (1.0, 1.0), 4.0, None)


CONSTANTS = np.array([1.1, 0.03, 0.05])
STARTS = np.array([[1.0, 0.4], [0.12, 0.0], [-0.3, 0.2], [0.02, 0.04], [-0.9, -0.5]])


def test_the_pieces_are_those_of_an_integrator_with_events(laid):
    assert len(laid.step) == len(STARTS)
    run = run_with_friction(CONSTANTS, STARTS, laid)
    s, d, f = CONSTANTS
    for k, start in enumerate(STARTS):
        mine = laid.window == k
        times = (laid.at_step + laid.share)[mine] * laid.step[k]
        x, v = slid(s, d, f, start, np.r_[0.0, times, laid.step[k] * laid.num_steps[k]])
        a = np.where(v == 0.0, 0.0, -d * v - s * x - f * np.sign(v))
        values = {"position": x, "velocity": v, "acceleration": a}[laid.quantity]
        np.testing.assert_allclose(run.values[mine], values[1:-1], atol=1e-10)  # of DOP853
        np.testing.assert_allclose(run.ends[k], [x[-1], v[-1]], atol=1e-10)
    assert np.any(run.ends[:, 1] == 0.0) and np.any(run.ends[:, 1] != 0.0)  # some stick


def test_the_sensitivities_are_the_differences(laid):
    run, step = run_with_friction(CONSTANTS, STARTS, laid), 1e-6
    starts = STARTS + [0.0, 1e-3]  # where a start is at rest, v0 has no derivative
    run = run_with_friction(CONSTANTS, starts, laid)
    for i in range(5):
        move = step * np.eye(5)[i]
        after, before = (
            run_with_friction(CONSTANTS + sign * move[2:], starts + sign * move[:2], laid)
            for sign in (1.0, -1.0)
        )
        slope = (after.values - before.values) / (2.0 * step)
        np.testing.assert_allclose(run.slopes[:, i], slope, atol=1e-7)  # step² / f²
        ends = (after.ends - before.ends) / (2.0 * step)
        np.testing.assert_allclose(run.end_slopes[:, :, i], ends, atol=1e-7)


def test_a_decay_by_equal_steps_is_dry_friction_alone():
    """Without viscous damping every half period takes 2f/s off: known in closed form."""
    s, f, start = 9.0, 0.2, 1.0
    times = 0.05 * np.arange(800)
    half = np.floor(times * np.sqrt(s) / np.pi)
    last = np.ceil((s * start / f - 1.0) / 2.0)  # half swings until s|x| ≤ f
    sizes = start - (2.0 * half + 1.0) * f / s
    x = sizes * np.cos(np.sqrt(s) * times) + (-1.0) ** half * f / s
    x[half >= last] = (-1.0) ** last * (start - 2.0 * last * f / s)
    assert last < half[-1]
    values = x + 0.01 * np.random.default_rng(3).normal(size=800)
    found = identify(record(times, values), model="dry_friction")
    truth = {"natural_frequency": 1.5 / np.pi, "dry_friction": f, "damping_ratio": 0.0}
    for name, value in truth.items():
        one = found.estimates[name]
        assert abs(one.value - value) < MOST * one.standard_error < 0.02
    assert found.fit.closed and [d.partition(":")[0] for d in found.doubts] == [
        "The damping is not above 0 by more than its error"
    ]


@pytest.fixture(scope="module")
def stuck():
    """A decay with both losses that sticks after two thirds of its time, x and v besides."""
    times = np.sort(np.random.default_rng(1).uniform(0.0, 20.0, 400))
    motion = slid(16.0, 0.2, 0.3, [0.6, -1.0], times - times[0])
    assert np.mean(motion[1] == 0.0) > 0.2
    values = motion[0] + 5.0 + 0.003 * np.random.default_rng(2).normal(size=400)
    return record(times, values), motion


@pytest.fixture(scope="module")
def found(stuck):
    return identify(stuck[0], model="dry_friction")


@pytest.mark.slow
def test_auto_names_dry_friction(stuck, found):
    best = identify(stuck[0])
    assert best.law == "dry_friction" and best.estimates == found.estimates
    assert best.comparison["quadratic_drag"].bic > best.comparison["dry_friction"].bic + 10.0


def test_a_decay_with_both_losses_is_taken_apart(found):
    assert found.doubts == []
    truth = {"natural_frequency": 2.0 / np.pi, "damping_ratio": 0.025, "dry_friction": 0.3}
    for name, value in truth.items():
        one = found.estimates[name]
        assert abs(one.value - value) < MOST * one.standard_error < 0.1 * value
    assert "x/s²" in str(found) and "sticks" in str(found)


def test_its_problem_moves_like_the_record(stuck, found):
    problem = found.problem
    assert isinstance(problem, MeasuredOscillator) and problem.dry_friction > 0.0
    run = simulate(problem, 2e-3, 9000, method="rk4")
    times = stuck[0].times
    x = np.interp(times, run.times, run.feature("position")[0])
    inside = times < run.times[-1]
    # At a dozen turns a step errs in x'' by 2f: by at most 2f Δt in v, 3e-4 in x, all of one sign.
    np.testing.assert_allclose(x[inside], stuck[1][0][inside], atol=4e-3)


def test_at_rest_friction_holds_what_it_can():
    problem = MeasuredOscillator(squared_frequency=2.0, dry_friction=0.5)
    x = np.array([0.1, -0.2, 1.0, -1.0])
    np.testing.assert_allclose(problem.rhs(0.0, x, np.zeros(4)), [0.0, 0.0, -1.5, 1.5])
    np.testing.assert_allclose(problem.rhs(0.0, x, np.full(4, -0.1)), [0.3, 0.9, -1.5, 2.5])
    with pytest.raises(ValueError, match="dry_friction"):
        MeasuredOscillator(dry_friction=-0.5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "quantity",
    ["acceleration", *(pytest.param(q, marks=FURTHER) for q in ("position", "velocity"))],
)
def test_the_cell_turns_and_sticks(quantity):
    times = 0.02 * np.arange(200)
    x, v = slid(16.0, 0.2, 1.5, [0.6, -1.0], times)
    assert np.sum(v == 0.0) > 20 and np.sum(np.diff(np.sign(v)) != 0.0) >= 3
    a = np.where(v == 0.0, 0.0, -0.2 * v - 16.0 * x - 1.5 * np.sign(v))
    truth = {"position": x, "velocity": v, "acceleration": a}[quantity]
    cell = OscillatorCell(0.02, 16.0, 0.2, dry_friction=1.5, quantity=quantity, dtype="float64")
    force, start = keras.Input((None, 1), dtype="float64"), keras.Input((3,), dtype="float64")
    layer = keras.layers.RNN(cell, return_sequences=True, dtype="float64")
    model = keras.Model([force, start], layer(force, initial_state=[start]))
    run = model.predict([np.zeros((1, 199, 1)), np.array([[0.6, -1.0, 0.0]])], verbose=0)
    np.testing.assert_allclose(run[0, :, 0], truth[1:], atol=2e-5)  # of RK4 at .08 rad, in x''


def test_the_cell_breaks_away_within_a_step():
    """Without a spring, x'' = j τ from there: v = j τ²/2, x = j τ³/6, which RK4 has exactly."""
    cell = OscillatorCell(0.1, 0.0, dry_friction=1.5, dtype="float64")
    number = lambda value: keras.ops.convert_to_tensor([[value]], dtype="float64")  # noqa: E731
    for way in (1.0, -1.0):
        force = number(way), number(3.0 * way)  # 1.5 after a quarter of the step
        x, v = cell.step_with_friction(number(2.0), number(0.0), force, 0.1)
        np.testing.assert_allclose(v, way * 20.0 * 0.075**2 / 2.0, rtol=1e-12)
        np.testing.assert_allclose(x, 2.0 + way * 20.0 * 0.075**3 / 6.0, rtol=1e-12)


def stuck_at_times(times, force, f=0.6):
    """x under f by small steps of the trapezoid, at rest where v changes sign: off by 1e-4."""
    x, v, motion, parts = 0.3, 0.0, [0.3], 100
    h = (times[1] - times[0]) / parts
    for u, change in zip(force, np.diff(force)):
        for part in range(parts):
            drive = 2.0 * (u + change * (part + 0.5) / parts) - 4.0 * x - 0.3 * v
            way = np.sign(v) or np.sign(drive) * (abs(drive) > f)
            before, a = v, drive - f * way if way else 0.0
            v = before + h * (a - 2.0 * h * before) / (1.0 + 0.15 * h)
            v = 0.0 if v * way < 0.0 else v
            x += 0.5 * h * (before + v)
        motion.append(x)
    return np.array(motion)


@pytest.fixture(scope="module")
def driven():
    """Two records of ten periods that stick now and then: x'' + .3 x' + .6 sign x' + 4 x = 2 u."""
    random, times = np.random.default_rng(5), 0.1 * np.arange(300)
    records = []
    for turn in (0.0, 2.0):
        force = 0.6 * np.sin(1.3 * times + turn) + 0.5 * np.sin(2.4 * times)
        x = stuck_at_times(times, force)
        values = 7.0 + x + 0.005 * random.normal(size=300)
        motion = values[None, :, None], ("position",), force[None, :, None]
        records.append(Trajectory(times, *motion))
    return records


@pytest.fixture(scope="module")
def pushed(driven):
    return identify(driven, model="dry_friction", force_between="linear")


@pytest.mark.slow
def test_friction_is_found_under_a_force(pushed):
    truth = {"natural_frequency": 1.0 / np.pi, "damping_ratio": 0.075, "mass": 0.5}
    truth |= {"damping": 0.15, "stiffness": 2.0, "dry_friction": 0.3}
    assert pushed.fit.closed and pushed.doubts == []
    for name, value in truth.items():
        one = pushed.estimates[name]
        assert abs(one.value - value) < MOST * one.standard_error < 0.2 * value
    assert " F" in str(pushed) and "G u" in pushed.equation


@pytest.fixture(scope="module")
def fitted(driven, pushed):
    return driven[0].feature("position")[0] - pushed.residuals[0]


def test_the_problem_of_a_driven_record_sticks_like_it(pushed, fitted):
    problem = pushed.problem
    assert isinstance(problem, MeasuredOscillator) and problem.dry_friction > 0.0
    run = simulate(problem, 0.01, 2000, method="rk4")
    x = run.feature("position")[0][::10] + pushed.offsets[0]
    # At 30 turns a step errs in x'' by 2f: by at most 2f Δt in v, .006, of all signs.
    np.testing.assert_allclose(x, fitted[:201], atol=0.01)


@pytest.mark.slow
def test_the_model_of_a_driven_record_sticks_like_it(pushed, fitted):
    steps = pushed.model.predict(pushed.model_inputs(), verbose=0)
    np.testing.assert_allclose(steps[0, :, 0], fitted[1:], atol=1e-4)  # of RK4 at .08 rad


@pytest.mark.slow
def test_auto_names_friction_under_a_force(driven, pushed):
    found = identify(driven, force_between="linear")
    assert found.law == "dry_friction" and found.doubts == []
    for name, one in pushed.estimates.items():  # from another start
        assert abs(found.estimates[name].value - one.value) < 1e-3 * one.standard_error


@pytest.mark.parametrize("f", [0.0, 0.03])
def test_the_score_is_what_a_search_for_weak_friction_gains(f):
    times = 0.1 * np.arange(400)
    force = 0.6 * np.sin(1.3 * times) + 0.5 * np.sin(2.4 * times)
    x = stuck_at_times(times, force, f) + 0.005 * np.random.default_rng(4).normal(size=400)
    one = Trajectory(times, x[None, :, None], ("position",), force[None, :, None])
    linear, full = (
        identify(one, model=name, force_between="linear") for name in ("linear", "dry_friction")
    )
    score = bic_of_friction(linear.fit)
    gained = full.comparison["dry_friction"].bic - linear.comparison["linear"].bic
    assert (score < -10.0) == (f > 0.0)
    assert score == pytest.approx(gained, rel=0.1)  # to first order in f over the spring's force
    # The same residual turned round asks for a friction that pushes along, which is none.
    turned = linear.fit._replace(error=-linear.fit.error)
    assert bic_of_friction(turned) == np.inf
    assert _with_friction([turned], linear.records) == []
