"""The lemmas of the proof one by one, against 30 digits or closed forms."""

import types

import mpmath
import numpy as np
import pytest
from nonlinear_bound_cases import SWITCH, Everything
from numpy.polynomial.chebyshev import chebder, chebval

from oscillator_zoo.data import DampedOscillator, Duffing, InitialValueProblem, Sampled
from oscillator_zoo.models import PINN
from oscillator_zoo.models.error_bounds.chebyshev_cells import NUM_NODES, Cells
from oscillator_zoo.models.error_bounds.residual_bounds import RATIOS
from oscillator_zoo.models.error_bounds.trial_bounds import TrialBounds
from oscillator_zoo.models.nonlinear_bounds.cell_polynomials import (
    fundamental,
    fundamental_defect,
    largest,
    node_slopes,
    node_values,
)
from oscillator_zoo.models.nonlinear_bounds.corrected_motion import CorrectedMotion
from oscillator_zoo.models.nonlinear_bounds.discs import Disc
from oscillator_zoo.models.nonlinear_bounds.jets import Cut
from oscillator_zoo.models.nonlinear_bounds.right_hand_side import RightHandSide
from oscillator_zoo.models.nonlinear_bounds.validated_steps import (
    Basis,
    CellBounds,
    NotClosed,
    carry,
)

BY_MPMATH = types.SimpleNamespace(
    **{name: getattr(mpmath, name) for name in ("sin", "cos", "tan", "exp", "log", "sqrt")},
    **{name: getattr(mpmath, name) for name in ("tanh", "sinh", "cosh")},
    square=lambda x: x * x,
    arctan=mpmath.atan,
    where=lambda condition, yes, no: yes if condition else no,
)


def cells(*times):
    times = np.array(times)
    return Cells(times[:-1], times[1:], np.zeros(len(times) - 1, int))


def rates_at(problem, some, t, state, radius=0.0):
    discs = [Disc(np.full(len(t), y, np.longdouble), np.full(len(t), radius)) for y in state]
    return RightHandSide(problem).rates(some, Disc(np.array(t), 0.0), discs, order=2)


class TheRest(InitialValueProblem):
    """What `Everything` leaves out."""

    def __init__(self):
        super().__init__(0.7, 0.2)

    def rhs(self, t, x, v, ops=np):
        return 1.0 / (2.0 + ops.sinh(x)) - ops.square(v + 0.3 * x) / 3.0 + (+v)


@pytest.mark.parametrize("problem", [Everything(), TheRest()], ids=lambda p: type(p).__name__)
def test_values_slopes_and_curvatures_of_a_rhs_on_both_sides_of_its_change(problem):
    times, state = [0.6, 2.0], (0.4, -0.9)
    found = rates_at(problem, cells(0.0, SWITCH, 3.0), times, state)
    with mpmath.workdps(30):
        for k, t in enumerate(map(mpmath.mpf, times)):

            def f(x, v, t=t):
                return problem.rhs(t, x, v, ops=BY_MPMATH)

            at = tuple(map(mpmath.mpf, state))
            assert abs(float(found.value.centre[k, 0] - float(f(*at)))) < 2e-16
            for j, orders in enumerate([(1, 0), (0, 1)]):
                exact = mpmath.diff(f, at, orders)
                off = abs(float(found.slopes.centre[k, 0, j] - float(exact)))
                assert off < 4e-16 and 0.0 < found.slopes.radius[k, 0, j] < 1e-17
            for i, j, orders in [(0, 0, (2, 0)), (0, 1, (1, 1)), (1, 0, (1, 1)), (1, 1, (0, 2))]:
                exact = float(abs(mpmath.diff(f, at, orders)))
                assert found.curvature[k, 0, i, j] == pytest.approx(exact, rel=1e-12, abs=1e-16)


def test_a_curvature_holds_on_all_of_a_disc():
    problem = Duffing(cubic_stiffness=2.0)
    found = rates_at(problem, cells(0.0, 1.0), [0.5], (0.3, 0.0), radius=0.2)
    assert found.curvature[0, 0, 0, 0] == pytest.approx(12.0 * 0.5, rel=1e-12)
    assert found.slopes.radius[0, 0, 0] >= 6.0 * (0.5**2 - 0.3**2) * (1.0 - 1e-12)


def test_a_change_inside_of_a_cell_is_told():
    with pytest.raises(Cut) as cut:
        rates_at(Everything(), cells(0.0, 3.0), [1.0], (0.4, -0.9))
    assert cut.value.time == SWITCH


RAMP = Sampled([0.0, 9.0], [0.0, 1.0])


