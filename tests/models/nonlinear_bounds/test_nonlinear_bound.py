"""The bound of nonlinear problems against motions in extended precision.

Networks are not trained: they have random readouts, so that they are wrong by what is asked for,
and the signed error is compared, which is as sharp as rounding.
"""

import re

import keras
import numpy as np
import pytest
from extended_reference import extended_motion
from nonlinear_bound_cases import (
    KINDS,
    SWITCH,
    Everything,
    LotkaVolterra,
    enclosed,
    network,
    random_problem,
    wrong_by,
)

from oscillator_zoo.data import (
    DampedOscillator,
    Duffing,
    InitialValueProblem,
    Pendulum,
    Step,
    VanDerPol,
)
from oscillator_zoo.data.problems.initial_value_problem import linear
from oscillator_zoo.models import PINN, LevenbergMarquardt, SelfScaledBroyden
from oscillator_zoo.models.nonlinear_bounds import signed_error
from oscillator_zoo.models.nonlinear_bounds.discs import Disc
from oscillator_zoo.models.nonlinear_bounds.jets import Jet, Time
from oscillator_zoo.models.nonlinear_bounds.right_hand_side import RightHandSide


@pytest.mark.parametrize(
    ("problem", "duration", "size"),
    [
        (Duffing(damping=0.1), 2.0, 0.0),
        (Duffing(stiffness=-1.0, force=Step(0.5, 0.8)), 2.0, 1e-3),
        (VanDerPol(2.0), 2.0, 1e-6),
        (VanDerPol(4.0), 4.0, 1e-9),  # no Newton step from x̂ = 2 leads there
        (Pendulum(position=3.0, length=5.0), 2.0, 1e-2),
        (Everything(), 2.0, 1e-2),
        (LotkaVolterra(), 2.0, 1e-4),
    ],
    ids=["Duffing", "Step", "VanDerPol", "far away", "Pendulum", "Everything", "LotkaVolterra"],
)
def test_error_is_enclosed_with_its_sign_whatever_the_network(problem, duration, size):
    holds, bound, error = enclosed(wrong_by(problem, duration, size))
    assert holds and error.max() > size
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
        (
            Kinked(position=0.1, velocity=-2.0),
            "it takes the absolute value, which has a kink, of what changes sign",
        ),
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


ASKED = {
    "floor": (lambda x, ops: ops.floor(x), r"a whole number of t, x or v \(floor"),
    "ceil": (lambda x, ops: ops.ceil(x), r"a whole number of t, x or v \(floor"),
    "round": (lambda x, ops: ops.round(x), r"a whole number of t, x or v \(floor"),
    "trunc": (lambda x, ops: ops.trunc(x), r"a whole number of t, x or v \(floor"),
    "sign": (lambda x, ops: ops.sign(x), "a comparison of t, x or v, as maximum and sign do"),
    "maximum": (lambda x, ops: ops.maximum(x, 0.5), "a comparison of t, x or v, as maximum"),
    "arctan2": (lambda x, ops: ops.arctan2(x, 2.0), r"arctan2\. "),
    "logaddexp": (lambda x, ops: ops.logaddexp(x, 0.0 * x), r"logaddexp\. "),
    "tensors": (lambda x, ops: keras.ops.sin(x), "functions of TensorFlow: those of ops"),
}


@pytest.mark.parametrize("name", ASKED)
def test_operation_that_is_not_known_is_named(name):
    function, operation = ASKED[name]
    x, t = (np.empty((1, 1), object) for _ in "xt")
    disc, ends = Disc(np.ones(1), np.zeros(1)), (np.ones(1), np.ones(1))
    x[0, 0], t[0, 0] = Jet.variable(disc, 0, 2), Time(disc, *ends, 2, set())
    for argument in (x, t):
        try:
            function(argument, np)
        except Exception as error:
            refusal = RightHandSide(Duffing())._refusal(error)
        assert re.search(f"an rhs made of.*it takes {operation}.*error_estimate", str(refusal))


class Falling(InitialValueProblem):
    """A fall through air, whose drag grows as the square of the speed."""

    def __init__(self, velocity=1.0):
        super().__init__(0.0, velocity)

    def rhs(self, t, x, v, ops=np):
        return 9.81 - 0.1 * ops.abs(v) * v


