"""The compiled loop against the NumPy loop, and what is left to the latter."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from oscillator_zoo.data import (
    Constant,
    Duffing,
    InitialValueProblem,
    Pendulum,
    Sampled,
    Sinusoid,
    Step,
    VanDerPol,
    simulate,
)
from oscillator_zoo.data.stepping import compiled_loop

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="it is compiled by TensorFlow"
)
EPS32 = np.finfo(np.float32).eps
SOME = np.linspace(0.1, 0.9, 7)


@pytest.fixture(autouse=True)
def loops(monkeypatch):
    """The compiled loops, none at first; every call is worth compiling."""
    monkeypatch.setattr(compiled_loop, "LEAST", 1)
    monkeypatch.setattr(compiled_loop, "LOOPS", {})
    return compiled_loop.LOOPS


def by_numpy(monkeypatch, *arguments, **options):
    with monkeypatch.context() as patch:
        patch.setattr(compiled_loop, "LEAST", np.inf)
        return simulate(*arguments, **options)


class Masses(InitialValueProblem):
    """Of several coordinates, with an array that `ensemble_parameters` does not name."""

    dimension = 3

    def __init__(self, stiffness, position, velocity, force=None):
        self.stiffness, self.force = np.asarray(stiffness), force
        super().__init__(position, velocity)

    def rhs(self, t, x, v, ops=np):
        drive = 0.0 if self.force is None else self.force[1](t, ops=ops)
        return drive - self.stiffness * x - ops.sin(x) * ops.cos(2.0 * t)


class Growth(InitialValueProblem):
    order = 1

    def __init__(self, rate, position):
        self.rate = rate
        super().__init__(position)

    ensemble_parameters = ("rate",)

    def rhs(self, t, x, ops=np):
        (rate,) = self.columns("rate", ops=ops)
        return rate * x * (1.0 - x)


class Delayed(Growth):
    """Under a force that acts later."""

    def __init__(self, rate, position, force=None):
        super().__init__(rate, position)
        self.force = force or Sinusoid(0.3, 2.0)

    def rhs(self, t, x, ops=np):
        return super().rhs(t, x, ops) + self.force(t - 0.25, ops=ops)


START = np.random.default_rng(0).normal(size=(2, 7, 3))
PROBLEMS = {
    "free": Duffing(damping=SOME, cubic_stiffness=0.3, position=SOME[::-1]),
    "driven": Duffing(1.0 + SOME, 0.1, force=Sinusoid(SOME, 1.0 + SOME, 0.3), start_time=2.0),
    "pendulum": Pendulum(length=SOME, damping=0.1, force=Step(0.3, 1.0)),
    "van der pol": VanDerPol(nonlinearity=SOME, force=Constant(0.2)),
    "masses": Masses([1.0, 2.0, 3.0], *START, force=(None, Sinusoid(SOME, 2.0), None)),
    "growth": Growth(SOME, SOME),
    "delayed": Delayed(SOME, SOME),
}
CASES = [
    (name, method)
    for name, problem in PROBLEMS.items()
    for method in ("euler", "euler_cromer", "rk4")
    if not (problem.order == 1 and method == "euler_cromer")
    and not (name == "pendulum" and method == "rk4")  # its steps are cut at the jump
]


@pytest.mark.parametrize(("name", "method"), CASES)
def test_compiled_steps_are_numpys(name, method, loops, monkeypatch):
    problem = PROBLEMS[name]
    for dtype, tolerance in (("float64", 1e-12), ("float32", 300 * EPS32)):
        loops.clear()
        found = simulate(problem, 0.01, 300, method, dtype)
        assert len(loops) == 1 and all(loops.values())
        expected = by_numpy(monkeypatch, problem, 0.01, 300, method, dtype)
        assert found.states.dtype == dtype and found.states.shape == expected.states.shape
        assert found.states.flags.writeable
        largest = np.abs(expected.states).max()
        np.testing.assert_allclose(found.states, expected.states, rtol=0, atol=tolerance * largest)


def test_one_loop_serves_all_numbers_of_a_class_and_shape(loops, monkeypatch):
    for factor in (1.0, 0.5):
        force = Sinusoid(factor * SOME, 2.0 * factor)
        problem = Duffing(factor, damping=factor * SOME, force=force, position=factor)
        found, again = (simulate(problem, 0.01, 50).states for _ in range(2))
        np.testing.assert_array_equal(found, again)
        expected = by_numpy(monkeypatch, problem, 0.01, 50).states
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    assert len(loops) == 1
    simulate(Duffing(damping=SOME[:3], force=force.select(slice(3))), 0.01, 50)
    assert len(loops) == 2


def test_one_motion_that_is_alone_is_float64_also_here(loops, monkeypatch):
    problem = Duffing(damping=0.1, force=Sinusoid(0.3, 1.2))
    for dtype in ("float64", "float32"):
        found = simulate(problem, 0.01, 300, "rk4", dtype).states
        expected = by_numpy(monkeypatch, problem, 0.01, 300, "rk4").states
        assert found.shape == (1, 301, 2) and found.dtype == dtype
        rounding = 1e-13 if dtype == "float64" else EPS32
        np.testing.assert_allclose(found, expected, rtol=0, atol=rounding)
    assert len(loops) == 1 and all(loops.values())


def test_few_loops_are_kept(loops, monkeypatch):
    monkeypatch.setattr(compiled_loop, "MOST_KEPT", 2)
    for num in (10, 11, 12):
        simulate(PROBLEMS["free"], 0.01, num)
    assert len(loops) == 2 and all(num in key for key, num in zip(loops, (12, 13)))


class WithNumPy(Growth):
    def rhs(self, t, x, ops=np):
        return np.sin(x) * self.columns("rate", ops=ops)[0]


class WithLiterals(Growth):
    """Whose 0.1 is a number of float32 in Keras."""

    def rhs(self, t, x, ops=np):
        return ops.where(x > 0.0, 0.1, 0.2) * x


class WithACondition(Growth):
    def rhs(self, t, x, ops=np):
        return -x if np.max(self.rate) > 2.0 else x


@pytest.mark.parametrize("kind", [WithNumPy, WithLiterals, WithACondition])
def test_what_cannot_be_compiled_or_differs_is_left_to_numpy(kind, loops, monkeypatch):
    problem = kind(SOME, SOME)
    for _ in range(2):
        found = simulate(problem, 0.01, 50).states
        assert list(loops.values()) == [None]
    np.testing.assert_array_equal(found, by_numpy(monkeypatch, problem, 0.01, 50).states)


def test_a_number_that_changes_behind_the_scenes_is_noticed(loops, monkeypatch):
    class Hidden(Growth):
        def rhs(self, t, x, ops=np):
            return -hidden * x

    problem, hidden = Hidden(SOME, SOME), 1.0
    simulate(problem, 0.01, 50)
    assert all(loops.values())
    hidden = 2.0
    found = simulate(problem, 0.01, 50).states
    np.testing.assert_array_equal(found, by_numpy(monkeypatch, problem, 0.01, 50).states)


def test_problems_of_unknown_parts_and_forces_of_ones_own_are_not_compiled(loops):
    free = PROBLEMS["free"]
    listed = Growth(SOME, SOME)
    listed.notes = ["a list may change"]
    simulate(listed, 0.01, 50)
    for force in (np.cos, lambda t, ops: ops.cos(t), Sampled([0.0, 9.0], [0.0, 1.0])):
        simulate(free.with_parameters(force=force), 0.01, 50)
    simulate(free.with_parameters(force=Step(1.0, 0.105)), 0.01, 50, "rk4")
    assert not loops


def test_it_is_used_for_much_work_and_where_the_backend_is_there(loops, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(compiled_loop, "LEAST", 50 * (7 + compiled_loop.FEW) + 1)
        simulate(PROBLEMS["free"], 0.01, 50)
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "tensorflow")
        simulate(PROBLEMS["free"], 0.01, 50)
    with monkeypatch.context() as patch:
        patch.setattr(keras.backend, "backend", lambda: "jax")
        simulate(PROBLEMS["free"], 0.01, 50)
    tf.config.run_functions_eagerly(True)
    simulate(PROBLEMS["free"], 0.01, 50)
    tf.config.run_functions_eagerly(False)
    assert not loops
    simulate(PROBLEMS["free"], 0.01, 50)
    assert len(loops) == 1


def test_a_motion_that_runs_away_is_refused_alike(monkeypatch):
    problem = Growth(SOME, -5.0 * SOME)
    messages = []
    for run in (simulate, lambda *given: by_numpy(monkeypatch, *given)):
        with pytest.raises(ValueError, match="leaves the range of float64 in step") as error:
            run(problem, 0.5, 80)
        messages.append(str(error.value))
    assert messages[0] == messages[1]
