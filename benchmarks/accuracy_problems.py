"""The problems of the accuracy table, moved by a random draw, and their true motions."""

import functools
import itertools

import numpy as np
from scipy.integrate import solve_ivp

from oscillator_zoo.data import (
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Duffing,
    InitialValueProblem,
    Pendulum,
    Sinusoid,
    Step,
    VanDerPol,
)

VARIATION = 0.2


class LotkaVolterra(InitialValueProblem):
    """Prey x and predators y, x' = a x − b x y, y' = c x y − d y: what a user may bring."""

    def __init__(self, growth, hunting, feeding, death, position):
        self.rates = growth, hunting, feeding, death
        super().__init__(position, order=1, dimension=2)

    def rhs(self, t, x, ops=np):
        growth, hunting, feeding, death = self.rates
        prey, predators = x[..., :1], x[..., 1:]
        met = prey * predators
        change = growth * prey - hunting * met, feeding * met - death * predators
        return ops.concatenate(change, axis=-1)


class HardeningChain(InitialValueProblem):
    """Four masses between walls, springs that pull with e + β e³: what a user may bring."""

    def __init__(self, hardening, damping, position, velocity):
        self.hardening, self.damping = hardening, damping
        super().__init__(position, velocity, order=2, dimension=4)

    def rhs(self, t, x, v, ops=np):
        wall = 0.0 * x[..., :1]
        ends = ops.concatenate([wall, x, wall], axis=-1)
        stretch = ends[..., 1:] - ends[..., :-1]
        pull = stretch + self.hardening * stretch**3
        return pull[..., 1:] - pull[..., :-1] - self.damping * v


class Draw:
    """Numbers moved by up to ±20 %, the same for the same seed."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def near(self, value):
        return value * self.random.uniform(1.0 - VARIATION, 1.0 + VARIATION)

    def kick(self, speed):
        """An initial velocity: up to a fifth of the motion's own speed."""
        return speed * self.random.uniform(-VARIATION, VARIATION)


def harmonic(draw):
    return DampedOscillator(
        stiffness=draw.near(1.0), position=draw.near(1.0), velocity=draw.kick(1.0)
    )


def damped(frequency, draw):
    return DampedOscillator(
        damping=draw.near(4.0),
        stiffness=draw.near(frequency**2),
        position=draw.near(1.0),
        velocity=draw.kick(frequency),
    )


def driven(draw):
    return DampedOscillator(
        damping=draw.near(0.1),
        stiffness=draw.near(1.0),
        force=Sinusoid(draw.near(1.0), draw.near(1.3), np.pi / 2),
        position=draw.near(1.0),
        velocity=draw.kick(1.0),
    )


def duffing(draw):
    return Duffing(
        damping=draw.near(0.1),
        stiffness=draw.near(1.0),
        cubic_stiffness=draw.near(1.0),
        position=draw.near(1.0),
        velocity=draw.kick(1.0),
    )


def van_der_pol(nonlinearity, draw):
    return VanDerPol(
        nonlinearity=draw.near(nonlinearity), position=draw.near(1.0), velocity=draw.kick(1.0)
    )


def pendulum(length, draw):
    return Pendulum(length=draw.near(length), position=draw.near(2.5))


def coupled(draw):
    return CoupledOscillators(
        masses=(draw.near(1.0), draw.near(1.0)),
        stiffness=(draw.near(1.0), draw.near(1.0), draw.near(1.0)),
        position=(draw.near(1.0), draw.kick(1.0)),
    )


def resonance(draw):
    stiffness = draw.near(1.0)
    force = Sinusoid(draw.near(1.0), np.sqrt(stiffness))
    return DampedOscillator(stiffness=stiffness, force=force, position=draw.near(1.0))


def step_force(draw):
    return DampedOscillator(
        damping=draw.near(0.2),
        stiffness=draw.near(1.0),
        force=Step(draw.near(1.0), draw.near(5.0)),
        position=draw.near(1.0),
    )


def decay(draw):
    return Decay(rate=draw.near(1.0), position=draw.near(1.0))


def lotka_volterra(draw):
    rates = [draw.near(rate) for rate in (1.1, 0.4, 0.1, 0.4)]
    return LotkaVolterra(*rates, position=np.array([draw.near(10.0), draw.near(5.0)]))


def hardening_chain(draw):
    position = np.array([draw.near(x) for x in (1.0, -0.5, 0.5, 0.0)])
    velocity = np.array([draw.kick(1.0) for _ in range(4)])
    return HardeningChain(draw.near(1.0), draw.near(0.1), position, velocity)


# name: (function that draws the problem, duration in s)
PROBLEMS = {
    "harmonic, T = 10": (harmonic, 10.0),
    "damped d = 2, ω0 = 20, T = 1": (functools.partial(damped, 20.0), 1.0),
    "damped d = 2, ω0 = 80, T = 1": (functools.partial(damped, 80.0), 1.0),
    "driven, γ = 0.1, cos 1.3t, T = 30": (driven, 30.0),
    "Duffing, T = 10": (duffing, 10.0),
    "Duffing, T = 20π": (duffing, 20.0 * np.pi),
    "Van der Pol μ = 1, T = 10": (functools.partial(van_der_pol, 1.0), 10.0),
    "Van der Pol μ = 5, T = 20": (functools.partial(van_der_pol, 5.0), 20.0),
    "pendulum 9.81 m from 2.5 rad, T = 10": (functools.partial(pendulum, 9.81), 10.0),
    "pendulum 1 m from 2.5 rad, T = 10": (functools.partial(pendulum, 1.0), 10.0),
    "coupled pair, T = 20": (coupled, 20.0),
    "resonance, T = 30": (resonance, 30.0),
    "step force at 5 s, T = 15": (step_force, 15.0),
    "first-order decay, T = 5": (decay, 5.0),
    "a user's Lotka–Volterra, T = 20": (lotka_volterra, 20.0),
    "a user's hardening chain of 4, T = 20": (hardening_chain, 20.0),
}


def true_positions(problem, duration, times):
    """x `(num, dimension)` at increasing times, by SciPy's DOP853 at its smallest tolerance.

    It begins anew at each time at which the force jumps.
    """
    dimension = problem.dimension
    state = np.concatenate([np.reshape(y, -1) for y in problem.initial_state()])

    def slopes(t, state):
        parts = np.split(state[None], problem.order, axis=-1)
        rate = problem.rhs(np.array([[t]]), *parts) + np.zeros((1, dimension))
        return np.concatenate([state[dimension:], rate[0]])

    edges = [0.0, *(t for t in problem.breakpoints if t < duration), duration]
    pieces = []
    for begin, end in itertools.pairwise(edges):
        before = end if end == duration else np.nextafter(end, begin)
        inside = times[(times >= begin) & (times <= before)]
        run = solve_ivp(
            lambda t, y, before=before: slopes(min(t, before), y),
            (begin, end),
            state,
            "DOP853",
            np.union1d(inside, end),
            rtol=3e-14,
            atol=1e-15,
        )
        pieces.append(run.y[:dimension, : len(inside)].T)
        state = run.y[:, -1]
    return np.concatenate(pieces)
