"""A physics-informed network as a `keras.Model`.

`pinn` is the lecture: trial solution, residual and training step under one docstring.
`interval_model` feeds and saves it, with its `bound_table`, `answers` says what it can be asked,
`plan` decides its parts, `collocation` where it is trained; `warm_start`, then `fit_checks` and
`missed_tolerance`, are what happens before and after a fit, `what_helps` their advice; `many_steps`
takes those of a long one in one call and `residual_max` is its metric; `fit_to_data` is the fit of
unknown parameters. It may import the rooms below it.
"""

from .pinn import PINN

__all__ = [
    "PINN",
]
