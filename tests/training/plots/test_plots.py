import subprocess
import sys

import keras
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator, Pendulum, Step, Trajectory, simulate
from oscillator_zoo.models import PINN, ElmanRNN, euler_weights
from oscillator_zoo.training import (
    evaluate_forecast,
    plot_history,
    plot_phase,
    plot_residual,
    plot_response,
    plot_rollout,
    plot_solution,
    plot_trajectory,
)
from oscillator_zoo.training.evaluation.fine_grid import fine_times

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def motion(num=1, num_steps=40):
    start = np.linspace(1.0, 2.0, num)
    problem = DampedOscillator(damping=0.2, position=start, velocity=0.0 * start)
    return simulate(problem, time_step=0.1, num_steps=num_steps)


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# ---------------------------------------------------------------- trajectories, phase


def test_trajectory_is_drawn_over_its_times_with_units():
    trajectory = motion()
    ax = plot_trajectory(trajectory, "velocity")
    (line,) = ax.lines
    np.testing.assert_array_equal(line.get_xdata(), trajectory.times)
    np.testing.assert_array_equal(line.get_ydata(), trajectory.states[0, :, 1])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "velocity (m/s)")


def test_each_of_a_few_trajectories_has_a_colour_and_a_name():
    ax = plot_trajectory(motion(3))
    assert len({line.get_color() for line in ax.lines}) == 3
    assert texts(ax) == ["trajectory 0", "trajectory 1", "trajectory 2"]


def test_many_trajectories_share_a_colour_and_one_name():
    ax = plot_trajectory(motion(9), label="Euler")
    assert len(ax.lines) == 9 and len({line.get_color() for line in ax.lines}) == 1
    assert texts(ax) == ["Euler"]


def test_second_call_on_the_same_axes_takes_another_colour():
    ax = plot_trajectory(motion(), label="first")
    assert plot_trajectory(motion(), ax=ax, label="second") is ax
    assert ax.lines[0].get_color() != ax.lines[1].get_color()
    assert texts(ax) == ["first", "second"]


def test_line_properties_are_those_that_were_passed():
    (line,) = plot_trajectory(motion(), color="black", linestyle="--").lines
    assert line.get_color() == "black" and line.get_linestyle() == "--"


@pytest.mark.parametrize(
    ("trajectory", "label"),
    [
        (simulate(Pendulum(damping=0.5), 0.01, 10), "position (rad)"),
        (
            Trajectory([0.0, 1.0], np.ones((1, 2, 1)), ("position",), np.ones((1, 2, 1))),
            "position (unit of the file)",
        ),
    ],
)
def test_unit_is_that_of_the_problem_or_of_the_file(trajectory, label):
    assert plot_trajectory(trajectory).get_ylabel() == label


def test_phase_portrait_has_velocity_over_position_and_a_dot_at_the_start():
    trajectory = motion()
    ax = plot_phase(trajectory)
    curve, dot = ax.lines
    np.testing.assert_array_equal(curve.get_xdata(), trajectory.states[0, :, 0])
    np.testing.assert_array_equal(curve.get_ydata(), trajectory.states[0, :, 1])
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (1.0, 0.0) and dot.get_marker() == "o"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("position (m)", "velocity (m/s)")


def test_phase_portrait_without_velocity_raises():
    measured = Trajectory([0.0, 1.0], np.ones((1, 2, 1)), ("position",), np.ones((1, 2, 1)))
    with pytest.raises(ValueError, match="needs position and velocity"):
        plot_phase(measured)
    with pytest.raises(ValueError, match="Received coordinate=1 of the features position, velo"):
        plot_phase(motion(), coordinate=1)


def test_axes_of_several_panels_raise():
    _, panels = plt.subplots(2)
    with pytest.raises(ValueError, match=r"Received: ndarray\. Of several take one, axes\[0\]"):
        plot_trajectory(motion(), ax=panels)


# ------------------------------------------------------------------ solution, residual


def pinn_for(problem=None, **arguments):
    return PINN(problem or DampedOscillator(), 3.0, hidden_units=(4,), seed=1, **arguments)


def test_solution_is_drawn_over_the_exact_one_with_the_error_below():
    ax = plot_solution(pinn_for(h1=lambda t: keras.ops.cos(1.1 * t), h2=lambda t: 1e-14 * t**2))
    exact, solution = ax.lines
    t = exact.get_xdata()
    np.testing.assert_allclose(exact.get_ydata(), np.cos(t), atol=1e-12)
    np.testing.assert_allclose(solution.get_ydata(), np.cos(1.1 * t), atol=1e-12)
    error, estimate = ax.figure.axes[1].lines
    assert (error.get_label(), estimate.get_label()) == ("|error|", "error estimate")
    np.testing.assert_allclose(error.get_ydata(), np.abs(np.cos(t) - np.cos(1.1 * t)), atol=1e-12)
    largest = np.abs(np.cos(t) - np.cos(1.1 * t)).max()
    assert ax.get_title() == f"At most {largest:.2g} m from the exact solution"
    assert texts(ax) == ["exact solution", "PINN", "error estimate"]
    assert ax.figure.axes[1].get_ylabel() == "|error| (m)"
    assert ax.figure.axes[1].get_yscale() == "log"


