"""What a model offers to programs that run it without this package."""

import re

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def endpoints(model):
    """A function of a model's inputs that returns results by name, and their signature.

    Args:
        model: Keras model. One with methods `results` and `input_signature` says itself what it
            offers; others offer their `output`, and an only input without a name is the `input`.

    Returns:
        Tuple (function, specs), the latter a `tf.TensorSpec` for each argument of the function,
        sizes that may vary as None.

    Raises:
        ValueError: if the inputs of the model are not known, it keeps a state between calls, or
            Keras runs on another backend than TensorFlow.
    """
    _check_backend()
    _check_stateless(model)
    function = getattr(model, "results", lambda x: {"output": model(x, training=False)})
    if hasattr(model, "input_signature"):
        return _flat(function, model.input_signature())
    if not getattr(model, "inputs", None):
        raise ValueError(
            "A model is exported whose inputs have shapes. Received: "
            f"{type(model).__name__} {model.name}, which has none. Begin it with keras.Input."
        )
    given = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    only = len(model.inputs) == 1
    signature = tf.nest.map_structure(
        lambda tensor: tf.TensorSpec(
            tensor.shape, tensor.dtype, "input" if only and _is_unnamed(tensor) else tensor.name
        ),
        given,
    )
    return _flat(function, signature)


def _is_unnamed(tensor):
    """Whether Keras gave the name, which then depends on what else was made before."""
    return re.fullmatch(r"(input_layer|keras_tensor)(_\d+)?", tensor.name) is not None


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


def _flat(function, signature):
    """The function of one tensor for each spec, whose name a nested argument would not get."""

    def of_tensors(*tensors):
        return function(tf.nest.pack_sequence_as(signature, tensors))

    return of_tensors, tf.nest.flatten(signature)
