"""Closed forms against integrators that share no code with them.

Tolerances are relative to the largest value of the motion. DOP853 at rtol 3e-14 is itself good to
about 1e-12 over the times used here; the closed forms, compared with 60 digits, are good to
2e-15 · max(1, ω T), so 1e-11 leaves room for the integrator only.
"""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from oscillator_zoo.data import (
    Chirp,
    Constant,
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Duffing,
    Sampled,
    Sinusoid,
    Step,
)
from oscillator_zoo.data.problems.closed_forms import characteristic_roots, exp_divided_difference

SAMPLES = Sampled([0.0, 1.7, 4.0, 4.5, 9.0, 14.0], [0.3, -1.0, 2.0, 2.0, 0.5, -0.7])


def plain(force):
    """The force as a function of a float, written once more."""
    match force:
        case None:
            return lambda t: 0.0
        case Constant():
            return lambda t: force.value
        case Sinusoid():
            return lambda t: force.amplitude * math.sin(force.angular_frequency * t + force.phase)
        case Step():
            return lambda t: force.amplitude if t >= force.time else 0.0
        case Sampled():
            return lambda t: float(np.interp(t, force.times, force.values))


def equation(problem):
    """Slopes (x', …, v', …) of a state, from the equation of motion in plain floats."""
    forces = [plain(force) for force in problem.coordinate_forces]
    if isinstance(problem, Decay):
        return lambda t, y: [forces[0](t) - problem.rate * y[0]]
    if isinstance(problem, DampedOscillator):
        m, c, k = problem.mass, problem.damping, problem.stiffness
        return lambda t, y: [y[1], (forces[0](t) - c * y[1] - k * y[0]) / m]
    matrices, num = (problem.stiffness_matrix, problem.damping_matrix), problem.dimension

    def slopes(t, y):
        pull = matrices[0] @ y[:num] + matrices[1] @ y[num:]
        return [*y[num:], *((np.array([f(t) for f in forces]) - pull) / problem.masses)]

    return slopes


def integrate(problem, times):
    """Position and velocity by DOP853, restarted at every kink: (num, dimension) each."""
    kinks = set(problem.breakpoints)
    for force in problem.coordinate_forces:
        kinks |= set(force.times) if isinstance(force, Sampled) else set()
    start, end, slopes = problem.start_time, times[-1], equation(problem)
    edges = [start, *sorted(kink for kink in kinks if start < kink < end), end]
    state = np.concatenate([y.ravel() for y in problem.initial_state()])
    rows = []
    for left, right in itertools.pairwise(edges):
        inside = times[(times >= left) & ((times < right) | (right == end))]
        before = np.nextafter(right, left)  # the side of the jump that this piece is on
        y = solve_ivp(
            lambda t, y, before=before: slopes(min(t, before), y),
            (left, right),
            state,
            method="DOP853",
            rtol=3e-14,
            atol=1e-18,
            t_eval=np.unique(np.append(inside, right)),
        ).y
        state = y[:, -1]
        rows.append(y[:, : len(inside)])
    y = np.concatenate(rows, axis=1).T
    if problem.order == 1:
        return y, np.array([slopes(t, row) for t, row in zip(times, y)])
    return y[:, : problem.dimension], y[:, problem.dimension :]


def error(got, wanted):
    """Largest difference, relative to the largest value wanted (to 1 where all stay at rest)."""
    return np.max(np.abs(got - wanted)) / (np.max(np.abs(wanted)) or 1.0)


def check_against_integrator(problem, times):
    for got, wanted in zip(problem.exact(times), integrate(problem, times)):
        assert got.shape == wanted.shape
        assert error(got, wanted) < 1e-11


REGIMES = {  # mass, damping, stiffness with ω0 = 1 unless named otherwise
    "undamped": (2.0, 0.0, 2.0),
    "weakly damped": (1.0, 1e-6, 1.0),
    "underdamped": (0.5, 0.2, 0.5),
    "critical": (1.0, 2.0, 1.0),
    "just below critical": (1.0, 2.0 * (1.0 - 1e-8), 1.0),
    "just above critical": (1.0, 2.0 * (1.0 + 1e-8), 1.0),
    "a rounding above critical": (1.0, 2.0 * (1.0 + 1e-15), 1.0),
    "overdamped": (2.0, 10.0, 2.0),
    "stiff": (1.0, 40.0, 1.0),
    "weak spring": (1.0, 0.1, 1e-8),
    "fast": (1.0, 2.0, 400.0),
}
FORCES = {
    "free": None,
    "constant": Constant(0.7),
    "resonant": Sinusoid(0.8, 1.0, 0.4),
    "nearly resonant": Sinusoid(0.8, 1.0 + 1e-9),
    "slow": Sinusoid(0.8, 1e-3, 1.0),
    "quick": Sinusoid(5.0, 12.0, np.pi / 2),
    "step": Step(1.5, 3.21),
    "step at once": Step(1.5, -1.0),
    "sampled": SAMPLES,
}


