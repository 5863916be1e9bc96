"""The lecture's recurrent network, z = b + W h + U x, h = f(z), y = g(V h + c).

Begin with `elman_cell`, one step, and `elman_rnn`, the layer over a whole sequence; `jordan_cell`
and `jordan_rnn` feed the output back instead, `linear_rnn` runs linear cells over long sequences;
`recurrent_layer` has the bases of layers, and says what masked steps give out. They run the loop in
`hidden_states`, in `linear_loop` where the cell is linear, else in `time_loop`, and have gradients
of their own there (`gradient_by_hand`); `truncated_gradient` and `checkpointed_gradient` (in
`checkpointed_pieces`) change what the backward pass keeps. Nothing here knows of oscillators. It
may import the rooms below it.
"""

from .checkpointed_gradient import CheckpointedGradient
from .elman_cell import ElmanCell
from .elman_rnn import ElmanRNN
from .jordan_cell import JordanCell
from .jordan_rnn import JordanRNN
from .linear_rnn import LinearRNN
from .truncated_gradient import TruncatedGradient

__all__ = [
    "CheckpointedGradient",
    "ElmanCell",
    "ElmanRNN",
    "JordanCell",
    "JordanRNN",
    "LinearRNN",
    "TruncatedGradient",
]
