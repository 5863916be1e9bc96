"""The pictures that go with a run."""

import pathlib

from matplotlib.figure import Figure

from oscillator_zoo.data.files import write_whole

from ..evaluation.families import middle_of_ranges, one_solution
from ..plots.motion_plots import plot_history, plot_rollout
from ..plots.response_plot import plot_response
from ..plots.solution_plots import plot_residual, plot_solution


def save_pictures(run, evaluation, folder):
    """Draw the history and the result of a run as PNG files, each written whole or not at all.

    Args:
        run: `Run`.
        evaluation: what `run.evaluate()` returned.
        folder: existing folder.

    Returns:
        List of the paths written.
    """
    solution = run.task == "solution"
    pictures = {"result.png": lambda *panels: draw_result(run, evaluation, *panels)}
    if run.history:
        pictures["history.png"] = lambda ax: plot_history(run.history, ax=ax)
    if solution:
        pictures["residual.png"] = lambda ax: _named(run, plot_residual(_shown(run), ax=ax))
    if run.task == "response" and run.test.problem is None:  # a measurement
        pictures["error.png"] = lambda ax: plot_response(evaluation, ax=ax)
    panels = {"result.png": 2} if solution else {}
    folder = pathlib.Path(folder)
    return [
        save_picture(draw, folder / name, panels.get(name, 1)) for name, draw in pictures.items()
    ]


def draw_result(run, evaluation, ax, error_ax=None):
    """The solution with the exact one and the error below, or the free run with the truth."""
    if run.task == "solution":
        return _named(run, plot_solution(_shown(run), ax=ax, error_ax=error_ax))
    return plot_rollout(evaluation, ax=ax)


def _shown(run):
    return one_solution(run.model)


def _named(run, ax):
    """The Axes, whose title names the member of a family that is drawn."""
    if run.model.parameter_ranges is not None:
        member = ", ".join(
            f"{name} {value:g}" for name, value in middle_of_ranges(run.model).items()
        )
        ax.set_title(f"{ax.get_title()}\nMember in the middle of the family: {member}")
    return ax


def save_picture(draw, path, panels=1):
    """One figure, drawn by `draw(ax)`; with two panels by `draw(ax, ax_below)`."""
    figure = Figure(figsize=(8.0, 4.5 if panels == 1 else 6.0), layout="constrained")
    ratios = (2, *(1,) * (panels - 1))
    draw(*figure.subplots(panels, sharex=True, height_ratios=ratios, squeeze=False)[:, 0])
    with write_whole(path) as temporary:
        figure.savefig(temporary, dpi=120)
    return path
