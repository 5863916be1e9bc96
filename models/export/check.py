"""What a written file answers, next to what its model does."""

import keras
import numpy as np

from ..layer_graphs.time_axis import graph_of
from .portable_graphs import ordinary_graphs

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

# Relative to 1 + the largest number, of one call.
SAME_DOUBLE, SAME_SINGLE = 1e-9, 1e-3
FLOAT32_ONLY = 1e-5  # what is left where a file of float64 goes through float32: about 1e-8
SIZES = ((2, 8), (3, 13))  # of batch and time where they may vary; two of each find a mixed-up axis


def check_answers(model, served, answer):
    """Raise unless a file gives the numbers of the model itself, for two sizes of inputs.

    Every number that the file has is looked at: of a `PINN` x, v, a, the residual and the bound.

    Args:
        model: the model that was written.
        served: its `Served`, with the specs of the file.
        answer: function of a list of arrays that runs the file; a dictionary of arrays by name.

    Raises:
        ArithmeticError: with the name of the layer that answers otherwise, where it can be found.
    """
    for batch, length in SIZES:
        samples = [sample(model, spec, batch, length) for spec in served.specs]
        given = tf.nest.pack_sequence_as(served.signature, list(map(tf.constant, samples)))
        with ordinary_graphs():
            results = served.of_model(given)
        expected = {name: value.numpy() for name, value in results.items()}
        sizes = _sizes(expected)
        for name, found in answer(samples).items():
            same = _tolerance(found) * sizes[name]
            difference = _difference(found, expected[name], same)
            if difference:
                why = _culprit(model, given, served.specs)
                rounded = not _difference(found, expected[name], FLOAT32_ONLY * sizes[name])
                if not why and rounded and found.dtype == np.float64:
                    why = ": an operation has float32 only"
                raise ArithmeticError(f"{name} {difference}{why}")


def _sizes(results):
    """1 + the largest number of each result; the terms of a residual are as large as the others."""
    sizes = {name: 1.0 + np.nanmax(np.abs(y), initial=0.0) for name, y in results.items()}
    if "residual" in sizes:
        sizes["residual"] = max(sizes.values())
    if "error_bound" in sizes:
        sizes["error_bound"] -= 1.0  # it is looked up, and as small as 1e-12
    return sizes


def _tolerance(found):
    if found.dtype.kind in "iub":
        return 0.0
    return SAME_DOUBLE if found.dtype == np.float64 else SAME_SINGLE


def sample(model, spec, batch, length):
    """An input near .5, of integers 0 and 1; times and parameters of a PINN from all its range."""
    shape = [spec.shape[0] or batch, *(size or length for size in spec.shape[1:])]
    if spec.dtype.is_integer:
        return (np.arange(np.prod(shape)).reshape(shape) % 2).astype(spec.dtype.name)
    wave = np.sin(np.arange(np.prod(shape))).reshape(shape)
    middle, reach = 0.5, 0.1
    if hasattr(model, "problem") and spec.name == "t":
        reach = 0.45 * model.duration
        middle = model.problem.start_time + 0.5 * model.duration
    elif (getattr(model, "parameter_ranges", None) or {}).get(spec.name):
        low, high = model.parameter_ranges[spec.name]
        middle, reach = 0.5 * (low + high), 0.45 * (high - low)
    return (middle + reach * wave).astype(spec.dtype.name)


def _difference(found, expected, same):
    """What is wrong, or an empty string where no number is off by more than `same`."""
    if found.shape != expected.shape:
        return f"has the shape {found.shape} in place of {expected.shape}"
    if not np.allclose(found, expected, 0.0, same, equal_nan=True):
        return f"is off by {np.nanmax(np.abs(found - expected)):.1e}"
    return ""


def _culprit(model, given, specs):
    """The first layer that answers otherwise when sizes are free than when they are known."""
    graph = graph_of(model)
    if graph is None:
        return ""
    known, free = [], []
    _run_noting(graph, given, known)

    def traced(*tensors):
        free.clear()
        _run_noting(graph, tf.nest.pack_sequence_as(given, tensors), free)
        return [values for _, values in free]

    results = tf.function(traced, specs, autograph=False)(*tf.nest.flatten(given))
    for (layer, expected), found in zip(known, results):
        pairs = zip(tf.nest.flatten(found), tf.nest.flatten(expected))
        if any(_differ(one.numpy(), other.numpy()) for one, other in pairs):
            return (
                f": the layer {layer.name} ({type(layer).__name__}) answers otherwise where the "
                "sizes of batch and time are free"
            )
    return ""


def _differ(found, expected):
    size = 1.0 + np.nanmax(np.abs(expected), initial=0.0)
    return _difference(found, expected, _tolerance(found) * size) != ""


def _run_noting(graph, given, results):
    """Runs a graph of layers, noting each operation and what it gives."""

    def noting(operation):
        def run(*inputs, **options):
            results.append((operation, operation(*inputs, **options)))
            return results[-1][1]

        return run

    graph._run_through_graph(graph._standardize_inputs(given), operation_fn=noting)
