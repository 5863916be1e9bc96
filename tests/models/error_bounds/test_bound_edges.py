"""Where a bound is easily wrong: the shortest cells, large weights, odd equations."""

import keras
import mpmath
import numpy as np
import pytest
from error_bound_cases import DIGITS, exact_motion, exact_rate
from mpmath import mpf

from oscillator_zoo.data import (
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Duffing,
    InitialValueProblem,
    Sampled,
    Sinusoid,
    Step,
)
from oscillator_zoo.data.forces.force import evaluate_force
from oscillator_zoo.data.problems.initial_value_problem import linear
from oscillator_zoo.models import PINN
from oscillator_zoo.models.error_bounds.chebyshev_cells import LEBESGUE, Cells
from oscillator_zoo.models.error_bounds.error_bound import enclose_error
from oscillator_zoo.models.error_bounds.linear_equation import LinearEquation, analytic_force
from oscillator_zoo.models.error_bounds.residual_bounds import ResidualBounds
from oscillator_zoo.models.error_bounds.trial_bounds import TrialBounds
from oscillator_zoo.models.nonlinear_bounds.nonlinear_bound import kind_of_series

FAR = 1e9  # s, where the next number is 1.2e-7 s away
AFTER = float(np.nextafter(FAR + 0.4, np.inf))


def with_random_weights(pinn, seed=0):
    random = np.random.default_rng(seed)
    pinn.set_weights([random.normal(size=np.shape(w)) for w in pinn.get_weights()])
    return pinn


def check(pinn, times):
    """The true error, to 34 digits, lies in its enclosure."""
    enclosure, problem = enclose_error(pinn, np.array(times)), pinn.problem
    x, v = np.asarray(pinn(np.array(times)[:, None])), np.asarray(pinn.derivatives(times)[1])
    d = problem.dimension
    with mpmath.workdps(DIGITS):
        for i, state in enumerate(exact_motion(problem, times)):
            rates = state[d:] if problem.order == 2 else [exact_rate(problem, state, times[i])]
            for j in range(d):
                for got, exact, error, radius in (
                    (x, state, enclosure.error, enclosure.radius),
                    (v, rates, enclosure.rate_error, enclosure.rate_radius),
                ):
                    off = mpf(float(got[i, j])) - exact[j] - mpf(float(error[i, j]))
                    assert abs(off) <= radius[i, j], (times[i], j, off, radius[i, j])
    return enclosure


# ------------------------------------------------------------------- jumps, far from t = 0


@pytest.mark.parametrize(
    "force",
    [
        Step(1e3, AFTER),
        Step(1e3, float(np.nextafter(AFTER, np.inf))),
        Step(1e3, float(np.nextafter(FAR + 0.4, 0.0))),
        Sampled([FAR - 1, FAR + 0.4, AFTER, FAR + 2], [0.0, 0.0, 1e3, 1e3]),
        Sampled([FAR - 1, AFTER, np.nextafter(AFTER, np.inf), FAR + 2], [0.0, 3.0, -1e3, 1e3]),
    ],
    ids=["after", "two after", "before", "samples", "samples after"],
)
def test_jump_one_number_after_an_edge_is_where_it_is(force):
    problem = DampedOscillator(damping=0.2, force=force, position=0.0, start_time=FAR)
    edges = [FAR, FAR + 0.4, FAR + 1.0]
    pinn = PINN(problem, 1.0, window_edges=edges, hidden_units=(4,), seed=0)
    # a jump that is off by one number moves x by 1e3 · 1.2e-7 · 0.5 = 6e-5
    radius = check(with_random_weights(pinn), [FAR, FAR + 0.4, AFTER, FAR + 0.9]).radius
    assert radius.max() < 2e-5


def test_piece_of_a_force_is_that_where_a_cell_begins():
    cells = Cells(np.array([FAR + 0.4]), np.array([AFTER]), np.zeros(1, int))
    assert cells.middle[0] in (cells.begin[0], cells.end[0])
    assert analytic_force(Step(1.0, AFTER), cells.begin).value == 0.0
    assert analytic_force(Step(1.0, cells.begin[0]), cells.begin).value == 1.0
    samples = Sampled([FAR, FAR + 0.4, AFTER, FAR + 2], [0.0, 0.0, 1.0, 1.0])
    assert float(analytic_force(samples, cells.begin).slope[0]) == pytest.approx(2.0**23)


