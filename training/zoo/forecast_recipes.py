"""Recipes of forecasters for oscillators that they have never seen."""

import dataclasses

import keras
import numpy as np

from oscillator_zoo.data import Sinusoid, sample_oscillators, simulate
from oscillator_zoo.models import ElmanRNN, ForecastModel, LevenbergMarquardt

from ..callbacks.schedules import HorizonSchedule
from ..results.run import Run

WARM_UP = 50  # known samples, .1 s apart: less than one period
AHEAD = 1000  # samples to forecast: 16 periods
FAMILY = {"damping": (0.02, 0.2), "stiffness": (0.64, 1.44)}
EXACT = {"dtype": "float64"}
# Sizes of the network below: products in its memory, tanh units, coefficients.
DAMPED = {"products": 10, "hidden_units": 16, "rank": 4}
DRIVEN = {"products": 14, "hidden_units": 24, "rank": 10}
HOW_TO_GO_ON = (
    f"To train it further: ForecastModel(model, warm_up={WARM_UP}) and LevenbergMarquardt, on "
    "motions divided by their largest |x|."
)
# Horizons of the forecasts in training, in steps, and the share of the epochs at which each ends.
HORIZONS = {1: 0.05, 3: 0.12, 10: 0.25, 30: 0.45, None: 1.0}


def forecast_damped(epochs=80, seed=0, callbacks=()):
    """Forecaster of any damped oscillator, ω0 from .8 to 1.2 /s and γ from .02 to .2 /s."""
    return train_forecaster(motions_of_a_family, DAMPED, epochs, seed, callbacks)


def forecast_driven(epochs=120, seed=0, callbacks=()):
    """The same for oscillators that a sinusoidal force drives, each one another."""
    return train_forecaster(driven_motions_of_a_family, DRIVEN, epochs, seed, callbacks)


def train_forecaster(motions, sizes, epochs, seed, callbacks):
    """Least squares on the errors of forecasts that grow from one step to a hundred.

    Whole forecasts of a network that cannot yet make one step have nothing to teach. One-step
    errors alone leave open what it does with its own, slightly wrong predictions: it may well
    multiply their errors.
    """
    train, test = train_and_test(motions, seed)
    states, force = train.states, train.force
    sequences = np.concatenate([states, force], axis=-1) if np.any(force) else states
    amplitude = np.abs(states[:, :WARM_UP, :1]).max(axis=1, keepdims=True)  # as errors are judged
    forecaster = adaptive_forecaster(sequences.shape[-1], seed, **sizes)
    model = ForecastModel(forecaster, warm_up=WARM_UP)
    model.compile(LevenbergMarquardt(tolerance=0.0, initial_damping=1e-2))
    history = model.fit(
        sequences / amplitude,
        epochs=epochs,
        callbacks=[HorizonSchedule(lambda epoch: horizon_at(epoch / epochs)), *callbacks],
        verbose=0,
    )
    losses = {"loss": history.history["loss"]}
    return Run(forecaster, "forecast", losses, test, WARM_UP, notes=(HOW_TO_GO_ON,))


def train_and_test(motions, seed):
    """Motions to train on, and longer ones of other oscillators."""
    return motions(100, (seed, 0), WARM_UP + 100), motions(200, (seed, 1), WARM_UP + AHEAD)


def horizon_at(share):
    """The horizon after a share of the training."""
    return next(horizon for horizon, end in HORIZONS.items() if share < end)


def motions_of_a_family(num, seed, num_times):
    """Exact motions of unforced oscillators from random states."""
    oscillators = sample_oscillators(num, _number(seed), **FAMILY)
    return with_exact_states(simulate(oscillators, 0.1, num_times - 1, method="rk4"))


def driven_motions_of_a_family(num, seed, num_times):
    """Exact motions under sinusoidal forces."""
    generator = np.random.default_rng(seed)
    force = Sinusoid(
        amplitude=generator.uniform(0.1, 0.5, num),
        angular_frequency=generator.uniform(0.5, 1.5, num),
        phase=generator.uniform(0.0, 2.0 * np.pi, num),
    )
    oscillators = sample_oscillators(num, _number(seed), **FAMILY, force=force)
    return with_exact_states(simulate(oscillators, 0.1, num_times - 1, method="rk4"))


