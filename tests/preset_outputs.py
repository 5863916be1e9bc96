"""What presets that load on every backend answer to waves."""

import pathlib

import keras
import numpy as np

EXPECTED = pathlib.Path(__file__).parent / "preset_outputs.json"  # written by .ci/presets.py
NAMES = (
    *("elman-harmonic", "elman-driven", "jordan-driven", "dense-window", "conv-window"),
    *("forecast-damped", "forecast-driven"),
)


def outputs(model):
    """The model's answer, a list of numbers."""
    shape = [2, *(size or 20 for size in model.input_shape[1:])]
    x = np.sin(0.3 * np.arange(np.prod(shape))).reshape(shape).astype("float32")
    return keras.ops.convert_to_numpy(model(x)).ravel().tolist()
