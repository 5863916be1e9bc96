"""Constants of a problem of the user's own, against an independent integrator."""

import dataclasses
import types

import keras
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from oscillator_zoo.data import (
    CoupledOscillators,
    DampedOscillator,
    InitialValueProblem,
    Pendulum,
    Sinusoid,
    Trajectory,
    VanDerPol,
    simulate,
)
from oscillator_zoo.models import ProblemCell
from oscillator_zoo.training import identify
from oscillator_zoo.training.instrument import identifying
from oscillator_zoo.training.law_fits import own_problem
from oscillator_zoo.training.law_fits.record_list import as_records


class Morse(InitialValueProblem):
    """A bond between two atoms, with a little damping."""

    def __init__(self, depth=1.0, width=1.0, damping=0.0, position=0.5, velocity=0.0):
        self.depth, self.width, self.damping = depth, width, damping
        super().__init__(position, velocity)

    def rhs(self, t, x, v, ops=np):
        stretch = ops.exp(-self.width * x)
        return -2.0 * self.depth * self.width * stretch * (1.0 - stretch) - self.damping * v


def moved(acceleration, times, start):
    given = {"t_eval": times, "rtol": 1e-10, "atol": 1e-12}
    slope = lambda t, s: [s[1], acceleration(t, *s)]  # noqa: E731
    return solve_ivp(slope, (times[0], times[-1]), start, "DOP853", **given).y[0]


def record(times, values, force=None):
    force = np.zeros_like(times) if force is None else force
    return Trajectory(times, values[None, :, None], ("position",), force[None, :, None])


@pytest.fixture(scope="module")
def bond():
    times = 0.06 * np.arange(140)
    truth = Morse(3.0, 1.4, 0.05)
    x = moved(lambda t, x, v: float(truth.rhs(t, x, v)), times, [0.5, 0.0])
    return record(times, x + 0.01 * np.random.default_rng(0).normal(size=140))


@pytest.fixture(scope="module")
def found(bond):
    return identify(bond, Morse(damping=0.05), unknown=("depth", "width"))


@pytest.mark.slow
def test_a_bond_is_found_from_values_that_are_far_off(found):
    for name, value in {"depth": 3.0, "width": 1.4}.items():
        one = found.estimates[name]
        assert abs(one.value - value) < 4.0 * one.standard_error < 0.2 * value
    assert found.doubts == [] and "Morse" in str(found)


def test_its_problem_goes_on(found):
    assert isinstance(found.problem, Morse)
    assert found.problem.depth == found.estimates["depth"].value


@pytest.mark.slow
def test_its_keras_model_runs_like_the_fit_and_goes_on(found, tmp_path):
    model, x = found.model, found.model_inputs()
    run = model.predict(x, verbose=0)
    fit = (found.records[0].values - found.residuals[0])[1:]
    np.testing.assert_allclose(run[0, :, 0], fit, atol=1e-5)  # of samples between steps of the fit
    cell = model.layers[-1].cell
    assert cell.constants.shape == (3,) and cell.unknown == ("depth", "width")
    model.save(tmp_path / "bond.keras")
    again = keras.saving.load_model(tmp_path / "bond.keras", custom_objects={"Morse": Morse})
    # Not to the bit: the last one depends on where in memory the processor finds the numbers.
    np.testing.assert_allclose(again.predict(x, verbose=0), run, rtol=0, atol=1e-14)
    cell.constants.assign(cell.constants + np.array([0.1, 0.0, 0.0]))
    model.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=False)  # soon had
    losses = model.fit(x, found.records[0].values[None, 1:, None], epochs=5, verbose=0)
    assert losses.history["loss"][-1] < 0.7 * losses.history["loss"][0]


def test_a_cell_takes_a_problem_of_one_mass_and_its_names():
    with pytest.raises(ValueError, match="order 2 and dimension 1"):
        ProblemCell(CoupledOscillators((1.0, 1.0), (1.0, 1.0, 1.0)), (), 0.1)
    with pytest.raises(ValueError, match="Did you mean 'damping'"):
        ProblemCell(Morse(), ("dampin",), 0.1)


def test_a_guess_may_lie_at_a_bound():
    times = 0.1 * np.arange(80)
    x = moved(lambda t, x, v: -9.0 * np.sin(x) - 0.1 * v, times, [1.0, 0.0])
    values = x + 0.01 * np.random.default_rng(0).normal(size=80)
    problem = Pendulum(length=0.5, gravity=9.0, damping=0.0)  # and a damping below 0 is refused
    estimates = identify(record(times, values), problem, ("length", "damping")).estimates
    for name, value in {"length": 1.0, "damping": 0.1}.items():
        assert abs(estimates[name].value - value) < 4.0 * estimates[name].standard_error


