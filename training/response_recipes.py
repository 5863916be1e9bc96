"""Recipes of models from force to motion."""

import keras
import numpy as np

from oscillator_zoo.data import (
    DampedOscillator,
    Sinusoid,
    simulate,
    split_by_trajectory,
    system_identification_pairs,
)
from oscillator_zoo.models import (
    ElmanRNN,
    EulerCell,
    JordanRNN,
    LevenbergMarquardt,
    ResponseModel,
    TruncatedGradient,
)

from .run import Run

WARM_UP = 20
NUM_STEPS = 200


def driven_motions(seed):
    """80 times the oscillator x'' + .4 x' + x = F(t) from rest, each with a sinusoid of its own."""
    generator = np.random.default_rng(seed)
    force = Sinusoid(
        amplitude=generator.uniform(0.2, 1.0, 80),
        angular_frequency=generator.uniform(0.5, 2.0, 80),
        phase=generator.uniform(0.0, 2.0 * np.pi, 80),
    )
    oscillator = DampedOscillator(damping=0.4, force=force, position=0.0)
    motions = simulate(oscillator, time_step=0.1, num_steps=NUM_STEPS)
    return split_by_trajectory(motions, (0.7, 0.15, 0.15), seed)


def cosine_adam(initial_rate, steps):
    """Adam whose rate falls to zero along a cosine: a constant rate leaves good solutions again.

    Gradients through 200 steps of time sometimes explode; `clipnorm` bounds them.
    """
    rate = keras.optimizers.schedules.CosineDecay(initial_rate, steps)
    return keras.optimizers.Adam(rate, clipnorm=1.0)


def elman_driven(epochs=200, seed=0, callbacks=(), truncation=None):
    """Elman network: from the force alone to position and velocity.

    With `truncation` the gradients go back through so many steps at most, not through all 200.
    """
    train, validation, test = driven_motions(seed)
    pairs = system_identification_pairs(train, inputs="force", batch_size=8, shuffle_seed=seed)
    layer = ElmanRNN(32, output_units=2, return_sequences=True)
    trained = model = keras.Sequential([keras.Input((None, 1)), layer])
    if truncation is not None:
        layers = [keras.Input((NUM_STEPS, 1)), TruncatedGradient(layer, truncation)]
        trained = keras.Sequential(layers)
    trained.compile(cosine_adam(5e-3, epochs * len(pairs)), loss="mse")
    history = trained.fit(
        pairs,
        validation_data=system_identification_pairs(validation, inputs="force"),
        epochs=epochs,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    )
    return Run(model, "response", history.history, test, WARM_UP)


def jordan_driven(epochs=200, seed=0, callbacks=()):
    """Jordan network: only its output is fed back; first the true state in its place.

    With a teacher training is fast, but the network never meets its own errors and drifts when it
    runs free. The second half of the epochs therefore trains the free run.
    """
    train, validation, test = driven_motions(seed)
    layer = JordanRNN(32, output_units=2, return_sequences=True)
    force, teacher = keras.Input((None, 1)), keras.Input((None, 2))
    taught = keras.Model([force, teacher], layer(force, teacher=teacher))
    free = keras.Model(force, layer(force))
    pairs = system_identification_pairs(train, inputs="force", batch_size=8, shuffle_seed=seed)
    validation_pairs = system_identification_pairs(validation, inputs="force")

    taught_epochs = epochs // 2
    taught.compile(cosine_adam(5e-3, max(taught_epochs, 1) * len(pairs)), loss="mse")
    taught.fit(
        pairs.map(lambda force, states: ((force, states), states)),
        epochs=taught_epochs,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    )
    free.compile(cosine_adam(5e-3, epochs * len(pairs)), loss="mse")
    history = free.fit(
        pairs,
        validation_data=validation_pairs,
        initial_epoch=taught_epochs,
        epochs=epochs,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    )
    return Run(free, "response", history.history, test, WARM_UP)


def euler_damped(epochs=30, seed=0, callbacks=()):
    """Euler cell: `fit` finds α = γ/m and δ = k/m of the oscillator behind Euler's sequences."""
    train, validation, test = driven_motions(seed)
    cell = EulerCell(time_step=0.1, damping_rate=0.1, squared_frequency=0.5, dtype="float64")
    model = ResponseModel(cell)
    model.compile(LevenbergMarquardt(tolerance=1e-12))
    history = model.fit(
        train.force[:, :-1],
        train.states[:, 1:],
        validation_data=(validation.force[:, :-1], validation.states[:, 1:]),
        epochs=epochs,
        callbacks=callbacks,
        verbose=0,
    )
    alpha, delta = float(cell.damping_rate), float(cell.squared_frequency)
    notes = (
        f"Found α = {alpha:.12f} 1/s (true .4) and δ = {delta:.12f} 1/s² (true 1): "
        f"{model.stop_reason or 'stopped'} after {len(history.history['loss'])} steps.",
    )
    return Run(model, "response", history.history, test, WARM_UP, notes=notes)
