"""Models as files of LiteRT and ONNX, which run without TensorFlow."""

import logging
import re
import tempfile
import threading
import warnings
from contextlib import contextmanager

import keras
import numpy as np

from oscillator_zoo.data.files import reason, write_whole

from .check import check_answers
from .float32_graph import constants_inside, float32_function, has_loop
from .portable_graphs import portable_graphs
from .served_function import served

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

OPSET = 18  # of ONNX, from 2022: most runtimes read it
_conversions = threading.Lock()  # what a converter logs is silenced for the whole process


def write_litert(model, path):
    """Write a `.tflite` file: float32, one signature with the names of inputs and outputs.

    Built-in operations alone, so that every interpreter runs it. LiteRT has no float64: numbers of
    a float64 model are rounded. It cannot loop over time for a batch of any size either: a model
    with a loop takes one sequence at a time, of any length, and the interpreter fails for several.

    Args:
        model: built Keras model.
        path: file to write.

    Raises:
        ValueError: if LiteRT cannot hold a part of the model, or Keras runs on another backend
            than TensorFlow.
    """
    offered = served(model)

    def function(*inputs):  # a bound of the error holds for the solution before it is rounded
        results = offered.function(*inputs).items()
        return {name: y for name, y in results if name != "error_bound"}

    def alone(*inputs):
        return function(*map(_alone, inputs))

    with write_whole(path) as temporary, _conversion(model, "LiteRT"):
        specs = offered.specs
        concrete = tf.function(function, autograph=False).get_concrete_function(*specs)
        if has_loop(concrete):
            specs = [tf.TensorSpec((1, *spec.shape[1:]), spec.dtype, spec.name) for spec in specs]
            concrete = tf.function(alone, autograph=False).get_concrete_function(*specs)
        inputs = [spec.name for spec in specs]
        rounded = float32_function(concrete, inputs, sorted(concrete.structured_outputs))
        with tempfile.TemporaryDirectory() as folder:
            options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
            tf.saved_model.save(tf.Module(), folder, signatures=rounded, options=options)
            content = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
        runner = tf.lite.Interpreter(model_content=content).get_signature_runner()

        def answer(samples):
            return runner(**{s.name: x.astype("float32") for s, x in zip(specs, samples)})

        check_answers(model, offered._replace(specs=specs), answer)
        temporary.write_bytes(content)


def _alone(x):
    """The sequence `(1, …)` itself; the runtime fails for several.

    Without this reshape some graphs answer with other numbers there.
    """
    sizes = zip(x.shape[1:], tf.unstack(tf.shape(x))[1:])
    return tf.reshape(x, (1, *(size if known is None else known for known, size in sizes)))


def write_onnx(model, path):
    """Write a `.onnx` file: the model's own precision, named inputs and outputs, any sizes.

    The file is run and compared with the model: the standard has operations that ONNX Runtime
    has not, and the converter takes some through float32.

    Args:
        model: built Keras model.
        path: file to write.

    Raises:
        ImportError: without the packages of the extra `export`.
        ValueError: if ONNX Runtime cannot run a part of the model or gives other numbers, or Keras
            runs on another backend than TensorFlow.
    """
    offered = served(model)
    specs = offered.specs
    try:
        import onnx
        import onnxruntime
        import tf2onnx
    except ImportError as error:
        raise ImportError(
            f"Writing ONNX needs the packages onnx, onnxruntime and tf2onnx ({error}). Install "
            "them with pip install 'oscillator-zoo[export]'."
        ) from error
    with write_whole(path) as temporary, _conversion(model, "ONNX"):
        traced = tf.function(offered.function, input_signature=specs, autograph=False)
        concrete = traced.get_concrete_function()
        if any(array.dtype != tf.resource for array, _ in concrete.graph.captures):
            traced = constants_inside(concrete, specs)  # the converter takes them for inputs
        graph, _ = tf2onnx.convert.from_function(
            traced, specs, opset=OPSET, custom_op_handlers={"Cos": (_cosine_as_sine, [])}
        )
        onnx.checker.check_model(graph, full_check=True)  # the converter only logs what failed
        content = graph.SerializeToString()
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]

        def answer(samples):
            inputs = {spec.name: array for spec, array in zip(specs, samples)}
            return dict(zip(names, session.run(None, inputs)))

        check_answers(model, offered, answer)
        temporary.write_bytes(content)


def _cosine_as_sine(graph, node, name, _):
    """cos z = sin(z + π/2): ONNX Runtime 1.28 and older have no cosine in float64."""
    import onnx

    dtype = onnx.helper.tensor_dtype_to_np_dtype(graph.get_dtype(node.input[0]))
    if dtype != np.float64:
        return
    quarter = graph.make_const(f"{name}_quarter", np.array(0.5 * np.pi))
    shifted = graph.make_node("Add", [node.input[0], quarter.output[0]])
    node.type = "Sin"
    graph.replace_input(node, node.input[0], shifted.output[0], 0)


@contextmanager
def _conversion(model, runtime):
    """Portable graphs, and what a converter says as a ValueError: it logs and warns of the same."""
    with _conversions, portable_graphs():
        before = logging.root.manager.disable
        logging.disable(logging.ERROR)
        try:
            with warnings.catch_warnings(action="ignore"):
                yield
        except OSError:
            raise
        except Exception as error:  # converters raise whatever their parts raise
            lacking = sorted(set(re.findall(r"'tf\.(\w+)' op is neither", str(error))))
            why = "it has no " + ", ".join(lacking) if lacking else reason(error)
            raise ValueError(
                f"{runtime} cannot hold a part of the model. Received: {model.name} ({why}). "
                + (
                    "Give keras.Input the number of time steps."
                    if "are free" in why
                    else "Export a SavedModel, to a path without an ending."
                )
            ) from error
        finally:
            logging.disable(before)
