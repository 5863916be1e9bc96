"""Cuts records into windows for `run_windows`."""

import numpy as np

from oscillator_zoo.models.physics_cells.duffing_runs import force_at

from .window_runs import ABSCISSAE, Windows, quintic_weights

PERIODS = 1.5  # in a window: more than one, that noise is averaged, and few, that phases keep
LEAST_SAMPLES = 6  # in a window, on average


def windows_of(records, rate, scales, parts, course, periods=PERIODS, rough=False):
    """`Windows` of all records, in the unit of time 1/`rate`.

    Args:
        records: list of `Record`, all free or all driven.
        rate: angular frequency of the motion, in rad/s.
        scales: units of position and of force, a pair; the middle of each record is taken off.
        parts: Runge–Kutta steps in a radian.
        course: of the force between samples, see `force_between`.
        periods: in a window, about; infinity makes one window of each record.
        rough: whether errors of 1e-4 do.
    """
    lay = _lay_free if records[0].force is None else _lay_driven
    laid = [lay(record, rate, parts, course, periods) for record in records]
    first = np.cumsum([0, *(len(one["start"]) for one in laid)])

    def joined(name):
        return np.concatenate([one[name] for one in laid])

    step = joined("step")
    window = np.concatenate([one["window"] + k for one, k in zip(laid, first)])
    quantity = records[0].quantity
    unit = scales[0] * rate ** ("position", "velocity", "acceleration").index(quantity)
    values = [(r.values - middle_of(r))[r.kept] / unit for r in records]
    driven = records[0].force is not None
    return Windows(
        record=np.repeat(np.arange(len(records)), np.diff(first)),
        start=joined("start"),
        step=step,
        num_steps=joined("num_steps"),
        force=_joined_forces([one["force"] / scales[1] for one in laid]) if driven else None,
        window=window,
        at_step=joined("at_step"),
        weights=None if driven else quintic_weights(joined("share"), step[window]),
        values=np.concatenate(values),
        drive=np.concatenate([r.force[r.kept] / scales[1] for r in records]) if driven else None,
        quantity=quantity,
        scaled=any(record.scaled for record in records),
        share=None if driven else joined("share"),
        rough=rough,
    )


def middle_of(record):
    """What is taken off a record before its offset is searched for: its mean, if nothing else."""
    return record.middle if record.middle is not None else record.values[record.kept].mean()


def _lay_free(record, rate, parts, _, periods):
    """Windows of equal length over a free decay; samples anywhere in them."""
    times = (record.times - record.times[0]) * rate
    length = 2.0 * np.pi * periods
    most = max(1, len(times) // LEAST_SAMPLES)
    num_windows = min(most, max(1, int(np.ceil(times[-1] / length - 1e-9))))
    length = times[-1] / num_windows
    num_steps = max(4, int(np.ceil(length * parts)))
    step = length / num_steps
    places = np.minimum(np.floor(times / step).astype(int), num_windows * num_steps - 1)
    return {
        "start": length * np.arange(num_windows),
        "step": np.full(num_windows, step),
        "num_steps": np.full(num_windows, num_steps),
        "window": places // num_steps,
        "at_step": places % num_steps,
        "share": times / step - places,
    }


def _lay_driven(record, rate, parts, course, periods):
    """Windows of whole samples, each of whole Runge–Kutta steps."""
    between = record.duration / (len(record.times) - 1) * rate
    in_sample = max(1, int(np.ceil(between * parts)))
    samples = max(LEAST_SAMPLES, round(min(2.0 * np.pi * periods / between, len(record.times))))
    num_windows = max(1, (len(record.times) - 1) // samples)
    last = len(record.times) - 1
    force = force_at(record.force, _shares(in_sample), course)  # (N − 1, 5 · in_sample)
    force = force.reshape(last * in_sample, 5)
    lengths = np.diff(np.append(samples * np.arange(num_windows), last))
    kept = np.flatnonzero(record.kept)
    window = np.minimum(kept // samples, num_windows - 1)
    most = lengths.max() * in_sample
    steps = samples * in_sample * np.arange(num_windows) + np.arange(most)[:, None]
    return {
        "start": samples * between * np.arange(num_windows),
        "step": np.full(num_windows, between / in_sample),
        "num_steps": lengths * in_sample,
        "force": force[np.minimum(steps, len(force) - 1)].transpose(0, 2, 1),
        "window": window,
        "at_step": (kept - samples * window) * in_sample,
    }


def _shares(in_sample):
    """Where, between two samples, the stages of all steps lie."""
    return ((np.arange(in_sample)[:, None] + np.array(ABSCISSAE)) / in_sample).ravel()


def _joined_forces(forces):
    """Forces of all windows side by side, the shorter ones held at their end."""
    longest = max(map(len, forces))
    return np.concatenate(
        [force[np.minimum(np.arange(longest), len(force) - 1)] for force in forces], axis=2
    )
