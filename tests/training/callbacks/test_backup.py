"""A training that is broken off and resumed ends as one that was left alone, bit for bit."""

import contextlib
import io
import json
import shutil

import keras
import numpy as np
import pytest

from oscillator_zoo.data import Duffing, Sinusoid, forecast_windows, simulate
from oscillator_zoo.data.datasets.shuffling import shuffle_states
from oscillator_zoo.training import Progress, train
from oscillator_zoo.training.callbacks import backup
from oscillator_zoo.training.callbacks.backup import Backup, backed_up
from oscillator_zoo.training.callbacks.backup_file import read_backup, write_backup
from oscillator_zoo.training.results import resumable_run
from oscillator_zoo.training.results.run import Run
from oscillator_zoo.training.zoo import entries

pytestmark = pytest.mark.filterwarnings("ignore:.*grows.*:UserWarning")
RECIPES = {  # of each kind one: gradients and least squares, recurrent and not, one fit and two
    "elman-harmonic": {"epochs": 3},
    "dense-window": {"epochs": 3},
    "elman-driven": {"epochs": 3, "truncation": 40},
    "jordan-driven": {"epochs": 6},  # by Adam, then by least squares
    "euler-damped": {"epochs": 3},
    "elman-measured": {"epochs": 4},
    "duffing-measured": {"epochs": 3},
    "pinn-pendulum": {"epochs": 60},
    "pinn-harmonic-learned": {"epochs": 3},
    "forecast-damped": {"epochs": 10},
}


# The jordan-driven recipe, of two fits, is broken off three times below.
MARKS = {("dense-window", 0.5): (), ("euler-damped", 0.5): pytest.mark.further}


class Broken(Exception):
    """Stands for whatever ends a process."""


class Breaks(Progress):
    """Raises after a number of training steps, in the middle of an epoch where it has several."""

    def __init__(self, after):
        super().__init__()
        self.left = after

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise Broken

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        self.left -= 1
        if self.left <= 0:
            raise Broken


class CountsSteps(Progress):
    """How many training steps (and ends of a fit) there were."""

    steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        self.steps += 1


@pytest.fixture
def options(tmp_path):
    """Further arguments of the recipes of measured oscillators."""
    force = Sinusoid(amplitude=0.5, angular_frequency=1.7)
    motion = simulate(Duffing(damping=0.2, force=force), 0.1, 2100, method="rk4")
    columns = [motion.force[0, :, 0], motion.feature("position")[0]]
    np.savetxt(tmp_path / "record.csv", np.stack(columns, axis=1), delimiter=",")
    return {"data": tmp_path / "record.csv", "sampling_rate": 10.0}


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """They take longer than the short trainings here."""
    monkeypatch.setattr(entries, "save_pictures", lambda *_: None)


@pytest.fixture
def each_epoch(monkeypatch):
    """A backup after every epoch, however short."""
    monkeypatch.setattr(backup, "SECONDS", 0.0)


def break_off(monkeypatch, after, *arguments, **options):
    """`train`, broken off after so many steps."""
    with monkeypatch.context() as patch, pytest.raises(Broken):
        patch.setattr(resumable_run, "Progress", lambda: Breaks(after))
        train(*arguments, **options)


@pytest.fixture(scope="module")
def two_epochs(tmp_path_factory):
    """The `Run` of two epochs by "pinn-decay", and what was printed."""
    text = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(text):
        patch.setattr(entries, "save_pictures", lambda *_: None)
        run, _ = train("pinn-decay", tmp_path_factory.mktemp("two-epochs"), epochs=2)
    return run, text.getvalue()


@pytest.fixture(scope="module")
def broken_off(tmp_path_factory):
    """Folder of a training by "pinn-decay" that was broken off after three of five epochs."""
    folder = tmp_path_factory.mktemp("broken-off")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backup, "SECONDS", 0.0)
        break_off(patch, 3, "pinn-decay", folder, epochs=5)
    return folder


