"""What a `.keras` file can hold."""

import keras


def check_registered_function(name, function):
    """Raise unless a function can be found again when a model is loaded.

    Args:
        name: the argument's name, for the message.
        function: None, a function of Keras, or one registered with Keras.

    Raises:
        ValueError: for an unregistered function.
    """
    if function is None or getattr(keras.activations, function.__name__, None) is function:
        return
    registered = keras.saving.get_registered_name(function)
    if keras.saving.get_registered_object(registered) is not function:
        raise ValueError(
            f"{name} can be saved only if it is registered. Received: {function!r}. Put "
            "@keras.saving.register_keras_serializable() above a named function."
        )
