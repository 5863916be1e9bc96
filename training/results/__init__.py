"""What a training leaves behind: a `Run` of model, history, errors and pictures, as a folder.

`run` is what `train` returns, `run_file` how it is written, `resumable_run` how a recipe goes on
after it was killed, `workers` which machines train it together, `pictures` what is drawn;
`sweeping` calls one function at many points, such as a training for many seeds, and `sweep_file`
keeps its rows. It may import the rooms below it.
"""

from .run import Run
from .sweeping import sweep

__all__ = [
    "Run",
    "sweep",
]
