"""Presets as runs: made from what a recipe trained, and judged on the recipe's test data."""

import datetime
import functools
import inspect
import os
import pathlib
import platform

import keras

from oscillator_zoo.data.checks import did_you_mean
from oscillator_zoo.models import from_preset, save_preset
from oscillator_zoo.models.presets.facts import described
from oscillator_zoo.models.presets.preset import PRESETS, preset_names

from ..results.run import Run
from .forecast_recipes import (
    FAMILY,
    driven_motions_of_a_family,
    motions_of_a_family,
    train_and_test,
)
from .measured_duffing import measured_motions
from .measured_elman import parts_with_warm_up
from .one_step_recipes import harmonic_motions
from .response_recipes import driven_motions

# Functions of the seed (or of a record) that make a recipe's data; the first part is that of
# training, the last that of the test.
MOTIONS = {
    "elman-harmonic": harmonic_motions,
    "dense-window": harmonic_motions,
    "conv-window": harmonic_motions,
    "forecast-damped": functools.partial(train_and_test, motions_of_a_family),
    "forecast-driven": functools.partial(train_and_test, driven_motions_of_a_family),
    "elman-driven": driven_motions,
    "jordan-driven": driven_motions,
    "euler-damped": driven_motions,
}
OF_RECORDS = {"duffing-measured": measured_motions, "elman-measured": parts_with_warm_up}
# A motion twice as large has a forecast twice as large there: only the oscillator counts.
OF_ANY_SIZE = ("forecast-damped", "forecast-driven")
GOING_ON = 1e-4  # learning rate of a preset whose training ended with a rate of zero


def open_run(path, **record):
    """The `Run` of a preset, of a preset's or a run's folder, or of a PINN's `.keras` file.

    A preset's test motions are made anew from its recipe and seed.

    Args:
        path: name of a preset, which comes before a folder of that name, or a path.
        **record: for a preset that was trained on a measured record, the arguments `data`,
            `sampling_rate`, … of its recipe: the record's last part is the test. None is shipped.

    Raises:
        FileNotFoundError: if there is nothing of that name.
        ValueError: for a damaged preset or run, or a record where none belongs.
    """
    if str(path) in preset_names() or (pathlib.Path(path) / "card.json").exists():
        return _preset_run(path, record)
    if record:
        raise ValueError(
            f"A record belongs to a preset of {', '.join(OF_RECORDS)}. Received: {path} with a "
            "record. A run's folder has its own test data: leave the record out."
        )
    try:
        return Run.load(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}{did_you_mean(path, preset_names())}") from None


def _preset_run(path, record):
    model = from_preset(path)
    card, parts = model.card, None
    if record and card["recipe"] not in OF_RECORDS:
        raise ValueError(
            f"A record belongs to a preset of {', '.join(OF_RECORDS)}. Received: one for {path}, "
            "whose test motions are made from its recipe and seed. Leave the record out."
        )
    if record:
        parts = _parts(card["recipe"], record)
    elif card["recipe"] in MOTIONS:
        parts = MOTIONS[card["recipe"]](card["seed"])
    return Run(
        model,
        card["task"],
        history={},
        test=parts and parts[-1],
        warm_up=card["warm_up"],
        training=parts[0] if record else None,
        notes=tuple(card["notes"]),
        facts={key: card[key] for key in ("recipe", "seed", "epochs")},
    )


def _parts(recipe, record):
    """The parts of a record, whose description must be complete."""
    make = OF_RECORDS[recipe]
    for name, parameter in inspect.signature(make).parameters.items():
        if parameter.default is inspect.Parameter.empty and record.get(name) is None:
            raise ValueError(
                f"A record for a preset of {recipe!r} needs {name}. Received none. Pass {name}=… "
                f"(on the command line --{name.replace('_', '-')})."
            )
    return make(**record)


def write_preset(run, evaluation, folder=None):
    """Write a run as a preset: the model, ready to be trained further, and its card.

    Training whose rate fell to zero would go nowhere: such a model gets a small constant rate,
    and no memory of past gradients. So does a network that least squares have trained.

    Args:
        run: `Run` of `train`, which has the facts of the training.
        evaluation: what `run.evaluate()` returned.
        folder: where to write; None for the folder of the package's presets, in a checkout.

    Returns:
        The folder.

    Raises:
        ValueError: if the folder cannot be written, holds something else, or is not given where
            the package is installed.
    """
    folder = checkout_folder(run.facts["recipe"]) if folder is None else pathlib.Path(folder)
    _make_ready(run.model)
    save_preset(run.model, folder, card_of(run, evaluation))
    return folder


def card_of(run, evaluation):
    """The card of a run, for `save_preset`."""
    facts = run.facts
    method = "pinn" if run.task == "solution" else "model"
    errors = {name: value for name, value in evaluation[method].items() if value == value}
    card = {
        "task": run.task,
        "warm_up": run.warm_up,
        "recipe": facts["recipe"],
        "seed": facts["seed"],
        "epochs": facts["epochs"],
        "errors": errors,
        "training": {
            "seconds": facts["training_seconds"],
            "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
            "date": datetime.date.today().isoformat(),
        },
        "notes": list(run.notes),
    }
    motions = run.training
    if facts["recipe"] in MOTIONS:
        motions = MOTIONS[facts["recipe"]](facts["seed"])[0]
    if motions is not None:
        card["trained_for"] = _ranges(motions, FAMILY if facts["recipe"] in OF_ANY_SIZE else None)
        card["problem"] = None if motions.problem is None else described(motions.problem)
    return card


def checkout_folder(name):
    """The folder of one of the package's presets, where the package is a checkout."""
    if not (PRESETS.parents[1] / "setup.cfg").exists():
        raise ValueError(
            "The presets of an installed package stay as they are. Received no folder for "
            f"{name!r}. Pass one (on the command line --preset FOLDER)."
        )
    return PRESETS / name


def _ranges(motions, family=None):
    """What a model was trained for: the time step, and the ranges of motion and force.

    Of a family, those of the oscillator.
    """
    ranges = {"time_step": motions.time_step, "num_steps": len(motions.times) - 1}
    if family is not None:
        return ranges | family
    for name in motions.feature_names:
        values = motions.feature(name)
        ranges[name] = [float(values.min()), float(values.max())]
    if motions.force.any():
        ranges["force"] = [float(motions.force.min()), float(motions.force.max())]
    return ranges


def _make_ready(model):
    """Give a model without an optimizer, or whose rate followed a schedule, a rate to go on with.

    A network that least squares have trained was part of the model that was compiled for them. It
    is so exact that Adam, which moves all weights by its rate, loses ground at larger ones.
    """
    if getattr(model, "optimizer", None) is None:
        model.compile(keras.optimizers.Adam(0.1 * GOING_ON, clipnorm=1.0), loss="mse")
    config = model.optimizer.get_config()
    if isinstance(config.get("learning_rate"), dict):
        config["learning_rate"] = GOING_ON
        model.compile(type(model.optimizer).from_config(config), loss=model.loss)
