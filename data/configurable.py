"""Objects that are described by the arguments of their constructor."""

import functools

import numpy as np

from .checks import brief, did_you_mean
from .unknown_arguments import argument_names, explain_unknown_arguments


class Configurable:
    """Base of objects whose constructor arguments are also attributes and configuration keys.

    `get_config` reads the attribute of every constructor argument, so a subclass that keeps its
    arguments under their own names can be copied, printed and saved without more code.

    Example:
    >>> class Spring(Configurable):
    ...     def __init__(self, stiffness=1.0):
    ...         self.stiffness = stiffness
    >>> Spring(3.0)
    Spring(stiffness=3.0)
    >>> Spring.from_config(Spring(3.0).get_config()).stiffness
    3.0
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        explain_unknown_arguments(cls)

    @classmethod
    @functools.cache
    def argument_names(cls):
        """Names of the constructor's arguments; `**kwargs` stands for the base class's."""
        return argument_names(cls)

    def get_config(self):
        """Constructor arguments by name, as they were given.

        Raises:
            ValueError: if an argument is not kept as an attribute of the same name.
        """
        missing = [name for name in self.argument_names() if not hasattr(self, name)]
        if missing:
            raise ValueError(
                f"Every constructor argument of {type(self).__name__} must be kept as an attribute "
                f"of the same name. Received no attribute for: {', '.join(missing)}. "
                f"Write self.{missing[0]} = {missing[0]} in __init__, or override get_config."
            )
        return {name: getattr(self, name) for name in self.argument_names()}

    @classmethod
    def from_config(cls, config):
        """Build the object from `get_config()`'s dictionary, also as Keras reads it from a file."""
        return cls(**{name: _deserialized(value) for name, value in config.items()})

    def with_parameters(self, **values):
        """A copy with other values for some constructor arguments.

        Args:
            **values: constructor arguments by name: floats, arrays, or tensors of any Keras
                backend (which are taken as they are, unchecked).

        Returns:
            A new object of the same class.

        Raises:
            ValueError: if a name is not a constructor argument.
        """
        config = self.get_config()
        for name in values:
            if name not in config:
                raise ValueError(
                    f"{type(self).__name__} has the parameters {', '.join(config)}. "
                    f"Received: {name!r}.{did_you_mean(name, config)}"
                )
        return self.from_config({**config, **values})

    def __repr__(self):
        """The call that makes the object; arrays as lists, long ones by their shape and range."""
        arguments = ", ".join(f"{name}={_shown(v)}" for name, v in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def _shown(value):
    if not isinstance(value, np.ndarray):
        return repr(value)
    return repr(value.tolist()) if value.size <= 20 else f"<{brief(value)}>"


def _deserialized(value):
    """The value itself, or what Keras's dictionaries for arrays, tuples and objects mean."""
    if isinstance(value, list | tuple):
        return type(value)(_deserialized(item) for item in value)
    if not (isinstance(value, dict) and "class_name" in value):
        return value
    import keras

    return keras.saving.deserialize_keras_object(value, safe_mode=True)
