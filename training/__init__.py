"""Recipes, callbacks, evaluation and plots for the models of the zoo."""

from .backpropagation import backpropagation_through_time
from .callbacks import Progress, ResidualTolerance, SolutionPlot
from .error_tolerance import ErrorTolerance
from .family_evaluation import evaluate_family
from .forecast_evaluation import evaluate_forecast
from .gradient_norms import gradient_norms
from .gradient_plot import plot_gradient_norms
from .plots import plot_history, plot_phase, plot_rollout, plot_trajectory
from .response_evaluation import evaluate_response
from .response_plot import plot_response
from .run import Run
from .schedules import HorizonSchedule, TeacherForcingSchedule
from .solution_evaluation import evaluate_solution
from .solution_plots import plot_residual, plot_solution
from .stopping import StopOnInterrupt, StopOnNaN
from .truncation_bias import truncation_bias
from .zoo import recipes, train

__all__ = [
    "ErrorTolerance",
    "HorizonSchedule",
    "Progress",
    "ResidualTolerance",
    "Run",
    "SolutionPlot",
    "StopOnInterrupt",
    "StopOnNaN",
    "TeacherForcingSchedule",
    "backpropagation_through_time",
    "evaluate_family",
    "evaluate_forecast",
    "evaluate_response",
    "evaluate_solution",
    "gradient_norms",
    "plot_gradient_norms",
    "plot_history",
    "plot_phase",
    "plot_residual",
    "plot_response",
    "plot_rollout",
    "plot_solution",
    "plot_trajectory",
    "recipes",
    "train",
    "truncation_bias",
]
