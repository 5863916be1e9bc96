"""Which column of a record is time, which the force, which the position."""

from typing import NamedTuple

import numpy as np

from ..checks import did_you_mean
from .record_headings import COUNT, FORCE, POSITION, headed, is_time, neither, words_of
from .record_times import are_even
from .text_table import number

FEWEST_TIMES = 3  # that tell a first column of equal steps from any two numbers
FEWEST_RISING = 8  # that no force or position passes without falling once


class RecordColumns(NamedTuple):
    """Indices of the columns; None: no time in the file, no force acts."""

    time: int | None
    force: int | None
    position: int


def choose_columns(table, input_column, output_column, time_column, sampling_rate=None):
    """`RecordColumns` of a `TextTable`, from the arguments of `load_measurement`.

    What is not given is told by the headings (`TIME`, `FORCE`, `POSITION` and what stands beside
    them), a time also by its numbers, and the rest by the order: force, position.

    Raises:
        ValueError: for a column that is not there or plainly holds something else.
    """
    given = {"input_column": input_column, "output_column": output_column}
    force, position = (
        None
        if column is None or (column is False and name == "input_column")
        else _index(table, name, column)
        for name, column in given.items()
    )
    time, no_data = _time_column(table, time_column, {force, position})
    for what, column in (("input_column", force), ("output_column", position)):
        if column is not None and _is_plainly_time(table, column, time, sampling_rate):
            raise ValueError(
                f"{what} must be a column of forces or positions. Received {given[what]!r}: the "
                f"numbers of {table.name(column)} are times. Pass another column."
            )
    rest = [column for column in range(table.num_columns) if column not in no_data]
    if position is None:
        position = _position(table, rest, force, time is not None)
    if force is None and input_column is not False:
        force = _force(table, rest, position, time is not None)
    if force == position:
        received = [force if column is None else column for column in given.values()]
        raise ValueError(
            "input_column and output_column must differ. "
            f"Received: {received[0]!r} and {received[1]!r}. Pass the two columns; "
            "input_column=False if no force acts."
        )
    return RecordColumns(time, force, position)


def _time_column(table, time_column, chosen):
    """Index of the column of times or None, and all columns that hold times or count samples."""
    columns = range(table.num_columns)
    times = [column for column in columns if is_time(table, column)]
    no_data = {column for column in columns if _counts(table, column)}.union(times)
    if not times:
        free = no_data.union(chosen)
        times = [column for column in columns if column not in free and _rises(table, column)]
        times.sort(key=lambda column: _has_unit_steps(table, column))  # it may count the samples
    no_data.update(times)
    if time_column is None:
        return (times[0] if times else None), no_data
    if time_column is False:
        return None, no_data
    column = _index(table, "time_column", time_column)
    return column, no_data | {column}


def _position(table, rest, force, timed):
    """The one column that is headed as a position; the second one, or the only one."""
    named = headed(table, rest, POSITION)
    if len(named) == 1:
        return named[0]
    named = [column for column in named if column != force]
    if named and timed:
        raise ValueError(
            "A record needs one column of positions. Received several that may be it: "
            f"{', '.join(map(table.name, named))}. Pass output_column; input_column=False if no "
            "force acts."
        )
    known = headed(table, rest, FORCE | neither(table))
    possible = [column for column in rest if column not in known and column != force]
    if len(rest) > 1 and rest[1] in possible:
        return rest[1]
    if not possible:
        raise ValueError(
            "A record needs a column of positions. Received none beside "
            f"{', '.join(table.name(c) for c in range(table.num_columns))} in {table.path}. "
            "Pass output_column, or another file."
        )
    return possible[0]


def _force(table, rest, position, timed):
    """The one column that is headed as a force; the first one, unless it is known as another."""
    others = [column for column in rest if column != position]
    named = headed(table, others, FORCE)
    if len(named) == 1:
        return named[0]
    known = neither(table) | (POSITION if timed else set())
    return None if set(others) <= set(headed(table, others, known)) else rest[0]


def _is_plainly_time(table, column, time, sampling_rate):
    """Whether a column that is to be a force or a position holds times without any doubt."""
    if column == time or is_time(table, column):
        return True
    if sampling_rate is None or column > 0 or not _rises(table, column):
        return False
    values = _numbers(table, column)
    return abs((values[-1] - values[0]) * sampling_rate - (len(values) - 1)) < 1e-3


def _counts(table, column):
    """Whether a column counts samples, all or every so many of them, and its heading says so."""
    if table.headings is None or (words_of(table.headings[column]) or [""])[0] not in COUNT:
        return False
    values = _numbers(table, column)
    steps = np.diff(values) if values is not None else ()
    return len(steps) > 0 and steps[0] > 0.0 and steps[0] % 1.0 == 0.0 and np.ptp(steps) == 0.0


def _has_unit_steps(table, column):
    values = _numbers(table, column)
    return values is not None and len(values) > 1 and bool((np.diff(values) == 1.0).all())


def _rises(table, column):
    """Whether a column rises as times do, and no heading says that it is something else.

    The first column may do so in a few equal steps; any other has to in many. Unequal steps are
    times in a first column of many samples.
    """
    if table.num_columns < 2 or headed(table, [column], FORCE | POSITION | neither(table)):
        return False
    values = _numbers(table, column)
    fewest = FEWEST_RISING if column else FEWEST_TIMES
    if values is None or len(values) < fewest or not (np.diff(values) > 0.0).all():
        return False
    if column == 0 and len(values) >= FEWEST_RISING:
        return True
    return are_even(values, [row.cells[column] for row in table.rows])


def _numbers(table, column):
    """A column as numbers, or None if it holds anything else."""
    values = [number(row.cells[column]) for row in table.rows]
    if None in values or not np.isfinite(values).all():
        return None
    return np.array(values)


def _index(table, name, column):
    """Index of a column that is given by index or heading."""
    headings = table.headings
    if isinstance(column, str):
        count = 0 if headings is None else headings.count(column)
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
