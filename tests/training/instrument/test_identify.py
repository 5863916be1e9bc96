"""Constants from records: against closed forms, an independent integrator, and what breaks it."""

import dataclasses
import itertools
import types

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline

from oscillator_zoo.data import (
    DampedOscillator,
    Duffing,
    MeasuredOscillator,
    Pendulum,
    Trajectory,
    load_measurement,
    simulate,
)
from oscillator_zoo.models import OscillatorCell
from oscillator_zoo.training import identify
from oscillator_zoo.training.instrument import identifying, record_doubts
from oscillator_zoo.training.instrument.found_constants import estimates_of, unit_of_constant
from oscillator_zoo.training.instrument.identified import problem_of
from oscillator_zoo.training.instrument.record_doubts import doubts_of
from oscillator_zoo.training.law_fits import weak_guesses
from oscillator_zoo.training.law_fits.linear_decay import fit_linear_decay
from oscillator_zoo.training.law_fits.oscillator_laws import LAWS
from oscillator_zoo.training.law_fits.record_list import Record, as_records
from oscillator_zoo.training.law_fits.weak_guesses import spectral_rate
from oscillator_zoo.training.multiple_shooting.window_runs import Windows, run_windows

MOST = 4.0  # standard errors between truth and estimate: one in 16,000


def decay(times, frequency=1.5, ratio=0.02, phase=0.3, size=1.0):
    """A linear decay in closed form."""
    omega = 2.0 * np.pi * frequency
    damped = omega * np.sqrt(1.0 - ratio**2)
    return size * np.exp(-ratio * omega * times) * np.cos(damped * times + phase)


def record(times, values, force=None, quantity="position"):
    force = np.zeros_like(times) if force is None else force
    return Trajectory(times, values[None, :, None], (quantity,), force[None, :, None])


def moved(acceleration, times, start):
    """A motion by an integrator that the code under test does not use: position, velocity."""
    return solve_ivp(
        lambda t, s: [s[1], acceleration(t, *s)],
        (times[0], times[-1]),
        start,
        "DOP853",
        t_eval=times,
        rtol=1e-10,
        atol=1e-12,
    ).y


def assert_found(result, **truth):
    for name, value in truth.items():
        estimate = result.estimates[name]
        assert abs(estimate.value - value) < MOST * estimate.standard_error, name
        assert estimate.lower < estimate.value < estimate.upper


@pytest.fixture(scope="module")
def two_decays():
    """Uneven times with a gap, an offset, and noise of a tenth of the signal."""
    random = np.random.default_rng(1)
    records = []
    for phase in (0.3, 2.0):
        times = np.sort(random.uniform(0.0, 20.0, 700))
        values = (
            decay(times, phase=phase) + 5.0 + 0.1 * decay(times).std() * random.normal(size=700)
        )
        values[200:280] = np.nan
        records.append(record(times, values))
    return records


@pytest.fixture(scope="module")
def linear(two_decays):
    return identify(two_decays, model="linear")


def test_uneven_decays_with_gaps_share_their_constants(linear):
    assert_found(linear, natural_frequency=1.5, damping_ratio=0.02, quality_factor=25.0)
    assert_found(linear, logarithmic_decrement=2.0 * np.pi * 0.02 / np.sqrt(1.0 - 0.02**2))
    assert linear.doubts == []
    np.testing.assert_allclose(linear.offsets, 5.0, atol=0.05)


def test_windows_and_the_closed_form_find_the_same_motion(two_decays, linear):
    by_windows = identify(two_decays, model="duffing")
    assert by_windows.rmse <= linear.rmse
    assert by_windows.rmse == pytest.approx(linear.rmse, rel=0.01)
    assert_found(by_windows, natural_frequency=1.5, damping_ratio=0.02, cubic_stiffness=0.0)


def test_the_result_prints_as_a_table(linear):
    text = str(linear)
    for word in ("95 % interval", "quality_factor", "Hz", "Ljung–Box", "Nothing speaks against"):
        assert word in text
    assert repr(linear) == "Identified(linear, 2 record(s), 0 doubt(s))"


def test_the_plot_has_record_residual_and_autocorrelation(linear):
    axes = linear.plot(1)
    assert len(axes) == 3 and axes[2].get_ylabel() == "autocorrelation"
    assert axes[0].get_ylabel() == "position (its unit)"
    with pytest.raises(ValueError, match="three Matplotlib Axes"):
        linear.plot(ax=axes[0])


