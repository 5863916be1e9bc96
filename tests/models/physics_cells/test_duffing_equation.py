"""The Duffing equation fitted to noisy records at any sampling rate, and when it is refused."""

import numpy as np
import pytest
from marks import further_but_for
from scipy.integrate import solve_ivp

from oscillator_zoo.models import (
    DuffingCell,
    ResponseModel,
    duffing_estimates,
    fit_duffing,
    fit_one_step,
    read_duffing,
    start_like,
)
from oscillator_zoo.models.physics_cells import duffing_equation, duffing_windows
from oscillator_zoo.models.physics_cells.duffing_runs import force_between, free_runs
from oscillator_zoo.models.physics_cells.weak_form import weak_form_guesses

MASS, DAMPING, STIFFNESS, CUBIC = 1.0, 0.8, 120.0, 300.0  # 1.743 Hz, ζ = .0365
TRUTH = {
    "natural_frequency": np.sqrt(STIFFNESS / MASS) / (2.0 * np.pi),
    "damping_ratio": 0.5 * DAMPING / np.sqrt(STIFFNESS * MASS),
    "mass": MASS,
    "damping": DAMPING,
    "stiffness": STIFFNESS,
    "quadratic_stiffness": 0.0,
    "cubic_stiffness": CUBIC,
}


def record(rate, noise=0.0, num=1500, course="linear", seed=0, size=6.0, **constants):
    """Time step, force and position; RK4 in small steps that end where the samples are."""
    random = np.random.default_rng(seed)
    time_step, parts = 1.0 / (rate * TRUTH["natural_frequency"]), max(4, int(160 / rate))
    force = size * np.sqrt(max(rate / 6.0, 1.0)) * random.normal(size=num)
    damping, cubic = constants.get("damping", DAMPING), constants.get("cubic", CUBIC)
    shares = np.arange(2 * parts + 1) / (2 * parts) * (course == "linear")
    x, v, h, positions = 0.0, 0.0, time_step / parts, [0.0]

    def slope(x, v, u):
        return v, (u - damping * v - STIFFNESS * x - cubic * x**3) / MASS

    for i in range(num - 1):
        u = (force[i] + shares * (force[i + 1] - force[i])).tolist()
        for j in range(0, 2 * parts, 2):
            a, b = slope(x, v, u[j])
            c, d = slope(x + 0.5 * h * a, v + 0.5 * h * b, u[j + 1])
            e, f = slope(x + 0.5 * h * c, v + 0.5 * h * d, u[j + 1])
            p, q = slope(x + h * e, v + h * f, u[j + 2])
            x += h * (a + 2.0 * c + 2.0 * e + p) / 6.0
            v += h * (b + 2.0 * d + 2.0 * f + q) / 6.0
        positions.append(x)
    positions = np.array(positions)
    return time_step, force, positions + noise * positions.std() * random.normal(size=num)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "noise", "course"),
    further_but_for(
        [(6, 0.01, "held"), (57, 0.01, "linear"), (200, 0.05, "held")], (6, 0.01, "held")
    ),
)
def test_constants_are_within_their_errors_at_any_rate(rate, noise, course):
    time_step, force, position = record(rate, noise, course=course)
    fit = fit_duffing(force, position, time_step)
    assert fit.course == course
    assert fit.rmse == pytest.approx(noise * position.std(), rel=0.1)
    for name, true in TRUTH.items():
        estimate = fit.estimates[name]
        assert abs(estimate.value - true) < 4.0 * estimate.standard_error, name
        assert estimate.standard_error < 0.05 * (abs(true) or CUBIC), name


@pytest.mark.further
@pytest.mark.parametrize(
    ("rate", "num", "size", "constants"),
    [
        (6, 400, 8.0, {"cubic": -300.0}),
        (20, 400, 12.0, {"damping": 6.0}),
        (20, 800, 2.0, {"damping": 0.05}),
        (150, 800, 12.0, {"cubic": -300.0, "damping": 4.0}),
    ],
)
def test_other_oscillators_in_short_records_in_other_units(rate, num, size, constants):
    """Softening, heavily and lightly damped; in µm and mN, with an offset, 3 % noise."""
    time_step, force, position = record(rate, 0.03, num, "held", 1, size, **constants)
    assert np.isfinite(position).all()
    fit = fit_duffing(1e3 * force, 1e6 * position + 2e5, time_step)
    truth = {
        "natural_frequency": TRUTH["natural_frequency"],
        "damping": 1e-3 * constants.get("damping", DAMPING),
        "stiffness": 1e-3 * STIFFNESS,
        "cubic_stiffness": 1e-15 * constants.get("cubic", CUBIC),
    }
    assert fit.rmse == pytest.approx(0.03 * 1e6 * position.std(), rel=0.1)
    for name, true in truth.items():
        estimate = fit.estimates[name]
        assert abs(estimate.value - true) < 4.0 * estimate.standard_error, name
        assert estimate.standard_error < 0.3 * abs(true), name


