"""What the headings of a record say: time, force, base, position, velocity, acceleration."""

import re

from .heading_units import kind_by_unit, unit_of, without_unit

SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sekunde", "sekunden"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds", "millisekunden"), 1e-3),
    "millis": 1e-3,
    **dict.fromkeys(("us", "µs", "μs", "usec", "microsecond", "microseconds"), 1e-6),
    "micros": 1e-6,  # Arduino's words
    **dict.fromkeys(("ns", "nsec", "nanosecond", "nanoseconds"), 1e-9),
    **dict.fromkeys(("min", "mins", "minute", "minutes", "minuten"), 60.0),
    **dict.fromkeys(("h", "hr", "hour", "hours", "stunden"), 3600.0),
}
TIME = {"t", "time", "times", "timestamp", "timestamps", "stamp", "zeit", "temps", "tiempo"}
BESIDE_TIME = {"in", "elapsed", "relative", "rel", "abs", "absolute", "since", "start"}
BESIDE_TIME |= {"axis", "base", "of", "the", "measurement", "from", "record", "sample", "rec"}
COUNT = {"", "i", "k", "n", "no", "nr", "index", "idx", "sample", "samples", "row", "number"}
COUNT |= {"unnamed", "nummer", "count", "counter"}
FORCE = {"force", "f", "input", "u", "drive", "excitation", "load", "torque", "kraft", "forcing"}
POSITION = {"position", "pos", "output", "y", "x", "displacement", "deflection", "angle", "theta"}
POSITION |= {"phi", "response", "auslenkung", "weg", "winkel", "elongation"}
VELOCITY = {"velocity", "vel", "v", "speed", "geschwindigkeit", "xdot", "omega", "vx", "vy", "vz"}
ACCELERATION = {"acceleration", "acc", "accel", "accelerometer", "beschleunigung", "xddot"}
ACCELERATION |= {"ax", "ay", "az"}
OTHER = {"temperature", "temp", "temperatur", "comment", "note", "flag", "kommentar", "battery"}
BASE = {"base", "ground", "table", "shaker", "floor", "support", "basis", "boden", "fußpunkt"}
RECORD = {"record", "run", "trial", "shot", "experiment", "versuch", "messung"}
COORDINATES = {"x", "y", "theta", "phi", "output", "response"}
MOTIONS = ("position", "velocity", "acceleration")
INPUTS = ("force", "base_position", "base_velocity", "base_acceleration")


def words_of(heading):
    """Words of a heading in small letters: 'Time [ms]', 'time_ms' and 'timeMs' are time, ms."""
    heading = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading)
    return [word.lower() for word in re.findall(r"[^\W\d_]+", heading)]


def motion_of(table, column):
    """Which of `MOTIONS` a column holds, by its heading or its unit; None if neither says so.

    A letter such as x may be the coordinate of any of them: there the unit decides.
    """
    if table.headings is None or is_time(table, column) or is_force(table, column):
        return None
    words = words_of(without_unit(table.headings[column]))
    by_unit = kind_by_unit(unit_of(table, column))
    by_word = None
    if _any(words, ACCELERATION) or (words == ["a"] and _stands_beside_motion(table)):
        by_word = "acceleration"
    elif _any(words, VELOCITY):
        by_word = "velocity"
    elif _any(words[:1], POSITION):
        by_word = "position"
    loose = by_word is None or words[0] in COORDINATES
    return by_unit if by_unit in MOTIONS and loose else by_word


def is_base(table, column):
    """Whether the heading says that a column is the motion of what the oscillator stands on."""
    return table.headings is not None and _any(words_of(table.headings[column]), BASE)


def input_of(table, column):
    """Which of `INPUTS` a column holds; "" for a base of which nothing says what was measured."""
    if not is_base(table, column):
        return "force"
    words = words_of(without_unit(table.headings[column]))
    by_unit = kind_by_unit(unit_of(table, column))
    if by_unit not in MOTIONS:
        by_word = {"acceleration": ACCELERATION | {"a"}, "velocity": VELOCITY, "position": POSITION}
        by_unit = next((kind for kind, known in by_word.items() if _any(words, known)), None)
    return f"base_{by_unit}" if by_unit else ""


def is_other(table, column):
    """Whether the heading names something that is neither a force nor a motion."""
    return table.headings is not None and _any(words_of(table.headings[column])[:1], OTHER)


def is_force(table, column):
    """Whether the heading begins with a word for a force, or the unit is that of one."""
    if table.headings is None:
        return False
    words = words_of(table.headings[column])
    return _any(words[:1], FORCE) or kind_by_unit(unit_of(table, column)) == "force"


def is_count(table, column):
    """Whether the heading begins with a word for the number of a sample."""
    return table.headings is not None and (words_of(table.headings[column]) or [""])[0] in COUNT


def is_record_number(table, column):
    """Whether the heading says that a column tells several records apart."""
    words = [] if table.headings is None else words_of(table.headings[column])
    return _any(words[:1], RECORD) and set(words[1:]) <= COUNT | {"id"}


def _any(words, known):
    return any(word in known for word in words)


def _stands_beside_motion(table):
    """Whether a lone "a" is an acceleration: beside a column of times, or of v."""
    others = [words_of(heading) for heading in table.headings]
    return any(is_time(table, c) for c in range(table.num_columns)) or ["v"] in others


def is_time(table, column):
    """Whether the heading says so: a word for time, and nothing else but its unit."""
    if table.headings is None:
        return False
    heading = table.headings[column]
    words = words_of(heading)
    rest = [word for word in words if word not in TIME | BESIDE_TIME]
    if any(word not in SECONDS for word in rest):
        return False
    if len(words) == 1 and words[0] in SECONDS:
        return len(words[0]) > 1 and words[0] != "min"
    if words[:1] == ["t"] and heading.startswith("T") and not rest:
        return False  # a temperature, or a torque
    return any(word in TIME for word in words)


def seconds_of(table, column):
    """The unit of a column of times, in s: by the row of units, by its heading, or 1.

    Raises:
        ValueError: for another unit in the row of units.
    """
    unit = "" if table.units is None else table.units[column]
    words = words_of(unit)
    if unit not in ("", "-"):
        if len(words) == 1 and words[0] in SECONDS:
            return SECONDS[words[0]]
        raise ValueError(
            "The unit of a column of times must be one of s, ms, us, ns, min, h. Received: "
            f"{unit!r} below {table.headings[column]!r}. Write one of these, or pass "
            "time_column=False and sampling_rate."
        )
    return SECONDS.get(unit_of_times(table, column), 1.0)


def unit_of_times(table, column):
    """The unit that the row of units or a column's heading names; "" if neither does."""
    if table.units is not None and table.units[column] not in ("", "-"):
        return table.units[column]
    words = [] if table.headings is None else words_of(table.headings[column])
    return next((word for word in reversed(words) if word in SECONDS), "")


def has_unit_of_time(table, column):
    """Whether the row of units, or a unit in brackets, is one of time."""
    heading = "" if table.headings is None else table.headings[column]
    written = table.units is not None or heading.endswith(("]", ")"))
    return written and unit_of(table, column) in SECONDS
