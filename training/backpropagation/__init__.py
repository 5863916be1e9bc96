"""Backpropagation through time by hand, as the lecture has it, and what becomes of gradients.

`by_hand` has the lecture's gradients step by step, from the `step_jacobians`; `gradient_decay`
shows how they vanish or explode over time, `truncation` what is lost when they are cut short.
This room stands alone: it imports `data` and `models`.
"""

from .by_hand import backpropagation_through_time
from .gradient_decay import gradient_norms
from .truncation import truncation_bias

__all__ = [
    "backpropagation_through_time",
    "gradient_norms",
    "truncation_bias",
]