@pytest.mark.parametrize("start", [1e-3, 1.0, -3.7e5, FAR, 1e15])
def test_cells_are_divided_into_cells_that_have_a_length(start):
    random, ulp = np.random.default_rng(0), abs(np.spacing(start))
    ends = start + np.cumsum(random.integers(1, 9, 20)) * ulp
    cells = Cells(ends[:-1], ends[1:], np.zeros(19, int))
    for pieces in (2, 5, 128):
        fine = cells.divided(np.full(19, pieces))
        assert (fine.begin < fine.end).all() and (fine.begin[1:] == fine.end[:-1]).all()
        assert (fine.begin[0], fine.end[-1]) == (ends[0], ends[-1])
    assert (cells.can_be_divided == (cells.end - cells.begin >= 2 * ulp)).all()
    between = Cells.between(ends[[0, -1]], ends[1:-1], (ends[-1] - ends[0]) / 1000)
    assert (between.begin < between.end).all()


@pytest.mark.parametrize("order", [1, 2])
def test_step_at_the_last_instant(order):
    force = Step(5.0, 2.0)
    problem = Decay(0.7, force=force) if order == 1 else DampedOscillator(force=force)
    pinn = with_random_weights(PINN(problem, 2.0, hidden_units=(4,), seed=0))
    enclosure = check(pinn, [1.9, 2.0])
    assert (enclosure.rate_radius[:1] < 1e-9).all()


# ------------------------------------------------------------------------ large weights


def saturated(weight, offset):
    """tanh layers whose large weights cancel: rounding before the last unit is amplified."""
    random = np.random.default_rng(0)
    bias, kernel = random.uniform(0.2, 1.5, 24), random.normal(size=24) * weight
    total = float(np.sum(np.tanh(bias) * kernel))
    pinn = PINN(
        DampedOscillator(position=0.0), 1.0, hidden_units=(24, 1, 1), activation="tanh", seed=0
    )
    weights = [np.zeros((1, 24)), bias, kernel[:, None], [-total], [[weight]], [-offset]]
    last = -float(np.tanh(-offset))
    pinn.set_weights([*map(np.asarray, weights), np.ones((1, 1, 1)), np.array([[last]])])
    return pinn


@pytest.mark.parametrize(("weight", "offset"), [(1e4, 3.0), (1e6, 9.0), (1e8, 9.0), (1e10, 18.0)])
def test_slope_of_a_saturated_unit_is_that_of_its_rounded_argument(weight, offset):
    pinn = saturated(weight, offset)
    weights = pinn.get_weights()
    with mpmath.workdps(50):
        bias, kernel = ([mpf(float(y)) for y in np.ravel(w)] for w in weights[1:3])
        inner = sum(mpmath.tanh(b) * u for b, u in zip(bias, kernel)) + mpf(float(weights[3][0]))
        outer = mpmath.tanh(inner) * mpf(weight) - mpf(offset)
        exact = mpmath.tanh(outer) + mpf(float(weights[7][0, 0]))  # x̂(1) = N
        received = mpf(float(pinn([1.0])[0, 0]))
        trial = TrialBounds(pinn)
        cells = Cells(np.array([0.0]), np.array([1.0]), np.zeros(1, int))
        assert abs(received - exact) <= trial.model_errors(cells)[0][0, 0]
        extended = trial.at(np.array([1.0]))[0][0, 0]
        text = np.format_float_scientific(extended, unique=False, precision=30)
        assert abs(mpf(text) - exact) <= trial.errors(cells)[0][0, 0] + 1e-29


