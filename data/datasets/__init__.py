"""What a network sees: `tf.data` datasets cut from motions, ready for `model.fit`.

`windows` for forecasts, `identification_pairs` for force → motion, `variable_length` for motions
of different lengths, all through `batches`. `stream` makes motions as they are needed, from
random numbers that depend on a counter alone (`counter_draws`), for more than memory holds. This
room may import all others of `data`; TensorFlow is imported when a dataset is made.
"""

from .identification_pairs import system_identification_pairs
from .stream import trajectory_stream
from .variable_length import variable_length_batches
from .windows import forecast_windows

__all__ = [
    "forecast_windows",
    "system_identification_pairs",
    "trajectory_stream",
    "variable_length_batches",
]
