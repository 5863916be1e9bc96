import keras
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from oscillator_zoo.data import DampedOscillator, Decay, Duffing, Pendulum, Sampled, VanDerPol
from oscillator_zoo.models import PINN, LevenbergMarquardt
from oscillator_zoo.models.error_bounds import chebyshev_cells, error_bound, error_estimate


def truth(problem, times):
    """Position and velocity by DOP853 at its smallest tolerance: right to about 1e-12."""
    start = np.concatenate([np.reshape(y, -1) for y in problem.initial_state()])

    def slopes(t, y):
        return np.concatenate(problem.slopes(t, *np.split(y, problem.order)))

    run = solve_ivp(slopes, times[[0, -1]], start, "DOP853", times, rtol=3e-14, atol=1e-14)
    return run.y[:1].T, run.y[1:2].T


def errors(pinn, num=101):
    start = pinn.problem.start_time
    t = np.linspace(start, start + pinn.duration, num)
    x, v = truth(pinn.problem, t)
    motion = [np.asarray(y) for y in pinn.derivatives(t)[:2]]
    return t, (x, v), (motion[0] - x, motion[1] - v)


NONLINEAR = [
    (Duffing(stiffness=1.0, cubic_stiffness=1.0), 6.0),
    (VanDerPol(nonlinearity=1.0), 8.0),
    (Pendulum(position=2.5), 4.0),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "duration"),
    [
        pytest.param(*NONLINEAR[0], id="Duffing"),
        pytest.param(*NONLINEAR[1], id="Van der Pol", marks=pytest.mark.further),
        pytest.param(*NONLINEAR[2], id="pendulum", marks=pytest.mark.further),
    ],
)
def test_estimate_is_within_a_factor_of_three_at_the_end_of_training(problem, duration):
    edges = np.linspace(0.0, duration, 5)
    pinn = PINN(problem, duration, hidden_units=(12,), window_edges=edges, seed=1)
    # a tolerance that the readout meets: hidden weights stay as they are
    pinn.compile(LevenbergMarquardt(tolerance=1.0))
    pinn.fit(pinn.collocation_points(), epochs=5, verbose=0)
    t, _, (error, error_v) = errors(pinn)
    estimate, estimate_v = pinn.error_estimate(t)
    for true, guess in ((error, estimate), (error_v, estimate_v)):
        size = np.abs(true).max()
        assert 1e-11 < size < 1e-1  # trained, and off by more than the reference
        assert size / 3.0 < np.abs(guess).max() < 3.0 * size
        assert np.abs(guess - true).max() < 0.1 * size + 1e-12  # and of the right sign


@pytest.mark.slow
def test_correction_of_a_network_trained_by_adam_gains_digits():
    pinn = PINN(NONLINEAR[0][0], 3.0, hidden_units=(16,), activation="tanh", seed=1)
    rate = keras.optimizers.schedules.CosineDecay(2e-2, 2000)
    pinn.compile(keras.optimizers.Adam(rate), steps_per_execution=100)
    pinn.fit(pinn.collocation_points(64), epochs=20, verbose=0)
    t, (x, v), (error, error_v) = errors(pinn)
    corrected = pinn.defect_correction(t)
    for true, exact, value in ((error, x, corrected[0]), (error_v, v, corrected[1])):
        size = np.abs(true).max()
        assert 1e-5 < size < 1e-1
        # what is left is of the order of the error's square
        assert np.abs(value - exact).max() < 10.0 * size**2 < 0.1 * size


@pytest.mark.parametrize(
    "problem",
    [
        DampedOscillator(damping=0.2, force=Sampled([0.0, 1.3, 5.0], [0.0, 2.0, -1.0])),
        DampedOscillator(damping=2.0, force=np.sin),
        Decay(rate=2.0, force=np.cos),
    ],
    ids=["sampled", "plain function", "order 1"],
)
def test_correction_of_a_linear_problem_is_exact_even_untrained(problem):
    pinn = PINN(problem, 5.0, hidden_units=(12,), activation="gelu", seed=1)
    t = np.linspace(0.0, 5.0, 51)
    x, v = pinn.defect_correction(t)
    if callable(problem.force) and problem.force in (np.sin, np.cos):
        reference = truth(problem, t)[0]
        np.testing.assert_allclose(x, reference, atol=1e-11)  # DOP853's own error
    else:
        exact = problem.exact(t)
        np.testing.assert_allclose(x, exact[0], atol=1e-12)
        np.testing.assert_allclose(v, exact[1], atol=1e-12)


