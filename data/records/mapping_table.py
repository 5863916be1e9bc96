"""A record that is in memory: a pandas.DataFrame, or any mapping of names to arrays."""

import numpy as np

from .headings import is_time, words_of
from .text_table import Row, TextTable

SHOWN = 6  # names of columns in a message


def is_mapping(value):
    """Whether a value has columns by name, as a DataFrame, a dictionary or an `.npz` file has."""
    return hasattr(value, "keys") and hasattr(value, "__getitem__")


def table_of_mapping(mapping):
    """The `TextTable` of arrays by name, `(num,)` each; rows count from 0.

    The index of a DataFrame is a column too, if its name says that it is time, or if it is a time
    stamp. Times and durations of NumPy become seconds from the first one on.

    Raises:
        ValueError: for arrays of other shapes, or of different lengths.
    """
    columns = {str(name): _column(str(name), mapping[name]) for name in mapping.keys()}
    index = getattr(mapping, "index", None)
    values = np.asarray(index) if hasattr(index, "name") else np.zeros(0)
    name = str(getattr(index, "name", None) or "")
    stamps = values.dtype.kind in "mM"
    if stamps or (name and words_of(name) and is_time(TextTable("", [name], None, [], 1), 0)):
        columns = {name or "time": _column(name or "time", values), **columns}
    lengths = {len(values) for _, values in columns.values()}
    if len(lengths) != 1:
        sizes = ", ".join(f"{name} ({len(values)})" for name, (_, values) in columns.items())
        raise ValueError(
            "A record in memory must be arrays of one length by name. "
            f"Received: {sizes or 'no column'}. Pass a DataFrame, or a dictionary of arrays."
        )
    cells = [list(map(_text, values)) for _, values in columns.values()]
    rows = [Row(k, ", ".join(row), list(row)) for k, row in enumerate(zip(*cells))]
    headings = [heading for heading, _ in columns.values()]
    shown = list(columns)[:SHOWN]
    return TextTable(f"columns {', '.join(shown)}", headings, None, rows, len(headings), "row")


def _column(name, values):
    """Heading and values of a column; times of NumPy in s."""
    try:
        values = np.asarray(values)
    except ValueError:  # a list among the numbers, which is refused by its row
        values = np.asarray(values, object)
    if values.ndim != 1:
        raise ValueError(
            f"A column of a record must have the shape (num,). Received {values.shape} for "
            f"{name!r}. Pass a DataFrame, or a dictionary of arrays."
        )
    if values.dtype.kind in "mM" and len(values):
        return f"{name} (s)", (values - values[0]) / np.timedelta64(1, "s")
    return name, values


def _text(value):
    """A cell as text, from which the same float64 is read."""
    if isinstance(value, str):
        return value.strip()
    try:
        return repr(float(value))
    except (TypeError, ValueError):
        return "" if value is None else str(value)
