"""`simulate` against short loops, closed forms, DOP853 and exact invariants."""

import hashlib
import tracemalloc

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from oscillator_zoo.data import (
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Duffing,
    InitialValueProblem,
    Pendulum,
    Sampled,
    Sinusoid,
    Trajectory,
    simulate,
)
from oscillator_zoo.data.stepping import step_loop

H = 0.01
METHODS = ("euler", "euler_cromer", "rk4")
FLOATS = ("float64", "float32")
EPS32 = np.finfo(np.float32).eps


def growing_force(t):
    """A force that is not constant, not periodic, and different at neighbouring times."""
    return np.cos(1.7 * t) + 0.3 * t


def looped(rhs, x, v, time_step, num_steps, method):
    """The three methods, written down once more; x and v of shape (batch, dimension)."""
    states, h = [np.hstack([x, v])], time_step
    for i in range(num_steps):
        t = i * h
        if method == "euler":
            x, v = x + h * v, v + h * rhs(t, x, v)
        elif method == "euler_cromer":
            v = v + h * rhs(t, x, v)
            x = x + h * v
        else:
            a1 = rhs(t, x, v)
            v2, a2 = v + h / 2 * a1, rhs(t + h / 2, x + h / 2 * v, v + h / 2 * a1)
            v3, a3 = v + h / 2 * a2, rhs(t + h / 2, x + h / 2 * v2, v + h / 2 * a2)
            v4, a4 = v + h * a3, rhs(t + h, x + h * v3, v + h * a3)
            x, v = x + h / 6 * (v + 2 * v2 + 2 * v3 + v4), v + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
        states.append(np.hstack([x, v]))
    return np.stack(states, axis=1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("batch", [1, 3])
def test_driven_linear_motion_equals_the_loop(method, batch):
    random = np.random.default_rng(1)
    m, c, k, x, v = random.uniform(0.5, 1.5, (5, batch, 1))
    problem = DampedOscillator(
        *(value[:, 0] for value in (m, c, k)), growing_force, position=x[:, 0], velocity=v[:, 0]
    )

    def rhs(t, x, v):
        return (growing_force(t) - c * v - k * x) / m

    states = simulate(problem, H, 500, method).states
    expected = looped(rhs, x, v, H, 500, method)
    assert states.shape == (batch, 501, 2)
    assert np.abs(states - expected).max() <= 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("batch", [1, 3])
def test_driven_nonlinear_motion_equals_the_loop(method, batch):
    x, v = np.random.default_rng(2).uniform(0.5, 1.5, (2, batch, 1))
    problem = Duffing(
        damping=0.1, cubic_stiffness=0.5, force=growing_force, position=x[:, 0], velocity=v[:, 0]
    )

    def rhs(t, x, v):
        return growing_force(t) - 0.1 * v - (1.0 + 0.5 * x * x) * x

    expected = looped(rhs, x, v, H, 300, method)
    states = simulate(problem, H, 300, method).states
    assert np.abs(states - expected).max() <= 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize("method", METHODS)
def test_coupled_masses_equal_the_loop(method):
    x, v = np.random.default_rng(3).normal(size=(2, 4, 3))
    masses, matrix = np.array([1.0, 2.0, 0.5]), 2.0 * np.eye(3) - np.eye(3, k=1) - np.eye(3, k=-1)
    problem = CoupledOscillators(
        masses, damping=0.2, force=(growing_force, None, Sinusoid(1.0, 2.0)), position=x, velocity=v
    )

    def rhs(t, x, v):
        force = np.array([growing_force(t), 0.0, np.sin(2.0 * t)])
        return (force - 0.2 * v - x @ matrix) / masses

    expected = looped(rhs, x, v, H, 300, method)
    states = simulate(problem, H, 300, method).states
    assert np.abs(states - expected).max() <= 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize(("method", "factor"), [("euler", 1.0), ("rk4", None)])
def test_decay_of_order_1_equals_the_loop(method, factor):
    rate, h = np.array([0.5, 2.0]), 0.1
    x, expected = np.array([1.0, -1.0]), [np.array([1.0, -1.0])]

    def rhs(t, x):
        return growing_force(t) - rate * x

    for t in h * np.arange(50):
        slope = rhs(t, x)
        if factor is None:
            k2 = rhs(t + h / 2, x + h / 2 * slope)
            k3 = rhs(t + h / 2, x + h / 2 * k2)
            slope = (slope + 2 * k2 + 2 * k3 + rhs(t + h, x + h * k3)) / 6
        x = x + h * slope
        expected.append(x)
    problem = Decay(rate, position=np.array([1.0, -1.0]), force=growing_force)
    states = simulate(problem, h, 50, method).states
    np.testing.assert_allclose(states[:, :, 0].T, expected, rtol=1e-12, atol=1e-12)


def test_explicit_euler_moves_the_position_with_the_old_velocity():
    problem = DampedOscillator(damping=1.0, force=lambda t: 8.0 * t)
    states = simulate(problem, time_step=0.5, num_steps=2).states
    # v_1 = 0 + ½ (0 − 0 − 1), x_1 = 1 + ½ · 0;  v_2 = −½ + ½ (4 + ½ − 1), x_2 = 1 + ½ (−½).
    assert states[0].tolist() == [[1.0, 0.0], [1.0, -0.5], [0.75, 1.25]]


def test_force_is_given_at_the_times_of_the_states():
    force = Sinusoid(np.array([1.0, 2.0]), 3.0)
    for kind in (DampedOscillator, Duffing):
        trajectory = simulate(kind(damping=0.5, force=force), 0.1, 20)
        expected = np.array([1.0, 2.0])[:, None] * np.sin(0.3 * np.arange(21))
        np.testing.assert_allclose(trajectory.force[:, :, 0], expected, atol=1e-15)


def test_times_begin_at_start_time_and_force_follows_them():
    problem = DampedOscillator(damping=0.1, start_time=2.0, force=growing_force)
    trajectory = simulate(problem, 0.1, 10)
    np.testing.assert_allclose(trajectory.times, 2.0 + 0.1 * np.arange(11), rtol=1e-15)
    np.testing.assert_array_equal(trajectory.force[0, :, 0], growing_force(trajectory.times))
    first_slope = (trajectory.states[0, 1, 1] - 0.0) / 0.1
    assert first_slope == pytest.approx(growing_force(2.0) - 1.0, rel=1e-12)


def test_shared_force_is_stored_once_and_still_saved_and_indexed(tmp_path):
    problem = DampedOscillator(position=np.ones(50), force=Sinusoid(1.0, 2.0), damping=0.1)
    trajectory = simulate(problem, H, 40)
    assert trajectory.force.shape == (50, 41, 1)
    assert trajectory.force.base.nbytes == 41 * 8
    trajectory[3:5].save(tmp_path / "some.npz")
    loaded = Trajectory.load(tmp_path / "some.npz")
    np.testing.assert_array_equal(loaded.force, trajectory.force[3:5])
    np.testing.assert_array_equal(loaded.states, trajectory.states[3:5])


def free_motion(t):
    """x'' + 0.4 x' + 4 x = 0 from x = 1, v = 0.5."""
    d, w = 0.2, np.sqrt(4.0 - 0.2**2)
    a, b = 1.0, (0.5 + 0.2) / w
    wave, turn = a * np.cos(w * t) + b * np.sin(w * t), b * np.cos(w * t) - a * np.sin(w * t)
    return np.exp(-d * t) * np.array([wave, w * turn - d * wave])


def driven_pendulum_motion(t):
    def slopes(t, state):
        return state[1], np.sin(2.0 * t) - 0.1 * state[1] - 9.81 * np.sin(state[0])

    return solve_ivp(slopes, (0.0, t), (1.0, 0.5), "DOP853", rtol=1e-13, atol=1e-14).y[:, -1]


SYSTEMS = {
    "linear": (DampedOscillator(1.0, 0.4, 4.0, position=1.0, velocity=0.5), free_motion),
    "nonlinear": (
        Pendulum(damping=0.1, force=Sinusoid(1.0, 2.0), position=1.0, velocity=0.5),
        driven_pendulum_motion,
    ),
}


def fitted_slope(steps, errors):
    return np.polyfit(np.log(steps), np.log(errors), 1)[0]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(("method", "order"), [("euler", 2), ("euler_cromer", 2), ("rk4", 5)])
def test_local_error_has_the_order_plus_one(system, method, order):
    problem, exact = SYSTEMS[system]
    steps = np.array([0.04, 0.02, 0.01, 0.005]) if order == 2 else np.array([0.08, 0.04, 0.02])
    errors = [np.abs(simulate(problem, h, 1, method).states[0, -1] - exact(h)).max() for h in steps]
    assert fitted_slope(steps, errors) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("euler_cromer", 1), ("rk4", 4)])
