"""Recipes of one-step forecasters: the states so far in, the next state out.

All of them predict the change s_{i+1} − s_i and add it to the last state: a network that starts
from "nothing changes" has only the motion left to learn.
"""

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

from ..results.run import Run

WINDOW = 20  # states that a feed-forward network sees, and known states in a test
RUNS_AWAY = (
    "A baseline. Training on single steps from true states leaves open what becomes of the "
    "network's own errors in a free run, and this one multiplies them: do not forecast with it."
)


def harmonic_motions(seed):
    """60 motions of x'' = −x from random states, over 30 s at intervals of .1 s, in three parts.

    Explicit Euler makes them with steps of 2 ms: at coarser steps their energy would visibly
    grow. The test motions are the exact ones.
    """
    oscillators = sample_oscillators(60, seed, damping=0.0, stiffness=1.0)
    motions = simulate(oscillators, time_step=0.002, num_steps=15000).every(50)
    train, validation, test = split_by_trajectory(motions, (0.7, 0.15, 0.15), seed)
    exact = np.concatenate(test.problem.exact(test.times), axis=-1)
    return train, validation, dataclasses.replace(test, states=exact)


def fit_forecaster(model, seed, epochs, callbacks, passes=1, **windows):
    """Train on windows of the harmonic motions; the model is judged on motions it never saw.

    An epoch goes through the windows `passes` times: a few long epochs are faster than many short
    ones.
    """
    train, validation, test = harmonic_motions(seed)
    data = forecast_windows(train, shuffle_seed=seed, **windows).repeat(passes)
    rate = keras.optimizers.schedules.CosineDecay(1e-2, epochs * len(data))
    model.compile(keras.optimizers.Adam(rate), loss="mse")
    history = model.fit(
        data,
        validation_data=forecast_windows(validation, **windows),
        epochs=epochs,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    )
    return Run(model, "forecast", history.history, test, warm_up=WINDOW)


def elman_harmonic(epochs=10, seed=0, callbacks=()):
    """Elman network: one-step forecasts of an undamped oscillator, at every step of a sequence."""
    states = keras.Input((None, 2))
    change = ElmanRNN(32, output_units=2, return_sequences=True)(states)
    model = keras.Model(states, keras.layers.Add()([states, change]))
    windows = {"window": 25, "stride": 25, "batch_size": 16, "every_step": True}
    return fit_forecaster(model, seed, epochs, callbacks, passes=6, **windows)


def dense_window(epochs=20, seed=0, callbacks=()):
    """Feed-forward baseline, which runs away: the last 20 states as one long vector."""
    states = keras.Input((WINDOW, 2))
    hidden = keras.layers.Dense(32, activation="tanh")(keras.layers.Flatten()(states))
    run = fit_window_model(states, hidden, seed, epochs, callbacks)
    return dataclasses.replace(run, notes=(RUNS_AWAY,))


def conv_window(epochs=20, seed=0, callbacks=()):
    """Convolutional baseline: the same filters slide over the last 20 states."""
    states = keras.Input((WINDOW, 2))
    hidden = keras.layers.Conv1D(16, 5, activation="tanh")(states)
    hidden = keras.layers.Conv1D(16, 5, activation="tanh")(hidden)
    return fit_window_model(states, keras.layers.Flatten()(hidden), seed, epochs, callbacks)


def fit_window_model(states, hidden, seed, epochs, callbacks):
    """Add the change that is read from the hidden layer to the last state, and train."""
    last = keras.layers.Flatten()(keras.layers.Cropping1D((WINDOW - 1, 0))(states))
    model = keras.Model(states, keras.layers.Add()([last, keras.layers.Dense(2)(hidden)]))
    windows = {"window": WINDOW, "stride": 3, "batch_size": 64}
    return fit_forecaster(model, seed, epochs, callbacks, **windows)
