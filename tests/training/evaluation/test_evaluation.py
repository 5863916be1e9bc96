import keras
import numpy as np
import pytest
import scipy.integrate

from oscillator_zoo.data import (
    DampedOscillator,
    Decay,
    InitialValueProblem,
    Sinusoid,
    Step,
    Trajectory,
    add_noise,
    sample_oscillators,
    simulate,
)
from oscillator_zoo.models import PINN, ElmanRNN, EulerCell, euler_weights
from oscillator_zoo.training import (
    evaluate_family,
    evaluate_forecast,
    evaluate_response,
    evaluate_solution,
)
from oscillator_zoo.training.evaluation.evaluation import Evaluation
from oscillator_zoo.training.evaluation.phase import dominant_frequency, phase_drift
from oscillator_zoo.training.evaluation.reference import reference_motion

NUM_POINTS = 61


class Pendulous(InitialValueProblem):
    def rhs(self, t, x, v, ops=np):
        return -ops.sin(x)


class Quadratic(InitialValueProblem):
    """x' = −x², with the solution 1/(1 + t)."""

    order = 1

    def rhs(self, t, x, ops=np):
        return -x * x


class Switched(InitialValueProblem):
    """A nonlinear oscillator whose force jumps at 1.5 s."""

    force = Step(1.0, time=1.5)

    def rhs(self, t, x, v, ops=np):
        return self.force(t, ops=ops) - x**3


def known_solution(h1, problem=None, duration=10.0):
    """A PINN whose solution is the given function of t, but for terms of 1e-12."""
    problem = DampedOscillator() if problem is None else problem
    return PINN(problem, duration, hidden_units=(4,), h1=h1, h2=lambda t: 1e-14 * t**2, seed=1)


# ---------------------------------------------------------------------------- phase


@pytest.mark.parametrize("detuning", [-0.1, -0.01, 0.001, 0.05])
@pytest.mark.parametrize("decay", [0.0, 0.03])
def test_wrong_frequency_drifts_by_two_pi_times_its_relative_error(detuning, decay):
    t = np.linspace(0.0, 80.0, 1777)  # 38.6 samples a period
    envelope = np.exp(-decay * t)
    truth = envelope * np.cos(1.9 * t)
    motion = 0.7 * envelope * np.cos(1.9 * (1.0 + detuning) * t + 0.4) + 0.2
    drift = phase_drift(t, truth, motion)
    # the window is no whole number of samples: about 1e-5 rad per period
    np.testing.assert_allclose(drift, 2.0 * np.pi * detuning, rtol=3e-3, atol=2e-5)


def test_same_motion_does_not_drift_whatever_its_amplitude():
    t = np.linspace(0.0, 40.0, 801)
    truth = np.cos(2.0 * t) + 0.3 * np.sin(3.1 * t)
    assert abs(phase_drift(t, truth, 0.5 * truth)) < 1e-12


@pytest.mark.parametrize(
    "truth",
    [
        lambda t: np.exp(-t),  # no oscillation
        lambda t: 0.0 * t,
        lambda t: np.cos(0.2 * t),  # fewer than three periods
        lambda t: np.cos(60.0 * t),  # fewer than eight samples a period
    ],
)
def test_drift_without_meaning_is_nan(truth):
    t = np.linspace(0.0, 30.0, 601)
    assert np.isnan(phase_drift(t, truth(t), np.cos(2.0 * t)))


@pytest.mark.parametrize("motion", [lambda t: 0.0 * t + 0.3, lambda t: np.where(t > 9, np.inf, 1)])
def test_motion_at_rest_or_out_of_range_has_no_drift(motion):
    t = np.linspace(0.0, 30.0, 601)
    assert np.isnan(phase_drift(t, np.cos(2.0 * t), motion(t)))


def test_dominant_frequency_is_that_of_the_larger_of_two_sinusoids():
    t = np.linspace(0.0, 60.0, 1201)
    found = dominant_frequency(t, 5.0 + np.cos(2.0 * t) + 0.4 * np.cos(5.0 * t))
    np.testing.assert_allclose(found, 2.0, rtol=1e-3)  # a parabola through the peak of a spectrum


