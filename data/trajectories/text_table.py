"""A table of numbers in a text file, as instruments and spreadsheets write it."""

import csv
import math
import re
from typing import NamedTuple

import numpy as np

from ..files import open_to_read

COMMENTS = ("#", "%", "//")
MISSING = {"na", "n/a", "null", "none", "missing", "?"}


class Row(NamedTuple):
    """The cells of one line; `number` counts lines from 1, as editors do."""

    number: int
    line: str
    cells: list


class TextTable(NamedTuple):
    """What a file holds.

    | field         | content                                          |
    |---------------|--------------------------------------------------|
    | `path`        | the file                                         |
    | `headings`    | a text for each column, or None                  |
    | `units`       | the row of units below the headings, or None     |
    | `rows`        | list of `Row`, the samples                       |
    | `num_columns` | of every row                                     |
    """

    path: str
    headings: list | None
    units: list | None
    rows: list
    num_columns: int

    def name(self, column):
        """The column as a message names it."""
        return f"column {column}" if self.headings is None else repr(self.headings[column])

    def numbers(self, column, cure="Cut the record there, or interpolate the sample."):
        """One column, `(num,)`.

        Raises:
            ValueError: for a cell that is no finite number, naming its line.
        """
        return np.array([self._number(row, column, cure) for row in self.rows])

    def _number(self, row, column, cure):
        value = number(row.cells[column])
        if value is not None and math.isfinite(value):
            return value
        if self.num_columns == 1:
            raise ValueError(
                "output_column must be an index from 0 to 0 of a column of numbers: the file has "
                f"one column. Received {shown(row.cells[0])} in line {row.number}. "
                "Separate columns by commas, semicolons or white space."
            )
        raise ValueError(
            f"Column {column} must hold finite numbers with a decimal point. "
            f"Received {shown(row.cells[column])} in line {row.number}: {shown(row.line)}. {cure}"
        )


def read_table(path):
    """The table in a text file: comments left out, headings and a row of units told apart.

    Lines that begin with #, % or // are comments. Headings are a first line of texts, or, if the
    first line holds numbers, a comment right before it that has as many columns.

    Raises:
        ValueError: for a line with another number of columns, naming it, or a file that is no text.
        FileNotFoundError: if there is no such file.
    """
    lines, comment = _lines(path)
    separator = _separator(lines[min(1, len(lines) - 1)][1])
    first = _cells(lines[0][1], separator)
    if not any(first):
        raise ValueError(
            "The first line must hold headings or a sample. "
            f"Received: {shown(lines[0][1])} in {path}. Delete the line."
        )
    headings, title = None, None
    if all(number(cell) is None for cell in first):
        title = lines.pop(0)
        width = len(_cells(lines[0][1], separator)) if lines else len(first)
        headings = _headings(title[1], separator, width)
    elif comment is not None:
        headings = _headings(comment, separator, len(first))
        headings = headings if _are_headings(headings, len(first)) else None
    num_columns = len(first if headings is None else headings)
    rows = [Row(k, line, _cells(line, separator)) for k, line in lines]
    units = None
    if headings and rows and _are_units(rows[0].cells, num_columns):
        units = rows.pop(0).cells
    for row in rows:
        if len(row.cells) != num_columns:
            raise ValueError(_wrong_width(row, num_columns, title if row is rows[0] else None))
    return TextTable(path, headings, units, rows, num_columns)


def number(text):
    """The number that a cell holds, None for anything else."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def shown(text):
    """A text in quotes; only the beginning of a long one."""
    return repr(text if len(text) <= 60 else text[:60] + "…")


def _lines(path):
    """(number, line) of all lines but comments and the empty ones at the end; a comment before."""
    try:
        with open_to_read(path, "A measured record (CSV)", encoding="utf-8-sig") as file:
            text = file.read()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"A measurement must be a text file in UTF-8. Received: {path} ({error}). "
            "Export it as CSV."
        ) from error
    numbered = list(enumerate(_without_empty_end(text).split("\n"), start=1))
    lines = [(k, line) for k, line in numbered if not line.lstrip().startswith(COMMENTS)]
    if not lines or lines == [(1, "")]:
        what = "an empty file" if text.strip() == "" else "comments only"
        raise ValueError(
            f"A record needs at least two samples. Received {what}, {path}. Check the file."
        )
    before = lines[0][0] - 1
    return lines, numbered[before - 1][1].lstrip().lstrip("#%/ ") if before else None


def _without_empty_end(text):
    """A text without blank lines at its end; tabs in a line with cells are empty cells."""
    end = len(text.rstrip())
    return text[:end] + text[end:].partition("\n")[0].rstrip(" \r")


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


def _headings(line, separator, width):
    """The headings in a line; among white space, 'Time (s)  Force (N)' are two."""
    found = _cells(line, separator)
    if separator is None and len(found) != width:
        for pattern in (r"\s{2,}", r"\s+(?![\[(])", ","):
            words = [word.strip() for word in re.split(pattern, line.strip())]
            if len(words) == width:
                return words
    return found


def _are_headings(cells, width):
    return len(cells) == width and any(cells) and all(number(cell) is None for cell in cells)


def _are_units(cells, width):
    """Whether a line below the headings holds units: texts, none of which begins like a number."""
    texts = [cell for cell in cells if cell not in ("", "-")]
    return (
        bool(texts)
        and len(cells) == width
        and all(
            number(text) is None and text.lower() not in MISSING and re.match(r"[^\d+.,?-]", text)
            for text in texts
        )
    )


def _wrong_width(row, num_columns, title):
    cure = "Fill the gap or cut the record there."
    if title is not None:
        cure += f" Or is line {title[0]}, {shown(title[1])}, no line of headings? Begin it with #."
    return (
        f"Every line must have {num_columns} columns, as the first one. Received {len(row.cells)} "
        f"in line {row.number}: {shown(row.line)}. {cure}"
    )
