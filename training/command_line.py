"""The command `oscillator-zoo`."""

import argparse
import importlib.metadata
import inspect
import pathlib
import shlex
import sys

import tensorflow as tf

from oscillator_zoo.data.files import make_folder
from oscillator_zoo.models import available_presets, export_model
from oscillator_zoo.models.presets.card import TASKS
from oscillator_zoo.models.presets.preset import preset_names
from oscillator_zoo.models.presets.table import shown_error

from .results.pictures import save_pictures
from .results.resumable_run import has_backup
from .tour import tour
from .zoo.entries import find_recipe, recipes, train
from .zoo.preset_run import checkout_folder, open_run, write_preset

RECORD = ("data", "sampling_rate", "input_column", "output_column")
WHAT = "preset, run folder, or a PINN's .keras file"

READERS = {
    "": "tf.saved_model.load",
    ".onnx": "onnxruntime.InferenceSession",
    ".tflite": "ai_edge_litert.interpreter.Interpreter",
}


def main(arguments=None):
    """Run one command; errors of the user become one line on standard error and exit status 2.

    A command that Ctrl-C ended has exit status 130.
    """
    given = parser().parse_args(arguments)
    given.arguments = sys.argv[1:] if arguments is None else list(arguments)
    # TensorFlow would report every product in float64 that this optimisation cannot fuse.
    tf.config.optimizer.set_experimental_options({"remapping": False})
    try:
        return given.command(given) or 0
    except (ValueError, OSError, ImportError) as error:
        print(f"oscillator-zoo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("oscillator-zoo: interrupted", file=sys.stderr)
        if given.command is _train and has_backup(_folder(given)):
            _say_how_to_go_on(given)
        return 130


def parser():
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="oscillator-zoo", description="Keras models that learn and solve oscillators."
    )
    version = importlib.metadata.version("oscillator-zoo")
    top.add_argument("--version", action="version", version=f"oscillator-zoo {version}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    add = commands.add_parser("tour", help="train, forecast and solve, all in two minutes")
    add.add_argument("--output-dir", default="oscillator_zoo_tour", metavar="FOLDER")
    add.add_argument("--seed", type=int, default=0)
    add.set_defaults(command=_tour)

    add = commands.add_parser("list", help="the entries of the zoo")
    add.set_defaults(command=_list)

    add = commands.add_parser("train", help="train an entry and write it to a folder")
    add.add_argument("name", metavar="NAME", help="as `oscillator-zoo list` shows it")
    add.add_argument("--output-dir", metavar="FOLDER", help="default: runs/NAME")
    add.add_argument("--epochs", type=int)
    add.add_argument("--seed", type=int, default=0)
    add.add_argument("--data", metavar="FILE", help="CSV file of a measured oscillator")
    add.add_argument("--sampling-rate", type=float, metavar="HZ", help="samples per second")
    add.add_argument("--input-column", type=_column, metavar="COLUMN", help="index or heading")
    add.add_argument("--output-column", type=_column, metavar="COLUMN", help="index or heading")
    help = "train elman-driven by gradients through so many steps"
    add.add_argument("--truncation", type=int, metavar="STEPS", help=help)
    add.add_argument("--resume", action="store_true", help="go on where training was broken off")
    help = "write a preset too; default: in a checkout, the package's own"
    add.add_argument("--preset", metavar="FOLDER", nargs="?", const="", help=help)
    add.set_defaults(command=_train)

    for name, command, does in (
        ("evaluate", _evaluate, "print the errors of a trained model"),
        ("plot", _plot, "draw a trained model's result"),
    ):
        add = commands.add_parser(name, help=does)
        add.add_argument("path", metavar="NAME", help=WHAT)
        add.add_argument("--data", metavar="FILE", help="CSV file, for a preset of a record")
        add.add_argument("--sampling-rate", type=float, metavar="HZ", help="samples per second")
        add.add_argument("--input-column", type=_column, metavar="COLUMN", help="index or heading")
        add.add_argument("--output-column", type=_column, metavar="COLUMN", help="index or heading")
        add.set_defaults(command=command)
    help = "default: beside the model; of a preset, presets/NAME"
    add.add_argument("--output-dir", metavar="FOLDER", help=help)

    add = commands.add_parser("export", help="write a file to serve without this package")
    add.add_argument("path", metavar="NAME", help=WHAT)
    help = "folder of a SavedModel, or a file that ends in .onnx or .tflite"
    add.add_argument("folder", metavar="FOLDER", help=help)
    add.set_defaults(command=_export)
    return top


def _tour(given):
    tour(given.output_dir, given.seed)


def _list(given):
    width, presets = max(map(len, recipes())), available_presets()
    for name, recipe in recipes().items():
        error = shown_error(presets[name]) if name in presets else "–"
        print(f"{name:{width}}  {error:>7}  {inspect.getdoc(recipe).splitlines()[0]}")
    kinds = ", ".join(f"of a {task} {words}" for task, (_, words) in TASKS.items())
    print(f"The number is the error of the preset of that name: {kinds}.")


def _train(given):
    names = (*RECORD, "truncation")
    options = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    if given.preset == "":
        find_recipe(given.name)
        given.preset = checkout_folder(given.name)
    known = {"epochs": given.epochs, "seed": given.seed, "resume": given.resume}
    run, evaluation = train(given.name, _folder(given), **known, **options)
    _report(run, evaluation)
    print(f"Written to {_folder(given)}.")
    if run.facts.get("interrupted"):
        _say_how_to_go_on(given)
        return 130
    if given.preset is not None:
        print(f"The preset is written to {write_preset(run, evaluation, given.preset)}.")
    return 0


def _folder(given):
    return given.output_dir or pathlib.Path("runs") / given.name


def _say_how_to_go_on(given):
    others = [argument for argument in given.arguments if argument != "--resume"]
    print(f"Go on with: {shlex.join(['oscillator-zoo', *others, '--resume'])}", file=sys.stderr)


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
            "which does not come with it. Received none. Pass --data FILE and --sampling-rate HZ."
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


def _column(text):
    return int(text) if text.isdecimal() else text


if __name__ == "__main__":
    sys.exit(main())
