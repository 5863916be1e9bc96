"""Measured records of a driven oscillator, from text files."""

import csv
import math

import numpy as np

from ..checks import did_you_mean, real_value
from ..files import open_to_read
from .trajectory import Trajectory


def load_measurement(path, sampling_rate, input_column=0, output_column=1):
    """Read a record of an oscillator's input (the force) and output (the position).

    The file is text with one sample a line, its columns separated by commas, semicolons or
    white space, with or without a line of headings. Other columns may hold anything. Nothing is
    repaired: a gap in a record is a gap in time, which no time step can bridge.

    Args:
        path: the file, UTF-8.
        sampling_rate: samples per second, in Hz.
        input_column: the force's column: an index from 0, or its heading.
        output_column: the position's column, the same.

    Returns:
        `Trajectory` of one trajectory that starts at t = 0, in the units of the file, with
        `feature_names` ("position",), the input as `force`, and no `problem`.

    Raises:
        ValueError: for a column that is not there, or a line with text, gaps, NaN or another
            number of columns, naming the line.
        FileNotFoundError: if there is no such file.

    Example:
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "record.csv"
    >>> _ = path.write_text("force_N,position_m\\n0.0,0.1\\n0.5,0.2\\n1.0,0.4\\n")
    >>> record = load_measurement(path, sampling_rate=10.0, output_column="position_m")
    >>> record.states[0, :, 0], record.force[0, :, 0]
    (array([0.1, 0.2, 0.4]), array([0. , 0.5, 1. ]))
    """
    sampling_rate = real_value("sampling_rate", sampling_rate, "Hz", above=0.0, arrays=False)
    if np.ndim(sampling_rate):
        raise ValueError(
            f"sampling_rate must be one number in Hz. Received: {sampling_rate!r}. "
            "Samples must be equidistant."
        )
    lines = _lines(path)
    separator = _separator(lines[min(1, len(lines) - 1)])
    first = _cells(lines[0], separator)
    if not any(first):
        raise ValueError(
            "The first line must hold headings or a sample. "
            f"Received: {_shown(lines[0])} in {path}. Delete the line."
        )
    headings = first if all(_number(cell) is None for cell in first) else None
    columns = [
        _column(name, column, first, headings)
        for name, column in (("input_column", input_column), ("output_column", output_column))
    ]
    if columns[0] == columns[1]:
        raise ValueError(
            "input_column and output_column must differ. "
            f"Received: {input_column!r} and {output_column!r}. Pass the two columns."
        )
    start = 1 if headings else 0
    if len(lines) - start < 2:
        raise ValueError(
            f"A record needs at least two samples. Received {len(lines) - start} in {path}. "
            "Check the file."
        )
    samples = np.array(
        [
            _sample(line, start + k + 1, separator, len(first), columns)
            for k, line in enumerate(lines[start:])
        ]
    )
    times = np.arange(len(samples)) / sampling_rate
    force, position = samples[None, :, :1], samples[None, :, 1:]
    return Trajectory(times, position.copy(), ("position",), force.copy())


def _lines(path):
    """The lines of a text file without the empty ones at its end."""
    try:
        with open_to_read(path, "A measured record (CSV)", encoding="utf-8-sig") as file:
            text = file.read()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"A measurement must be a text file in UTF-8. Received: {path} ({error}). "
            "Export it as CSV."
        ) from error
    lines = text.rstrip().split("\n")
    if lines == [""]:
        raise ValueError(
            f"A record needs at least two samples. Received an empty file, {path}. Check the file."
        )
    return lines


def _separator(line):
    """The separator of a line: semicolon, tab, comma, or None for other white space."""
    return next((mark for mark in ";\t," if mark in line), None)


def _cells(line, separator):
    if '"' not in line:
        return [cell.strip() for cell in line.split(separator)]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator or " "))]
    except csv.Error:  # a cell beyond the csv module's limit
        return [line]


def _number(text):
    """The number that a cell holds, None for anything else."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _column(name, column, first, headings):
    """Index of a column that is given by index or heading."""
    if isinstance(column, str):
        if headings is None or headings.count(column) != 1:
            known = "none" if headings is None else ", ".join(headings)[:300]
            raise ValueError(
                f"{name} must be an index or one of the file's headings ({known}). "
                f"Received: {column!r}.{did_you_mean(column, headings or ())}"
            )
        return headings.index(column)
    if isinstance(column, bool) or not isinstance(column, int | np.integer):
        raise ValueError(
            f"{name} must be an index from 0 or a heading. Received: {column!r}. Pass an integer."
        )
    if not 0 <= column < len(first):
        raise ValueError(
            f"{name} must be an index from 0 to {len(first) - 1}: the first line has "
            f"{len(first)} columns, {str(first)[:300]}. Received: {column}. "
            "Separate columns by commas, semicolons or white space."
        )
    return int(column)


def _sample(line, number, separator, num_columns, columns):
    """Input and output of one line; `number` counts lines from 1, as editors do."""
    cells = _cells(line, separator)
    if len(cells) != num_columns:
        raise ValueError(
            f"Every line must have {num_columns} columns, as the first one. "
            f"Received {len(cells)} in line {number}: {_shown(line)}. "
            "Fill the gap or cut the record there."
        )
    values = [_number(cells[column]) for column in columns]
    for column, value in zip(columns, values):
        if value is None or not math.isfinite(value):
            raise ValueError(
                f"Column {column} must hold finite numbers with a decimal point. "
                f"Received {_shown(cells[column])} in line {number}: {_shown(line)}. "
                "Cut the record there, or interpolate the sample."
            )
    return values


def _shown(text):
    """A text in quotes; only the beginning of a long one."""
    return repr(text if len(text) <= 60 else text[:60] + "…")
