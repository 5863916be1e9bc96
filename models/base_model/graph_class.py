"""`keras.Model(inputs, outputs)` for subclasses of a model, which stay as they are."""

import functools

import keras

# Keras has no public name for the class behind keras.Model(inputs, outputs).
from keras.src.models.functional import Functional


def is_graph(args, kwargs):
    """Whether a model is constructed from `inputs` and `outputs`."""
    return len(args) >= 2 or "outputs" in kwargs


@functools.cache
def graph_class(cls):
    """`cls` with Keras's `Functional` behind it: the class of `cls(inputs, outputs)`.

    Keras itself would put `Functional` among the base classes of `cls`, and so behind every other
    subclass of them too. The new class keeps the name under which `cls` is registered, so that a
    file names `cls`.
    """
    if issubclass(cls, Functional):
        return cls
    names = {name: getattr(cls, name) for name in ("__module__", "__qualname__", "__doc__")}
    new_class = type(cls.__name__, (cls, Functional), names)
    registered = keras.saving.get_registered_name(cls)
    if keras.saving.get_registered_object(registered) is cls:
        package, _, name = registered.rpartition(">")
        keras.saving.register_keras_serializable(package, name)(new_class)
        keras.saving.get_custom_objects()[registered] = cls
    return new_class
