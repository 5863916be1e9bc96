"""Time in windows: where their edges lie, and that the motion goes on across them."""

import itertools

import keras
import numpy as np
import pytest
from least_squares_checks import TRIALS, points_of, trial
from pinn_checks import bounded_ramp, slow_start, springs

from oscillator_zoo.data import (
    DampedOscillator,
    Decay,
    Duffing,
    Sampled,
    Sinusoid,
    Step,
    VanDerPol,
)
from oscillator_zoo.models import PINN, LevenbergMarquardt
from oscillator_zoo.models.trial_solution.initial_weights import BANDWIDTH
from oscillator_zoo.models.trial_solution.time_windows import RADIANS, find_place

WINDOWS = [name for name in TRIALS if name.startswith("windows")]


@pytest.mark.parametrize("derivatives", ["tape", "taylor"])
@pytest.mark.parametrize("name", WINDOWS)
def test_position_and_velocity_are_continuous_whatever_the_weights_are(name, derivatives):
    """Each edge from the left and from the right; order 1 keeps x only."""
    pinn = trial(*TRIALS[name], derivatives=derivatives)
    edges = np.array(pinn.window_edges[1:-1])
    left, right = (
        [np.array(y) for y in pinn.derivatives(t)] for t in (edges - 1e-12, edges + 1e-12)
    )
    for k in range(pinn.problem.order):
        scale = np.abs(right[k + 1]).max()  # of the next derivative, times 2e-12 s
        np.testing.assert_allclose(left[k], right[k], rtol=0, atol=1e-11 * max(scale, 1.0))
    assert np.abs(left[pinn.problem.order] - right[pinn.problem.order]).min() > 1e-3


@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_is_a_trial_solution_from_the_state_at_its_start(name):
    """x = x_w + v_w s + (s/L)² N(2s/L − 1), with the readout of the window, by hand."""
    pinn = trial(*TRIALS[name])
    order, edges = pinn.problem.order, np.array(pinn.window_edges)
    states = [np.array(y) for y in pinn.derivatives(edges[:-1])][:order]
    kernel, bias = (v.numpy() for v in pinn.trial.readout_variables)
    for w, (begin, end) in enumerate(itertools.pairwise(edges)):
        s = np.linspace(0.0, 1.0, 7)[:-1, None]
        h = np.array(pinn.network.features(keras.ops.convert_to_tensor(2.0 * s - 1.0))[0])
        expected = states[0][w] + s**order * (h @ kernel[w] + bias[w])
        if order == 2:
            expected += states[1][w] * s * (end - begin)
        found = np.array(pinn(begin + s * (end - begin)))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_times_find_their_windows():
    t = np.array([[0.0], [0.4], [0.5], [1.9], [2.0], [2.5]])
    place = find_place((0.0, 0.5, 2.0, 2.5), keras.ops.convert_to_tensor(t))
    np.testing.assert_array_equal(place.window, [0, 0, 1, 1, 2, 2])
    np.testing.assert_allclose(
        place.elapsed, [[0.0], [0.4], [0.0], [1.4], [0.0], [0.5]], atol=1e-15
    )
    np.testing.assert_allclose(place.length, [[0.5], [0.5], [1.5], [1.5], [0.5], [0.5]], atol=1e-15)


@pytest.mark.parametrize(
    ("problem", "duration", "rate"),
    [
        (DampedOscillator(stiffness=9.0), 10.0, 3.0),
        (DampedOscillator(damping=4.0, stiffness=6400.0), 1.0, 80.0),
        (Decay(rate=3.0), 5.0, 3.0),
    ],
)
def test_windows_by_rule_turn_by_two_radians(problem, duration, rate):
    """ω constant: T ω/2 windows of equal length; the motion's own rate may be a little higher."""
    pinn = PINN(problem, duration)
    expected = rate * duration / RADIANS
    assert expected <= pinn.num_windows <= 1.3 * expected + 1.0
    assert pinn.hidden_units == (32,)


def test_a_fast_force_has_more_windows():
    slow, fast = (PINN(DampedOscillator(force=Sinusoid(1.0, w)), 10.0) for w in (0.5, 10.0))
    assert fast.num_windows > 2 * slow.num_windows


def test_the_rule_is_the_same_in_other_units_of_time():
    """Seconds or milliseconds: as many windows, edges in proportion (to a difference quotient)."""
    one = PINN(Duffing(damping=0.1), 10.0)
    slow = Duffing(damping=0.1 / 1e3, stiffness=1e-6, cubic_stiffness=1e-6)
    other = PINN(slow, 10.0e3)
    np.testing.assert_allclose(np.array(other.window_edges) / 1e3, one.window_edges, rtol=1e-4)


def test_windows_are_short_where_the_motion_is_fast():
    """A relaxation oscillation: jumps of 1/μ s, creeping for μ s."""
    lengths = np.diff(PINN(VanDerPol(nonlinearity=5.0), 20.0).window_edges)
    assert lengths.max() > 3.0 * lengths.min()


