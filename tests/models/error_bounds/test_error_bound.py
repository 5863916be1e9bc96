import keras
import mpmath
import numpy as np
import pytest
from error_bound_cases import (
    edge_case,
    exact_motion,
    learned_case,
    random_damping_ratio,
    random_problem,
    try_case,
)
from marks import further_but_for
from scipy.linalg import expm

from oscillator_zoo.data import (
    Chirp,
    Constant,
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Duffing,
    InitialValueProblem,
    Sampled,
    Sinusoid,
    Step,
)
from oscillator_zoo.data.problems.initial_value_problem import linear
from oscillator_zoo.models import PINN, LevenbergMarquardt
from oscillator_zoo.models.error_bounds.activation_bounds import KNOWN
from oscillator_zoo.models.error_bounds.chebyshev_cells import (
    Cells,
    node_values_to_series,
    values_at,
)
from oscillator_zoo.models.error_bounds.defect_bounds import comparisons, error_bounds
from oscillator_zoo.models.error_bounds.error_bound import enclose_error
from oscillator_zoo.models.error_bounds.linear_equation import LinearEquation, analytic_force
from oscillator_zoo.models.error_bounds.network_bounds import (
    Weights,
    features,
    layer_bounds,
    rounding_errors,
)
from oscillator_zoo.models.error_bounds.residual_bounds import ResidualBounds
from oscillator_zoo.models.error_bounds.rounding import UNIT, Rounded
from oscillator_zoo.models.error_bounds.trial_bounds import TrialBounds


class Rotor(InitialValueProblem):
    """Two coordinates that turn into each other, x'' = −4 x + 3 J v: a user's own equation."""

    dimension = 2

    @linear
    def rhs(self, t, x, v, ops=np):
        return -4.0 * x + 3.0 * ops.stack([v[..., 1], -v[..., 0]], axis=-1)


class WithClock(DampedOscillator):
    """An equation that is marked @linear, but has a term of its own in time."""

    @linear
    def rhs(self, t, x, v, ops=np):
        return super().rhs(t, x, v, ops) + ops.sin(t)


def weights_of(units, activation, seed=0, scale=1.0):
    pinn = PINN(DampedOscillator(), 1.0, hidden_units=units, activation=activation, seed=seed)
    random = np.random.default_rng(seed)
    pinn.set_weights([scale * random.normal(size=np.shape(w)) for w in pinn.get_weights()])
    return Weights.of(pinn.network)


# --------------------------------------------------------------------- the bound as a whole


@pytest.mark.parametrize("seed", further_but_for(range(2000, 2010), 2000, 2001))
def test_bound_holds_and_is_tight_for_random_problems_networks_and_stages(seed):
    # errors against 34 digits: nothing is forgiven to the bound, no rounding to the oracle
    outcome = try_case(seed)
    assert outcome.holds, outcome
    assert outcome.is_tight, outcome


@pytest.mark.parametrize("seed", further_but_for(range(3000, 3010), 3000, 3001))
def test_bound_holds_and_is_tight_where_every_window_has_a_network_of_its_own(seed):
    outcome = try_case(seed, make=learned_case)
    assert outcome.holds, outcome
    assert outcome.is_tight, outcome


@pytest.mark.further
@pytest.mark.parametrize("seed", range(2006, 2015))
def test_bound_holds_at_edges(seed):
    outcome = try_case(seed, make=edge_case)
    assert outcome.holds, outcome


@pytest.mark.parametrize("seed", range(12))
def test_oracle_is_the_closed_form_where_there_is_one(seed):
    random = np.random.default_rng(seed)
    problem, duration = random_problem(random)
    times = problem.start_time + duration * np.array([0.0, 0.3, 1.0])
    try:
        x, _ = problem.exact(times)
    except ValueError:  # a chirp, or a damping that couples the modes
        return
    ours = np.array(
        [[float(y) for y in s[: problem.dimension]] for s in exact_motion(problem, times)]
    )
    # the closed form in float64 has an angle of up to 40 rad, and resonance: 1e-10 of the motion
    np.testing.assert_allclose(ours, x, atol=1e-10 * max(np.abs(x).max(), 1.0))


