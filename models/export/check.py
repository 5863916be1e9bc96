"""What a written file answers, next to what its model does."""

import keras
import numpy as np

from ..layer_graphs.time_axis import graph_of

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

SIZES = ((2, 8), (3, 13))  # of batch and time where they may vary; two of each find a mixed-up axis


def check_file(model, answer, specs, signature, same):
    """Raise unless a file gives the numbers of `model(x)` itself, for two sizes of inputs.

    Args:
        model: the model that was written.
        answer: function of a list of arrays that runs the file; a dictionary of arrays by name.
        specs: a `tf.TensorSpec` for each input of the file; sizes that may vary are None.
        signature: the same specs in the structure of the model's input.
        same: tolerance relative to 1 + the largest number.

    Raises:
        ArithmeticError: with the name of the layer that answers otherwise, where it can be found.
    """
    for batch, length in SIZES:
        samples = [sample(model, spec, batch, length) for spec in specs]
        given = tf.nest.pack_sequence_as(signature, list(map(tf.constant, samples)))
        expected = model_results(model, given)
        found = answer(samples)
        for name, value in expected.items():
            difference = _difference(found[name], value.numpy(), same)
            if difference:
                raise ArithmeticError(f"{name} {difference}{_culprit(model, given, specs, same)}")


def sample(model, spec, batch, length):
    """An input near .5, of integers 0 and 1; times and parameters of a PINN from mid-range."""
    shape = [spec.shape[0] or batch, *(size or length for size in spec.shape[1:])]
    if spec.dtype.is_integer:
        return (np.arange(np.prod(shape)).reshape(shape) % 2).astype(spec.dtype.name)
    wave = (0.5 + 0.1 * np.sin(np.arange(np.prod(shape)))).reshape(shape)
    start, width = 0.0, 1.0
    if hasattr(model, "problem") and spec.name == "t":
        start, width = model.problem.start_time, model.duration
    elif (getattr(model, "parameter_ranges", None) or {}).get(spec.name):
        start, end = model.parameter_ranges[spec.name]
        width = end - start
    return (start + width * wave).astype(spec.dtype.name)


def model_results(model, given):
    """`model(x)` by the names that its file has for it."""
    from .served_function import by_name

    results = model(given, training=False)
    return {"x": results} if hasattr(model, "export_results") else by_name(results)


def _difference(found, expected, same):
    """What is wrong, or an empty string."""
    if found.shape != expected.shape:
        return f"has the shape {found.shape} in place of {expected.shape}"
    scale = 1.0 + np.nanmax(np.abs(expected), initial=0.0)
    if not np.allclose(found, expected, 0.0, same * scale, equal_nan=True):
        return f"is off by {np.nanmax(np.abs(found - expected)):.1e}"
    return ""


def _culprit(model, given, specs, same):
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
        if any(_difference(one.numpy(), other.numpy(), same) for one, other in pairs):
            return (
                f": the layer {layer.name} ({type(layer).__name__}) answers otherwise where the "
                "sizes of batch and time are free"
            )
    return ""


def _run_noting(graph, given, results):
    """Runs a graph of layers, noting each operation and what it gives."""

    def noting(operation):
        def run(*inputs, **options):
            results.append((operation, operation(*inputs, **options)))
            return results[-1][1]

        return run

    graph._run_through_graph(graph._standardize_inputs(given), operation_fn=noting)
