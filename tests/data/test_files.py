"""Files are written whole or not at all, whatever interrupts the writing."""

import contextlib
import errno
import json
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import time
import zipfile

import keras
import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator, Decay, Trajectory, simulate
from oscillator_zoo.data.files import write_whole
from oscillator_zoo.models import PINN, load_model
from oscillator_zoo.models.export.saved_model import write_whole_saved_model
from oscillator_zoo.training import Run, SolutionPlot
from oscillator_zoo.training.results.pictures import save_picture


def pinn(units=3):
    model = PINN(Decay(), 1.0, (units,), seed=0)
    model.compile("sgd")
    return model


def dense(units=3):
    return keras.Sequential([keras.Input((None, 2)), keras.layers.Dense(units)])


def trajectory(num_steps=20):
    return simulate(DampedOscillator(), 0.1, num_steps, method="rk4")


def plot(num_points, path):
    save_picture(lambda ax: ax.plot(np.random.default_rng(0).normal(size=num_points)), path)


def solution_plot(every, path):
    model = pinn()
    points = model.collocation_points(8, steps_per_epoch=1)
    model.fit(points, verbose=0, callbacks=[SolutionPlot(path, every=every)])


# Each writes one file: (what it is called, small first version, larger second version).
WRITERS = {
    "pinn.keras": (lambda path: pinn().save(path), lambda path: pinn(60).save(path)),
    "motion.npz": (lambda path: trajectory().save(path), lambda path: trajectory(9000).save(path)),
    "picture.png": (lambda path: plot(5, path), lambda path: plot(5000, path)),
    "solution.png": (lambda path: solution_plot(1, path), lambda path: solution_plot(1, path)),
}
WHAT_A_RUN_HAS = ("model.keras", "run.json", "test.npz")


def run(units=3, model=dense):
    history = {"loss": [1.0] * units}
    return Run(model(units), "forecast", history, trajectory(units), facts={"units": units})


@pytest.fixture
def limited_size():
    """Files may not grow beyond 2 kB, as on a disk that is full."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize("name", WRITERS)
# NumPy 2.1 leaves an archive that it could not write to the garbage collector, which complains.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <function ZipFile.__del__")
def test_a_full_disk_leaves_the_old_file_or_none(name, tmp_path, request):
    path, new = tmp_path / name, tmp_path / f"new-{name}"
    first, second = WRITERS[name]
    first(path)
    before = path.read_bytes()
    request.getfixturevalue("limited_size")
    for target in (path, new):
        with pytest.raises(
            OSError, match=rf"{target.name} could not be written .*Make room"
        ) as info:
            second(target)
        assert info.value.errno == errno.EFBIG
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("model", [dense, lambda units: pinn()])
def test_a_full_disk_leaves_an_old_run_as_it_was(tmp_path, request, model):
    run(3, model).save(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(before) == sorted(WHAT_A_RUN_HAS)
    request.getfixturevalue("limited_size")
    with pytest.raises(OSError, match=r"model\.keras could not be written"):
        run(50, model).save(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.slow
def test_a_full_disk_leaves_the_old_saved_model(tmp_path, request):
    model = pinn()
    model.export(tmp_path / "served")
    before = sorted(path.stat().st_mtime_ns for path in (tmp_path / "served").rglob("*"))
    request.getfixturevalue("limited_size")
    with pytest.raises(OSError, match=r"served could not be written \(File too large\)"):
        model.export(tmp_path / "served")
    assert list(tmp_path.iterdir()) == [tmp_path / "served"]
    assert sorted(path.stat().st_mtime_ns for path in (tmp_path / "served").rglob("*")) == before


def test_a_disk_that_is_full_only_when_it_is_flushed_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"file could not be written \(No space left on device"):
        with write_whole(path) as temporary:
            temporary.write_text("new")
    with pytest.raises(OSError, match="folder could not be written"):
        with write_whole_saved_model(tmp_path / "folder") as temporary:
            temporary.mkdir()
            (temporary / "part").write_text("new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_an_old_folder_comes_back_where_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    folder, replace = tmp_path / "served", os.replace
    folder.mkdir()
    (folder / "saved_model.pb").write_text("old")

    def failing(old, new):
        if pathlib.Path(new) == folder and (pathlib.Path(old) / "new").exists():
            raise OSError(errno.EACCES, "Permission denied")
        replace(old, new)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="served could not be written"):
        with write_whole_saved_model(folder) as temporary:
            temporary.mkdir()
            (temporary / "new").write_text("new")
    assert (folder / "saved_model.pb").read_text() == "old"
    assert list(tmp_path.iterdir()) == [folder]


def test_content_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")
    seen = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: seen.append(path.read_text()))
    with write_whole(path) as temporary:
        temporary.write_text("new")
    assert seen == ["old"] and path.read_text() == "new"


def test_an_error_without_a_number_keeps_its_text(tmp_path):
    with pytest.raises(OSError, match=r"file could not be written \(of a kind of its own\)"):
        with write_whole(tmp_path / "file"):
            raise OSError("of a kind of its own")


@contextlib.contextmanager
def without_rights():
    """The rights of nobody in particular: the administrator's know no read-only folder."""
    if os.name != "posix":
        pytest.skip("needs POSIX users")
    is_administrator = os.geteuid() == 0
    if is_administrator:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_administrator:
            os.seteuid(0)