@pytest.mark.slow
def test_trained_network_has_a_bound_that_says_something():
    pinn = PINN(DampedOscillator(damping=0.2), duration=10.0, seed=1)
    pinn.compile(LevenbergMarquardt())
    pinn.fit(pinn.collocation_points(), epochs=30, verbose=0)
    x, v = pinn.error_bound(np.linspace(0.0, 10.0, 101))
    # seen: 3e-12 m; what 48 terms can lose by rounding at the worst, six windows one by one
    assert x.max() < 1e-10 and v.max() < 1e-10


def test_error_is_known_with_its_sign():
    problem = DampedOscillator(damping=0.3, force=Sinusoid(1.0, 1.1))
    pinn = PINN(problem, 12.0, hidden_units=(16,), seed=2)
    t = np.linspace(0.0, 12.0, 50)
    enclosure = enclose_error(pinn, t)
    x, v = problem.exact(t)
    # an untrained network, off by 1: the closed form is right to 1e-13
    np.testing.assert_allclose(enclosure.error, np.asarray(pinn(t)) - x, atol=1e-9)
    np.testing.assert_allclose(enclosure.rate_error, pinn.derivatives(t)[1] - v, atol=1e-9)
    assert enclosure.radius.max() < 1e-9


def test_bound_of_a_users_own_linear_equation():
    problem = Rotor(position=(1.0, 0.0), velocity=(0.0, 0.5))
    pinn = PINN(problem, 5.0, hidden_units=(12,), activation="tanh", seed=3)
    t = np.linspace(0.0, 5.0, 21)
    a = np.zeros((4, 4))
    a[:2, 2:], a[2:, :2], a[2, 3], a[3, 2] = np.eye(2), -4.0 * np.eye(2), 3.0, -3.0
    state = np.array([expm(a * now) @ [1.0, 0.0, 0.0, 0.5] for now in t])
    error = np.abs(np.asarray(pinn(t)) - state[:, :2])
    bound, _ = pinn.error_bound(t)
    assert (error <= bound + 1e-13).all()  # the matrix exponential's own rounding
    assert (bound <= error + 1e-9).all()


def test_bound_begins_at_rounding_and_sees_both_sides_of_a_jump():
    pinn = PINN(DampedOscillator(force=Step(1.0, 0.8)), 2.0, hidden_units=(8,), seed=1)
    bound, _ = pinn.error_bound([0.0, 0.8])
    assert bound[0, 0] < 1e-10
    # exact at the jump: x = cos t before it
    error = abs(float(pinn([0.8])[0, 0]) - np.cos(0.8))
    assert error <= bound[1, 0] <= error + 1e-9


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: PINN(WithClock(), 1.0, (4,)),
            r"Received: WithClock: it failed on symbols.*sin.*Take the mark away",
        ),
        (
            lambda: PINN(DampedOscillator(force=np.sin), 1.0, (4,)),
            r"a force whose size off the real line is known.*ufunc 'sin'.*error_estimate",
        ),
        (
            lambda: PINN(DampedOscillator(), 1.0, (4,), activation="gelu"),
            r"sin, tanh or swish\. Received: .*gelu.*error_estimate",
        ),
        (
            lambda: PINN(DampedOscillator(), 1.0, (4,), h1=keras.ops.cos),
            r"Received: a PINN with h1 or h2 of its own.*error_estimate",
        ),
        (
            lambda: PINN(DampedOscillator(), 1.0, (4,), dtype="float32"),
            "needs a float64 model. Received: float32",
        ),
    ],
)
def test_where_there_is_no_proof_it_raises(make, message):
    with pytest.raises(ValueError, match=message):
        make().error_bound([0.5])


def test_times_outside_the_interval_raise():
    pinn = PINN(DampedOscillator(), 1.0, (4,))
    with pytest.raises(ValueError, match=r"Received t = 1\.5 s"):
        pinn.error_bound([1.5])
    assert np.isinf(enclose_error(pinn, np.array([-1e-9, 1.0 + 1e-9])).radius).all()


# ------------------------------------------------------------------------ parts of the proof


