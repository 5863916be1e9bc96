"""Recurrent models that run on their own output, and are trained on that run.

`rollouts` runs a trained forecaster freely (`closed_loop` connects its output to its input);
`forecast_model` trains one on forecasts of many steps,
`response_model` a cell on its free run from a force; both carry their slopes forward in time
(`forward_sensitivities`). It may import the rooms below it.
"""

from .forecast_model import ForecastModel
from .response_model import ResponseModel
from .rollouts import rollout

__all__ = [
    "ForecastModel",
    "ResponseModel",
    "rollout",
]
