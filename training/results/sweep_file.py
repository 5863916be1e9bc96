"""The rows of a sweep in a file, one JSON object a line, written as they are finished."""

import functools
import json
import os
import pathlib

import numpy as np

FORMAT = "oscillator-zoo sweep 1"


class SweepFile:
    """Reads the rows that an earlier sweep has written, and adds others; a context manager.

    A kill can cut the last line short: it is left out, and its point is computed again.

    Args:
        path: of the file; its folder must exist.
        of: text, what the rows are of, as `name_of` says it; one file belongs to one function.

    Raises:
        ValueError: for a file of something else, or a folder that cannot be written to.
    """

    def __init__(self, path, of):
        self.path, self.head = pathlib.Path(path), {"format": FORMAT, "of": of}
        self._rows = {}

    def __enter__(self):
        try:
            self._stream = open(self.path, "a+b")
        except OSError as error:
            raise ValueError(
                "The rows of a sweep need a file in a folder that can be written to. Received: "
                f"{self.path} ({error.strerror}). Make the folder or choose another."
            ) from error
        try:
            self._read()
        except BaseException:
            self._stream.close()
            raise
        return self

    def __exit__(self, *error):
        self._stream.close()

    def finished(self, arguments):
        """The row of a point that was computed without an error, or None."""
        row = self._rows.get(_key(arguments))
        return row if row is not None and row["error"] is None else None

    def write(self, arguments, row):
        """Add the row of a point; it is on the disk when this returns."""
        self._add({"point": arguments, "row": row})

    def _add(self, content):
        self._stream.write(json.dumps(content).encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def _read(self):
        self._stream.seek(0)
        whole, _, rest = self._stream.read().rpartition(b"\n")
        try:
            head, *lines = map(json.loads, whole.splitlines() or [json.dumps(self.head)])
            if head != self.head or (rest and not whole and not rest.startswith(b'{"format"')):
                raise ValueError(f"it holds {head}, where {self.head} is expected")
            for line in lines:
                self._rows[_key(line["point"])] = {"error": line["row"]["error"], **line["row"]}
        except (ValueError, TypeError, LookupError) as error:
            raise ValueError(
                "A sweep goes on with the file that it wrote, for the same function. Received: "
                f"{self.path} ({error}). Choose another file."
            ) from error
        self._stream.truncate(len(whole) + 1 if whole else 0)
        if not whole:
            self._add(self.head)


def _key(arguments):
    return json.dumps(arguments, sort_keys=True)


def name_of(function):
    """Which function a file belongs to: module and name, and what a `partial` has fixed."""
    if isinstance(function, functools.partial):
        return f"{name_of(function.func)} with {function.args!r} {function.keywords!r}"
    return f"{function.__module__}.{getattr(function, '__qualname__', type(function).__name__)}"


def arguments_of(point):
    """A point's arguments as a file can hold them.

    Raises:
        ValueError: if it is no dictionary of names and numbers or texts.
    """
    if not isinstance(point, dict) or "error" in point:
        raise ValueError(
            "A point is a dictionary of arguments, none of them called 'error', such as "
            f"{{'seed': 0}}. Received: {point!r}. Pass a list of dictionaries."
        )
    return plain(point)


def plain(value):
    """Numbers, texts, lists and dictionaries of them, as JSON has them; arrays become lists.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, np.generic | np.ndarray) and value.dtype.kind in "biufU":
        return value.tolist()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    raise ValueError(
        "Rows hold numbers, texts, and lists and dictionaries of them. Received: a "
        f"{type(value).__name__}. Return its numbers."
    )
