"""Reading a `.keras` file without running what a stranger wrote into it.

`model_file` has `load_model`; `file_checks` looks at the description of a model, and at its size,
before anything that it names is built. This room may import `data`.
"""

from .model_file import load_model

__all__ = [
    "load_model",
]
