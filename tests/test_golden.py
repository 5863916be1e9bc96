"""Files written by the version that introduced format 1 are still read, to the same numbers."""

import importlib.util
import json
import pathlib
import shutil
import zipfile

import numpy as np
import pytest

from oscillator_zoo.data import Trajectory
from oscillator_zoo.models import from_preset, load_model
from oscillator_zoo.training import Run

GOLDEN = pathlib.Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def make():
    """The script beside the files, as a module."""
    spec = importlib.util.spec_from_file_location("make_golden", GOLDEN / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outputs(make, folder):
    """What the files in a folder give, read by this version."""
    return make.outputs(
        Run.load(folder / "run"),
        load_model(folder / "pinn.keras"),
        load_model(folder / "duffing.keras"),
        Trajectory.load(folder / "trajectory.npz"),
    )


def assert_expected(found):
    expected = json.loads((GOLDEN / "expected.json").read_text())
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        digits = 1e-5 if name == "forecaster" else 1e-10
        np.testing.assert_allclose(found[name], values, rtol=digits, atol=digits, err_msg=name)


def test_every_golden_file_gives_the_numbers_it_was_written_with(make):
    assert_expected(outputs(make, GOLDEN))


def test_the_golden_preset_is_the_golden_solver():
    pinn = from_preset(GOLDEN / "preset")
    expected = json.loads((GOLDEN / "expected.json").read_text())["solver"]
    np.testing.assert_allclose(np.ravel(pinn(np.linspace(0.0, 2.0, 5))), expected, rtol=1e-10)
    assert pinn.card["format_version"] == 1


def test_files_from_before_format_versions_and_hashes_are_read(make, tmp_path):
    folder = shutil.copytree(GOLDEN, tmp_path / "older")
    for path in folder.rglob("*.keras"):
        with zipfile.ZipFile(path, "a") as archive:
            assert archive.comment == b"oscillator-zoo format 1"
            archive.comment = b""
    description = folder / "run" / "run.json"
    content = json.loads(description.read_text())
    assert content.pop("format_version") == 1 and len(content.pop("sha256")) == 2
    description.write_text(json.dumps(content))
    assert_expected(outputs(make, folder))


def test_what_is_not_a_number_survives_too():
    run = Run.load(GOLDEN / "run")
    assert (run.task, run.warm_up, run.notes) == ("forecast", 2, ("A note.",))
    assert run.facts == {
        "recipe": "elman-harmonic",
        "seed": 0,
        "epochs": 1,
        "training_seconds": 0.5,
    }
    assert list(run.history) == ["loss"] and run.training is None
    assert (run.test.method, run.test.method_step) == ("euler", 0.1)
    trajectory = Trajectory.load(GOLDEN / "trajectory.npz")
    assert type(trajectory.problem).__name__ == "DampedOscillator"
    assert trajectory.problem.force.angular_frequency == 2.0
    assert load_model(GOLDEN / "pinn.keras").problem.rate == 0.7


def test_models_of_golden_files_go_on_training():
    pinn = load_model(GOLDEN / "pinn.keras")
    before = pinn.evaluate(pinn.collocation_points(16, steps_per_epoch=1), verbose=0)[0]
    history = pinn.fit(pinn.collocation_points(16, steps_per_epoch=3), verbose=0).history
    assert history["loss"][-1] < before
    assert int(load_model(GOLDEN / "duffing.keras").optimizer.iterations) == 0


def test_the_files_can_be_made_anew(make, tmp_path):
    make.make(tmp_path)
    names = {path.relative_to(GOLDEN) for path in GOLDEN.rglob("*") if path.suffix != ".py"}
    assert {p for p in names if "__pycache__" not in p.parts} == {
        path.relative_to(tmp_path) for path in tmp_path.rglob("*")
    }
    assert_expected(outputs(make, tmp_path))
