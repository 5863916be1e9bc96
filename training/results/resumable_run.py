"""A recipe is run so that it can be interrupted and gone on with."""

import contextlib
import dataclasses
import importlib.metadata
import inspect
import os
import pathlib
import sys

import keras

from oscillator_zoo.data.datasets.shuffling import shuffle_states

from ..callbacks.backup import Backup
from ..callbacks.progress import Progress
from ..callbacks.stopping import StopOnInterrupt, StopOnNaN
from .run_file import sha256
from .workers import check_same_backup, is_chief, lost_workers_as_connection_error

FOLDER = "backup"
PACKAGES = ("oscillator-zoo", "tensorflow", "keras", "numpy")


def run_recipe(name, recipe, folder, seed, resume, options, strategy=None):
    """Run a recipe with callbacks that back it up, and stop it where that is wanted or due.

    Of several workers, all go on with the backup that the chief wrote. Ctrl-C ends a worker at
    once: its last step could only be taken with the others.

    Args:
        name: of the recipe.
        recipe: function, as `recipes()` has it.
        folder: existing folder, which gets the backup.
        seed: an integer ≥ 0.
        resume: whether to go on with the backup that the folder has.
        options: further arguments of the recipe.
        strategy: `tf.distribute.Strategy` for the recipe's models, or None.

    Returns:
        Tuple (run, backup): the `Run`, and the `Backup`, to be removed when the run is saved.
    """
    about = about_training(name, recipe, seed, options)
    was_broken_off = (folder / FOLDER).exists()
    writes, nan, interruption = is_chief(strategy), StopOnNaN(), StopOnInterrupt()
    with shuffle_states() as states, lost_workers_as_connection_error():
        backup = Backup(folder / FOLDER, about, states, interruption, resume, writes)
        check_same_backup(strategy, backup.epochs)
        if was_broken_off and writes:
            _remove_partial_files(folder)
        if resume and not backup.is_resumed:
            print(f"There is no backup in {folder}: training starts from the beginning.")
        keras.utils.set_random_seed(seed)
        callbacks = [nan, backup, *([Progress()] if writes else ())]
        callbacks += [interruption] if strategy is None else []
        with strategy.scope() if strategy else contextlib.nullcontext():
            run = recipe(seed=seed, callbacks=callbacks, **options)
    facts = {
        "recipe": name,
        "seed": seed,
        "epochs": max(map(len, run.history.values()), default=0),
        "training_seconds": round(backup.seconds, 2),
    }
    notes = run.notes
    if nan.stop_reason:
        notes += (nan.stop_reason,)
    if backup.interrupted_by:
        facts["interrupted"] = True
        notes += (f"Stopped by {backup.interrupted_by}. Train with resume=True to go on.",)
        print(notes[-1], file=sys.stderr)
    return dataclasses.replace(run, facts=facts, notes=notes), backup


def about_training(name, recipe, seed, options):
    """What must be the same for a training to go on with the backup of another.

    A file counts by its content, wherever it is.
    """
    defaults = inspect.signature(recipe).parameters
    complete = {n: p.default for n, p in defaults.items() if n not in ("seed", "callbacks")}
    about = {"recipe": name, "seed": seed, **complete, **options}
    about = {n: v if isinstance(v, int | float | None) else str(v) for n, v in about.items()}
    if "data" in about:
        with contextlib.suppress(OSError):
            about["data"] = f"a file with SHA-256 {sha256(options['data'])}"
    return about | {package: importlib.metadata.version(package) for package in PACKAGES}


def has_backup(folder):
    """Whether a folder has the backup of a training that was broken off."""
    return any((pathlib.Path(folder) / FOLDER).glob("fit-[1-9].npz"))


def _remove_partial_files(folder):
    """What a kill left of files that were being written; nobody else writes to this folder."""
    for path in folder.glob(".partial-*"):
        with contextlib.suppress(OSError):
            os.unlink(path)
