"""Measured records of an oscillator, from text files."""

import numpy as np

from ..checks import one_number
from .record_columns import choose_columns
from .record_headings import seconds_of
from .record_times import own_times, rated_times
from .text_table import read_table
from .trajectory import Trajectory


def load_measurement(
    path, sampling_rate=None, input_column=None, output_column=None, time_column=None
):
    """Read a record of an oscillator's position and of the force that drove it, if any did.

    The file is text with one sample a line, its columns separated by commas, semicolons or
    white space, with or without a line of headings and a row of units below it. Lines that begin
    with #, % or // are comments. Other columns may hold anything.

    The record's own times count. A column is their column if its heading says so (t, time,
    Time (s), time_ms, Zeit, timestamp, …) or, without a heading that says otherwise, if it rises
    throughout: the first column in a few equal steps, any in many. Its unit is s, or what the
    heading or the row of units says. Without such a column the sampling rate makes the times.

    Nothing is repaired: a gap in a record is a gap in its times, which stay as they are, and what
    needs equal steps says so.

    Args:
        path: the file, UTF-8.
        sampling_rate: samples per second, in Hz. May be left out where the file has times; given
            beside them it has to agree.
        input_column: the force's column: an index from 0, or its heading; False if no force acts.
            None takes the one headed as a force (force, F, input, u, …), else the first that is
            no time, unless it is the only one or known as something else.
        output_column: the position's column, the same. None takes the one headed as a position
            (position, x, angle, output, y, …), else the second that is no time, or the only one.
        time_column: the times' column, the same; False to go by `sampling_rate` alone.

    Returns:
        `Trajectory` of one trajectory, in the units of the file, with `feature_names`
        ("position",), the input as `force` (zeros for a free decay), and no `problem`. It starts
        at the first time of the file, or at t = 0.

    Raises:
        ValueError: for a column that is not there, a line with text, gaps, NaN or another number
            of columns or a time that does not increase, naming the line, a rate that the times
            contradict, or neither times nor a rate.
        FileNotFoundError: if there is no such file.

    Example:
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "record.csv"
    >>> _ = path.write_text("force_N,position_m\\n0.0,0.1\\n0.5,0.2\\n1.0,0.4\\n")
    >>> record = load_measurement(path, sampling_rate=10.0)
    >>> record.states[0, :, 0], record.force[0, :, 0]
    (array([0.1, 0.2, 0.4]), array([0. , 0.5, 1. ]))
    >>> _ = path.write_text("Time (ms),angle\\n0,0.50\\n10,0.49\\n20,0.47\\n")
    >>> load_measurement(path).times
    array([0.  , 0.01, 0.02])
    """
    if sampling_rate is not None:
        cure = "Leave it out where the file has a column of times."
        sampling_rate = one_number("sampling_rate", sampling_rate, "Hz", cure, above=0.0)
    table = read_table(path)
    columns = choose_columns(table, input_column, output_column, time_column, sampling_rate)
    forced = columns.force is not None
    force = table.numbers(columns.force) if forced else np.zeros(len(table.rows))
    position = table.numbers(columns.position)
    if len(table.rows) < 2:
        raise ValueError(
            f"A record needs at least two samples. Received {len(table.rows)} in {path}. "
            "Check the file."
        )
    if columns.time is None and sampling_rate is None:
        raise ValueError(
            "A record needs a column of times, or sampling_rate in Hz. Received neither: "
            f"{', '.join(map(table.name, range(table.num_columns)))} in {path}. "
            "Pass time_column or sampling_rate."
        )
    if columns.time is None:
        times = rated_times(len(position), sampling_rate)
    else:
        seconds = seconds_of(table, columns.time)
        times = own_times(table, columns.time, seconds, sampling_rate)
    return Trajectory(times, position[None, :, None], ("position",), force[None, :, None])