# ------------------------------------------------------------------------ reference


def test_reference_of_a_linear_oscillator_is_its_closed_form():
    t = np.linspace(0.0, 5.0, 11)
    reference = reference_motion(DampedOscillator(), t)
    assert (reference.method, reference.error) == ("the exact solution", 0.0)
    np.testing.assert_allclose(reference.position[:, 0], np.cos(t), atol=1e-13)


@pytest.mark.parametrize("problem", [Pendulous(2.0, 0.1), Switched(1.0, 0.0)])
def test_reference_without_closed_form_agrees_with_scipy(problem):
    t = np.union1d(np.linspace(0.0, 3.0, 31), [1.5 - 1e-14, 1.5, 1.5 + 1e-14])
    reference = reference_motion(problem, t)
    states, start = [], [float(problem.position), float(problem.velocity)]
    for part in (t[t < 1.5], t[t >= 1.5]):  # SciPy too must not step across the jump
        solution = scipy.integrate.solve_ivp(
            lambda s, y, ts=part: (
                [y[1], float(problem.rhs(np.array([ts[0]]), y[0], y[1])[0])]
                if isinstance(problem, Switched)
                else [y[1], float(problem.rhs(s, y[0], y[1]))]
            ),
            (part[0], part[-1]),
            start,
            method="DOP853",
            t_eval=part,
            rtol=1e-13,
            atol=1e-14,
        )
        states.append(solution.y.T)
        start = solution.y[:, -1]
    states = np.concatenate(states)
    assert reference.method == "RK4" and 0.0 < reference.error < 1e-9
    np.testing.assert_allclose(reference.position[:, 0], states[:, 0], atol=1e-10)
    np.testing.assert_allclose(reference.velocity[:, 0], states[:, 1], atol=1e-9)


def test_reference_of_order_one_has_the_slope_as_its_velocity():
    t = np.linspace(0.0, 4.0, 41)
    reference = reference_motion(Quadratic(1.0), t)
    np.testing.assert_allclose(reference.position[:, 0], 1.0 / (1.0 + t), atol=1e-11)
    np.testing.assert_allclose(reference.velocity[:, 0], -1.0 / (1.0 + t) ** 2, atol=1e-10)


# ----------------------------------------------------------------- evaluate_solution


def test_exact_solution_has_no_error():
    scores = evaluate_solution(known_solution(keras.ops.cos, duration=25.0), NUM_POINTS)["pinn"]
    for measure in ("position_max", "velocity_max", "residual_max", "residual_rms"):
        assert scores[measure] < 1e-10
    assert abs(scores["energy_drift"]) < 1e-10 and abs(scores["phase_drift"]) < 1e-10


def test_errors_of_a_known_wrong_solution_are_those_worked_out_by_hand():
    size = 1e-3
    pinn = known_solution(lambda t: keras.ops.cos(t) + size * keras.ops.sin(t) ** 2)
    scores = evaluate_solution(pinn, NUM_POINTS)["pinn"]
    t = np.linspace(0.0, 10.0, 10 * (NUM_POINTS - 1) + 1)
    error, rate = size * np.sin(t) ** 2, size * np.sin(2.0 * t)
    residual = size * (2.0 * np.cos(2.0 * t) + np.sin(t) ** 2)
    energy = 0.5 * (np.cos(t) + error) ** 2 + 0.5 * (rate - np.sin(t)) ** 2 - 0.5
    expected = {
        "position_relative_l2": np.sqrt(np.sum(error**2) / np.sum(np.cos(t) ** 2)),
        "position_max": error.max(),
        "velocity_relative_l2": np.sqrt(np.sum(rate**2) / np.sum(np.sin(t) ** 2)),
        "velocity_max": np.abs(rate).max(),
        "residual_max": 2.0 * size,  # at t = 0
        "residual_rms": np.sqrt(np.mean(residual**2)),
        "energy_drift": energy[np.argmax(np.abs(energy))] / 0.5,
    }
    for measure, value in expected.items():
        np.testing.assert_allclose(scores[measure], value, rtol=1e-8, err_msg=measure)


