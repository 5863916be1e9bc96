"""Graphs in the operations that LiteRT and ONNX have too."""

import contextlib
import contextvars

_portable = contextvars.ContextVar("portable", default=False)


def is_portable():
    """Whether what is traced now shall run elsewhere: one step in each pass of a loop, no XLA."""
    return _portable.get()


@contextlib.contextmanager
def portable_graphs():
    """Within it, layers are traced for other runtimes than TensorFlow."""
    token = _portable.set(True)
    try:
        yield
    finally:
        _portable.reset(token)