@pytest.mark.parametrize(
    ("rhs", "message"),
    [
        (lambda self, t, x, v, ops=np: (2.0 + x) ** x, "a power whose exponent is no number"),
        (lambda self, t, x, v, ops=np: x * 1j, "it meets complex 1j"),
        (lambda self, t, x, v, ops=np: ops.where(t > x, x, v), "compares t with what is no number"),
        (lambda self, t, x, v, ops=np: ops.where(t < np.nan, x, v), "t with what is no number"),
        (
            lambda self, t, x, v, ops=np: self.force(t - 0.1, ops=ops) - x,
            "asks for a Sampled force at another time than t",
        ),
    ],
    ids=["power", "complex", "comparison", "NaN", "late force"],
)
def test_what_a_rhs_may_not_ask_for_is_named(rhs, message):
    problem = type("Mine", (Duffing,), {"rhs": rhs})(force=RAMP)
    with pytest.raises(ValueError, match=f"Received: Mine, and.*{message}"):
        rates_at(problem, cells(0.0, 1.0), [0.5], (0.4, -0.9))


def test_what_polynomials_miss_is_bounded_everywhere_on_a_cell():
    half = np.array([0.3, 0.01])
    matrix = np.array([[0.0, 1.0], [-4.0, -0.2]])
    at_nodes = np.broadcast_to(matrix[..., None], (NUM_NODES, 2, 2, 2))
    series = fundamental(at_nodes, half)
    sizes = [np.broadcast_to(np.abs(matrix)[..., None], (2, 2, 2))] * len(RATIOS)
    bound = fundamental_defect(
        at_nodes.astype(np.longdouble), np.zeros((2, 2, 2)), sizes, series, half
    )
    xi = np.linspace(-1.0, 1.0, 301, dtype=np.longdouble)
    for k in range(2):
        own = series[:, :, k].astype(np.longdouble)
        slopes = chebval(xi, chebder(own)) / half[k]
        rates = np.einsum("ij,jct->ict", matrix, chebval(xi, own))
        missed = np.abs(rates - slopes).max(axis=-1).astype(float)
        assert (missed <= bound[:, k]).all() and (bound[:, k] < 1e-9).all()
        exact = np.array(mpmath.expm(mpmath.matrix(matrix * 2.0 * half[k])).tolist(), float)
        np.testing.assert_allclose(series[:, :, k].sum(axis=0), exact, atol=1e-13)


def weights_that_cancel():
    """A `PINN` for cos t whose last layer is least squares without any damping."""
    pinn = PINN(DampedOscillator(), 2.0, (24,), window_edges=[0.0, 2.0], bandwidth=3.0, seed=1)
    kernel, bias = pinn.network.hidden[0].get_weights()
    t = np.linspace(1e-3, 2.0, 200)[:, None]
    features = np.sin((t - 1.0) * kernel + bias)
    readout = np.linalg.lstsq(features, (np.cos(t) - 1.0) / (t / 2.0) ** 2, rcond=1e-15)[0]
    pinn.network.readout.kernel.assign(readout[None])

    def motion(z):
        h = np.sin((z[:, None] - 1.0) * kernel + bias)
        return 1.0 + (z / 2.0) ** 2 * (h @ readout)[:, 0]

    return pinn, motion


def test_a_motion_off_the_line_is_bounded_though_weights_cancel():
    pinn, motion = weights_that_cancel()
    some = cells(0.0, 0.3, 0.9, 1.2, 2.0)
    corrected = CorrectedMotion(TrialBounds(pinn), some)
    circle = np.exp(1j * np.linspace(0.0, 2.0 * np.pi, 400))
    for ratio in (1.0, *RATIOS):
        found, plain = corrected.size_of(ratio)[0], corrected.size_by_weights(ratio)[0]
        for k, (middle, half) in enumerate(zip(some.middle, some.half)):
            ellipse = middle + half * 0.5 * (ratio * circle + 1.0 / (ratio * circle))
            largest_there = np.abs(motion(ellipse)).max()
            # the sum in float64, of terms as large as they are before they cancel
            assert largest_there <= found[k, 0] + 1e-14 * plain[k, 0]
            if ratio <= 2.5:  # beyond, what rounding may do to a coefficient grows as ρ^n
                assert found[k, 0] <= 2.0 * largest_there
                assert k < 3 or plain[k, 0] >= 20.0 * found[k, 0]


