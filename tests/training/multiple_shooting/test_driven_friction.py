"""Driven runs under dry friction: against an integrator with events, and differences."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from oscillator_zoo.training.law_fits.record_list import Record
from oscillator_zoo.training.multiple_shooting import run_driven_with_friction, windows_of

STEP = 0.22  # between samples


def slid(constants, force, start, times):
    """x, v by DOP853 from event to event under a force that is straight between `times`.

    While σ = 0 the mass rests, until the force on it passes ±f.
    """
    s, d, f, gain = constants
    x, v = start
    motion, way = [start], np.sign(v) or held(gain * force[0] - s * x, f)
    for now, then, u, change in zip(times, times[1:], force, np.diff(force)):
        pull = straight(now, gain * u, gain * change / (then - now))
        while now < then:
            if way == 0.0:
                now, way = broken_away(pull, s * x, f, now, then)
                continue
            run = moving(pull, (s, d, f * way), (now, then), (x, v))
            now, (x, v) = run.t[-1], run.y[:, -1]
            if run.status == 1:
                v, way = 0.0, held(pull(now) - s * x, f)
        motion.append((x, v))
    return np.array(motion).T


def straight(begin, value, slope):
    return lambda t: value + slope * (t - begin)


def held(drive, f):
    return 0.0 if abs(drive) <= f else np.sign(drive)


def broken_away(pull, spring, f, now, then):
    """When a mass at rest is drawn by ±f, and where to; the end of the step if it is not."""
    if held(pull(now) - spring, f):
        return now, np.sign(pull(now) - spring)
    if not held(pull(then) - spring, f):
        return then, 0.0
    way = np.sign(pull(then) - spring)
    return brentq(lambda t: way * (pull(t) - spring) - f, now, then, xtol=1e-15), way


def moving(pull, constants, span, start):
    """The motion while the velocity has the sign of its friction."""
    s, d, friction = constants
    way = np.sign(friction)
    begun = span[0] + 1e-7  # until then the speed of a mass that was at rest is rounding
    stop = lambda t, y: way * y[1] if t > begun else 1.0  # noqa: E731
    stop.terminal, stop.direction = True, -1
    slope = lambda t, y: [y[1], pull(t) - d * y[1] - s * y[0] - friction]  # noqa: E731
    given = {"rtol": 1e-12, "atol": 1e-14, "events": stop}
    # An event that comes and goes within a step of the integrator is not seen.
    return solve_ivp(slope, span, start, "DOP853", max_step=STEP / 16, **given)


def laid(quantity, course):
    random, times = np.random.default_rng(0), STEP * np.arange(121)
    force = np.sin(0.9 * times) + 0.5 * random.normal(size=121)
    one = Record("one", times, np.sin(times), force, quantity, np.ones(121, bool))
    return windows_of([one], 1.0, (1.0, 1.0), 4.0, course), times, force


STARTS = np.array([[0.6, -0.3], [-0.2, 0.0]])


@pytest.mark.parametrize("f", [0.02, 0.3, 0.9])
def test_the_runs_are_those_of_an_integrator_with_events(f):
    constants = np.array([1.1, 0.06, f, 0.8])
    resting = 0
    for quantity in ("position", "velocity", "acceleration"):
        windows, times, force = laid(quantity, "linear")
        run = run_driven_with_friction(constants, STARTS, windows)
        for k, start in enumerate(STARTS):
            first = round(windows.start[k] / STEP)
            here = slice(first, first + windows.num_steps[k] + 1)
            x, v = slid(constants, force[here], start, times[here] - times[first])
            way = np.sign(v)
            way[0] = way[0] or held(0.8 * force[first] - 1.1 * x[0], f)
            a = np.where(way == 0.0, 0.0, 0.8 * force[here] - 0.06 * v - 1.1 * x - f * way)
            values = {"position": x, "velocity": v, "acceleration": a}[quantity]
            mine = windows.window == k
            # Series and DOP853 err by 1e-14 and 1e-12 a step; friction makes neither grow.
            np.testing.assert_allclose(run.values[mine], values[: mine.sum()], atol=1e-11)
            np.testing.assert_allclose(run.ends[k], [x[-1], v[-1]], atol=1e-11)
            resting += np.sum(v[1:] == 0.0)
    assert (resting > 20) == (f == 0.9)


@pytest.mark.parametrize("course", ["smooth", "linear", "held"])
@pytest.mark.parametrize("f", [-0.02, 0.0, 0.3, 0.9])
def test_the_sensitivities_are_the_differences(f, course):
    constants, starts = np.array([1.1, 0.06, f, 0.8]), STARTS + [0.0, 1e-3]
    windows = laid("acceleration" if course == "held" else "position", course)[0]
    run, step = run_driven_with_friction(constants, starts, windows), 1e-6
    for i, move in enumerate(step * np.eye(6)):
        after, before = (
            run_driven_with_friction(constants + sign * move[2:], starts + sign * move[:2], windows)
            for sign in (1.0, -1.0)
        )
        # Differences of order 2, whose rounding is 1e-16 / step.
        slope = (after.values - before.values) / (2.0 * step)
        np.testing.assert_allclose(run.slopes[:, i], slope, atol=1e-7)
        ends = (after.ends - before.ends) / (2.0 * step)
        np.testing.assert_allclose(run.end_slopes[:, :, i], ends, atol=1e-7)


def test_a_speed_that_falls_through_zero_and_rises_within_a_step_is_seen():
    times, force = 0.5 * np.arange(4), np.array([0.0, -2.6, 2.6, 2.6])
    one = Record("one", times, times, force, "velocity", np.ones(4, bool))
    windows = windows_of([one], 1.0, (1.0, 1.0), 1.0, "linear")
    constants, start = np.array([1.0, 0.0, 0.3, 1.0]), (0.0, 0.9)
    finer = np.arange(61) / 40.0
    v = slid(constants, np.interp(finer, times, force), start, finer)[1]
    assert v[20] > 0.0 and v[40] > 0.0 and v[20:40].min() < -0.1
    run = run_driven_with_friction(constants, np.array([start]), windows)
    np.testing.assert_allclose(run.values, v[::20], atol=1e-9)  # of the series at half a radian


def test_a_start_at_rest_has_the_derivatives_without_friction():
    windows = laid("position", "linear")[0]
    starts, plain = np.zeros((2, 2)), np.array([1.1, 0.06, 0.0, 0.8])
    run = run_driven_with_friction(plain + [0.0, 0.0, 0.5, 0.0], starts, windows)
    np.testing.assert_array_equal(
        run.slopes[:, :2], run_driven_with_friction(plain, starts, windows).slopes[:, :2]
    )
