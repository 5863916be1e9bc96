"""Training on the vector of residuals instead of the mean of their squares.

`least_squares_model` is the model, with the ordinary step by `GradientTape`; `levenberg_marquardt`
the optimizer, which knows a model only as a `LeastSquaresSystem` (`least_squares_system`): weights
to move, residuals, and their Jacobian (`Linearised`). `least_squares_steps` has its steps,
`elimination` solves for a linear last layer, `window_blocks` for that of many windows, in as much
`memory` as there may be. `estimates` has the standard errors of what was found.
`self_scaled_broyden` trains by the gradient alone and a `line_search`; `whole_batch_optimizer` is
what both optimizers share, `distribution` shares their work among devices. Nothing here knows of
equations. It may import the rooms below it.
"""

from .least_squares_model import LeastSquaresModel
from .levenberg_marquardt import LevenbergMarquardt
from .self_scaled_broyden import SelfScaledBroyden

__all__ = [
    "LeastSquaresModel",
    "LevenbergMarquardt",
    "SelfScaledBroyden",
]
