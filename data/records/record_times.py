"""The times of a record: its own, or those of a sampling rate."""

import decimal

import numpy as np

from .cells import number

EVEN = 1e-3  # of a step: how far the times of an even grid may be from it
COARSEST = 0.2  # of a step: last digit up to which a grid is told from gaps in it
COARSEST_RATED = 0.8  # the same, where the sampling rate is known: a gap moves times by 1
RATE = 1e-3  # relative difference of two rates that mean the same: 610.35 Hz and 610.3516 Hz

CLOCK = (
    "Write times as numbers of seconds, cut the record there, or pass time_column=False and "
    "sampling_rate."
)


def rated_times(num, sampling_rate):
    """`(num,)`, from 0 on, in s."""
    return np.arange(num) / sampling_rate


def own_times(table, column, seconds, sampling_rate=None):
    """The times in a column of a `TextTable`, `(num,)`, in s.

    Times that are even, but for the rounding to their last digit or a thousandth of a step, are
    put on an exact grid. Others stay as they are.

    Args:
        table: `TextTable`.
        column: index of the times.
        seconds: their unit, in s.
        sampling_rate: what the user says it is, in Hz, or None.

    Raises:
        ValueError: for times that do not increase, naming the line, or that another rate has.
    """
    numbers = table.numbers(column, CLOCK)
    wrong = np.flatnonzero(np.diff(numbers) <= 0.0)
    if wrong.size:
        before, after = (table.rows[wrong[0] + k] for k in (0, 1))
        raise ValueError(
            f"Times must increase. Received {after.cells[column]} in {table.place(after)}, after "
            f"{before.cells[column]}, in {table.name(column)}. Sort the lines and drop "
            "repetitions; put a blank line between two records; or pass time_column=False and "
            f"sampling_rate if the times are too coarse.{_swapped(table, column)}"
        )
    cells = [row.cells[column] for row in table.rows]
    times = numbers * seconds
    step = (times[-1] - times[0]) / (len(times) - 1)
    if sampling_rate is not None:
        grid = times[0] + rated_times(len(times), sampling_rate)
        digit = min(_last_digit(cells) * seconds, COARSEST_RATED / sampling_rate)
        rounding = max(digit, EVEN / sampling_rate)
        if np.abs(times - grid).max() <= rounding * (1.0 + 1e-6):
            return grid
        if not are_even(numbers, cells) or abs(step * sampling_rate - 1.0) > RATE:
            raise ValueError(_conflict(table.name(column), times, step, sampling_rate))
    if not are_even(numbers, cells):
        return times
    grid = times[0] + step * np.arange(len(times))
    return times if np.abs(times - grid).max() <= 1e-9 * step else grid


def _swapped(table, column):
    """A doubt for the message, where another column rises as times do."""
    for other in range(table.num_columns):
        values = [number(row.cells[other]) for row in table.rows]
        if other != column and None not in values and (np.diff(values) > 0.0).all():
            return (
                f" The numbers of {table.name(other)} rise throughout: are the two columns "
                "swapped? Then pass time_column."
            )
    return ""


def are_even(numbers, cells):
    """Whether increasing numbers have equal steps, but for rounding to the last digit written.

    Args:
        numbers: `(num,)`.
        cells: their texts.
    """
    step = (numbers[-1] - numbers[0]) / (len(numbers) - 1)
    digit = _last_digit(cells)
    allowed = max(EVEN * step, digit if digit <= COARSEST * step else 0.0)
    grid = numbers[0] + step * np.arange(len(numbers))
    return bool(np.abs(numbers - grid).max() <= allowed * (1.0 + 1e-6))


def _last_digit(cells):
    """The smallest place that is written: 0.001 of '0.250' and '1e-3'."""
    return 10.0 ** min(decimal.Decimal(cell).as_tuple().exponent for cell in cells)


def _conflict(name, times, step, sampling_rate):
    steps = np.diff(times)
    uneven = np.ptp(steps) > 0.5 * step
    found = f"steps from {steps.min():g} s to {steps.max():g} s, " if uneven else ""
    return (
        "sampling_rate must be that of the record's own times. "
        f"Received: sampling_rate={sampling_rate:g} Hz, and times in {name} with {found}"
        f"{1.0 / step:g} Hz{' on average' if uneven else ''}. Leave sampling_rate out: the times "
        "count. If they are not in s, say so in their heading, as in 'time (ms)'. If they are no "
        "times, or wrong, pass time_column=False."
    )