def assert_same(received, expected):
    for a, b in zip(received.model.get_weights(), expected.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert received.history == expected.history
    assert received.notes == expected.notes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "share"),
    [
        pytest.param(name, share, marks=MARKS.get((name, share), pytest.mark.long))
        for name in RECIPES
        for share in (0.5, 0.9, 1.0)
    ],
)
def test_a_resumed_recipe_ends_with_the_same_bits(
    name, share, options, each_epoch, tmp_path, monkeypatch
):
    options = options if "measured" in name else {}
    options |= RECIPES[name]
    steps = CountsSteps()
    with monkeypatch.context() as patch:
        patch.setattr(resumable_run, "Progress", lambda: steps)
        whole, _ = train(name, tmp_path / "whole", **options)
    break_off(monkeypatch, max(int(share * steps.steps), 1), name, tmp_path / "run", **options)
    resumed, _ = train(name, tmp_path / "run", resume=True, **options)
    assert_same(resumed, whole)
    names = [{path.name for path in (tmp_path / run).iterdir()} for run in ("whole", "run")]
    assert names[0] == names[1]


@pytest.mark.further
def test_a_training_may_be_broken_off_again_and_again(each_epoch, tmp_path, monkeypatch):
    options = {"epochs": 6}
    whole, _ = train("jordan-driven", tmp_path / "whole", **options)
    # Seven steps make an epoch with a teacher, one a later epoch: the breaks are in the second
    # epoch, in the fourth (the first of the second fit) and in the fifth.
    for after in (10, 2 * 7 + 1 + 1, 1 + 2):
        break_off(monkeypatch, after, "jordan-driven", tmp_path / "run", resume=True, **options)
    with np.load(tmp_path / "run" / "backup" / "fit-1.npz") as file:
        before = json.loads(str(file["content"]))["seconds"]
    rest = CountsSteps()
    monkeypatch.setattr(resumable_run, "Progress", lambda: rest)
    resumed, _ = train("jordan-driven", tmp_path / "run", resume=True, **options)
    assert_same(resumed, whole)
    assert rest.steps == 2 + 2  # two epochs, and the ends of two fits: no epoch is trained twice
    assert resumed.facts["training_seconds"] > before
    names = [{path.name for path in (tmp_path / run).iterdir()} for run in ("whole", "run")]
    assert names[0] == names[1]


@pytest.mark.slow
def test_least_squares_that_had_finished_takes_no_further_step(each_epoch, tmp_path, monkeypatch):
    whole, _ = train("pinn-decay", tmp_path / "whole")
    num_steps = len(whole.history["loss"])
    assert num_steps < 60  # it stops by itself
    break_off(monkeypatch, num_steps + 1, "pinn-decay", tmp_path / "run")
    resumed, _ = train("pinn-decay", tmp_path / "run", resume=True)
    assert_same(resumed, whole)


@pytest.mark.slow
def test_without_a_backup_resume_begins_at_the_beginning_and_says_so(two_epochs, tmp_path, capsys):
    whole, printed = two_epochs
    assert "no backup" not in printed
    resumed, _ = train("pinn-decay", tmp_path / "run", epochs=2, resume=True)
    assert f"There is no backup in {tmp_path / 'run'}: training starts" in capsys.readouterr().out
    assert_same(resumed, whole)


@pytest.mark.further
def test_what_a_kill_left_half_written_is_removed(tmp_path):
    (tmp_path / "backup").mkdir()
    (tmp_path / ".partial-0123").write_text("half a fi")
    (tmp_path / "mine.txt").write_text("whole")

    def recipe(seed, callbacks):
        return Run(None, "solution", {"loss": [1.0, 0.5]})

    run, _ = resumable_run.run_recipe("mine", recipe, tmp_path, 3, False, {}, None)
    assert (run.facts["recipe"], run.facts["seed"], run.facts["epochs"]) == ("mine", 3, 2)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["mine.txt"]


def test_without_resume_training_begins_anew_and_removes_the_backup(
    two_epochs, each_epoch, tmp_path, monkeypatch
):
    break_off(monkeypatch, 3, "pinn-decay", tmp_path / "run", epochs=5, seed=1)
    (tmp_path / "run" / ".partial-0123.keras").write_text("cut short")
    assert (tmp_path / "run" / "backup" / "fit-1.npz").exists()
    anew, _ = train("pinn-decay", tmp_path / "run", epochs=2)
    assert_same(anew, two_epochs[0])
    assert not (tmp_path / "run" / "backup").exists()
    assert not list((tmp_path / "run").glob(".partial-*"))


