"""A physics-informed network as a `keras.Model`.

`pinn` is the lecture: trial solution, residual and training step under one docstring.
`interval_model` feeds and saves it, `answers` says what it can be asked, `plan` decides its
parts, `collocation` where it is trained; `warm_start` and `fit_checks` are what happens before and
after a fit. This room may import all others of `models`.
"""

from .pinn import PINN

__all__ = [
    "PINN",
]
