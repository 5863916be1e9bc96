"""Records as `identify` takes them: what was measured, when, and under which force."""

import dataclasses
import os

import numpy as np

from oscillator_zoo.data import Trajectory, load_measurement
from oscillator_zoo.data.checks import brief

QUANTITIES = ("position", "velocity", "acceleration")
FEWEST = 12  # samples that hold a number


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
    """

    name: str
    times: np.ndarray
    values: np.ndarray
    force: np.ndarray | None
    quantity: str
    kept: np.ndarray

    @property
    def duration(self):
        return self.times[-1] - self.times[0]

    @property
    def is_even(self):
        """Whether all steps are equal, so that lags and filters mean something."""
        steps = np.diff(self.times)
        rounding = 8.0 * np.finfo(float).eps * np.abs(self.times).max()
        return np.ptp(steps) <= 1e-3 * steps.mean() + rounding

    def until(self, time):
        """The record up to a time."""
        kept = self.times <= time
        force = None if self.force is None else self.force[kept]
        return dataclasses.replace(
            self,
            times=self.times[kept],
            values=self.values[kept],
            force=force,
            kept=self.kept[kept],
        )


def as_records(given, **options):
    """A list of `Record`, from whatever `identify` was given.

    Args:
        given: a `Trajectory`, a path or whatever else `load_measurement` reads, or a list of them.
        **options: of `load_measurement`.

    Raises:
        ValueError: for records without numbers, without motion, of different kinds, or with a
            force that is not known throughout or unevenly sampled.
    """
    given = given if isinstance(given, list | tuple) else [given]
    if not given:
        raise ValueError("identify needs at least one record. Received an empty list. Pass one.")
    records = []
    for number, one in enumerate(given):
        name = f"record {number + 1}"
        if not isinstance(one, Trajectory):
            name = os.path.basename(one) if isinstance(one, str | os.PathLike) else name
            one = load_measurement(one, **options)
        elif options and number == 0:
            raise ValueError(
                f"{', '.join(options)} say how a file is read. Received them beside a Trajectory, "
                "which is read already. Leave them out."
            )
        many = len(one.states) > 1
        for row in range(len(one.states)):
            records.append(_record(one, row, f"{name}, motion {row + 1}" if many else name))
    kinds = {(record.quantity, record.force is None) for record in records}
    if len(kinds) > 1:
        raise ValueError(
            "Records that share their constants must all be driven or all free, and measure one "
            f"quantity. Received {sorted(f'{q}, ' + ('driven', 'free')[f] for q, f in kinds)}. "
            "Identify them one after the other."
        )
    return records


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
    force = force[:, 0] if np.any(force[kept] != 0.0) else None
    times = trajectory.times
    if force is None:
        times, values, kept = times[kept], values[kept], np.ones(kept.sum(), bool)
    record = Record(name, times, values, force, quantity, kept)
    _check(record)
    return record


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