@pytest.mark.parametrize("force", FORCES.values(), ids=FORCES)
@pytest.mark.parametrize("regime", REGIMES.values(), ids=REGIMES)
def test_exact_agrees_with_dop853_in_every_regime(regime, force):
    oscillator = DampedOscillator(*regime, force=force, position=0.9, velocity=-0.4, start_time=0.8)
    check_against_integrator(oscillator, np.linspace(0.8, 9.8, 19))


@pytest.mark.parametrize("force", list(FORCES.values())[1:], ids=list(FORCES)[1:])
def test_exact_agrees_with_dop853_from_rest(force):
    """From rest nothing hides the response to the force."""
    for damping in (0.0, 0.1, 2.0 * (1.0 - 1e-8), 6.0):
        oscillator = DampedOscillator(damping=damping, force=force, position=0.0)
        check_against_integrator(oscillator, np.linspace(0.0, 9.0, 10))


@pytest.mark.parametrize("force", FORCES.values(), ids=FORCES)
@pytest.mark.parametrize("rate", [1e-6, 0.5, 30.0])
def test_decay_agrees_with_dop853(rate, force):
    decay = Decay(rate, position=1.3, force=force, start_time=0.4)
    check_against_integrator(decay, np.linspace(0.4, 8.4, 17))


def matrix_exponential_motion(alpha, delta, scale, state, drive, matrix, tau):
    """x and v from the exponential of one matrix that holds the oscillator and its drive.

    Positions are multiplied by `scale` squared and velocities by `scale`, as times are, so that all
    entries are of order 1: large ones are squared more often, and each squaring rounds.
    """
    size = 2 + len(drive)
    system = np.zeros((size, size))
    system[0, 1] = 1.0
    system[1, :3] = -delta / scale**2, -alpha / scale, 1.0
    system[2:, 2:] = matrix / scale
    y = expm(system * scale * tau) @ np.array([state[0] * scale**2, state[1] * scale, *drive])
    return y[0] / scale**2, y[1] / scale


@pytest.mark.slow
@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    log_frequency=st.floats(-2.0, 2.0),
    damping_ratio=st.one_of(
        st.just(0.0),
        st.just(1.0),
        st.floats(-6.0, 1.0).map(lambda k: 10.0**k),
        st.floats(-14.0, -1.0).map(lambda k: 1.0 - 10.0**k),
        st.floats(-14.0, -1.0).map(lambda k: 1.0 + 10.0**k),
    ),
    turns=st.floats(1e-3, 30.0),
    detuning=st.one_of(st.just(0.0), st.floats(-0.9, 3.0), st.floats(-12.0, -1.0).map(np.exp)),
    phase=st.floats(0.0, 6.28),
    kind=st.sampled_from(["linear", "sinusoid"]),
    state=st.tuples(st.floats(-2.0, 2.0), st.floats(-2.0, 2.0)),
    start_time=st.floats(-5.0, 5.0),
)
def test_exact_agrees_with_the_matrix_exponential(
    log_frequency, damping_ratio, turns, detuning, phase, kind, state, start_time
):
    """Over the whole space of parameters; 2e-12 because the reference squares up to 8 times."""
    frequency = 10.0**log_frequency
    alpha, delta = 2.0 * damping_ratio * frequency, frequency**2
    tau = turns / frequency * np.array([0.0, 0.31, 0.77, 1.0])
    times = start_time + tau
    tau = times - start_time
    if kind == "linear":
        force = Sampled([start_time, start_time + 2.0 * tau[-1]], [0.7, -0.4])
        slope = -1.1 / (force.times[1] - force.times[0])
        drive, matrix = (0.7, slope), np.array([[0.0, 1.0], [0.0, 0.0]])
    else:
        omega = frequency * (1.0 + detuning)
        force = Sinusoid(1.0, omega, phase)
        angle = omega * start_time + phase
        drive, matrix = (np.sin(angle), np.cos(angle)), omega * np.array([[0.0, 1.0], [-1.0, 0.0]])
    position, velocity = state[0] / frequency**2, state[1] / frequency
    oscillator = DampedOscillator(1.0, alpha, delta, force, position, velocity, start_time)
    wanted = np.array(
        [
            matrix_exponential_motion(
                alpha, delta, frequency, (position, velocity), drive, matrix, t
            )
            for t in tau
        ]
    )
    for i, got in enumerate(oscillator.exact(times)):
        # Where the motion has hardly begun, the drive sets the scale of what it can become.
        scale = max(np.max(np.abs(wanted[:, i])), 1e-3 * turns ** (2 - i) / frequency ** (2 - i))
        assert np.max(np.abs(got[:, 0] - wanted[:, i])) < 2e-12 * scale


