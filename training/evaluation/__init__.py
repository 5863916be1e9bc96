"""How good a model is: its errors in the equation's units, beside those of simple methods.

`solutions` judges a PINN and `families` a whole family of them, `forecasts` and `responses` the
recurrent networks; each returns an `Evaluation`, a table (`evaluation`). `baselines` has what a
network must beat, `reference` the motion that counts as true. `fine_grid` has the times at which a
solution is judged and `error_bands` how wrong it says it is; `free_run` is how a recurrent network
ran, `phase` how fast it runs away. This room imports `data` and `models`.
"""

from .families import evaluate_family
from .forecasts import evaluate_forecast
from .responses import evaluate_response
from .solutions import evaluate_solution

__all__ = [
    "evaluate_family",
    "evaluate_forecast",
    "evaluate_response",
    "evaluate_solution",
]
