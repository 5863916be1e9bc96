"""Models in the files of ONNX and LiteRT, and SavedModels where nothing but TensorFlow is."""

import subprocess
import sys

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from keras import layers, ops
from marks import further_but_for

from oscillator_zoo.data import DampedOscillator, Decay, Duffing
from oscillator_zoo.models import (
    PINN,
    CheckpointedGradient,
    ElmanCell,
    ElmanRNN,
    EulerCell,
    ForecastModel,
    JordanRNN,
    LinearRNN,
    TruncatedGradient,
    available_presets,
    export_model,
    from_preset,
)
from oscillator_zoo.models.export.check import check_answers, sample
from oscillator_zoo.models.export.litert_and_onnx import _conversion
from oscillator_zoo.models.export.served_function import served

PRESETS = sorted(available_presets())
FORMATS = ("onnx", "tflite")


def run_onnx(path, inputs):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs)))


def run_litert(path, inputs):
    runner = Interpreter(str(path)).get_signature_runner()
    return runner(**{name: values.astype("float32") for name, values in inputs.items()})


RUN = {"onnx": run_onnx, "tflite": run_litert}


def exported(model, inputs, ending, folder):
    """Results by name of the file that a model is exported to."""
    path = folder / f"model.{ending}"
    export_model(model, path)
    return RUN[ending](path, inputs)


def waves(model, batch, steps=25):
    """Inputs by name: sines of size .3, `steps` of them where the length may vary."""
    results = {}
    for place, tensor in enumerate(model.inputs):
        shape = batch, *(size or steps for size in tensor.shape[1:])
        phase = 0.37 * np.arange(np.prod(shape)).reshape(shape) + place
        unnamed = tensor.name.startswith(("input_layer", "keras_tensor"))
        name = "input" if unnamed else tensor.name
        results[name] = 0.3 * np.sin(phase).astype(tensor.dtype)
    return results


def answer(model, inputs):
    """What Keras says."""
    given = list(inputs.values()) if len(inputs) > 1 else next(iter(inputs.values()))
    return ops.convert_to_numpy(model(given))


def rounding(ending, model):
    """The relative rounding of the less precise of the two."""
    single = ending == "tflite" or model.inputs[0].dtype == "float32"
    return np.finfo("float32" if single else "float64").eps


def assert_answers_as_keras(model, ending, folder, batches=(1, 3), steps=25):
    path = folder / f"model.{ending}"
    export_model(model, path)
    for batch in batches:
        inputs = waves(model, batch, steps + batch)
        expected = answer(model, inputs)
        (output,) = RUN[ending](path, inputs).values()
        # 25 steps in time, each of which adds a few roundings of values of order 1.
        scale = max(1.0, np.abs(expected).max())
        assert np.abs(output - expected).max() < 100 * rounding(ending, model) * scale
        assert np.abs(expected).max() > 1e-3


# Presets

NETWORKS = [name for name in PRESETS if not name.startswith("pinn")]
SOLUTIONS = [name for name in PRESETS if name.startswith("pinn")]


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("name", further_but_for(NETWORKS, "elman-driven"))
def test_a_network_answers_as_in_keras(name, ending, tmp_path):
    batches = (1,) if ending == "tflite" and "window" not in name else (1, 3)
    assert_answers_as_keras(from_preset(name), ending, tmp_path, batches)


def times_and_parameters(pinn, num=9):
    """Inputs by name, all over the interval and the box."""
    start = pinn.problem.start_time
    inputs = {"t": np.linspace(start, start + pinn.duration, num)[:, None]}
    for name, (low, high) in (pinn.parameter_ranges or {}).items():
        inputs[name] = np.linspace(low, high, num)[::-1, None]
    return inputs


def conditions(pinn):
    """How much larger than the motion the terms are that a trial solution adds up: in x, v, a."""
    if pinn.learned:
        first, _, second, _, kernel, _ = (np.abs(array) for array in pinn.network.arrays)
        turns = first.max() * second.sum(axis=1).max() + 2.0
        kernel = float(pinn.network.size) * kernel
    else:
        kernel = np.abs(pinn.network.readout.kernel)
        turns = np.abs(pinn.network.hidden[0].kernel).max() + 2.0
    terms = 1.0 + kernel.sum(axis=1).max()
    lengths = np.diff(pinn.window_edges)
    rate = 2.0 * turns / lengths.min()
    # What a window's first velocity is wrong by goes on through all later ones.
    return {"x": terms * (1 + len(lengths)), "v": terms * rate, "a": terms * rate**2}