def test_wrong_frequency_shows_as_phase_drift_and_as_residual():
    pinn = known_solution(lambda t: keras.ops.cos(1.01 * t), duration=60.0)
    scores = evaluate_solution(pinn, NUM_POINTS)["pinn"]
    np.testing.assert_allclose(scores["phase_drift"], 0.01 * 2.0 * np.pi, rtol=1e-3)
    np.testing.assert_allclose(scores["residual_max"], 1.01**2 - 1.0, rtol=1e-10)


def linear_steps(matrix, num_steps):
    states = [np.array([1.0, 0.0])]
    for _ in range(num_steps):
        states.append(matrix @ states[-1])
    return np.array(states)


def test_steppers_beside_the_pinn_are_those_of_a_numpy_loop_with_equal_evaluations():
    evaluation = evaluate_solution(known_solution(keras.ops.cos), NUM_POINTS, num_evaluations=200)
    h = 10.0 / 200
    A, one = np.array([[0.0, 1.0], [-1.0, 0.0]]), np.eye(2)
    B = 4.0 * h * A  # RK4 takes a quarter of the steps
    matrices = {
        "euler": one + h * A,
        "euler_cromer": np.array([[1.0 - h * h, h], [-h, 1.0]]),
        "rk4": one + B + B @ B / 2.0 + B @ B @ B / 6.0 + B @ B @ B @ B / 24.0,
    }
    for name, matrix in matrices.items():
        num_steps = 50 if name == "rk4" else 200
        t = np.linspace(0.0, 10.0, num_steps + 1)
        states = linear_steps(matrix, num_steps)
        assert evaluation[name]["num_steps"] == num_steps
        largest = np.abs(states[:, 0] - np.cos(t)).max()
        np.testing.assert_allclose(evaluation[name]["position_max"], largest, rtol=1e-9)
        largest = np.abs(states[:, 1] + np.sin(t)).max()
        np.testing.assert_allclose(evaluation[name]["velocity_max"], largest, rtol=1e-9)


def test_euler_gains_the_energy_it_is_known_for():
    evaluation = evaluate_solution(known_solution(keras.ops.cos), NUM_POINTS, num_evaluations=100)
    gain = (1.0 + 0.1**2) ** 100 - 1.0
    np.testing.assert_allclose(evaluation["euler"]["energy_drift"], gain, rtol=1e-10)


def test_stepper_that_explodes_has_an_infinite_error_and_no_warning():
    pinn = PINN(DampedOscillator(stiffness=2500.0), 100.0, hidden_units=(4,), seed=1)
    scores = evaluate_solution(pinn, NUM_POINTS, num_evaluations=2000)["rk4"]
    assert scores["position_max"] == scores["position_relative_l2"] == np.inf
    assert np.isnan(scores["phase_drift"])


def test_order_one_has_no_euler_cromer_no_energy_and_its_own_unit():
    evaluation = evaluate_solution(PINN(Decay(rate=1.0), 2.0, hidden_units=(4,)), NUM_POINTS)
    assert list(evaluation.scores) == ["pinn", "euler", "rk4"]
    assert np.isnan(evaluation["pinn"]["energy_drift"])
    assert "residual, largest (m/s)" in str(evaluation)


def test_evaluation_without_closed_form_says_how_good_its_reference_is():
    text = str(evaluate_solution(PINN(Pendulous(1.0, 0.0), 3.0, hidden_units=(4,)), 11))
    assert "Compared with RK4, whose last halving of the step moved x by " in text


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (keras.Sequential(), {}, "belong to a PINN. Received a model of type Sequential"),
        (None, {"num_points": 1}, "num_points must be an integer of at least 2"),
        (None, {"num_evaluations": 3}, "num_evaluations must be an integer of at least 4"),
    ],
)
def test_wrong_arguments_of_evaluate_solution_raise(model, arguments, message):
    model = PINN(DampedOscillator(), 1.0, hidden_units=(4,)) if model is None else model
    with pytest.raises(ValueError, match=message):
        evaluate_solution(model, **arguments)