@pytest.mark.slow
def test_short_epochs_are_backed_up_every_other_second_only(tmp_path, monkeypatch):
    written = []
    write = Backup._write
    monkeypatch.setattr(Backup, "_write", lambda self: written.append(write(self)))
    run, _ = train("dense-window", tmp_path, epochs=5)
    assert len(written) <= run.facts["training_seconds"] / 2.0 + 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "pinn-harmonic"}, r"made with recipe='pinn-decay'. Received: .*'pinn-harmonic'"),
        ({"seed": 1}, r"made with seed=0. Received: seed=1. Say the same as before, or train with"),
        ({"epochs": 6}, r"made with epochs=5. Received: epochs=6"),
        ({"epochs": None}, r"made with epochs=5. Received: epochs=60"),
        ({"version": "0"}, r"made with keras='.*', numpy=.* Received: keras='0', numpy='0'"),
    ],
)
def test_another_training_does_not_go_on(options, message, broken_off, tmp_path, monkeypatch):
    shutil.copytree(broken_off, tmp_path, dirs_exist_ok=True)
    before = (tmp_path / "backup" / "fit-1.npz").read_bytes()
    if "version" in options:
        monkeypatch.setattr(resumable_run.importlib.metadata, "version", lambda _: "0")
    given = {"name": "pinn-decay", "epochs": 5, "seed": 0, **options}
    given.pop("version", None)
    with pytest.raises(ValueError, match=message):
        train(output_dir=tmp_path, resume=True, **given)
    assert (tmp_path / "backup" / "fit-1.npz").read_bytes() == before


@pytest.mark.further
def test_a_record_counts_by_its_content(options, each_epoch, tmp_path, monkeypatch):
    break_off(monkeypatch, 3, "duffing-measured", tmp_path / "run", epochs=4, **options)
    moved = options["data"].rename(tmp_path / "moved.csv")
    text = moved.read_text()
    moved.write_text(text.replace("0", "1", 1))
    options = {"epochs": 4, "sampling_rate": 10.0, "data": moved}
    with pytest.raises(ValueError, match="made with data='a file with SHA-256"):
        train("duffing-measured", tmp_path / "run", resume=True, **options)
    moved.write_text(text)
    break_off(monkeypatch, 1, "duffing-measured", tmp_path / "run", resume=True, **options)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b'{"next_epoch": 3}'])
def test_a_damaged_backup_is_a_clear_error(content, tmp_path):
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "fit-1.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"fit-1\.npz, which is damaged or another kind of file"):
        train("pinn-decay", tmp_path, epochs=2, resume=True)


def test_a_backup_with_wrong_bytes_is_refused_or_read_but_nothing_else(tmp_path):
    path, about = tmp_path / "fit-1.npz", {"recipe": "any"}
    content = {"about": about, "seconds": 1.0, "callbacks": [], "next_epoch": 1}
    write_backup(path, content, {"variable/0": np.ones((3, 2)), "variable/1": np.zeros((), int)})
    whole, random = path.read_bytes(), np.random.default_rng(0)
    for _ in range(300):
        changed = bytearray(
            whole[: random.integers(len(whole) + 1)] if random.random() < 0.3 else whole
        )
        for place in random.integers(max(len(changed), 1), size=random.integers(1, 4)):
            changed[place : place + 1] = random.bytes(1)
        path.write_bytes(changed)
        with contextlib.suppress(ValueError):
            assert read_backup(path, about)["about"] == about


def test_a_model_of_another_shape_is_a_clear_error(each_epoch, tmp_path):
    x = np.ones((4, 1))
    for units, message in ((2, None), (3, r"shapes .*\(1, 3\).* Received: .*\(1, 2\)")):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(units)])
        model.compile("sgd", "mse")
        saver = Backup(tmp_path, {}, resume=message is not None)
        with pytest.raises(ValueError, match=message) if message else contextlib.nullcontext():
            model.fit(x, x, epochs=2, callbacks=[saver], verbose=0)