def test_global_error_has_the_order(system, method, order):
    problem, exact = SYSTEMS[system]
    expected = exact(1.0)
    counts = (1000, 2000, 4000) if order == 1 else (25, 50, 100)
    errors = [
        np.abs(simulate(problem, 1.0 / n, n, method).states[0, -1] - expected).max() for n in counts
    ]
    assert fitted_slope(1.0 / np.array(counts), errors) == pytest.approx(order, abs=0.1)


def test_euler_energy_grows_by_one_plus_w2h2_per_step():
    problem = DampedOscillator(mass=2.0, stiffness=6.0, position=0.3, velocity=-0.4)
    states = simulate(problem, H, 100).states[0]
    energy = states[:, 1] ** 2 + 3.0 * states[:, 0] ** 2
    np.testing.assert_allclose(energy[1:] / energy[:-1], 1.0 + 3.0 * H**2, rtol=1e-13)


def test_euler_cromer_keeps_its_invariant():
    problem = DampedOscillator(mass=2.0, stiffness=6.0, position=0.3, velocity=-0.4)
    x, v = simulate(problem, 0.1, 5000, "euler_cromer").states[0].T
    invariant = v**2 + 3.0 * x**2 - 0.1 * 3.0 * x * v
    np.testing.assert_allclose(invariant, invariant[0], rtol=1e-12)