@pytest.mark.slow
@pytest.mark.parametrize("ending", further_but_for(FORMATS, "tflite"))
@pytest.mark.parametrize("name", further_but_for(SOLUTIONS, "pinn-step"))
def test_a_solution_answers_as_in_keras(name, ending, tmp_path):
    pinn = from_preset(name)
    inputs = times_and_parameters(pinn)
    results = exported(pinn, inputs, ending, tmp_path)
    given = inputs if len(inputs) > 1 else inputs["t"]
    eps = np.finfo("float32" if ending == "tflite" else "float64").eps
    scale = max(1.0, np.abs(pinn(given)).max())
    expected = dict(zip("xva", pinn.derivatives(given)))
    for result, condition in conditions(pinn).items():
        error = np.abs(results[result] - expected[result]).max()
        assert error < 8 * eps * condition * scale, (result, error)
        if ending == "tflite":  # what the README says
            assert error < 1.5e-4 * np.abs(expected[result]).max(), (result, error)
    error = np.abs(results["residual"] - pinn.residual(given)).max()
    assert error < 16 * eps * conditions(pinn)["a"] * scale
    assert np.abs(expected["x"]).max() > 0.01


@keras.saving.register_keras_serializable("tests")
class Drag(Duffing):
    """An equation with |v|, for which no proof is known."""

    def rhs(self, t, x, v, ops=np):
        return -x - 0.1 * ops.abs(v) * v


@pytest.mark.slow
def test_the_bound_of_the_error_goes_where_its_precision_does(tmp_path):
    pinn = from_preset("pinn-damped")
    inputs = times_and_parameters(pinn, num=101)
    bound = exported(pinn, inputs, "onnx", tmp_path)["error_bound"]
    x = pinn.problem.exact(inputs["t"][:, 0])[0].reshape(-1, 1)
    assert np.all(np.abs(pinn(inputs["t"]) - x) < bound)
    assert np.all(bound < 1e-9)
    assert "error_bound" not in exported(pinn, inputs, "tflite", tmp_path)
    unproven = PINN(Drag(), 1.0, (4,))
    assert set(exported(unproven, inputs, "onnx", tmp_path)) == {"x", "v", "a", "residual"}


@pytest.mark.slow
@pytest.mark.parametrize("ending", further_but_for(FORMATS, "onnx"))
def test_there_is_no_solution_outside_the_interval(ending, tmp_path):
    pinn = PINN(DampedOscillator(), 2.0, (4,))
    inputs = {"t": np.array([[-0.1], [0.0], [2.0], [2.1], [np.nan]])}
    outside = [True, False, False, True, True]
    for name, values in exported(pinn, inputs, ending, tmp_path).items():
        np.testing.assert_array_equal(np.isnan(values)[:, 0], outside, name)
    pinn.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served"))
    for name in ("serve", "x", "v", "a", "residual", "error_bound"):
        values = getattr(served, name)(tf.constant(inputs["t"])).numpy()
        np.testing.assert_array_equal(np.isnan(values)[:, 0], outside, name)
    assert pinn.derivative_method == "tape"


@pytest.mark.slow
@pytest.mark.parametrize("ending", further_but_for(FORMATS, "onnx"))
def test_a_family_has_no_solution_outside_its_box(ending, tmp_path):
    family = PINN(DampedOscillator(), 1.0, parameter_ranges={"damping": (0.1, 0.2)})
    inputs = {"t": np.full((3, 1), 0.5), "damping": np.array([[0.05], [0.15], [0.3]])}
    x = exported(family, inputs, ending, tmp_path)["x"]
    np.testing.assert_array_equal(np.isnan(x)[:, 0], [True, False, True])


@pytest.mark.further
def test_derivatives_without_tapes_are_for_the_file_alone(tmp_path):
    pinn = PINN(Decay(), 1.0, (4,))
    pinn.export(tmp_path / "decay.tflite", format="litert")
    pinn.export(tmp_path / "decay.onnx", format="onnx")
    assert pinn.is_by_tape
    assert run_onnx(tmp_path / "decay.onnx", {"t": np.zeros((1, 1))})["x"] == 1.0


