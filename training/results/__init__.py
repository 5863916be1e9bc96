"""What a training leaves behind: a `Run` of model, history, errors and pictures, as a folder.

`run` is what `train` returns, `run_file` how it is written, `resumable_run` how a recipe goes on
after it was killed, `pictures` what is drawn. It may import the rooms below it.
"""

from .run import Run

__all__ = [
    "Run",
]
