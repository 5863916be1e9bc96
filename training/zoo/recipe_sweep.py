"""An entry of the zoo trained many times: for many seeds, and a grid of its options."""

import contextlib
import io
import itertools
import pathlib

from ..results.resumable_run import has_backup
from .entries import check_options, check_seed, find_recipe, train


def grid_of(name, seeds, settings):
    """Points of a sweep over an entry: every seed with every combination of the options.

    Args:
        name: one of `recipes()`.
        seeds: list of integers ≥ 0.
        settings: dictionary of option → list of its values.

    Returns:
        List of dictionaries of arguments.

    Raises:
        ValueError: for an entry, a seed or an option that there is not.
    """
    recipe = find_recipe(name)
    points = []
    for seed, *values in itertools.product(seeds, *settings.values()):
        options = dict(zip(settings, values))
        known = {option: value for option, value in options.items() if option != "epochs"}
        check_options(name, recipe, options.get("epochs"), known)
        points.append({"seed": check_seed(seed), **options})
    return points


def trained_errors(name, folder, seed, **options):
    """Train an entry in a folder of its own, and return its errors.

    A training that was killed goes on where its backup ends.

    Args:
        name: one of `recipes()`.
        folder: of the sweep; the run is written to a folder inside, named after the point.
        seed, **options: as for `train`.

    Returns:
        Dictionary of the model's errors, and "training_seconds".
    """
    point = {"seed": seed, **options}
    place = ",".join(f"{option}={value}".replace("/", "-") for option, value in point.items())
    place = pathlib.Path(folder) / place
    with contextlib.redirect_stdout(io.StringIO()):  # many processes have one screen
        run, evaluation = train(name, place, seed=seed, resume=has_backup(place), **options)
    if run.facts.get("interrupted"):
        raise KeyboardInterrupt
    scores = evaluation["pinn" if run.task == "solution" else "model"]
    return {**scores, "training_seconds": run.facts["training_seconds"]}