# Layers


def sequential(*parts, features=2, steps=None, dtype="float32"):
    return keras.Sequential([keras.Input((steps, features), dtype=dtype), *parts])


def two_inputs():
    x, state = keras.Input((None, 2), name="x"), keras.Input((4,), name="state")
    return keras.Model([x, state], ElmanRNN(4, return_sequences=True)(x, initial_state=state))


MODELS = {
    "elman-of-known-size": lambda: sequential(ElmanRNN(4), steps=25),
    "elman-backwards": lambda: sequential(ElmanRNN(4, go_backwards=True, return_sequences=True)),
    "elman-learned-start": lambda: sequential(ElmanRNN(4, learn_initial_state=True)),
    "elman-swish": lambda: sequential(ElmanRNN(4, "swish", output_units=1)),
    "elman-linear": lambda: sequential(ElmanRNN(4, "linear", return_sequences=True)),
    "elman-float64": lambda: sequential(ElmanRNN(4, dtype="float64"), dtype="float64"),
    "elman-state": two_inputs,
    "elman-masked": lambda: sequential(layers.Masking(), ElmanRNN(4, return_sequences=True)),
    "jordan": lambda: sequential(JordanRNN(4, output_units=2, return_sequences=True)),
    "linear": lambda: sequential(LinearRNN(ElmanCell(4, "linear"), return_sequences=True)),
    "euler": lambda: sequential(
        layers.RNN(EulerCell(0.1, 0.2, 1.0), return_sequences=True), features=1
    ),
    "stacked": lambda: sequential(
        ElmanRNN(4, return_sequences=True), layers.Dropout(0.5), ElmanRNN(3), layers.Dense(1)
    ),
    "truncated": lambda: sequential(
        TruncatedGradient(ElmanRNN(4, return_sequences=True), 5), steps=25
    ),
    "checkpointed": lambda: sequential(
        CheckpointedGradient(ElmanRNN(4, return_sequences=True), 5), steps=25
    ),
    "lstm": lambda: sequential(layers.LSTM(4, return_sequences=True)),
    "dense": lambda: keras.Sequential([keras.Input((3,)), layers.Dense(2, "tanh")]),
}


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize(
    "name", further_but_for(MODELS, "elman-state", "elman-masked", "jordan", "euler", "dense")
)
def test_a_model_answers_as_in_keras(name, ending, tmp_path):
    fixed = name in ("elman-of-known-size", "truncated", "checkpointed")
    batches = (1,) if ending == "tflite" and name != "dense" else (1, 3)
    steps = 25
    assert_answers_as_keras(MODELS[name](), ending, tmp_path, batches, 0 if fixed else steps)


def test_several_sequences_in_a_litert_file_with_a_loop_are_an_error(tmp_path):
    """A model within a model, and one with a convolution, answered with other numbers."""
    nested = sequential(layers.Dense(3, "tanh"), ElmanRNN(3, return_sequences=True))
    x = keras.Input((None, 2))
    convolved = layers.LSTM(3)(layers.Conv1D(4, 3, padding="causal")(x))
    for model in (keras.Model(x, layers.Dense(1)(nested(x))), keras.Model(x, convolved)):
        path = tmp_path / "model.tflite"
        export_model(model, path)
        for batch, steps in ((1, 5), (1, 9), (3, 9)):
            inputs = waves(model, batch, steps)
            if batch == 1:
                (output,) = run_litert(path, inputs).values()
                np.testing.assert_allclose(output, model(*inputs.values()), atol=1e-6)
            else:
                with pytest.raises(RuntimeError, match=r"\(54 != 18\)"):
                    run_litert(path, inputs)