def test_table_lines_up_and_shows_a_dash_for_what_has_no_meaning():
    scores = {"model": {"a": 0.12345, "n": 7}, "a long name": {"a": float("nan")}}
    lines = str(Evaluation(scores, {"a": "first (m)", "n": "steps"}, ("A note.",))).splitlines()
    assert lines[1].split() == ["first", "(m)", "0.123", "–"]
    assert lines[2].split() == ["steps", "7", "–"]
    assert len(lines[0]) == len(lines[1]) == len(lines[2]) and lines[3] == "A note."


def test_unknown_method_of_a_table_raises():
    with pytest.raises(ValueError, match=r"compared are model\. Received: 'rk45'"):
        Evaluation({"model": {}}, {"a": "a"})["rk45"]


# ----------------------------------------------------------------- evaluate_forecast


def linear_forecaster(matrix, force_matrix=None):
    """A one-step model s_{i+1} = A s_i + B F_i in float64, without memory."""
    kernel = matrix.T if force_matrix is None else np.concatenate([matrix.T, force_matrix.T])
    layer = ElmanRNN(
        len(matrix), activation="linear", use_bias=False, return_sequences=True, dtype="float64"
    )
    layer.build((None, None, len(kernel)))
    layer.set_weights([kernel, np.zeros_like(matrix)])
    return layer


def turning(angle, factor=1.0):
    return factor * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def circular_motions(num=3, num_times=401, time_step=0.1):
    """x = R cos(t + φ), v = −R sin(t + φ), exactly."""
    t = time_step * np.arange(num_times)
    radius, phase = 1.0 + np.arange(num)[:, None], 0.7 * np.arange(num)[:, None]
    states = np.stack([radius * np.cos(t + phase), -radius * np.sin(t + phase)], axis=-1)
    problem = DampedOscillator(position=states[:, 0, 0], velocity=states[:, 0, 1])
    return Trajectory(t, states, ("position", "velocity"), np.zeros((num, num_times, 1)), problem)


def test_perfect_forecaster_has_no_error():
    motions = circular_motions()
    scores = evaluate_forecast(linear_forecaster(turning(0.1)), motions, warm_up=70)["model"]
    assert scores["rmse"] < 1e-12 and scores["rmse_90"] < 1e-12
    np.testing.assert_allclose(scores["valid_time"], 331 * 0.1)  # all of the forecast
    for measure in ("phase_drift", "amplitude_error", "energy_error"):
        assert abs(scores[measure]) < 1e-11


def test_forecaster_of_a_wrong_frequency_has_the_known_drift_error_and_valid_time():
    motions, warm_up = circular_motions(num=1), 70
    result = evaluate_forecast(linear_forecaster(turning(0.1 * 1.02)), motions, warm_up)
    steps = np.arange(1, 332)
    start = motions.times[warm_up - 1]
    forecast = np.cos(start + 1.02 * 0.1 * steps)
    error = forecast - np.cos(start + 0.1 * steps)
    amplitude = np.abs(np.cos(motions.times[:warm_up])).max()
    scores = result["model"]
    np.testing.assert_allclose(result.forecasts["model"][0, :, 0], forecast, atol=1e-12)
    np.testing.assert_allclose(result.error_by_step("model"), np.abs(error), atol=1e-12)
    np.testing.assert_allclose(scores["rmse"], np.sqrt(np.mean(error**2)) / amplitude)
    valid = np.flatnonzero(np.abs(error) > 0.2 * amplitude)[0]
    np.testing.assert_allclose(scores["valid_time"], 0.1 * valid)
    np.testing.assert_allclose(scores["phase_drift"], 0.02 * 2.0 * np.pi, rtol=1e-3)