@pytest.mark.parametrize("problem", [Falling(), Kinked(position=-1.0)], ids=["fall", "x < 0"])
def test_absolute_values_of_what_keeps_its_sign(problem):
    holds, bound, error = enclosed(wrong_by(problem, 0.8, 1e-6))
    assert holds and (bound <= error * (1.0 + 1e-6) + 1e-9).all()


class Singular(Falling):
    """A rhs whose derivatives have no bound at x = 0, through which the motion goes."""

    def rhs(self, t, x, v, ops=np):
        return -((x**2) ** 1.5)


class Repelled(Falling):
    def rhs(self, t, x, v, ops=np):
        return 0.1 / (x + 0.05)


def test_a_rhs_that_changes_all_the_time_is_refused(monkeypatch):
    monkeypatch.setattr(signed_error, "MOST_CUTS", 1)
    with pytest.raises(ValueError, match=r"at most 1 times\. Received: Everything.*error_estimate"):
        wrong_by(Everything(), 2.0, 1e-6).error_bound([0.1])


@pytest.mark.parametrize("problem", [Duffing(), DampedOscillator()], ids=["nonlinear", "linear"])
def test_a_rhs_that_fails_on_numbers_is_refused_with_its_words(problem, monkeypatch):
    pinn, rhs = wrong_by(problem, 1.0, 1e-6), type(problem).rhs

    def failing(self, t, x, v, ops=np):
        if np.asarray(x).dtype == np.float64:
            raise ArithmeticError("no numbers today")
        return rhs(self, t, x, v, ops)

    monkeypatch.setattr(type(problem), "rhs", linear(failing) if problem.is_linear else failing)
    with pytest.raises(ValueError, match=rf"Received: {type(problem).__name__}.*no numbers today"):
        pinn.error_bound([0.1])


@pytest.mark.parametrize(
    ("problem", "duration", "where"),
    [
        (Falling(0.0), 0.8, r"t = 0 s and .* state is \(.*, give or take"),
        (Singular(), 0.8, r"t = 0 s and .* state is \(.*, 1\), give or take"),
        (Singular(-1.0), 2.0, r"t = 0 s and"),
    ],
    ids=["rest", "power", "power, other way"],
)
def test_where_the_rhs_has_no_derivatives_the_cell_is_named(problem, duration, where):
    message = f"needs an rhs with two derivatives.*bounded between {where}.*error_estimate"
    with pytest.raises(ValueError, match=message):
        wrong_by(problem, duration, 0.0).error_bound([0.1])


@pytest.mark.further
def test_a_network_that_goes_through_a_singular_place_closes_where_the_motion_does_not():
    pinn = wrong_by(Repelled(), 1.0, 1.0)
    assert np.asarray(pinn(np.linspace(0.0, 1.0, 99))).min() < -0.1  # beyond the singular place
    holds, bound, error = enclosed(pinn)
    assert holds and (bound <= error * (1.0 + 1e-6) + 1e-9).all()


@pytest.mark.parametrize(("place", "value"), [(0, 1e200), (1, 1e20)])
def test_weights_so_large_that_waves_are_lost_are_refused_in_seconds(place, value):
    pinn = wrong_by(Duffing(), 2.0, 1e-3)
    weight = pinn.network.hidden[0].weights[place]
    weight.assign(np.full(weight.shape, value))
    with pytest.raises(ValueError, match=r"polynomials follow.*Duffing with weights so large"):
        pinn.error_bound([0.1])


@pytest.mark.further
@pytest.mark.parametrize(
    ("problem", "duration", "most"),
    [(Duffing(cubic_stiffness=1.0, damping=0.0), 20.0 * np.pi, 1e-9), (VanDerPol(5.0), 20.0, 1e-7)],
    ids=["Duffing over ten periods", "Van der Pol 5"],
)
def test_long_and_stiff_motions_close(problem, duration, most):
    pinn = PINN(problem, duration, seed=1)
    pinn.compile(LevenbergMarquardt())
    pinn.fit(verbose=0)
    holds, bound, _ = enclosed(pinn)
    assert holds and bound.max() <= most


