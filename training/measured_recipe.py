"""Recipe of a recurrent network for a measured oscillator."""

import dataclasses
import math

import keras

from oscillator_zoo.data import load_measurement, split_by_time, system_identification_pairs
from oscillator_zoo.models import ElmanRNN, TruncatedGradient

from .response_recipes import cosine_adam
from .run import Run

WARM_UP = 50
LENGTH = 300  # samples in a piece that the network is trained on


def elman_measured(
    data,
    sampling_rate,
    input_column=0,
    output_column=1,
    epochs=100,
    seed=0,
    callbacks=(),
    truncation=None,
):
    """Elman network: from the measured force to the measured position, in the file's units.

    The first 60 % of the record train the network, the next 15 % choose when to stop, the last
    quarter tests it: a free run over the whole quarter from a zero state, whose first 50 samples
    are not scored.

    Args:
        data: path of a CSV file, see `oscillator_zoo.data.load_measurement`.
        sampling_rate: samples per second, in Hz.
        input_column: the force's column, index or heading.
        output_column: the position's column, index or heading.
        epochs: most epochs of training.
        seed: an integer ≥ 0.
        callbacks: Keras callbacks.
        truncation: number of steps that gradients go back through at most; None for all 300.

    Returns:
        `Run` of a model from force `(batch, time, 1)` to position `(batch, time, 1)`.
    """
    record = with_later_force(load_measurement(data, sampling_rate, input_column, output_column))
    check_record(record, math.ceil((LENGTH + 1) / 0.15))  # a piece at least to validate on
    train, validation, test = split_by_time(record, (0.6, 0.15, 0.25))
    model = scaled_network(train, ElmanRNN(48, output_units=1, return_sequences=True))
    force, position = model.input, model.output
    if truncation is not None:
        force = keras.Input((LENGTH, 1))
        position = truncated_output(model, force, truncation)
    scored = keras.Model(force, keras.layers.Cropping1D((WARM_UP, 0))(position))

    def pieces(part, **options):
        pairs = system_identification_pairs(part, length=LENGTH, inputs="force", **options)
        return pairs.map(lambda force, position: (force, position[:, WARM_UP:]))

    pairs = pieces(train, stride=50, batch_size=32, shuffle_seed=seed)
    best = keras.callbacks.EarlyStopping(patience=15, restore_best_weights=True)
    scored.compile(cosine_adam(5e-3, epochs * len(pairs)), loss="mse")
    history = scored.fit(
        pairs,
        validation_data=pieces(validation, batch_size=64),
        epochs=epochs,
        callbacks=[best, *callbacks],
        shuffle=False,
        verbose=0,
    )
    return Run(model, "response", history.history, test, WARM_UP, training=train)


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


def scaled_network(train, layer):
    """The layer between scalings fitted to the training part, so that the model has its units."""
    force, position = train.force, train.states
    inputs = keras.Input((None, 1))
    scaled = keras.layers.Normalization(mean=force.mean(), variance=force.var())(inputs)
    outputs = keras.layers.Rescaling(position.std(), position.mean())(layer(scaled))
    return keras.Model(inputs, outputs)


def truncated_output(model, force, truncation):
    """The model's output with truncated gradients: its own layers, the recurrent one wrapped."""
    output = force
    for layer in model.layers[1:]:
        if isinstance(layer, keras.layers.RNN):
            layer = TruncatedGradient(layer, truncation)
        output = layer(output)
    return output
