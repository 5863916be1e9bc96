"""The bound of nonlinear problems against motions in extended precision.

Networks are not trained: they have random readouts, so that they are wrong by what is asked for,
and the signed error is compared, which is as sharp as rounding.
"""

import keras
import numpy as np
import pytest
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
from oscillator_zoo.models import PINN
from oscillator_zoo.models.error_bounds.error_bound import enclose_error
from oscillator_zoo.models.nonlinear_bounds.nonlinear_bound import NonlinearErrorSeries


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
    """All the functions that are known, and an equation that changes at 1.3 s."""

    def __init__(self):
        super().__init__(0.7, 0.2)

    def rhs(self, t, x, v, ops=np):
        spring = ops.tanh(x) + ops.sin(x) * ops.cos(v) / (2.0 + ops.cosh(0.5 * x))
        loss = 0.1 * v * ops.exp(-x) + 0.05 * ops.log(2.0 + x) - 0.1 * (3.0 + x) ** -2
        push = ops.where(t < 1.3, ops.exp(-t), 0.3 * ops.arctan(2.0 * t))
        return push - spring - loss + 0.1 * ops.sqrt(1.0 + x**2) + 0.1 * ops.tan(0.3 * x)


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


def assert_encloses(pinn, num=9):
    """The error lies where it is said to lie, with its sign; returns the bound and the error."""
    problem, d = pinn.problem, pinn.problem.dimension
    cuts = {1.3} if isinstance(problem, Everything) else set()
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
    reference = 1e-15 * np.abs(motion).max()  # forces are rounded to float64
    assert (np.abs(exact - error) <= radius + reference).all()
    return np.abs(error[:, :d]) + radius[:, :d], np.abs(exact[:, :d]).astype(float)


@pytest.mark.parametrize(
    ("problem", "duration", "size"),
    [
        (Duffing(damping=0.1), 2.0, 0.0),
        (Duffing(stiffness=-1.0, force=Step(0.5, 0.8)), 2.0, 1e-3),
        (VanDerPol(2.0), 2.0, 1e-6),
        (Pendulum(position=3.0, length=5.0), 2.0, 1e-2),
        (Everything(), 2.0, 1e-2),
        (LotkaVolterra(), 2.0, 1e-4),
    ],
    ids=["Duffing", "Step", "VanDerPol", "Pendulum", "Everything", "LotkaVolterra"],
)
def test_error_is_enclosed_with_its_sign_whatever_the_network(problem, duration, size):
    bound, error = assert_encloses(wrong_by(problem, duration, size))
    assert error.max() > size
    assert (bound <= error * (1.0 + 1e-6) + 1e-9).all()  # a part of the residual is left out


def test_bound_is_what_error_bound_says_and_holds_between_the_times_of_the_table():
    pinn = wrong_by(Duffing(damping=0.1), 1.0, 1e-3)
    times = np.linspace(0.0, 1.0, 101)
    bound, velocity_bound = pinn.error_bound(times)
    edges, table = pinn.error_bound_table()
    piece = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, len(table) - 1)
    assert (table[piece] >= bound).all() and (table[piece] <= bound + 0.05 * bound.max()).all()
    assert velocity_bound.shape == (101, 1) and bound[0, 0] < 1e-13


class Kinked(Duffing):
    def rhs(self, t, x, v, ops=np):
        return -ops.abs(x) * x


class Bent(Duffing):
    def rhs(self, t, x, v, ops=np):
        return -ops.where(x > 0.0, x, 2.0 * x)


class Unknown(Duffing):
    def rhs(self, t, x, v, ops=np):
        return -ops.expm1(x)


class Dishonest(Duffing):
    """Other numbers for arrays of floats."""

    def rhs(self, t, x, v, ops=np):
        return -1.001 * x**3 if getattr(x, "dtype", None) == np.float64 else -(x**3)


class Blinking(Duffing):
    def rhs(self, t, x, v, ops=np):
        return -(x**3) + 0.1 * (t % 0.5)


