"""Recipes of one-step forecasters: the states so far in, the next state out."""

import dataclasses

import keras
import numpy as np

from oscillator_zoo.data import (
    forecast_windows,
    sample_oscillators,
    simulate,
    split_by_trajectory,
)
from oscillator_zoo.models import ElmanRNN

from .run import Run

WINDOW = 20


def harmonic_motions(seed):
    """60 undamped oscillators, ω0 from .8 to 1.2 rad/s, over 30 s at intervals of .1 s.

    Explicit Euler makes them with steps of 2 ms: at coarser steps their energy would visibly
    grow. The test motions are the exact ones.
    """
    oscillators = sample_oscillators(60, seed, damping=0.0, stiffness=(0.64, 1.44))
    motions = simulate(oscillators, time_step=0.002, num_steps=15000).every(50)
    train, validation, test = split_by_trajectory(motions, (0.7, 0.15, 0.15), seed)
    exact = np.concatenate(test.problem.exact(test.times), axis=-1)
    return train, validation, dataclasses.replace(test, states=exact)


def fit_forecaster(model, seed, epochs, callbacks):
    """Train on windows of the harmonic motions; the model is judged on other oscillators."""
    train, validation, test = harmonic_motions(seed)
    windows = forecast_windows(train, WINDOW, stride=3, batch_size=64, shuffle_seed=seed)
    rate = keras.optimizers.schedules.CosineDecay(3e-3, epochs * len(windows))
    model.compile(keras.optimizers.Adam(rate), loss="mse")
    history = model.fit(
        windows,
        validation_data=forecast_windows(validation, WINDOW, stride=3, batch_size=256),
        epochs=epochs,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    )
    return Run(model, "forecast", history.history, test, warm_up=WINDOW)


def elman_harmonic(epochs=30, seed=0, callbacks=()):
    """Elman network: one-step forecasts of undamped oscillators it has never seen."""
    model = keras.Sequential([keras.Input((None, 2)), ElmanRNN(32, output_units=2)])
    return fit_forecaster(model, seed, epochs, callbacks)


def dense_window(epochs=30, seed=0, callbacks=()):
    """Feed-forward baseline: the last 20 states as one long vector."""
    model = keras.Sequential(
        [
            keras.Input((WINDOW, 2)),
            keras.layers.Flatten(),
            keras.layers.Dense(32, activation="tanh"),
            keras.layers.Dense(2),
        ]
    )
    return fit_forecaster(model, seed, epochs, callbacks)


def conv_window(epochs=30, seed=0, callbacks=()):
    """Convolutional baseline: the same filters slide over the last 20 states."""
    model = keras.Sequential(
        [
            keras.Input((WINDOW, 2)),
            keras.layers.Conv1D(16, 5, activation="tanh"),
            keras.layers.Conv1D(16, 5, activation="tanh"),
            keras.layers.Flatten(),
            keras.layers.Dense(2),
        ]
    )
    return fit_forecaster(model, seed, epochs, callbacks)
