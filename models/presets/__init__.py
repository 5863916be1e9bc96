"""Trained models that come along: a folder each, with its weights and a card of its errors.

`preset` reads and writes them, `card` is the record of what was trained and how well, with `facts`
of the model itself, `table` the list of all, `range_warning` what a preset says outside of what it
was trained for. This room may import `saving` and `export`.
"""

from .preset import from_preset, save_preset
from .table import available_presets

__all__ = [
    "available_presets",
    "from_preset",
    "save_preset",
]