def complex_features(weights, activation, tau):
    """h, h', h'' of a network at complex times, by hand."""
    functions = {
        "sin": (np.sin, np.cos, lambda z: -np.sin(z)),
        "tanh": (
            np.tanh,
            lambda z: 1.0 / np.cosh(z) ** 2,
            lambda z: -2.0 * np.tanh(z) / np.cosh(z) ** 2,
        ),
        "swish": (
            lambda z: z / (1.0 + np.exp(-z)),
            lambda z: (1.0 + np.exp(-z) * (1.0 + z)) / (1.0 + np.exp(-z)) ** 2,
            lambda z: np.exp(-z) * (2.0 - z + np.exp(-z) * (2.0 + z)) / (1.0 + np.exp(-z)) ** 3,
        ),
    }[activation]
    h, dh, ddh = tau[:, None], np.ones((len(tau), 1)), np.zeros((len(tau), 1))
    for kernel, bias in weights.layers:
        kernel, bias = kernel.astype(float), bias.astype(float)
        z, dz, ddz = h @ kernel + bias, dh @ kernel, ddh @ kernel
        f, df, ddf = (function(z) for function in functions)
        h, dh, ddh = f, df * dz, ddf * dz**2 + df * ddz
    return h, dh, ddh


@pytest.mark.parametrize("activation", ["sin", "tanh", "swish"])
@pytest.mark.parametrize("units", [(5,), (4, 4), (3, 4, 3)])
@pytest.mark.parametrize("is_complex", [True, False])
def test_network_in_a_disc_stays_within_its_bounds(activation, units, is_complex):
    random = np.random.default_rng(1)
    weights = weights_of(units, activation, seed=len(units))
    centres, radius = np.array([-0.8, 0.1, 0.6]), 0.06
    found = layer_bounds(weights, centres, np.full(3, radius), is_complex)[-1].outputs()
    for k, centre in enumerate(centres):
        angle = np.linspace(0.0, 2.0 * np.pi, 200) if is_complex else np.array([0.0, np.pi])
        distance = radius * np.sqrt(random.uniform(size=200))[:, None]
        inside = (distance * np.exp(1j * angle)).ravel()
        tau = centre + np.concatenate([inside, radius * np.exp(1j * angle)])
        for bound, h in zip(found, complex_features(weights, activation, tau)):
            assert np.isfinite(bound).all()
            assert (np.abs(h).max(axis=0) <= bound[k] * (1.0 + 1e-12)).all()


def test_bounds_of_a_point_are_the_values_themselves():
    weights = weights_of((5,), "tanh")
    tau = np.array([0.3, -0.7])
    bounds = layer_bounds(weights, tau, 0.0 * tau)[-1].outputs()
    exact = complex_features(weights, "tanh", tau.astype(complex))
    np.testing.assert_allclose(bounds[1], np.abs(exact[1]), rtol=1e-9)


@pytest.mark.parametrize("activation", KNOWN.values(), ids=lambda a: a.__name__)
def test_third_derivative_is_within_its_bound(activation):
    z, step = np.linspace(-4.0, 4.0, 81), 1e-4
    second = [activation.derivatives(z + d)[2] for d in (-step, step)]
    third = np.abs(second[1] - second[0]) / (2.0 * step)  # right to step² = 1e-8 and 1e-12
    assert (third <= activation.bounds(z, 0.0 * z, False)[3] + 1e-7).all()


@pytest.mark.parametrize("activation", ["sin", "tanh", "swish"])
def test_rounding_of_float64_is_within_its_bound(activation):
    weights = weights_of((6, 6), activation, scale=3.0)
    in_float64 = weights._replace(
        layers=[(u.astype(float), b.astype(float)) for u, b in weights.layers]
    )
    tau = np.linspace(-1.0, 1.0, 41)
    bounds = layer_bounds(weights, tau, 0.0 * tau)
    tau_size = np.abs(tau)[:, None]
    errors = rounding_errors(weights, bounds, UNIT, Rounded(tau_size, 0.0 * tau_size))
    with mpmath.workdps(30):
        exact = [mp_features(weights, activation, mpmath.mpf(float(t))) for t in tau]
        for k, rounded in enumerate(features(in_float64, tau)):
            off = np.array(
                [[float(abs(mpmath.mpf(float(a)) - b)) for a, b in zip(row, point[k])]
                 for row, point in zip(rounded, exact)]
            )  # fmt: skip
            assert (off <= errors[k].error).all()
            assert off.max() > 0.0