def test_forecaster_that_loses_amplitude_has_the_known_amplitude_and_energy_error():
    motions, warm_up, factor = circular_motions(num=1), 70, 0.999
    result = evaluate_forecast(linear_forecaster(turning(0.1, factor)), motions, warm_up)
    last = np.arange(1, 332)[-82:]  # the last quarter of 331 steps
    truth = np.cos(motions.times[-82:])
    amplitude = np.sqrt(np.mean((factor**last * truth) ** 2) / np.mean(truth**2)) - 1.0
    np.testing.assert_allclose(result["model"]["amplitude_error"], amplitude, rtol=1e-9)
    energy = np.mean(factor ** (2.0 * last)) - 1.0
    np.testing.assert_allclose(result["model"]["energy_error"], energy, rtol=1e-9)
    assert abs(result["model"]["phase_drift"]) < 1e-4


def test_force_reaches_the_forecaster_at_its_own_time():
    driven = DampedOscillator(damping=0.2, force=Sinusoid(1.0, angular_frequency=1.3, phase=0.4))
    motion = simulate(driven, time_step=0.1, num_steps=120)
    recurrent_kernel, kernel = euler_weights(driven, 0.1)
    result = evaluate_forecast(linear_forecaster(recurrent_kernel.T, kernel.T), motion, 20)
    assert result["model"]["rmse"] < 1e-12


def test_euler_baseline_repeats_euler_data_and_the_exact_one_exact_data():
    euler_data = simulate(DampedOscillator(damping=0.3), time_step=0.1, num_steps=150)
    result = evaluate_forecast(linear_forecaster(turning(0.1)), euler_data, 40)
    assert result["euler"]["rmse"] < 1e-12 < 1e-3 < result["exact"]["rmse"]
    result = evaluate_forecast(linear_forecaster(turning(0.1)), circular_motions(), 40)
    assert result["exact"]["rmse"] < 1e-12 < 1e-3 < result["euler"]["rmse"]
    # order 4: after T the phase is wrong by T h⁴/120
    np.testing.assert_allclose(result["rk4"]["rmse"], 0.0, atol=36.0 * 0.1**4 / 120.0)


def test_persistence_and_percentiles_over_trajectories_are_those_of_numpy():
    motions, warm_up = circular_motions(num=7), 40
    result = evaluate_forecast(linear_forecaster(turning(0.1)), motions, warm_up, num_steps=30)
    x = motions.states[..., 0]
    error = x[:, warm_up - 1 : warm_up] - x[:, warm_up : warm_up + 30]
    rmse = np.sqrt(np.mean(error**2, axis=1)) / np.abs(x[:, :warm_up]).max(axis=1)
    np.testing.assert_allclose(result["persistence"]["rmse"], np.median(rmse))
    np.testing.assert_allclose(result["persistence"]["rmse_90"], np.sort(rmse)[6])
    assert np.isnan(result["persistence"]["phase_drift"])


def autoregression_loop(states, warm_up, order):
    """s_{i+1} = b + Σ A_j s_{i−j}, fitted to the first samples of one trajectory."""
    known = list(states[:warm_up])
    rows = [np.concatenate([[1.0], *known[i - order : i][::-1]]) for i in range(order, warm_up)]
    matrix = np.linalg.lstsq(np.array(rows), np.array(known[order:]), rcond=None)[0]
    while len(known) < len(states):
        known.append(np.concatenate([[1.0], *known[-order:][::-1]]) @ matrix)
    return np.array(known[warm_up:])


@pytest.mark.parametrize("order", [1, 3])
def test_autoregression_is_that_of_a_numpy_loop(order):
    clean = simulate(sample_oscillators(2, seed=1), time_step=0.1, num_steps=60)
    motions = add_noise(clean, relative=0.05, seed=1)
    result = evaluate_forecast(
        linear_forecaster(turning(0.1)), motions, 40, autoregression_order=order
    )
    for states, forecast in zip(motions.states, result.forecasts["autoregression"]):
        np.testing.assert_allclose(forecast, autoregression_loop(states, 40, order), rtol=1e-7)


