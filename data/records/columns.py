"""Which column of a record is time, which the input, which the motion."""

from typing import NamedTuple

from ..checks import one_of
from .column_index import index_of
from .heading_units import kind_by_unit, unit_of
from .headings import INPUTS, MOTIONS, input_of, is_base, is_force, is_other, motion_of
from .time_column import is_plainly_time, time_column_of

PLURAL = {"position": "positions", "velocity": "velocities", "acceleration": "accelerations"}


class RecordColumns(NamedTuple):
    """Indices of the columns, and what they hold; None: no time in the file, no input acts."""

    time: int | None
    force: int | None
    output: int
    measured: str
    input_kind: str


def choose_columns(table, input_column, output_column, time_column, sampling_rate, kinds):
    """`RecordColumns` of a `TextTable`, from the arguments of `load_measurement`.

    What is not given is told by the headings and units, a time also by its numbers, and the rest
    by the order: force, position.

    Args:
        kinds: (measured, input_kind) as given, or None.

    Raises:
        ValueError: for a column that is not there or plainly holds something else.
    """
    given = {"input_column": input_column, "output_column": output_column}
    force, output = (
        None
        if column is None or (column is False and name == "input_column")
        else index_of(table, name, column)
        for name, column in given.items()
    )
    time, no_data = time_column_of(table, time_column, {force, output})
    for what, column in (("input_column", force), ("output_column", output)):
        if column is not None and is_plainly_time(table, column, time, sampling_rate):
            raise ValueError(
                f"{what} must be a column of forces or positions. Received {given[what]!r}: the "
                f"numbers of {table.name(column)} are times. Pass another column."
            )
    rest = [column for column in range(table.num_columns) if column not in no_data]
    if output is None:
        needs_input = force is None and input_column is not False
        output = _output(table, rest, force, needs_input, time is not None, kinds[0])
    if force is None and input_column is not False:
        force = _force(table, rest, output, time is not None)
    if force == output:
        received = [force if column is None else column for column in given.values()]
        raise ValueError(
            "input_column and output_column must differ. "
            f"Received: {received[0]!r} and {received[1]!r}. Pass the two columns; "
            "input_column=False if no force acts."
        )
    _check_not_swapped(table, force, output)
    return RecordColumns(time, force, output, *_kinds(table, force, output, *kinds))


def _kinds(table, force, output, measured, input_kind):
    """What was measured and what drives, as given or as the headings and units say."""
    by_unit = kind_by_unit(unit_of(table, output))
    if measured is None:
        measured = motion_of(table, output) or "position"
    elif by_unit in MOTIONS and by_unit != one_of("measured", measured, MOTIONS):
        raise ValueError(
            f"measured must be what the unit says. Received: {measured!r}, and the unit "
            f"{unit_of(table, output)!r} of {table.name(output)}. Pass measured={by_unit!r}, or "
            "another output_column."
        )
    one_of("measured", measured, MOTIONS)
    if input_kind is None:
        input_kind = "force" if force is None else input_of(table, force)
        if not input_kind:
            raise ValueError(
                "The motion of the base must be a position, a velocity or an acceleration. "
                f"Received the heading {table.name(force)}, which says none. Pass input_kind, one "
                f"of {', '.join(INPUTS)}."
            )
    return measured, one_of("input_kind", input_kind, INPUTS)


def _check_not_swapped(table, force, output):
    if force is not None and is_force(table, output) and motion_of(table, force) is not None:
        raise ValueError(
            "input_column must be what drives, output_column the motion. Received them swapped, "
            f"as the headings say: input {table.name(force)}, output {table.name(output)}. "
            "Exchange the two."
        )


def _output(table, rest, force, needs_input, timed, measured):
    """The column that is headed as the motion that is looked for; the second one, or the only one.

    A position comes first, then a column of which nothing is known, then v, then a. Of columns of
    which nothing is known there may be one, and one more where an input is looked for.
    """
    motions = {c: motion_of(table, c) for c in rest if not is_base(table, c)}
    wanted = one_of("measured", measured, MOTIONS) if measured else "position"
    named = [column for column, motion in motions.items() if motion == wanted]
    if len(named) == 1:
        return named[0]
    possible = [column for column in motions if column != force]
    named = [column for column in named if column != force]
    if named and (timed or measured):
        raise ValueError(_several(table, PLURAL[wanted], named))
    unknown = [c for c in possible if motions[c] in (None, wanted) and not _is_known(table, c)]
    is_input_named = any(is_force(table, c) or is_base(table, c) for c in rest)
    if len(unknown) > (2 if needs_input and not is_input_named else 1):
        raise ValueError(_several(table, PLURAL[wanted], unknown))
    if unknown:
        return rest[1] if len(rest) > 1 and rest[1] in unknown else unknown[0]
    for motion in MOTIONS if measured is None else ():
        named = [column for column in possible if motions[column] == motion]
        if len(named) > 1:
            raise ValueError(_several(table, "motions", named))
        if named:
            return named[0]
    raise ValueError(
        f"A record needs a column of {PLURAL[wanted]}. Received none beside "
        f"{', '.join(table.name(c) for c in range(table.num_columns))} in {table.path}. "
        "Pass output_column, or another file."
    )


def _force(table, rest, output, timed):
    """The one column headed as a force or a base; the first one, unless it is known as another."""
    others = [column for column in rest if column != output]
    bases = [column for column in others if is_base(table, column)]
    named = [column for column in others if is_force(table, column) and column not in bases]
    if len(bases) > 1 and not named:
        raise ValueError(
            "A record needs one input. Received several columns of the base: "
            f"{', '.join(map(table.name, bases))}. Pass input_column."
        )
    if len(named) == 1:
        return named[0]
    if bases and not named:
        return bases[0]

    def is_no_force(column):
        motion = motion_of(table, column)
        return is_other(table, column) or (motion and (timed or motion != "position"))

    return None if all(map(is_no_force, others)) else rest[0]


def _is_known(table, column):
    """Whether the heading names a force, or something that no oscillator does."""
    return is_force(table, column) or is_other(table, column)


def _several(table, what, columns):
    return (
        f"A record needs one column of {what}. Received several that may be it: "
        f"{', '.join(map(table.name, columns))}. Pass output_column; input_column=False if no "
        "force acts."
    )
