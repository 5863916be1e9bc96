"""The command `oscillator-zoo`: what it prints, what it writes, how it refuses."""

import io
import logging
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import oscillator_zoo
from oscillator_zoo.__main__ import LISTING, main, parser
from oscillator_zoo.data import DampedOscillator
from oscillator_zoo.models import PINN
from oscillator_zoo.quiet_import import without_start_up_log
from oscillator_zoo.training import commands, recipes, tour
from oscillator_zoo.training.commands import listing, table_of
from oscillator_zoo.training.results.run import Run
from oscillator_zoo.training.zoo import recipe_sweep
from oscillator_zoo.training.zoo.preset_run import checkout_folder
from oscillator_zoo.training.zoo.recipe_sweep import grid_of

COMMAND = shutil.which("oscillator-zoo", path=pathlib.Path(sys.executable).parent)


@pytest.fixture(scope="module")
def decay(tmp_path_factory):
    """The folder of a short training."""
    folder = tmp_path_factory.mktemp("runs") / "decay"
    assert main(["train", "pinn-decay", "--epochs", "2", "--output-dir", str(folder)]) == 0
    return folder


def test_list_names_every_recipe_with_one_line(capsys):
    assert main(["list"]) == 0
    *lines, note = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(recipes())
    assert all(len(line.split()) > 4 for line in lines)
    shown = {line.split()[0]: line.split()[1] for line in lines}
    assert shown["pinn-damped"].endswith(("e-15", "e-16"))
    assert shown["elman-measured"] == "–"
    assert "error of the preset" in note
    assert LISTING.read_text(encoding="utf-8") == listing(), "run python .ci/presets.py"


