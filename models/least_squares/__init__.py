"""Training on the vector of residuals instead of the mean of their squares.

`least_squares_model` is the model, with the ordinary step by `GradientTape`;
`levenberg_marquardt` the optimizer, which knows a model only as a `Linearisation`: residuals,
their Jacobian and the weights to move. `least_squares_steps` has its steps, `elimination` solves
for a linear last layer. `precise_model` and `array_batches` keep all digits of an array. Nothing
here knows of equations. This room may import `recurrent`, `presets`, `saving` and `export`.
"""

from .least_squares_model import LeastSquaresModel
from .levenberg_marquardt import LevenbergMarquardt
from .self_scaled_broyden import SelfScaledBroyden

__all__ = [
    "LeastSquaresModel",
    "LevenbergMarquardt",
    "SelfScaledBroyden",
]
