"""What `load_model` refuses before Keras builds it, and what it still reads."""

import base64
import gc
import io
import json
import marshal
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator, Decay, Sampled
from oscillator_zoo.models import PINN, ElmanRNN, LevenbergMarquardt, load_model
from oscillator_zoo.models.saving.file_checks import check_config

# Of models that were compiled but never trained, by Keras.
pytestmark = pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer")


@keras.saving.register_keras_serializable("test_model_file")
class Registered(keras.layers.Layer):
    """A layer with a variable made from a value, which no model without values can have."""

    def build(self, input_shape):
        self.scale = keras.Variable(np.full(input_shape[-1], 2.0), dtype=self.dtype)

    def call(self, x):
        return x * self.scale


class Stranger(keras.layers.Layer):
    """A layer that is not registered."""

    def call(self, x):
        return x


def sequential(*layers):
    model = keras.Sequential([keras.Input((4, 2)), *layers])
    model.compile("adam", "mse", metrics=["mae"])
    return model


MODELS = {
    "dense": lambda: sequential(keras.layers.Dense(3, "tanh", kernel_regularizer="l2")),
    "convolution": lambda: sequential(keras.layers.Conv1D(3, 2), keras.layers.Flatten()),
    "recurrent": lambda: sequential(keras.layers.Bidirectional(ElmanRNN(3, output_units=2))),
    "lstm": lambda: sequential(keras.layers.LSTM(3, dropout=0.1)),
    "registered": lambda: sequential(Registered()),
    "operation": lambda: keras.Model(
        inputs := keras.Input((4, 2)), keras.ops.concatenate([inputs[:, :1], inputs], axis=1)
    ),
    "schedule": lambda: compiled(
        keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 100), clipnorm=1.0)
    ),
    "pinn": lambda: PINN(DampedOscillator(force=Sampled([0.0, 1.0], [0.0, 1.0])), 1.0, (3,)),
    "windows": lambda: PINN(DampedOscillator(), 9.0),
    "unknown": lambda: PINN(DampedOscillator(), 1.0, unknown_parameters=("stiffness",)),
    "family": lambda: PINN(DampedOscillator(), 1.0, parameter_ranges={"damping": (0.1, 0.2)}),
}


def compiled(optimizer):
    model = sequential(keras.layers.Dense(1))
    model.compile(optimizer, keras.losses.Huber(), metrics=[keras.metrics.MeanSquaredError()])
    return model


@pytest.mark.parametrize("name", MODELS)
def test_models_of_keras_and_of_this_package_are_read(name, tmp_path):
    model = MODELS[name]()
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    for found, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert type(getattr(loaded, "optimizer", None)) is type(getattr(model, "optimizer", None))


@pytest.fixture
def file(tmp_path):
    """A `.keras` file of one layer, and a function that changes its members."""
    path = tmp_path / "model.keras"
    sequential(keras.layers.Dense(3, name="dense")).save(path)
    return path