GOLDEN = "310d75b1f0c406eb1661adf6224acbe90d62e4ad45f720126ff64263d411f835"


def test_stepping_from_literals_is_bit_exact():
    problem = Duffing(damping=0.25, cubic_stiffness=0.3, position=0.7, velocity=-0.2)
    x, v, h = 0.7, -0.2, 0.01
    expected = [(x, v)]
    for _ in range(1000):  # Python's floats: IEEE 754, one rounding for each operation
        a = (0.0 - 0.25 * v - (1.0 + 0.3 * x * x) * x) / 1.0
        x, v = x + h * v, v + h * a
        expected.append((x, v))
    states = simulate(problem, 0.01, 1000).states
    np.testing.assert_array_equal(states[0], expected)
    assert hashlib.sha256(states.astype("<f8").tobytes()).hexdigest() == GOLDEN


def test_one_trajectory_and_an_ensemble_are_the_same_bits():
    start = np.array([0.7, 0.1, 0.4])
    together = simulate(Duffing(damping=0.25, position=start), 0.01, 300).states
    alone = [simulate(Duffing(damping=0.25, position=x), 0.01, 300).states[0] for x in start]
    np.testing.assert_array_equal(together, alone)


def test_same_call_gives_the_same_bits():
    damping = np.linspace(0.1, 0.4, 300)
    problem = DampedOscillator(damping=damping, force=Sinusoid(damping, 2.0))
    first, second = (simulate(problem, 0.01, 203).states for _ in range(2))
    np.testing.assert_array_equal(first, second)