def test_resonance_grows_linearly():
    """x'' + x = sin t from rest: x = (sin t − t cos t) / 2."""
    times = np.linspace(0.0, 300.0, 1001)
    x, v = DampedOscillator(force=Sinusoid(1.0, 1.0), position=0.0).exact(times)
    np.testing.assert_allclose(x[:, 0], (np.sin(times) - times * np.cos(times)) / 2, atol=1e-11)
    np.testing.assert_allclose(v[:, 0], times * np.sin(times) / 2, atol=1e-11)


def test_free_undamped_motion_is_a_cos_plus_b_sin():
    oscillator = DampedOscillator(2.0, 0.0, 18.0, position=0.7, velocity=-1.2, start_time=0.5)
    a, b = oscillator.cosine_amplitude, oscillator.sine_amplitude
    assert (a, b) == (0.7, pytest.approx(-0.4, rel=1e-15))
    times = np.linspace(0.5, 20.0, 200)
    angle = 3.0 * (times - 0.5)
    x, v = oscillator.exact(times)
    np.testing.assert_allclose(x[:, 0], a * np.cos(angle) + b * np.sin(angle), atol=1e-14 * 60)
    np.testing.assert_allclose(v[:, 0], 3 * (b * np.cos(angle) - a * np.sin(angle)), atol=1e-12)


@pytest.mark.parametrize("damping", [0.0, 0.3, 2.0, 7.0])
@pytest.mark.parametrize("force", [None, Constant(0.4), Sinusoid(0.8, 1.3, 0.2)])
def test_exact_solves_the_equation_and_a_wrong_frequency_does_not(damping, force):
    """Residual x'' − rhs, x'' from v by differences of eighth order: h⁸ and eps/h give 1e-11."""
    oscillator = DampedOscillator(1.0, damping, 1.0, force, position=1.0, velocity=0.3)
    wrong = oscillator.with_parameters(stiffness=1.0 + 1e-3)
    middle, h = np.linspace(1.0, 9.0, 50), 0.02
    weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}

    def largest_residual(solution):
        def velocity(t):
            return solution.exact(t)[1]

        slope = sum(
            c * (velocity(middle + k * h) - velocity(middle - k * h)) / h
            for k, c in weights.items()
        )
        x, v = solution.exact(middle)
        return np.max(np.abs(slope - oscillator.rhs(middle[:, None], x, v)))

    assert largest_residual(oscillator) < 1e-11
    assert largest_residual(wrong) > 1e-5


@pytest.mark.parametrize("force", [None, Constant(2.0), Sinusoid(1.0, 1.0), Step(1.0, 3.0)])
def test_stiff_overdamped_motion_neither_overflows_nor_cancels(force):
    """Rates 1e-9 and 1e9 per second: the slow one must keep all its digits."""
    oscillator = DampedOscillator(1.0, 1e9, 1.0, force, position=1.0, velocity=0.0)
    times = np.array([0.0, 1e3, 1e9])
    with np.errstate(over="raise", invalid="raise"):
        x, v = oscillator.exact(times)
    assert np.isfinite(v).all()
    if force is None:
        np.testing.assert_allclose(x[:, 0], np.exp(-1e-9 * times), rtol=1e-14)
        np.testing.assert_allclose(v[1:, 0], -1e-9 * np.exp(-1e-9 * times[1:]), rtol=1e-14)


def test_energy_of_the_undamped_exact_solution_is_constant():
    oscillator = DampedOscillator(mass=1.7, stiffness=3.1, position=0.3, velocity=2.0)
    energy = oscillator.energy(*oscillator.exact(np.linspace(0.0, 100.0, 500)))
    np.testing.assert_allclose(energy, energy[0, 0], rtol=1e-13)