def test_a_screen_that_cannot_show_the_list_gets_one_line(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert main(["list"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("oscillator-zoo: 'ascii' codec can't encode")


@pytest.mark.slow
def test_evaluate_prints_the_table_with_its_baselines(decay, capsys):
    assert main(["evaluate", str(decay)]) == 0
    table = capsys.readouterr().out
    for word in ("pinn", "euler", "rk4", "relative L2"):
        assert word in table


def test_plot_writes_pictures_and_names_them(decay, tmp_path, capsys):
    assert main(["plot", str(decay), "--output-dir", str(tmp_path / "pictures")]) == 0
    named = [pathlib.Path(line) for line in capsys.readouterr().out.split()]
    assert {path.name for path in named} == {"result.png", "history.png", "residual.png"}
    assert all(path.stat().st_size > 5000 for path in named)


def test_identify_prints_constants_of_a_file_with_its_units(tmp_path, capsys):
    times = np.arange(500) * 0.01
    moved = np.exp(-0.5 * times) * np.cos(20.0 * times)
    moved += 0.01 * np.random.default_rng(0).normal(size=500)
    lines = [f"{t * 1e3:.1f};{x:.5f}".replace(".", ",") for t, x in zip(times, moved)]
    path, picture = tmp_path / "ring down.csv", tmp_path / "fit.png"
    path.write_text("\n".join(["Time (ms);x (mm)", *lines]), encoding="latin-1")
    arguments = ["identify", str(path), "--model", "duffing", "--plot", str(picture)]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    (row,) = [line.split() for line in shown.splitlines() if line.startswith("natural_frequency")]
    assert abs(float(row[1]) - np.sqrt(400.25) / (2.0 * np.pi)) < 4.0 * float(row[2])
    assert "1/(mm² s²)" in shown and picture.stat().st_size > 1000


@pytest.mark.slow
def test_export_writes_a_saved_model_that_tensorflow_reads_alone(decay, tmp_path):
    assert main(["export", str(decay), str(tmp_path / "served")]) == 0
    served = tf.saved_model.load(str(tmp_path / "served"))
    start = served.x(tf.constant([[0.0]], tf.float64))
    assert float(start[0, 0]) == pytest.approx(1.0)


@pytest.mark.slow
def test_a_preset_is_evaluated_plotted_and_exported_by_its_name(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", "euler-damped"]) == 0
    assert "position RMSE" in capsys.readouterr().out
    assert main(["plot", "euler-damped"]) == 0
    assert capsys.readouterr().out.split() == ["presets/euler-damped/result.png"]
    assert main(["export", "duffing-measured", "served"]) == 0
    assert (tmp_path / "served" / "saved_model.pb").exists()
    for ending, reader in (("onnx", "onnxruntime"), ("tflite", "ai_edge_litert")):
        assert main(["export", "euler-damped", f"served.{ending}"]) == 0
        assert f"Read it with {reader}" in capsys.readouterr().out
        assert (tmp_path / f"served.{ending}").stat().st_size > 1000


@pytest.mark.slow
def test_train_writes_a_preset_that_takes_the_place_of_an_older_one(tmp_path, capsys):
    folder = tmp_path / "mine"
    arguments = ["train", "pinn-decay", "--output-dir", str(tmp_path / "run"), "--epochs", "2"]
    for seed in ("0", "1"):
        assert main([*arguments, "--seed", seed, "--preset", str(folder)]) == 0
        assert f"The preset is written to {folder}." in capsys.readouterr().out
    card = PINN.from_preset(folder).card
    assert (card["name"], card["recipe"], card["seed"]) == ("mine", "pinn-decay", 1)
    assert main(["evaluate", str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "model.keras"]
    assert not list(tmp_path.glob(".partial*"))


@pytest.mark.slow
def test_a_lone_pinn_file_can_be_evaluated_and_plotted(tmp_path, capsys):
    path = tmp_path / "mine.keras"
    PINN(DampedOscillator(damping=0.1), duration=2.0, hidden_units=(4,)).save(path)
    assert main(["evaluate", str(path)]) == 0
    assert main(["plot", str(path)]) == 0
    assert (tmp_path / "result.png").exists()
    assert "relative L2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "pin-decay"], "Did you mean 'pinn-decay'"),
        (["train", "elman-measured"], "needs data"),
        (["train", "duffing-measured"], "needs data"),
        (["train", "pinn-decay", "--epochs", "0"], "epochs must be"),
        (["evaluate", "nowhere"], "There is no nowhere"),
        (["evaluate", "."], "Expected a folder written by"),
        (["plot", "nowhere"], "There is no nowhere"),
        (["export", "nowhere", "served"], "There is no nowhere"),
        (["evaluate", "pinn-dampd"], "Did you mean 'pinn-damped'"),
        (["evaluate", "duffing-measured"], "Pass --data FILE, and --sampling-rate HZ if"),
        (["plot", "duffing-measured"], "judged on test data: duffing-measured on a measured"),
        (["evaluate", "duffing-measured", "--data", "x.csv"], "x.csv, which does not exist"),
        (["plot", "duffing-measured", "--sampling-rate", "2"], "needs data"),
        (["evaluate", "elman-measured"], "has no preset. Received its name. Train it with"),
        (["plot", "elman-measured"], "train elman-measured` and pass the folder, runs"),
        (["export", "elman-measured", "served"], "has no preset"),
        (["evaluate", "pinn-damped", "--data", "x.csv"], "Leave the record out"),
        (["train", "pin-decay", "--preset"], "Did you mean 'pinn-decay'"),
        (["sweep", "pin-decay"], "Did you mean 'pinn-decay'"),
        (
            ["sweep", "pinn-decay", "--set", "damping=1,2"],
            "no further options. Received: 'da",
        ),
        (["sweep", "pinn-decay", "--set", "epochs=1,.5"], "epochs must be an integer"),
        (["sweep", "pinn-decay", "--seeds=-1:1"], "seed must be an integer of at least 0"),
        (["sweep", "pinn-decay", "--processes", "0"], "processes must be an integer"),
    ],
)
def test_errors_are_one_line_on_standard_error(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["a,b\n1,2\n3,x\n", "1,2\n3\n", ""])
def test_a_bad_record_is_one_line_too(content, capsys, tmp_path):
    data = tmp_path / "record.csv"
    data.write_text(content)
    arguments = ["--data", str(data), "--sampling-rate", "10", "--output-dir", str(tmp_path / "r")]
    assert main(["train", "elman-measured", *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_record_is_described_by_its_columns():
    given = parser().parse_args(
        ["evaluate", "duffing-measured", "--data", "r.csv", "--time-column", "when"]
        + ["--input-column", "2", "--output-column", "x (mm)"]
    )
    assert (given.time_column, given.input_column, given.output_column) == ("when", 2, "x (mm)")
    assert given.sampling_rate is None


# Each line is answered in about a tenth of a second; TensorFlow alone takes some three.
LIGHT = """
import sys
from oscillator_zoo.__main__ import main, parser
for line in (["--help"], ["--version"], ["list"], ["lst"], ["train"], ["train", "pin-decay"],
             ["evaluate", "pin-decay"], ["train", "pinn-decay", "--epochs", "x"]):
    try:
        main(line)
    except SystemExit:
        pass
heavy = {"tensorflow", "keras", "matplotlib", "scipy", "jax", "torch"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def test_help_version_list_and_misspelt_words_are_answered_without_tensorflow():
    ran = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    for words in ("usage: oscillator-zoo", oscillator_zoo.__version__, "pinn-decay  "):
        assert words in ran.stdout
    for words in ("invalid choice: 'lst'", "Did you mean 'pinn-decay'", "invalid int value: 'x'"):
        assert words in ran.stderr


@pytest.mark.slow
def test_importing_the_models_imports_keras_and_nothing_else_that_is_large():
    code = (
        "import sys, keras; before = set(sys.modules); import oscillator_zoo.models; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ran.stdout.split()) - sys.stdlib_module_names <= {"oscillator_zoo", "numpy"}


@pytest.mark.slow
def test_the_installed_command_imports_tensorflow_without_its_start_up_log(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    options = {"capture_output": True, "text": True, "env": environment}
    ran = subprocess.run([COMMAND, "evaluate", str(tmp_path)], **options)
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert line.startswith("oscillator-zoo: Expected a folder written by")


def test_only_what_is_written_past_python_is_kept_from_the_screen(capfd, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    with without_start_up_log():
        os.write(2, b"I0000 start-up\n")
        print("a warning", file=sys.stderr)
    assert capfd.readouterr().err == "a warning\n"
    with pytest.raises(ImportError), without_start_up_log():
        os.write(2, b"no such library\n")
        raise ImportError
    assert capfd.readouterr().err == "no such library\n"
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    with without_start_up_log():
        os.write(2, b"I0000 start-up\n")
    assert capfd.readouterr().err == "I0000 start-up\n"


@pytest.mark.parametrize("name", [None, "tensorflow", "absl"])
def test_a_log_that_is_opened_during_the_import_goes_on_to_standard_error(name, capfd, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    logger = logging.getLogger(name)
    with without_start_up_log():
        handler = logging.StreamHandler()
        logger.addHandler(handler)
    try:
        logger.warning("a warning")
    finally:
        logger.removeHandler(handler)
    shown = capfd.readouterr().err
    assert "a warning" in shown
    assert "Logging error" not in shown and handler.stream is sys.stderr


def test_ctrl_c_says_how_to_go_on(capsys, monkeypatch, tmp_path):
    def stopped(*args, **kwargs):
        raise KeyboardInterrupt

    folder = str(tmp_path / "run")
    command = ["train", "pinn-decay", "--output-dir", folder]
    monkeypatch.setattr(commands, "train", stopped)
    assert main([*command, "--preset"]) == 130  # before the first backup
    assert capsys.readouterr().err == "oscillator-zoo: interrupted\n"

    run = Run(None, "solution", {}, facts={"interrupted": "Ctrl-C"})
    monkeypatch.setattr(commands, "train", lambda *args, **kwargs: (run, "a table"))
    assert main([*command, "--resume", "--preset"]) == 130
    out, err = capsys.readouterr()
    assert out == f"a table\nWritten to {folder}.\n"
    assert err == f"Go on with: oscillator-zoo {' '.join(command)} --preset --resume\n"

    monkeypatch.setattr(commands, "rows_of", stopped)
    assert main(["sweep", "pinn-decay", "--output-dir", folder]) == 130
    assert capsys.readouterr().err == "oscillator-zoo: interrupted\nThe same command goes on.\n"


@pytest.mark.parametrize("module", [tour, recipe_sweep])
def test_ctrl_c_in_one_training_ends_those_after_it(module, monkeypatch, tmp_path):
    run = Run(None, "solution", {}, facts={"interrupted": "Ctrl-C"})
    monkeypatch.setattr(module, "train", lambda *args, **kwargs: (run, {}))
    one_training = module._train if module is tour else module.trained_errors
    with pytest.raises(KeyboardInterrupt):
        one_training("pinn-decay", tmp_path, 0)


def test_a_preset_without_a_folder_goes_beside_those_of_the_checkout():
    presets = pathlib.Path(__file__).parents[2] / "models" / "presets"
    assert checkout_folder("pinn-decay") == presets / "pinn-decay"
    assert (presets / "pinn-decay" / "card.json").exists()


def test_seeds_and_options_make_a_grid():
    words = ["--seeds", "2:4", "--set", "epochs=1,2", "--set", "truncation=20"]
    given = parser().parse_args(["sweep", "elman-driven", *words])
    points = grid_of(given.name, given.seeds, dict(given.set))
    expected = [(2, 1), (2, 2), (3, 1), (3, 2)]
    assert points == [{"seed": s, "epochs": e, "truncation": 20} for s, e in expected]
    assert parser().parse_args(["sweep", "x", "--seeds", "5,0"]).seeds == [5, 0]
    assert dict(parser().parse_args(["sweep", "x", "--set", "a-b=.5,c"]).set) == {"a_b": [0.5, "c"]}
    with pytest.raises(SystemExit):
        parser().parse_args(["sweep", "x", "--set", "epochs"])


def test_the_rows_of_a_sweep_print_in_columns():
    rows = [{"seed": 0, "rmse": 0.01234, "error": None}, {"seed": 10, "error": "KeyError: 1"}]
    assert table_of(rows).splitlines() == [
        "seed    rmse        error",
        "   0  0.0123            –",
        "  10       –  KeyError: 1",
    ]


@pytest.mark.slow
def test_a_sweep_trains_each_point_in_a_folder_of_its_own_and_goes_on(tmp_path):
    words = ["pinn-decay", "--seeds", "0:2", "--set", "epochs=2", "--processes", "1"]
    options = {"capture_output": True, "text": True, "check": True}
    command = [COMMAND, "sweep", *words, "--output-dir", str(tmp_path)]
    first = subprocess.run(command, **options)
    assert "1 of 2: seed=0, epochs=2\n2 of 2: seed=1, epochs=2\n" in first.stdout
    assert first.stdout.splitlines()[2].split()[:2] == ["seed", "epochs"]
    assert not [line for line in first.stderr.splitlines() if line.startswith(("I0", "W0", "E0"))]
    for seed in range(2):
        assert (tmp_path / f"seed={seed},epochs=2" / "model.keras").exists()
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    again = subprocess.run([*command[:-1], str(moved)], **options)
    assert again.stdout.splitlines()[:-1] == first.stdout.splitlines()[2:-1]  # nothing was left