def test_the_plot_has_the_unit_that_the_file_names():
    times = np.arange(0.0, 30.0, 0.05)
    table = {"time (s)": times, "x (mm)": decay(times) + 0.01 * np.sin(97.0 * times)}
    axes = identify(load_measurement(table), model="linear").plot()
    assert axes[0].get_ylabel() == "position (mm)" and " mm rms" in axes[0].get_title()
    assert axes[1].get_ylabel() == "record − fit (mm)"


def test_an_accelerometer_on_a_softening_spring():
    """As a telephone writes it: times of its own, acceleration, no force."""
    random, steps = np.random.default_rng(3), np.full(500, 0.02)
    times = 100.0 + np.cumsum(steps * random.uniform(0.8, 1.2, 500))
    truth = lambda t, x, v: -40.0 * x - 0.3 * v + 25.0 * x**3  # noqa: E731
    x, v = moved(truth, times, [0.7, 0.0])
    values = truth(0.0, x, v) + 9.81 + 0.3 * random.normal(size=500)
    found = identify(record(times, values, quantity="acceleration"), model="duffing")
    ratio = 0.15 / np.sqrt(40.0)
    frequency = np.sqrt(40.0) / (2.0 * np.pi)
    assert_found(found, natural_frequency=frequency, damping_ratio=ratio, cubic_stiffness=-25.0)
    assert found.offsets[0] == pytest.approx(9.81, abs=0.1)


@pytest.fixture(scope="module")
def shaken():
    """A mass on a shaken base: the way from the base under minus the base's acceleration."""
    random = np.random.default_rng(4)
    times = 0.15 * np.arange(400)
    base = random.normal(size=400)

    def acceleration(t, x, v):
        return -np.interp(t, times, base) - 0.8 * v - 30.0 * x

    pieces, state = [[0.1, 0.0]], [0.1, 0.0]
    for begin, end in itertools.pairwise(times):  # the force bends at every sample
        state = moved(acceleration, np.array([begin, end]), state)[:, -1]
        pieces.append(state)
    position = np.array(pieces)[:, 0]
    values = position + 0.05 * position.std() * random.normal(size=400)
    values[100:110] = np.nan
    return record(times, values, base), position


@pytest.fixture(scope="module")
def base_excited(shaken):
    return identify(shaken[0], model="linear", force_between="linear")


@pytest.mark.slow
def test_the_course_of_the_force_is_found(shaken):
    assert identify(shaken[0], model="linear").fit.course == "linear"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["duffing", "quadratic_drag"])
def test_auto_takes_the_equation_that_made_the_record(name):
    times = 0.05 * np.arange(600)
    extra = {"duffing": lambda x, v: 4.0 * x**3, "quadratic_drag": lambda x, v: 0.3 * abs(v) * v}
    x, _ = moved(lambda t, x, v: -9.0 * x - 0.1 * v - extra[name](x, v), times, [1.0, 0.0])
    found = identify(record(times, x + 0.01 * np.random.default_rng(8).normal(size=600)))
    assert found.law == name and found.doubts == []
    assert found.comparison["linear"].bic > found.comparison[name].bic + 10.0


def test_a_base_excited_record(base_excited):
    frequency = np.sqrt(30.0) / (2.0 * np.pi)
    assert_found(base_excited, natural_frequency=frequency, mass=-1.0)
    assert_found(base_excited, damping_ratio=0.4 / np.sqrt(30.0))
    assert base_excited.doubts == []


def fit_of(given, found):
    kept = np.isfinite(given.states[0, :, 0])
    return given.states[0, kept, 0] - found.residuals[0]


def test_the_cell_steps_like_the_fit(shaken, base_excited):
    (_, _, layer) = base_excited.model.layers
    inputs, run = base_excited.model_inputs(), []
    state = [inputs["start"]]
    for force in inputs["force"][0, :5]:
        output, state = layer.cell(force[None], state)
        run.append(float(output[0, 0]))
    atol = 2e-5 * shaken[1].std()
    np.testing.assert_allclose(run, fit_of(shaken[0], base_excited)[1:6], atol=atol)