@pytest.mark.slow
def test_an_oscillator_that_another_force_drives_has_no_constants():
    time_step, _, position = record(12, 0.01, num=400)
    force = np.random.default_rng(9).normal(size=400)
    with pytest.raises(ValueError, match=r"No constants were found|Received a force that hardly"):
        fit_duffing(force, position, time_step)


@pytest.fixture(scope="module")
def few():
    """Scaled positions and force of a short record, and its period in samples."""
    _, force, position = record(20, 0.05, num=400)
    y = (position - position.mean()) / position.std()
    return y, force / force.std(), 20.0


def test_short_windows_and_one_run_find_the_same_oscillator(few):
    y, u, period = few
    short = duffing_windows.fit_in_windows(y, u, period, "linear")
    assert short.search.num_windows == 7 and short.starts.shape == (7, 2)
    assert np.sqrt(short.variance) == pytest.approx(0.05, rel=0.15)
    whole = duffing_windows.in_longest_windows(short)
    assert whole.search.num_windows == 1 and len(whole.error) == 400
    np.testing.assert_allclose(whole.constants[[0, 4]], short.constants[[0, 4]], rtol=0.1)
    assert duffing_windows.largest_bend(whole) < 0.05
    assert duffing_windows.in_trusted_windows(whole, short) is whole


def test_where_one_run_bends_the_longest_straight_windows_stay(few, monkeypatch):
    """As a chaotic motion does: errors that are no straight line in the constants."""
    y, u, period = few
    short = duffing_windows.fit_in_windows(y, u, period, "linear")
    whole = duffing_windows.in_longest_windows(short)
    monkeypatch.setattr(duffing_windows, "largest_bend", lambda found: found.search.window / 150)
    monkeypatch.setattr(duffing_windows, "BENT", 1.0)
    straight = duffing_windows.in_trusted_windows(whole, short)
    assert straight.search.window == 120 and straight.search.num_windows == 4
    assert np.sqrt(straight.variance) == pytest.approx(0.05, rel=0.15)


def test_what_a_beginning_tells_goes_on_over_the_whole_record(few):
    y, u, period = few
    begun = duffing_windows.fit_in_windows(y[:200], u[:200], period, "linear")
    found = duffing_windows.over_whole_record(begun, y, u, period)
    assert found.search.num_windows == 7 and found.search.window == begun.search.window
    assert np.sqrt(found.variance) == pytest.approx(0.05, rel=0.15)


def test_what_has_no_numbers_bends_and_what_has_no_errors_does_not(few):
    y, u, period = few
    short = duffing_windows.fit_in_windows(y, u, period, "linear")
    lost = short._replace(constants=np.full(6, np.nan))
    assert duffing_windows.largest_bend(lost) == np.inf
    exact = short._replace(error=0.0 * short.error, square=0.0)
    assert duffing_windows.largest_bend(exact) == 0.0


def test_the_rest_is_a_root_of_the_springs_force_where_one_is_near():
    rest = duffing_equation._rest(1.0, 0.2, 0.5, 0.7)
    assert rest + 0.2 * rest**2 + 0.5 * rest**3 == pytest.approx(0.7, rel=1e-14)
    assert duffing_equation._rest(-1.0, 0.0, 0.5, 0.7) == 0.0  # a spring that pushes away


@pytest.mark.parametrize("gain", [0.0, 0.5])
def test_constants_without_a_spring_or_a_force_are_none(gain):
    spring = -1.0 if gain else 1.0
    with pytest.raises(ValueError, match=rf"a spring. Received s_1 = {spring:g} and G = {gain:g}"):
        duffing_equation._constants((spring, 0.1, 0.0, 0.0, gain, 0.0), 1.0, (0.0, 1.0, 1.0))


def test_constants_that_move_the_run_alike_are_refused(few, monkeypatch):
    def singular(*arguments):
        raise np.linalg.LinAlgError

    y, u, period = few
    found = duffing_windows.fit_in_windows(y, u, period, "linear")
    monkeypatch.setattr(duffing_equation, "estimates_at_minimum", singular)
    with pytest.raises(ValueError, match="Received constants that cannot be told apart"):
        duffing_equation._estimates({"linear": found}, 0.01, (0.0, 1.0, 1.0))


