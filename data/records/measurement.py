"""Measured records of an oscillator, from files of instruments or from arrays."""

import numpy as np

from ..checks import one_number
from ..trajectories.trajectory import Trajectory
from .cells import number
from .columns import choose_columns
from .heading_units import unit_of
from .headings import is_record_number, seconds_of, unit_of_times
from .mapping_table import is_mapping, table_of_mapping
from .record_times import CLOCK, own_times, rated_times
from .text_table import read_tables


def load_measurement(
    path,
    sampling_rate=None,
    input_column=None,
    output_column=None,
    time_column=None,
    measured=None,
    input_kind=None,
):
    """Read what was measured of an oscillator: its motion, and what drove it, if anything did.

    The file is text with one sample a line, in UTF-8, UTF-16 or Latin-1, its columns separated by
    commas, semicolons, tabs, bars or white space, its numbers with a decimal point or comma, and an
    exponent after e, or d as of Fortran. A preamble, lines that begin with #, % or //, headings,
    and a row of units below them may stand before the numbers. Other columns may hold anything.

    The record's own times count. A column is their column if its heading says so (t, time,
    Time (s), time_ms, Zeit, timestamp, …) or its unit does, or, without a heading that says
    otherwise, if it rises throughout: the first column in a few equal steps, any in many. Its unit
    is s, or what the heading or the row of units says. Without such a column the sampling rate
    makes the times.

    Nothing is repaired. A sample that is empty or NaN is left out, and a gap in a record is a gap
    in its times, which stay as they are. What needs equal steps says so; `Trajectory.resample`
    makes them.

    A file may hold several records: between blank lines, where the times begin anew, or numbered
    in a column headed record, run, trial, … .

    Args:
        path: the file; or a `pandas.DataFrame` or another mapping of names to arrays; or a list
            of these.
        sampling_rate: samples per second, in Hz. May be left out where the file has times; given
            beside them it has to agree.
        input_column: the column of what drives: an index from 0, or its heading; False if nothing
            does. None takes the one headed as a force (force, F, input, u, …) or as the motion of
            a base (base, ground, shaker, …), else the first that is no time, unless it is the
            only one or known as something else.
        output_column: the column of the motion, the same. None takes the one headed as a position
            (position, x, angle, output, y, …), else the second that is no time, or the only one,
            else the only velocity or acceleration. A list makes a record of each.
        time_column: the times' column, the same; False to go by `sampling_rate` alone.
        measured: "position", "velocity" or "acceleration"; None for what the heading or the unit
            says, a position if they say nothing.
        input_kind: "force", "base_position", "base_velocity" or "base_acceleration"; None for
            what the heading or the unit says.

    Returns:
        `Trajectory` of one trajectory, in the units of the file, times in s; a list of them for
        several records. `feature_names` is what was measured, ("position",) for a position,
        `force` is the input (zeros for a free decay), `input_kind` says what that is and `units`
        the units that the file names; `problem` is None. It starts at the first time of the file,
        or at t = 0.

    Raises:
        ValueError: for a column that is not there, a cell with text, another number of columns or
            a time that does not increase, naming the line, a rate that the times contradict,
            neither times nor a rate, or headings that contradict the arguments.
        FileNotFoundError: if there is no such file.

    Example:
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "record.csv"
    >>> _ = path.write_text("force_N,position_m\\n0.0,0.1\\n0.5,0.2\\n1.0,0.4\\n")
    >>> record = load_measurement(path, sampling_rate=10.0)
    >>> record.states[0, :, 0], record.force[0, :, 0]
    (array([0.1, 0.2, 0.4]), array([0. , 0.5, 1. ]))
    >>> _ = path.write_text("Time (ms);a [g]\\n0;0,50\\n10;0,49\\n20;0,47\\n")
    >>> record = load_measurement(path)
    >>> record.times, record.feature_names, record.units["acceleration"]
    (array([0.  , 0.01, 0.02]), ('acceleration',), 'g')
    """
    if sampling_rate is not None:
        cure = "Leave it out where the file has a column of times."
        sampling_rate = one_number("sampling_rate", sampling_rate, "Hz", cure, above=0.0)
    sources = path if isinstance(path, list | tuple) else [path]
    outputs = output_column if isinstance(output_column, list | tuple) else [output_column]
    records = []
    for source in sources:
        tables = [table_of_mapping(source)] if is_mapping(source) else read_tables(source)
        for output in outputs:
            chosen = input_column, output, time_column, sampling_rate, (measured, input_kind)
            parts = [part for table in tables for part in _numbered_records(table)]
            columns = choose_columns(max(parts, key=lambda part: len(part.rows)), *chosen)
            for table in _joined(tables, columns.time):
                parts = _numbered_records(table)
                records += [_record(part, columns, sampling_rate) for part in parts]
    if not records:
        raise ValueError("A record is expected. Received an empty list. Pass a file.")
    return records if len(records) > 1 else records[0]


