"""The entries of the zoo: data, model, `compile` and `fit`, each in a function to copy.

`entries` lists them all and has `train`. The recipes are in the modules beside it: forecasts of
one step (`one_step_recipes`) and of many (`forecast_recipes`), force → motion
(`response_recipes`, which begin at a `linear_start`), equations (`pinn_recipes`), records
(`measured_elman`, `measured_duffing`). `recipe_sweep` trains one for many seeds; `preset_run` makes
and judges the trained models that come along. It may import the rooms below it.
"""

from .entries import recipes, train

__all__ = [
    "recipes",
    "train",
]
