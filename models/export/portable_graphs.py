"""How graphs are traced that run elsewhere."""

import contextlib
import contextvars

_portable = contextvars.ContextVar("portable", default=False)
_without_tapes = contextvars.ContextVar("without_tapes", default=False)


def is_portable():
    """Whether what is traced now shall run in LiteRT or ONNX, with the operations they have.

    Then there is one step in each pass of a loop, and there are no XLA, tapes, binary searches,
    arc cosines or steps in blocks.
    """
    return _portable.get()


def is_without_tapes():
    """Whether derivatives in time shall be traced without tapes, which double a graph."""
    return _without_tapes.get() or is_portable()


def portable_graphs():
    """Within it, layers are traced for other runtimes than TensorFlow."""
    return _switched(_portable, True)


@contextlib.contextmanager
def ordinary_graphs():
    """Within it, layers do as ever, also where a file is being written around it."""
    with _switched(_portable, False), _switched(_without_tapes, False):
        yield


def graphs_without_tapes():
    """Within it, derivatives in time are traced as Taylor series."""
    return _switched(_without_tapes, True)


@contextlib.contextmanager
def _switched(variable, value):
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)