def test_windows_are_least_squares_with_starts_of_their_own(few):
    """The step of the eliminated equations is that of all of them at once."""
    y, u, _ = few
    search = duffing_windows.Search(y, u, 0.3, "linear", 90)
    constants = np.array([1.0, 0.1, 0.0, 0.3, 0.5, 0.0])
    starts = np.random.default_rng(0).normal(size=(5, 2))
    error = search.found(constants, starts).error
    by_constants, by_starts = search.jacobian(constants, starts)
    full = np.zeros((len(y), 16))
    full[:, :6] = by_constants
    for window in range(5):
        rows = slice(90 * window, min(90 * (window + 1), len(y)))
        full[rows, 6 + 2 * window : 8 + 2 * window] = by_starts[rows]
    step = -np.linalg.lstsq(full, error, rcond=None)[0]
    moves, own = search._moves(by_constants, by_starts, error, starts_only=False)
    np.testing.assert_allclose(moves[0], step[:6], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(own[0].ravel(), step[6:], rtol=1e-5, atol=1e-6)
    projected, _ = duffing_windows.without_starts(search, by_constants, by_starts)
    covariance = np.linalg.inv(full.T @ full)[:6, :6]
    np.testing.assert_allclose(np.linalg.inv(projected.T @ projected), covariance, rtol=1e-6)


def test_courses_that_are_as_likely_widen_the_intervals(few):
    y, u, period = few
    found = duffing_windows.in_longest_windows(
        duffing_windows.fit_in_windows(y, u, period, "linear")
    )
    moved = found._replace(constants=found.constants * [1.1, 1, 1, 1, 1, 1])
    alone, beside = (
        duffing_equation._estimates(dict(one), 0.01, (0.0, 1.0, 1.0))["natural_frequency"]
        for one in ([("linear", found)], [("linear", found), ("held", moved)])
    )
    assert beside.value == alone.value
    apart = alone.value * (np.sqrt(1.1) - 1.0)
    assert beside.standard_error == pytest.approx(apart / np.sqrt(2.0), rel=0.2)
    assert beside.upper - beside.value > 5.0 * (alone.upper - alone.value)


def test_guesses_hardly_feel_the_noise_of_fine_sampling():
    """200 samples in a period, 5 % noise: differences of neighbours show nothing else."""
    time_step, force, position = record(200, 0.05, num=3000)
    guesses = weak_form_guesses(position / position.std(), force / force.std(), "linear")
    frequency = np.sqrt(np.abs(guesses[:, 0])) / time_step / (2.0 * np.pi)
    damping = guesses[:, 1] / time_step
    near = (np.abs(frequency / TRUTH["natural_frequency"] - 1.0) < 0.1) & (
        np.abs(damping - DAMPING / MASS) < 0.5 * DAMPING / MASS
    )
    assert near.any()
    model = ResponseModel(DuffingCell(position_scale=position.std(), dtype="float64"))
    fit_one_step(model, (force[None, 1:, None], position[None, :4, None]), position[None, 1:, None])
    with pytest.raises(ValueError, match="must be those of a driven oscillator"):
        read_duffing(model.cell, time_step)


def test_free_runs_are_those_of_another_integrator():
    """Two oscillators, each under two forces from a start of its own."""
    forces = np.random.default_rng(1).normal(size=(2, 40))
    constants = np.array([[1.0, 0.1, 0.2, 0.5, 0.7, 0.1], [2.0, 0.0, 0.0, 0.0, 1.0, 0.0]])
    starts = np.array([[[0.3, -0.2], [0.1, 0.0]], [[0.0, 1.0], [-0.5, 0.2]]])
    between = np.stack([force_between(force, 40, "linear") for force in forces])
    runs = free_runs(constants, starts, between, 0.8 / 40)
    times = 0.8 * np.arange(40)

    def slope(t, z, window, s1, d, s2, s3, gain, constant):
        y, v = z
        force_now = gain * np.interp(t, times, forces[window]) + constant
        return v, force_now - d * v - s1 * y - s2 * y**2 - s3 * y**3

    for i, window in np.ndindex(2, 2):
        exact = solve_ivp(
            slope,
            times[[0, -1]],
            starts[i, window],
            method="DOP853",
            args=(window, *constants[i]),
            rtol=1e-10,
            atol=1e-12,
            max_step=0.1,
            t_eval=times,
        )
        np.testing.assert_allclose(runs[i, window], exact.y[0], rtol=0, atol=5e-6)


def test_a_force_between_samples_is_held_linear_or_smooth():
    samples = np.arange(200)
    force = np.cos(2.0 * np.pi * samples / 5.0)
    np.testing.assert_array_equal(force_between(force, 2, "held")[3], np.full(5, force[3]))
    linear = force_between(force, 2, "linear")[3]
    np.testing.assert_allclose(linear, np.linspace(force[3], force[4], 5), rtol=0, atol=1e-14)
    smooth = force_between(force, 2, "smooth")[50:150]
    exact = np.cos(2.0 * np.pi * (samples[50:150, None] + np.arange(5) / 4.0) / 5.0)
    np.testing.assert_allclose(smooth, exact, rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def fine():
    """A record with 57 samples in a period and 1 % noise, and the fit of its equation."""
    time_step, force, position = record(57, 0.01, num=1200)
    return time_step, force, position, fit_duffing(force, position, time_step)


def model_of(force, position, num_known=None):
    cell = DuffingCell(
        position_scale=position.std(),
        position_offset=position.mean(),
        force_scale=force.std(),
        num_known=num_known,
        dtype="float64",
    )
    known = position[None, : cell.num_known, None]
    return ResponseModel(cell), (force[None, 1:, None], known), position[None, 1:, None]


@pytest.mark.slow
def test_a_run_that_starts_nearest_to_fifty_positions_forgives_their_noise(fine):
    _, force, position, fit = fine
    errors = {}
    for num_known in (4, 50):
        model, x, y = model_of(force, position, num_known)
        start_like(model, fit, force)
        errors[num_known] = np.sqrt(np.mean((model.free_run(x) - y)[:, 50:] ** 2)) / y.std()
    assert errors[50] < 0.012 < 0.02 < errors[4]


@pytest.mark.slow
def test_estimates_are_those_of_the_equation_where_it_is_as_near(fine):
    time_step, force, position, fit = fine
    model, x, y = model_of(force, position, 50)
    start_like(model, fit, force)
    assert read_duffing(model.cell, time_step)["cubic_stiffness"] == pytest.approx(CUBIC, rel=0.02)
    estimates = duffing_estimates(model, time_step, x, y, fit)
    assert estimates.source == "equation" and dict(estimates) == fit.estimates
    assert estimates.linear_rmse > 10.0 * estimates.rmse
    assert "the equation, integrated between the samples with a linear force" in estimates.note
    assert str(estimates).startswith("natural_frequency: ") and "95 %" in str(estimates)
    twice = [np.repeat(part, 2, axis=0) for part in (*x, y)]  # no single record for the equation
    of_two = duffing_estimates(model, time_step, tuple(twice[:2]), twice[2])
    assert of_two.source == "recurrence" and "read from its weights" in of_two.note
    values = {name: estimate.value for name, estimate in of_two.items()}
    assert values == pytest.approx(read_duffing(model.cell, time_step))


@pytest.mark.slow
def test_no_constants_without_a_better_run_than_a_linear_recurrences():
    random = np.random.default_rng(0)
    force, position = random.normal(size=(2, 600))
    model, x, y = model_of(force, position)
    fit_one_step(model, x, y)
    message = (
        r"No constants were found.*Received RMSE / standard deviation [\d.]+ of the free run, "
    )
    with pytest.raises(ValueError, match=message + r"[\d.]+ of a linear autoregression"):
        duffing_estimates(model, 0.1, x, y)


@pytest.mark.slow
def test_no_constants_where_the_errors_are_a_motion(fine):
    time_step, force, position, fit = fine
    other = 3.0 * position.std() * np.cos(0.05 * np.arange(len(position)))
    model, x, y = model_of(force, position + other, 4)
    start_like(model, fit, force)
    with pytest.raises(ValueError, match=r"must be noise. .*recurrence predicts \d+% of them"):
        duffing_estimates(model, time_step, x, y, fit._replace(position=position))


@pytest.mark.parametrize(
    ("force", "position", "message"),
    [
        (
            np.ones(110),
            np.ones(61),
            r"one shape \(N,\), N ≥ 100. Received shapes \(110,\) and \(61,\)",
        ),
        (np.arange(9.0), np.arange(9.0), r"N ≥ 100. Received shapes \(9,\)"),
        (np.arange(110.0), np.full(110, np.nan), r"finite numbers. Received NaN"),
        (np.arange(110.0), np.ones(110), r"must vary. Received standard deviations 31.7\d+ and 0"),
    ],
)
def test_records_without_an_oscillator_are_refused(force, position, message):
    with pytest.raises(ValueError, match=message):
        fit_duffing(force, position, 0.1)


def test_an_unknown_course_is_refused():
    with pytest.raises(ValueError, match=r"course must be .*Received: 'hold'. Did you mean 'held'"):
        fit_duffing(np.arange(110.0), np.cos(np.arange(110.0)), 0.1, course="hold")


@pytest.mark.further
def test_a_run_that_leaves_the_numbers_after_the_beginning_is_refused(monkeypatch):
    """The beginning of a long record fits, but the oscillator found there runs away later."""

    class RunsAway(duffing_windows.Search):
        def errors(self, *numbers):
            return super().errors(*numbers) + np.where(np.arange(len(self.y)) < 700, 0.0, np.inf)

    monkeypatch.setattr(duffing_equation, "PIECE_SAMPLES", 400)
    monkeypatch.setattr(duffing_windows, "Search", RunsAway)
    time_step, force, position = record(8, num=900)
    with pytest.raises(ValueError, match="Received no run that stays finite"):
        fit_duffing(force, position, time_step, course="linear")