def change(path, config=None, weights=None, packed=zipfile.ZIP_STORED, **others):
    """Write the archive again: `config` and `weights` are functions of what is there."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if config is not None:
        content = json.loads(members["config.json"])
        members["config.json"] = json.dumps(config(content) or content)
    if weights is not None:
        buffer = io.BytesIO(members["model.weights.h5"])
        with h5py.File(buffer, "r+") as opened:
            weights(opened)
        members["model.weights.h5"] = buffer.getvalue()
    members.update(others)
    with zipfile.ZipFile(path, "w", packed) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def refused(path, message):
    with pytest.raises(ValueError, match=rf"read from a \.keras file.*{message}") as info:
        load_model(path)
    assert "\n" not in str(info.value) and len(str(info.value)) < 800


CANARY = "canary_of_test_model_file"


def lambda_layer(marker):
    """A Lambda layer whose code creates a file, as Keras writes one."""
    code = compile(f"open({str(marker)!r}, 'w')", "x", "exec")
    text = base64.b64encode(marshal.dumps(code)).decode()
    value = {"class_name": "__lambda__", "config": {"code": text, "defaults": None}}
    return {"module": "keras.layers", "class_name": "Lambda", "config": {"function": value}}


PLANTED = {
    "lambda": lambda_layer,
    "code": lambda marker: lambda_layer(marker)["config"]["function"],
    "module": lambda marker: {"module": CANARY, "class_name": "Thing", "config": {}},
    "function": lambda marker: {"module": CANARY, "class_name": "function", "config": "run"},
    "system": lambda marker: {
        "module": "os",
        "class_name": "system",
        "config": {"command": f"touch {marker}"},
    },
    "exec": lambda marker: {"module": "subprocess", "class_name": "function", "config": "run"},
    "type": lambda marker: {"class_name": "__typespec__", "module": CANARY, "config": []},
    "download": lambda marker: {
        "module": "keras.utils",
        "class_name": "function",
        "config": "get_file",
    },
    "setting": lambda marker: {
        "module": "keras.config",
        "class_name": "function",
        "config": "enable_unsafe_deserialization",
    },
    "keras_module": lambda marker: {
        "module": "keras.src.backend.torch.trainer",
        "class_name": "TorchTrainer",
        "config": {},
    },
    "keras_package": lambda marker: {
        "module": "keras_hub.models",
        "class_name": "Task",
        "config": {},
    },
    "savedmodel": lambda marker: {
        "module": "keras.layers",
        "class_name": "TFSMLayer",
        "config": {"filepath": str(marker)},
    },
    "vocabulary": lambda marker: {
        "module": "keras.layers",
        "class_name": "StringLookup",
        "config": {"vocabulary": "/etc/passwd"},
    },
    "text": lambda marker: {
        "class_name": "__numpy__",
        "config": {"value": ["a"], "dtype": "U2000000000"},
    },
    "unregistered": lambda marker: {
        "module": "elsewhere",
        "class_name": "Spring",
        "config": {},
        "registered_name": "elsewhere>Spring",
    },
    "no_class": lambda marker: {"module": "keras.layers", "class_name": "backend", "config": {}},
    "no_name": lambda marker: {"module": "keras.layers", "class_name": 3, "config": {}},
    "no_module": lambda marker: {"module": 3, "class_name": "Dense", "config": {}},
}


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("place", ["layer", "argument", "optimizer", "model", "build"])
def test_what_a_file_names_is_neither_run_nor_imported(name, place, file, tmp_path, monkeypatch):
    marker = tmp_path / "ran"
    (tmp_path / f"{CANARY}.py").write_text(f"open({str(marker)!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    planted = {"registered_name": None, **PLANTED[name](marker)}
    before = set(sys.modules)

    def plant(config):
        layer = config["config"]["layers"][1]
        if place == "layer":
            config["config"]["layers"][1] = planted
        elif place == "argument":
            layer["config"]["kernel_initializer"] = planted
        elif place == "optimizer":
            config["compile_config"]["optimizer"] = planted
        elif place == "model":
            return planted
        else:
            layer["build_config"]["input_shape"] = [planted]

    change(file, config=plant)
    refused(file, "is neither registered nor one of the classes and functions of Keras")
    assert not marker.exists()
    assert set(sys.modules) == before


def test_reading_leaves_no_variables_behind(tmp_path):
    """Those of the trial build would be given values by the next program that Keras traces."""
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / "dense.keras")
    load_model(tmp_path / "dense.keras")
    gc.collect()
    before = {id(held) for held in gc.get_objects() if isinstance(held, keras.Variable)}
    model = load_model(tmp_path / "dense.keras")
    gc.collect()
    after = {id(held) for held in gc.get_objects() if isinstance(held, keras.Variable)}
    assert after - before <= {id(variable) for variable in model.variables}


def test_a_class_of_a_scope_is_known(tmp_path):
    class Doubling(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    path = tmp_path / "doubling.keras"
    keras.Sequential([keras.Input((3,)), Doubling(name="doubling")]).save(path)
    with keras.saving.custom_object_scope({"Doubling": Doubling}):
        np.testing.assert_array_equal(load_model(path)(np.ones((1, 3))), np.full((1, 3), 2.0))


def test_a_class_of_somebody_is_refused_and_named(tmp_path):
    model = sequential(Stranger())
    model.save(tmp_path / "model.keras")
    refused(tmp_path / "model.keras", "'Stranger' of the module .*import the classes of your own")


@pytest.mark.parametrize(
    "allowed",
    [
        {"module": "keras.layers", "class_name": "Dense", "config": {}},
        {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}},
        {"module": "keras.src.models.functional", "class_name": "Functional", "config": {}},
        {"module": "keras.optimizers.schedules", "class_name": "CosineDecay", "config": {}},
        {"module": "builtins", "class_name": "function", "config": "tanh"},
        {"module": "builtins", "class_name": "function", "config": "oscillator_zoo>sin"},
        {"class_name": "__numpy__", "config": {"value": [1.0], "dtype": "float64"}},
        {"class_name": "Zeros", "config": {}},
    ],
)
def test_what_keras_and_this_package_write_is_allowed(allowed):
    check_config({"layers": [allowed, [{"a": allowed}]], "class_name": "Adam", "config": {}})


class TestArchives:
    def test_nothing_there(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"A saved model .* does not exist"):
            load_model(tmp_path / "absent.keras")

    def test_a_folder(self, tmp_path):
        with pytest.raises(ValueError, match=r"A saved model .*Is a directory"):
            load_model(tmp_path)

    @pytest.mark.parametrize("kept", [0, 10, 1000, -1000, -1])
    def test_a_part_of_a_file(self, kept, file):
        file.write_bytes(file.read_bytes()[:kept])
        refused(file, "damaged or another kind of file")

    def test_another_kind_of_file(self, file, tmp_path):
        np.savez(tmp_path / "arrays.npz", a=np.zeros(3))
        refused(tmp_path / "arrays.npz", "damaged or another kind")
        (tmp_path / "arrays.npz").rename(tmp_path / "arrays.keras")
        refused(tmp_path / "arrays.keras", "holds metadata.json, config.json, model.weights.h5")
        file.rename(tmp_path / "model.zip")
        refused(tmp_path / "model.zip", "another kind of file")

    def test_files_beside_the_models(self, file):
        change(file, **{"assets/../../outside": b"x"})
        refused(file, "holds metadata.json, config.json, model.weights.h5, each once")

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_a_member_twice(self, file):
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr("config.json", b"{}")
        refused(file, "each once")

    def test_a_bit_of_the_weights_that_is_another(self, file):
        content = bytearray(file.read_bytes())
        kernel = load_model(file).get_weights()[0].tobytes()
        content[content.index(kernel)] ^= 1
        file.write_bytes(content)
        refused(file, "Bad CRC-32 for file 'model.weights.h5'")

    @pytest.mark.further
    def test_zeros_that_unpack_to_a_gigabyte(self, file):
        zeros = bytes(2**30)
        change(file, packed=zipfile.ZIP_DEFLATED, **{"model.weights.h5": zeros})
        assert file.stat().st_size < 2 * 2**20
        refused(file, "would unpack to 10737")

    @pytest.mark.parametrize(
        "text", ["", "null", "[]", "{}", "[" * 100000, "9" * 5000, '{"class_name": []}', "\xff"]
    )
    def test_no_description_of_a_model(self, text, file):
        change(file, **{"config.json": text.encode("latin-1")})
        refused(file, "")

    @pytest.mark.parametrize("version", [2, 999999999])
    def test_a_later_format(self, version, file):
        with zipfile.ZipFile(file, "a") as archive:
            archive.comment = f"oscillator-zoo format {version}".encode()
        refused(file, f"format {version}, and this version of oscillator-zoo reads up to 1")

    @pytest.mark.parametrize("comment", [b"", b"another", b"oscillator-zoo format x", b"\xff"])
    def test_a_comment_that_is_no_version(self, comment, file):
        with zipfile.ZipFile(file, "a") as archive:
            archive.comment = comment
        assert load_model(file).count_params() == 9


class TestSizes:
    def test_a_layer_far_larger_than_its_weights(self, file):
        def grow(config):
            config["config"]["layers"][1]["config"]["units"] = 10**10

        change(file, config=grow)
        refused(file, r"bytes of weights for a model that needs 2400000\d+")

    @pytest.mark.parametrize("units", [4, 10**5])
    def test_a_layer_of_another_shape_than_its_weights(self, file, units):
        def resize(config):
            config["config"]["layers"][1]["config"]["units"] = units

        change(file, config=resize)
        refused(file, "objects could not be loaded")

    def test_a_pinn_far_larger_than_its_weights(self, tmp_path):
        PINN(Decay(), 1.0, (3,)).save(tmp_path / "pinn.keras")

        def grow(config):
            config["config"]["hidden_units"] = [10**9]

        change(tmp_path / "pinn.keras", config=grow)
        refused(tmp_path / "pinn.keras", "bytes of weights for a model that needs")

    def test_weights_that_claim_to_be_larger_than_the_file(self, file):
        def claim(weights):
            del weights["layers/dense/vars/0"]
            weights["layers/dense/vars"].create_dataset("0", (10**6, 10**6), "f4", chunks=(99, 99))

        change(file, weights=claim)
        refused(file, "bytes of weights claim to hold arrays of 4000000")

    def test_weights_in_other_files(self, file, tmp_path):
        (tmp_path / "secret.h5").write_bytes(b"")

        def link(weights):
            del weights["layers/dense/vars/0"]
            weights["layers/dense/vars/0"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "x")

        change(file, weights=link)
        refused(file, "could not be loaded")

    def test_weights_of_another_shape(self, file):
        def reshape(weights):
            del weights["layers/dense/vars/0"]
            weights["layers/dense/vars/0"] = np.zeros((3, 2), "f4")

        change(file, weights=reshape)
        refused(file, "could not be loaded")

    def test_weights_that_are_missing(self, file):
        def drop(weights):
            del weights["layers/dense/vars/0"]

        change(file, weights=drop)
        refused(file, "could not be loaded")


@pytest.mark.slow
def test_a_solver_goes_on_where_it_was(tmp_path):
    pinn = PINN(DampedOscillator(), 2.0, (6,), seed=1)
    pinn.compile(LevenbergMarquardt())
    points = pinn.collocation_points(32, steps_per_epoch=2)
    pinn.fit(points, verbose=0)
    pinn.save(tmp_path / "half.keras")
    loaded = load_model(tmp_path / "half.keras")
    losses = [m.fit(points, verbose=0).history["loss"] for m in (pinn, loaded)]
    assert losses[0] == losses[1]