@pytest.mark.parametrize("activation", ["tanh", "sin", "swish"])
def test_what_overflows_has_an_infinite_bound(activation):
    pinn = PINN(DampedOscillator(), 5.0, hidden_units=(4,), activation=activation, seed=0)
    weights = pinn.get_weights()
    weights[0] = weights[0] * 0 + 1e200
    pinn.set_weights(weights)
    bounds = pinn.error_bound([1.0, 5.0])
    assert np.isinf(bounds[0][1]).all() and not np.isnan(bounds).any()


def test_steep_tanh_has_a_finite_bound():
    pinn = PINN(DampedOscillator(), 1.0, hidden_units=(1,), activation="tanh", seed=0)
    pinn.set_weights([*map(np.array, ([[1e5]], [3e4], [[[1e-3]]], [[0.0]]))])
    bound = pinn.error_bound([0.2, 1.0])[0]
    assert (bound < 10.0).all()  # the acceleration is 1e-3 · 1e10 for 1e-5 s


def test_cells_are_not_divided_where_no_division_helps():
    pinn = PINN(DampedOscillator(), 2.0, hidden_units=(4,), seed=0)
    with_random_weights(pinn).network.hidden[0].bias.assign([1e200, 0.0, 0.0, 1e20])
    problem, trial = pinn.problem, TrialBounds(pinn)
    with np.errstate(all="ignore"):
        cells = ResidualBounds(problem, LinearEquation.of(problem), trial).cells()
    assert len(cells.begin) <= 4096  # of 60 000: the phase of a wave is lost in rounding
    check(pinn, [0.7, 2.0])


def test_what_is_missed_between_nodes_is_capped():
    problem = DampedOscillator(force=Sinusoid(3.0, 1e6))
    pinn = PINN(problem, 1.0, hidden_units=(2,), window_edges=[0.0, 1.0], seed=0)
    trial = TrialBounds(pinn)
    residual = ResidualBounds(problem, LinearEquation.of(problem), trial)
    cells = Cells(np.array([0.0]), np.array([1.0]), np.zeros(1, int))
    x, _, a = trial.sizes(cells)
    assert residual.missed(cells)[0, 0] <= (1.0 + LEBESGUE) * (a + x + 3.0)[0, 0] * (1.0 + 1e-12)


# --------------------------------------------------------------------- what is not linear


class Equation(InitialValueProblem):
    """x'' of a function of the case's own, with a mark that it may not deserve."""

    def __init__(self, function, dimension=1, force=None):
        ones = np.ones(dimension) if dimension > 1 else 1.0
        super().__init__(ones, 0.0 * ones, dimension=dimension)
        self.function, self.force = function, force

    @linear
    def rhs(self, t, x, v, ops=np):
        return self.function(self, t, x, v, ops)


NOT_LINEAR = {
    "step of its own": lambda self, t, x, v, ops: Step(1.0, 1.0)(t, ops=ops) - x,
    "switch in time": lambda self, t, x, v, ops: -x * ops.where(t < 3.0, 1.0, 2.0),
    "slow coefficient": lambda self, t, x, v, ops: -(1.0 + 1e-9 * t) * x,
    "small cubic": lambda self, t, x, v, ops: -x - 1e-14 * x * x * x,
    "power": lambda self, t, x, v, ops: -x - 1e-14 * x**3,
    "friction": lambda self, t, x, v, ops: -x - 0.1 * ops.sign(v),
    "saturation": lambda self, t, x, v, ops: -ops.minimum(x, 1e6),
    "magnitude": lambda self, t, x, v, ops: -ops.abs(x),
    "constant": lambda self, t, x, v, ops: -x - 9.81,
    "time": lambda self, t, x, v, ops: -x + 0.1 * t,
    "late force": lambda self, t, x, v, ops: evaluate_force(self.force, t - 0.5, ops) - x,
    "force times x": lambda self, t, x, v, ops: evaluate_force(self.force, t, ops) * x,
    "force by size": lambda self, t, x, v, ops: -x if evaluate_force(self.force, t).max() else x,
    "a bug": lambda self, t, x, v, ops: {}["missing"],
    "as a number": lambda self, t, x, v, ops: -x * float(t[0, 0]),
}