def test_autoregression_may_look_further_back_at_the_force_than_at_the_motion():
    driven = DampedOscillator(damping=0.2, force=Sinusoid(1.0, angular_frequency=2.3, phase=0.3))
    motions = add_noise(simulate(driven, time_step=0.1, num_steps=90), relative=0.05, seed=1)
    model = linear_forecaster(np.eye(2), np.zeros((2, 1)))
    result = evaluate_forecast(model, motions, 40, autoregression_order=(1, 3))
    states, force = motions.states[0], motions.force[0]
    rows = [[1.0, *states[i], *force[i - 2 : i + 1, 0]] for i in range(2, 39)]
    matrix = np.linalg.lstsq(np.array(rows), states[3:40], rcond=None)[0]
    known = list(states[:40])
    for i in range(39, 90):
        known.append(np.array([1.0, *known[-1], *force[i - 2 : i + 1, 0]]) @ matrix)
    np.testing.assert_allclose(
        result.forecasts["autoregression"][0], known[40:], rtol=1e-7, atol=1e-9
    )


def test_autoregression_of_order_two_holds_a_measured_position_under_a_force():
    driven = DampedOscillator(damping=0.2, force=Sinusoid(1.0, angular_frequency=2.3))
    motion = simulate(driven, time_step=0.1, num_steps=200)
    measured = Trajectory(motion.times, motion.states[..., :1], ("position",), motion.force)
    model = linear_forecaster(np.ones((1, 1)), np.zeros((1, 1)))
    result = evaluate_forecast(model, measured, warm_up=50)
    assert list(result.scores) == ["model", "persistence", "autoregression"]
    # x_{i+2} is linear in x_{i+1}, x_i and F_i: exact but for the growth of rounding
    assert result["autoregression"]["rmse"] < 1e-9
    np.testing.assert_allclose(result["model"]["rmse"], result["persistence"]["rmse"], rtol=1e-6)


def test_autoregression_fitted_to_training_data_is_shared_by_all_trajectories():
    motions = circular_motions(num=4)
    model = linear_forecaster(turning(0.1))
    assert "autoregression" not in evaluate_forecast(model, motions, warm_up=3).scores
    result = evaluate_forecast(model, motions[:2], warm_up=3, training=motions[2:])
    assert result["autoregression"]["rmse"] < 1e-9


def test_drift_of_many_trajectories_is_the_median_one_by_magnitude_with_its_sign():
    # the model turns by 0.1 a step; the truths by more, less and much less
    t, factors = 0.1 * np.arange(401), np.array([1.01, 0.98, 0.9])[:, None]
    states = np.stack([np.cos(factors * t), -np.sin(factors * t)], axis=-1)
    motions = Trajectory(t, states, ("position", "velocity"), np.zeros((3, 401, 1)))
    scores = evaluate_forecast(linear_forecaster(turning(0.1)), motions, warm_up=70)["model"]
    np.testing.assert_allclose(scores["phase_drift"], 2.0 * np.pi * (1 / 0.98 - 1), rtol=5e-3)


def test_forecast_that_explodes_is_infinitely_wrong():
    motions = circular_motions()
    with pytest.warns(RuntimeWarning, match="The forecast is not finite"):
        scores = evaluate_forecast(linear_forecaster(turning(0.1, 20.0)), motions, 10)["model"]
    assert scores["rmse"] == np.inf and scores["energy_error"] == np.inf
    assert scores["valid_time"] < 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"warm_up": 0}, "warm_up must be an integer of at least 1"),
        ({"warm_up": 401}, "at most 401, the number of samples. Received warm_up=401"),
        ({"warm_up": 20, "num_steps": 400}, "Received warm_up=20 and num_steps=400"),
        ({"warm_up": 20, "tolerated_error": 0.0}, "tolerated_error must be > 0"),
        ({"warm_up": 20, "autoregression_order": 0}, "autoregression_order must be an integer"),
        ({"warm_up": 20, "features": "speed"}, "Received: 'speed'"),
    ],
)
def test_wrong_arguments_of_evaluate_forecast_raise(arguments, message):
    with pytest.raises(ValueError, match=message):
        evaluate_forecast(linear_forecaster(turning(0.1)), circular_motions(), **arguments)


def test_a_problem_without_an_energy_has_no_energy_error():
    motion = simulate(Pendulous(1.0, 0.0), 0.1, 200, "rk4")
    scores = evaluate_forecast(linear_forecaster(turning(0.1)), motion, warm_up=20)["model"]
    assert np.isnan(scores["energy_error"]) and np.isfinite(scores["amplitude_error"])