def test_equal_forces_written_differently_give_equal_motions():
    times = np.linspace(2.0, 8.0, 40)
    common = dict(damping=0.3, position=0.5, velocity=0.1, start_time=2.0)

    def position(force):
        return DampedOscillator(force=force, **common).exact(times)[0]

    constant = position(Constant(0.6))
    np.testing.assert_array_equal(position(Step(0.6, time=2.0)), constant)
    for same in (Sampled([0, 3, 5, 9], [0.6] * 4), Sinusoid(0.6, 0.0, np.pi / 2)):
        np.testing.assert_allclose(position(same), constant, atol=1e-14)
    np.testing.assert_array_equal(position(Step(0.6, time=8.5)), position(None))
    ramp = Sampled([0.0, 10.0], [-1.0, 4.0])
    cut = Sampled([1.0, 3.3, 6.0, 8.0], -1.0 + 0.5 * np.array([1.0, 3.3, 6.0, 8.0]))
    np.testing.assert_allclose(position(cut), position(ramp), atol=1e-13)


def test_forces_are_functions_of_absolute_time():
    """Moving start and times by 3 s and the phase back by 3 ω changes nothing."""
    tau = np.linspace(0.0, 10.0, 30)
    here = DampedOscillator(damping=0.2, force=Sinusoid(1.0, 1.3, 0.4))
    there = here.with_parameters(start_time=3.0, force=Sinusoid(1.0, 1.3, 0.4 - 3.9))
    np.testing.assert_allclose(there.exact(3.0 + tau)[0], here.exact(tau)[0], atol=1e-13)


ENSEMBLES = {
    "oscillator, free": DampedOscillator([1.0, 2.0, 1.0], [0.0, 0.4, 2.0], 1.0),
    "oscillator, states": DampedOscillator(position=[1.0, 2.0], velocity=[0.5, 0.0], damping=5.0),
    "one member": DampedOscillator(mass=[2.0], force=Constant(1.0)),
    "constants": DampedOscillator(damping=0.1, force=Constant(np.array([0.0, 1.0, 2.0]))),
    "sinusoids": DampedOscillator([1.0, 2.0], force=Sinusoid(1.0, np.array([1.0, 0.3]))),
    "steps": DampedOscillator([1.0, 2.0], 3.0, force=Step(np.array([1.0, 0.3]), 2.0)),
    "records": DampedOscillator(
        [1.0, 2.0], 0.1, force=Sampled([0.0, 1.0, 7.0], [[0.0, 1.0, 1.0], [2.0, 0.0, -1.0]])
    ),
    "one among many": DampedOscillator(mass=[2.0], position=[1.0, 3.0], force=SAMPLES),
    "decays": Decay([1.0, 2.0], position=[0.3, 0.4], force=Sinusoid(np.array([1.0, 2.0]), 3.0)),
    "coupled": CoupledOscillators(
        (1.0, 2.0),
        damping=(0.1, 0.2),
        position=[[1.0, 0.0], [0.0, 1.0]],
        force=(None, Constant(np.array([1.0, 2.0]))),
    ),
}


@pytest.mark.parametrize("ensemble", ENSEMBLES.values(), ids=ENSEMBLES)
def test_every_member_of_an_ensemble_moves_as_it_would_alone(ensemble):
    times = np.linspace(0.0, 6.0, 13)
    x, v = ensemble.exact(times)
    size, dimension = ensemble.ensemble_size, ensemble.dimension
    assert x.shape == v.shape == (size, 13, dimension)
    for i in range(size):
        alone = ensemble.select(i)
        assert alone.ensemble_size is None
        for got, wanted in zip((x[i], v[i]), alone.exact(times)):
            assert wanted.shape == (13, dimension)
            np.testing.assert_allclose(got, wanted, rtol=0.0, atol=1e-14)
        check_against_integrator(alone, times)
    pair = ensemble.select(np.array([size - 1, 0]))
    np.testing.assert_allclose(pair.exact(times)[0], x[[size - 1, 0]], rtol=0.0, atol=1e-14)


def test_times_may_be_a_column_integers_or_one_number():
    oscillator = DampedOscillator(damping=0.1)
    x, _ = oscillator.exact(np.arange(4))
    np.testing.assert_array_equal(oscillator.exact(np.arange(4.0)[:, None])[0], x)
    np.testing.assert_array_equal(oscillator.exact(3)[0], x[3:])
    assert oscillator.exact(np.zeros(1))[0] == oscillator.position


