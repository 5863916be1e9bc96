"""`run.json`: what a run's folder says about the model and the trajectories beside it."""

import hashlib
import json

from oscillator_zoo.data.checks import did_you_mean
from oscillator_zoo.data.files import reason, write_whole
from oscillator_zoo.models.presets.card import TASKS

FORMAT_VERSION = 1


def write_description(path, content, files):
    """Write `run.json`, whole or not at all.

    Args:
        path: where to write it.
        content: dictionary of the run's task, history, warm_up, notes and facts.
        files: paths of the run's other files, written before: their hashes go into this one.
    """
    hashes = {file.name: sha256(file) for file in files}
    content = {"format_version": FORMAT_VERSION, **content, "sha256": hashes}
    with write_whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_description(path):
    """The content that `write_description` was given.

    Files of earlier versions, without a format version or hashes, are read too.

    Raises:
        ValueError: if `run.json` is damaged, of a later format, or another kind of file, or if
            one of the files beside it is not the one it was written with.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        hashes = _check_content(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"run.json must be as `oscillator-zoo train` wrote it. Received: {path} "
            f"({type(error).__name__}: {reason(error)}). Train again."
        ) from error
    for name, expected in hashes.items():
        _check_file(path.parent / name, expected)
    return content


def _check_content(content):
    """Raise for a wrong content; takes the format version out, and returns the hashes."""
    version = content.pop("format_version", 1)
    if version != FORMAT_VERSION:
        raise ValueError(f"format_version {version!r}, where {FORMAT_VERSION} is expected")
    if content["task"] not in tuple(TASKS):
        raise KeyError(f"task {content['task']!r}.{did_you_mean(content['task'], TASKS)}")
    warm_up, notes, history = content["warm_up"], content["notes"], content["history"]
    if not isinstance(warm_up, int) or not 1 <= warm_up < 2**31:
        raise TypeError(f"warm_up {warm_up!r}, where a number of samples is expected")
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise TypeError("notes that are no list of texts")
    if not isinstance(history, dict) or not all(map(_is_numbers, history.values())):
        raise TypeError("a history that has no list of numbers for every metric")
    hashes = content.pop("sha256", {})
    if not isinstance(hashes, dict) or not all("/" not in name for name in hashes):
        raise TypeError("hashes that do not belong to files beside it")
    return hashes


def _is_numbers(values):
    return isinstance(values, list) and all(isinstance(value, float) for value in values)


def _check_file(file, expected):
    if not file.exists():
        raise FileNotFoundError(
            f"A run is read with all its files. There is no {file}, which run.json names. Train "
            "again."
        )
    if sha256(file) != expected:
        raise ValueError(
            "The files of a run must be those that its run.json was written with. Received: "
            f"{file} with another SHA-256, damaged or replaced. Train again; if you replaced it on "
            'purpose, delete its line under "sha256" in run.json.'
        )


def sha256(file):
    """Hash of a file's content, 64 hexadecimal digits."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
