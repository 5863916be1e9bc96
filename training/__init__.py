"""Recipes, callbacks, evaluation and plots for the models of the zoo.

The rooms lie one above the other: `backpropagation`, which stands alone, `evaluation`, `plots`,
`multiple_shooting`, `law_fits`, `instrument`, `callbacks`, `results`, `zoo`; each imports only
those before it. `tour` and `commands` use them all; the options of the commands are in
`oscillator_zoo/__main__.py`.
"""

from oscillator_zoo.data.unknown_arguments import explain_unknown_arguments

from .backpropagation import (
    backpropagation_through_time,
    gradient_norms,
    truncation_bias,
)
from .callbacks import (
    ErrorTolerance,
    HorizonSchedule,
    Progress,
    ResidualTolerance,
    SolutionPlot,
    StopOnInterrupt,
    StopOnNaN,
    TeacherForcingSchedule,
)
from .evaluation import (
    evaluate_family,
    evaluate_forecast,
    evaluate_response,
    evaluate_solution,
)
from .instrument import Identified, identify
from .plots import (
    panels,
    plot_gradient_norms,
    plot_history,
    plot_lines,
    plot_phase,
    plot_residual,
    plot_response,
    plot_rollout,
    plot_solution,
    plot_trajectory,
)
from .results import Run, sweep
from .zoo import recipes, train

__all__ = [
    "ErrorTolerance",
    "HorizonSchedule",
    "Identified",
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
    "identify",
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
    "recipes",
    "sweep",
    "train",
    "truncation_bias",
]

explain_unknown_arguments(*(kind for kind in map(globals().get, __all__) if isinstance(kind, type)))
