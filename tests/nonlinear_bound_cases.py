"""Nonlinear problems, networks in some stage of training, and how well their bounds do.

`benchmarks/error_bounds.py --nonlinear` tries many of them.
"""

import time
from typing import NamedTuple

import keras
import numpy as np
from extended_reference import extended_motion

from oscillator_zoo.data import (
    Chirp,
    Duffing,
    InitialValueProblem,
    Pendulum,
    Sampled,
    Sinusoid,
    Step,
    VanDerPol,
)
from oscillator_zoo.models import PINN, LevenbergMarquardt, SelfScaledBroyden
from oscillator_zoo.models.error_bounds.error_bound import enclose_error
from oscillator_zoo.models.error_bounds.trial_bounds import TrialBounds
from oscillator_zoo.models.nonlinear_bounds.nonlinear_bound import NonlinearErrorSeries

SWITCH = 1.3  # s


class Chain(InitialValueProblem):
    """Masses between springs that harden."""

    def __init__(self, num=4):
        super().__init__(np.linspace(1.0, -0.5, num), np.zeros(num), dimension=num)

    def rhs(self, t, x, v, ops=np):
        left = x - ops.concatenate([0.0 * x[..., :1], x[..., :-1]], axis=-1)
        right = ops.concatenate([x[..., 1:], 0.0 * x[..., :1]], axis=-1) - x
        return right - left + 0.3 * (right**3 - left**3) - 0.1 * v


class LotkaVolterra(InitialValueProblem):
    """Prey and predators."""

    order = 1

    def __init__(self, position=(1.0, 0.5)):
        super().__init__(position, dimension=2)

    def rhs(self, t, x, ops=np):
        prey, predators = x[..., :1], x[..., 1:]
        rates = [prey * (1.1 - 0.4 * predators), predators * (0.1 * prey - 0.4)]
        return ops.concatenate(rates, axis=-1)


class Everything(InitialValueProblem):
    """All the functions that are known, and an equation that changes at `SWITCH`."""

    def __init__(self):
        super().__init__(0.7, 0.2)

    def rhs(self, t, x, v, ops=np):
        spring = ops.tanh(x) + ops.sin(x) * ops.cos(v) / (2.0 + ops.cosh(0.5 * x))
        loss = 0.1 * v * ops.exp(-x) + 0.05 * ops.log(2.0 + x) - 0.1 * (3.0 + x) ** -2
        push = ops.where(t < SWITCH, ops.exp(-t), 0.3 * ops.arctan(2.0 * t))
        return push - spring - loss + 0.1 * ops.sqrt(1.0 + x**2) + 0.1 * ops.tan(0.3 * x)


def random_problem(random, kind):
    """One of `KINDS`, and a duration."""
    a, b, c = random.uniform(0.2, 2.0, 3)
    wave = Sinusoid(a, 2.0 * b, c)
    duration = random.uniform(2.0, 6.0)
    samples = Sampled(np.linspace(0.0, 8.0, 9), random.normal(size=9))
    return KINDS[kind](random, a, b, c, wave, samples, duration), duration


KINDS = {
    "Duffing": lambda random, a, b, c, wave, samples, T: Duffing(
        1.0, 0.1 * a, b, c, wave, position=a - b
    ),
    "Van der Pol": lambda random, a, b, c, wave, samples, T: VanDerPol(
        2.0 * a, force=Step(b, 0.4 * T)
    ),
    "pendulum": lambda random, a, b, c, wave, samples, T: Pendulum(
        length=a, damping=0.2 * b, position=3.0 * random.uniform(-1.0, 1.0)
    ),
    "chain": lambda random, a, b, c, wave, samples, T: Chain(2 + int(2.0 * a) % 3),
    "Lotka-Volterra": lambda random, a, b, c, wave, samples, T: LotkaVolterra((a, b)),
    "everything": lambda random, a, b, c, wave, samples, T: Everything(),
    "two wells": lambda random, a, b, c, wave, samples, T: Duffing(a, 0.0, -b, c, samples),
    "driven pendulum": lambda random, a, b, c, wave, samples, T: Pendulum(
        length=3.0 * a, force=Chirp(a, b, 3.0 * c, T), velocity=b
    ),
}


