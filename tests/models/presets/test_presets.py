"""Every preset is as good as its card says; damaged ones are refused; a page shows them all."""

import configparser
import json
import math
import pathlib
import re
import shutil
import warnings

import keras
import numpy as np
import pytest
from marks import further_but_for

from oscillator_zoo.data import (
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Duffing,
    Sinusoid,
    simulate,
)
from oscillator_zoo.models import (
    PINN,
    LevenbergMarquardt,
    ResponseModel,
    available_presets,
    from_preset,
    rollout,
    save_preset,
)
from oscillator_zoo.models.presets.card import TASKS
from oscillator_zoo.models.presets.facts import described
from oscillator_zoo.models.presets.preset import PRESETS
from oscillator_zoo.training import evaluate_forecast, evaluate_response, train
from oscillator_zoo.training.results.run import Run
from oscillator_zoo.training.zoo.preset_run import open_run, write_preset

ROOT = pathlib.Path(__file__).parents[3]
SILVERBOX = ROOT.parent / "shared" / "silverbox" / "silverbox_train.csv"
RECURRENT = (
    *("elman-harmonic", "elman-driven", "jordan-driven", "euler-damped"),
    *("forecast-damped", "forecast-driven"),
)
FEED_FORWARD = ("dense-window", "conv-window")
SOLUTIONS = (
    *("decay", "harmonic", "damped", "driven", "resonance", "step", "duffing", "van-der-pol"),
    *("pendulum", "coupled", "damped-family"),
    *("harmonic-learned", "damped-learned", "driven-learned", "pendulum-learned"),
)
ALL = {*RECURRENT, *FEED_FORWARD, "duffing-measured", *(f"pinn-{name}" for name in SOLUTIONS)}
ONE_OF_EACH_TASK = ("pinn-damped", "elman-harmonic", "euler-damped")
ROUNDING = 1e-13  # of numbers of the order of 1: errors below are those of the machine


def method_of(task):
    return "pinn" if task == "solution" else "model"


def record_of(card):
    """The record that a preset is judged on, for those of measurements."""
    if card["recipe"] != "duffing-measured":
        return {}
    if not SILVERBOX.exists():
        pytest.skip("the Silverbox record is not beside the checkout")
    return {"data": SILVERBOX, "sampling_rate": 610.35}


def test_there_is_a_preset_of_every_kind():
    assert set(available_presets()) == ALL


@pytest.mark.parametrize("name", further_but_for(sorted(ALL), *ONE_OF_EACH_TASK))
def test_a_preset_is_as_good_as_its_card_says(name):
    card = available_presets()[name]
    run = open_run(name, **record_of(card))
    with warnings.catch_warnings():  # baselines that run away; the preset itself is at home
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*(grows|autoregression).*")
        errors = run.evaluate()[method_of(run.task)]
    for measure, expected in card["errors"].items():
        if run.task == "solution":  # errors of rounding differ from machine to machine
            assert abs(errors[measure]) < 10.0 * abs(expected) + ROUNDING, measure
        else:
            assert errors[measure] == pytest.approx(expected, rel=2e-2, abs=1e-9), measure
    assert TASKS[card["task"]][0] in card["errors"]


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*grows.*:UserWarning")
@pytest.mark.parametrize("name", sorted(ALL))
def test_a_preset_that_is_made_again_is_as_good(name, tmp_path):
    card = available_presets()[name]
    run, evaluation = train(name, tmp_path / "run", seed=card["seed"], **record_of(card))
    write_preset(run, evaluation, tmp_path / name)
    again = json.loads((tmp_path / name / "card.json").read_text(encoding="utf-8"))
    measure = TASKS[card["task"]][0]
    ratio = (again["errors"][measure] + ROUNDING) / (card["errors"][measure] + ROUNDING)
    assert 1.0 / 3.0 < ratio < 3.0
    assert again["num_weights"] == card["num_weights"]
    ranges = [keras.tree.flatten(one["trained_for"]) for one in (again, card)]
    assert ranges[0] == pytest.approx(ranges[1])


def test_cards_say_how_the_presets_were_made():
    for name, card in available_presets().items():
        assert (card["name"], card["recipe"]) == (name, name)
        assert card["training"]["seconds"] > 0.0
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", card["training"]["date"])
        assert {"python", "keras", "numpy", "tensorflow", "oscillator-zoo"} <= set(card["versions"])
        assert all(math.isfinite(error) for error in card["errors"].values())
        assert "/" not in json.dumps(card["trained_for"])


def test_the_table_is_a_mapping_that_prints():
    presets = available_presets()
    lines = str(presets).splitlines()
    assert lines[0].split()[:4] == ["name", "class", "problem", "weights"]
    assert [line.split()[0] for line in lines[1:]] == list(presets)
    assert "pinn-damped" in presets and "pinn" not in presets
    with pytest.raises(KeyError, match="Did you mean 'pinn-damped'"):
        presets["pinn-dampd"]