def test_first_layer_is_placed_by_rule():
    """U(−S, S): S = 7 in windows by rule, 1.2 times half the angle of a longer one."""
    pinn = PINN(DampedOscillator(), 10.0, seed=1)
    largest = max(np.abs(w).max() for w in pinn.get_weights()[:2])
    assert 0.85 * BANDWIDTH < largest <= BANDWIDTH
    for duration in (10.0, 20.0):
        weights = PINN(DampedOscillator(), duration, (200,), seed=1).get_weights()[0]
        scale = 1.2 * duration / 2.0
        assert 0.9 * scale < np.abs(weights).max() <= 1.05 * scale


@pytest.mark.parametrize(
    ("force", "times"),
    [
        (Step(1.0, 2.5), [2.5]),
        (Sampled([0.0, 1.0, 3.5, 8.0], [0.0, 1.0, -1.0, 0.5]), [1.0, 3.5]),
    ],
    ids=["step", "sampled"],
)
def test_edges_lie_where_a_force_jumps_or_bends(force, times):
    pinn = PINN(DampedOscillator(force=force), 8.0)
    assert set(times) <= set(pinn.window_edges)


@pytest.mark.slow
def test_a_step_force_is_solved_to_rounding_on_both_sides():
    problem = DampedOscillator(damping=0.2, force=Step(1.0, 2.5))
    pinn = PINN(problem, 8.0, seed=1)
    pinn.compile(LevenbergMarquardt())
    pinn.fit(pinn.collocation_points(), epochs=60, verbose=0)
    before = np.nextafter(2.5, 0.0)
    times = np.sort(np.r_[np.linspace(0.0, 8.0, 201), before])
    np.testing.assert_allclose(pinn(times), problem.exact(times)[0], rtol=0, atol=1e-11)
    assert np.abs(pinn.residual(times)).max() < 1e-9
    jump = np.diff([np.array(pinn.derivatives([t])[2])[0, 0] for t in (before, 2.5)])
    np.testing.assert_allclose(jump, 1.0, rtol=0, atol=1e-9)


def test_cost_grows_in_proportion_to_the_horizon():
    """Ten times as long: ten times as many windows, each with a system of the same size."""
    short, long = (PINN(DampedOscillator(), T) for T in (20.0, 200.0))
    assert long.num_windows == pytest.approx(10 * short.num_windows, rel=0.1)
    sizes = [
        pinn.trial.linearise(points_of(pinn, 8), readout_only=True).by_readout.shape
        for pinn in (short, long)
    ]
    assert sizes[0][1:] == sizes[1][1:]


def test_edges_that_do_not_fit_are_refused():
    for edges in ([0.0, 1.0], [0.0, 2.0, 1.0, 3.0], [0.5, 3.0], [0.0]):
        with pytest.raises(ValueError, match=r"must increase from 0 s to 3 s\. Received"):
            PINN(DampedOscillator(), 3.0, (4,), window_edges=edges)


def test_functions_of_the_user_have_one_window():
    """An h1 that does not know the windows' states would jump at their edges."""
    problem = type(springs(2, 1))(0.4, 0.0, 0.7)
    for functions in ({"h1": slow_start}, {"h2": bounded_ramp}):
        with pytest.raises(ValueError, match=r"has one window\. Received window_edges"):
            PINN(problem, 1.5, (4,), window_edges=[0.7, 1.0, 2.2], **functions)


@pytest.mark.parametrize("problem", [DampedOscillator, Duffing])
def test_two_samples_one_number_apart_are_one_edge(problem):
    """They are a jump: an edge after each would leave no time for training points between."""
    after = np.nextafter(1.0, 2.0)
    force = Sampled([0.0, 1.0, after, 2.0], [0.0, 0.0, 1.0, 1.0])
    pinn = PINN(problem(force=force), 2.0)
    assert pinn.window_edges == (0.0, after, 2.0)
    assert len(np.unique(pinn.collocation_times())) == 2 * 56


def test_windows_without_times_in_them_are_refused():
    with pytest.raises(ValueError, match=r"at least 3.6e-12 s long.*Leave one of the two out"):
        PINN(DampedOscillator(), 2.0, window_edges=[0.0, 1.0, np.nextafter(1.0, 2.0), 2.0])


@pytest.mark.parametrize(
    ("start_time", "duration", "apart"),
    [(0.0, 5e-324, "4.9e-324"), (0.0, 1e-160, "1.6e-176"), (1e16, 8.0, "2"), (0.0, 1e160, "1.6e")],
)
def test_intervals_without_enough_numbers_are_refused(start_time, duration, apart):
    with pytest.raises(ValueError, match=f"duration must lie between.* are {apart}.*unit of time"):
        PINN(Duffing(start_time=start_time), duration)
