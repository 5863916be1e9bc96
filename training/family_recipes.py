"""Recipes of forecasters for oscillators that they have never seen."""

import dataclasses

import keras
import numpy as np

from oscillator_zoo.data import Sinusoid, sample_oscillators, simulate
from oscillator_zoo.models import ElmanRNN, ForecastModel, LevenbergMarquardt

from .run import Run
from .schedules import HorizonSchedule

PREFIX = 50  # known samples, .1 s apart: less than one period
AHEAD = 1000  # samples to forecast: 16 periods
FAMILY = {"damping": (0.02, 0.2), "stiffness": (0.64, 1.44)}
POLES = (0.6, 0.8)  # of the memory at the start: it fades within .2 s and .5 s
EXACT = {"dtype": "float64"}
# Horizons of the forecasts in training, in steps, and the share of the epochs at which each ends.
HORIZONS = {1: 0.1, 3: 0.25, 10: 0.45, 30: 0.65, None: 1.0}


def forecast_damped(epochs=150, seed=0, callbacks=()):
    """Forecaster of any damped oscillator, ω0 from .8 to 1.2 /s and γ from .02 to .2 /s."""
    return train_forecaster(motions_of_a_family, 32, epochs, seed, callbacks)


def forecast_driven(epochs=150, seed=0, callbacks=()):
    """The same for oscillators that a sinusoidal force drives, each one another."""
    return train_forecaster(driven_motions_of_a_family, 40, epochs, seed, callbacks)


def train_forecaster(motions, hidden_units, epochs, seed, callbacks):
    """Least squares on the errors of forecasts that grow from one step to a hundred.

    Whole forecasts of a network that cannot yet make one step have nothing to teach. One-step
    errors alone leave open what it does with its own, slightly wrong predictions: it may well
    multiply their errors.
    """
    train = motions(100, (seed, 0), PREFIX + 100)
    test = motions(200, (seed, 1), PREFIX + AHEAD)
    states, force = train.states, train.force
    sequences = np.concatenate([states, force], axis=-1) if np.any(force) else states
    amplitude = np.abs(states[:, :PREFIX, :1]).max(axis=1, keepdims=True)  # as errors are judged
    forecaster = adaptive_forecaster(sequences.shape[-1], hidden_units, seed)
    model = ForecastModel(forecaster, warm_up=PREFIX)
    model.compile(LevenbergMarquardt(tolerance=0.0, initial_damping=1e-5))
    history = model.fit(
        sequences / amplitude,
        epochs=epochs,
        callbacks=[HorizonSchedule(lambda epoch: horizon_at(epoch / epochs)), *callbacks],
        verbose=0,
    )
    return Run(forecaster, "forecast", {"loss": history.history["loss"]}, test, PREFIX)


def horizon_at(share):
    """The horizon after a share of the training."""
    return next(horizon for horizon, end in HORIZONS.items() if share < end)


def motions_of_a_family(num, seed, num_times):
    """Exact motions of unforced oscillators from random states."""
    oscillators = sample_oscillators(num, _number(seed), **FAMILY)
    return exactly(simulate(oscillators, 0.1, num_times - 1, method="rk4"))


def driven_motions_of_a_family(num, seed, num_times):
    """Exact motions under sinusoidal forces."""
    generator = np.random.default_rng(seed)
    force = Sinusoid(
        amplitude=generator.uniform(0.1, 0.5, num),
        angular_frequency=generator.uniform(0.5, 1.5, num),
        phase=generator.uniform(0.0, 2.0 * np.pi, num),
    )
    oscillators = sample_oscillators(num, _number(seed), **FAMILY, force=force)
    return exactly(simulate(oscillators, 0.1, num_times - 1, method="rk4"))


def exactly(trajectory):
    """The trajectory with the exact states in the place of the computed ones."""
    states = np.concatenate(trajectory.problem.exact(trajectory.times), axis=-1)
    return dataclasses.replace(trajectory, states=states)


def adaptive_forecaster(num_features, hidden_units, seed):
    """A recurrence whose coefficients the network reads from the motion itself.

        q_t = (s_t, F_t, m_t),   m_t = W m_{t−1} + U (s_t, F_t)                   (linear memory)
        s_{t+1} = s_t + C [ (V tanh(K q_t / |q_t| + b) + c) ⊙ (E q_t) ]

    The memory compares the motion with its past. All motions of one oscillator, however large,
    give the same q/|q| up to their phase, and from it tanh units read how it swings. What they say
    multiplies the states, so that the forecast of a motion twice as large is twice as large.
    """
    size = num_features * len(POLES)
    random = np.random.default_rng(seed)

    def drawn(spread):
        return keras.initializers.RandomNormal(0.0, spread, seed=int(random.integers(2**31)))

    def dense(units, spread, activation=None, use_bias=False):
        start = {"kernel_initializer": drawn(spread), "bias_initializer": drawn(0.5 * use_bias)}
        return keras.layers.Dense(units, activation, use_bias, **start, **EXACT)

    inputs = keras.Input((None, num_features), **EXACT)
    memory = ElmanRNN(
        size,
        "linear",
        use_bias=False,
        kernel_initializer=keras.initializers.Constant(
            np.kron(1.0 - np.array(POLES), np.eye(num_features))
        ),
        recurrent_initializer=keras.initializers.Constant(
            np.kron(np.diag(POLES), np.eye(num_features))
        ),
        return_sequences=True,
        **EXACT,
    )(inputs)
    seen = keras.layers.Concatenate(**EXACT)([inputs, memory])
    direction = keras.layers.UnitNormalization(**EXACT)(seen)
    hidden = dense(hidden_units, 2.5 / np.sqrt(size + num_features), "tanh", True)(direction)
    rank = 2 * num_features
    coefficients = dense(rank, 0.05, use_bias=True)(hidden)
    product = keras.layers.Multiply(**EXACT)([coefficients, dense(rank, 0.5)(seen)])
    states = keras.layers.Dense(
        2,
        use_bias=False,
        kernel_initializer=keras.initializers.Identity(),
        trainable=False,
        name="states",
        **EXACT,
    )(inputs)
    outputs = keras.layers.Add(**EXACT)([states, dense(2, 0.05)(product)])
    return keras.Model(inputs, outputs)


def _number(seed):
    """One number from several, for functions that take one."""
    return int(np.random.SeedSequence(seed).generate_state(1)[0])