def test_the_page_of_the_zoo_shows_the_table_of_the_cards():
    text = (ROOT / "docs" / "zoo.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- presets -->\n(.*?)\n<!-- end of presets -->", text, re.DOTALL)[1]
    assert shown == available_presets().markdown(), "run python .ci/presets.py"


def test_the_wheel_takes_all_presets_along_and_they_are_small():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    patterns = config["options.package_data"]["oscillator_zoo.models.presets"].split(",")
    packed = {path for pattern in patterns for path in PRESETS.glob(pattern.strip())}
    assert packed == {path for path in PRESETS.rglob("*.*") if path.suffix in (".json", ".keras")}
    assert sum(path.stat().st_size for path in packed) < 3 * 2**20


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", further_but_for(["elman-measured", "duffing-measured"], "elman-measured")
)
def test_a_preset_of_a_record_is_judged_on_the_record(name, tmp_path):
    force = Sinusoid(0.5, angular_frequency=1.7)
    motion = simulate(Duffing(damping=0.2, force=force), 0.1, 3000, method="rk4")
    columns = [motion.force[0, :, 0], motion.feature("position")[0]]
    record = {"data": tmp_path / "record.csv", "sampling_rate": 10.0}
    np.savetxt(record["data"], np.stack(columns, axis=1), delimiter=",")
    run, evaluation = train(name, tmp_path / "run", epochs=1, **record)
    folder = write_preset(run, evaluation, tmp_path / "mine")
    again = open_run(folder, **record).evaluate()
    assert again["model"] == pytest.approx(evaluation["model"], rel=1e-6)
    assert again["autoregression"] == pytest.approx(evaluation["autoregression"], rel=1e-6)
    assert str(tmp_path) not in (folder / "card.json").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="judged on test data"):
        open_run(folder).evaluate()
    with pytest.raises(ValueError, match="A run's folder has its own test data"):
        open_run(tmp_path / "run", **record)


def test_a_card_describes_each_force_of_a_problem():
    pair = CoupledOscillators((1.0, 2.0), force=(Sinusoid(0.5, 1.1), None))
    assert described(pair)["force"] == [
        {"class": "Sinusoid", "amplitude": 0.5, "angular_frequency": 1.1, "phase": 0.0},
        None,
    ]


class TestGoingOn:
    @pytest.mark.parametrize("name", ["elman-driven", "conv-window"])
    def test_a_network_is_trained_further(self, name):
        model = from_preset(name)
        before = [np.array(weight) for weight in model.trainable_weights]
        shape = [4, *(size or 12 for size in model.input_shape[1:])]
        x = np.random.default_rng(0).normal(size=shape).astype("float32")
        y = 0.5 * np.asarray(model(x))
        losses = model.fit(x, y, epochs=3, verbose=0).history["loss"]
        assert losses[-1] < losses[0]
        after = [np.array(weight) for weight in model.trainable_weights]
        assert max(np.abs(a - b).max() for a, b in zip(before, after)) > 1e-5

    def test_a_rate_that_fell_to_zero_becomes_a_small_one(self, tmp_path):
        model = keras.Sequential([keras.Input((3, 1)), keras.layers.Dense(1)])
        rate = keras.optimizers.schedules.CosineDecay(1e-2, 5)
        model.compile(keras.optimizers.SGD(rate, momentum=0.5), loss="mae")
        facts = {"recipe": "mine", "seed": 0, "epochs": 1, "training_seconds": 1.0}
        folder = write_preset(
            Run(model, "forecast", {}, facts=facts), {"model": {}}, tmp_path / "a"
        )
        again = from_preset(folder)
        assert float(again.optimizer.learning_rate) == pytest.approx(1e-4, rel=1e-6)
        assert (again.optimizer.momentum, again.loss) == (0.5, "mae")

    @pytest.mark.slow
    def test_a_solution_that_is_at_the_rounding_floor_stays_there(self):
        pinn = PINN.from_preset("pinn-damped")
        assert pinn.fit(epochs=2, verbose=0).history["residual_max"][-1] < 1e-12
        pinn.compile(keras.optimizers.Adam(1e-6))
        assert math.isfinite(pinn.fit(epochs=1, verbose=0).history["loss"][-1])

    def test_a_model_of_least_squares_takes_new_data(self):
        model = ResponseModel.from_preset("euler-damped")
        force = Sinusoid(0.5, angular_frequency=1.3)
        other = DampedOscillator(damping=0.6, force=force, position=0.0)
        motion = simulate(other, 0.1, 200)
        model.compile(LevenbergMarquardt(tolerance=1e-10))
        model.fit(motion.force[:, :-1], motion.states[:, 1:], epochs=20, verbose=0)
        assert float(model.cell.damping_rate) == pytest.approx(0.6, abs=1e-6)