@pytest.mark.further
@pytest.mark.parametrize(
    ("problem", "duration"),
    [
        (Duffing(cubic_stiffness=0.5, damping=0.1), 10.0),
        (Pendulum(position=1.0), 5.0),
        (VanDerPol(1.0), 10.0),
    ],
    ids=["Duffing", "pendulum", "Van der Pol"],
)
def test_networks_trained_by_gradients_close(problem, duration):
    pinn = PINN(problem, duration, hidden_units=(20, 20), activation="tanh", seed=1)
    pinn.compile(SelfScaledBroyden())
    pinn.fit(pinn.collocation_points(200, steps_per_epoch=600), epochs=1, verbose=0)
    residual = np.abs(pinn.residual(np.linspace(0.0, duration, 501))).max()
    assert 1e-5 < residual < 1e-1
    holds, bound, error = enclosed(pinn)
    assert holds and bound.max() <= 1.01 * error.max()


def test_where_it_does_not_close_it_says_in_which_window_and_by_what_factor():
    runaway = Duffing(stiffness=1.0, cubic_stiffness=-1.0, position=1.1)  # infinite at 3.5 s
    pinn = wrong_by(runaway, 8.0, 0.0, windows=4)
    message = r"4 Y Z₂ < 1.*PINN for Duffing with .* at t = .* in window \d .*error_estimate"
    with pytest.raises(ValueError, match=message):
        pinn.error_bound([1.0])
    assert pinn.error_bound_table() is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_random_problems_and_networks(kind):
    random = np.random.default_rng(len(kind))
    for _ in range(3):
        problem, duration = random_problem(random, kind)
        holds, bound, error = enclosed(network(random, problem, duration, "random readout"))
        assert holds and (bound.max() <= 10.0 * error.max() or error.max() < 1e-10)


def test_a_problem_far_from_zero_of_time_and_a_short_window():
    problem = Duffing(damping=0.1, start_time=1e6)
    edge = 1e6 + 0.5 + 2e-6
    pinn = PINN(problem, 1.0, (8,), window_edges=[1e6, 1e6 + 0.5, edge, 1e6 + 1.0], seed=1)
    bound, _ = pinn.error_bound([1e6, edge, 1e6 + 1.0])
    early = extended_motion(Duffing(damping=0.1), np.array([0.0, 1.0]))
    error = np.abs(np.asarray(pinn([1e6 + 1.0])) - early[-1:, :1]).astype(float)
    assert error.item() <= bound[-1, 0] <= error.item() + 1e-6


class Switched(InitialValueProblem):
    """x' = x (1 − x), and from 1 s on x' = −x²."""

    order = 1

    def rhs(self, t, x, ops=np):
        return ops.where(t < 1.0, x * (1.0 - x), -(x**2))


@pytest.mark.slow
@pytest.mark.parametrize("duration", [1.0, 1.5])
def test_an_equation_of_order_1_that_jumps_inside_and_at_the_end(duration):
    pinn = PINN(Switched(0.2), duration, (4,), seed=1)
    bound, rate_bound = pinn.error_bound([0.5, 1.0])
    exact = 0.2 * np.exp([0.5, 1.0]) / (0.8 + 0.2 * np.exp([0.5, 1.0]))
    error = np.abs(np.asarray(pinn([0.5, 1.0]))[:, 0] - exact)
    assert (error <= bound[:, 0]).all() and (bound[:, 0] <= error * (1.0 + 1e-6)).all()
    assert np.isfinite(rate_bound[:, 0]).tolist() == [True, duration > 1.0]
    if duration > 1.0:
        rate_error = abs(pinn.derivatives([1.0])[1][0, 0] + exact[1] ** 2)
        assert rate_error <= rate_bound[1, 0] <= rate_error * (1.0 + 1e-6)


def test_activation_without_known_bounds_is_refused_as_for_linear_problems():
    pinn = PINN(Duffing(), 1.0, (4,), activation=keras.activations.gelu)
    with pytest.raises(ValueError, match=r"sin, tanh or swish\. Received: .*gelu"):
        pinn.error_bound([0.5])


class Declared(Everything):
    """The same, which says when it changes: windows end there."""

    breakpoints = (SWITCH,)


@pytest.mark.slow
def test_least_squares_have_a_bound_whatever_the_rhs_is_made_of():
    # Its weights are a hundred times as large as the motion, and cancel.
    pinn = PINN(Declared(), 4.0, seed=1)
    pinn.compile(LevenbergMarquardt(), run_eagerly=True)
    pinn.fit(pinn.collocation_points(steps_per_epoch=30), epochs=1, verbose=0)
    holds, bound, _ = enclosed(pinn)
    assert holds and bound.max() < 1e-10  # seen: 4e-12