def _record(table, columns, sampling_rate):
    """The `Trajectory` in a table."""
    forced = columns.force is not None
    force = table.numbers(columns.force) if forced else np.zeros(len(table.rows))
    motion = table.numbers(columns.output)
    known = np.isfinite(motion) & np.isfinite(force)
    _check_length(table, columns, known)
    if columns.time is None and sampling_rate is None:
        raise ValueError(
            "A record needs a column of times, or sampling_rate in Hz. Received neither: "
            f"{', '.join(map(table.name, range(table.num_columns)))} in {table.path}. "
            "Pass time_column or sampling_rate."
        )
    if columns.time is None:
        times = rated_times(len(motion), sampling_rate)
    else:
        timed = np.isfinite(table.numbers(columns.time, CLOCK))
        _check_timed(table, columns.time, timed | ~known)
        table = table._replace(rows=[row for row, kept in zip(table.rows, timed) if kept])
        motion, force, known = motion[timed], force[timed], known[timed]
        times = own_times(table, columns.time, seconds_of(table, columns.time), sampling_rate)
    named = {columns.measured: columns.output, "force": columns.force, "time": columns.time}
    units = {
        what: unit_of(table, column)
        for what, column in named.items()
        if column is not None and unit_of(table, column)
    }
    unit = "s" if columns.time is None else unit_of_times(table, columns.time)  # a rate is in Hz
    units = units if not unit else {"time": unit} | units
    return Trajectory(
        times[known],
        motion[None, known, None],
        (columns.measured,),
        force[None, known, None],
        units=units,
        input_kind=columns.input_kind,
    )


def _check_length(table, columns, known):
    if not table.rows or np.count_nonzero(known) < 2:
        begin = f" from {table.place(table.rows[0])} on" if table.rows else ""
        raise ValueError(
            f"A record needs at least two samples. Received {np.count_nonzero(known)} in "
            f"{table.name(columns.output)} of {table.path}{begin}. Check the file."
        )


def _check_timed(table, column, timed):
    if not timed.all():
        row = table.rows[int(np.argmin(timed))]
        raise ValueError(
            f"Every sample needs its time. Received none in {table.place(row)}, in "
            f"{table.name(column)}. {CLOCK}"
        )


def _numbered_records(table):
    """The parts of a table that a column headed record, run, … numbers; the table without one."""
    for column in range(table.num_columns):
        numbers = [row.cells[column] for row in table.rows]
        begins = [i for i in range(len(numbers)) if i == 0 or numbers[i] != numbers[i - 1]]
        if is_record_number(table, column) and 1 < len(begins) == len(set(numbers)):
            ends = [*begins[1:], len(numbers)]
            return [table._replace(rows=table.rows[i:j]) for i, j in zip(begins, ends)]
    return [table]


def _joined(tables, time):
    """The tables between blank lines, those joined whose own times go on."""
    joined = tables[:1]
    for table in tables[1:]:
        ends = joined[-1].rows[-1], table.rows[0]
        before, after = (np.nan if time is None else number(row.cells[time]) for row in ends)
        if None not in (before, after) and before < after:
            joined[-1] = table._replace(rows=joined[-1].rows + table.rows)
        else:
            joined.append(table)
    return joined
