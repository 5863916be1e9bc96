"""Pictures of motions, solutions, forecasts and gradients on Matplotlib's `Axes`.

`motion_plots` draws motions and histories, `solution_plots` a PINN with its error, `response_plot`
a recurrent network's answer to a force, `gradient_plot` gradients over time, `line_plot` any named
lines; `axes` is the style that all share, and makes empty panels in it. Every function takes `Axes`
or makes one, and returns it.
It may import the rooms below it.
"""

from .axes import panels
from .gradient_plot import plot_gradient_norms
from .line_plot import plot_lines
from .motion_plots import plot_history, plot_phase, plot_rollout, plot_trajectory
from .response_plot import plot_response
from .solution_plots import plot_residual, plot_solution

__all__ = [
    "panels",
    "plot_gradient_norms",
    "plot_history",
    "plot_lines",
    "plot_phase",
    "plot_residual",
    "plot_response",
    "plot_rollout",
    "plot_solution",
    "plot_trajectory",
]