def test_a_read_only_folder_is_refused_and_keeps_its_files(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    for name in WRITERS:
        (folder / name).write_text("old")
    folder.chmod(0o555)
    with without_rights():
        for name, (first, _) in WRITERS.items():
            with pytest.raises(ValueError, match=r"be writ.*Permission denied"):
                first(folder / name)
        with pytest.raises(ValueError, match=r"be writ.*Permission denied"):
            pinn().export(folder / "served")
    folder.chmod(0o755)
    assert {path.name: path.read_text() for path in folder.iterdir()} == dict.fromkeys(
        WRITERS, "old"
    )


WRITE_FOR_EVER = """
    import pathlib, sys
    import numpy as np
    from oscillator_zoo.data import DampedOscillator, simulate
    path = pathlib.Path(sys.argv[1])
    motions = [simulate(DampedOscillator(), 0.01, n) for n in (4000, 5000)]
    motions[0].save(path)
    print("begun", flush=True)
    while True:
        for motion in motions:
            motion.save(path)
"""


@pytest.mark.slow
def test_a_killed_writer_leaves_a_whole_file(tmp_path):
    path = tmp_path / "motion.npz"
    random = np.random.default_rng(0)
    for _ in range(3):
        command = [sys.executable, "-c", textwrap.dedent(WRITE_FOR_EVER), str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout.readline() == "begun\n"
            time.sleep(random.uniform(0.0, 0.3))
            writer.kill()
        assert len(Trajectory.load(path).times) in (4001, 5001)
    assert all(p == path or p.name.startswith(".partial-") for p in tmp_path.iterdir())


def test_what_a_killed_writer_leaves_is_not_taken_for_part_of_a_run(tmp_path):
    run().save(tmp_path)
    (tmp_path / ".partial-0123456789abcdef.keras").write_text("half")
    (tmp_path / ".partial-0123456789abcdef.npz").write_text("half")
    (tmp_path / ".partial-0123456789abcdef.json").write_text("half")
    loaded = Run.load(tmp_path)
    assert loaded.facts == {"units": 3} and loaded.training is None


def test_a_run_is_never_a_mixture_of_two(tmp_path):
    """A new model with the description of the old one: the process died between them."""
    run(3).save(tmp_path)
    run(4).save(tmp_path / "..")
    os.replace(tmp_path / ".." / "model.keras", tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"model\.keras with another SHA-256"):
        Run.load(tmp_path)
    content = json.loads((tmp_path / "run.json").read_text())
    del content["sha256"]["model.keras"]  # as the message says
    (tmp_path / "run.json").write_text(json.dumps(content))
    assert Run.load(tmp_path).model.output_shape == (None, None, 4)


def test_saved_models_say_which_format_they_have(tmp_path):
    pinn().save(tmp_path / "pinn.keras")
    run().save(tmp_path)
    for name in ("pinn.keras", "model.keras"):
        with zipfile.ZipFile(tmp_path / name) as archive:
            assert archive.comment == b"oscillator-zoo format 1"
        assert isinstance(load_model(tmp_path / name), keras.Model)
        assert isinstance(keras.models.load_model(tmp_path / name), keras.Model)
    assert json.loads((pathlib.Path(tmp_path) / "run.json").read_text())["format_version"] == 1
