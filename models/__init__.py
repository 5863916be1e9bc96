"""Recurrent cells and physics-informed networks for oscillators.

The rooms lie one above the other, and each imports only those before it: `layer_graphs`, `saving`,
`export`, `presets`, `base_model`, `recurrent`, `least_squares`, `physics_cells`, `forecasting`,
then for networks that solve an equation `equation`, `trial_solution`, `families`, `inverse`,
`error_bounds`, `nonlinear_bounds`, `pinn`.
Nothing here knows of training recipes.
"""

from oscillator_zoo.data.problems.serialization import register_with_keras
from oscillator_zoo.data.unknown_arguments import explain_unknown_arguments

from .base_model import chief_path, several_machines
from .export import export_model
from .forecasting import ForecastModel, ResponseModel, rollout
from .least_squares import LeastSquaresModel, LevenbergMarquardt, SelfScaledBroyden
from .physics_cells import (
    DuffingCell,
    EulerCell,
    OscillatorCell,
    ProblemCell,
    duffing_estimates,
    euler_weights,
    fit_duffing,
    fit_one_step,
    read_duffing,
    read_oscillator,
    start_like,
)
from .pinn import PINN
from .presets import available_presets, from_preset, save_preset
from .recurrent import (
    CheckpointedGradient,
    ElmanCell,
    ElmanRNN,
    JordanCell,
    JordanRNN,
    LinearRNN,
    TruncatedGradient,
)
from .saving import load_model

__all__ = [
    "PINN",
    "CheckpointedGradient",
    "DuffingCell",
    "ElmanCell",
    "ElmanRNN",
    "EulerCell",
    "ForecastModel",
    "JordanCell",
    "JordanRNN",
    "LeastSquaresModel",
    "LevenbergMarquardt",
    "LinearRNN",
    "OscillatorCell",
    "ProblemCell",
    "ResponseModel",
    "SelfScaledBroyden",
    "TruncatedGradient",
    "available_presets",
    "chief_path",
    "duffing_estimates",
    "euler_weights",
    "export_model",
    "fit_duffing",
    "fit_one_step",
    "from_preset",
    "load_model",
    "read_duffing",
    "read_oscillator",
    "rollout",
    "save_preset",
    "several_machines",
    "start_like",
]

register_with_keras()
explain_unknown_arguments(*(kind for kind in map(globals().get, __all__) if isinstance(kind, type)))