@pytest.mark.slow
def test_a_driven_oscillator_with_a_known_mass():
    times = 0.25 * np.arange(80)
    force = np.sin(0.9 * times) + np.cos(2.3 * times)
    drive = lambda t: np.sin(0.9 * t) + np.cos(2.3 * t)  # noqa: E731
    x = moved(lambda t, x, v: (drive(t) - 0.3 * v - 4.0 * x) / 0.5, times, [0.0, 0.0])
    values = x + 2.0 + 0.01 * np.random.default_rng(0).normal(size=80)
    problem = DampedOscillator(mass=0.5, damping=1.0, stiffness=1.0)
    given = {"unknown": ("damping", "stiffness"), "force_between": "smooth"}
    found = identify(record(times, values, force), problem, **given)
    estimates = found.estimates
    for name, value in {"damping": 0.3, "stiffness": 4.0}.items():
        assert abs(estimates[name].value - value) < 4.0 * estimates[name].standard_error
    run = found.model.predict(found.model_inputs(), verbose=0)[0, :, 0]
    fit = (values - found.residuals[0])[1:]
    # Straight lines between samples miss the force by .02, between sixteenths of them by 8e-5.
    np.testing.assert_allclose(run, fit, atol=3e-4)
    motion = simulate(found.problem, 0.25 / 16, 79 * 16, method="rk4").every(16)
    motion = motion.feature("position")[0] + found.offsets[0]
    np.testing.assert_allclose(motion[1:], fit, atol=3e-4)


class Refusing(InitialValueProblem):
    """Takes no constant but its own, from which it has no numbers."""

    def __init__(self, strength=1.0, position=0.5, velocity=0.0):
        self.strength = strength
        super().__init__(position, velocity)

    def rhs(self, t, x, v, ops=np):
        return x + np.nan


def test_under_a_force_a_problem_needs_one(bond):
    driven = dataclasses.replace(bond, force=np.cos(bond.times)[None, :, None])
    with pytest.raises(ValueError, match=r"needs an argument force\. Received Morse without one"):
        identify(driven, Morse(), unknown=("depth",))


def test_courses_that_are_as_near_are_a_doubt(bond, monkeypatch):
    driven = dataclasses.replace(bond, force=np.cos(bond.times)[None, :, None])
    squares = {"smooth": 3.0, "linear": 1.0, "held": 1.0001}

    def fit_problem(problem, unknown, records, course):
        error = np.full(140, np.sqrt(squares[course]))
        fields = {"error": error, "square": 140 * squares[course], "num_unknowns": 3}
        return types.SimpleNamespace(course=course, constants={}, **fields)

    monkeypatch.setattr(identifying, "fit_problem", fit_problem)
    records = as_records(driven)
    (best,), (doubt,) = identifying._own(DampedOscillator(), "damping", records, None)
    assert best.course == "linear"
    assert "between samples cannot be told: linear, held are as near. Pass force_betw" in doubt
    (best,), doubts = identifying._own(DampedOscillator(), "damping", records, "held")
    assert best.course == "held" and doubts == []


def test_a_problem_of_constants_is_made_once_and_a_few_are_kept(monkeypatch):
    monkeypatch.setattr(own_problem, "MOST_KEPT", 2)
    law = own_problem.OwnLaw(Morse(), ("depth", "width"), 1.0)
    for depth in (1.0, 2.0, 3.0, 4.0, 5.0):
        made = law.with_constants((depth, 0.5))
        assert (made.depth, made.width) == (depth, 0.5) and law.with_constants((depth, 0.5)) is made
    assert len(law.made) <= 3


def test_a_record_too_short_for_a_cubic_gives_no_guess(bond):
    (one,) = as_records(bond)
    law = own_problem.OwnLaw(Morse(), ("depth",), 2.0 * np.pi / 4.0)
    own = np.array([1.0])
    assert own_problem._smoothed_guess(law, own, [one], 0.3) is not None
    assert own_problem._smoothed_guess(law, own, [one], 30.0) is None


@pytest.mark.parametrize(
    ("problem", "unknown", "words"),
    [
        (VanDerPol(), ("nonlinearty",), "Did you mean 'nonlinearity'"),
        (VanDerPol(), (), "must name constants of VanDerPol, such as nonlinearity"),
        (CoupledOscillators((1.0, 1.0), (1.0, 1.0, 1.0)), ("start_time",), "dimension 1"),
        (DampedOscillator(force=Sinusoid(1.0, 2.0)), ("damping",), "record's force only"),
        ("linear", ("damping",), "belongs to a problem of your own"),
        (Refusing(), ("strength",), r"values .* from which runs stay finite\. Received strength=1"),
    ],
)
def test_what_cannot_be_searched_for_is_refused(bond, problem, unknown, words):
    with pytest.raises(ValueError, match=words):
        identify(bond, problem, unknown=unknown)
