"""Fits that the user breaks off, or whose loss is no number, end in order."""

import json
import shlex
import signal
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from oscillator_zoo.__main__ import main
from oscillator_zoo.training import Progress, Run, StopOnInterrupt, StopOnNaN, train
from oscillator_zoo.training.callbacks import backup
from oscillator_zoo.training.results import resumable_run
from oscillator_zoo.training.zoo import entries, one_step_recipes

X = np.linspace(-1.0, 1.0, 8, dtype="float32")[:, None]


def small_model(optimizer="adam"):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3, "tanh")])
    model.add(keras.layers.Dense(1))
    model.compile(optimizer, "mse")
    return model


def spoilt_batches(num_good):
    """Batches of four samples, of which one more has a NaN for target than the number of good."""
    counter = tf.Variable(0)

    def spoil(x):
        value = tf.where(counter.assign_add(1) > num_good, float("nan"), 2.0)
        return x, value * x

    return tf.data.Dataset.from_tensor_slices(X).batch(4).map(spoil)


class PressesCtrlC(Progress):
    """Sends SIGINT to this process at the end of some training steps, counted from 1."""

    def __init__(self, *steps):
        super().__init__()
        self.steps, self.count = steps, 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1
        for _ in range(self.steps.count(self.count)):
            signal.raise_signal(signal.SIGINT)


