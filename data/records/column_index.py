"""A column that is named by index or heading."""

import numpy as np

from ..checks import did_you_mean
from .heading_units import without_unit


def index_of(table, name, column):
    """Index of a column that is given by index or heading."""
    headings = table.headings
    if isinstance(column, str):
        count = 0 if headings is None else headings.count(column)
        plain = [without_unit(heading).strip() for heading in headings or ()]
        if count == 0 and plain.count(column) == 1:
            return plain.index(column)
        if count != 1:
            known = "none" if headings is None else ", ".join(headings)[:300]
            which = [k for k, heading in enumerate(headings or ()) if heading == column]
            cure = did_you_mean(column, headings or ())
            if which:
                cure = f" Columns {' and '.join(map(str, which))} have it. Pass the index."
            raise ValueError(
                f"{name} must be an index or one of the file's headings ({known}). "
                f"Received: {column!r}.{cure}"
            )
        return headings.index(column)
    if isinstance(column, bool) or not isinstance(column, int | np.integer):
        raise ValueError(
            f"{name} must be an index from 0 or a heading. Received: {column!r}. Pass an integer."
        )
    if not 0 <= column < table.num_columns:
        first = headings or table.rows[0].cells
        raise ValueError(
            f"{name} must be an index from 0 to {table.num_columns - 1}: the first line has "
            f"{table.num_columns} columns, {str(first)[:300]}. Received: {column}. "
            "Separate columns by commas, semicolons or white space."
        )
    return int(column)
