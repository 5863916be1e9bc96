"""What a card takes from the model itself, and from what it was made with."""

import hashlib
import importlib.metadata
import json
import platform

import keras
import numpy as np

from oscillator_zoo.data.configurable import Configurable

LONG_ARRAY = 8  # numbers; the card has the range of a longer one


def facts_of(model):
    """What a model itself tells, in the words of a card: class, weights, a PINN's problem."""
    facts = {"class": type(model).__name__, "num_weights": model.count_params()}
    if hasattr(model, "problem") and hasattr(model, "duration"):
        trained_for = {"start_time": model.problem.start_time, "duration": model.duration}
        if model.parameter_ranges is not None:
            trained_for["parameter_ranges"] = model.parameter_ranges
        facts |= {"problem": described(model.problem), "trained_for": trained_for}
    return json.loads(json.dumps(facts))


def described(value):
    """A problem, a force or another argument as JSON takes it; long arrays as [lowest, highest].

    Example:
    >>> from oscillator_zoo.data import Decay
    >>> described(Decay(rate=2.0))
    {'class': 'Decay', 'rate': 2.0, 'position': 1.0, 'force': None, 'start_time': 0.0}
    """
    if isinstance(value, Configurable):
        arguments = {name: described(part) for name, part in value.get_config().items()}
        return {"class": type(value).__name__, **arguments}
    if isinstance(value, np.ndarray):
        is_long = value.size > LONG_ARRAY
        return [float(value.min()), float(value.max())] if is_long else value.tolist()
    if isinstance(value, list | tuple):
        return [described(part) for part in value]
    is_plain = value is None or isinstance(value, bool | int | float | str)
    return value if is_plain else getattr(value, "__name__", type(value).__name__)


def weights_sha256(model):
    """Hash of the weights' numbers and shapes, 64 hexadecimal digits.

    A file would not do: the archive holds the time at which it was written.
    """
    digest = hashlib.sha256()
    for weight in model.weights:
        array = np.asarray(keras.ops.convert_to_numpy(weight))
        digest.update(f"{array.dtype.name} {array.shape}".encode())
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def versions():
    """Versions of what a model depends on, as texts by name; of the backend in use."""
    names = {"numpy", "keras", keras.backend.backend(), "oscillator-zoo"}
    found = {name: importlib.metadata.version(name) for name in sorted(names)}
    return {"python": platform.python_version(), **found}