class TestOutside:
    def test_a_solution_raises_beyond_its_interval_and_its_ranges(self):
        with pytest.raises(ValueError, match="from 0 s to 8 s"):
            PINN.from_preset("pinn-damped")([9.0])
        family = PINN.from_preset("pinn-damped-family")
        with pytest.raises(ValueError, match=r"damping = 0\.05 to 0\.5"):
            family({"t": [1.0], "damping": 0.9, "stiffness": 1.0})

    def test_a_forecast_from_a_large_motion_warns(self):
        model = from_preset("elman-harmonic")
        states = simulate(DampedOscillator(), 0.1, 20, method="rk4").states
        rollout(model, states, 5)
        message = "'elman-harmonic' was trained for time_step = 0.1.*Received position from"
        with pytest.warns(UserWarning, match=message):
            rollout(model, 10.0 * states, 5)

    def test_a_forecaster_of_a_family_warns_of_the_time_step_and_not_of_the_size(self):
        model = from_preset("forecast-damped")
        motion = simulate(DampedOscillator(damping=0.1, position=50.0), 0.1, 150, method="rk4")
        forecast = rollout(model, motion.states[:, :50], 100)
        # Ten times the median error that the card names, for this one motion.
        assert np.abs(forecast - motion.states[:, 50:150]).max() < 0.01 * 50.0
        coarse = simulate(motion.problem, 0.2, 150, method="rk4")
        message = r"trained for .*damping from 0\.02 to 0\.2.*a time step of 0\.2 s"
        with pytest.warns(UserWarning, match=message):
            evaluate_forecast(model, coarse, warm_up=50)

    def test_a_response_to_a_strong_force_or_at_another_step_warns(self):
        model = from_preset("elman-driven")
        for amplitude, step, received in ((9.0, 0.1, "force from"), (0.5, 0.05, "time step of 0")):
            force = Sinusoid(amplitude, angular_frequency=1.3)
            motion = simulate(DampedOscillator(damping=0.4, force=force, position=0.0), step, 200)
            with pytest.warns(UserWarning, match=f"'elman-driven' was trained.*{received}"):
                evaluate_response(model, motion)


@pytest.fixture
def saved(tmp_path):
    """A preset of a user's own."""
    pinn = PINN(Decay(rate=0.7), duration=2.0, hidden_units=(4,), seed=3)
    pinn.compile(LevenbergMarquardt())
    folder = tmp_path / "mine"
    save_preset(pinn, folder, {"errors": {"position_max": 0.5}, "notes": ["Untrained."]})
    return folder


def change(folder, **values):
    path = folder / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**card, **values}))