def test_error_band_reaches_as_far_as_the_bound_on_both_panels():
    pinn = PINN(DampedOscillator(), 3.0, hidden_units=(4,), seed=1)
    times = np.linspace(0.0, 3.0, 31)
    ax = plot_solution(pinn, times=times)
    bound = pinn.error_bound(times)[0][:, 0]
    x = np.asarray(pinn(times[:, None]))[:, 0]
    assert texts(ax) == ["exact solution", "PINN", "error bound"]
    (band,) = ax.collections
    corners = band.get_paths()[0].vertices[:, 1]
    np.testing.assert_allclose(corners.max(), (x + bound).max(), rtol=1e-12)
    np.testing.assert_allclose(corners.min(), (x - bound).min(), rtol=1e-12)
    _, line = ax.figure.axes[1].lines
    np.testing.assert_allclose(line.get_ydata()[1:], bound[1:], rtol=1e-12)


def test_estimate_as_large_as_the_motion_is_not_drawn():
    # untrained, off by more than the motion, and without a proof
    pinn = pinn_for(Pendulum(position=2.5), activation="gelu")
    with pytest.warns(UserWarning, match="may be linearised"):
        estimate, _ = pinn.error_estimate([3.0])
    assert np.abs(estimate).max() > np.ptp(np.asarray(pinn([0.0, 3.0])))
    ax = plot_solution(pinn, num_points=11)
    assert not ax.collections and "estimate" not in " ".join(texts(ax))


def test_solution_on_given_axes_leaves_the_rest_of_the_figure_alone():
    figure, panels = plt.subplots(1, 2)
    assert plot_solution(pinn_for(), ax=panels[0], num_points=11) is panels[0]
    assert figure.axes == list(panels) and not panels[1].lines
    plot_solution(pinn_for(), ax=panels[0], error_ax=panels[1], num_points=11)
    assert len(panels[1].lines) == 2


def test_solution_without_closed_form_names_its_reference():
    ax = plot_solution(pinn_for(Pendulum()), num_points=11)
    assert ax.get_title().endswith("rad from RK4") and texts(ax)[0] == "RK4"


def test_residual_is_drawn_between_the_training_points_with_tolerance_and_jumps():
    pinn = pinn_for(DampedOscillator(force=Step(1.0, time=1.25)))
    ax = plot_residual(pinn, tolerance=1e-4, num_points=11)
    residual, tolerance, jump = ax.lines
    times = fine_times(pinn, 11)
    np.testing.assert_array_equal(residual.get_xdata(), times)
    expected = np.abs(np.asarray(pinn.residual(times)))[:, 0]
    np.testing.assert_array_equal(residual.get_ydata(), expected)
    assert set(tolerance.get_ydata()) == {1e-4} and set(jump.get_xdata()) == {1.25}
    assert ax.get_yscale() == "log" and ax.get_ylabel() == "|residual| (m/s²)"
    assert ax.get_title() == f"Residual up to {expected.max():.2g} m/s²: above the tolerance"
    assert texts(ax) == ["|residual|", "tolerance 0.0001", "force jumps"]
    low, high = ax.get_ylim()
    assert low < 1e-4 and high > expected.max()


def test_title_says_when_the_residual_is_within_the_tolerance():
    pinn = pinn_for(h1=lambda t: keras.ops.cos(t), h2=lambda t: 1e-14 * t**2)
    assert plot_residual(pinn, num_points=11).get_title().endswith(": within the tolerance")


@pytest.mark.parametrize("plot", [plot_solution, plot_residual])
def test_pictures_of_a_solution_need_a_pinn(plot):
    with pytest.raises(ValueError, match=r"belong to a PINN\. Received a model of type Sequential"):
        plot(keras.Sequential())


def test_tolerance_that_is_not_positive_raises():
    with pytest.raises(ValueError, match="tolerance must be > 0"):
        plot_residual(pinn_for(), tolerance=0.0, num_points=11)


# ------------------------------------------------------------------- rollout, history


def free_run():
    trajectory = motion(2, num_steps=80)
    layer = ElmanRNN(2, activation="linear", use_bias=False, return_sequences=True)
    layer.build((None, None, 2))
    kernel = euler_weights(DampedOscillator(damping=0.3), 0.1).recurrent_kernel
    layer.set_weights([kernel, np.zeros((2, 2))])
    return evaluate_forecast(layer, trajectory, warm_up=30, num_steps=40)


