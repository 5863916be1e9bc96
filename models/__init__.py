"""Recurrent cells and physics-informed networks for oscillators."""

from oscillator_zoo.data.problems.serialization import register_with_keras

from .export.formats import export_model
from .forecasting.forecast_model import ForecastModel
from .forecasting.response_model import ResponseModel
from .forecasting.rollouts import rollout
from .least_squares.least_squares_model import LeastSquaresModel
from .least_squares.levenberg_marquardt import LevenbergMarquardt
from .physics_cells.duffing_answers import duffing_estimates
from .physics_cells.duffing_cell import DuffingCell
from .physics_cells.duffing_equation import fit_duffing
from .physics_cells.duffing_reading import read_duffing
from .physics_cells.duffing_start import fit_one_step, start_like
from .physics_cells.euler_cell import EulerCell
from .physics_cells.linear_reading import euler_weights, read_oscillator
from .pinn.pinn import PINN
from .presets.preset import from_preset, save_preset
from .presets.table import available_presets
from .recurrent.checkpointed_gradient import CheckpointedGradient
from .recurrent.elman_cell import ElmanCell
from .recurrent.elman_rnn import ElmanRNN
from .recurrent.jordan_cell import JordanCell
from .recurrent.jordan_rnn import JordanRNN
from .recurrent.linear_rnn import LinearRNN
from .recurrent.truncated_gradient import TruncatedGradient
from .saving.model_file import load_model

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
    "fit_duffing",
    "fit_one_step",
    "from_preset",
    "load_model",
    "read_duffing",
    "read_oscillator",
    "rollout",
    "save_preset",
    "start_like",
]

register_with_keras()
