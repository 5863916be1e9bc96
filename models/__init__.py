"""Recurrent cells and physics-informed networks for oscillators."""

from oscillator_zoo.data.serialization import register_with_keras

from .elman_cell import ElmanCell
from .elman_rnn import ElmanRNN
from .jordan_cell import JordanCell
from .jordan_rnn import JordanRNN
from .least_squares_model import LeastSquaresModel
from .pinn import PINN

__all__ = ["ElmanCell", "ElmanRNN", "JordanCell", "JordanRNN", "LeastSquaresModel", "PINN"]

register_with_keras()