@pytest.mark.slow
@pytest.mark.parametrize("ending", further_but_for(FORMATS, "onnx"))
def test_a_forecast_answers_as_in_keras(ending, tmp_path):
    one_step = sequential(ElmanRNN(4, output_units=2, return_sequences=True))
    model = ForecastModel(one_step, warm_up=5)
    x = 0.3 * np.sin(0.4 * np.arange(24.0)).reshape(1, 12, 2).astype("float32")
    output = exported(model, {"sequences": x}, ending, tmp_path)["output"]
    np.testing.assert_allclose(output, model(x), atol=1e-6)
    export_model(model, tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served"))
    np.testing.assert_allclose(served.serve(x), model(x), atol=1e-6)


@pytest.mark.parametrize("ending", FORMATS)
def test_several_outputs_have_names(ending, tmp_path):
    x = keras.Input((None, 2), name="x")
    states, last = ElmanRNN(4, return_sequences=True, return_state=True)(x)
    inputs = {"x": 0.1 * np.ones((1, 6, 2), "float32")}
    for outputs, names in (([states, last], ("output_0", "output_1")), ({"h": states}, ("h",))):
        model = keras.Model(x, outputs)
        results = exported(model, inputs, ending, tmp_path)
        assert set(results) == set(names)
        expected = keras.tree.flatten(model(inputs["x"]))
        for name, value in zip(names, expected, strict=True):
            np.testing.assert_allclose(results[name], value, atol=1e-6)


def test_a_batch_of_known_size_becomes_any(tmp_path):
    model = keras.Sequential([layers.Dense(3)])
    x = 0.1 * np.ones((2, 4), "float32")
    model(x)
    five = {"input": 0.1 * np.ones((5, 4), "float32")}
    for ending in FORMATS:
        (output,) = exported(model, five, ending, tmp_path).values()
        np.testing.assert_allclose(output[:2], model(x), atol=1e-6)


# Elsewhere


def run_alone(program, *arguments, without):
    """Run Python where some packages cannot be imported; returns what it prints."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({without!r}))\n"
    run = subprocess.run(
        [sys.executable, "-c", blocked + program, *map(str, arguments)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.slow
def test_files_run_where_there_is_neither_tensorflow_nor_keras(tmp_path):
    export_model(from_preset("pinn-harmonic"), tmp_path / "model.onnx")
    export_model(from_preset("pinn-harmonic"), tmp_path / "model.tflite")
    program = """
import numpy, onnxruntime
from ai_edge_litert.interpreter import Interpreter
t = numpy.array([[0.0], [1.0]])
session = onnxruntime.InferenceSession(sys.argv[1])
print(*session.run(["x"], {"t": t})[0].ravel())
runner = Interpreter(sys.argv[2]).get_signature_runner()
print(*runner(t=t.astype("float32"))["x"].ravel())
"""
    paths = (tmp_path / "model.onnx", tmp_path / "model.tflite")
    lines = run_alone(program, *paths, without=["tensorflow", "keras", "oscillator_zoo"])
    (start, later), (_, rounded) = (
        [float(x) for x in line.split()] for line in lines.split("\n")[:2]
    )
    oscillator = from_preset("pinn-harmonic").problem
    assert start == oscillator.position
    assert later == pytest.approx(oscillator.exact([1.0])[0].item(), abs=1e-12)
    assert rounded == pytest.approx(later, abs=1e-5)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["pinn-damped", "elman-driven"], marks=pytest.mark.slow),
        pytest.param(PRESETS, marks=pytest.mark.further),
    ],
    ids=["two", "all"],
)
def test_saved_models_run_where_there_is_tensorflow_alone(names, tmp_path):
    for name in names:
        export_model(from_preset(name), tmp_path / name)
    program = """
import pathlib
import numpy
import tensorflow as tf
for folder in pathlib.Path(sys.argv[1]).iterdir():
    served = tf.saved_model.load(str(folder)).signatures["serve"]
    inputs = {
        name: tf.fill([n or 8 for n in spec.shape], tf.constant(0.5, spec.dtype))
        for name, spec in served.structured_input_signature[1].items()
    }
    (result,) = served(**inputs).values()
    numpy.save(folder / "result.npy", result)
"""
    run_alone(program, tmp_path, without=["keras", "oscillator_zoo"])
    for name in names:
        model = from_preset(name)
        if name in SOLUTIONS:
            inputs = {k: np.full((8, 1), 0.5) for k in times_and_parameters(model)}
            expected = model(inputs if len(inputs) > 1 else inputs["t"])
        else:
            inputs = {
                x.name: np.full([n or 8 for n in x.shape], 0.5, x.dtype) for x in model.inputs
            }
            expected = answer(model, inputs)
        found = np.load(tmp_path / name / "result.npy")
        # Eight steps, in the precision of the model.
        eps = np.finfo(found.dtype).eps
        np.testing.assert_allclose(found, expected, rtol=0, atol=1000 * eps, err_msg=name)


@pytest.mark.further
def test_tensorflows_own_tool_shows_names_and_sizes(tmp_path):
    export_model(from_preset("pinn-damped"), tmp_path / "solution")
    tool = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli"]
    shown = subprocess.run(
        [*tool, "show", "--dir", tmp_path / "solution", "--tag_set", "serve", "--all"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for endpoint in ("serve", "x", "v", "a", "residual", "error_bound"):
        part = shown.split(f"signature_def['{endpoint}']")[1].split("signature_def")[0]
        assert "inputs['t'] tensor_info:\n        dtype: DT_DOUBLE\n        shape: (-1, 1)" in part
        assert part.count("shape: (-1, 1)") == 2  # that of the result too


# What is refused


@pytest.mark.parametrize("ending", FORMATS)
def test_an_operation_that_a_runtime_lacks_is_named_and_nothing_written(ending, tmp_path):
    class Rooted(layers.Layer):
        def call(self, x):
            return tf.linalg.sqrtm(tf.linalg.matmul(x, x, transpose_a=True))

    path = tmp_path / f"model.{ending}"
    path.write_bytes(b"older")
    runtime = {"onnx": "ONNX", "tflite": "LiteRT"}[ending]
    with pytest.raises(ValueError, match=f"{runtime} cannot hold a part.*MatrixSquareRoot"):
        export_model(sequential(Rooted(), steps=3), path)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (lambda: layers.Conv1D(2, 3, dtype="float64"), "NOT_IMPLEMENTED"),
        (lambda: layers.Activation(ops.log, dtype="float64"), "an operation has float32 only"),
    ],
)
def test_float64_that_onnx_has_not_is_refused(layer, reason, tmp_path):
    model = sequential(layer(), steps=5, dtype="float64")
    with pytest.raises(ValueError, match=f"ONNX cannot hold a part.*{reason}"):
        export_model(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a-b", "output"])
def test_names_that_files_cannot_hold_are_refused(name, tmp_path):
    x = keras.Input((3,), name=name)
    with pytest.raises(ValueError, match=rf"Received: '{name}'\. Name it by keras\.Input"):
        export_model(keras.Model(x, layers.Dense(2)(x)), tmp_path / "model.onnx")


def test_options_of_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"Files of onnx have no options. Received: opset"):
        PINN(Decay(), 1.0, (4,)).export(tmp_path / "a.onnx", format="onnx", opset_version=17)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_layer_that_keeps_its_state_is_refused(ending, tmp_path):
    model = keras.Sequential(
        [keras.Input(batch_shape=(1, 5, 2)), ElmanRNN(4, stateful=True, name="memory")]
    )
    with pytest.raises(ValueError, match=r"keeps nothing between calls.*memory has stateful=True"):
        export_model(model, tmp_path / f"model.{ending}")


def test_a_model_without_inputs_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"A functional or sequential model.*x = keras.Input"):
        export_model(keras.Sequential([layers.Dense(1)]), tmp_path / "model.onnx")


def test_paths_and_models_of_another_kind_are_refused(tmp_path):
    model = MODELS["dense"]()
    with pytest.raises(ValueError, match=r"to a folder, a \.tflite or .*call model.save"):
        export_model(model, tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"A Keras model is exported.*Received: Dense"):
        export_model(layers.Dense(1), tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="must exist and be writable"):
        export_model(model, tmp_path / "nowhere" / "model.tflite")


def test_without_the_extra_onnx_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'oscillator-zoo\[export\]'"):
        export_model(MODELS["dense"](), tmp_path / "model.onnx")


def free_sequences(*hidden):
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input((None, 2), name="x"), *hidden])


@pytest.mark.parametrize("ending", [".onnx", ".tflite", ""])
def test_a_file_that_differs_from_the_model_is_refused_with_the_layer(ending, tmp_path):
    """Keras 3.15 takes the batch for the time where both sizes are free."""
    model = free_sequences(layers.TimeDistributed(layers.Dense(3), name="each_step"))
    path = tmp_path / f"model{ending}"
    message = r"in place of .*the layer each_step \(TimeDistributed\).*number of time steps"
    with pytest.raises(ValueError, match=message):
        export_model(model, path)
    assert not path.exists()


def test_a_saved_model_answers_without_dropout_and_with_any_names_and_whole_numbers(tmp_path):
    """Names that other files cannot hold, and numbers of which none may be off."""
    x = keras.Input((None, 2), name="x-y")
    states = ElmanRNN(3, dropout=0.5, return_sequences=True, seed=0)(x)
    model = keras.Model(x, [states, ops.argmax(states, axis=-1)])
    export_model(model, tmp_path / "dropout")
    given = np.linspace(-1.0, 1.0, 12, dtype="float32").reshape(2, 3, 2)
    loaded = tf.saved_model.load(tmp_path / "dropout")
    for found, expected in zip(tf.nest.flatten(loaded.serve(given)), model(given), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["int32", "bool"])
def test_whole_numbers_of_a_file_are_exact(kind):
    x = keras.Input((2,), name="x")
    model = keras.Model(x, ops.cast(1000.0 * x, kind))
    offered = served(model)

    def answer(samples, error=0):
        results = offered.function(*map(tf.constant, samples))
        return {n: (y.numpy().astype(int) + error).astype(kind) for n, y in results.items()}

    check_answers(model, offered, answer)
    if kind == "int32":
        with pytest.raises(ArithmeticError, match="is off by"):
            check_answers(model, offered, lambda samples: answer(samples, 1))


def test_a_disk_that_is_full_is_no_fault_of_the_model():
    with pytest.raises(OSError, match="no room"), _conversion(MODELS["dense"](), "ONNX"):
        raise OSError("no room")


def test_a_cosine_of_float32_stays_one(tmp_path):
    x = keras.Input((3,), name="x")
    model = keras.Model(x, ops.cos(x))
    found = exported(model, waves(model, 2), "onnx", tmp_path)
    (found,) = found.values()
    np.testing.assert_allclose(found, np.cos(waves(model, 2)["x"]), rtol=1e-6)


@pytest.fixture(scope="module")
def solution():
    pinn = PINN(DampedOscillator(), 2.0, (4,), seed=1)
    return pinn, served(pinn)


@pytest.mark.parametrize("name", [None, "x", "v", "a", "residual", "error_bound"])
def test_every_number_of_a_solution_is_compared(name, solution):
    """A file that has one of them wrong by one part in a million, from the second size on."""
    pinn, offered = solution
    sizes = []

    def answer(samples):
        sizes.append(len(samples[0]))
        results = offered.function(*map(tf.constant, samples))
        wrong = 1.0 + 1e-6 * (len(sizes) == 2)
        return {n: y.numpy() * (wrong if n == name else 1.0) for n, y in results.items()}

    if name is None:
        check_answers(pinn, offered, answer)
    else:
        with pytest.raises(ArithmeticError, match=f"{name} is off by"):
            check_answers(pinn, offered, answer)
    assert sizes == [2, 3]


@pytest.mark.slow
@pytest.mark.parametrize("ending", further_but_for([".onnx", ".tflite", ""], ".onnx"))
def test_dropout_and_arrays_that_layers_keep_do_not_matter(ending, tmp_path):
    dropout = {"dropout": 0.2, "recurrent_dropout": 0.1, "return_sequences": True}
    model = free_sequences(
        layers.Normalization(mean=0.5, variance=2.0),
        ElmanRNN(4, **dropout),
        layers.LSTM(3, **dropout),
        layers.Bidirectional(layers.SimpleRNN(2, **dropout)),
    )
    path, x = tmp_path / f"model{ending}", 0.3 * np.ones((1, 7, 2), "float32")
    export_model(model, path)
    if ending:
        (found,) = RUN[ending[1:]](path, {"x": x}).values()
    else:
        served = tf.saved_model.load(path)
        found = served.serve(x)
    np.testing.assert_allclose(found, model(x), rtol=0, atol=1e-6)


def test_a_file_of_integers_is_checked_with_more_than_zeros():
    found = sample(None, tf.TensorSpec((None, None, 1), "int32"), 2, 3)
    assert found.dtype == "int32" and found.shape == (2, 3, 1)
    np.testing.assert_array_equal(found.ravel(), [0, 1, 0, 1, 0, 1])