@pytest.mark.slow
def test_the_keras_model_runs_like_the_fit(shaken, base_excited):
    run = base_excited.model.predict(base_excited.model_inputs(), verbose=0)[0, :90, 0]
    atol = 2e-5 * shaken[1].std()
    np.testing.assert_allclose(run, fit_of(shaken[0], base_excited)[1:91], atol=atol)


def test_every_argument_of_the_cell_is_kept():
    given = dict.fromkeys(("damping_rate", "quadratic_drag", "quadratic_stiffness"), 0.1)
    given |= {"cubic_stiffness": 0.3, "gain": 2.0, "offset": 0.4, "quantity": "acceleration"}
    cell = OscillatorCell(0.1, 2.0, pendulum=True, held=True, dtype="float64", **given)
    again = OscillatorCell.from_config(cell.get_config())
    state = np.array([[0.2, -0.3, 0.5]])
    for one, other in zip(cell(np.ones((1, 1)), [state]), again(np.ones((1, 1)), [state])):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    with pytest.raises(ValueError, match="quantity must be one of"):
        OscillatorCell(0.1, quantity="speed")


def test_the_problem_moves_like_the_fit(two_decays):
    found = identify(two_decays, model="quadratic_drag")
    times = found.records[1].times
    run = simulate(found.problem_for(1), (times[-1] - times[0]) / 4000, 4000, method="rk4")
    fit = found.records[1].values - found.residuals[1] - found.offsets[1]
    motion = CubicSpline(run.times, run.feature("position")[0])
    np.testing.assert_allclose(motion(times), fit, atol=1e-6)


def test_a_nonlinear_decay_is_no_linear_one():
    times = 0.05 * np.arange(400)
    x, _ = moved(lambda t, x, v: -9.0 * x - 0.1 * v - 6.0 * x**3, times, [1.0, 0.0])
    values = x + 0.01 * np.random.default_rng(5).normal(size=400)
    found = identify(record(times, values), model="linear")
    assert any("not white" in doubt and "autocorrelation" in doubt for doubt in found.doubts)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t, x: (t[:30], x[:30]), "shorter than a period"),
        (lambda t, x: (t, np.clip(x, -0.6, 0.6)), "clipped"),
        (lambda t, x: (t[::30], x[::30]), "too slow"),
        (
            lambda t, x: (t, decay(t, ratio=0.0) + 0.01 * np.sin(1e5 * t)),
            "damping is not above 0 by more than its error",
        ),
    ],
)
def test_doubts_are_sentences_with_numbers(change, words):
    times = 0.0101 * np.arange(1000)
    values = decay(times) + 1e-3 * np.random.default_rng(6).normal(size=1000)
    found = identify(record(*change(times, values)), model="linear")
    assert any(words in doubt for doubt in found.doubts), found.doubts


TWO_FORCES = Trajectory(
    np.arange(50.0), np.arange(50.0)[None, :, None], ("position",), np.ones((1, 50, 2))
)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "at least one record"),
        (record(np.arange(50.0), np.ones(50)), "must move"),
        (record(np.arange(5.0), np.arange(5.0)), "at least 12 samples"),
        (record(np.arange(50.0) ** 1.1, np.arange(50.0), np.arange(50.0)), "equal steps"),
        (record(np.arange(50.0), np.arange(50.0), quantity="current"), "must measure one of"),
        (TWO_FORCES, r"A record has one force\. Received 2 in record 1\. Choose one"),
        (
            record(np.arange(9.0).repeat(2) + [0, 0.5] * 9, np.arange(18.0), np.full(18, np.nan)),
            "gaps",
        ),
    ],
)
def test_what_is_no_record_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        identify(given)


def test_a_trajectory_needs_no_reading():
    message = "sampling_rate say how a file is read. Received them beside a Trajectory"
    with pytest.raises(ValueError, match=message):
        identify(record(np.arange(50.0), np.sin(np.arange(50.0))), sampling_rate=10.0)


def test_what_is_pushed_away_is_no_oscillator():
    """A pencil on its tip: x'' = 4 x − x' + u."""
    times, draws = 0.1 * np.arange(40), np.random.default_rng(0)
    force = draws.normal(size=40)
    x, _ = moved(lambda t, x, v: np.interp(t, times, force) + 4.0 * x - v, times, [0.0, 0.0])
    message = r"must show an oscillation\. Received records in which no run of linear stays finite"
    with pytest.raises(ValueError, match=message):
        identify(record(times, x, force), model="linear", force_between="linear")


