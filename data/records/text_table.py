"""A table of numbers in a text file, as instruments and spreadsheets write it."""

import collections
import re
from typing import NamedTuple

import numpy as np

from .cells import (
    COMMA_NUMBER,
    POINT_NUMBER,
    THOUSANDS,
    cells_of,
    is_finite,
    is_gap,
    number,
    separator_of,
    shown,
    with_points,
)
from .heading_units import is_unit
from .text_lines import text_lines

COMMENTS = ("#", "%", "//")
ENOUGH = 50  # lines at the end of a file, which tell how wide the table is


class Row(NamedTuple):
    """The cells of one line; `number` counts lines from 1, as editors do."""

    number: int
    line: str
    cells: list


class TextTable(NamedTuple):
    """What a file holds, or a part of it between blank lines.

    | field         | content                                          |
    |---------------|--------------------------------------------------|
    | `path`        | the file                                         |
    | `headings`    | a text for each column, or None                  |
    | `units`       | the row of units below the headings, or None     |
    | `rows`        | list of `Row`, the samples                       |
    | `num_columns` | of every row                                     |
    | `unit_of_row` | what a message calls a row: "line"               |
    """

    path: str
    headings: list | None
    units: list | None
    rows: list
    num_columns: int
    unit_of_row: str = "line"

    def name(self, column):
        """The column as a message names it."""
        return f"column {column}" if self.headings is None else repr(self.headings[column])

    def place(self, row):
        return f"{self.unit_of_row} {row.number}"

    def numbers(self, column, cure="Correct the cell, or leave it empty for a gap."):
        """One column, `(num,)`, NaN where a cell is empty.

        Raises:
            ValueError: for a cell that is neither a finite number nor empty, naming its line.
        """
        return np.array([self._number(row, column, cure) for row in self.rows])

    def _number(self, row, column, cure):
        text = row.cells[column]
        if is_finite(text):
            return float(text)
        if is_gap(text):
            return np.nan
        if self.num_columns == 1:
            raise ValueError(
                "output_column must be an index from 0 to 0 of a column of numbers: the file has "
                f"one column. Received {shown(text)} in {self.place(row)}. "
                "Separate columns by commas, semicolons or white space."
            )
        if THOUSANDS.fullmatch(text):
            cure = "Write numbers without marks between thousands."
        heading = "" if self.headings is None else f" ({self.headings[column]!r})"
        raise ValueError(
            f"Column {column}{heading} must hold finite numbers. Received {shown(text)} in "
            f"{self.place(row)}: {shown(row.line)}. {cure}"
        )


def read_tables(path):
    """The tables in a text file, a list of `TextTable`: one for each part between blank lines.

    Lines that begin with #, % or // are comments. The table begins with the first line that is as
    wide as most of the last ones and has a number where they do. Of the lines of texts before it,
    the last is the headings, or the row of units below them; others are a preamble. Without such
    a line, a comment right before the numbers that has as many columns is the headings.

    Raises:
        ValueError: for a line with another number of columns, naming it, or a file that is no text.
        FileNotFoundError: if there is no such file.
    """
    lines = _without_empty_end(text_lines(path))
    kept = [(k, line) for k, line in enumerate(lines, 1) if not _is_comment(line)]
    if not any(line.strip() for _, line in kept):
        what = "comments only" if any(line.strip() for line in lines) else "an empty file"
        raise ValueError(
            f"A record needs at least two samples. Received {what}, {path}. Check the file."
        )
    separator, width = _shape([line for _, line in kept if line.strip()])
    rows = [Row(k, line, cells_of(line, separator)) for k, line in kept]
    begin = _first_sample(rows, width)
    ragged = begin < len(rows) and rows[begin].cells[-1] == ""  # a separator ends the line
    headings, units, title = _headings(rows[:begin], separator, width, ragged)
    if begin < len(rows):
        commented = _headings_in_comment(lines, rows[begin].number, separator, width)
        if commented is not None:  # it is nearer to the numbers
            headings, units = commented, None
    tables = []
    for block in _blocks(rows[begin:], width):
        for row in block:
            if len(row.cells) != width:
                raise ValueError(_wrong_width(row, width, title if row is rows[begin] else None))
        tables.append(TextTable(path, headings, units, _pointed(block), width))
    return [_without_empty_column(table) for table in tables] or [
        TextTable(path, headings, units, [], width)
    ]


def _is_comment(line):
    return line.lstrip().startswith(COMMENTS) and not line.lstrip().startswith("#N/A")


def _without_empty_end(lines):
    """Lines without blank ones at the end; tabs in a line with cells are empty cells."""
    end = len(lines)
    while end > 1 and not lines[end - 1].strip(" \t\x1a\f"):
        end -= 1
    return [line.rstrip(" \x1a\f") for line in lines[:end]]


