"""Networks of windows against NumPy, one window at a time."""

import numpy as np
import pytest
import tensorflow as tf

from oscillator_zoo.data import CoupledOscillators, Decay
from oscillator_zoo.models import PINN


def unlike(pinn, seed=0):
    """Other random weights in every window."""
    random = np.random.default_rng(seed)
    for array in pinn.network.arrays:
        array.assign(random.normal(size=array.shape, scale=0.7))
    return pinn


@pytest.fixture(scope="module")
def pair():
    """Two coordinates, four windows of unequal length."""
    problem = CoupledOscillators((1.0, 2.0), position=(1.0, 0.0), velocity=(0.1, 0.2))
    return unlike(PINN(problem, 5.0, (4, 3), window_edges=[0, 1, 3, 3.5, 5], learned=True, seed=1))


def network_of(pinn, window, tau):
    """N of one window by NumPy, `(num, dimension)`."""
    first, b1, second, b2, readout, c = (a.numpy()[window] for a in pinn.network.arrays)
    hidden = np.tanh(np.tanh(tau[:, None] * first + b1) @ second + b2)
    return float(pinn.network.size) * (hidden @ readout + c)


def test_each_window_has_its_own_network_and_begins_where_the_last_one_ends(pair):
    edges, (position, velocity) = np.array(pair.window_edges), pair.problem.initial_state()
    for window, (begin, length) in enumerate(zip(edges, np.diff(edges))):
        s, step = np.linspace(0.0, 0.999, 7), 1e-5
        expected = position + velocity * length * s[:, None]
        expected = expected + s[:, None] ** 2 * network_of(pair, window, 2.0 * s - 1.0)
        np.testing.assert_allclose(pair(begin + length * s), expected, rtol=0, atol=1e-8)
        n, before, after = network_of(pair, window, np.array([1.0, 1.0 - step, 1.0 + step]))
        position = position + velocity * length + n
        velocity = velocity + 2.0 * (n + (after - before) / (2.0 * step)) / length


def test_derivatives_through_the_layers_are_those_of_tapes(pair):
    times = tf.constant(np.linspace(0.05, 4.95, 9)[:, None])
    x, v, a = pair.trial.motion(pair.trial.place(times))
    for one, other in zip(pair.derivatives(times), (x, v, a)):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("order", [1, 2])
def test_a_window_on_its_own_has_the_residuals_that_it_has_among_the_others(pair, order):
    pinn = pair
    if order == 1:
        pinn = unlike(PINN(Decay(rate=0.5), 4.0, (3, 3), window_edges=[0, 1, 4], learned=True))
    times = tf.constant(pinn.collocation_times(6 * pinn.num_windows))
    whole = np.reshape(pinn.trial.residuals(times), (pinn.num_windows, 6, -1))
    for window in range(pinn.num_windows):
        objective = pinn.stage_objective(times, tf.constant(window))
        at_start = objective.at(objective.weights())
        np.testing.assert_allclose(at_start.cost, np.mean(whole[window] ** 2), rtol=1e-10)
        np.testing.assert_allclose(at_start.largest, np.max(np.abs(whole[window])), rtol=1e-10)


def test_the_gradient_of_a_window_is_that_of_finite_differences(pair):
    objective = pair.stage_objective(tf.constant(pair.collocation_times(24)), tf.constant(2))
    weights = objective.weights()
    point, step = objective.at(weights), 1e-6
    direction = np.random.default_rng(1).normal(size=weights.shape)
    up, down = (objective.at(weights + sign * step * direction).cost for sign in (1.0, -1.0))
    slope = float(up - down) / (2.0 * step)
    assert float(np.dot(point.gradient, direction)) == pytest.approx(slope, rel=1e-6)


def test_only_the_weights_of_the_window_are_moved(pair):
    objective = pair.stage_objective(tf.constant(pair.collocation_times(24)), tf.constant(1))
    before = [array.numpy() for array in pair.network.arrays]
    objective.move(objective.weights() + 1.0)
    for old, array in zip(before, pair.network.arrays):
        changed = array.numpy() - old
        np.testing.assert_allclose(changed[1], 1.0, rtol=1e-12)
        assert not np.delete(changed, 1, axis=0).any()
    objective.move(objective.weights() - 1.0)


def test_points_that_are_not_equally_many_in_each_window_are_refused(pair):
    with pytest.raises(ValueError, match=r"4 windows .* equally many times.*Received 7 times"):
        pair.stage_objective(tf.constant(pair.collocation_times(24)[:7]), tf.constant(0))


def test_frozen_weights_are_refused(pair):
    pair.network.arrays[0].trainable = False
    try:
        with pytest.raises(ValueError, match=r"all weights .* are trained\. Received: frozen"):
            pair.stage_objective(tf.constant(pair.collocation_times(24)), tf.constant(0))
    finally:
        pair.network.arrays[0].trainable = True


def test_the_same_motion_in_other_units_has_the_same_first_network():
    """In mm instead of m the network is a thousand times as large, from the same weights."""
    metre, milli = (
        PINN(Decay(position=x), 1.0, (3, 3), learned=True, seed=2) for x in (1.0, 1000.0)
    )
    tau = np.linspace(-1.0, 1.0, 5)[:, None]
    np.testing.assert_allclose(1000.0 * metre.network(tau), milli.network(tau), rtol=1e-12)