def test_values_and_slopes_at_nodes_are_as_exact_as_they_say():
    series = np.random.default_rng(1).normal(size=(NUM_NODES + 1, 2, 1))
    half = np.array([0.7])
    (values, value_error), (slopes, slope_error) = node_values(series), node_slopes(series, half)
    assert (value_error < 1e-14).all() and (slope_error < 1e-11).all()
    with mpmath.workdps(30):
        for i in range(NUM_NODES):
            theta = mpmath.pi * (2 * i + 1) / (2 * NUM_NODES)
            value = sum(series[j, 0, 0] * mpmath.cos(j * theta) for j in range(NUM_NODES + 1))
            slope = sum(j * series[j, 0, 0] * mpmath.sin(j * theta) for j in range(NUM_NODES + 1))
            slope /= mpmath.sin(theta) * mpmath.mpf(half[0])
            pairs = ((values, value, value_error), (slopes, slope, slope_error))
            for computed, exact, error in pairs:
                high = float(computed[i, 0, 0])
                rest = float(computed[i, 0, 0] - np.longdouble(high))
                assert abs(mpmath.mpf(high) + mpmath.mpf(rest) - exact) <= error[0, 0]
    assert (np.abs(values).max(axis=0).astype(float) <= largest(series)).all()


def scalar_cells(num, length, defect, curvature=2.0, tube=1e9):
    """Bounds for |w|' ≤ D + ½ H w², with Φ = 1."""
    one, none = np.ones((num, 1, 1)), np.zeros((num, 1, 1))
    return CellBounds(
        lengths=np.full(num, length),
        forward=one,
        backward=one,
        drift=none,
        ends=one,
        end_error=none,
        begin_off=none,
        defects=np.full((num, 1), defect),
        jumps=np.zeros((num, 1)),
        slopes=none,
        curvature=np.full((num, 1, 1, 1), curvature),
        tube=np.full((num, 1), tube),
    )


def test_steps_stay_above_the_solution_of_riccatis_equation_and_near_it():
    num, defect = 400, 1e-4  # w = √D tan √D t, infinite at 157 s
    found = carry(scalar_cells(num, 100.0 / num, defect), np.ones(1))[:, 0]
    exact = np.sqrt(defect) * np.tan(np.sqrt(defect) * np.linspace(0.0, 100.0, num + 1)[1:])
    assert (found >= exact).all() and (found <= 1.05 * exact).all()


def test_steps_end_where_the_solution_does():
    with np.errstate(over="ignore"), pytest.raises(NotClosed) as refused:
        carry(scalar_cells(400, 0.5, 1e-4), np.ones(1))
    assert 0.9 * 314 < refused.value.cell <= 314 and refused.value.factor >= 0.99
    assert not refused.value.is_too_narrow
    with pytest.raises(NotClosed) as refused:
        carry(scalar_cells(400, 0.25, 1e-4, tube=1e-3), np.ones(1))
    assert refused.value.is_too_narrow and refused.value.factor > 1.0


@pytest.mark.parametrize(
    "unknown",
    [
        {"drift": np.full((3, 1, 1), 1e3)},  # Φ is far from what it should solve
        {"begin_off": np.ones((3, 1, 1))},  # and from 1 at the start of a cell
        {"ends": np.zeros((3, 1, 1))},  # no basis of the next cell
        {"ends": np.full((3, 1, 1), np.inf)},
    ],
    ids=["drift", "begin", "singular", "infinite"],
)
def test_steps_without_a_bound_do_not_close_at_any_error(unknown):
    bounds = scalar_cells(3, 0.5, 1e-9)._replace(**unknown)
    with np.errstate(all="ignore"), pytest.raises(NotClosed) as refused:
        carry(bounds, np.ones(1))
    assert refused.value.factor == np.inf and not refused.value.is_too_narrow


def test_columns_that_are_parallel_are_no_basis():
    assert Basis.of(np.ones((2, 2)), np.ones(2)) is None
    basis = Basis.of(np.array([[2.0, 1.0], [0.0, 4.0]]), np.array([1.0, 4.0]))
    np.testing.assert_allclose(basis.inverse, [[0.5, -0.125], [0.0, 0.25]], rtol=1e-15)


def test_rotation_is_not_taken_for_growth():
    angle, num = 0.7, 2000
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    all_of = np.broadcast_to
    bounds = CellBounds(
        lengths=np.full(num, angle),
        forward=all_of(np.ones((2, 2)), (num, 2, 2)),
        backward=all_of(np.ones((2, 2)), (num, 2, 2)),
        drift=np.zeros((num, 2, 2)),
        ends=all_of(turn, (num, 2, 2)),
        end_error=np.full((num, 2, 2), 1e-16),
        begin_off=np.full((num, 2, 2), 1e-16),
        defects=np.full((num, 2), 1e-12),
        jumps=np.zeros((num, 2)),
        slopes=None,
        curvature=np.zeros((num, 2, 2, 2)),
        tube=np.ones((num, 2)),
    )
    found = carry(bounds, np.ones(2))
    assert (found[-1] >= 1e-12 * angle * num / np.sqrt(2.0)).all()
    assert (found[-1] <= 10.0 * 1e-12 * angle * num).all()
