"""How large a model is, before it is built and before its weights are read."""

import math

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
    try:
        with keras.StatelessScope(initialize_variables=False):
            model = keras.saving.deserialize_keras_object({**config, "compile_config": None})
    except ValueError as error:
        if "stateless scope" in str(error):
            return
        raise
    needed = sum(math.prod(v.shape) * 8 for v in model.variables)
    if needed > max(ALWAYS_ALLOWED, MOST_EXPANSION * stored):
        raise ValueError(f"{stored} bytes of weights for a model that needs {needed}")