def test_a_family_without_a_proof_has_no_bound_in_its_table():
    family = PINN(
        DampedOscillator(), 1.0, (3,), activation="gelu", parameter_ranges={"damping": (0.1, 0.3)}
    )
    scores = evaluate_family(family)["pinn"]  # not compiled, as nothing is trained
    assert "position_bound" not in scores and scores["position_max"] > 0.0
    assert scores["residual_max"] > 0.0


def test_warm_up_at_rest_raises():
    motion = simulate(
        DampedOscillator(position=0.0, damping=0.1, force=Step(1.0, time=3.0)), 0.1, 100
    )
    model = linear_forecaster(turning(0.1), np.zeros((2, 1)))
    with pytest.raises(ValueError, match=r"must not be zero\. Received x = 0 throughout"):
        evaluate_forecast(model, motion, warm_up=10)


# ----------------------------------------------------------------- evaluate_response


def driven_motion(num_steps=200):
    force = Sinusoid(1.0, angular_frequency=1.3)
    problem = DampedOscillator(damping=0.5, force=force, position=0.0)
    return simulate(problem, time_step=0.1, num_steps=num_steps)


def euler_layer(**options):
    cell = EulerCell(0.1, damping_rate=0.5, squared_frequency=1.0, dtype="float64", **options)
    return keras.layers.RNN(cell, return_sequences=True, dtype="float64")


def test_euler_cell_answers_a_force_without_error():
    model = keras.Sequential([keras.Input((None, 1), dtype="float64"), euler_layer()])
    result = evaluate_response(model, driven_motion())
    assert result["model"]["position_max"] < 1e-12 and result["model"]["velocity_max"] < 1e-12
    assert result["euler"]["position_max"] < 1e-12 < 1e-3 < result["exact"]["position_max"]
    assert result.times[0] == pytest.approx(5.0)  # sample 50 is the first that is scored


def test_a_layer_or_function_is_judged_as_a_model_is():
    motion, layer = driven_motion(), euler_layer()
    model = keras.Sequential([keras.Input((None, 1), dtype="float64"), layer])
    for answer in (layer, lambda force: layer(force)):
        result = evaluate_response(answer, motion, inputs="force")
        assert result["model"] == pytest.approx(
            evaluate_response(model, motion)["model"], abs=1e-12
        )


def test_constant_offset_is_its_own_rmse_in_the_unit_of_the_position():
    layers = [
        keras.Input((None, 1), dtype="float64"),
        euler_layer(features=("position",)),
        keras.layers.Rescaling(1.0, offset=0.125, dtype="float64"),
    ]
    motion = driven_motion()
    result = evaluate_response(keras.Sequential(layers), motion, targets="position")
    deviation = np.std(motion.states[0, 50:, 0])
    np.testing.assert_allclose(result["model"]["position_rmse"], 0.125, rtol=1e-10)
    np.testing.assert_allclose(result["model"]["position_max"], 0.125, rtol=1e-10)
    np.testing.assert_allclose(result["model"]["position_nrmse"], 0.125 / deviation, rtol=1e-10)
    assert "position RMSE (m)" in str(result)


def test_samples_of_the_warm_up_are_not_scored():
    model = keras.Sequential(
        [keras.Input((None, 1), dtype="float64"), euler_layer(initial_position=3.0)]
    )
    motion = driven_motion()
    predicted = np.asarray(model(motion.force[:, :-1]))[0, :, 0]
    error = predicted - motion.states[0, 1:, 0]  # that of s_1, s_2, …
    for warm_up in (1, 120):
        rmse = np.sqrt(np.mean(error[warm_up - 1 :] ** 2))
        scores = evaluate_response(model, motion, warm_up)["model"]
        np.testing.assert_allclose(scores["position_rmse"], rmse, rtol=1e-9)