def test_a_driven_record_is_cut_at_its_gaps(shaken, base_excited):
    given, kept = shaken[0], np.ones(400, bool)
    kept[200:210] = False
    cut = dataclasses.replace(
        given,
        times=given.times[kept],
        states=given.states[:, kept],
        force=given.force[:, kept],
        input_kind="base_acceleration",
    )
    found = identify(cut, model="linear", force_between="linear")
    assert [len(one.times) for one in found.records] == [200, 190]
    assert_found(found, mass=-1.0)
    assert found.estimates["mass"].value != base_excited.estimates["mass"].value


def test_much_damping_is_no_alias():
    """Noise that used to send the search beyond the sampling rate, to the same wave once more."""
    random, times = np.random.default_rng(20660), np.arange(180) / 30.0
    for _ in range(59):
        phase, noise = random.uniform(0.0, 2.0 * np.pi), random.normal(size=180)
    alpha, damped = 1.2 * np.pi, 1.6 * np.pi
    sine = (2.0 * np.pi * np.sin(phase) + alpha * np.cos(phase)) / damped
    x = np.cos(phase) * np.cos(damped * times) + sine * np.sin(damped * times)
    x = x * np.exp(-alpha * times)
    found = fit_linear_decay([one_of(times, x + 0.2 * x.std() * noise + 0.5)])
    assert found.frequency == pytest.approx(damped, rel=0.2)


def one_of(times, values):
    return Record("one", times, values, None, "position", np.ones(len(times), bool))


def test_two_swings_of_a_pendulum_are_not_two_frequencies():
    """Large swings take longer: no single frequency is near both, nor near the constant."""
    random, times, records = np.random.default_rng(2), 0.08 * np.arange(250), []
    for start in (1.7, 2.3):
        x, _ = moved(lambda t, x, v: -36.0 * np.sin(x) - 0.005 * v, times, [start, 0.0])
        records.append(record(times, x + 0.01 * random.normal(size=250)))
    found = identify(records, model="pendulum")
    assert_found(found, natural_frequency=3.0 / np.pi, damping_ratio=0.005 / 12.0)


def test_a_record_may_have_a_scale_of_its_own():
    """A spring that hardens tells how large a swing was, whatever the sensor makes of it."""
    random, times, records = np.random.default_rng(9), 0.08 * np.arange(150), []
    for start, scale in ((1.0, 1.0), (0.7, 2.5)):
        x, _ = moved(lambda t, x, v: -9.0 * x - 0.1 * v - 6.0 * x**3, times, [start, 0.0])
        records.append(record(times, scale * x + 0.01 * random.normal(size=150)))
    found = identify(records, model="duffing", scale="own")
    assert_found(found, natural_frequency=1.5 / np.pi, cubic_stiffness=6.0)
    assert found.scales[0] == 1.0 and found.scales[1] == pytest.approx(2.5, rel=0.01)
    assert found.doubts == [] and found.fit.num_unknowns == 3 + 4 + 2 + 1


def test_a_driven_pendulum_that_goes_over_the_top():
    times = 0.1 * np.arange(300)
    force = lambda t: 2.0 * np.sin(0.9 * t) + 2.5 * np.cos(2.3 * t + 1.0)  # noqa: E731
    x, _ = moved(lambda t, x, v: force(t) - 9.0 * np.sin(x) - 0.2 * v, times, [0.0, 7.5])
    assert np.ptp(x) > 4.0 * np.pi
    values = x + 5.0 + 0.05 * np.random.default_rng(2).normal(size=300)
    found = identify(record(times, values, force(times)), "pendulum", force_between="smooth")
    assert_found(found, natural_frequency=1.5 / np.pi, damping_ratio=0.2 / 6.0, gain=1.0)


@pytest.mark.slow
def test_short_records_of_a_pendulum_that_is_thrown_over_the_top():
    random, times, records = np.random.default_rng(3), 0.5 * np.arange(50), []
    for _ in range(12):
        force = random.normal(size=50)
        pull = lambda t, x, v: np.interp(t, times, force) - np.sin(x) - 0.02 * v  # noqa: E731, B023
        x, _ = moved(pull, times, [0.0, 0.0])
        records.append(record(times, x + 0.1 * random.normal(size=50), force))
    found = identify(records, model="pendulum", force_between="linear")
    assert found.fit.closed and found.rmse == pytest.approx(0.1, rel=0.1)
    assert_found(found, natural_frequency=0.5 / np.pi, damping_ratio=0.01, gain=1.0)


