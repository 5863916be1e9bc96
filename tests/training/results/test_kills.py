"""Fifty kills at random moments: a training that is resumed ends as if nothing had happened."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

import oscillator_zoo.models  # noqa: F401  registers the classes of the saved models
from oscillator_zoo.data import Duffing, Sinusoid, simulate

NUM_KILLS = 50
PROGRAM = """
import json, sys
from oscillator_zoo.training import train
from oscillator_zoo.training.callbacks import backup
backup.SECONDS = 0.0  # a backup after every epoch: the most that can go wrong
name, folder, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
print("begins", flush=True)
train(name, folder, **options)
"""
RECIPES = {
    "dense-window": {"epochs": 30},
    "elman-driven": {"epochs": 20, "truncation": 40},
    "jordan-driven": {"epochs": 20},
    "euler-damped": {"epochs": 20},
    "elman-measured": {"epochs": 8, "sampling_rate": 10.0},
    "pinn-pendulum": {"epochs": 60},
    "pinn-damped-learned": {"epochs": 60},
}


def start(name, folder, options):
    """A process that trains, once it has imported what it needs."""
    arguments = [sys.executable, "-W", "ignore", "-c", PROGRAM, name, folder, json.dumps(options)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "Agg"}
    process = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout.readline() == "begins\n", process.stderr.read()
    return process


def finish(process):
    output, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    return output


def result(folder):
    """All weights and the history, from the files."""
    weights = keras.models.load_model(folder / "model.keras").get_weights()
    content = json.loads((folder / "run.json").read_text())
    return weights, content["history"], content["notes"]


def check_files(folder):
    """Every file under its own name can be read. Returns how many were cut short under another."""
    partial = [path for path in folder.rglob("*") if path.name.startswith(".partial-")]
    for path in folder.rglob("*"):
        if path in partial:
            continue
        if path.suffix == ".npz":
            with np.load(path) as file:
                assert all(file[name] is not None for name in file)
        elif path.suffix == ".keras":
            keras.models.load_model(path)
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".png":
            assert path.read_bytes().rstrip().endswith(b"IEND\xaeB`\x82")
        else:
            assert path.is_dir()
    return len(partial)


def epochs_in_backup(folder):
    """How many epochs the next process need not do again."""
    total = 0
    for path in (folder / "backup").glob("fit-*.npz"):
        with np.load(path) as file:
            total += len(json.loads(str(file["content"]))["epochs"])
    return total


def assert_same(received, expected):
    for a, b in zip(received[0], expected[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert received[1:] == expected[1:]


@pytest.fixture
def record(tmp_path):
    force = Sinusoid(amplitude=0.5, angular_frequency=1.7)
    motion = simulate(Duffing(damping=0.2, force=force), 0.1, 3000, method="rk4")
    path = tmp_path / "record.csv"
    columns = [motion.force[0, :, 0], motion.feature("position")[0]]
    np.savetxt(path, np.stack(columns, axis=1), delimiter=",")
    return path


@pytest.mark.long
def test_fifty_kills_lose_nothing(record, tmp_path):
    random = np.random.default_rng()
    shares = np.array_split(np.arange(NUM_KILLS), len(RECIPES))
    figures = [
        survive(name, options, len(share), random, record, tmp_path / name)
        for (name, options), share in zip(RECIPES.items(), shares)
    ]
    print("\n".join(["", *figures]))


def survive(name, options, num_kills, random, record, folder):
    """Kill trainings by one recipe so many times; each ends like the one that is left alone."""
    options = {**options, "data": str(record)} if "measured" in name else options
    begin = time.monotonic()
    process = start(name, str(folder / "whole"), options)
    ready = time.monotonic()
    finish(process)
    seconds = time.monotonic() - ready
    expected = result(folder / "whole")
    kills = resumed = partial = num_runs = 0
    while kills < num_kills or process.returncode != 0:
        if process.returncode == 0:
            num_runs += 1
        run = folder / str(num_runs)
        resumed += epochs_in_backup(run) > 0
        process = start(name, str(run), {**options, "resume": True})
        if kills < num_kills:
            try:
                process.wait(random.uniform(0.0, seconds))
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            if process.returncode != 0:
                assert process.returncode == -signal.SIGKILL
                kills += 1
                partial += check_files(run)
                continue
        finish(process)
        assert_same(result(run), expected)
        assert check_files(run) == 0
        assert not (run / "backup").exists()
        assert {path.name for path in run.iterdir()} == {
            path.name for path in (folder / "whole").iterdir()
        }
    return (
        f"{name}: {kills} kills in {num_runs} trainings of {seconds:.1f} s, {resumed} resumed "
        f"after an epoch, {partial} files cut short under a temporary name; all ends equal "
        f"({time.monotonic() - begin:.0f} s)"
    )


@pytest.mark.slow
def test_a_killed_process_leaves_a_backup_that_another_goes_on_with(tmp_path):
    options = {"epochs": 40}
    folder = tmp_path / "run"
    process = start("dense-window", str(folder), options)
    while not epochs_in_backup(pathlib.Path(folder)):
        time.sleep(0.02)
        assert process.poll() is None
    process.kill()
    process.communicate()
    check_files(folder)
    assert not (folder / "model.keras").exists()
    finish(start("dense-window", str(folder), {**options, "resume": True}))
    finish(start("dense-window", str(tmp_path / "whole"), options))
    assert_same(result(folder), result(tmp_path / "whole"))
