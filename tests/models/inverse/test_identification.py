"""Parameters from data, against SciPy's fits of closed forms and of DOP853."""

import dataclasses
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import scipy
import tensorflow as tf
from marks import further_but_for
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares

from oscillator_zoo.data import (
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Duffing,
    InitialValueProblem,
    Pendulum,
    Sinusoid,
    Step,
    Trajectory,
    simulate,
)
from oscillator_zoo.models import PINN, LevenbergMarquardt
from oscillator_zoo.models.inverse.method_bias import method_bias, warn_of_method_bias
from oscillator_zoo.models.least_squares.estimates import Estimate, student_quantile

TIMES = np.linspace(0.0, 10.0, 101)
TRUTH = DampedOscillator(damping=0.3, stiffness=2.0, position=1.0, velocity=0.2)
GUESS = DampedOscillator(damping=0.1, stiffness=1.5, position=0.8, velocity=0.0)
NAMES = ("damping", "stiffness", "position", "velocity")


def noisy(x, seed, size=0.05):
    return x + size * np.random.default_rng(seed).standard_normal(np.shape(x))


def closed_form(problem, names, times):
    """Positions as a function of the parameters, `(num · dimension,)`."""

    def positions(values):
        return problem.with_parameters(**dict(zip(names, values))).exact(times)[0].reshape(-1)

    return positions


def dop853(problem, names, times):
    """The same by SciPy's DOP853, for problems without a closed form."""

    def positions(values):
        moved = problem.with_parameters(**dict(zip(names, values)))

        def slopes(t, state):
            return np.concatenate(moved.slopes(t, *np.split(state, moved.order)))

        start = np.concatenate([np.reshape(y, -1) for y in moved.initial_state()])
        run = solve_ivp(slopes, times[[0, -1]], start, "DOP853", times, rtol=1e-12, atol=1e-13)
        return run.y[: moved.dimension].T.reshape(-1)

    return positions


def central_differences(positions, values, step):
    return np.stack(
        [
            (positions(values + step * e) - positions(values - step * e)) / (2.0 * step)
            for e in np.eye(len(values))
        ],
        axis=1,
    )


def scipy_fit(positions, data, start):
    """Values and standard errors of the smallest misfit."""
    data = np.reshape(data, -1)
    fit = least_squares(
        lambda values: positions(values) - data, start, jac="3-point", xtol=1e-11, ftol=1e-15
    )
    jacobian = central_differences(positions, fit.x, 1e-5)
    variance = 2.0 * fit.cost / (data.size - len(fit.x))
    return fit.x, np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian)) * variance)


def identify(problem, duration, names, times, positions, **arguments):
    pinn = PINN(problem, duration, unknown_parameters=names, seed=0, **arguments)
    pinn.compile(LevenbergMarquardt())
    pinn.fit(times, positions, verbose=0)
    assert pinn.stop_reason == "converged"
    assert pinn.optimizer.method == "constrained least squares"
    return pinn


def check_against(found, values, errors):
    # Steps end where the next is worth 1e-9 of |ρ|, the network is good to 1e-10 or better, and
    # central differences of the oracle to 1e-9: 1e-6 leaves room, a weight between data and
    # equation would not keep it.
    np.testing.assert_allclose([e.value for e in found.values()], values, rtol=1e-6)
    np.testing.assert_allclose([e.standard_error for e in found.values()], errors, rtol=1e-5)


@pytest.fixture(scope="module")
def fitted():
    data = noisy(TRUTH.exact(TIMES)[0][:, 0], seed=0)
    return identify(GUESS, 10.0, NAMES, TIMES, data), data


def refit(pinn, data):
    """The same compiled model on other data of the same size."""
    pinn.fit(TIMES, data, verbose=0)
    return pinn.estimates(TIMES, data)


# What the fit finds.