@pytest.mark.parametrize("name", NOT_LINEAR)
def test_rhs_that_is_not_what_its_mark_says_is_refused(name):
    problem = Equation(NOT_LINEAR[name], force=Sinusoid(1.0, 2.0))
    message = r"constant coefficients\. Received: Equation: .+ Take the mark away and use error_est"
    with pytest.raises(ValueError, match=message):
        LinearEquation.of(problem)


def test_rhs_that_hides_from_symbols_is_refused_by_its_numbers():
    def sly(self, t, x, v, ops):
        return -x if ops is np and x.dtype.kind == "O" else -x - 1e-3 * x * x * x

    pinn = PINN(Equation(sly), 3.0, hidden_units=(4,), seed=0)
    with pytest.raises(ValueError, match="Equation: it has other terms at t = "):
        pinn.error_bound([1.0])


LINEAR = {
    "matrices": lambda self, t, x, v, ops: x @ np.array([[-2.0, 1.0], [1.0, -2.0]]) / 3.0 - 0.1 * v,
    "by coordinate": lambda self, t, x, v, ops: ops.stack(
        [-x[..., 0] + v[..., 1], -(x[..., 1] - x[..., 0])], axis=-1
    ),
    "sums": lambda self, t, x, v, ops: -x - ops.sum(x, axis=-1, keepdims=True) / 7.0,
    "rolled": lambda self, t, x, v, ops: ops.roll(x, 1, axis=-1) - 2 * x + ops.zeros_like(x),
    "force twice": lambda self, t, x, v, ops: 2.0 * evaluate_force(self.force, t, ops) - x,
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_rhs_of_many_kinds_is_known(name):
    problem = Equation(LINEAR[name], dimension=2, force=Sinusoid(1.0, 2.0))
    equation = LinearEquation.of(problem)
    states = np.random.default_rng(0).normal(size=(5, 4))
    rates = problem.rhs(np.full((5, 1), 0.7), states[:, :2], states[:, 2:])
    force = np.full((5, 1), np.sin(1.4))
    np.testing.assert_allclose(equation.rates(states, force)[0].astype(float), rates, rtol=1e-14)
    assert (equation.matrix_error <= 1e-18 * np.abs(equation.matrix).max()).all()


def test_coefficients_that_cancel_know_their_error():
    big = 1e16 + 2.0

    def rhs(self, t, x, v, ops):
        return x * big / 3.0 - x * (big / 3.0) - x / 7.0

    equation = LinearEquation.of(Equation(rhs))
    with mpmath.workdps(50):
        exact = mpf(big) / 3 - mpf(big / 3.0) - mpf(1) / 7
        text = np.format_float_scientific(equation.matrix[1, 0], unique=False, precision=30)
        off = abs(mpf(text) - exact)
    assert 0.0 < off <= equation.matrix_error[1, 0]


def test_one_force_on_all_coordinates_is_one_force():
    pair = CoupledOscillators((1.0, 2.0), (1.0, 4.0, 3.0), 0.5, Step(1.0, 1.0))
    np.testing.assert_array_equal(LinearEquation.of(pair).drive, [[1.0], [0.5]])


def test_table_of_an_export_is_left_out_where_rhs_fails():
    def fails_on_symbols(self, t, x, v, ops):
        if ops is np and x.dtype.kind == "O":
            raise RuntimeError("no symbols here")
        return -x

    assert PINN(Equation(fails_on_symbols), 1.0, hidden_units=(2,)).error_bound_table() is None


# ------------------------------------------------------------------- models that are others


class Shifted(PINN):
    def call(self, t):
        return super().call(t) + 1e-9


class Faster(PINN):
    def derivatives(self, t):
        x, v, a = super().derivatives(t)
        return x, v + 1e-9, a


class Predicts(PINN):
    def predict_step(self, data):
        return super().predict_step(data) + 1e-9


class Serves(PINN):
    def endpoints(self):
        return {**super().endpoints(), "x": lambda t: self(t) + 1e-9}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Shifted, "call"),
        (Faster, "derivatives"),
        (Predicts, "predict_step"),
        (Serves, "endpoints"),
    ],
)
def test_model_with_a_method_of_its_own_is_refused(kind, name):
    pinn = kind(DampedOscillator(), 1.0, hidden_units=(4,), seed=0)
    with pytest.raises(ValueError, match=f"Received: a {kind.__name__} with a {name} of its own"):
        pinn.error_bound([0.3])
    assert pinn.error_bound_table() is None


