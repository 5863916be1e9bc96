"""The problems: equations, energies, ensembles, copies, and what they refuse.

Their exact solutions are tested in test_closed_forms.py.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from oscillator_zoo.data import (
    Constant,
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Duffing,
    InitialValueProblem,
    Pendulum,
    Sampled,
    Sinusoid,
    Step,
    Trajectory,
    VanDerPol,
    simulate,
)

START = dict(position=0.7, velocity=-0.3, start_time=0.5)
SINGLE = {
    "oscillator": DampedOscillator(2.0, 0.3, 5.0, Sinusoid(0.8, 1.7, 0.2), **START),
    "duffing": Duffing(2.0, 0.3, -1.0, 0.7, Step(0.5, 1.5), **START),
    "van der pol": VanDerPol(1.7, Constant(0.4), **START),
    "pendulum": Pendulum(0.8, 9.8, 0.3, Sinusoid(0.8, 1.7, 0.2), **START),
    "chain": CoupledOscillators((1.0, 2.0), (1.0, 3.0, 0.5), 0.3, (None, Step(1.0, 1.0)), **START),
    "matrix": CoupledOscillators(
        (1.0, 2.0, 0.5),
        [[3.0, -1.0, -0.5], [-1.0, 2.0, 0.0], [-0.5, 0.0, 1.0]],
        [[0.3, -0.1, 0.0], [-0.1, 0.1, 0.0], [0.0, 0.0, 0.0]],
        Sinusoid(0.5, 1.0),
        position=(0.3, 0.2, -1.0),
        velocity=(0.0, 0.5, 0.1),
        start_time=0.5,
    ),
    "decay": Decay(1.3, 0.7, Sinusoid(0.8, 1.7, 0.2), start_time=0.5),
}
MANY = dict(position=[0.7, 1.0, -0.2], velocity=0.3)
ENSEMBLES = {
    "oscillator": DampedOscillator(2.0, [0.3, 0.0, 1.0], [5.0, 1.0, 2.0], Constant([1, 2, 3])),
    "duffing": Duffing([2.0, 1.0, 3.0], 0.3, [-1.0, 1.0, 0.0], [0.7, 0.1, 1.0], **MANY),
    "van der pol": VanDerPol([1.7, 0.0, 3.0], Sinusoid([0.4, 0.0, 1.0], 2.0), **MANY),
    "pendulum": Pendulum([0.8, 1.0, 2.0], [9.8, 1.6, 3.7], [0.3, 0.0, 0.1], **MANY),
    "chain": CoupledOscillators(
        (1.0, 2.0), 1.0, 0.3, position=[[1, 0], [0, 1], [1, 1]], velocity=(0.1, 0.2)
    ),
    "decay": Decay([1.3, 1.0, 0.2], [0.7, 0.1, 1.0], Step([0.8, 0.1, 0.0], 0.5)),
}


def each(problems):
    return pytest.mark.parametrize("problem", problems.values(), ids=problems)


def random_states(problem, num, seed=0):
    """t (num, 1) after the start, then x (and v), each (num, dimension)."""
    random = np.random.default_rng(seed)
    t = problem.start_time + random.uniform(0.0, 3.0, (num, 1))
    return t, *(random.normal(size=(num, problem.dimension)) for _ in range(problem.order))


# Equations


def test_right_hand_sides_follow_their_equations():
    """Each written once more, in scalars."""
    t, x, v = 1.7, 0.6, -1.1
    force = 0.8 * np.sin(1.7 * t + 0.2)
    wanted = {
        "oscillator": (force - 0.3 * v - 5.0 * x) / 2.0,
        "duffing": (0.5 - 0.3 * v + 1.0 * x - 0.7 * x**3) / 2.0,
        "van der pol": 0.4 + 1.7 * (1.0 - x**2) * v - x,
        "pendulum": force - 0.3 * v - 9.8 / 0.8 * np.sin(x),
    }
    for name, value in wanted.items():
        got = SINGLE[name].rhs(np.array([[t]]), np.array([[x]]), np.array([[v]]))
        np.testing.assert_allclose(got, [[value]], rtol=1e-15)
    got = SINGLE["decay"].rhs(np.array([[t]]), np.array([[x]]))
    np.testing.assert_allclose(got, [[force - 1.3 * x]], rtol=1e-15)


def test_springs_of_a_chain_pull_on_both_their_ends():
    chain = SINGLE["chain"]
    got = chain.rhs(np.array([[1.7]]), np.array([[0.6, -0.2]]), np.array([[0.1, 0.4]]))
    first = -1.0 * 0.6 + 3.0 * (-0.2 - 0.6) - 0.3 * 0.1
    second = -3.0 * (-0.2 - 0.6) - 0.5 * -0.2 - 0.3 * 0.4 + 1.0
    np.testing.assert_allclose(got, [[first / 1.0, second / 2.0]], rtol=1e-14)


def test_a_chain_and_its_matrix_are_the_same_problem():
    chain = CoupledOscillators((1.0, 2.0, 3.0), (1.0, 2.0, 0.0, 4.0), (0.1, 0.2, 0.0), position=1.0)
    wanted = [[3.0, -2.0, 0.0], [-2.0, 2.0, 0.0], [0.0, 0.0, 4.0]]
    np.testing.assert_array_equal(chain.stiffness_matrix, wanted)
    matrix = chain.with_parameters(stiffness=wanted, damping=np.diag([0.1, 0.2, 0.0]))
    states = random_states(chain, 5)
    np.testing.assert_allclose(matrix.rhs(*states), chain.rhs(*states), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(
        matrix.energy(*states[1:]), chain.energy(*states[1:]), rtol=1e-13, atol=1e-15
    )


@pytest.mark.parametrize("mode", ["eager", "graph", "XLA"])
@each(SINGLE | {f"ensemble of {name}": problem for name, problem in ENSEMBLES.items()})
def test_keras_gives_the_numbers_of_numpy(problem, mode):
    """To a few roundings of the largest term; float32 anywhere would show as 1e-7."""
    states = random_states(problem, problem.ensemble_size or 7)

    def call(*states):
        return problem.rhs(*states, ops=keras.ops)

    if mode != "eager":
        call = tf.function(call, jit_compile=mode == "XLA")
    got, wanted = call(*map(tf.constant, states)), problem.rhs(*states)
    assert got.dtype == tf.float64
    assert wanted.shape == states[1].shape
    np.testing.assert_allclose(got, wanted, rtol=0.0, atol=4e-15 * np.max(np.abs(wanted)))


@each(
    {name: SINGLE[name] for name in ("oscillator", "duffing", "van der pol", "pendulum", "decay")}
)
def test_parameters_may_be_tensors_with_gradients(problem):
    """d rhs / d parameter by the tape against central differences, good to about 1e-9."""
    states = random_states(problem, 4)
    for name in problem.ensemble_parameters:
        value = getattr(problem, name)
        tensor = tf.Variable(value, dtype=tf.float64)
        with tf.GradientTape() as tape:
            rate = problem.with_parameters(**{name: tensor}).rhs(
                *map(tf.constant, states), ops=keras.ops
            )
            total = tf.reduce_sum(rate)
        ends = [
            np.sum(problem.with_parameters(**{name: value + shift}).rhs(*states))
            for shift in (1e-5, -1e-5)
        ]
        wanted = (ends[0] - ends[1]) / 2e-5
        assert tape.gradient(total, tensor).numpy() == pytest.approx(wanted, rel=1e-8, abs=1e-8)


def test_a_column_of_parameters_makes_a_family():
    """(batch, 1) tensors, as a network over a range of parameters uses them."""
    damping = np.array([[0.1], [0.5], [2.0]])
    for problem in (SINGLE["oscillator"], SINGLE["chain"]):
        states = random_states(problem, 3)
        family = problem.with_parameters(damping=tf.constant(damping))
        got = family.rhs(*map(tf.constant, states), ops=keras.ops)
        for i, one in enumerate(damping[:, 0]):
            row = [y[i : i + 1] for y in states]
            wanted = problem.with_parameters(damping=one).rhs(*row)
            np.testing.assert_allclose(got[i : i + 1], wanted, rtol=1e-14)


# Energy


CONSERVATIVE = {
    "oscillator": DampedOscillator(2.0, 0.0, 5.0, **START),
    "hardening": Duffing(2.0, 0.0, 1.0, 3.0, **START),
    "double well": Duffing(1.0, 0.0, -1.0, 0.5, **START),
    "softening": Duffing(1.0, 0.0, 1.0, -0.2, **START),
    "van der pol without μ": VanDerPol(0.0, **START),
    "pendulum": Pendulum(0.8, position=2.9),
    "turning pendulum": Pendulum(0.8, velocity=9.0),
    "chain": CoupledOscillators((1.0, 2.0), (1.0, 3.0, 0.5), **START),
}


@each(CONSERVATIVE)
def test_energy_is_conserved_without_friction(problem):
    y0 = np.concatenate([y[0] for y in problem.initial_state()])

    def slopes(t, y):
        parts = y.reshape(2, problem.dimension)
        return np.concatenate(problem.slopes(np.array([t]), *parts))

    solution = solve_ivp(slopes, (0.0, 8.0), y0, method="DOP853", rtol=1e-12, atol=1e-12)
    x, v = solution.y.T.reshape(-1, 2, problem.dimension).transpose(1, 0, 2)
    energy = problem.energy(x, v)
    scale = np.max(problem.energy(0.0 * x, v))
    assert problem.energy_never_grows
    assert np.ptp(x) > 0.1
    assert np.ptp(energy) < 1e-9 * scale


@each({name: problem for name, problem in SINGLE.items() if problem.order == 2})
def test_power_is_the_derivative_of_energy(problem):
    """dE/dt = (∂E/∂x) v + (∂E/∂v) a without a force never exceeds 0, except where μ feeds."""
    free = problem.with_parameters(force=None)
    t, x, v = map(tf.constant, random_states(free, 20))
    with tf.GradientTape() as tape:
        tape.watch([x, v])
        energy = free.energy(x, v, ops=keras.ops)
    by_x, by_v = tape.gradient(energy, [x, v])
    power = (by_x * v + by_v * free.rhs(t, x, v, ops=keras.ops)).numpy().sum(axis=1)
    if isinstance(problem, VanDerPol):
        wanted = (1.7 * (1.0 - x**2) * v**2).numpy()[:, 0]
        np.testing.assert_allclose(power, wanted, atol=1e-14)
        assert not free.energy_never_grows
    else:
        assert (power < 1e-14).all()
        assert (power < -1e-6).any()
        assert free.energy_never_grows
    assert not problem.energy_never_grows


@each({name: problem for name, problem in ENSEMBLES.items() if problem.order == 2})
def test_energy_of_an_ensemble_is_the_energy_of_each(problem):
    random = np.random.default_rng(3)
    x, v = random.normal(size=(2, 3, 5, problem.dimension))
    together = problem.energy(x, v)
    assert together.shape == (3, 5, 1)
    for i in range(3):
        np.testing.assert_array_equal(together[i], problem.select(i).energy(x[i], v[i]))
    np.testing.assert_array_equal(problem.energy(x[:, 0], v[:, 0]), together[:, 0])
    if problem.dimension == 1:
        np.testing.assert_array_equal(problem.energy(x[..., 0], v[..., 0]), together[..., 0])
        np.testing.assert_array_equal(problem.energy(x[:, 0, 0], v[:, 0, 0]), together[:, 0, 0])


def test_energies_have_the_values_of_their_formulas():
    assert DampedOscillator(2.0, 0.0, 3.0).energy(2.0, 5.0) == 25.0 + 6.0
    assert Duffing(2.0, 0.0, -3.0, 4.0).energy(2.0, 5.0) == 25.0 - 6.0 + 16.0
    assert Pendulum(2.0, 8.0).energy(np.pi, 3.0) == pytest.approx(4.5 + 8.0, rel=1e-15)
    chain = CoupledOscillators((2.0, 4.0), (1.0, 2.0, 4.0))
    energy = chain.energy(np.array([3.0, 1.0]), np.array([1.0, -1.0]))
    assert energy == [1.0 + 2.0 + 0.5 * (1.0 * 9.0 + 2.0 * 4.0 + 4.0 * 1.0)]


# Known facts about each motion


def test_a_small_pendulum_swings_with_root_g_over_l():
    """To second order in the amplitude: T = T0 (1 + θ0²/16)."""
    pendulum = Pendulum(length=9.81, position=0.1)
    period = 2.0 * np.pi * (1.0 + 0.1**2 / 16.0)
    states = simulate(pendulum, period / 1000, 1000, method="rk4").states[0]
    np.testing.assert_allclose(states[-1], states[0], atol=1e-6)
    assert abs(simulate(pendulum, 2 * np.pi / 1000, 1000, method="rk4").states[0, -1, 1]) > 3e-5


def test_van_der_pol_ends_on_its_limit_cycle():
    """Amplitude 2.008620 and period 6.663287 for μ = 1 (Andersen and Geer 1982)."""
    states = simulate(VanDerPol(1.0, position=0.1), 0.002, 30_000, method="rk4").states[0]
    x = states[-8000:, 0]
    assert np.max(np.abs(x)) == pytest.approx(2.008620, abs=2e-6)
    rising = np.flatnonzero((x[:-1] < 0.0) & (x[1:] >= 0.0))
    crossings = 0.002 * (rising - x[rising] / (x[rising + 1] - x[rising]))
    assert np.diff(crossings) == pytest.approx(6.663287, abs=2e-5)


def test_the_wells_of_a_duffing_oscillator_are_rests():
    well = np.sqrt(2.0)
    duffing = Duffing(stiffness=-1.0, cubic_stiffness=0.5, damping=0.5, position=1.0)
    states = simulate(duffing, 0.01, 4000, method="rk4").states[0]
    np.testing.assert_allclose(states[-1], [well, 0.0], atol=1e-3)
    assert abs(duffing.rhs(0.0, well, 0.0)) < 1e-15


def test_a_chain_of_equal_masses_has_the_textbook_frequencies():
    chain = CoupledOscillators(np.full(5, 2.0), stiffness=3.0)
    wanted = 2.0 * np.sqrt(1.5) * np.sin(np.arange(1, 6) * np.pi / 12.0)
    np.testing.assert_allclose(chain.natural_frequencies, wanted, rtol=1e-14)


def test_the_lectures_constants():
    oscillator = DampedOscillator(mass=2.0, damping=0.4, stiffness=8.0, velocity=3.0)
    assert (oscillator.damping_rate, oscillator.squared_frequency) == (0.2, 4.0)
    assert (oscillator.natural_frequency, oscillator.damping_ratio) == (2.0, 0.05)
    assert (oscillator.cosine_amplitude, oscillator.sine_amplitude) == (1.0, 1.5)
    ensemble = DampedOscillator(mass=[1.0, 4.0], stiffness=4.0)
    np.testing.assert_array_equal(ensemble.natural_frequency, [2.0, 1.0])


# Copies


@each(SINGLE | {f"ensemble of {name}": problem for name, problem in ENSEMBLES.items()})
def test_every_argument_survives_configuration_keras_and_text(problem):
    from oscillator_zoo.data.problems.serialization import register_with_keras

    register_with_keras()
    states = random_states(problem, problem.ensemble_size or 3)
    for copy in (
        type(problem).from_config(problem.get_config()),
        keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(problem)),
        eval(repr(problem)),
    ):
        assert type(copy) is type(problem)
        assert repr(copy) == repr(problem)
        assert copy.start_time == problem.start_time
        np.testing.assert_array_equal(copy.rhs(*states), problem.rhs(*states))
        for got, wanted in zip(copy.initial_state(), problem.initial_state()):
            np.testing.assert_array_equal(got, wanted)


@each(SINGLE)
def test_every_argument_can_be_replaced(problem):
    """Each constructor argument alone, and the change is seen in the copy only."""
    for name, value in problem.get_config().items():
        other = Constant(9.0) if name == "force" else np.multiply(value, 2.0)
        copy = problem.with_parameters(**{name: other})
        assert repr(getattr(copy, name)) != repr(value)
        assert repr(getattr(problem, name)) == repr(value)
        unchanged = {k: repr(v) for k, v in copy.get_config().items() if k != name}
        assert unchanged == {k: repr(v) for k, v in problem.get_config().items() if k != name}


@each(ENSEMBLES)
def test_selecting_a_member_gives_its_right_hand_side(problem):
    assert problem.ensemble_size == 3
    states = random_states(problem, 3)
    together = problem.rhs(*states)
    for i in range(3):
        alone = problem.select(i)
        assert alone.ensemble_size is None
        np.testing.assert_array_equal(
            alone.rhs(*(y[i : i + 1] for y in states)), together[i : i + 1]
        )
    some = problem.select(np.array([2, 0]))
    assert some.ensemble_size == 2
    np.testing.assert_array_equal(some.rhs(*(y[[2, 0]] for y in states)), together[[2, 0]])
    assert problem.select(slice(1, 2)).ensemble_size == 1


def test_one_value_in_an_array_serves_all_members():
    ensemble = DampedOscillator(mass=[2.0], position=[1.0, 2.0, 3.0], force=Constant([4.0]))
    assert ensemble.ensemble_size == 3
    assert repr(ensemble.select(1)) == repr(
        DampedOscillator(mass=2.0, position=2.0, force=Constant(4.0))
    )
    assert ensemble.select([0, 2]).ensemble_size == 2
    assert DampedOscillator(mass=[2.0]).select(0).ensemble_size is None


def test_breakpoints_are_the_jumps_after_the_start():
    forces = (Step(1.0, 3.0), Step(1.0, 2.0), Step(2.0, 3.0), Step(1.0, 0.5), None, np.sin)
    problem = CoupledOscillators(np.ones(6), force=forces, start_time=0.5)
    assert problem.breakpoints == (2.0, 3.0)
    assert DampedOscillator(force=Sinusoid(1.0, 1.0)).breakpoints == ()
    assert DampedOscillator().breakpoints == ()


def test_force_values_have_one_row_per_trajectory():
    times = np.linspace(0.5, 2.0, 4)
    values = SINGLE["chain"].force_values(times)
    np.testing.assert_array_equal(values, [[[0.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]])
    values = ENSEMBLES["oscillator"].force_values(times)
    np.testing.assert_array_equal(values[:, :, 0], np.repeat([[1.0], [2.0], [3.0]], 4, axis=1))
    assert not DampedOscillator(position=[1.0, 2.0]).force_values(times).any()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    mass=st.floats(1e-3, 1e3),
    damping=st.floats(0.0, 1e3),
    stiffness=st.floats(1e-3, 1e3),
    position=st.floats(-1e3, 1e3),
    velocity=st.floats(-1e3, 1e3),
    start_time=st.floats(-1e3, 1e3),
)
def test_any_oscillator_repeats_itself_through_text(**arguments):
    problem = DampedOscillator(**arguments)
    assert eval(repr(problem)).get_config() == problem.get_config() == {"force": None} | arguments


# Equations of one's own


class Lorenz(InitialValueProblem):
    order, dimension = 1, 3

    def rhs(self, t, x, ops=np):
        a, b, c = x[..., 0:1], x[..., 1:2], x[..., 2:3]
        slopes = [10.0 * (b - a), a * (28.0 - c) - b, a * b - 8.0 / 3.0 * c]
        return ops.concatenate(slopes, axis=-1)


class Kepler(InitialValueProblem):
    dimension = 2

    def rhs(self, t, x, v, ops=np):
        return -x / ops.sum(x * x, axis=-1, keepdims=True) ** 1.5


class Drag(InitialValueProblem):
    ensemble_parameters = ("drag",)

    def __init__(self, drag, **kwargs):
        self.drag = drag
        super().__init__(**kwargs)

    def rhs(self, t, x, v, ops=np):
        (drag,) = self.columns("drag")
        return -x - drag * ops.abs(v) * v


@pytest.mark.parametrize("dimension", [1, 2, 3, 4])
@pytest.mark.parametrize("order", [1, 2])
def test_five_lines_make_a_problem_of_any_size(order, dimension):
    class Growth(InitialValueProblem):
        def rhs(self, t, *state, ops=np):
            return state[-1]

    start = np.arange(1.0, dimension + 1.0) if dimension > 1 else 1.0
    problem = Growth(
        start, velocity=start if order == 2 else None, order=order, dimension=dimension
    )
    states = simulate(problem, 0.01, 100, method="rk4").states[0]
    assert states.shape == (101, order * dimension)
    np.testing.assert_allclose(states[-1, :dimension], np.e * np.atleast_1d(start), rtol=1e-9)
    assert len(problem.feature_names) == order * dimension


def test_a_system_of_first_order_runs_as_an_ensemble():
    start = np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 20.0]])
    both = simulate(Lorenz(start), 0.005, 200, method="rk4").states
    alone = simulate(Lorenz(start[1]), 0.005, 200, method="rk4").states
    np.testing.assert_array_equal(both[1], alone[0])
    wanted = solve_ivp(
        lambda t, x: Lorenz(x).rhs(t, x), (0.0, 1.0), start[1], method="DOP853", rtol=1e-12
    ).y[:, -1]
    np.testing.assert_allclose(alone[0, -1], wanted, rtol=1e-5)


def test_a_circular_orbit_closes():
    orbit = Kepler(position=(1.0, 0.0), velocity=(0.0, 1.0))
    states = simulate(orbit, 2.0 * np.pi / 1000, 1000, method="rk4").states[0]
    np.testing.assert_allclose(states[-1], states[0], atol=1e-9)
    assert orbit.feature_names == ("position_1", "position_2", "velocity_1", "velocity_2")


def test_parameters_of_ones_own_make_ensembles_and_copies():
    problem = Drag(np.array([0.1, 0.5]), position=[1.0, 2.0], velocity=0.0)
    assert problem.ensemble_size == 2
    assert problem.select(1).get_config()["drag"] == 0.5
    together = simulate(problem, 0.1, 20).states
    np.testing.assert_array_equal(simulate(problem.select(1), 0.1, 20).states[0], together[1])
    assert repr(problem.select(1)) == (
        "Drag(drag=0.5, position=2.0, velocity=0.0, start_time=0.0, order=2, dimension=1)"
    ).replace("drag=0.5", f"drag={problem.drag[1]!r}")


def test_the_last_axis_of_a_position_of_rank_two_is_the_dimension():
    problem = InitialValueProblem(position=np.zeros((5, 3)), velocity=np.zeros(3))
    assert (problem.dimension, problem.ensemble_size) == (3, 5)


def test_a_trajectory_keeps_its_members_problem():
    trajectory = simulate(ENSEMBLES["oscillator"], 0.1, 5)
    assert isinstance(trajectory, Trajectory)
    assert trajectory[1].problem.stiffness == 1.0


# Errors


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DampedOscillator(mass=0.0), r"mass must be > 0 kg\. Received: 0\.0"),
        (lambda: DampedOscillator(mass=-1.0), r"mass must be > 0 kg\. Received: -1\.0"),
        (lambda: DampedOscillator(damping=-0.1), r"damping must be >= 0 kg/s\. Received: -0\.1"),
        (lambda: DampedOscillator(stiffness=0.0), r"stiffness must be > 0 N/m"),
        (lambda: DampedOscillator(stiffness=[1.0, -1.0]), r"stiffness must be > 0 N/m"),
        (lambda: DampedOscillator(mass=np.nan), "mass must be a finite real number"),
        (lambda: DampedOscillator(mass="heavy"), "Received: 'heavy'"),
        (lambda: DampedOscillator(position=1j), "position must be a finite real number .* in m"),
        (lambda: DampedOscillator(velocity=np.inf), "velocity must be a finite .* in m/s"),
        (lambda: DampedOscillator(velocity=None), "order 2 needs an initial velocity"),
        (lambda: DampedOscillator(force=3.0), r"For a constant force write Constant\(3\.0\)"),
        (lambda: DampedOscillator(start_time=[0.0, 1.0]), "start_time must be one number in s"),
        (
            lambda: DampedOscillator(mass=[1.0, 2.0], position=[1.0, 2.0, 3.0]),
            r"one size \(batch,\)\. Received: position of size 3, mass of size 2",
        ),
        (
            lambda: DampedOscillator(mass=[1.0, 2.0], force=Constant([1.0, 2.0, 3.0])),
            r"Received: mass of size 2, force of size 3",
        ),
        (
            lambda: DampedOscillator(mass=np.ones((2, 1))),
            r"mass must be a number or an array of sh",
        ),
        (
            lambda: DampedOscillator(force=(None, None)),
            r"for each of the 1 coordinates\. Received 2",
        ),
        (lambda: Duffing(mass=0.0), "mass must be > 0 kg"),
        (lambda: Duffing(damping=-1.0), "damping must be >= 0 kg/s"),
        (lambda: Duffing(cubic_stiffness=np.nan), "cubic_stiffness must be a finite .* in N/m³"),
        (lambda: VanDerPol(-1.0), "nonlinearity must be >= 0"),
        (lambda: Pendulum(length=0.0), "length must be > 0 m"),
        (lambda: Pendulum(gravity=-9.81), "gravity must be > 0 m/s²"),
        (lambda: Pendulum(damping=-1.0), "damping must be >= 0 1/s"),
        (lambda: Pendulum(position="up"), "position must be a finite .* in rad"),
        (lambda: Decay(0.0), "rate must be > 0 1/s"),
        (lambda: Decay(position=[]), "empty array"),
        (lambda: CoupledOscillators(1.0), "at least two numbers in kg.*use DampedOscillator"),
        (lambda: CoupledOscillators([1.0]), r"at least two numbers.*Received: \[1\.0\]"),
        (lambda: CoupledOscillators([1.0, 0.0]), "masses must be > 0 kg"),
        (lambda: CoupledOscillators([1.0, 1.0], -1.0), "stiffness must be >= 0 N/m"),
        (
            lambda: CoupledOscillators([1.0, 1.0], [1.0, 1.0]),
            r"must be a number, \(3,\) numbers, or a matrix \(2, 2\)\. Received shape \(2,\)",
        ),
        (lambda: CoupledOscillators([1, 1], damping=[1.0] * 3), r"\(2,\) numbers.*shape \(3,\)"),
        (lambda: CoupledOscillators([1, 1], [[1, 2], [0, 1]]), "stiffness must be symmetric"),
        (lambda: CoupledOscillators([1, 1], [[1, 2], [2, 1]]), "Received the eigenvalue -1 N/m"),
        (lambda: CoupledOscillators([1, 1], position=[1.0, 2.0, 3.0]), r"position must have the s"),
        (
            lambda: CoupledOscillators([1, 1], force=(None,)),
            "each of the 2 coordinates. Received 1",
        ),
        (
            lambda: CoupledOscillators([1, 1], force=(Constant([1, 2]), Constant([1, 2, 3]))),
            r"one ensemble size\. Received the sizes \[2, 3\]",
        ),
        (lambda: InitialValueProblem(1.0), r"order 2 needs .* Pass velocity=0\.0 for a start"),
        (lambda: InitialValueProblem(1.0, 0.0, order=3), r"order must be 1 .* Received: 3\. Write"),
        (lambda: InitialValueProblem(1.0, order=True), "order must be 1"),
        (lambda: InitialValueProblem(1.0, 0.0, order=1), r"Received: velocity=0\.0\. Leave"),
        (lambda: InitialValueProblem(1.0, 0.0, dimension=0), "dimension must be an integer"),
        (lambda: InitialValueProblem(1.0, 0.0, dimension=2), r"position must have the shape \(dim"),
        (lambda: InitialValueProblem(np.ones((2, 2, 2)), 0.0), r"Received shape \(2, 2, 2\)"),
        (lambda: Lorenz(np.ones(4)), r"with dimension 3\. Received shape \(4,\)"),
        (lambda: Kepler((1.0, 0.0), 0.0), r"velocity must have the shape \(dimension,\)"),
        (
            lambda: Kepler(np.ones((3, 2)), np.ones((4, 2))),
            "position of size 3, velocity of size 4",
        ),
        (lambda: Duffing().with_parameters(cubic=1.0), "Did you mean 'cubic_stiffness'"),
        (lambda: Decay().energy(1.0, 1.0), r"Decay defines no energy\. Override energy"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_problem_without_an_equation_says_what_to_define():
    with pytest.raises(NotImplementedError, match=r"must define rhs\(self, t, x, v, ops=numpy\)"):
        InitialValueProblem(1.0, 0.0).rhs(0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("force", "message"),
    [
        (lambda t: np.zeros(3), r"one value for each time.*Received shape \(3,\)"),
        (lambda t: np.full_like(t, np.nan), "A force must be finite. Received nan"),
        (Sampled([0.0, 1.0], [0.0, 1.0]), "This force is known from 0 s to 1 s"),
    ],
)
def test_a_bad_force_is_refused_when_it_acts(force, message):
    with pytest.raises(ValueError, match=message):
        simulate(DampedOscillator(force=force), 0.1, 20)


@pytest.mark.parametrize("position", [[[1.0], [2.0]], [[1.0, 2.0], [3.0, 4.0]]])
def test_an_oscillator_with_one_coordinate_takes_positions_of_rank_one_only(position):
    with pytest.raises(ValueError, match=r"position must have the shape a number or \(batch,\)"):
        DampedOscillator(position=position)


def test_a_force_that_asks_whether_an_array_is_true_is_told_about_where():
    problem = DampedOscillator(force=lambda t: 1.0 if t < 1.0 else 0.0)
    with pytest.raises(ValueError, match=r"np\.where in place of if"):
        problem.force_values([0.0, 1.0])