def in_both_types(problem, num_steps):
    double, single = (simulate(problem, 0.01, num_steps, dtype=d) for d in ("float64", "float32"))
    assert single.states.dtype == single.force.dtype == np.float32
    assert single.times.dtype == np.float64
    np.testing.assert_array_equal(single.force, double.force.astype(np.float32))
    return np.abs(single.states - double.states).max() / np.abs(double.states).max()


@pytest.mark.parametrize("num_steps", [203, 20_000])
def test_float32_of_linear_motions_errs_by_a_few_roundings_however_long(num_steps):
    """Starts, M and their four products are rounded: 6 half-ulps, M not larger than about 1."""
    some = np.linspace(0.1, 0.4, 50)
    for force in (None, Sinusoid(some, 2.0), lambda t: np.cos(2.0 * t)):
        error = in_both_types(DampedOscillator(damping=some, force=force), num_steps)
        assert error <= (10 if callable(force) and not isinstance(force, Sinusoid) else 4) * EPS32


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("num_steps", [203, 3000])
def test_float32_of_nonlinear_motions_errs_by_a_rounding_in_each_step(method, num_steps):
    """Damped and driven in step: what one step errs does not grow, the roundings add up."""
    some = np.linspace(0.1, 0.4, 50)
    problem = Duffing(damping=some, force=Sinusoid(some, 2.0))
    errors = [in_both_types(problem, num_steps)]
    assert EPS32 / 4 < errors[0] <= 0.5 * num_steps * EPS32


def test_float32_steps_are_computed_in_float32():
    seen = []

    class Cubic(InitialValueProblem):
        def rhs(self, t, x, v, ops=np):
            seen.append((t.dtype.name, x.dtype.name, v.dtype.name))
            return -(x**3)

    simulate(Cubic(np.ones(3), np.zeros(3)), 0.01, 20, "rk4", dtype="float32")
    stepped = seen[1:]  # the first is the check of rhs
    assert len(stepped) >= 80
    assert set(stepped[-80:]) == {("float64", "float32", "float32")}


def test_float32_of_one_nonlinear_motion_is_rounded_once():
    double, single = (simulate(Duffing(damping=0.1), 0.01, 203, dtype=d) for d in FLOATS)
    np.testing.assert_array_equal(single.states, double.states.astype(np.float32))


def test_numbers_that_pythons_floats_refuse_are_those_of_numpy():
    class Explosive(InitialValueProblem):
        order = 1

        def rhs(self, t, x, ops=np):
            return x**3

    with pytest.raises(ValueError, match="leaves the range of float64 in step"):
        simulate(Explosive(10.0), 1.0, 40)


def test_states_of_a_loop_lie_in_memory_step_by_step():
    some = np.linspace(0.1, 0.4, 5)
    coupled = CoupledOscillators(np.ones(3), position=np.ones((5, 3)), velocity=np.zeros((5, 3)))
    for problem in (Duffing(damping=some), NonlinearMasses(coupled.position, coupled.velocity)):
        states = simulate(problem, 0.01, 30, "rk4").states
        assert states.transpose(1, 2, 0).flags.c_contiguous
        one = simulate(problem.select(2), 0.01, 30, "rk4").states
        np.testing.assert_array_equal(states[2:3], one)


class NonlinearMasses(InitialValueProblem):
    def rhs(self, t, x, v, ops=np):
        return -x - x * x * ops.roll(x, 1, axis=-1) + ops.cos(t) * v


def test_large_ensembles_are_stepped_in_parts_with_the_same_bits(monkeypatch):
    problem = Duffing(damping=np.linspace(0.1, 0.4, 7), force=Sinusoid(np.linspace(0, 1, 7), 2.0))
    whole = simulate(problem, 0.01, 40)
    monkeypatch.setattr(step_loop, "PART", 2)
    parts = simulate(problem, 0.01, 40)
    np.testing.assert_array_equal(whole.states, parts.states)
    np.testing.assert_array_equal(whole.force, parts.force)