def test_a_motion_that_is_slower_than_its_oscillator():
    """Much damping and a slow force: the spectrum's line lies far below the natural frequency."""
    times, draws = 0.1 * np.arange(400), np.random.default_rng(2)
    force = np.convolve(draws.normal(size=549), np.ones(150) / 150.0, "valid")
    x, _ = moved(
        lambda t, x, v: 20.0 * np.interp(t, times, force) - 150.0 * x - 17.0 * v, times, [0.0, 0.0]
    )
    one = record(times, x + 0.003 * x.std() * draws.normal(size=400), force)
    root = np.sqrt(150.0)
    assert spectral_rate(as_records(one, "base", "shared")) < root / 8.0
    found = identify(one, model="linear", force_between="linear")
    assert_found(found, natural_frequency=root / (2.0 * np.pi), damping_ratio=8.5 / root)


def test_noise_alone_is_refused():
    values = np.random.default_rng(1).normal(size=300)
    with pytest.raises(ValueError, match="stand out from the noise by five standard deviations"):
        identify(record(0.1 * np.arange(300), values), model="linear")


def test_laws_as_good_are_named_with_what_they_move():
    """A pendulum that swings through a tenth of a radian: sin x is x, but for 1e-3 of it."""
    times = 0.05 * np.arange(150)
    noise = 1e-3 * np.random.default_rng(4).normal(size=150)
    one = record(times, 0.1 * decay(times, ratio=0.01) + noise)
    found = identify(one)
    rates = {
        name: np.sqrt(identify(one, model=name).fit.constants["squared_frequency"])
        for name in ("linear", "pendulum")
    }
    other = "linear" if found.law == "pendulum" else "pendulum"
    shift = f"natural frequency {rates[other] / rates[found.law] - 1.0:+.2g} of itself"
    assert any(f"cannot be told from {other}" in d and shift in d for d in found.doubts)


def test_an_open_search_has_no_intervals(linear):
    fit = linear.fit._replace(closed=False)
    estimates, correlation = estimates_of(fit, linear.residuals)
    doubts = doubts_of(linear.records, fit, linear.residuals, estimates, correlation)
    assert "one free run" in doubts[0] and not any("bound" in doubt for doubt in doubts)
    assert estimates["natural_frequency"].upper == np.inf
    assert estimates["natural_frequency"].value == linear.estimates["natural_frequency"].value


def test_constants_that_do_the_same_are_refused(linear):
    nothing, same = 0.0 * linear.fit.jacobian, 0.0 * linear.fit.jacobian
    same[0] = 1.0
    for jacobian in (nothing, same):
        with pytest.raises(ValueError, match="tell the constants apart"):
            estimates_of(linear.fit._replace(jacobian=jacobian), linear.residuals)
    alike = np.array([[1.0, -0.99999], [-0.99999, 1.0]])
    (doubt,) = record_doubts._alike(("stiffness", "mass"), alike)
    assert doubt.startswith("mass and stiffness cannot be told apart: their estimates have a corr")


def test_courses_of_a_force_that_are_as_near_are_a_doubt():
    def fit(square, rate):
        constants = {"squared_frequency": rate**2}
        return types.SimpleNamespace(
            error=np.full(400, np.sqrt(square)),
            square=400 * square,
            num_unknowns=4,
            constants=constants,
        )

    runs = {"linear": fit(1.0, 2.0), "held": fit(1.001, 2.1), "smooth": fit(1.001, 2.2)}
    (doubt,) = identifying._course_doubt("linear", runs)
    # 400 ln 1.001 = 0.4, and 2.1 / 2 − 1 = 0.05
    assert "held is as near as linear (difference of BIC 0.4) and moves the freq" in doubt
    assert "by 0.05 of itself. Pass force_between" in doubt
    assert identifying._course_doubt("linear", runs | {"held": fit(1.1, 2.1)}) == []