def wrong_by(problem, duration, size, seed=0, windows=3, activation="sin"):
    """A `PINN` whose readout is drawn at random."""
    edges = problem.start_time + np.linspace(0.0, duration, windows + 1)
    pinn = PINN(
        problem, duration, (8,), activation=activation, window_edges=edges, bandwidth=2.0, seed=1
    )
    random = np.random.default_rng(seed)
    for weight in pinn.network.readout.weights:
        weight.assign(size * random.normal(size=weight.shape))
    return pinn


STAGES = ("random readout", "Adam", "one step", "least squares", "learned")


def network(random, problem, duration, stage):
    """A `PINN` in a stage of its training."""
    if stage == "random readout":
        size = 10.0 ** random.uniform(-12.0, -2.0)
        activation = str(random.choice(["sin", "tanh", "swish"]))
        return wrong_by(problem, duration, size, int(random.integers(1000)), 4, activation)
    if stage == "Adam":
        pinn = PINN(problem, duration, hidden_units=(16, 16), activation="tanh", seed=1)
        pinn.compile(keras.optimizers.Adam(1e-2))
        pinn.fit(pinn.collocation_points(64), epochs=5, verbose=0)
        return pinn
    if stage == "learned":
        pinn = PINN(problem, duration, learned=True, seed=1)
        pinn.compile(SelfScaledBroyden())
        pinn.fit(epochs=int(random.integers(1, 4)), verbose=0)
        return pinn
    pinn = PINN(problem, duration, seed=1)
    pinn.compile(LevenbergMarquardt(), run_eagerly=True)
    steps = 1 if stage == "one step" else 30
    pinn.fit(pinn.collocation_points(steps_per_epoch=steps), epochs=1, verbose=0)
    return pinn


class Outcome(NamedTuple):
    """What one case has shown; sizes are the largest over the times."""

    seed: int
    kind: str
    stage: str
    closes: bool
    holds: bool
    error: float  # of the position, m
    bound: float
    rounding: float  # what rounding in the model's own x̂ can do
    seconds: float

    @property
    def is_judged(self):
        """Whether the error is large enough to ask whether the bound is tight."""
        return self.closes and self.error >= 1e-10 and self.error >= 10.0 * self.rounding


def enclosed(pinn, num=9):
    """Whether the error lies where it is said to lie, with its sign; the bound, and the error.

    The motion is right to 1e-17 of its size, but for samples of a force, which are float64.
    """
    problem, d = pinn.problem, pinn.problem.dimension
    cuts = {SWITCH} if isinstance(problem, Everything) else set()
    for force in problem.coordinate_forces:
        cuts |= set(getattr(force, "breakpoints", ())) | set(getattr(force, "kinks", ()))
    start, end = problem.start_time, problem.start_time + pinn.duration
    inner = [t for t in cuts if start < t < end]
    times = np.union1d(np.linspace(start, end, num), inner)
    motion = extended_motion(problem, times)
    received = np.concatenate([np.asarray(y) for y in pinn.derivatives(times)[: problem.order]], -1)
    found = enclose_error(pinn, times, NonlinearErrorSeries)
    parts = [(found.error, found.radius), (found.rate_error, found.rate_radius)][: problem.order]
    error, radius = (np.concatenate(part, axis=-1) for part in zip(*parts))
    exact = received - motion
    holds = np.abs(exact - error) <= radius + 1e-15 * np.abs(motion).max()
    bound = np.abs(error[:, :d]) + radius[:, :d]
    return bool(holds.all()), bound, np.abs(exact[:, :d]).astype(np.float64)


def try_case(seed, stages=STAGES[:1]):
    """The outcome of one random case, in one of the stages of training."""
    random = np.random.default_rng(seed)
    kind = str(random.choice(list(KINDS)))
    stage = str(random.choice(stages))
    problem, duration = random_problem(random, kind)
    pinn = network(random, problem, duration, stage)
    begin = time.process_time()
    try:
        NonlinearErrorSeries(pinn)
    except ValueError as error:
        print(f"seed {seed}, {kind}, {stage}: {error}", flush=True)
        seconds = time.process_time() - begin
        return Outcome(seed, kind, stage, False, True, np.nan, np.inf, np.nan, seconds)
    seconds = time.process_time() - begin
    holds, bound, error = enclosed(pinn)
    series = NonlinearErrorSeries(pinn)
    rounding = TrialBounds(pinn).model_errors(series.cells)[0].max()
    return Outcome(
        *(seed, kind, stage, True, holds),
        *(float(error.max()), float(bound.max()), float(rounding), seconds),
    )
