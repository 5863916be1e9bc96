"""The pictures that go with a run."""

import pathlib

from matplotlib.figure import Figure

from oscillator_zoo.data.files import write_whole

from ..evaluation.families import one_solution
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
    pictures = {"result.png": lambda ax: draw_result(run, evaluation, ax)}
    if run.history:
        pictures["history.png"] = lambda ax: plot_history(run.history, ax=ax)
    if run.task == "solution":
        pictures["residual.png"] = lambda ax: plot_residual(one_solution(run.model), ax=ax)
    if run.task == "response" and run.test.problem is None:  # a measurement
        pictures["error.png"] = lambda ax: plot_response(evaluation, ax=ax)
    return [save_picture(draw, pathlib.Path(folder) / name) for name, draw in pictures.items()]


def draw_result(run, evaluation, ax):
    """The solution with the exact one, or the free run with the truth."""
    if run.task == "solution":
        return plot_solution(one_solution(run.model), ax=ax)
    return plot_rollout(evaluation, ax=ax)


def save_picture(draw, path):
    """One figure with one panel, drawn by `draw(ax)`."""
    figure = Figure(figsize=(8.0, 4.5), layout="constrained")
    draw(figure.subplots())
    with write_whole(path) as temporary:
        figure.savefig(temporary, dpi=120)
    return path