def mp_features(weights, activation, tau):
    """h, h', h'' at one time, each a list, to 30 digits: Taylor coefficients through the layers."""
    one = mpmath.mpf(1)
    functions = {
        "sin": mpmath.sin,
        "tanh": mpmath.tanh,
        "swish": lambda z: z / (one + mpmath.exp(-z)),
    }
    h = [(tau, one, one * 0)]
    for kernel, bias in weights.layers:
        new = []
        for j in range(kernel.shape[1]):
            column = [mpmath.mpf(float(u)) for u in kernel[:, j]]
            z, dz, ddz = (sum(u * part[k] for u, part in zip(column, h)) for k in range(3))
            z += mpmath.mpf(float(bias[j]))
            f, df, ddf = (mpmath.diff(functions[activation], z, k) for k in range(3))
            new.append((f, df * dz, ddf * dz**2 + df * ddz))
        h = new
    return list(zip(*h))


@pytest.mark.parametrize(
    "force",
    [Sinusoid(2.0, 3.0, 0.4), Chirp(1.5, 1.0, 9.0, 4.0, 0.2), Constant(-0.3)],
    ids=["wave", "chirp", "constant"],
)
def test_force_off_the_real_line_stays_within_its_bound(force):
    middle, radius = np.array([0.5, 3.0]), 0.7
    bound = analytic_force(force, middle).bound(middle, np.full(2, radius))
    t = middle[:, None] + radius * np.exp(1j * np.linspace(0.0, 2.0 * np.pi, 300))
    largest = np.abs(force(t)).max(axis=1)
    assert (largest <= bound).all() and (bound < 3.0 * largest).all()


def test_chirp_far_from_its_beginning_costs_cells_and_nothing_else():
    # at t = 100 s it turns at 1.4e5 rad/s: off the real line it is larger than any float
    force = (Chirp(3e3, 20.0, 98.0, 0.055, 1.7), None)
    pair = CoupledOscillators((0.9, 1.6), 4e3, 0.0, force, (1.0, 0.0), (70.0, -140.0), 100.0)
    edges = [100.0, 100.055]  # by rule its waves would be as fast as the chirp
    pinn = PINN(pair, 0.055, (8,), window_edges=edges, bandwidth=100.0, seed=1)
    enclosure = enclose_error(pinn, np.linspace(100.0, 100.055, 11))
    assert enclosure.radius.max() < 1e-6 * np.abs(enclosure.error).max()


def test_sampled_force_goes_on_straight_beyond_its_piece():
    force = Sampled([0.0, 1.0, 2.0], [0.0, 4.0, 3.0])
    piece = analytic_force(force, np.array([0.4, 1.7]))
    times = np.array([[0.2, 0.9], [1.1, 1.8]])
    np.testing.assert_allclose(piece.values(times).astype(float), force(times), rtol=1e-15)
    np.testing.assert_allclose(piece.bound(np.array([0.4, 1.7]), np.array([1.0, 1.0])), [5.6, 4.3])


@pytest.mark.parametrize("activation", ["sin", "tanh", "swish"])
def test_interpolant_misses_no_more_than_proven(activation):
    problem = DampedOscillator(damping=0.3, force=Sinusoid(1.0, 4.0))
    pinn = PINN(problem, 6.0, hidden_units=(8, 8), activation=activation, seed=4)
    random = np.random.default_rng(4)
    pinn.set_weights([3.0 * random.normal(size=np.shape(w)) for w in pinn.get_weights()])
    trial = TrialBounds(pinn)
    residual = ResidualBounds(problem, LinearEquation.of(problem), trial)
    edges = np.linspace(0.0, 6.0, 10)
    cells = Cells(edges[:-1], edges[1:], np.zeros(9, int))
    series = node_values_to_series(residual.values(cells).transpose(1, 2, 0))
    t = np.linspace(0.001, 5.999, 500)
    index, xi = cells.place(t)
    missed = np.abs(values_at(series, index, xi) - np.asarray(pinn.residual(t)))
    # the model's own residual, of size 1e3, is right to about 1e-11
    assert (missed <= residual.missed(cells)[index] + 1e-10).all()
    assert missed.max() > 1e-8  # these cells are too long: there is something to miss