def test_rollout_draws_truth_with_its_past_and_the_chosen_forecasts():
    result = free_run()
    ax = plot_rollout(result, index=1, feature="velocity", methods=["persistence", "model"])
    truth, persistence, model, start = ax.lines
    times, states = result.trajectory.times, result.trajectory.states[1, :, 1]
    np.testing.assert_array_equal(truth.get_ydata(), states[:70])
    np.testing.assert_array_equal(persistence.get_ydata(), np.full(40, states[29]))
    np.testing.assert_array_equal(model.get_xdata(), times[30:70])
    np.testing.assert_array_equal(model.get_ydata(), result.forecasts["model"][1, :, 1])
    assert set(start.get_xdata()) == {times[29]}
    rmse = np.sqrt(np.mean((result.forecasts["model"][1, :, 1] - states[30:70]) ** 2))
    assert ax.get_title() == f"Free run of 40 steps: RMSE {rmse:.2g} m/s"
    assert ax.get_ylabel() == "velocity (m/s)" and texts(ax)[0] == "truth"


def test_rollout_of_few_steps_still_speaks_of_all():
    result = free_run()
    ax = plot_rollout(result, num_steps=5)
    assert [len(line.get_xdata()) for line in ax.lines[:3]] == [35, 5, 5]
    assert ax.get_title() == plot_rollout(result).get_title()


def test_forecast_that_runs_away_does_not_hide_the_truth():
    result = free_run()
    result.forecasts["model"][:] = 1e6
    ax = plot_rollout(result)
    assert np.ptp(ax.get_ylim()) < 2.5 * np.ptp(result.trajectory.states[0, :70, 0])


def test_response_is_drawn_around_the_largest_motion_with_ten_times_its_error():
    result = free_run()
    result.forecasts["model"][1, :, 0] = result.truth[1, :, 0] + 0.01
    ax = plot_response(result, index=1, num_samples=12)
    truth, model, error = ax.lines
    positions = result.truth[1, :, 0]
    peak = np.argmax(np.abs(positions - positions.mean()))
    first = min(max(peak - 6, 0), 28)
    np.testing.assert_array_equal(truth.get_ydata(), positions[first : first + 12])
    np.testing.assert_array_equal(truth.get_xdata(), result.times[first : first + 12])
    np.testing.assert_allclose(model.get_ydata(), truth.get_ydata() + 0.01, rtol=1e-6)
    np.testing.assert_allclose(error.get_ydata(), 0.1, rtol=1e-4)
    assert ax.get_title() == "Free run of 40 samples: RMSE 0.01 (m)"
    assert texts(ax) == ["measured", "model", "10 × error"]
    with pytest.raises(ValueError, match="num_samples must be an integer of at least 2"):
        plot_response(result, num_samples=1)


def test_unknown_feature_or_method_of_a_rollout_raises():
    with pytest.raises(ValueError, match=r"are position, velocity\. Received: 'speed'"):
        plot_rollout(free_run(), feature="speed")
    with pytest.raises(ValueError, match="Received: 'rk45'"):
        plot_rollout(free_run(), methods=["rk45"])


def test_history_is_drawn_by_epoch_on_a_logarithmic_scale():
    ax = plot_history({"loss": [1.0, 0.1], "val_loss": [2.0, 0.3], "learning_rate": [1.0, 1.0]})
    loss, val_loss = ax.lines
    np.testing.assert_array_equal(loss.get_xdata(), [1, 2])
    np.testing.assert_array_equal(val_loss.get_ydata(), [2.0, 0.3])
    assert ax.get_yscale() == "log" and texts(ax) == ["loss", "val_loss"]


def test_epochs_without_a_value_are_left_out():
    (line,) = plot_history({"fine_residual_max": [np.nan, 0.5, np.nan, 0.25]}).lines
    np.testing.assert_array_equal(line.get_xdata(), [2, 4])
    np.testing.assert_array_equal(line.get_ydata(), [0.5, 0.25])


def test_history_of_a_pinn_has_units():
    pinn = pinn_for()
    pinn.compile("adam", run_eagerly=True)
    history = pinn.fit(pinn.collocation_points(8, steps_per_epoch=1), epochs=2, verbose=0)
    assert texts(plot_history(history)) == ["loss (m²/s⁴)", "residual_max (m/s²)"]


@pytest.mark.parametrize(
    ("history", "names", "message"),
    [
        ({}, None, r"has no entries\. Received names=\[\]"),
        ({"loss": [1.0]}, "los", r"has loss\. Received names=\['los'\]"),
    ],
)
def test_wrong_names_of_a_history_raise(history, names, message):
    with pytest.raises(ValueError, match=message):
        plot_history(history, names)


@pytest.mark.slow
def test_importing_the_package_chooses_no_backend_and_no_style():
    code = (
        "import keras, matplotlib; before = dict.copy(matplotlib.rcParams);"
        "import oscillator_zoo.training;"
        "assert dict.copy(matplotlib.rcParams) == before"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