def test_a_model_without_an_input_has_no_weights_before_its_first_step():
    x = np.linspace(-1.0, 1.0, 8)[:, None]
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("adam", "mse")
    history = model.fit(x, 2.0 * x, epochs=3, callbacks=[StopOnNaN()], verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("adam", "mse")
    with pytest.warns(UserWarning, match="of that step, as the model had none.*keras.Input"):
        model.fit(x, np.nan * x, epochs=3, callbacks=[StopOnNaN()], verbose=0)


class TestStopOnNaN:
    @pytest.mark.parametrize("num_good", [4, 5])
    def test_weights_and_optimizer_are_those_of_the_last_good_epoch(self, num_good):
        good = small_model()
        good.fit(X, 2.0 * X, batch_size=4, epochs=2, shuffle=False, verbose=0)
        model, stop = small_model(), StopOnNaN()
        with pytest.warns(UserWarning, match=r"The loss is nan in epoch 3: stopped, with the weig"):
            history = model.fit(
                spoilt_batches(num_good), epochs=9, callbacks=[stop], verbose=0, shuffle=False
            )
        assert history.epoch == [0, 1, 2]
        assert "weights of the end of epoch 2" in stop.stop_reason
        for word in ("learning rate", "clipnorm", "float64", "horizons"):
            assert word in stop.stop_reason
        for a, b in zip(model.get_weights(), good.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        for a, b in zip(model.optimizer.variables, good.optimizer.variables, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())

    def test_a_loss_that_is_never_finite_leaves_the_first_weights(self):
        model = small_model()
        before = model.get_weights()
        with pytest.warns(UserWarning, match="in epoch 1: .* weights of the beginning"):
            model.fit(
                spoilt_batches(0), epochs=9, callbacks=[StopOnNaN()], verbose=0, shuffle=False
            )
        for a, b in zip(model.get_weights(), before):
            np.testing.assert_array_equal(a, b)

    def test_weights_that_are_not_finite_are_seen_before_the_loss_is(self):
        model = small_model(keras.optimizers.SGD(3e38))
        stop = StopOnNaN()
        with pytest.warns(UserWarning, match="weights are no longer finite after epoch 1"):
            history = model.fit(
                X, 100.0 * X, batch_size=8, epochs=9, callbacks=[stop], verbose=0
            ).history
        assert len(history["loss"]) == 1
        assert np.isfinite(history["loss"]).all()
        assert all(np.isfinite(weight).all() for weight in model.get_weights())

    def test_a_fit_that_goes_well_is_left_alone(self):
        stop = StopOnNaN()
        weights = []
        for callbacks in ([], [stop]):
            model = small_model()
            model.fit(X, X, epochs=3, callbacks=callbacks, verbose=0)
            weights.append(model.get_weights())
        assert stop.stop_reason is None
        for a, b in zip(*weights):
            np.testing.assert_array_equal(a, b)

    def test_a_recipe_that_loses_its_loss_says_so_in_its_folder(self, tmp_path, monkeypatch):
        schedules = one_step_recipes.keras.optimizers.schedules
        monkeypatch.setattr(schedules, "CosineDecay", lambda rate, steps: 1e30)
        with pytest.warns(UserWarning, match="Try a smaller learning rate"):
            run, _ = train("dense-window", tmp_path, epochs=3)
        assert "Try a smaller learning rate" in run.notes[-1]
        again = Run.load(tmp_path)
        assert again.notes == run.notes
        assert all(np.isfinite(weight).all() for weight in again.model.get_weights())
        assert not (tmp_path / "backup").exists()


class TestStopOnInterrupt:
    def test_the_fit_ends_after_the_current_step_and_returns(self, capsys):
        model, stop = small_model(), StopOnInterrupt()
        before = signal.getsignal(signal.SIGINT)
        presses = PressesCtrlC(5)
        history = model.fit(
            X, X, batch_size=4, epochs=9, callbacks=[presses, stop], verbose=0, shuffle=False
        )
        assert (presses.count, history.epoch) == (5, [0, 1, 2])
        assert stop.stop_reason == "Ctrl-C in epoch 3 of 9"
        assert capsys.readouterr().err == "Stopping after this step; Ctrl-C again stops at once.\n"
        assert signal.getsignal(signal.SIGINT) is before
        five_steps = small_model()
        for step in range(5):
            part = X[:4] if step % 2 == 0 else X[4:]
            five_steps.train_on_batch(part, part)
        for a, b in zip(model.get_weights(), five_steps.get_weights()):
            np.testing.assert_allclose(a, b, rtol=1e-6)

    def test_a_second_ctrl_c_stops_at_once(self):
        before = signal.getsignal(signal.SIGINT)
        presses = PressesCtrlC(3, 3)
        with pytest.raises(KeyboardInterrupt):
            small_model().fit(
                X, X, epochs=9, callbacks=[presses, StopOnInterrupt(verbose=0)], verbose=0
            )
        assert presses.count == 3
        assert signal.getsignal(signal.SIGINT) is before

    def test_ctrl_c_after_a_fit_that_failed_is_an_ordinary_one(self):
        def fails(epoch, logs):
            raise RuntimeError("a bad callback")

        stop = StopOnInterrupt()
        callbacks = [stop, keras.callbacks.LambdaCallback(on_epoch_end=fails)]
        with pytest.raises(RuntimeError, match="a bad callback"):
            small_model().fit(X, X, callbacks=callbacks, verbose=0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert stop.stop_reason is None

    def test_it_can_be_used_for_another_fit(self):
        model, stop = small_model(), StopOnInterrupt(verbose=0)
        model.fit(X, X, epochs=9, callbacks=[PressesCtrlC(1), stop], verbose=0)
        assert stop.stop_reason is not None
        assert model.fit(X, X, epochs=3, callbacks=[stop], verbose=0).epoch == [0, 1, 2]
        assert stop.stop_reason is None

    def test_in_another_thread_it_does_nothing(self):
        epochs = []

        def fit():
            history = small_model().fit(X, X, epochs=2, callbacks=[StopOnInterrupt()], verbose=0)
            epochs.extend(history.epoch)

        thread = threading.Thread(target=fit)
        thread.start()
        thread.join()
        assert epochs == [0, 1]


class TestTrain:
    @pytest.fixture(autouse=True)
    def each_epoch(self, monkeypatch):
        monkeypatch.setattr(backup, "SECONDS", 0.0)
        monkeypatch.setattr(entries, "save_pictures", lambda *_: None)

    def interrupted(self, monkeypatch, step, *arguments, **options):
        with monkeypatch.context() as patch:
            patch.setattr(resumable_run, "Progress", lambda: PressesCtrlC(step))
            return train(*arguments, **options)[0]

    @pytest.mark.further
    # Three epochs of seven steps have a teacher; the three that follow are of one step each.
    @pytest.mark.parametrize("step", [10, 22])
    def test_ctrl_c_saves_the_run_and_resume_ends_with_the_same_bits(
        self, step, tmp_path, monkeypatch
    ):
        whole, _ = train("jordan-driven", tmp_path / "whole", epochs=6)
        run = self.interrupted(monkeypatch, step, "jordan-driven", tmp_path / "run", epochs=6)
        assert "Stopped by Ctrl-C in epoch" in run.notes[-1]
        assert "resume=True" in run.notes[-1]
        saved = Run.load(tmp_path / "run")
        assert saved.facts["interrupted"] is True
        for a, b in zip(saved.model.get_weights(), run.model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        resumed, _ = train("jordan-driven", tmp_path / "run", epochs=6, resume=True)
        for a, b in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        assert resumed.history == whole.history
        assert "interrupted" not in json.loads((tmp_path / "run" / "run.json").read_text())
        assert not (tmp_path / "run" / "backup").exists()

    def test_ctrl_c_with_a_teacher_leaves_out_the_free_run(self, tmp_path, monkeypatch):
        run = self.interrupted(monkeypatch, 3, "jordan-driven", tmp_path, epochs=6)
        assert run.history == {}
        assert run.facts["epochs"] == 0
        assert run.notes == ("Stopped by Ctrl-C in epoch 1 of 3. Train with resume=True to go on.",)

    @pytest.mark.further
    def test_the_command_says_how_to_go_on(self, tmp_path, monkeypatch, capsys):
        folder = tmp_path / "a folder"
        arguments = ["train", "dense-window", "--epochs", "3", "--output-dir", str(folder)]
        with monkeypatch.context() as patch:
            patch.setattr(resumable_run, "Progress", lambda: PressesCtrlC(70))
            assert main(arguments) == 130
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.startswith("Go on with: oscillator-zoo train dense-window --epochs 3 --output")
        assert (folder / "model.keras").exists()
        command = shlex.split(last.removeprefix("Go on with: "))[1:]
        assert command == [*arguments, "--resume"]
        assert main(command) == 0
        whole, _ = train("dense-window", tmp_path / "whole", epochs=3)
        for a, b in zip(Run.load(folder).model.get_weights(), whole.model.get_weights()):
            np.testing.assert_array_equal(a, b)

    @pytest.mark.slow
    def test_a_second_ctrl_c_keeps_the_backup_and_the_command_says_so(
        self, tmp_path, monkeypatch, capsys
    ):
        arguments = ["train", "pinn-decay", "--epochs", "5", "--output-dir", str(tmp_path / "run")]
        with monkeypatch.context() as patch:
            patch.setattr(resumable_run, "Progress", lambda: PressesCtrlC(2, 2))
            assert main(arguments) == 130
        lines = capsys.readouterr().err.splitlines()
        assert lines[-2:] == [
            "oscillator-zoo: interrupted",
            f"Go on with: {shlex.join(['oscillator-zoo', *arguments, '--resume'])}",
        ]
        assert not (tmp_path / "run" / "model.keras").exists()
        assert main([*arguments, "--resume"]) == 0

    @pytest.mark.further
    def test_ctrl_c_ends_the_tour_and_not_only_its_first_training(
        self, tmp_path, monkeypatch, capsys
    ):
        monkeypatch.setattr(resumable_run, "Progress", lambda: PressesCtrlC(1))
        assert main(["tour", "--output-dir", str(tmp_path)]) == 130
        assert "interrupted" in capsys.readouterr().err
        assert (tmp_path / "elman-harmonic" / "model.keras").exists()
        assert not (tmp_path / "pinn-damped").exists()