class Undeclared(InitialValueProblem):
    """Its `rates` differ between trajectories, but `ensemble_parameters` does not say so."""

    order = 1

    def __init__(self, rates, position):
        self.rates = rates
        super().__init__(position)

    def rhs(self, t, x, ops=np):
        return -self.rates[:, None] * x


def test_an_ensemble_that_cannot_be_divided_is_stepped_whole(monkeypatch):
    monkeypatch.setattr(step_loop, "PART", 2)
    rates = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    states = simulate(Undeclared(rates, np.ones(5)), 0.1, 30).states
    np.testing.assert_allclose(states[:, -1, 0], (1.0 - 0.1 * rates) ** 30, rtol=1e-13)


class Planar(InitialValueProblem):
    """Written with an index, so that plain numbers in place of arrays would not do."""

    def rhs(self, t, x, v, ops=np):
        return ops.concatenate([-x[..., :1]], axis=-1)


def test_a_right_hand_side_that_needs_arrays_gets_arrays():
    states = simulate(Planar(position=1.0, velocity=0.0), 0.01, 100).states
    expected = simulate(DampedOscillator(), 0.01, 100).states
    np.testing.assert_allclose(states, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", [DampedOscillator, Duffing])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("forced", [False, True])
def test_memory_stays_within_twice_what_is_returned(kind, dtype, forced):
    some = np.linspace(0.1, 0.4, 2000)  # so few are not compiled: tracemalloc sees NumPy alone
    problem = kind(damping=some, force=Sinusoid(some, 2.0) if forced else None)
    tracemalloc.start()
    trajectory = simulate(problem, 0.01, 400, dtype=dtype)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    returned = trajectory.states.nbytes
    assert returned < peak < 2 * returned  # the force, as large as half of it, is not made yet


OSCILLATOR = DampedOscillator(damping=0.2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.0, 0.1, 10), "InitialValueProblem.*Received: 1.0. Make a problem"),
        ((DampedOscillator, 0.1, 10), "InitialValueProblem.*Received: <class"),
        ((OSCILLATOR, 0.0, 10), "time_step must be > 0 s. Received: 0.0"),
        ((OSCILLATOR, -0.1, 10), "time_step must be > 0 s. Received: -0.1"),
        ((OSCILLATOR, float("nan"), 10), r"time_step must be a finite real number in s\."),
        ((OSCILLATOR, "0.1", 10), "time_step must be a finite real number.*Received: '0.1'"),
        ((OSCILLATOR, [0.1, 0.2], 10), r"time_step must be one number.*Received: \[0.1, 0.2\]"),
        ((OSCILLATOR, 0.1, 10.0), "num_steps must be an integer.*10.0. Write num_steps=10"),
        ((OSCILLATOR, 0.1, 0), "num_steps must be an integer of at least 1. Received: 0"),
        ((OSCILLATOR, 0.1, -3), "num_steps must be an integer of at least 1. Received: -3"),
        ((OSCILLATOR, 0.1, True), "num_steps must be an integer.*Received: True"),
        ((OSCILLATOR, 0.1, 10, "eulr"), "Received: 'eulr'. Did you mean 'euler'?"),
        ((OSCILLATOR, 0.1, 10, ["rk4"]), r"method must be one of.*Received: \['rk4'\]"),
        ((Decay(), 0.1, 10, "euler_cromer"), "needs a problem of order 2.*Decay of order 1"),
        ((OSCILLATOR, 0.1, 10, "rk4", "float16"), "dtype must be one of float64, float32"),
    ],
)
def test_bad_arguments_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate(*arguments)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", [DampedOscillator, Duffing])
def test_sampled_force_shorter_than_the_simulation_raises(kind, method):
    force = Sampled(0.1 * np.arange(4), np.ones(4))
    with pytest.raises(ValueError, match=r"from 0 s to 0\.3 s\. Received t = 0\.4 s\. Short"):
        simulate(kind(force=force), 0.1, 4, method)


