"""Models for other runtimes: SavedModel, ONNX and LiteRT, with the same numbers.

`formats` has `export_model`, which chooses by the ending of the path. `served_function` is what a
file computes, `portable_graphs` how the graph avoids what a runtime lacks, `float32_graph` the same
in single precision. `saved_model` and `litert_and_onnx` write the files, and `check` compares what
was written with the model. It may import the rooms below it.
"""

from .formats import export_model

__all__ = [
    "export_model",
]
