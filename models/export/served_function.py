"""What a model offers to programs that run it without this package."""

import re
from typing import NamedTuple

import keras

from ..layer_graphs.twins import without_dropout

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


class Served(NamedTuple):
    """What a file computes, and what it is compared with.

    | field       | content                                                                  |
    |-------------|--------------------------------------------------------------------------|
    | `function`  | of one tensor for each spec, returning tensors by name                   |
    | `specs`     | a `tf.TensorSpec` for each of its arguments, sizes that may vary as None |
    | `signature` | the specs in the structure of the model's input                          |
    | `of_model`  | tensors of the same names from the model itself, for its input           |
    """

    function: object
    specs: list
    signature: object
    of_model: object


def served(model, functions=None):
    """`Served` of a model.

    Args:
        model: Keras model. One with a method `endpoints` has functions of its input by name, one
            with `export_signature` says what that is; others offer their `output` (several: by
            their keys, or `output_0`, `output_1`, …), and an only input without a name is the
            `input`.
        functions: its `endpoints`, if they are there already.

    Raises:
        ValueError: if the inputs of the model are not known or have names that files cannot hold,
            it keeps a state between calls, or Keras runs on another backend than TensorFlow.
    """
    _check_backend()
    _check_stateless(model)
    signature = _signature(model)
    if hasattr(model, "endpoints"):
        function = of_model = all_of(functions or model.endpoints())
    else:
        function, of_model = _results_of(without_dropout(model)), _results_of(model)

    def flat(*tensors):  # a nested argument would not get the names of its specs
        return function(tf.nest.pack_sequence_as(signature, tensors))

    return Served(flat, tf.nest.flatten(signature), signature, of_model)


def _results_of(model):
    return lambda x: by_name(model(x, training=False))


def all_of(functions):
    """Functions by name as one function, which returns their results by name."""
    return lambda x: {name: function(x) for name, function in functions.items()}


def _signature(model):
    """A `tf.TensorSpec` for each input of a model, in the structure of its input."""
    if hasattr(model, "export_signature"):
        return model.export_signature()
    if not getattr(model, "inputs", None):
        raise ValueError(
            "A functional or sequential model is exported. Received: "
            f"{type(model).__name__} {model.name}, the shapes of whose inputs are not known. "
            "Wrap it: x = keras.Input(shape); keras.Model(x, model(x))."
        )
    given = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    only = len(model.inputs) == 1
    return tf.nest.map_structure(
        lambda tensor: tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, _name(tensor, only)),
        given,
    )


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