class TestReading:
    def test_what_was_saved_is_read(self, saved):
        pinn = from_preset(saved)
        assert pinn.card["errors"] == {"position_max": 0.5}
        assert pinn.card["problem"]["rate"] == 0.7
        assert pinn.card["trained_for"] == {"start_time": 0.0, "duration": 2.0}
        assert type(PINN.from_preset(str(saved))) is PINN

    def test_the_hash_is_one_of_numbers_not_of_the_files_bytes(self, saved, tmp_path):
        save_preset(from_preset(saved), tmp_path / "again", {})
        hashes = {from_preset(folder).card["sha256"] for folder in (saved, tmp_path / "again")}
        assert len(hashes) == 1

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"sha256": 64 * "0"}, "sha256 of card.json differ from model.keras"),
            ({"num_weights": 5}, "num_weights of card.json differ"),
            ({"class": "ResponseModel"}, "class of card.json differ"),
            ({"trained_for": {"duration": 9.0}}, "trained_for of card.json differ"),
            ({"problem": {"class": "Decay", "rate": 0.1}}, "problem of card.json differ"),
            ({"format_version": 2}, "format_version 2, where 1 is expected"),
            ({"format_version": "1"}, "format_version '1'"),
            ({"task": "dance"}, "task 'dance'"),
            ({"errors": {"position_max": "small"}}, "errors"),
            ({"errors": {"position_max": math.nan}}, "errors"),
            ({"num_weights": -1}, "num_weights -1, where an integer ≥ 0 is expected"),
            ({"notes": "one"}, "notes 'one'"),
            ({"trained_for": {"force": ["a", "b"]}}, "a dictionary of numbers and ranges"),
            ({"trained_for": {"force": [1.0]}}, "a dictionary of numbers and ranges"),
            ({"trained_for": {"parameter_ranges": {"damping": "all"}}}, "numbers and ranges"),
            ({"problem": ["Decay"]}, "problem"),
        ],
    )
    def test_a_card_that_does_not_fit_is_refused(self, values, message, saved):
        change(saved, **values)
        with pytest.raises(ValueError, match=message) as info:
            from_preset(saved)
        assert len(str(info.value).splitlines()) == 1

    @pytest.mark.parametrize(
        "content", [b"", b"3", b"[]", b"{}", b"[" * 10**5, b"\xff", b"9" * 5000]
    )
    def test_a_foreign_card_is_refused(self, content, saved):
        (saved / "card.json").write_bytes(content)
        with pytest.raises(
            ValueError, match=r"card\.json must be as `save_preset` wrote it"
        ) as info:
            from_preset(saved)
        assert len(str(info.value)) < 700

    def test_a_card_of_endless_length_is_not_read_to_its_end(self, saved):
        (saved / "card.json").write_bytes(b" " * 2**21)
        with pytest.raises(ValueError, match="more than 1048576 bytes"):
            from_preset(saved)

    @pytest.mark.parametrize("name", ["card.json", "model.keras"])
    def test_a_missing_file_is_named(self, name, saved):
        (saved / name).unlink()
        with pytest.raises(FileNotFoundError, match=f"{name}, which does not exist"):
            from_preset(saved)

    def test_a_damaged_model_is_refused(self, saved):
        content = bytearray((saved / "model.keras").read_bytes())
        content[len(content) // 2] ^= 0xFF
        (saved / "model.keras").write_bytes(content)
        with pytest.raises(ValueError, match=r"read from a \.keras file|differ from model\.keras"):
            from_preset(saved)

    def test_weights_of_another_model_are_refused(self, saved):
        PINN(Decay(rate=0.7), 2.0, hidden_units=(4,), seed=4).save(saved / "model.keras")
        with pytest.raises(ValueError, match=r"sha256 of card\.json differ"):
            from_preset(saved)

    @pytest.mark.parametrize("name", ["pinn-dampd", 3, None])
    def test_an_unknown_name_is_refused(self, name):
        with pytest.raises(FileNotFoundError, match=r"The presets are .*pinn-damped"):
            from_preset(name)

    def test_a_preset_of_another_class_is_refused(self):
        with pytest.raises(ValueError, match=r"PINN\.from_preset gives a PINN.*a ResponseModel"):
            PINN.from_preset("euler-damped")


class TestWriting:
    @pytest.mark.parametrize(
        ("card", "message"),
        [
            ({"error": {}}, "Did you mean 'errors'"),
            ({"sha256": "0"}, "A card takes"),
            ({"errors": {"position_max": "small"}}, "errors"),
            ({"errors": {"position_max": math.inf}}, "errors"),
            ({"errors": {"position_max": np.zeros(3)}}, "ndarray is not JSON serializable"),
            ({"task": "dance"}, "task 'dance', where one of solution, forecast, response"),
            ([], "A card is a dictionary"),
        ],
    )
    def test_a_wrong_card_is_refused_before_anything_is_written(self, card, message, tmp_path):
        pinn = PINN(Decay(), duration=1.0, hidden_units=(3,))
        with pytest.raises(ValueError, match=message):
            save_preset(pinn, tmp_path / "mine", card)
        assert not list(tmp_path.iterdir())

    def test_a_model_that_says_nothing_of_itself_needs_a_task(self, tmp_path):
        model = keras.Sequential([keras.Input((3, 1)), keras.layers.Dense(1)])
        with pytest.raises(ValueError, match="task None"):
            save_preset(model, tmp_path / "mine", {})
        save_preset(model, tmp_path / "mine", {"task": "forecast"})
        assert from_preset(tmp_path / "mine").card["class"] == "Sequential"

    def test_a_folder_with_something_else_in_it_stays(self, saved):
        (saved / "thesis.txt").write_text("all of it")
        with pytest.raises(ValueError, match="A preset is written to a new folder, or replaces"):
            save_preset(from_preset(saved), saved, {})
        assert (saved / "thesis.txt").exists()

    def test_an_interrupted_writer_leaves_the_old_preset(self, saved, monkeypatch):
        pinn = from_preset(saved)
        place = "oscillator_zoo.models.presets.preset.write_card"
        monkeypatch.setattr(place, lambda *_: (_ for _ in ()).throw(OSError(28)))
        with pytest.raises(OSError, match="could not be written"):
            save_preset(pinn, saved, {})
        monkeypatch.undo()
        assert from_preset(saved).card["notes"] == ["Untrained."]
        assert [path.name for path in saved.parent.iterdir()] == ["mine"]

    def test_an_installed_package_keeps_its_presets(self, monkeypatch, tmp_path):
        shutil.copytree(PRESETS / "pinn-decay", tmp_path / "a" / "b" / "pinn-decay")
        monkeypatch.setattr("oscillator_zoo.training.zoo.preset_run.PRESETS", tmp_path / "a" / "b")
        run = open_run("pinn-decay")
        with pytest.raises(ValueError, match=r"stay as they are.*--preset FOLDER"):
            write_preset(run, {}, None)
