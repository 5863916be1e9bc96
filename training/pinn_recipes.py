"""Recipes of physics-informed networks: an equation in, its solution out."""

import keras

from oscillator_zoo.data import DampedOscillator, Decay, Sinusoid
from oscillator_zoo.models import PINN

from .callbacks import ResidualTolerance
from .run import Run


def solve(problem, duration, epochs, seed, callbacks, hidden_units=(32, 32)):
    """Train on 256 collocation points, 100 steps of Adam an epoch, with a falling rate."""
    pinn = PINN(problem, duration, hidden_units=hidden_units, activation="sin", seed=seed)
    rate = keras.optimizers.schedules.CosineDecay(5e-3, 100 * epochs)
    pinn.compile(keras.optimizers.Adam(rate), steps_per_execution=100)
    history = pinn.fit(
        pinn.collocation_points(256, steps_per_epoch=100),
        epochs=epochs,
        callbacks=[ResidualTolerance(1e-6), *callbacks],
        verbose=0,
    )
    return Run(pinn, "solution", history.history)


def pinn_decay(epochs=50, seed=0, callbacks=()):
    """First order: x' = −x from 1 m, over 4 s."""
    return solve(Decay(rate=1.0, position=1.0), 4.0, epochs, seed, callbacks)


def pinn_harmonic(epochs=100, seed=0, callbacks=()):
    """The lecture's x'' = −ω0² x with ω0 = 1 rad/s, over one period of 2π s."""
    return solve(DampedOscillator(), 6.283185307179586, epochs, seed, callbacks)


def pinn_damped(epochs=100, seed=0, callbacks=()):
    """The damped oscillator, γ = 0.4 kg/s, over 8 s."""
    return solve(DampedOscillator(damping=0.4), 8.0, epochs, seed, callbacks)


def pinn_driven(epochs=100, seed=0, callbacks=()):
    """The damped oscillator under a sinusoidal force, γ = 0.2 kg/s, over 8 s."""
    force = Sinusoid(amplitude=1.0, angular_frequency=1.3)
    return solve(DampedOscillator(damping=0.2, force=force), 8.0, epochs, seed, callbacks)
