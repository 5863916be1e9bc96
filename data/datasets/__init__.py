"""What a network sees: `tf.data` datasets cut from motions, ready for `model.fit`.

`windows` for forecasts, `identification_pairs` for force → motion, `variable_length` for motions
of different lengths, all through `batches`; `shuffling` orders them anew in every epoch. `stream`
makes motions as they are needed, for more than memory holds: `stream_source` draws and steps them,
from random numbers that depend on a counter alone (`counter_draws`), `stream_parts` says what a
model sees of them. This room may import all others of `data`; TensorFlow is imported when a
dataset is made.
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