def with_exact_states(trajectory):
    """The trajectory with the exact states in the place of the computed ones."""
    states = np.concatenate(trajectory.problem.exact(trajectory.times), axis=-1)
    return dataclasses.replace(trajectory, states=states)


def adaptive_forecaster(num_features, seed, products, hidden_units, rank):
    """A recurrence whose coefficients the network reads from the motion itself.

        d_t = 10 (u_t − u_{t−1})                                  u = (s, F): how it changed
        P_t = P_{t−1} + (A (u_{t−1}, d_t)) ⊙ (B u_{t−1})          linear memory of products
        s_{t+1} = s_t + C [(V tanh(K P_t / rms(P_t) + b) + c) ⊙ (E (u_t, u_{t−1}))]

    From sums of products of the motion and of how it changed, least squares would solve for the
    coefficients of the motion's equation. Here tanh units learn to read them. A motion twice as
    large has sums four times as large but the same coefficients, and its forecast is twice as
    large. The sums forget nothing, so that what was seen outweighs what was forecast.
    """
    random = np.random.default_rng(seed)

    def dense(units, spread, activation=None, use_bias=False):
        kernel, bias = (
            keras.initializers.RandomNormal(0.0, size, seed=int(random.integers(2**31)))
            for size in (spread, 0.5)
        )
        start = {"kernel_initializer": kernel, "bias_initializer": bias}
        return keras.layers.Dense(units, activation, use_bias, **start, **EXACT)

    inputs = keras.Input((None, num_features), **EXACT)
    before = one_step_earlier(inputs)
    change = keras.layers.Rescaling(10.0, **EXACT)(keras.layers.Subtract(**EXACT)([inputs, before]))
    motion = keras.layers.Concatenate(**EXACT)([before, change])
    factors = [
        dense(products, (2 * num_features) ** -0.5)(motion),
        dense(products, num_features**-0.5)(before),
    ]
    sums = running_sum(keras.layers.Multiply(**EXACT)(factors))
    direction = keras.layers.RMSNormalization(epsilon=1e-30, trainable=False, **EXACT)(sums)
    hidden = dense(hidden_units, 0.3, "tanh", use_bias=True)(direction)
    coefficients = dense(rank, 0.05, use_bias=True)(hidden)
    last_two = keras.layers.Concatenate(**EXACT)([inputs, before])
    product = keras.layers.Multiply(**EXACT)([coefficients, dense(rank, 0.5)(last_two)])
    states = fixed_dense(np.eye(num_features)[:, :2])(inputs)
    return keras.Model(inputs, keras.layers.Add(**EXACT)([states, dense(2, 0.05)(product)]))


def one_step_earlier(inputs):
    """u_{t−1}, 0 at the start: a linear recurrence that passes on what it got."""
    size = inputs.shape[-1]
    nothing, all_of_it = np.zeros((size, size)), np.eye(size)
    both = linear_memory(
        np.hstack([all_of_it, nothing]), np.block([[nothing, all_of_it], [nothing, nothing]])
    )(inputs)
    return fixed_dense(np.vstack([nothing, all_of_it]))(both)


def running_sum(inputs):
    """P_t = P_{t−1} + p_t."""
    return linear_memory(np.eye(inputs.shape[-1]), np.eye(inputs.shape[-1]))(inputs)


def linear_memory(kernel, recurrent_kernel):
    """Elman network without a nonlinearity, with weights that are known and stay."""
    return ElmanRNN(
        len(recurrent_kernel),
        "linear",
        use_bias=False,
        kernel_initializer=keras.initializers.Constant(kernel),
        recurrent_initializer=keras.initializers.Constant(recurrent_kernel),
        return_sequences=True,
        trainable=False,
        **EXACT,
    )


def fixed_dense(kernel):
    """y = x K with a K that stays."""
    start = keras.initializers.Constant(kernel)
    return keras.layers.Dense(
        kernel.shape[1], use_bias=False, kernel_initializer=start, trainable=False, **EXACT
    )


def _number(seed):
    """One number from several, for functions that take one."""
    return int(np.random.SeedSequence(seed).generate_state(1)[0])