def test_times_need_no_order():
    oscillator = DampedOscillator(damping=0.1, force=Step(1.0, 1.0))
    times = np.linspace(0.0, 3.0, 7)
    np.testing.assert_array_equal(
        oscillator.exact(times[::-1])[0][::-1], oscillator.exact(times)[0]
    )


def test_a_start_that_is_a_rounding_early_is_the_start():
    oscillator = DampedOscillator(start_time=0.1 + 0.2)
    assert oscillator.exact([0.3])[0][0, 0] == 1.0


def test_long_records_stay_accurate():
    """20 000 pieces of a sine: linear interpolation differs from the sine by h²/8, no more."""
    grid = np.linspace(0.0, 200.0, 20001)
    common = dict(damping=0.1, position=0.0)
    sampled = DampedOscillator(force=Sampled(grid, np.sin(grid)), **common)
    times = np.linspace(0.0, 200.0, 50)
    x, _ = sampled.exact(times)
    smooth, _ = DampedOscillator(force=Sinusoid(1.0, 1.0), **common).exact(times)
    # The interpolant is the sine times 1 − h²/12 (plus ripples that the oscillator averages out).
    np.testing.assert_allclose(x, smooth * (1.0 - 0.01**2 / 12.0), atol=1e-7)


# Coupled oscillators


def test_coupled_motion_agrees_with_dop853():
    coupled = CoupledOscillators(
        masses=(1.0, 2.0, 0.5),
        stiffness=(1.0, 4.0, 0.0, 2.0),
        damping=(0.3, 0.6, 0.15),
        force=(None, Sinusoid(0.5, 1.7, 0.2), SAMPLES),
        position=(1.0, 0.0, -0.5),
        velocity=0.3,
        start_time=0.7,
    )
    check_against_integrator(coupled, np.linspace(0.7, 10.0, 25))


def test_a_free_chain_drifts_and_swings():
    """Two masses and one spring: the centre moves uniformly, the distance swings with 2 rad/s."""
    chain = CoupledOscillators((1.0, 1.0), (0.0, 2.0, 0.0), position=(1.0, 0.0), velocity=(1.0, 0))
    times = np.linspace(0.0, 20.0, 60)
    x, _ = chain.exact(times)
    np.testing.assert_allclose(x.sum(axis=1), 1.0 + times, rtol=1e-13)
    distance = np.cos(2.0 * times) + np.sin(2.0 * times) / 2.0
    np.testing.assert_allclose(x[:, 0] - x[:, 1], distance, atol=1e-12)


def test_masses_without_coupling_move_as_single_oscillators():
    forces = (Constant(1.0), None, Step(1.0, 2.0))
    stiffness, damping = np.array([1.0, 4.0, 1.0]), np.array([0.1, 0.0, 3.0])
    coupled = CoupledOscillators(
        (1.0, 2.0, 1.0), np.diag(stiffness), damping, forces, position=(1.0, 2.0, 3.0)
    )
    times = np.linspace(0.0, 12.0, 30)
    x, v = coupled.exact(times)
    for i, mass in enumerate((1.0, 2.0, 1.0)):
        single = DampedOscillator(mass, damping[i], stiffness[i], forces[i], position=i + 1.0)
        for got, wanted in zip((x, v), single.exact(times)):
            np.testing.assert_allclose(got[:, i], wanted[:, 0], atol=1e-13)


def test_damping_in_proportion_to_the_springs_has_a_closed_form():
    springs = CoupledOscillators((1.0, 2.0, 1.5), (1.0, 2.0, 3.0, 4.0)).stiffness_matrix
    coupled = CoupledOscillators((1.0, 2.0, 1.5), springs, 0.1 * springs, position=(1.0, 0.0, 0.5))
    check_against_integrator(coupled, np.linspace(0.0, 10.0, 20))


def test_damping_that_couples_the_modes_has_none():
    coupled = CoupledOscillators((1.0, 1.0), damping=(0.0, 0.5))
    with pytest.raises(ValueError, match=r'No closed form.*Use simulate\(method="rk4"\)'):
        coupled.exact([0.0, 1.0])


# The parts


