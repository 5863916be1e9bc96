"""What the pictures of a run show: inside their axes, named, with a bound that can be seen."""

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure

from oscillator_zoo.data import (
    CoupledOscillators,
    DampedOscillator,
    Duffing,
    Sinusoid,
    Step,
    simulate,
)
from oscillator_zoo.models import PINN, from_preset
from oscillator_zoo.training import (
    Run,
    plot_history,
    plot_residual,
    plot_response,
    plot_rollout,
    plot_solution,
    plot_trajectory,
)
from oscillator_zoo.training.evaluation.free_run import FreeRun
from oscillator_zoo.training.results.pictures import draw_result, save_pictures
from oscillator_zoo.training.tour import _draw_euler


def panels(num=1):
    return Figure().subplots(num, squeeze=False)[:, 0]


def names(ax):
    legend = ax.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def free_run(add):
    """A measured motion, and a model's that differs by `add`, `(201,)`."""
    record = simulate(Duffing(damping=0.2, force=Sinusoid(1.0, 1.0)), 0.1, 200, "rk4")
    run = record.states[:, :, :1] + np.asarray(add)[None, :, None]
    facts = {"model": {"rmse": 1.0}}, {"rmse": "RMSE"}, (), record, ("position",), 0
    return FreeRun(*facts, {"model": run})


@pytest.mark.parametrize(
    ("size", "label"), [(1e-3, "10 × error"), (0.3, "2 × error"), (3.0, "error"), (1e3, "error")]
)
def test_the_error_of_a_bad_fit_stays_inside_its_axes(size, label):
    (ax,) = panels()
    plot_response(free_run(size * np.cos(np.arange(201.0))), ax=ax)
    low, high = ax.get_ylim()
    for line in ax.lines:
        assert low <= line.get_ydata().min() and line.get_ydata().max() <= high
    assert names(ax) == ["measured", "model", label]


def test_a_forecast_that_cannot_be_seen_is_not_in_the_legend():
    (ax,) = panels()
    plot_rollout(free_run(np.full(201, np.inf)), ax=ax)
    assert names(ax) == ["truth"]
    (ax,) = panels()
    plot_history({"loss": [1.0, 0.1], "nothing": [np.nan, np.nan], "zero": [0.0, 0.0]}, ax=ax)
    assert names(ax) == ["loss"]


def test_the_error_panel_ends_at_rounding_and_shows_the_bound_as_a_line():
    run = Run(from_preset("pinn-damped"), "solution", {}, None, 0)
    ax, error_ax = panels(2)
    draw_result(run, None, ax, error_ax)
    error, bound = error_ax.lines
    assert names(error_ax) == ["|error|", "error bound"]
    assert names(ax) == ["exact solution", "PINN"]  # the band is thinner than the line
    floor = np.finfo(np.float64).eps
    assert error.get_ydata().min() >= floor
    assert 1e-2 * floor < error_ax.get_ylim()[0] < floor
    assert bound.get_linewidth() > 1.0 and bound.get_color() != error.get_color()
    assert np.all(bound.get_ydata() >= error.get_ydata())
    assert bound.get_ydata().max() < error_ax.get_ylim()[1]
    assert ax.get_title() and error_ax.get_ylabel() == "|error| (m)"


@pytest.mark.parametrize(
    ("errors", "lowest"),  # x̂ = cos t + an error that begins at zero; what the axis must show
    [
        (lambda t: 1e-3 * t**2, 9e-7),  # four decades below 9e-3, though it starts at zero
        (lambda t: 1e-3 * (1.0 - keras.ops.cos(8.0 * t)), 2e-7),  # and goes through it
        (lambda t: 1e-16 * (keras.ops.cosh(10.0 * t) - 1.0), 5e-16),  # from rounding to 5e-4
        (lambda t: 0.0 * t, 2e-16),  # rounding
    ],
)
def test_the_error_panel_shows_what_lasts_and_not_the_zeros(errors, lowest):
    pinn = PINN(
        DampedOscillator(),
        3.0,
        h1=lambda t: keras.ops.cos(t) + errors(t),
        h2=lambda t: 1e-30 * t**2,
        hidden_units=(4,),
    )
    ax, error_ax = panels(2)
    plot_solution(pinn, ax, error_ax)
    low, high = error_ax.get_ylim()
    largest = error_ax.lines[0].get_ydata().max()
    assert lowest / 100.0 < low <= lowest
    assert high > largest


def test_an_error_shows_through_a_bound_of_its_size():
    pinn = from_preset("pinn-harmonic-learned")
    ax, error_ax = panels(2)
    plot_solution(pinn, ax, error_ax)
    error, bound = error_ax.lines
    assert names(error_ax) == ["|error|", "error bound"]
    last = np.s_[len(error.get_ydata()) // 2 :]
    np.testing.assert_allclose(bound.get_ydata()[last], error.get_ydata()[last], rtol=0.1)
    assert error.get_linestyle() == "-" and bound.get_linestyle() != "-"


def test_many_names_leave_the_lines_free():
    """Six in a low panel take two rows, above the highest bound."""
    figure = Figure(figsize=(7.0, 5.0), layout="constrained")
    ax, error_ax = figure.subplots(2, height_ratios=(2, 1))
    pinn = PINN(CoupledOscillators([1.0, 2.0, 1.0], position=[1.0, 0.0, 0.0]), 5.0)
    plot_solution(pinn, ax, error_ax)
    figure.draw_without_rendering()
    legend = error_ax.get_legend().get_window_extent()
    highest = max(line.get_ydata().max() for line in error_ax.lines)
    assert len(names(error_ax)) == 6
    assert error_ax.transData.transform((0.0, highest))[1] < legend.y0


def test_a_jump_of_the_force_is_named_beside_its_line():
    pinn = PINN(DampedOscillator(force=Step(1.0, 1.0)), 2.0)
    (ax,) = panels()
    plot_residual(pinn, ax=ax)
    assert names(ax) == ["|residual|", "tolerance 1e-06", "force jumps"]


@pytest.mark.slow
def test_a_familys_pictures_name_their_member(tmp_path):
    run = Run(from_preset("pinn-damped-family"), "solution", {}, None, 0)
    (ax,) = panels()
    draw_result(run, None, ax)
    assert "Member in the middle of the family: damping 0.275, stiffness 1.25" in ax.get_title()
    assert [path.name for path in save_pictures(run, None, tmp_path)] == [
        "result.png",
        "residual.png",
    ]


def test_the_tours_first_picture_has_the_exact_curve():
    motion = simulate(DampedOscillator(damping=0.4), 0.01, 500)
    (ax,) = panels()
    _draw_euler(motion, ax)
    assert names(ax) == ["exact", "Euler"]
    np.testing.assert_allclose(
        ax.lines[0].get_ydata(), motion.problem.exact(motion.times)[0][:, 0], rtol=1e-14
    )


def test_every_picture_of_a_motion_has_a_title_and_keeps_that_of_the_user():
    motion = simulate(DampedOscillator(damping=0.4), 0.01, 500)
    (ax,) = panels()
    plot_trajectory(motion, ax=ax)
    assert ax.get_title() == "Position of DampedOscillator by explicit Euler, Δt = 0.01 s"
    (ax,) = panels()
    ax.set_title("mine")
    plot_trajectory(motion, ax=ax)
    assert ax.get_title() == "mine"