def test_model_of_two_inputs_gets_the_initial_state():
    motion = simulate(DampedOscillator(damping=0.5, position=2.0, velocity=1.0), 0.1, 100)
    force, start = keras.Input((None, 1), dtype="float64"), keras.Input((2,), dtype="float64")
    model = keras.Model([force, start], euler_layer()(force, initial_state=start))
    assert evaluate_response(model, motion, warm_up=1)["model"]["position_max"] < 1e-12


def model_of_first_states(num_states):
    """Euler's method from the last of the first `num_states` states."""
    force = keras.Input((None, 1), dtype="float64")
    first = keras.Input((num_states, 2), dtype="float64")
    run = euler_layer()(force[:, num_states - 1 :], initial_state=first[:, -1])
    return keras.Model([force, first], keras.ops.concatenate([first[:, 1:], run], axis=1))


def test_model_that_takes_several_states_gets_the_first_ones():
    motion = simulate(DampedOscillator(damping=0.5, position=2.0, velocity=1.0), 0.1, 100)
    result = evaluate_response(model_of_first_states(3), motion, warm_up=3)
    assert result["model"]["position_max"] < 1e-12


def test_model_that_would_see_scored_samples_is_refused():
    message = r"at most the samples that are not scored. Received a model of the first 4 states"
    with pytest.raises(ValueError, match=message):
        evaluate_response(model_of_first_states(4), driven_motion(), warm_up=3)
    with pytest.raises(ValueError, match="Received a model of the first 0 states"):
        model = keras.Sequential([keras.Input((None, 1), dtype="float64"), euler_layer()])
        evaluate_response(model, driven_motion(), inputs=("force", "first_states"))


def test_inputs_may_be_a_function_of_the_trajectory():
    model = keras.Sequential([keras.Input((None, 1), dtype="float64"), euler_layer()])
    doubled = driven_motion()
    result = evaluate_response(model, doubled, inputs=lambda motion: 0.0 * motion.force[:, 1:])
    expected = np.sqrt(np.mean(doubled.states[0, 50:, 0] ** 2))
    np.testing.assert_allclose(result["model"]["position_rmse"], expected, rtol=1e-9)


def test_measured_position_is_scored_in_the_unit_of_the_file():
    motion = driven_motion()
    measured = Trajectory(motion.times, motion.states[..., :1], ("position",), motion.force)
    layers = [keras.Input((None, 1), dtype="float64"), euler_layer(features=("position",))]
    result = evaluate_response(keras.Sequential(layers), measured, training=measured)
    assert list(result.scores) == ["model", "persistence", "autoregression"]
    assert "position RMSE (unit of the file)" in str(result)
    assert result["autoregression"]["position_rmse"] < 1e-9


def test_response_of_a_wrong_shape_raises():
    model = keras.Sequential([keras.Input((None, 1)), keras.layers.Dense(1)])
    message = r"s_1 … s_N of position, velocity, shape \(1, 200, 2\). Received \(1, 200, 1\)"
    with pytest.raises(ValueError, match=message):
        evaluate_response(model, driven_motion())


def test_unknown_inputs_of_a_response_raise():
    model = keras.Sequential([keras.Input((None, 1)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="Received: 'velocity'"):
        evaluate_response(model, driven_motion(), inputs="velocity")


@pytest.mark.parametrize(("features", "order"), [(None, 1), ("position", 2)])
def test_autoregression_looks_back_as_far_as_the_state_needs(features, order):
    # Two samples of a whole state are redundant: their fit to smooth noisy data runs away.
    clean = simulate(sample_oscillators(2, seed=1), time_step=0.1, num_steps=60)
    motions = add_noise(clean, relative=0.05, seed=1)
    columns = slice(None) if features is None else slice(0, 1)
    size = 2 if features is None else 1
    layer = keras.layers.Dense(size)
    model = keras.Sequential([keras.Input((None, size)), layer])
    result = evaluate_forecast(model, motions, 40, num_steps=5, features=features)
    for states, forecast in zip(motions.states[..., columns], result.forecasts["autoregression"]):
        expected = autoregression_loop(states[:45], 40, order)
        np.testing.assert_allclose(forecast, expected, rtol=1e-7)