@pytest.mark.slow
def test_estimates_are_those_of_a_fit_of_the_closed_form(fitted):
    pinn, data = fitted
    found = pinn.estimates(TIMES, data)
    values, errors = scipy_fit(closed_form(GUESS, NAMES, TIMES), data, [0.2, 1.8, 1.0, 0.1])
    assert tuple(found) == NAMES
    check_against(found, values, errors)
    reach = scipy.stats.t.ppf(0.975, len(TIMES) - len(NAMES))
    for e in found.values():
        assert e.lower == pytest.approx(e.value - reach * e.standard_error, rel=1e-6)
        assert e.upper == pytest.approx(e.value + reach * e.standard_error, rel=1e-6)


@pytest.mark.slow
def test_history_has_the_misfit_and_the_residual_of_the_equation(fitted):
    pinn, data = fitted
    history = pinn.fit(TIMES, data, verbose=0).history
    misfit = pinn.found_problem().exact(TIMES)[0][:, 0] - data
    np.testing.assert_allclose(history["loss"][-1], np.mean(misfit**2), rtol=1e-9)
    assert history["residual_max"][-1] < 1e-9  # the equation is a constraint, not a wish


@pytest.mark.slow
def test_the_model_is_the_solution_for_the_parameters_found(fitted):
    pinn, data = fitted
    values = {name: e.value for name, e in pinn.estimates(TIMES, data).items()}
    assert pinn.found_values() == values
    assert isinstance(values["damping"], float)
    assert pinn.problem.get_config() == GUESS.get_config()
    x, v = GUESS.with_parameters(**values).exact(TIMES)
    np.testing.assert_allclose(pinn.predict(TIMES, verbose=0), x, atol=1e-9)
    np.testing.assert_allclose(pinn.derivatives(TIMES)[0], x, atol=1e-9)
    np.testing.assert_allclose(pinn.derivatives(TIMES)[1], v, atol=1e-9)
    assert np.abs(pinn.residual(TIMES)).max() < 1e-8
    np.testing.assert_array_equal(pinn.found_problem().exact(TIMES)[0], x)


@pytest.mark.further
def test_other_data_are_fitted_without_compiling_again(fitted):
    pinn, _ = fitted
    graph = pinn.train_function
    data = noisy(TRUTH.exact(TIMES)[0][:, 0], seed=1)
    values, errors = scipy_fit(closed_form(GUESS, NAMES, TIMES), data, [0.2, 1.8, 1.0, 0.1])
    check_against(refit(pinn, data), values, errors)
    assert pinn.train_function is graph


@pytest.mark.further
def test_a_parameter_that_cannot_be_negative_ends_at_zero(fitted):
    pinn, _ = fitted
    growing = np.exp(0.01 * TIMES) * np.cos(1.4 * TIMES)  # no oscillator with damping >= 0
    with pytest.warns(UserWarning, match="damping=.*cannot be negative and would be"):
        found = refit(pinn, noisy(growing, seed=2, size=0.01))
    assert pinn.stop_reason == "at a bound: damping"
    damping = found["damping"]
    assert 0.0 <= damping.value < 1e-6
    assert damping.lower == 0.0
    assert damping.upper > damping.standard_error > 0.0
    assert found["stiffness"].value == pytest.approx(1.4**2, rel=0.02)