@pytest.mark.parametrize(("name", "value"), [("ROUNDS", 1), ("MOST_CELLS", 32)])
def test_a_residual_that_asks_for_more_cells_than_are_tried_is_still_estimated(
    name, value, monkeypatch
):
    """Cells that are too long leave a part of a linear problem's error, not all of it."""
    problem = DampedOscillator(damping=0.1)
    edges = [0.0, *np.linspace(20.0, 40.0, 17)]  # the first is long for the motion, all for waves
    pinn = PINN(problem, 40.0, (8,), window_edges=edges, seed=0)
    random = np.random.default_rng(0)
    pinn.set_weights([10.0 * random.normal(size=w.shape) for w in pinn.get_weights()])
    times = np.linspace(0.0, 40.0, 21)[1:]
    error = np.abs(np.asarray(pinn(times)) - problem.exact(times)[0])
    monkeypatch.setattr(error_estimate, name, value)
    estimate, _ = pinn.error_estimate(times)
    assert 0.5 < np.abs(estimate).max() / error.max() < 2.0


def test_a_large_nonlinear_error_brings_a_warning_and_is_not_corrected():
    lost = PINN(Pendulum(position=2.5), 4.0, (4,), seed=1)  # untrained: off by a swing
    message = r"linearised.*less than 50%\. Received a solution for which they change it by \d"
    with pytest.warns(UserWarning, match=message):
        lost.error_estimate([1.0])
    with pytest.raises(ValueError, match=message):
        lost.defect_correction([1.0])


def test_estimate_with_h1_and_h2_of_ones_own():
    pinn = PINN(
        DampedOscillator(),
        3.0,
        (4,),
        h1=lambda t: keras.ops.cos(1.001 * t),
        h2=lambda t: 1e-14 * t**2,
    )
    t = np.linspace(0.0, 3.0, 31)
    error, rate_error = pinn.error_estimate(t)
    np.testing.assert_allclose(error[:, 0], np.cos(1.001 * t) - np.cos(t), atol=1e-12)
    expected = np.sin(t) - 1.001 * np.sin(1.001 * t)
    np.testing.assert_allclose(rate_error[:, 0], expected, atol=1e-12)


def test_estimate_begins_at_zero():
    pinn = PINN(Duffing(), 1.0, (4,), seed=1)
    error, rate_error = pinn.error_estimate([0.0])
    assert abs(error[0, 0]) < 1e-15 and abs(rate_error[0, 0]) < 1e-14


@pytest.mark.parametrize("method", ["error_bound", "error_estimate", "defect_correction"])
def test_times_outside_the_interval_raise(method):
    with pytest.raises(ValueError, match=r"Received t = 1\.5 s"):
        getattr(PINN(DampedOscillator(), 1.0, (4,)), method)([1.5])


@pytest.mark.parametrize("method", ["error_bound", "error_estimate", "defect_correction"])
def test_a_pinn_whose_parameters_are_unknown_has_no_error_bars(method):
    pinn = PINN(DampedOscillator(damping=0.2), 1.0, (4,), unknown_parameters=("damping",))
    with pytest.raises(ValueError, match=r"of one problem\. Received: a PINN with unknown_param"):
        getattr(pinn, method)([0.5])


@pytest.mark.parametrize("method", ["error_estimate", "error_bound"])
def test_windows_by_rule_are_cells_as_they_are(method, monkeypatch):
    """They turn by 2 rad up to rounding, and what damping adds; half as long they cost twice."""
    pinn = PINN(DampedOscillator(damping=0.05), 30.0)
    cells = []
    whole = chebyshev_cells.solve_on_cells

    def counted(rate, start, half):
        cells.append(len(half))
        return whole(rate, start, half)

    for module in (error_estimate, error_bound):
        monkeypatch.setattr(module, "solve_on_cells", counted)
    getattr(pinn, method)([10.0])
    assert set(cells) == {pinn.num_windows}
