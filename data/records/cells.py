"""The cells of a line: separators, numbers, decimal commas, gaps."""

import csv
import math
import re

COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+([eEdD][+-]?\d+)?")
POINT_NUMBER = re.compile(r"[+-]?(\d+\.\d*|\.\d+)([eEdD][+-]?\d+)?")
FORTRAN = re.compile(r"([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+))[dD]([+-]?\d+)")
THOUSANDS = re.compile(r"[+-]?\d{1,3}([., '’]\d{3})+([.,]\d*)?")
MISSING = {"", "nan", "na", "n/a", "#n/a", "null", "none", "missing", "?", "-", "--"}


def number(text):
    """The number that a cell holds, None for anything else."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def is_gap(text):
    """Whether a cell holds nothing: it is empty, NaN or a word for it."""
    return text.lower().lstrip("+-") in MISSING or text in MISSING


def is_finite(text):
    """Whether a cell holds a number that a record may hold."""
    value = number(text)
    return value is not None and math.isfinite(value)


def separator_of(line):
    """The separator of a line: semicolon, tab, bar, comma, or None for other white space."""
    for mark in ";\t|":
        if mark in line:
            return mark
    if "," not in line:
        return None
    words = line.split()
    numbers = all(COMMA_NUMBER.fullmatch(word) or number(word) is not None for word in words)
    return None if numbers and len(words) > 1 else ","


def cells_of(line, separator):
    """The texts between the separators, quotation marks removed."""
    if '"' not in line:
        return [cell.strip() for cell in line.split(separator)]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator or " "))]
    except csv.Error:  # a cell beyond the csv module's limit
        return [line]


def with_points(cells):
    """Cells with a decimal point in the place of a comma, and an e in that of Fortran's d."""
    cells = [FORTRAN.sub(r"\1e\2", c) if FORTRAN.fullmatch(c) else c for c in cells]
    return [c.replace(",", ".") if COMMA_NUMBER.fullmatch(c) else c for c in cells]


def shown(text):
    """A text in quotes; only the beginning of a long one."""
    return repr(text if len(text) <= 60 else text[:60] + "…")