@pytest.mark.parametrize("seed", range(8))
def test_carried_errors_stay_within_their_bound_in_every_damping_regime(seed):
    random = np.random.default_rng(seed)
    omega, ratio = 10.0 ** random.uniform(-1.0, 2.0), random_damping_ratio(random)
    a = np.array([[0.0, 1.0], [-(omega**2), -2.0 * ratio * omega]])
    lengths = random.uniform(0.2, 1.0, 60) / (omega * max(ratio, 1.0))
    size = np.array([1.0, omega])
    defects, jumps = random.uniform(size=(2, 60, 2)) * size
    bound = error_bounds(a, lengths, defects, jumps)
    y = np.zeros(2)
    for k, length in enumerate(lengths):
        y = y + random.choice([-1.0, 1.0], 2) * jumps[k]
        held = np.block([[a, np.eye(2)], [np.zeros((2, 4))]])  # y' = a y + constant
        y = (expm(held * length) @ np.append(y, random.choice([-1.0, 1.0], 2) * defects[k]))[:2]
        assert (np.abs(y) <= bound[k] * (1.0 + 1e-12)).all()


def test_carried_errors_die_out_as_the_motion_does():
    a = np.array([[0.0, 1.0], [-1.0, -0.4]])
    lengths, jumps = np.full(200, 0.5), np.zeros((200, 2))
    jumps[0] = 1.0
    bound = error_bounds(a, lengths, 0.0 * jumps, jumps)[-1].max()
    assert bound == pytest.approx(np.exp(-0.2 * 99.5), rel=2.0)  # a phase that is not known


def test_matrices_are_those_of_the_equation():
    pair = CoupledOscillators((1.0, 2.0), (1.0, 4.0, 3.0), 0.5, (None, Step(1.0, 1.0)))
    equation = LinearEquation.of(pair)
    expected = [[0, 0, 1, 0], [0, 0, 0, 1], [-5, 4, -0.5, 0], [2, -3.5, 0, -0.25]]
    np.testing.assert_array_equal(equation.matrix, expected)
    np.testing.assert_array_equal(equation.drive, [[0.0, 0.0], [0.0, 0.5]])
    np.testing.assert_array_equal(LinearEquation.of(Decay(2.0)).matrix, [[-2.0]])


def test_critical_damping_has_a_basis():
    (schur,) = comparisons(np.array([[0.0, 1.0], [-1.0, -2.0]]))  # eigenvectors coincide
    after, _ = schur.growth(*np.array([[50.0], [50.0]]))
    assert after.max() < 1e-15  # t e^{-t}, and not e^{t}


# -------------------------------------------------------------------------------- export


@pytest.mark.slow
@pytest.mark.parametrize(
    "problem",
    [DampedOscillator(damping=0.2, force=Step(1.0, 1.3)), Decay(1.5, force=Sinusoid(1.0, 4.0))],
    ids=["step", "decay"],
)
def test_exported_table_is_a_bound_between_its_times_too(problem, tmp_path):
    import tensorflow as tf

    pinn = PINN(problem, 4.0, hidden_units=(12,), seed=1)
    pinn.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    t = np.random.default_rng(0).uniform(0.0, 4.0, 4000)[:, None]
    bound = served.error_bound(tf.constant(t)).numpy()
    pointwise, _ = pinn.error_bound(t)
    assert (bound >= pointwise).all()
    # a piece is 1/128 of a cell, in which the motion turns by at most 2 rad
    assert (bound <= pointwise + 0.05 * pointwise.max()).all()
    outside = served.error_bound(tf.constant([[-1e-6], [0.0], [4.0], [4.1]], "float64")).numpy()
    assert np.isnan(outside[:, 0]).tolist() == [True, False, False, True]


def test_what_has_no_proof_is_exported_without_a_bound(tmp_path):
    import tensorflow as tf

    PINN(Duffing(), 1.0, (4,), activation="gelu").export(tmp_path / "served", verbose=False)
    assert not hasattr(tf.saved_model.load(tmp_path / "served"), "error_bound")
