"""Reading a `.keras` file without running what a stranger wrote into it.

`model_file` has `load_model`; `file_checks` looks at the description of a model, and `size_check`
at its size, before anything that it names is built; `frozen_parts` writes down what is not trained.
`pickles` are models in pickles and copies. This room may import `data`.
"""

from .model_file import load_model

__all__ = [
    "load_model",
]
