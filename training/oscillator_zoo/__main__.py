"""The command line `oscillator-zoo`: its commands and their options, in `parser`.

Help, version, list and misspelt words are answered here. Whatever else is asked for is done by
`oscillator_zoo.training.commands`, which takes seconds to import.
"""

import argparse
import contextlib
import os
import pathlib
import sys

from . import __version__
from .quiet_import import train_point, without_start_up_log

WHAT = "preset, run folder, or a PINN's .keras file"
# What `list` prints, and the names of all entries; `python .ci/presets.py` writes it.
LISTING = pathlib.Path(__file__).with_name("listing.txt")


def main(arguments=None):
    """Run one command; errors of the user become one line on standard error and exit status 2.

    A command that Ctrl-C ended has exit status 130.
    """
    given = parser().parse_args(arguments)
    given.arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if given.command == "list":
            print(LISTING.read_text(encoding="utf-8"), end="")
            return 0
        _refuse_misspelt_names(given)
        with without_start_up_log():
            from oscillator_zoo.training.commands import run
        return run(given)
    except (ValueError, OSError, ImportError) as error:
        print(f"oscillator-zoo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print("oscillator-zoo: interrupted", *stop.args, sep="\n", file=sys.stderr)
        return 130


def parser():
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="oscillator-zoo", description="Keras models that learn and solve oscillators."
    )
    top.add_argument("--version", action="version", version=f"oscillator-zoo {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", dest="command", required=True)

    add = commands.add_parser("tour", help="train, forecast and solve, all in about a minute")
    add.add_argument("--output-dir", default="oscillator_zoo_tour", metavar="FOLDER")
    add.add_argument("--seed", type=int, default=0)

    commands.add_parser("list", help="the entries of the zoo")

    add = commands.add_parser("train", help="train an entry and write it to a folder")
    add.add_argument("name", metavar="NAME", help="as `oscillator-zoo list` shows it")
    add.add_argument("--output-dir", metavar="FOLDER", help="default: runs/NAME")
    add.add_argument("--epochs", type=int)
    add.add_argument("--seed", type=int, default=0)
    add.add_argument("--data", metavar="FILE", help="CSV file of a measured oscillator")
    _add_reading(add)
    text = "train elman-driven by gradients through so many steps"
    add.add_argument("--truncation", type=int, metavar="STEPS", help=text)
    add.add_argument("--resume", action="store_true", help="go on where training was broken off")
    text = "write a preset too; default: in a checkout, the package's own"
    add.add_argument("--preset", metavar="FOLDER", nargs="?", const="", help=text)

    _add_sweep(commands)

    _add_of_run(commands, "evaluate", "print the errors of a trained model")
    add = _add_of_run(commands, "plot", "draw a trained model's result")
    text = "default: beside the model; of a preset, presets/NAME"
    add.add_argument("--output-dir", metavar="FOLDER", help=text)

    _add_identify(commands)

    add = commands.add_parser("export", help="write a file to serve without this package")
    add.add_argument("path", metavar="NAME", help=WHAT)
    text = "folder of a SavedModel, or a file that ends in .onnx or .tflite"
    add.add_argument("folder", metavar="FOLDER", help=text)
    return top


def _add_of_run(commands, name, does):
    """A command that looks at a trained model, on its test data or those of a record."""
    add = commands.add_parser(name, help=does)
    add.add_argument("path", metavar="NAME", help=WHAT)
    add.add_argument("--data", metavar="FILE", help="CSV file, for a preset of a record")
    _add_reading(add)
    return add


def _add_sweep(commands):
    """The command that trains an entry many times."""
    add = commands.add_parser("sweep", help="train an entry with many seeds and options")
    add.add_argument("name", metavar="NAME", help="as `oscillator-zoo list` shows it")
    text = "such as 0:20 for 0, 1, … 19, or 0,3,5"
    add.add_argument("--seeds", type=_seeds, default=[0], metavar="FROM:TO", help=text)
    text = "an option of the entry, such as epochs=10,20; several make a grid"
    add.add_argument("--set", type=_values, action="append", metavar="NAME=VALUE,…", help=text)
    add.add_argument("--processes", type=int, metavar="NUM", help="default: one for each core")
    add.add_argument("--output-dir", metavar="FOLDER", help="default: runs/NAME-sweep")
    add.set_defaults(train_point=train_point)


def _seeds(text):
    """The seeds of 0:20, or of 0,3,5."""
    first, colon, end = text.partition(":")
    return list(range(int(first), int(end))) if colon else [int(seed) for seed in text.split(",")]


def _values(text):
    """The name and the values of epochs=10,20: integers, other numbers, or texts."""
    name, equals, values = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE,…, received {text!r}")
    return name.replace("-", "_"), [_value(value) for value in values.split(",")]


def _value(text):
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def _add_identify(commands):
    """The command that finds the constants in records."""
    help = "constants of a measured oscillator, from files of records"
    add = commands.add_parser("identify", help=help)
    add.add_argument("files", metavar="FILE", nargs="+", help="text; several share constants")
    help = "linear, quadratic_drag, dry_friction, duffing, quadratic_cubic, all_terms, pendulum"
    add.add_argument("--model", default="auto", metavar="NAME", help=help)
    _add_reading(add)
    add.add_argument("--measured", metavar="WHAT", help="position, velocity or acceleration")
    kinds = "force, base_position, base_velocity or base_acceleration"
    add.add_argument("--input-kind", metavar="WHAT", help=kinds)
    help = "base or ground: from where a motion on a shaken base is measured"
    add.add_argument("--frame", default="base", metavar="WHAT", help=help)
    add.add_argument("--plot", metavar="FILE", help="write a picture of the fit")


def _add_reading(add):
    """How the file of a record is read."""
    rate = "samples per second, for a file without times"
    add.add_argument("--sampling-rate", type=float, metavar="HZ", help=rate)
    for column in ("--time-column", "--input-column", "--output-column"):
        add.add_argument(column, type=_column, metavar="COLUMN", help="index or heading")


def _column(text):
    return int(text) if text.isdecimal() else text


def _refuse_misspelt_names(given):
    """Raise for a name of no entry, and for a path where nothing is."""
    entries = [line.split()[0] for line in LISTING.read_text(encoding="utf-8").splitlines()[:-1]]
    name = getattr(given, "name", getattr(given, "path", None))
    if name is None or name in entries:
        return
    from oscillator_zoo.data.checks import did_you_mean

    if given.command in ("train", "sweep"):
        raise ValueError(
            f"The zoo has {', '.join(entries)}. Received: {name!r}.{did_you_mean(name, entries)}"
        )
    if not os.path.lexists(name):
        raise ValueError(f"There is no {name}. Expected a {WHAT}.{did_you_mean(name, entries)}")


if __name__ == "__main__":
    sys.exit(main())
