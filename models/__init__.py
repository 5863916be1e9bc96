"""Recurrent cells and physics-informed networks for oscillators."""

from oscillator_zoo.data.problems.serialization import register_with_keras

from .checkpointed_gradient import CheckpointedGradient
from .duffing_cell import DuffingCell
from .duffing_reading import duffing_estimates, read_duffing
from .duffing_start import fit_one_step
from .elman_cell import ElmanCell
from .elman_rnn import ElmanRNN
from .euler_cell import EulerCell
from .export import export_model
from .forecast_model import ForecastModel
from .jordan_cell import JordanCell
from .jordan_rnn import JordanRNN
from .least_squares_model import LeastSquaresModel
from .levenberg_marquardt import LevenbergMarquardt
from .linear_cells import euler_weights, read_oscillator
from .linear_rnn import LinearRNN
from .model_file import load_model
from .pinn import PINN
from .preset import from_preset, save_preset
from .preset_table import available_presets
from .response_model import ResponseModel
from .rollout import rollout
from .truncated_gradient import TruncatedGradient

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
    "ResponseModel",
    "TruncatedGradient",
    "available_presets",
    "duffing_estimates",
    "euler_weights",
    "export_model",
    "fit_one_step",
    "from_preset",
    "load_model",
    "read_duffing",
    "read_oscillator",
    "rollout",
    "save_preset",
]

register_with_keras()
