"""How large a model is, before it is built and before its weights are read."""

import math
from concurrent.futures import ThreadPoolExecutor

import keras

ALWAYS_ALLOWED = 2**26  # bytes, 64 MiB
MOST_EXPANSION = 4  # weights stored with fewer digits than they have in the model


def stored_bytes(file, held):
    """Bytes of the arrays in an HDF5 file of weights.

    Args:
        file: the file, open to read.
        held: its length.

    Raises:
        ValueError: if its arrays claim to be larger than the file, which Keras does not compress.
        OSError: if it is no HDF5 file.
    """
    import h5py

    total = 0

    def add(name, item):
        nonlocal total
        total += math.prod(item.shape) * item.dtype.itemsize if hasattr(item, "shape") else 0

    with h5py.File(file, "r") as weights:
        weights.visititems(add)
    if total > held:
        raise ValueError(f"{held} bytes of weights claim to hold arrays of {total}")
    return total


def check_model_size(config, stored):
    """Raise if the model would be much larger than its weights.

    The model is built once without any values: variables then know their shapes alone. Models with
    layers of your own that make variables from given values cannot be built so, and pass.

    Args:
        config: content of `config.json`, checked by `check_config`.
        stored: bytes of the weights in the file.

    Raises:
        ValueError: if the variables need more than 64 MiB and four times what is stored.
        Exception: whatever building raises.
    """
    # Keras notes variables without values, and gives them values later. It notes them by thread,
    # as it does the classes of a `CustomObjectScope`: in a thread of its own nothing stays behind.
    with ThreadPoolExecutor(1) as thread:
        needed = thread.submit(bytes_of_variables, config, registered_objects(config)).result()
    if needed > max(ALWAYS_ALLOWED, MOST_EXPANSION * stored):
        raise ValueError(f"{stored} bytes of weights for a model that needs {needed}")


def bytes_of_variables(config, custom_objects):
    """Bytes that the model's variables need, as float64; 0 if it cannot be built without values."""
    try:
        with keras.saving.custom_object_scope(custom_objects):
            with keras.StatelessScope(initialize_variables=False):
                model = keras.saving.deserialize_keras_object({**config, "compile_config": None})
    except ValueError as error:
        if "stateless scope" in str(error):
            return 0
        raise
    return sum(math.prod(v.shape) * 8 for v in model.variables)


def registered_objects(config):
    """Registered classes and functions that a description may name, by name."""
    if isinstance(config, str):
        found = keras.saving.get_registered_object(config)
        return {} if found is None else {config: found}
    parts = config.values() if isinstance(config, dict) else config
    if not isinstance(config, dict | list):
        return {}
    return {name: found for part in parts for name, found in registered_objects(part).items()}
