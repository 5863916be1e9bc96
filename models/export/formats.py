"""Models for programs that run them without this package, and without Keras."""

import pathlib

import keras

from .litert_and_onnx import write_litert, write_onnx
from .saved_model import write_saved_model, write_whole_saved_model

ENDINGS = {".tflite": write_litert, ".onnx": write_onnx}
KERAS_ENDINGS = (".keras", ".h5", ".weights")


def export_model(model, path):
    """Write what a model computes, for TensorFlow, LiteRT or ONNX; it cannot be trained there.

    | path            | runs with                    | precision   | batch                       |
    |-----------------|------------------------------|-------------|-----------------------------|
    | `name`          | `tf.saved_model.load`        | the model's | any                         |
    | `name.onnx`     | ONNX Runtime and others      | the model's | any                         |
    | `name.tflite`   | LiteRT, on phones and boards | float32     | any; 1 if it loops in time  |

    Inputs have the names of the model's inputs (in files an only one without a name is `input`),
    and sequences may have any length if the model's input says `None`. A `PINN` offers `x`, `v`,
    `a` and the `residual` at times `t`, NaN outside its interval, and its `error_bound` where it
    has one (not in float32, whose rounding it does not count); other models offer their `output`,
    and a SavedModel `serve`; `keras.layers.TFSMLayer` around one of a model in float64, such as a
    `PINN`, needs `dtype="float64"`. What is written is written whole or not at all, and only if
    all that it offers has the numbers of the model itself for two sizes of batch and of time.

    In ONNX the numbers are those of Keras up to rounding. In LiteRT a float64 model is rounded to
    float32: weights of a network that nearly cancel leave 2e-7 to 1e-4 of the motion of that, the
    most for the presets of nonlinear oscillators.

    Args:
        model: functional or sequential Keras model, or a model of this package.
        path: file or folder to write; an older file, or a folder of a SavedModel, is replaced.

    Raises:
        ImportError: for ONNX without the packages of the extra `export`.
        ValueError: if the path cannot be written, or the format cannot hold the model, with the
            reason: a layer that keeps a state between calls, or an operation that it lacks.

    Example:
    >>> import tempfile
    >>> from oscillator_zoo.models import from_preset
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "damped"
    >>> export_model(from_preset("pinn-damped"), path)
    >>> import tensorflow as tf
    >>> served = tf.saved_model.load(path)
    >>> round(float(served.x(tf.zeros((1, 1), "float64"))[0, 0]), 12)
    1.0
    """
    path = pathlib.Path(path)
    if not isinstance(model, keras.Model) or path.suffix.lower() in KERAS_ENDINGS:
        raise ValueError(
            "A Keras model is exported to a folder, a .tflite or an .onnx file. Received: "
            f"{type(model).__name__} and {path}. To go on training it, call model.save."
        )
    ending = path.suffix.lower()
    if ending in ENDINGS:
        ENDINGS[ending](model, path)
        return
    with write_whole_saved_model(path) as temporary:
        write_saved_model(model, temporary)
