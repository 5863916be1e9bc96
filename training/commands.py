"""What each command of `oscillator-zoo` does; its options are in `oscillator_zoo/__main__.py`."""

import functools
import inspect
import os
import pathlib
import shlex
import sys

import tensorflow as tf

from oscillator_zoo.data.checks import positive_integer
from oscillator_zoo.data.files import make_folder, write_whole
from oscillator_zoo.models import available_presets, export_model
from oscillator_zoo.models.presets.card import TASKS
from oscillator_zoo.models.presets.preset import preset_names
from oscillator_zoo.models.presets.table import shown_error

from .instrument import identify
from .results.pictures import save_pictures
from .results.resumable_run import has_backup
from .results.sweeping import rows_of
from .tour import tour
from .zoo.entries import find_recipe, recipes, train
from .zoo.preset_run import checkout_folder, open_run, write_preset
from .zoo.recipe_sweep import grid_of

RECORD = ("data", "sampling_rate", "input_column", "output_column", "time_column")
READERS = {
    "": "tf.saved_model.load",
    ".onnx": "onnxruntime.InferenceSession",
    ".tflite": "ai_edge_litert.interpreter.Interpreter",
}


def run(given):
    """Do what `oscillator_zoo.__main__` understood, and return the exit status."""
    # TensorFlow would report every product in float64 that this optimisation cannot fuse.
    tf.config.optimizer.set_experimental_options({"remapping": False})
    return COMMANDS[given.command](given) or 0


def listing():
    """The entries of the zoo as a table, with their presets' errors: a text."""
    width, presets, lines = max(map(len, recipes())), available_presets(), []
    for name, recipe in recipes().items():
        error = shown_error(presets[name]) if name in presets else "–"
        lines.append(f"{name:{width}}  {error:>7}  {inspect.getdoc(recipe).splitlines()[0]}")
    kinds = ", ".join(f"of a {task} {words}" for task, (_, words) in TASKS.items())
    lines.append(f"The number is the error of the preset of that name: {kinds}.")
    return "\n".join(lines) + "\n"


def _tour(given):
    tour(given.output_dir, given.seed)


def _train(given):
    names = (*RECORD, "truncation")
    options = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    if given.preset == "":
        find_recipe(given.name)
        given.preset = checkout_folder(given.name)
    known = {"epochs": given.epochs, "seed": given.seed, "resume": given.resume}
    try:
        run, evaluation = train(given.name, _folder(given), **known, **options)
    except KeyboardInterrupt:
        if has_backup(_folder(given)):
            raise KeyboardInterrupt(_how_to_go_on(given)) from None
        raise
    _report(run, evaluation)
    print(f"Written to {_folder(given)}.")
    if run.facts.get("interrupted"):
        print(_how_to_go_on(given), file=sys.stderr)
        return 130
    if given.preset is not None:
        print(f"The preset is written to {write_preset(run, evaluation, given.preset)}.")
    return 0


def _folder(given):
    return given.output_dir or pathlib.Path("runs") / given.name


def _how_to_go_on(given):
    others = [argument for argument in given.arguments if argument != "--resume"]
    return f"Go on with: {shlex.join(['oscillator-zoo', *others, '--resume'])}"


def _sweep(given):
    points = grid_of(given.name, given.seeds, dict(given.set or ()))
    if given.processes is not None:
        positive_integer("processes", given.processes)
    folder = make_folder(given.output_dir or pathlib.Path("runs") / f"{given.name}-sweep")
    function = functools.partial(given.train_point, given.name, os.fspath(folder))

    def say(num_finished, row):
        shown = ", ".join(f"{name}={row[name]}" for name in points[0])
        print(f"{num_finished} of {len(points)}: {shown}", end="", flush=True)
        print(f": {row['error']}" if row["error"] else "", flush=True)

    of = f"trainings of {given.name}"  # wherever their folder is
    try:
        rows = rows_of(function, points, None, folder / "rows.jsonl", say, given.processes, of)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("The same command goes on.") from None
    print(table_of(rows))
    print(f"Written to {folder}.")
    return 1 if any(row["error"] for row in rows) else 0


def table_of(rows):
    """Rows of a sweep as columns of text."""
    names = list(dict.fromkeys(name for row in rows for name in row if name != "error"))
    if any(row["error"] for row in rows):
        names.append("error")
    cells = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ("  ".join(c.rjust(w) for c, w in zip(row, widths)).rstrip() for row in cells)
    return "\n".join(lines)


def _cell(value):
    return "–" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


def _evaluate(given):
    run = _opened(given)
    _report(run, run.evaluate())


def _plot(given):
    run = _opened(given)
    path = pathlib.Path(given.path)
    if given.path in preset_names():
        path = pathlib.Path("presets") / path
    beside = path.parent if path.is_file() else path
    folder = make_folder(given.output_dir or beside)
    for picture in save_pictures(run, run.evaluate(), folder):
        print(picture)


def _identify(given):
    names = (*RECORD[1:], "time_column", "measured", "input_kind")
    reading = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    found = identify(given.files, given.model, frame=given.frame, **reading)
    print(found)
    if given.plot is not None:
        with write_whole(given.plot) as temporary:
            found.plot()[0].figure.savefig(temporary)
        print(given.plot)


def _export(given):
    run = _found(given.path, {})
    export_model(run.model, given.folder)
    reader = READERS.get(pathlib.Path(given.folder).suffix, READERS[""])
    print(f"Written to {given.folder}. Read it with {reader}({given.folder!r}).")


def _opened(given):
    """The run to evaluate or draw, with a record to judge it on where it needs one."""
    record = {name: getattr(given, name) for name in RECORD if getattr(given, name) is not None}
    run = _found(given.path, record)
    if run.task != "solution" and run.test is None:
        raise ValueError(
            f"A model other than a PINN is judged on test data: {given.path} on a measured record, "
            "which does not come with it. Received none. Pass --data FILE, "
            "and --sampling-rate HZ if it has no column of times."
        )
    return run


def _found(path, record):
    """`open_run`, which says how to get an entry of the zoo that has no preset."""
    if path in recipes() and path not in preset_names() and not pathlib.Path(path).exists():
        raise FileNotFoundError(
            f"The entry {path} has no preset. Received its name. Train it with `oscillator-zoo "
            f"train {path}` and pass the folder, {pathlib.Path('runs') / path}."
        )
    return open_run(path, **record)


def _report(run, evaluation):
    print(evaluation)
    for note in run.notes:
        print(note)


COMMANDS = {
    "tour": _tour,
    "train": _train,
    "sweep": _sweep,
    "evaluate": _evaluate,
    "plot": _plot,
    "export": _export,
    "identify": _identify,
}
