"""Recipe of a recurrent network for a measured oscillator."""

import dataclasses

import keras
import numpy as np

from oscillator_zoo.data import load_measurement, split_by_time
from oscillator_zoo.models import ElmanRNN, LevenbergMarquardt, ResponseModel

from ..callbacks.backup import backed_up
from ..results.run import Run
from .linear_start import FINE, linear_oscillator, start_as_oscillator

WARM_UP = 50  # samples of a part that are not scored
BEFORE = 250  # samples before a part, in which its warm-up begins, by the force alone
UNITS = 8
STILL_KNOWN = 0.01  # of the start, after the samples before a part
SHORTEST = 2007  # samples


def elman_measured(
    data,
    sampling_rate=None,
    input_column=None,
    output_column=None,
    epochs=80,
    seed=0,
    callbacks=(),
    time_column=None,
):
    """Elman network of eight units: from measured force to measured position, in file units.

    The first 60 % of the record train the free run by least squares; the next 15 % choose which
    step to keep, the last quarter tests it, without its first 50 samples, as for
    "duffing-measured". The network sees no position at all: it starts from a zero state 250
    samples before a part, or as long as the oscillator takes to forget 99 % of where it started.
    Scored earlier, the error of the start would hide all others, also in training.

    Training starts from random weights, which forget within some ten samples. Where a period has
    16 samples and more that is far too soon: least squares would stall where they begin. There
    the eight units start as a linear oscillator, each with its share of position and velocity,
    at the frequency and the damping of the `fit_duffing` of the training part.

    Args:
        data: path of a CSV file, see `oscillator_zoo.data.load_measurement`.
        sampling_rate: samples per second, in Hz; None where the file has a column of times.
        input_column: the force's column, index or heading.
        output_column: the position's column, index or heading.
        epochs: most steps of least squares.
        seed: an integer ≥ 0, of the weights that training starts from.
        callbacks: Keras callbacks.
        time_column: the times' column, index or heading; False to go by `sampling_rate`.

    Returns:
        `Run` of a model from force `(batch, time, 1)` to position `(batch, time, 1)`.
    """
    train, validation, test, before, oscillator = _prepared(
        read_record(data, sampling_rate, input_column, output_column, time_column)
    )
    # From an orthogonal matrix itself, training often stalls, and the sensitivities may overflow.
    gentle = keras.initializers.Orthogonal(gain=0.9, seed=seed)
    layer = ElmanRNN(
        UNITS,
        output_units=1,
        recurrent_initializer=gentle,
        return_sequences=True,
        dtype="float64",
    )
    network = ResponseModel(layer.cell)
    network.compile(LevenbergMarquardt(tolerance=0.0, initial_damping=1e-4))
    force, position, weights = scaled_pair(train, train, before)
    if oscillator is not None and oscillator.period >= FINE:
        start_as_oscillator(layer.cell, oscillator, force[0, :, 0], position[0, :, 0], seed)
    best = keras.callbacks.EarlyStopping(patience=epochs, restore_best_weights=True)
    history = network.fit(
        force,
        position,
        sample_weight=weights,
        validation_data=scaled_pair(validation, train, before),
        epochs=epochs,
        callbacks=backed_up([best, *callbacks]),
        verbose=0,
    )
    model = scaled_network(train, layer)
    notes = (f"Trained by least squares: step {best.best_epoch + 1} of {epochs} was kept.",)
    warm_up = before + WARM_UP
    return Run(model, "response", history.history, test, warm_up, training=train, notes=notes)


def parts_with_warm_up(
    data, sampling_rate=None, input_column=None, output_column=None, time_column=None
):
    """A record in three parts, to train on, to choose and to test, the last two with a warm-up."""
    return _prepared(read_record(data, sampling_rate, input_column, output_column, time_column))[:3]


def read_record(data, sampling_rate, input_column, output_column, time_column):
    """One record of a force and a position in equal steps, each with the force at its end.

    Raises:
        ValueError: for several records, gaps, no force or no position; as `load_measurement`.
    """
    record = load_measurement(data, sampling_rate, input_column, output_column, time_column)
    if isinstance(record, list):
        raise ValueError(
            f"The recipe learns from one record. Received {len(record)} in {data}. Put each into "
            "a file of its own."
        )
    if record.feature_names != ("position",):
        raise ValueError(
            f"The recipe learns positions. Received a record of {record.feature_names[0]} in "
            f"{data}. Pass output_column."
        )
    record.check_equidistant()  # which offers `resample` for gaps
    return with_later_force(record)


def _prepared(record):
    """`parts_with_warm_up`, how many samples stand before a part, and the oscillator or None."""
    check_record(record, SHORTEST)
    train, validation, test = split_by_time(record, (0.6, 0.15, 0.25))
    oscillator = linear_oscillator(train)
    before = BEFORE
    if oscillator is not None:  # at most a third of the training part, which it takes as well
        forgets = np.log(1.0 / STILL_KNOWN) / max(oscillator.decay, 1e-9)
        before = int(np.clip(forgets, BEFORE, max(BEFORE, len(train.times) // 3)))
    parts = [with_samples_before(record, part, before) for part in (validation, test)]
    return train, *parts, before, oscillator


def check_record(record, needed):
    """Raise for a record of fewer than `needed` steps, or that holds no motion."""
    if len(record.times) < needed:
        raise ValueError(
            f"The recipe needs a record of at least {needed + 1} samples. "
            f"Received {len(record.times) + 1}. Measure longer."
        )
    for name, values in (("input", record.force), ("output", record.states)):
        if values[:, : len(record.times) // 2].std() == 0.0:
            raise ValueError(
                f"The {name} must vary, or there is nothing to learn. Received the constant "
                f"{values.flat[0]:g}. Check input_column and output_column."
            )


def with_later_force(record):
    """The record with F_{i+1} in the place of F_i.

    A measured force changes between two samples, so the one at the end of a step belongs to the
    step as well; the one at its beginning is in the network's state by then.
    """
    return dataclasses.replace(
        record, times=record.times[:-1], states=record.states[:, :-1], force=record.force[:, 1:]
    )


def with_samples_before(record, part, before=BEFORE):
    """The part of a record together with samples before it, in which its warm-up begins."""
    first = int(np.searchsorted(record.times, part.times[0])) - before
    chosen = slice(first, first + before + len(part.times))
    return dataclasses.replace(
        part,
        times=record.times[chosen],
        states=record.states[:, chosen],
        force=record.force[:, chosen],
    )


def scaled_pair(part, train, before=BEFORE):
    """Force, position and weights of a part, scaled by the training part; the start weighs 0."""
    force = (part.force[:, :-1] - train.force.mean()) / train.force.std()
    position = (part.states[:, 1:] - train.states.mean()) / train.states.std()
    weights = np.ones(position.shape[:2])
    weights[:, : before + WARM_UP - 1] = 0.0  # of s_1, s_2, …
    return force, position, weights


def scaled_network(train, layer):
    """The layer between scalings fitted to the training part, so that the model has its units."""
    # Keras rounds Python's floats where it keeps NumPy's, and a file gives Python's back.
    mean, variance = float(train.force.mean()), float(train.force.var())
    offset, scale = float(train.states.mean()), float(train.states.std())
    exact = {"dtype": "float64"}
    inputs = keras.Input((None, 1), **exact)
    outputs = layer(keras.layers.Normalization(mean=mean, variance=variance, **exact)(inputs))
    outputs = keras.layers.Rescaling(scale, offset, **exact)(outputs)
    return keras.Model(inputs, outputs)
