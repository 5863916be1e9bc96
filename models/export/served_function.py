"""What a model offers to programs that run it without this package."""

import re

import keras

from ..layer_graphs.twins import without_dropout

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def endpoints(model):
    """A function of a model's inputs that returns tensors by name, and their signature.

    Args:
        model: Keras model. One with methods `export_results` and `export_signature` says itself
            what it offers; others offer their `output` (several: by their keys, or `output_0`,
            `output_1`, …), and an only input without a name is the `input`.

    Returns:
        Tuple (function, specs, signature): a `tf.TensorSpec` for each argument of the function,
        sizes that may vary as None; and the specs in the structure of the model's input.

    Raises:
        ValueError: if the inputs of the model are not known or have names that files cannot hold,
            it keeps a state between calls, or Keras runs on another backend than TensorFlow.
    """
    _check_backend()
    _check_stateless(model)
    served = without_dropout(model)
    function = getattr(model, "export_results", lambda x: by_name(served(x, training=False)))
    if hasattr(model, "export_signature"):
        return _flat(function, model.export_signature())
    if not getattr(model, "inputs", None):
        raise ValueError(
            "A functional or sequential model is exported. Received: "
            f"{type(model).__name__} {model.name}, the shapes of whose inputs are not known. "
            "Wrap it: x = keras.Input(shape); keras.Model(x, model(x))."
        )
    given = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    only = len(model.inputs) == 1
    signature = tf.nest.map_structure(
        lambda tensor: tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, _name(tensor, only)),
        given,
    )
    return _flat(function, signature)


def _name(tensor, only):
    """An input's name; one that Keras gave depends on what else was made before."""
    if only and re.fullmatch(r"(input_layer|keras_tensor)(_\d+)?", tensor.name):
        return "input"
    if not tensor.name.isidentifier() or re.fullmatch(r"output(_\d+)?", tensor.name):
        raise ValueError(
            "Inputs of a file have names of letters, digits and _, other than those of outputs. "
            f"Received: {tensor.name!r}. Name it by keras.Input(shape, name=…)."
        )
    return tensor.name


def by_name(outputs):
    """Tensors by the names that files have for a model's outputs."""
    if isinstance(outputs, dict):
        return outputs
    tensors = tf.nest.flatten(outputs)
    if len(tensors) == 1:
        return {"output": tensors[0]}
    return {f"output_{place}": tensor for place, tensor in enumerate(tensors)}


def _flat(function, signature):
    """The function of one tensor for each spec, whose name a nested argument would not get."""

    def of_tensors(*tensors):
        return function(tf.nest.pack_sequence_as(signature, tensors))

    return of_tensors, tf.nest.flatten(signature), signature


def _check_backend():
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ValueError(
            f"These files are written by TensorFlow. Received: the backend {backend!r}. Save the "
            "model with model.save and load it with KERAS_BACKEND=tensorflow."
        )


def _check_stateless(model):
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, keras.layers.RNN) and layer.stateful:
            raise ValueError(
                "A model is exported that keeps nothing between calls. Received: "
                f"{model.name}, whose layer {layer.name} has stateful=True. Pass the state as "
                "an input, with return_state=True and initial_state."
            )