@pytest.mark.parametrize(
    ("problem", "operation"),
    [
        (Kinked(), "it takes the absolute value, which has a kink, of t, x or v"),
        (Bent(), "it takes a comparison of t, x or v"),
        (Unknown(), "it takes expm1"),
        (Blinking(), "it takes a remainder"),
        (Dishonest(), "its numbers are others at t = 0"),
        (Duffing(force=np.cos), "it failed there: A force that is a plain function"),
    ],
    ids=["abs", "comparison", "expm1", "remainder", "dishonest", "plain force"],
)
def test_what_is_not_known_is_named_and_error_estimate_stays(problem, operation):
    pinn = PINN(problem, 0.5, (4,), seed=1)
    with pytest.raises(ValueError, match=rf"needs an rhs made of.*{operation}.*error_estimate"):
        pinn.error_bound([0.1])


def test_where_it_does_not_close_it_says_in_which_window_and_by_what_factor():
    runaway = Duffing(stiffness=1.0, cubic_stiffness=-1.0, position=1.1)  # infinite at 3.5 s
    pinn = wrong_by(runaway, 8.0, 0.0, windows=4)
    message = r"4 Y Z₂ < 1.*PINN for Duffing with .* at t = .* in window \d .*error_estimate"
    with pytest.raises(ValueError, match=message):
        pinn.error_bound([1.0])
    assert pinn.error_bound_table() is None


def random_problem(random, kind):
    """One of eight kinds, with a duration after which Newton's method still leads back."""
    a, b, c = random.uniform(0.2, 2.0, 3)
    wave = Sinusoid(a, 2.0 * b, c)
    duration = random.uniform(2.0, 2.5 if kind == 1 else 6.0)
    samples = Sampled(np.linspace(0.0, 8.0, 9), random.normal(size=9))
    problems = [
        Duffing(1.0, 0.1 * a, b, c, wave, position=a - b),
        VanDerPol(2.0 * a, force=Step(b, 0.4 * duration)),
        Pendulum(length=a, damping=0.2 * b, position=3.0 * random.uniform(-1.0, 1.0)),
        Chain(2 + int(2.0 * a) % 3),
        LotkaVolterra((a, b)),
        Everything(),
        Duffing(a, 0.0, -b, c, samples),
        Pendulum(length=3.0 * a, force=Chirp(a, b, 3.0 * c, duration), velocity=b),
    ]
    return problems[kind], duration


@pytest.mark.slow
@pytest.mark.parametrize("kind", range(8))
def test_random_problems_and_networks(kind):
    random = np.random.default_rng(kind)
    for seed in range(3):
        problem, duration = random_problem(random, kind)
        size = 10.0 ** random.uniform(-12.0, -2.0)
        activation = ("sin", "tanh", "swish")[seed]
        pinn = wrong_by(problem, duration, size, seed, 4, activation)
        bound, error = assert_encloses(pinn)
        assert bound.max() <= 10.0 * error.max() or error.max() < 1e-10


def test_problems_far_from_zero_of_time_and_a_window_of_few_numbers():
    problem = Duffing(damping=0.1, start_time=1e6)
    edge = np.nextafter(1e6 + 0.5, np.inf)
    pinn = PINN(problem, 1.0, (8,), window_edges=[1e6, 1e6 + 0.5, edge, 1e6 + 1.0], seed=1)
    bound, _ = pinn.error_bound([1e6, edge, 1e6 + 1.0])
    early = extended_motion(Duffing(damping=0.1), np.array([0.0, 1.0]))
    error = np.abs(np.asarray(pinn([1e6 + 1.0])) - early[-1:, :1]).astype(float)
    assert error.item() <= bound[-1, 0] <= error.item() + 1e-6


def test_activation_without_known_bounds_is_refused_as_for_linear_problems():
    pinn = PINN(Duffing(), 1.0, (4,), activation=keras.activations.gelu)
    with pytest.raises(ValueError, match=r"sin, tanh or swish\. Received: .*gelu"):
        pinn.error_bound([0.5])