@pytest.mark.further
def test_estimates_survive_a_file_and_a_fresh_process(fitted, tmp_path):
    pinn, data = fitted
    found = refit(pinn, data)
    pinn.save(tmp_path / "found.keras")
    np.save(tmp_path / "data.npy", data)
    code = (
        "import json, sys, keras, numpy as np, oscillator_zoo.models\n"
        "pinn = keras.models.load_model(sys.argv[1])\n"
        "found = pinn.estimates(np.linspace(0.0, 10.0, 101), np.load(sys.argv[2]))\n"
        "print(json.dumps(found), pinn.problem.damping, pinn.stop_reason, sep=';')"
    )
    paths = tmp_path / "found.keras", tmp_path / "data.npy"
    run = subprocess.run(
        [sys.executable, "-c", code, *map(str, paths)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    numbers, guess, reason = run.stdout.strip().split(";")
    assert (guess, reason) == ("0.1", "converged")
    loaded = json.loads(numbers)
    assert tuple(loaded) == NAMES
    # The same weights; threads may add in another order.
    np.testing.assert_allclose(list(loaded.values()), [*found.values()], rtol=1e-9)


@pytest.mark.further
def test_a_savedmodel_serves_the_solution_for_the_parameters_found(fitted, tmp_path):
    pinn, _ = fitted
    pinn.export(tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served")
    t = tf.constant(TIMES[:, None])
    x, v = pinn.found_problem().exact(TIMES)
    np.testing.assert_allclose(served.x(t), x, atol=1e-9)
    np.testing.assert_allclose(served.v(t), v, atol=1e-9)
    assert np.abs(served.residual(t)).max() < 1e-8


def swings(t):
    """A force that only NumPy can evaluate."""
    return 0.7 * np.sin(1.3 * np.asarray(t))


CASES = {
    "mass, with a known force": (
        DampedOscillator(1.5, 0.4, 2.0, Sinusoid(0.7, 1.3)),
        DampedOscillator(1.2, 0.3, 1.8, swings),
        ("mass", "damping", "stiffness"),
        closed_form,
    ),
    "order 1": (Decay(0.7, 2.0), Decay(0.4, 1.5), ("rate", "position"), closed_form),
    "dimension 2": (
        CoupledOscillators([2.0, 2.0], 1.5, 0.2, position=[1.0, -0.5]),
        CoupledOscillators([2.0, 2.0], 1.3, 0.1, position=[1.0, -0.5]),
        ("stiffness", "damping"),
        closed_form,
    ),
    "Duffing": (
        Duffing(damping=0.2, cubic_stiffness=0.8, position=1.5),
        Duffing(damping=0.1, cubic_stiffness=0.5, position=1.3),
        ("damping", "stiffness", "cubic_stiffness", "position"),
        dop853,
    ),
    "pendulum": (
        Pendulum(length=9.0, damping=0.1, position=2.0),
        Pendulum(length=9.81, damping=0.05, position=2.0),
        ("length", "damping", "velocity"),
        dop853,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", further_but_for(CASES, "order 1"))
def test_parameters_are_those_of_scipys_fit(name):
    truth, guess, names, oracle = CASES[name]
    times = np.linspace(0.0, 6.0, 40)
    true_values = [getattr(truth, name) for name in names]
    positions = oracle(truth, names, times)
    data = noisy(positions(true_values), seed=3, size=0.02).reshape(-1, truth.dimension)
    pinn = identify(guess, 6.0, names, times[:, None], data)
    values, errors = scipy_fit(positions, data, true_values)
    check_against(pinn.estimates(times, data), values, errors)


def test_sensitivities_are_those_of_the_closed_form():
    cases = [
        (DampedOscillator(1.5, 0.4, 2.0, Sinusoid(0.7, 1.3), 0.5, -0.2), ("mass", *NAMES), 6.0),
        (DampedOscillator(1.0, 5.0, 2.0, Step(0.5, 3.0)), ("mass", "damping", "velocity"), 6.0),
        (DampedOscillator(1.0, 0.4, 2.0, None, 0.5, -0.2), ("damping", "position"), 0.5),
        (Decay(0.7, 2.0, start_time=1.0), ("rate", "position"), 6.0),
        (CoupledOscillators([2.0, 2.0], 1.5, 0.2, position=[1, 0]), ("stiffness", "damping"), 6.0),
    ]
    for problem, names, duration in cases:
        times = problem.start_time + np.linspace(0.0, duration, 25)
        pinn = PINN(problem, duration, unknown_parameters=names, seed=0)
        positions = closed_form(problem, names, times)
        values = np.array([getattr(problem, name) for name in names])
        pinn.identification.check_identifiable(
            times[:, None], positions(values)
        )  # solves the equation
        expected = central_differences(positions, values, 1e-5)
        # Differences of step h are good to h² and 1e-16/h, about 1e-10.
        np.testing.assert_allclose(pinn.jacobian(times), expected, atol=1e-8, err_msg=str(problem))


# Data that a stepper made.


def test_the_bias_of_a_stepper_counts_data_by_their_weights():
    oscillator = DampedOscillator(damping=0.2)
    trajectory = simulate(oscillator, 0.05, 100, "euler")
    first = simulate(oscillator, 0.05, 60, "euler")
    jacobian = np.random.default_rng(0).standard_normal((101, 2))
    weights = np.where(np.arange(101) <= 60, 3.0, 0.0)
    np.testing.assert_allclose(
        method_bias(oscillator, trajectory, jacobian, weights),
        method_bias(oscillator, first, jacobian[:61]),
        rtol=1e-9,
    )


def test_the_bias_of_a_stepper_is_that_of_its_modified_equation():
    """Euler's data obey an equation with α − h δ in the place of α, to first order in h."""
    step, oscillator = 0.01, DampedOscillator(damping=0.2, stiffness=1.5)
    motion = simulate(oscillator, step, 1000, "euler")
    change = 1e-5
    ends = [
        DampedOscillator(damping=0.2 + sign * change, stiffness=1.5).exact(motion.times)[0]
        for sign in (1.0, -1.0)
    ]
    jacobian = (ends[0] - ends[1]) / (2.0 * change)
    bias = method_bias(oscillator, motion, jacobian)
    assert bias[0] == pytest.approx(-step * 1.5, rel=0.05)
    found = {"damping": Estimate(0.185, 1e-4, 0.1848, 0.1852)}
    message = (
        r"'euler' with steps of 0\.01 s.*moves damping by about -0\.015 \(found 0\.185 ± 0\.0001"
    )
    with pytest.warns(UserWarning, match=message):
        warn_of_method_bias(motion, bias, found)
    warn_of_method_bias(motion, bias, {"damping": Estimate(0.185, 0.02, 0.145, 0.225)})


@pytest.mark.parametrize(
    ("found", "made_by"),
    [
        (DampedOscillator(start_time=1.0), {}),  # a start that the data come before
        (DampedOscillator(start_time=-0.033), {}),  # or that lies between two steps
        (Duffing(stiffness=-1e4, cubic_stiffness=-1e4), {}),  # a motion that runs away
        (DampedOscillator(), {"method": None, "method_step": None}),  # a measurement
    ],
)
def test_steps_that_cannot_be_repeated_have_no_known_bias(found, made_by):
    motion = dataclasses.replace(simulate(DampedOscillator(damping=0.2), 0.1, 50), **made_by)
    assert method_bias(found, motion, np.ones((51, 1))).tolist() == [0.0]


def test_a_plain_force_has_values_at_the_points_of_the_equation():
    problem = DampedOscillator(damping=0.2, force=lambda t: np.cos(3.0 * t))
    points = PINN(problem, 2.0, unknown_parameters=("damping",), seed=0).identification.points
    np.testing.assert_allclose(points["force"], np.cos(3.0 * np.asarray(points["t"])), atol=1e-15)


@pytest.mark.further
def test_a_second_fit_begins_anew_at_the_first_guess(monkeypatch):
    times = np.linspace(0.0, 6.0, 61)
    pinn = PINN(Pendulum(position=2.0, length=9.0), 6.0, unknown_parameters=("length",), seed=0)
    pinn.compile(LevenbergMarquardt())
    starts = []
    monkeypatch.setattr(
        "oscillator_zoo.models.pinn.fit_to_data.warm_start",
        lambda pinn: starts.append(pinn.found_values()["length"]),
    )
    data = simulate(Pendulum(position=2.0, length=9.8), 0.1, 60, "rk4").feature("position")[0]
    for _ in range(2):
        pinn.fit(times, data, verbose=0)
        assert pinn.stop_reason == "converged"
    assert starts == pytest.approx([9.0, 9.0])
    with pytest.raises(ValueError, match="no positions"):
        pinn.fit(times, verbose=0)
    assert pinn.stop_reason == "converged" and len(starts) == 2  # refused data change nothing


@pytest.mark.further
def test_eulers_data_bring_a_warning_with_the_bias_of_the_damping(fitted):
    pinn, _ = fitted
    step, oscillator = 0.05, DampedOscillator(damping=0.2)
    trajectory = simulate(oscillator, step, 200, "euler").every(2)
    with pytest.warns(UserWarning, match=r"method='euler' with steps of 0.05 s.* damping by about"):
        pinn.fit(trajectory, verbose=0)
    found = pinn.found_problem()
    # Matrix logarithm of the step: the oscillator whose exact samples Euler's are.
    matrix = np.array([[1.0, step], [-step, 1.0 - 0.2 * step]])
    exact = scipy.linalg.logm(matrix) / step
    assert found.damping == pytest.approx(-np.trace(exact), rel=1e-6)
    assert -np.trace(exact) == pytest.approx(0.2 - step * 1.0, rel=0.02)  # α_eff ≈ α − h δ
    bias = method_bias(found, trajectory, pinn.jacobian(trajectory.times))
    # α_eff = α − hδ + h α²/2 + O(h²): what is left out is some hα = 1 % of it.
    assert bias[0] == pytest.approx(found.damping - 0.2, rel=0.05)
    with pytest.warns(UserWarning, match=r"error moves damping by about -0\.05"):
        pinn.fit(trajectory, verbose=0, validation_split=0.2)  # fits the first 80 of its 101 times
    assert pinn.found_problem().damping == pytest.approx(-np.trace(exact), rel=1e-6)


@pytest.mark.slow
def test_good_data_and_measurements_bring_no_warning(fitted):
    pinn, _ = fitted  # a warning is an error in these tests
    good = simulate(TRUTH, 0.1, 100, "rk4")
    pinn.fit(good, verbose=0)
    assert pinn.found_problem().damping == pytest.approx(0.3, rel=1e-4)
    euler = simulate(TRUTH, 0.1, 100, "euler")
    measured = Trajectory(euler.times, euler.states[..., :1], ("position",), euler.force)
    pinn.fit(measured, verbose=0)
    assert pinn.found_problem().damping == pytest.approx(0.3 - 0.1 * 2.0, rel=0.1)


# What is refused.


@pytest.mark.parametrize(
    "problem, names, message",
    [
        (GUESS, ("mass", "damping", "stiffness"), "in different ways.*common factor of mass"),
        (Pendulum(), ("length", "gravity"), "ln gravity by .*ln length by|ln length by .*gravity"),
        (
            DampedOscillator(damping=0.1, position=0.0, velocity=0.0),
            ("damping", "stiffness"),
            "must move the positions. Received: damping, stiffness",
        ),
    ],
)
def test_what_data_cannot_tell_is_refused(problem, names, message):
    pinn = PINN(problem, 4.0, unknown_parameters=names, seed=0)
    pinn.compile(LevenbergMarquardt())
    times = np.linspace(0.0, 4.0, 30)
    with pytest.raises(ValueError, match=message):
        pinn.fit(times, noisy(np.cos(times), seed=0))


class Spring(InitialValueProblem):
    """x'' = −c x + u, with a `label` and a parameter u that is no number."""

    def __init__(self, position, velocity, stiffness=1.0, label=None, order=2):
        self.stiffness, self.label = stiffness, label
        super().__init__(position, velocity, order=order)

    def rhs(self, t, x, v, ops=np):
        return -self.stiffness * x


@pytest.mark.parametrize(
    "problem, names, message",
    [
        (GUESS, ("dampin",), "Did you mean 'damping'"),
        (GUESS, ("force",), "one number in the equation.*force=None"),
        (GUESS, ("start_time",), "one number in the equation.*start_time=0.0"),
        (Spring(1.0, 0.0), ("order",), "one number in the equation.*order=2"),
        (Spring(1.0, 0.0), ("label",), "label=None"),
        (CoupledOscillators([1.0, 2.0]), ("position",), "one number"),
        (GUESS, "damping", r"tuple of different names. Received: 'damping'"),
        (GUESS, ("damping", "damping"), "tuple of different names"),
        (DampedOscillator(), ("damping",), "first guess of damping.*must be positive.*damping=0"),
    ],
)
def test_names_that_cannot_be_unknown_are_refused(problem, names, message):
    with pytest.raises(ValueError, match=message):
        PINN(problem, 4.0, unknown_parameters=names)


def test_an_initial_state_that_h1_fixes_cannot_be_unknown():
    with pytest.raises(ValueError, match="h1 fixes the initial state"):
        PINN(GUESS, 4.0, h1=lambda t: 0.8 + 0.0 * t, unknown_parameters=("position",))


@pytest.mark.parametrize(
    "times, positions, message",
    [
        (TIMES, None, "Received no positions"),
        (TIMES, TIMES[:-1], r"shape \(101, 1\) for 101 times. Received \(100,\)"),
        (TIMES, np.ones((101, 2)), r"Received \(101, 2\)"),
        (TIMES, np.ones((1, 101)), r"Received \(1, 101\)"),
        (TIMES, np.where(TIMES > 5.0, np.nan, 1.0), "positions must be a finite real.*nan"),
        (TIMES + 1.0, TIMES, "trained from 0 s to 10 s. Received t = 10.1 s"),
        (TIMES[:3], TIMES[:3], "4 unknown parameters need at least.*Received 3"),
        (
            simulate(DampedOscillator(damping=[1.0, 2.0]), 0.1, 100, "rk4"),
            None,
            "one motion. Received a Trajectory of 2",
        ),
    ],
)
def test_data_that_do_not_fit_are_refused(fitted, times, positions, message):
    pinn, _ = fitted
    with pytest.raises(ValueError, match=message):
        pinn.fit(times, positions, verbose=0)


def test_errors_need_more_numbers_than_parameters(fitted):
    pinn, data = fitted
    with pytest.raises(ValueError, match=r"4 parameters are judged from more numbers.*Received 4"):
        pinn.estimates(TIMES[:4], data[:4])


def test_estimates_need_unknown_parameters():
    with pytest.raises(ValueError, match="Construct it with unknown_parameters"):
        PINN(GUESS, 2.0, hidden_units=(4,)).estimates(TIMES[:5], TIMES[:5])


def test_found_problem_without_unknowns_is_the_problem():
    assert PINN(GUESS, 2.0, hidden_units=(4,)).found_problem() is GUESS


# Other optimizers, and the quantile.


@pytest.mark.slow
def test_adam_weighs_data_and_equation_as_documented():
    pinn = PINN(GUESS, 3.0, (16,), "tanh", unknown_parameters=("damping", "stiffness"), seed=0)
    pinn.compile(keras.optimizers.Adam(1e-2))
    times = np.linspace(0.0, 3.0, 20)
    data = noisy(TRUTH.exact(times)[0], seed=0)
    points = np.linspace(0.0, 3.0, 256)
    scale = np.mean((pinn(times) - data) ** 2), np.mean((pinn.residual(points) / 1.5) ** 2)
    first = float(np.mean(pinn.residuals(times[:, None], data) ** 2))
    # The mean rate of the guessed motion in rad/s is √δ = √1.5, or a little more.
    assert scale[0] + 0.5 * scale[1] < first < scale[0] + 1.01 * scale[1]
    history = pinn.fit(times, data, epochs=3, verbose=0)
    assert history.history["loss"][-1] < 0.5 * first
    assert pinn.found_values()["stiffness"] != pytest.approx(1.5, rel=1e-3)


@pytest.mark.parametrize("freedom", [1, 2, 3, 7, 30, 97, 1000, 100_000])
def test_students_quantile_is_scipys(freedom):
    for probability in (0.6, 0.9, 0.975, 0.995):
        expected = scipy.stats.t.ppf(probability, freedom)
        assert student_quantile(probability, freedom) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("num_fits", "too_few"),
    [pytest.param(16, 11, marks=pytest.mark.further), pytest.param(60, 49, marks=pytest.mark.long)],
)
def test_95_percent_intervals_cover_the_truth(fitted, num_fits, too_few):
    pinn, _ = fitted
    clean, inside = TRUTH.exact(TIMES)[0][:, 0], []
    for seed in range(num_fits):
        found = refit(pinn, noisy(clean, seed=100 + seed))
        inside.append([e.lower <= getattr(TRUTH, n) <= e.upper for n, e in found.items()])
    # Of 60 intervals at 95 %, 49 or fewer cover with a probability of 2e-4 (binomial); of 16,
    # 11 or fewer with 9e-4.
    assert np.sum(inside, axis=0).min() > too_few
