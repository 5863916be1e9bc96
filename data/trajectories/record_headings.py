"""What the headings of a record say: time and its unit, force, position, or something else."""

import re

SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sekunde", "sekunden"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds", "millisekunden"), 1e-3),
    **dict.fromkeys(("us", "µs", "μs", "usec", "microsecond", "microseconds"), 1e-6),
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
OTHER = {"velocity", "vel", "v", "speed", "acceleration", "acc", "accel", "temperature"}
OTHER |= {"temp", "geschwindigkeit", "beschleunigung", "comment", "note", "flag"}


def words_of(heading):
    """Words of a heading in small letters: 'Time [ms]', 'time_ms' and 'timeMs' are time, ms."""
    heading = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading)
    return [word.lower() for word in re.findall(r"[^\W\d_]+", heading)]


def headed(table, columns, words):
    """Those of the columns of a `TextTable` whose heading begins with one of the words."""
    if table.headings is None:
        return []
    return [c for c in columns if (words_of(table.headings[c]) or [""])[0] in words]


def neither(table):
    """Words for what is no force and no position; a is an acceleration only beside a v."""
    firsts = [words_of(heading)[:1] for heading in table.headings or ()]
    return OTHER | ({"a"} if ["v"] in firsts else set())


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
    words = [] if table.headings is None else words_of(table.headings[column])
    return next((SECONDS[word] for word in reversed(words) if word in SECONDS), 1.0)