LINEAR = {"squared_frequency": 9.0, "damping_rate": 0.4}
LAW_CASES = [
    ("linear", {**LINEAR, "gain": 2.0}, lambda x, v: -0.4 * v - 9.0 * x),
    (
        "duffing",
        {**LINEAR, "cubic_stiffness": 5.0, "gain": 2.0},
        lambda x, v: -0.4 * v - 9.0 * x - 5.0 * x**3,
    ),
    ("pendulum", {**LINEAR, "gain": 2.0}, lambda x, v: -0.4 * v - 9.0 * np.sin(x)),
    ("linear", {**LINEAR, "gain": -2.0}, lambda x, v: -0.4 * v - 9.0 * x),
]


@pytest.mark.parametrize(("name", "constants", "free"), LAW_CASES)
@pytest.mark.parametrize("course", ["linear", "held"])
def test_the_problem_obeys_the_equation_that_was_found(name, constants, free, course):
    times, force = 0.5 * np.arange(12), np.sin(np.arange(12.0))
    (one,) = as_records(record(times, np.cos(3.0 * times), force))
    fit = types.SimpleNamespace(
        law=LAWS[name], constants=constants, starts=np.array([[0.3, -0.1]]), course=course
    )
    problem = problem_of(fit, [one], 0)
    assert [float(y[0, 0]) for y in problem.initial_state()] == [0.3, -0.1]
    t, x, v = np.array([[0.6], [1.9]]), np.array([[0.7], [-0.4]]), np.array([[0.2], [1.0]])
    between = np.interp(t, times, force) if course == "linear" else force[[[1], [3]]]
    expected = free(x, v) + constants["gain"] * between
    np.testing.assert_allclose(problem.rhs(t, x, v), expected, rtol=1e-12)
    assert (
        type(problem)
        is {
            "linear": DampedOscillator if constants["gain"] > 0.0 else MeasuredOscillator,
            "duffing": Duffing,
            "pendulum": Pendulum,
        }[name]
    )


def test_units_of_constants_are_those_of_what_was_measured():
    one = one_of(np.arange(3.0), np.zeros(3))
    one = dataclasses.replace(one, quantity="acceleration", units={"acceleration": "g"})
    assert unit_of_constant("cubic_stiffness", one) == "1/((g s²)² s²)"
    one = dataclasses.replace(one, quantity="velocity", units={"velocity": "mm/s"})
    assert unit_of_constant("quadratic_drag", one) == "1/(mm/s s)"
    assert unit_of_constant("natural_frequency", one) == "Hz"


def test_a_pendulum_that_nothing_is_known_of_stays_as_it_was(monkeypatch):
    monkeypatch.setattr(weak_guesses, "_agreeing", lambda *arguments: None)
    records = as_records(record(np.arange(50.0), np.sin(np.arange(50.0)), np.cos(np.arange(50.0))))
    rate, same = weak_guesses.upright(records, 1.3, "linear")
    assert rate == 1.3 and same is records


def test_a_constant_force_moves_the_rest_only(two_decays, linear):
    pushed = [dataclasses.replace(one, force=one.force + 3.0) for one in two_decays]
    found = identify(pushed, model="linear")
    assert found.estimates["natural_frequency"] == linear.estimates["natural_frequency"]


def test_free_and_driven_records_do_not_mix():
    times = np.arange(50.0)
    values = np.sin(times)
    with pytest.raises(ValueError, match="all be driven or all free"):
        identify([record(times, values), record(times, values, np.cos(times))])
    with pytest.raises(ValueError, match="model must be one of"):
        identify(record(times, values), model="duffin")


def test_a_step_is_of_order_eight():
    law, constants, start = LAWS["quadratic_cubic"], np.array([1.0, 0.05, 0.2, 0.3]), [1.0, 0.3]
    exact = moved(
        lambda t, x, v: -x - 0.05 * v - 0.2 * x**2 - 0.3 * x**3, np.array([0.0, 6.0]), start
    )[:, -1]
    errors = []
    for num in (8, 16):
        one = np.zeros(1, int)
        windows = Windows(
            *(one, one, np.array([6.0 / num]), np.array([num]), None),
            *(one, one, None, np.zeros(1), None, "position"),
        )
        run = run_windows(law, constants, np.array([start]), windows)
        errors.append(np.abs(run.ends[0] - exact).max())
    assert 7.5 < np.log2(errors[0] / errors[1]) < 9.5
