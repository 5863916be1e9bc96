"""The entries of the zoo: data, model, `compile` and `fit`, each in a function to copy.

`entries` lists them all and has `train`. The recipes are in the modules beside it, by what is
learned; `preset_run` makes and judges the trained models that come along. This room may import
all others of `training`.
"""

from .entries import recipes, train

__all__ = [
    "recipes",
    "train",
]
