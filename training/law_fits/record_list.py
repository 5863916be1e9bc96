"""Records as `identify` takes them: what was measured, when, and under which force."""

import dataclasses
import itertools
import os
import re

import numpy as np

from oscillator_zoo.data import Trajectory, load_measurement
from oscillator_zoo.data.checks import brief, one_of

from .base_motion import FRAMES, on_the_base

QUANTITIES = ("position", "velocity", "acceleration")
GAP = 1.5  # middle steps; a longer one lacks a sample
FEWEST = 12  # samples that hold a number
FAR = 2.0  # ranges of all other numbers, that a number is away which may stand for a gap
DEGREES = re.compile("(?:deg|degrees?|°|º)(?![A-Za-z])", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Record:
    """One motion of an oscillator.

    | field      | content                                                             |
    |------------|---------------------------------------------------------------------|
    | `name`     | of the file, or a number, for messages                              |
    | `times`    | `(N,)`, increasing, in s                                            |
    | `values`   | what was measured, `(N,)`                                           |
    | `force`    | at `times`, `(N,)`, or None for a free decay                        |
    | `quantity` | "position", "velocity" or "acceleration"                            |
    | `kept`     | of a driven record: which samples hold a number, `(N,)`; else all   |
    | `units`    | by "force" or the quantity, as the file names them; of angles rad    |
    | `timed`    | whether a unit of the times is known; else they are taken to be in s |
    | `on_base`  | whether `force` is the acceleration of the base                     |
    | `middle`   | value about which it moves, or None for the mean                    |
    | `scaled`   | whether its instrument has a scale of its own                       |
    """

    name: str
    times: np.ndarray
    values: np.ndarray
    force: np.ndarray | None
    quantity: str
    kept: np.ndarray
    units: dict = dataclasses.field(default_factory=dict)
    timed: bool = True
    on_base: bool = False
    middle: float | None = None
    scaled: bool = False

    @property
    def duration(self):
        return self.times[-1] - self.times[0]

    @property
    def is_even(self):
        """Whether all steps are equal, so that lags and filters mean something."""
        steps = np.diff(self.times)
        rounding = 8.0 * np.finfo(float).eps * np.abs(self.times).max()
        return np.ptp(steps) <= 1e-3 * steps.mean() + rounding

    def part(self, chosen):
        """Some of the samples, one after the other: a slice or a mask."""
        arrays = {name: getattr(self, name) for name in ("times", "values", "force", "kept")}
        parts = {name: array[chosen] for name, array in arrays.items() if array is not None}
        return dataclasses.replace(self, **parts)


def as_records(given, frame="base", scale="shared", **options):
    """A list of `Record`, from whatever `identify` was given.

    A driven record with gaps becomes several, each with its own start, since nothing is known of
    the force in a gap.

    Args:
        given: a `Trajectory`, a path or whatever else `load_measurement` reads, or a list of them.
        frame: "base" or "ground", from where a motion on a shaken base is measured.
        scale: "shared" or "own", of the instruments that measured the records.
        **options: of `load_measurement`.

    Raises:
        ValueError: for records without numbers, without motion, of different kinds, or with a
            force that is not known throughout or unevenly sampled.
    """
    one_of("frame", frame, FRAMES)
    one_of("scale", scale, ("shared", "own"))
    given = given if isinstance(given, list | tuple) else [given]
    if not given:
        raise ValueError("identify needs at least one record. Received an empty list. Pass one.")
    if options and any(isinstance(one, Trajectory) for one in given):
        raise ValueError(
            f"{', '.join(options)} say how a file is read. Received them beside a Trajectory, "
            "which is read already. Leave them out."
        )
    records = []
    for number, one in enumerate(given):
        name, read = f"record {number + 1}", one
        if not isinstance(one, Trajectory):
            name = os.path.basename(one) if isinstance(one, str | os.PathLike) else name
            read = load_measurement(one, **options)
        read = read if isinstance(read, list) else [read]
        motions = [(motion, row) for motion in read for row in range(len(motion))]
        for i, (motion, row) in enumerate(motions):
            own = f"{name}, motion {i + 1}" if len(motions) > 1 else name
            parts = _without_gaps(_record(motion, row, own))
            records += [on_the_base(part, motion.input_kind, frame) for part in parts]
    for record in records:
        _check(record)
    kinds = {(record.quantity, record.force is None) for record in records}
    if len(kinds) > 1:
        raise ValueError(
            "Records that share their constants must all be driven or all free, and measure one "
            f"quantity. Received {sorted(f'{q}, ' + ('driven', 'free')[f] for q, f in kinds)}. "
            "Identify them one after the other."
        )
    own = scale == "own"
    _check_units(records, ("force",) if own else ("force", records[0].quantity))
    return [dataclasses.replace(r, scaled=own and i > 0) for i, r in enumerate(records)]


def _record(trajectory, row, name):
    quantity = next((q for q in QUANTITIES if q in trajectory.feature_names), None)
    if quantity is None:
        raise ValueError(
            f"A record must measure one of {', '.join(QUANTITIES)}. Received "
            f"{', '.join(trajectory.feature_names)} ({name}). Name its feature so."
        )
    values = trajectory.feature(quantity)[row].astype(np.float64)
    force = trajectory.force[row].astype(np.float64)
    if force.shape[-1] != 1:
        raise ValueError(
            f"A record has one force. Received {force.shape[-1]} in {name}. Choose one."
        )
    kept = np.isfinite(values)
    constant = np.ptp(force[kept]) == 0.0  # it moves the rest, which the offset takes up
    force = None if constant else force[:, 0]
    times = trajectory.times
    if force is None:
        times, values, kept = times[kept], values[kept], np.ones(kept.sum(), bool)
    units = dict(trajectory.units or {})
    if DEGREES.match(units.get(quantity, "")):
        values, units[quantity] = np.radians(values), DEGREES.sub("rad", units[quantity], count=1)
    timed = trajectory.units is None or "time" in units  # None: not from a file, so in s
    on_base = trajectory.input_kind != "force" and force is not None
    return Record(name, times, values, force, quantity, kept, units, timed, on_base)


def _without_gaps(record):
    """The record, or if it is driven the parts of it between its gaps."""
    if record.force is None or len(record.times) < 2:
        return [record]
    steps = np.diff(record.times)
    ends = np.flatnonzero(steps > GAP * np.median(steps)) + 1
    if not len(ends):
        return [record]
    edges = [0, *ends, len(record.times)]
    parts = []
    for first, last in itertools.pairwise(edges):
        if record.kept[first:last].sum() >= FEWEST:
            part = record.part(slice(first, last))
            parts.append(dataclasses.replace(part, name=f"{record.name} from {part.times[0]:g} s"))
    return parts or [record]


def exchanged(records):
    """The records as if another quantity had been measured, or force and motion exchanged.

    Yields:
        Tuples (what they are taken to be, list of `Record`).
    """
    for quantity in QUANTITIES:
        if quantity != records[0].quantity:
            yield f"as {quantity}", [dataclasses.replace(r, quantity=quantity) for r in records]
    if all(record.kept.all() for record in records):
        swapped = [dataclasses.replace(r, values=r.force, force=r.values) for r in records]
        yield "with force and motion exchanged", swapped


def _check_units(records, shared):
    """Raise where two records name different units of what has one scale."""
    for what in shared:
        by_unit = {r.units[what].replace(" ", ""): r for r in records if r.units.get(what)}
        if len(by_unit) > 1:
            raise ValueError(
                f"Records that share their constants must have one unit of the {what}. Received "
                f"{', '.join(f'{u!r} in {r.name}' for u, r in by_unit.items())}. Convert one of "
                "them, or identify them one after the other."
            )


def _check(record):
    values = record.values[record.kept]
    if len(values) < FEWEST:
        raise ValueError(
            f"A record needs at least {FEWEST} samples that hold a number. Received {len(values)} "
            f"in {record.name}. Measure longer, or sample faster."
        )
    if not np.ptp(values) > 0.0:
        raise ValueError(
            f"A record must move. Received {brief(values)} throughout {record.name}. "
            "Check the column."
        )
    _check_no_code(record.name, values)
    if record.force is not None and not np.isfinite(record.force).all():
        raise ValueError(
            "The force must be known at every time of a record, since it acts on all later ones. "
            f"Received {np.sum(~np.isfinite(record.force))} gaps in {record.name}. "
            "Cut the record there."
        )
    if record.force is not None and not record.is_even:
        steps = np.diff(record.times)
        raise ValueError(
            f"A driven record must be sampled in equal steps. Received steps from {steps.min():g} "
            f"s to {steps.max():g} s in {record.name}. Interpolate it to equal steps first."
        )


def _check_no_code(name, values):
    """Raise where one number, far from all others, stands again and again: −9999 for a gap."""
    for code in (values.min(), values.max()):
        rest = values[values != code]
        far = np.abs(rest - code).min(initial=np.inf)
        num = len(values) - len(rest)
        if num > 1 and FEWEST <= len(rest) and 0.0 < FAR * np.ptp(rest) < far:
            raise ValueError(
                f"A gap in a record must be an empty cell or NaN. Received {code:g} in {num} "
                f"samples of {name}, whose others lie between {rest.min():g} and {rest.max():g}. "
                "Replace it, or cut the record if it is true."
            )
