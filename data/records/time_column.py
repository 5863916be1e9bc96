"""Which column of a record is its times, by its heading, its unit or its numbers."""

import numpy as np

from .cells import is_finite
from .column_index import index_of
from .headings import (
    has_unit_of_time,
    is_count,
    is_force,
    is_other,
    is_record_number,
    is_time,
    motion_of,
)
from .record_times import are_even

FEWEST_TIMES = 3  # that tell a first column of equal steps from any two numbers
FEWEST_RISING = 8  # that no force or position passes without falling once


def time_column_of(table, time_column, chosen):
    """Index of the column of times or None, and all columns that hold times or count samples."""
    columns = range(table.num_columns)
    times = [column for column in columns if is_time(table, column)]
    no_data = {c for c in columns if _counts(table, c) or is_record_number(table, c)}
    free = [column for column in columns if column not in no_data.union(chosen)]
    if not times:
        times = [c for c in free if has_unit_of_time(table, c) and _increases(table, c)]
    if not times:
        times = [column for column in free if _rises(table, column)]
        times.sort(key=lambda column: _has_unit_steps(table, column))  # it may count the samples
    no_data.update(times)
    if time_column is None:
        return (times[0] if times else None), no_data
    if time_column is False:
        return None, no_data
    column = index_of(table, "time_column", time_column)
    return column, no_data | {column}


def is_plainly_time(table, column, time, sampling_rate):
    """Whether a column that is to be a force or a position holds times without any doubt."""
    if column == time or is_time(table, column):
        return True
    if sampling_rate is None or column > 0 or not _rises(table, column):
        return False
    values = _numbers(table, column)
    return abs((values[-1] - values[0]) * sampling_rate - (len(values) - 1)) < 1e-3


def _counts(table, column):
    """Whether a column counts samples, all or every so many of them, and its heading says so."""
    values = _numbers(table, column) if is_count(table, column) else None
    steps = np.diff(values) if values is not None else ()
    return len(steps) > 0 and steps[0] > 0.0 and steps[0] % 1.0 == 0.0 and np.ptp(steps) == 0.0


def _increases(table, column):
    values = _numbers(table, column)
    return values is not None and len(values) > 1 and bool((np.diff(values) > 0.0).all())


def _has_unit_steps(table, column):
    values = _numbers(table, column)
    return values is not None and len(values) > 1 and bool((np.diff(values) == 1.0).all())


def _rises(table, column):
    """Whether a column rises as times do, and no heading says that it is something else.

    The first column may do so in a few equal steps; any other has to in many. Unequal steps are
    times in a first column of many samples.
    """
    if (
        table.num_columns < 2
        or is_force(table, column)
        or is_other(table, column)
        or motion_of(table, column)
    ):
        return False
    values = _numbers(table, column)
    fewest = FEWEST_RISING if column else FEWEST_TIMES
    if values is None or len(values) < fewest or not (np.diff(values) > 0.0).all():
        return False
    if column == 0 and len(values) >= FEWEST_RISING:
        return True
    return are_even(values, [row.cells[column] for row in table.rows if row.cells[column]])


def _numbers(table, column):
    """The numbers of a column, or None if it holds anything else, or gaps."""
    cells = [row.cells[column] for row in table.rows if any(c for c in row.cells)]
    if not cells or not all(map(is_finite, cells)):
        return None
    return np.array(cells, dtype=np.float64)
