"""Long records: windows run block by block, joined in few steps, by the laws that may be true."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from oscillator_zoo.data import Trajectory
from oscillator_zoo.training import identify
from oscillator_zoo.training.law_fits.oscillator_laws import LAWS
from oscillator_zoo.training.law_fits.record_list import Record
from oscillator_zoo.training.multiple_shooting import Shooting, run_windows, windows_of
from oscillator_zoo.training.multiple_shooting.shooting import Point
from oscillator_zoo.training.multiple_shooting.window_descent import weighed
from oscillator_zoo.training.multiple_shooting.window_runs import AT_ONCE

MOST = 4.0  # standard errors between truth and estimate: one in 16,000


def test_many_windows_run_like_the_closed_form():
    times = 0.7 * np.arange(14 * AT_ONCE)
    one = Record("one", times, np.sin(times), None, "velocity", np.ones(len(times), bool))
    windows = windows_of([one], 1.0, (1.0, 1.0), 4.0, None)
    assert len(windows.step) > AT_ONCE + 2
    starts = np.random.default_rng(0).normal(size=(len(windows.step), 2))
    run = run_windows(LAWS["linear"], np.array([1.3, 0.2]), starts, windows)
    alpha, omega = 0.1, np.sqrt(1.3 - 0.01)

    def velocity(t, x, v):
        wave = (alpha * v + 1.3 * x) / omega
        return np.exp(-alpha * t) * (v * np.cos(omega * t) - wave * np.sin(omega * t))

    passed = (windows.at_step + windows.share) * windows.step[windows.window]
    exact = velocity(passed, *starts[windows.window].T)
    np.testing.assert_allclose(run.values, exact, atol=3e-5)  # of quintics over a quarter radian
    np.testing.assert_allclose(run.slopes[:, 0], velocity(passed, 1.0, 0.0), atol=3e-5)
    ends = velocity(windows.step * windows.num_steps, *starts.T)
    np.testing.assert_allclose(run.ends[:, 1], ends, atol=1e-7)  # of order eight there


def test_gaps_weigh_what_closing_them_costs():
    """An error that grows a little while gaps close is progress; one that doubles is not."""
    times = 0.5 * np.arange(60)
    one = Record("one", times, np.sin(times), None, "position", np.ones(60, bool))
    shooting = Shooting(LAWS["linear"], windows_of([one], 1.0, (1.0, 1.0), 4.0, None))
    starts = np.zeros((len(shooting.windows.step), 2))
    point, before = Point(np.array([1.0, 0.0]), np.zeros(1), starts), shooting.first_weight
    state = shooting.state(point, shooting.groups(99), before)
    open_ = state._replace(error=np.ones(4), gaps=np.full((2, 2), 1e-6))
    for error, is_progress in ((np.full(4, 1.0001), True), (np.full(4, 2.0), False)):
        closed = state._replace(error=error, gaps=np.zeros((2, 2)))
        one, other = weighed(open_, closed)
        assert (other.merit < one.merit) == is_progress
        assert (one.weight > before) == is_progress and one.weight == other.weight


@pytest.mark.slow
def test_auto_goes_on_to_all_terms_where_the_residual_asks_for_them():
    truth = {"quadratic_drag": 0.02, "quadratic_stiffness": 1.0, "cubic_stiffness": 2.0}
    times, (q, s2, s3) = 0.25 * np.arange(1300), truth.values()

    def slope(t, y):
        x, v = y
        return [v, -9.0 * x - 0.02 * v - q * abs(v) * v - (s2 + s3 * x) * x**2]

    given = {"t_eval": times, "rtol": 1e-10, "atol": 1e-12}
    x = solve_ivp(slope, (0.0, times[-1]), [1.0, 0.0], "DOP853", **given).y[0]
    values = x + 0.003 * np.random.default_rng(0).normal(size=1300)
    motion = Trajectory(times, values[None, :, None], ("position",), np.zeros((1, 1300, 1)))
    found = identify(motion)
    assert found.law == "all_terms" and found.doubts == []
    for name, value in truth.items():
        one = found.estimates[name]
        assert abs(one.value - value) < MOST * one.standard_error < 0.3 * value
    assert "pendulum" not in found.comparison  # 150 periods; the first 60 rule it out
