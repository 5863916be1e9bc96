"""Exact runs of the linear law: against an integrator, differences and Runge–Kutta's steps."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from oscillator_zoo.training.law_fits.oscillator_laws import LAWS
from oscillator_zoo.training.law_fits.record_list import Record
from oscillator_zoo.training.multiple_shooting import run_linear_windows, run_windows, windows_of

LAW, CONSTANTS = LAWS["linear"], np.array([1.3, 0.2, 0.7])  # s, d, G


def laid(quantity="position", course="linear", time_step=0.4):
    """Two driven records of noise at different rates, cut into windows."""
    draw = np.random.default_rng(0).normal
    records = [
        Record(
            name=f"record {i}",
            times=time_step * (1.0 + 0.3 * i) * np.arange(90),
            values=draw(size=90),
            force=draw(size=90),
            quantity=quantity,
            kept=np.ones(90, bool),
        )
        for i in range(2)
    ]
    windows = windows_of(records, 1.0, (1.0, 1.0), 4.0, course)
    return records, windows, draw(size=(len(windows.step), 2))


def test_the_first_window_ends_where_an_integrator_does():
    (record, _), windows, starts = laid()

    def rate(t, z):
        u = np.interp(t, record.times, record.force / record.force.std())
        return [z[1], CONSTANTS[2] * u - CONSTANTS[1] * z[1] - CONSTANTS[0] * z[0]]

    windows = windows._replace(force=windows.force / record.force.std())
    run = run_linear_windows(LAW, CONSTANTS, starts, windows)
    state = starts[0]
    for before, after in zip(record.times, record.times[1:]):  # the force has a kink between
        if before >= windows.start[1] - 1e-9:
            break
        state = solve_ivp(rate, (before, after), state, "DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
    np.testing.assert_allclose(run.ends[0], state, atol=1e-10)  # of the integrator


@pytest.mark.parametrize("quantity", ["position", "velocity", "acceleration"])
@pytest.mark.parametrize("time_step", [0.05, 0.4])  # RK4 there, the method of order 8 here
def test_it_is_the_run_of_all_laws(quantity, time_step):
    _, windows, starts = laid(quantity, "smooth", time_step)
    own = CONSTANTS[:, None] * np.random.default_rng(1).uniform(0.8, 1.2, (3, len(starts)))
    for constants in (CONSTANTS, own):
        run = run_linear_windows(LAW, constants, starts, windows)
        plain = run_windows(LAW, constants, starts, windows)
        for one, other in zip(run, plain):  # whose methods err by 1e-7
            np.testing.assert_allclose(one, other, rtol=0.0, atol=1e-6)


def test_derivatives_are_differences():
    _, windows, starts = laid()
    run, h = run_linear_windows(LAW, CONSTANTS, starts, windows), 1e-5
    for i, change in enumerate(h * np.eye(3)):
        up, down = (
            run_linear_windows(LAW, CONSTANTS + sign * change, starts, windows) for sign in (1, -1)
        )
        slopes = (up.values - down.values) / (2.0 * h)
        np.testing.assert_allclose(run.slopes[:, 2 + i], slopes, atol=1e-7)  # h² and 1e-16/h
        slopes = (up.ends - down.ends) / (2.0 * h)
        np.testing.assert_allclose(run.end_slopes[:, :, 2 + i], slopes, atol=1e-7)


def test_a_run_that_leaves_all_numbers_is_not_finite():
    _, windows, starts = laid()
    run = run_linear_windows(LAW, np.array([-1e300, 0.0, 1.0]), starts, windows)
    assert not np.isfinite(run.ends).any()