def test_model_that_returns_other_numbers_is_refused(monkeypatch):
    pinn = PINN(DampedOscillator(), 1.0, hidden_units=(4,), seed=0)
    h1 = type(pinn.trial).h1
    monkeypatch.setattr(type(pinn.trial), "h1", lambda self, place: h1(self, place) + 1e-9)
    with pytest.raises(ValueError, match=r"returns its trial solution\. Received: a PINN that is"):
        pinn.error_bound([0.3])
    assert pinn.error_bound_table() is None


@pytest.mark.parametrize("problem", [DampedOscillator(), Duffing()], ids=["linear", "nonlinear"])
def test_model_is_off_by_no_more_than_what_the_bound_counts(problem, monkeypatch):
    pinn = PINN(problem, 1.0, hidden_units=(4,), seed=0)
    series = kind_of_series(problem)(pinn)
    h1, most = type(pinn.trial).h1, float(series.model_errors[0].max())
    monkeypatch.setattr(type(pinn.trial), "h1", lambda self, place: h1(self, place) + 1.3 * most)
    with pytest.raises(ValueError, match="returns its trial solution"):
        pinn.error_bound([0.3])


def replaced(pinn):
    pinn.network.hidden[0] = keras.layers.EinsumDense("ab,bc->ac", 4, dtype="float64")
    pinn.network.hidden[0].build((None, 1))


def adapted(pinn):
    pinn.network.hidden[1].lora_enabled = True


def activated(pinn):
    pinn.network.hidden[0].activation = keras.activations.tanh


def rounded(pinn):
    pinn.network.hidden[1].dtype_policy = keras.DTypePolicy("float32")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (rounded, "a Dense of float32"),
        (replaced, "a EinsumDense in place of a Dense"),
        (adapted, "a Dense that is quantized or has LoRA weights"),
        (activated, "layers with activations of their own"),
    ],
)
def test_network_that_is_not_as_it_was_made_is_refused(change, message):
    pinn = PINN(DampedOscillator(), 1.0, hidden_units=(4, 4), seed=0)
    change(pinn)
    with pytest.raises(ValueError, match=f"the model that PINN makes.*Received: {message}"):
        pinn.error_bound([0.3])


def through(method, change):
    return lambda *args: change(method(*args))


@pytest.mark.parametrize(
    ("part", "name", "change"),
    [
        ("network", "ends", lambda ends: [a._replace(rest=a.rest + 2e-16) for a in ends]),
        ("network", "read", lambda values: [a * (1.0 + 2.0**-52) for a in values]),
        ("trial", "h1", lambda h1: h1 + 2e-16),
        ("trial", "window_starts", lambda states: [y + 2e-16 for y in states]),
    ],
)
def test_method_patched_after_building_is_refused_however_little_it_changes(part, name, change):
    pinn = PINN(DampedOscillator(), 2.0, hidden_units=(4,), window_edges=[0, 1, 2], seed=0)
    owner = getattr(with_random_weights(pinn), part)
    setattr(owner, name, through(getattr(owner, name), change))
    with pytest.raises(ValueError, match=f"a {type(owner).__name__} with a method of .*, {name}"):
        pinn.error_bound([0.3, 1.5])


@pytest.mark.parametrize("problem", [DampedOscillator(), Duffing()], ids=["linear", "nonlinear"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("place", range(4))
def test_weights_that_are_no_numbers_are_refused_by_name(problem, value, place):
    pinn = PINN(problem, 2.0, hidden_units=(4,), activation="tanh", seed=0)
    weights = pinn.get_weights()
    weights[place].flat[0] = value
    pinn.set_weights(weights)
    name = pinn.network.weights[place].path
    with pytest.raises(ValueError, match=f"finite numbers.*infinity in {name}, .*error_estimate"):
        pinn.error_bound([0.3])
