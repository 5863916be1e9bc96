"""Models as files of LiteRT and ONNX, which run without TensorFlow."""

import logging
import tempfile
import warnings
from contextlib import contextmanager

import keras
import numpy as np

from oscillator_zoo.data.files import reason, write_whole

from .endpoints import endpoints
from .float32_graph import float32_function, has_loop
from .portable import portable_graphs

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

OPSET = 18  # of ONNX, from 2022: most runtimes read it


def write_litert(model, path):
    """Write a `.tflite` file: float32, one signature with the names of inputs and outputs.

    Built-in operations alone, so that every interpreter runs it. LiteRT has no float64: numbers of
    a float64 model are rounded. It cannot loop over time for a batch of any size either: a model
    with a loop takes one sequence at a time, of any length.

    Args:
        model: built Keras model.
        path: file to write.

    Raises:
        ValueError: if LiteRT cannot hold a part of the model, or Keras runs on another backend
            than TensorFlow.
    """
    all_results, specs = endpoints(model)

    def function(*inputs):  # a bound of the error holds for the solution before it is rounded
        return {name: y for name, y in all_results(*inputs).items() if name != "error_bound"}

    with _conversion(model, "LiteRT"):
        concrete = _traced(function, specs)
        if has_loop(concrete):
            specs = [tf.TensorSpec((1, *spec.shape[1:]), spec.dtype, spec.name) for spec in specs]
            concrete = _traced(function, specs)
        inputs = [spec.name for spec in specs]
        rounded = float32_function(concrete, inputs, sorted(concrete.structured_outputs))
        with tempfile.TemporaryDirectory() as folder:
            options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
            tf.saved_model.save(tf.Module(), folder, signatures=rounded, options=options)
            content = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    with write_whole(path) as temporary:
        temporary.write_bytes(content)


def write_onnx(model, path):
    """Write a `.onnx` file: the model's own precision, named inputs and outputs, any sizes.

    Args:
        model: built Keras model.
        path: file to write.

    Raises:
        ImportError: without the packages of the extra `export`.
        ValueError: if ONNX cannot hold a part of the model, or Keras runs on another backend
            than TensorFlow.
    """
    function, specs = endpoints(model)
    try:
        import onnx
        import tf2onnx
    except ImportError as error:
        raise ImportError(
            f"Writing ONNX needs the packages onnx and tf2onnx ({error}). Install them with "
            "pip install 'oscillator-zoo[export]'."
        ) from error
    with _conversion(model, "ONNX"), portable_graphs():
        traced = tf.function(function, autograph=False)
        content, _ = tf2onnx.convert.from_function(
            traced, specs, opset=OPSET, custom_op_handlers={"Cos": (_cosine_as_sine, [])}
        )
        onnx.checker.check_model(content, full_check=True)  # the converter only logs what failed
    with write_whole(path) as temporary:
        temporary.write_bytes(content.SerializeToString())


def _traced(function, specs):
    with portable_graphs():
        return tf.function(function, autograph=False).get_concrete_function(*specs)


def _cosine_as_sine(graph, node, name, _):
    """cos z = sin(z + π/2): ONNX Runtime 1.28 and older have no cosine in float64."""
    import onnx

    dtype = onnx.helper.tensor_dtype_to_np_dtype(graph.get_dtype(node.input[0]))
    quarter = graph.make_const(f"{name}_quarter", np.array(0.5 * np.pi, dtype))
    shifted = graph.make_node("Add", [node.input[0], quarter.output[0]])
    node.type = "Sin"
    graph.replace_input(node, node.input[0], shifted.output[0], 0)


@contextmanager
def _conversion(model, runtime):
    """What a converter says, as a ValueError alone: it logs and warns of the same."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except Exception as error:  # converters raise whatever their parts raise
        raise ValueError(
            f"{runtime} cannot hold a part of the model. Received: {model.name} "
            f"({reason(error)}). Export a SavedModel, to a path without an ending."
        ) from error
    finally:
        logging.disable(before)


WRITERS = {"litert": write_litert, "onnx": write_onnx}
