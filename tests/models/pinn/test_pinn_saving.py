"""A PINN on disk: `.keras` files to train on, SavedModels to serve."""

import functools
import json
import os
import pathlib
import subprocess
import sys
import textwrap
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from marks import further_but_for
from pinn_checks import Springs, bounded_ramp, randomise, slow_start, springs, times_of

from oscillator_zoo.data import DampedOscillator, Decay, InitialValueProblem, Sinusoid
from oscillator_zoo.models import PINN
from oscillator_zoo.models.base_model.precise_model import PreciseModel

TESTS = pathlib.Path(__file__).parents[2]


def run_python(code, *arguments, **environment):
    """Run a program in a fresh process, with the tests' oracles on its path."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment}
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        env={**environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_every_argument_survives_a_file_and_a_fresh_process(tmp_path):
    problem = Springs(0.4, 0.0, start_time=0.7, cubic=0.9)
    arguments = {
        "problem": problem,
        "duration": 1.7,
        "hidden_units": (5, 3),
        "activation": "sin",
        "h1": slow_start,
        "h2": bounded_ramp,
        "seed": 11,
        "name": "a_name",
        "dtype": "float32",
        "trainable": False,
    }
    driven = DampedOscillator(2.0, 0.3, 5.0, Sinusoid(0.5, 1.1, 0.2), 0.1, -0.3, 0.9)
    pinns = {
        "everything": PINN(**arguments),
        "driven": PINN(driven, 2.0, (4,), "swish"),
        "coupled": PINN(springs(1, 3), 2.0, (4,)),
    }
    for name, pinn in pinns.items():
        randomise(pinn).save(tmp_path / f"{name}.keras")
    run_python(
        """
        import pathlib, sys, pinn_checks
        for path in pathlib.Path(sys.argv[1]).glob("*.keras"):
            pinn_checks.main(path, path.with_suffix(".npz"))
        """,
        tmp_path,
    )
    for name, pinn in pinns.items():
        times = times_of(pinn)
        x, v, a = pinn.derivatives(times)
        expected = {"x": x, "v": v, "a": a, "residual": pinn.residual(times)}
        with np.load(tmp_path / f"{name}.npz") as received:
            for key, value in expected.items():
                np.testing.assert_allclose(received[key], value, rtol=1e-12, err_msg=name + key)
                assert received[key].dtype == value.dtype
    config = keras.models.load_model(tmp_path / "everything.keras").get_config()
    for name, value in arguments.items():
        assert name in config
        if name not in ("problem", "activation", "dtype"):
            assert config[name] == value, name
    assert repr(config["problem"]) == repr(problem)


def test_a_copy_from_the_configuration_is_the_same_network():
    pinn = PINN(springs(2, 2), 1.5, (4,), "sin", seed=3)
    for copy in (PINN.from_config(pinn.get_config()), keras.models.clone_model(pinn)):
        assert isinstance(copy, PINN)
        np.testing.assert_array_equal(copy.residual([1.0]), pinn.residual([1.0]))


def compiled(options):
    pinn = PINN(Decay(rate=1.3), 2.0, (6,), seed=1)
    pinn.compile(keras.optimizers.Adam(3e-2), **options)
    return pinn, pinn.collocation_points(16, 5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", further_but_for([{}, {"jit_compile": True, "steps_per_execution": 5}], {})
)
def test_training_goes_on_from_a_file_as_if_it_had_not_stopped(tmp_path, options):
    without_stop, points = compiled(options)
    without_stop.fit(points, epochs=6, verbose=0)
    stopped, points = compiled(options)
    stopped.fit(points, epochs=3, verbose=0)
    stopped.save(tmp_path / "half.keras")
    loaded = keras.models.load_model(tmp_path / "half.keras")
    assert float(loaded.optimizer.learning_rate) == pytest.approx(3e-2)
    assert loaded.jit_compile == stopped.jit_compile
    assert loaded.steps_per_execution == options.get("steps_per_execution", 1)
    assert int(loaded.optimizer.iterations) == 15
    loaded.fit(loaded.collocation_points(16, 5), epochs=3, verbose=0)
    for expected, weight in zip(without_stop.get_weights(), loaded.get_weights()):
        np.testing.assert_allclose(weight, expected, rtol=1e-12, atol=1e-14)
    assert np.abs(weight - stopped.get_weights()[-1]).max() > 1e-3


def test_compiled_metrics_survive_a_file(tmp_path):
    pinn = PINN(Decay(), 1.0, (3,))
    pinn.compile("sgd", metrics=["mae"])
    times, targets = np.array([0.0, 0.5]), np.zeros((2, 1))
    expected = pinn.evaluate(times, targets, verbose=0, return_dict=True)
    pinn.save(tmp_path / "metrics.keras")
    loaded = keras.models.load_model(tmp_path / "metrics.keras")
    assert loaded.evaluate(times, targets, verbose=0, return_dict=True) == expected
    assert "mae" in expected


def test_an_uncompiled_pinn_survives_a_file(tmp_path):
    pinn = PINN(Decay(), 1.0, (3,))
    pinn.save(tmp_path / "plain.keras")
    loaded = keras.models.load_model(tmp_path / "plain.keras")
    assert not loaded.compiled
    np.testing.assert_array_equal(loaded([0.3]), pinn([0.3]))


class Unregistered(InitialValueProblem):
    def rhs(self, t, x, v, ops=np):
        return -x


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"problem": Unregistered(1.0, 0.0)}, "unregistered Unregistered. Put @keras.saving"),
        (
            {"problem": DampedOscillator(force=lambda t: np.cos(t))},
            "plain function cannot be saved.*Use Sinusoid",
        ),
        ({"h1": lambda t: 1.0 + 0.0 * t}, "h1 can be saved only if it is registered.*Put @keras"),
        ({"h2": lambda t: t**2}, "h2 can be saved only if it is registered"),
        ({"activation": lambda z: ops.sin(z)}, "activation can be saved only if it is registered"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_before_the_old_file_is_touched(
    tmp_path, arguments, message
):
    path = tmp_path / "old.keras"
    path.write_text("old")
    pinn = PINN(
        **{"problem": DampedOscillator(), "duration": 1.0, "hidden_units": (3,), **arguments}
    )
    with pytest.raises(ValueError, match=message):
        pinn.save(path)
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch):
    pinn = PINN(Decay(), 1.0, (3,))
    path = tmp_path / "model.keras"
    path.write_text("old")

    def half_a_file(model, filepath, *args, **kwargs):
        pathlib.Path(filepath).write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "save", half_a_file)
    with pytest.raises(KeyboardInterrupt):
        pinn.save(path)
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_files_that_cannot_be_written_are_refused(tmp_path):
    pinn = PINN(Decay(), 1.0, (3,))
    with pytest.raises(ValueError, match=r"ends in .keras. Received: folder. Use model.export"):
        pinn.save("folder")
    with pytest.raises(ValueError, match="folder of a file to write must exist and be writable"):
        pinn.save(tmp_path / "missing" / "model.keras")
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ValueError, match="folder of a file to write must exist and be writable"):
        pinn.save(tmp_path / "file" / "model.keras")
    pinn.save(str(tmp_path / "model.keras"))
    with pytest.raises(ValueError, match=r"With overwrite=False .*model.keras, which exists"):
        pinn.save(tmp_path / "model.keras", overwrite=False)
    pinn.save(tmp_path / "new.keras", overwrite=False)
    assert keras.models.load_model(tmp_path / "new.keras").duration == 1.0


@pytest.mark.parametrize(
    "planted",
    [
        {"module": "os", "class_name": "system", "config": {"command": "touch ran"}},
        {"module": "builtins", "class_name": "function", "config": "exec"},
        {"class_name": "__lambda__", "config": {"value": "4wAAAAA="}},
    ],
)
@pytest.mark.parametrize("argument", ["problem", "h1"])
def test_loading_never_runs_what_a_file_names(tmp_path, planted, argument):
    path = tmp_path / "model.keras"
    PINN(Decay(), 1.0, (3,)).save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    config["config"][argument] = {"registered_name": None, **planted}
    parts["config.json"] = json.dumps(config)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises((ValueError, TypeError)):
        keras.models.load_model(path)


@pytest.mark.further
@pytest.mark.parametrize("order", [1, 2])
def test_a_saved_model_serves_the_numbers_of_the_pinn_without_this_package(tmp_path, order):
    pinn = randomise(PINN(springs(order, 2), 2.0, (4, 3), "sin"))
    pinn.export(tmp_path / "solution")
    assert [path.name for path in tmp_path.iterdir()] == ["solution"]
    times = times_of(pinn)
    run_python(
        """
        import sys
        class Blocked:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "oscillator_zoo":
                    raise ImportError(name)
        sys.meta_path.insert(0, Blocked())
        import numpy as np, tensorflow as tf
        served = tf.saved_model.load(sys.argv[1])
        t = tf.constant(eval(sys.argv[3]), "float64")
        names = ("serve", "x", "v", "a", "residual")
        values = {name: getattr(served, name)(t) for name in names}
        for name in names:
            signature = served.signatures[name](t=t)
            np.testing.assert_array_equal(*signature.values(), values[name])
        assert served.x(t[:1]).shape == (1, 2)
        np.savez(sys.argv[2], **values)
        """,
        tmp_path / "solution",
        tmp_path / "values.npz",
        times[:, None].tolist(),
    )
    x, v, a = pinn.derivatives(times)
    expected = {"serve": x, "x": x, "v": v, "a": a, "residual": pinn.residual(times)}
    with np.load(tmp_path / "values.npz") as received:
        for name, value in expected.items():
            np.testing.assert_allclose(received[name], value, rtol=1e-12, atol=1e-12, err_msg=name)


def test_an_exported_residual_is_a_keras_layer(tmp_path):
    problem = DampedOscillator(force=Sinusoid(1.0, 1.3), start_time=0.5)
    pinn = randomise(PINN(problem, 2.0, (4,)))
    pinn.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    loaded.export(tmp_path / "solution")  # a reloaded model exports too
    folder = str(tmp_path / "solution")
    layer = keras.layers.TFSMLayer(folder, call_endpoint="residual", dtype="float64")
    times = np.array([[0.6], [1.1], [2.5]])
    np.testing.assert_allclose(layer(times), pinn.residual(times), rtol=1e-12, atol=1e-12)
    # Nothing can be raised inside a graph: outside the interval the answer is NaN.
    assert np.isnan(layer(np.array([[0.4], [2.6]]))).all()


@pytest.mark.slow
def test_export_replaces_a_saved_model_and_nothing_else(tmp_path, monkeypatch):
    pinn, folder = PINN(Decay(), 1.0, (3,)), tmp_path / "solution"
    folder.mkdir()
    pinn.export(folder)
    randomise(pinn).export(folder)
    t = tf.constant([[0.5]], "float64")
    served = tf.saved_model.load(folder)
    np.testing.assert_allclose(served.x(t), pinn(t), rtol=1e-14)

    def half_a_folder(path, *args):
        path.mkdir()
        (path / "half").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("oscillator_zoo.models.pinn.interval_model.write_endpoints", half_a_folder)
        with pytest.raises(KeyboardInterrupt):
            pinn.export(folder)
    served = tf.saved_model.load(folder)
    np.testing.assert_allclose(served.x(t), pinn(t), rtol=1e-14)
    assert [path.name for path in tmp_path.iterdir()] == ["solution"]

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious.csv").write_text("1")
    (tmp_path / "file").write_text("1")
    for path in (tmp_path / "data", tmp_path / "file"):
        with pytest.raises(ValueError, match=r"or replaces another SavedModel. .*Choose another"):
            pinn.export(path)
    for path in (tmp_path / "missing" / "solution", tmp_path / "file" / "solution"):
        with pytest.raises(ValueError, match=r"must exist and be writable. Received: "):
            pinn.export(path)
    assert (tmp_path / "data" / "precious.csv").read_text() == "1"


def test_options_that_a_saved_model_lacks_are_refused(tmp_path):
    pinn = PINN(Decay(), 1.0, (3,))
    for export in (pinn.export, functools.partial(PreciseModel.export, pinn)):
        with pytest.raises(ValueError, match=r"no option but verbose. Received: nonsense. Leave"):
            export(tmp_path / "solution", verbose=True, nonsense=1)
    assert not list(tmp_path.iterdir())


def test_a_plain_force_cannot_be_exported(tmp_path):
    pinn = PINN(DampedOscillator(force=np.cos), 1.0, (3,))
    with pytest.raises(ValueError, match="plain function cannot be saved"):
        pinn.export(tmp_path / "solution")
    assert not list(tmp_path.iterdir())