def hermite_genocchi(points, time):
    """exp[a, b, …] as the mean of e^{zτ} over the simplex of the points, by Gauss' rule."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    nodes, weights = (nodes + 1.0) / 2.0, weights / 2.0
    where, total, edge = points[0], 1.0, 1.0
    for i, (left, right) in enumerate(itertools.pairwise(points)):
        axis = (1,) * i + (-1,) + (1,) * (len(points) - 2 - i)
        total = total * edge * weights.reshape(axis)
        edge = edge * nodes.reshape(axis)
        where = where + edge * (right - left)
    return time ** (len(points) - 1) * np.sum(total * np.exp(where * time))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    centre=st.complex_numbers(max_magnitude=3.0),
    offsets=st.lists(
        st.tuples(st.floats(-16.0, 0.7), st.floats(0.0, 6.28)), min_size=1, max_size=3
    ),
)
def test_divided_differences_are_integrals_over_the_simplex(centre, offsets):
    """Points from 1e-16 to 5 apart (Hermite–Genocchi formula)."""
    points = [centre, *(centre + 10.0**k * np.exp(1j * angle) for k, angle in offsets)]
    got, wanted = exp_divided_difference(points, 1.3), hermite_genocchi(points, 1.3)
    assert abs(got - wanted) < 1e-13 * max(abs(np.exp(1.3 * point)) for point in points)


@pytest.mark.parametrize("order", range(1, 5))
def test_coinciding_points_give_the_derivative(order):
    """exp[a, …, a] = τⁿ⁻¹ e^{aτ} / (n−1)!."""
    time = np.array([0.0, 0.5, 40.0])
    got = exp_divided_difference([-0.3] * order, time)
    wanted = time ** (order - 1) * np.exp(-0.3 * time) / [1, 1, 2, 6][order - 1]
    np.testing.assert_allclose(got, wanted, rtol=1e-14)


def test_divided_differences_do_not_depend_on_the_size_of_a_chunk(monkeypatch):
    time = np.linspace(0.0, 5.0, 100)
    whole = exp_divided_difference([-0.1, -2.0, 0.5j], time)
    monkeypatch.setattr("oscillator_zoo.data.problems.closed_forms.CHUNK", 7)
    np.testing.assert_array_equal(exp_divided_difference([-0.1, -2.0, 0.5j], time), whole)


@pytest.mark.parametrize("alpha", [0.0, 1e-9, 1.0, 2.0, 2.0 + 1e-8, 1e6])
def test_roots_have_the_sum_and_product_of_vieta(alpha):
    slow, fast = characteristic_roots(alpha, 1.0)
    assert slow + fast == pytest.approx(-alpha, rel=1e-15)
    assert slow * fast == pytest.approx(1.0, rel=1e-15)
    assert abs(slow) <= abs(fast) * (1.0 + 1e-15)


# Errors


@pytest.mark.parametrize(
    "problem",
    [
        DampedOscillator(force=Chirp(1.0, 0.0, 2.0, 10.0)),
        DampedOscillator(force=np.sin),
        Decay(force=Chirp(1.0, 0.0, 2.0, 10.0)),
        Duffing(),
        CoupledOscillators((1.0, 1.0), force=(None, np.sin)),
    ],
)
def test_without_a_closed_form_exact_names_simulate(problem):
    with pytest.raises(ValueError, match=r'No closed form.*Use simulate\(method="rk4"\)'):
        problem.exact([0.0, 1.0])


def test_a_subclass_of_a_force_is_not_taken_for_its_base():
    class Rectified(Sinusoid):
        def __call__(self, t, ops=np):
            return ops.abs(super().__call__(t, ops))

    with pytest.raises(ValueError, match="No closed form"):
        DampedOscillator(force=Rectified(1.0, 2.0)).exact([0.0])


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([-0.5, 1.0], r"begins at start_time = 0 s\. Received t = -0\.5 s\. Pass later times"),
        (np.zeros((2, 3)), r"\(num,\) or \(num, 1\)\. Received shape \(2, 3\)"),
        (np.zeros((2, 3, 1)), r"\(num,\) or \(num, 1\)\. Received shape \(2, 3, 1\)"),
        ([0.0, np.nan], "t must be a finite real number .* Received nan"),
        (["soon"], "t must be a finite real number"),
        ([], "empty array"),
    ],
)
@pytest.mark.parametrize("problem", [DampedOscillator(), Decay(), CoupledOscillators((1.0, 1.0))])
def test_bad_times_are_refused(problem, times, message):
    with pytest.raises(ValueError, match=message):
        problem.exact(times)


@pytest.mark.parametrize("start_time", [0.0, 2.0])
def test_exact_outside_a_record_is_refused(start_time):
    oscillator = DampedOscillator(force=Sampled([1.0, 3.0], [0.0, 1.0]), start_time=start_time)
    with pytest.raises(ValueError, match="This force is known from 1 s to 3 s"):
        oscillator.exact([2.0, 4.0] if start_time else [0.5, 2.5])