@pytest.mark.parametrize("method", METHODS)
def test_sampled_force_exactly_as_long_as_the_simulation_is_enough(method):
    force = Sampled(np.linspace(0.0, 0.3, 4), np.ones(4))  # 0.3 < 3 · 0.1 in floating point
    trajectory = simulate(DampedOscillator(force=force), 0.1, 3, method)
    np.testing.assert_array_equal(trajectory.force, np.ones((1, 4, 1)))


@pytest.mark.parametrize("kind", [DampedOscillator, Duffing])
def test_a_motion_that_runs_away_raises_and_names_the_step(kind):
    problem = kind(position=np.array([0.0, 1.0]))
    with pytest.raises(
        ValueError, match="of trajectory 1 leaves the range of float64 in step"
    ) as e:
        simulate(problem, 3.0, 1000)
    step = int(str(e.value).split("in step ")[1].split()[0])
    assert f"(t = {3.0 * step:g} s)" in str(e.value)
    assert 'Use a smaller step or method="rk4"' in str(e.value)
    # One step fewer is still in range (the growth itself is warned of).
    with pytest.warns(UserWarning, match="Euler"):
        assert np.isfinite(simulate(problem, 3.0, step - 1).states).all()


def test_a_motion_at_rest_stays_there_whatever_the_step():
    with pytest.warns(UserWarning, match="grows for this oscillator"):
        states = simulate(DampedOscillator(position=0.0), 3.0, 1000).states
    np.testing.assert_array_equal(states, 0.0)


@pytest.mark.parametrize(
    ("rhs", "received"),
    [
        (lambda self, t, x, v, ops=np: np.ones((1, 2)), r"shape \(1, 2\)"),
        (lambda self, t, x, v, ops=np: np.ones(3), r"shape \(3,\)"),
        (lambda self, t, x, v, ops=np: np.ones((3, 1)), r"shape \(3, 1\)"),
    ],
)
def test_a_right_hand_side_of_another_shape_is_refused(rhs, received):
    Mine = type("Mine", (InitialValueProblem,), {"rhs": rhs})
    for position in (1.0, np.ones(4)):
        with pytest.raises(ValueError, match=f"rhs must return one rate .* Received {received}"):
            simulate(Mine(position=position, velocity=0.0), 0.1, 3)


@pytest.mark.parametrize("kind", [DampedOscillator, Duffing])
def test_steps_that_rounding_swallows_are_refused(kind):
    apart = "Every step must lead to a later time.* are 1.9e-06 s apart"
    with pytest.raises(ValueError, match=apart):
        simulate(kind(start_time=1e10), 1e-9, 10, "rk4")
    with pytest.raises(ValueError, match=apart):  # 2^53 · 2e-6 s is where they first do
        simulate(kind(start_time=2.0**33 - 4e-6), 1e-6, 10, "rk4")


def test_a_motion_that_has_run_away_is_not_stepped_to_its_end():
    class Counted(Duffing):
        calls = 0

        def rhs(self, *args, **kwargs):
            type(self).calls += 1
            return super().rhs(*args, **kwargs)

    with pytest.raises(ValueError, match="leaves the range of float64 in step"):
        simulate(Counted(), 10.0, 100_000, "rk4")
    assert Counted.calls < 4 * 100


def test_a_force_of_the_users_that_holds_another_stays_as_it_is():
    class Half:
        def __init__(self, force):
            self.force = force

        def __call__(self, t):
            return 0.5 * self.force(t)

    sine = Sinusoid(amplitude=1.0, angular_frequency=1.3)
    half = Half(sine)
    found = simulate(Duffing(damping=0.1, force=half), H, 40)
    assert half.force is sine
    expected = simulate(Duffing(damping=0.1, force=Sinusoid(0.5, 1.3)), H, 40)
    np.testing.assert_allclose(found.states, expected.states, rtol=0, atol=1e-14)
