"""Recipes of physics-informed networks: an equation in, its solution out.

Most are trained by least squares: the hidden layer holds waves that are placed by a rule, and
`LevenbergMarquardt` solves for the readout. In those whose name ends in "learned" all weights
follow the gradient of the mean square, as in the lecture, down to the lecture's ε.
"""

import numpy as np

from oscillator_zoo.data import (
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Duffing,
    Pendulum,
    Sinusoid,
    Step,
    VanDerPol,
)
from oscillator_zoo.models import PINN, LevenbergMarquardt, SelfScaledBroyden

from ..results.run import Run


def solve(problem, duration, epochs, seed, callbacks, parameter_ranges=None):
    """Train by least squares with the defaults; one step an epoch, so that the history shows it."""
    pinn = PINN(problem, duration, parameter_ranges=parameter_ranges, seed=seed)
    pinn.compile(LevenbergMarquardt())
    history, ended = fitted(pinn, epochs, callbacks)
    notes = (f"Trained by least squares: {pinn.optimizer.method}, until {ended}.",)
    return Run(pinn, "solution", history, notes=notes)


def learn(problem, duration, epochs, seed, callbacks):
    """Train all weights by gradients, one window after another; a window an epoch."""
    pinn = PINN(problem, duration, learned=True, seed=seed)
    pinn.compile(SelfScaledBroyden())
    history, ended = fitted(pinn, epochs, callbacks)
    steps = int(pinn.optimizer.iterations)
    notes = (f"All weights learned by gradients: {steps} quasi-Newton steps, until {ended}.",)
    return Run(pinn, "solution", history, notes=notes)


def fitted(pinn, epochs, callbacks):
    """Fit at the collocation points: the history, and what ended it."""
    points = pinn.collocation_points(steps_per_epoch=1)
    history = pinn.fit(points, epochs=epochs, callbacks=callbacks, verbose=0)
    return history.history, pinn.stop_reason or "the epochs were used up"


def pinn_decay(epochs=60, seed=0, callbacks=()):
    """First order: x' = −x from 1 m, over 4 s."""
    return solve(Decay(rate=1.0, position=1.0), 4.0, epochs, seed, callbacks)


def pinn_harmonic(epochs=60, seed=0, callbacks=()):
    """The lecture's x'' = −ω0² x with ω0 = 1 rad/s, over one period of 2π s."""
    return solve(DampedOscillator(), 2.0 * np.pi, epochs, seed, callbacks)


def pinn_damped(epochs=60, seed=0, callbacks=()):
    """The damped oscillator, γ = 0.4 kg/s, over 8 s."""
    return solve(DampedOscillator(damping=0.4), 8.0, epochs, seed, callbacks)


def pinn_driven(epochs=60, seed=0, callbacks=()):
    """The damped oscillator under a sinusoidal force, γ = 0.2 kg/s, over 8 s."""
    force = Sinusoid(amplitude=1.0, angular_frequency=1.3)
    return solve(DampedOscillator(damping=0.2, force=force), 8.0, epochs, seed, callbacks)


def pinn_resonance(epochs=60, seed=0, callbacks=()):
    """An undamped oscillator, driven from rest at its own frequency, over 12 s."""
    force = Sinusoid(amplitude=1.0, angular_frequency=1.0)
    return solve(DampedOscillator(force=force, position=0.0), 12.0, epochs, seed, callbacks)


def pinn_step(epochs=60, seed=0, callbacks=()):
    """The damped oscillator at rest until a force of 1 N is switched on at 3 s, over 10 s."""
    force = Step(amplitude=1.0, time=3.0)
    problem = DampedOscillator(damping=0.4, force=force, position=0.0)
    return solve(problem, 10.0, epochs, seed, callbacks)


def pinn_duffing(epochs=60, seed=0, callbacks=()):
    """Duffing's hardening spring, x'' = −x − x³, over 10 s."""
    return solve(Duffing(), 10.0, epochs, seed, callbacks)


def pinn_van_der_pol(epochs=60, seed=0, callbacks=()):
    """Van der Pol's self-excited x'' = (1 − x²) x' − x, over 10 s."""
    return solve(VanDerPol(nonlinearity=1.0), 10.0, epochs, seed, callbacks)


def pinn_pendulum(epochs=60, seed=0, callbacks=()):
    """A pendulum let go at 2.5 rad, well above the horizontal, over 10 s."""
    return solve(Pendulum(length=9.81, position=2.5), 10.0, epochs, seed, callbacks)


def pinn_coupled(epochs=60, seed=0, callbacks=()):
    """Two masses between walls, with a weak spring that passes the motion on, over 10 s."""
    problem = CoupledOscillators(masses=(1.0, 1.0), stiffness=(1.0, 0.2, 1.0), position=(1.0, 0.0))
    return solve(problem, 10.0, epochs, seed, callbacks)


def pinn_damped_family(epochs=60, seed=0, callbacks=()):
    """The damped oscillator for γ = .05 … .5 kg/s and k = .5 … 2 N/m at once, over 8 s."""
    ranges = {"damping": (0.05, 0.5), "stiffness": (0.5, 2.0)}
    return solve(DampedOscillator(), 8.0, epochs, seed, callbacks, ranges)


def pinn_harmonic_learned(epochs=60, seed=0, callbacks=()):
    """The lecture's x'' = −ω0² x the lecture's way: all weights learned, ω0 = 1 rad/s, 2π s."""
    return learn(DampedOscillator(), 2.0 * np.pi, epochs, seed, callbacks)


def pinn_damped_learned(epochs=60, seed=0, callbacks=()):
    """The damped oscillator, γ = 0.4 kg/s, over 8 s, all weights learned by gradients."""
    return learn(DampedOscillator(damping=0.4), 8.0, epochs, seed, callbacks)


def pinn_driven_learned(epochs=60, seed=0, callbacks=()):
    """The oscillator under a sinusoidal force, γ = 0.2 kg/s, over 8 s, all weights learned."""
    force = Sinusoid(amplitude=1.0, angular_frequency=1.3)
    return learn(DampedOscillator(damping=0.2, force=force), 8.0, epochs, seed, callbacks)


def pinn_pendulum_learned(epochs=60, seed=0, callbacks=()):
    """The pendulum let go at 2.5 rad, over 10 s, from a cold start, all weights learned."""
    return learn(Pendulum(length=9.81, position=2.5), 10.0, epochs, seed, callbacks)