def _shape(lines):
    """The separator and the number of columns of most of the last lines."""
    counts = collections.Counter()
    for line in lines[-ENOUGH:]:
        separator = separator_of(line)
        counts[separator, len(cells_of(line, separator))] += 1
    return counts.most_common(1)[0][0]


def _first_sample(rows, width):
    """Index of the first row of a table: a number in the first column that holds numbers."""
    last = [with_points(row.cells) for row in rows[-ENOUGH:] if len(row.cells) == width]
    shares = [np.mean([number(cells[k]) is not None for cells in last]) for k in range(width)]
    if not max(shares) > 0.0:
        return min(1, len(rows))
    column = int(np.argmax(np.array(shares) >= 0.5 * max(shares)))

    def is_sample(row):
        return len(row.cells) == width and number(with_points(row.cells)[column]) is not None

    first = next((i for i, row in enumerate(rows) if is_sample(row)), len(rows) - 1)
    while first > 0 and any(rows[first - 1].cells) and all(map(is_gap, rows[first - 1].cells)):
        first -= 1
    return first


def _headings(rows, separator, width, ragged):
    """Headings, units and the row of headings, out of the lines before a table; None if absent."""
    texts = []
    for row in rows:
        cells = _split_as(row.line, separator, width)
        if ragged and len(cells) == width - 1:
            cells.append("")
        if len(cells) == width and any(cells) and all(number(cell) is None for cell in cells):
            texts.append((row, cells))
    if not texts or texts[-1][0] is not [row for row in rows if any(row.cells)][-1]:
        return None, None, None
    *others, (row, cells) = texts
    if others and any(map(is_unit, cells)):
        return others[-1][1], [cell.strip("[]() ") for cell in cells], others[-1][0]
    return cells, None, row


def _headings_in_comment(lines, first, separator, width):
    """The headings in the comment right before line `first`, if there are as many."""
    if first < 2 or not _is_comment(lines[first - 2]):
        return None
    cells = _split_as(lines[first - 2].lstrip().lstrip("#%/ "), separator, width)
    fitting = len(cells) == width and any(cells) and all(number(cell) is None for cell in cells)
    return cells if fitting else None


def _split_as(line, separator, width):
    """The headings in a line; among white space, 'Time (s)  Force (N)' are two."""
    found = cells_of(line, separator)
    if separator is None and len(found) != width:
        for pattern in (r"\s{2,}", r"\s+(?![\[(])", "[,;]"):
            words = [word.strip() for word in re.split(pattern, line.strip())]
            if len(words) == width:
                return words
    return found


def _blocks(rows, width):
    """The rows of samples between blank lines; headings that are repeated there are left out."""
    blocks, after_blank = [[]], False
    for row in rows:
        if not any(row.cells) and not row.line.strip():
            after_blank = True
            continue
        if after_blank:
            texts = len(row.cells) == width and not any(map(_is_value, with_points(row.cells)))
            if texts:
                continue
            blocks.append([])
            after_blank = False
        blocks[-1].append(row)
    return [block for block in blocks if block]


def _is_value(cell):
    return number(cell) is not None


def _pointed(rows):
    """Rows with decimal points; raises where points and commas are mixed."""
    commas = [row for row in rows if any(map(COMMA_NUMBER.fullmatch, row.cells))]
    if not commas and not any("d" in row.line.lower() for row in rows):
        return rows
    points = [row for row in rows if any(map(POINT_NUMBER.fullmatch, row.cells))]
    if commas and points:
        raise ValueError(
            "Numbers must have a decimal point or a decimal comma, one of them throughout. "
            f"Received line {commas[0].number}: {shown(commas[0].line)}, and line "
            f"{points[0].number}: {shown(points[0].line)}. Replace one by the other."
        )
    return [row._replace(cells=with_points(row.cells)) for row in rows]


def _without_empty_column(table):
    """A table without a last column that is empty, as separators at the ends of lines make it."""
    last = table.num_columns - 1
    named = table.headings is not None and table.headings[last]
    if last == 0 or named or any(row.cells[last] for row in table.rows):
        return table
    return table._replace(
        headings=table.headings and table.headings[:last],
        units=table.units and table.units[:last],
        rows=[row._replace(cells=row.cells[:last]) for row in table.rows],
        num_columns=last,
    )


def _wrong_width(row, num_columns, title):
    cure = "Fill the gap or cut the record there."
    if title is not None:
        cure += f" Or is line {title.number}, {shown(title.line)}, no line of headings? "
        cure += "Begin it with #."
    return (
        f"Every line must have {num_columns} columns, as most have. Received {len(row.cells)} "
        f"in line {row.number}: {shown(row.line)}. {cure}"
    )