def test_a_failing_disk_leaves_the_backup_before(tmp_path, monkeypatch):
    path = tmp_path / "fit-1.npz"
    saver = Backup(tmp_path, {})
    saver.fit_number, saver._pending = 1, ({"next_epoch": 1}, {"a": np.ones(3)})
    saver._write()
    before = path.read_bytes()

    def fails(file, **arrays):
        file.write_bytes(b"half a fi")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", fails)
    saver._pending = ({"next_epoch": 2}, {"a": np.zeros(3)})
    with pytest.raises(OSError, match="no space"):
        saver._write()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["fit-1.npz"]


class TestAnyKerasModel:
    """What no recipe has: dropout, noise, a rate that callbacks change, an early end."""

    def fit(self, folder, breaks=None, resume=False):
        keras.utils.set_random_seed(0)
        motion = simulate(Duffing(damping=0.2, position=np.ones(6)), 0.05, 100, method="rk4")
        model = keras.Sequential(
            [
                keras.Input((5, 2)),
                keras.layers.Flatten(),
                keras.layers.Dense(8, "tanh"),
                keras.layers.Dropout(0.5),
                keras.layers.GaussianNoise(0.1),
                keras.layers.Dense(2),
            ]
        )
        schedule = keras.optimizers.schedules.ExponentialDecay(0.05, 20, 0.9)
        rate = 0.05 if breaks == "plateau" else schedule
        model.compile(keras.optimizers.Adam(rate), "mse", jit_compile=False)
        early = keras.callbacks.EarlyStopping("loss", patience=3, restore_best_weights=True)
        with shuffle_states() as states:
            saver = Backup(folder, {"made": "by a test"}, states, resume=resume)
            data = forecast_windows(motion, 5, batch_size=32, shuffle_seed=1).repeat(2)
            callbacks = [early, saver] if breaks is None else [early, saver, Breaks(breaks)]
            history = model.fit(
                data, epochs=30, callbacks=backed_up(callbacks), verbose=0, shuffle=False
            )
        return model.get_weights(), history.history, history.epoch, early.best_epoch

    @pytest.mark.further
    def test_dropout_noise_shuffling_and_the_best_weights_survive(self, each_epoch, tmp_path):
        whole = self.fit(tmp_path / "whole")
        num_epochs = len(whole[2])
        assert 5 < num_epochs < 30  # it ended early, so the best weights were put back
        for epochs in (1.5, num_epochs - 1.5):
            folder = tmp_path / f"after {epochs}"
            with pytest.raises(Broken):
                self.fit(folder, breaks=int(epochs * 36))
            resumed = self.fit(folder, resume=True)
            for a, b in zip(resumed[0], whole[0], strict=True):
                np.testing.assert_array_equal(a, b)
            assert resumed[1:] == whole[1:]

    def test_what_another_callback_remembers_goes_on(self, each_epoch, tmp_path):
        """Best weights at the first epoch, which later ones only leave."""

        def made(resume):
            early = keras.callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True)
            return early, Backup(tmp_path, {}, resume=resume)

        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        model.compile(keras.optimizers.SGD(2.0), "mse")  # each step doubles the error and more
        x, early, saver = np.ones((4, 1)), *made(False)
        with pytest.raises(Broken):
            callbacks = backed_up([early, saver, Breaks(3)])
            model.fit(x, x, epochs=4, callbacks=callbacks, verbose=0)
        best, (again, saver) = early.best_weights[0], made(True)
        weights = model.fit(x, x, epochs=4, callbacks=backed_up([again, saver]), verbose=0)
        assert weights.epoch == [0, 1, 2, 3] and again.best_epoch == 0
        np.testing.assert_array_equal(again.best_weights[0], best)
        np.testing.assert_array_equal(model.get_weights()[0], best)

    def test_a_fit_that_follows_begins_at_its_own_first_epoch(self, each_epoch, tmp_path):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        x = np.ones((4, 1))
        callbacks = [Backup(tmp_path, {}), Breaks(2)]
        with pytest.raises(Broken):
            model.fit(x, x, epochs=3, callbacks=callbacks, verbose=0)
        saver = Backup(tmp_path, {}, resume=True)
        assert model.fit(x, x, epochs=3, callbacks=[saver], verbose=0).epoch == [0, 1, 2]
        assert model.fit(x, x, epochs=2, verbose=0).epoch == [0, 1]
