"""What a `.keras` file can hold."""

import keras


def check_registered_function(name, function):
    """Raise unless a function can be found again when a model is loaded.

    Args:
        name: the argument's name, for the message.
        function: None, a function or layer of Keras, or one registered with Keras (an object: by
            its class).

    Raises:
        ValueError: for an unregistered function.
    """
    named = function if hasattr(function, "__name__") else type(function)
    of_keras = getattr(keras.activations, named.__name__, getattr(keras.layers, named.__name__, 0))
    if function is None or of_keras is named:
        return
    registered = keras.saving.get_registered_name(named)
    if keras.saving.get_registered_object(registered) is not named:
        raise ValueError(
            f"{name} can be saved only if it is registered. Received: {function!r}. Put "
            "@keras.saving.register_keras_serializable() above a named function."
        )
