"""What the description of a model may name, before anything that it names is built."""

import sys

import keras

from oscillator_zoo.data.problems.serialization import is_plain_value

# Classes of Keras that run code from a file, or read other files.
UNSAFE = (
    *("Lambda", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer"),
    *("IndexLookup", "IntegerLookup", "StringLookup", "TextVectorization"),
)
OF_FUNCTIONS = (
    *("activations", "constraints", "initializers", "losses", "metrics"),
    *("ops", "optimizers", "regularizers"),
)
PLACES_OF_FUNCTIONS = ("builtins", *(f"keras.{name}" for name in OF_FUNCTIONS))
PLAIN = ("__keras_tensor__", "__ellipsis__", "__slice__")


def check_config(config):
    """Raise unless every object named is plain data, one of Keras's own, or registered.

    Keras itself refuses code inside the file and modules of strangers, but would import modules
    of its own packages, and call functions that read, write or set things.

    Args:
        config: content of `config.json`, or a part of it.

    Raises:
        ValueError: naming the first class or function that is none of these.
    """
    if isinstance(config, dict):
        if "class_name" in config and not _is_allowed(config):
            name, module = config["class_name"], config.get("module")
            if name == "function":
                name = config.get("config")
            raise ValueError(
                f"{name!r} of the module {module!r} is neither registered nor one of the classes "
                "and functions of Keras that a file may name"
            )
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            check_config(value)


def _is_allowed(config):
    """Whether what a dictionary with "class_name" stands for may be built."""
    name, module = config["class_name"], config.get("module")
    if not isinstance(name, str) or name in UNSAFE:
        return False
    if name == "function":
        is_known = keras.saving.get_registered_object(config.get("config")) is not None
        return is_known or module in PLACES_OF_FUNCTIONS
    if name.startswith("__"):
        return name in PLAIN or is_plain_value(config)
    if keras.saving.get_registered_object(config.get("registered_name") or name) is not None:
        return True
    if module is None:  # a name alone is looked up among Keras's initializers, optimizers, …
        return True
    if not isinstance(module, str):
        return False
    of_keras = module == "keras" or module.startswith("keras.")
    is_private = module.startswith("keras.src")
    return of_keras and (module in sys.modules if is_private else is_public(module, name))


def is_public(module, name):
    """Whether `module.name` is a class that Keras offers."""
    place = keras
    for part in module.split(".")[1:]:
        place = getattr(place, part, None)
    return isinstance(getattr(place, name, None), type)


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
