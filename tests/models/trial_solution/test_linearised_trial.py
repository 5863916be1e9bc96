"""The Jacobian of a trial solution's residuals, in closed form."""

import numpy as np
import pytest
import tensorflow as tf
from least_squares_checks import (
    TRIALS,
    Chain,
    LotkaVolterra,
    by_tape_of,
    difference,
    points_of,
    trial,
)
from marks import further_but_for
from pinn_checks import randomise

from oscillator_zoo.data import DampedOscillator, Pendulum
from oscillator_zoo.models import PINN
from oscillator_zoo.models.least_squares.elimination import whole_jacobian


def num_weights(pinn):
    return sum(int(np.prod(v.shape)) for v in pinn.trainable_variables)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    further_but_for(
        TRIALS, "h1 and h2 of the user", "windows, order 1", "windows, four coordinates, deep"
    ),
)
def test_jacobian_is_the_difference_of_residuals(name):
    """Through all windows: what moves the end of one moves the start of the next."""
    pinn = trial(*TRIALS[name])
    points, random = points_of(pinn), np.random.default_rng(0)
    system = pinn.trial.linearise(points)
    np.testing.assert_allclose(
        np.reshape(system.residual, -1), np.reshape(pinn.residuals(points), -1), rtol=1e-12
    )
    jacobian = np.array(whole_jacobian(system))
    assert jacobian.shape[-1] == num_weights(pinn)
    residuals = tf.function(lambda: pinn.residuals(points))
    for _ in range(4):
        direction = random.normal(size=num_weights(pinn))
        expected = np.reshape(difference(residuals, pinn, direction), -1)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(jacobian @ direction, expected, rtol=0, atol=1e-8 * scale)


@pytest.mark.further
@pytest.mark.parametrize("edges", further_but_for([None, [0.0, 0.4, 1.0]], [0.0, 0.4, 1.0]))
@pytest.mark.parametrize("problem", [Chain(), LotkaVolterra()], ids=["order 2", "order 1"])
def test_jacobian_is_that_of_the_tape(problem, edges):
    pinn = randomise(PINN(problem, 1.0, (4, 3), "tanh", window_edges=edges))
    points = points_of(pinn)
    jacobian = whole_jacobian(pinn.trial.linearise(points))
    by_tape = by_tape_of(pinn).linearise(points)
    num, windows = by_tape.residual.shape[1], pinn.num_windows
    # The tape's columns: all A_w, then all c_w. Ours: [A_0; c_0], [A_1; c_1], …
    kernel, bias = (
        np.reshape(part, (num, windows, -1, problem.dimension))
        for part in np.split(by_tape.by_readout[0], [-windows * problem.dimension], axis=-1)
    )
    readout = np.concatenate([kernel, bias], axis=2).reshape(num, -1)
    expected = np.hstack([readout, by_tape.by_nonlinear[0]])
    scale = np.abs(expected).max()
    np.testing.assert_allclose(jacobian, expected, rtol=0, atol=1e-12 * scale)


def test_states_between_windows_move_as_the_system_says():
    """S of the windows' starts by `move`, `end` and `end_nonlinear` against differences."""
    pinn = trial(*TRIALS["windows"])
    system, random = pinn.trial.linearise(points_of(pinn)), np.random.default_rng(1)
    direction = random.normal(size=num_weights(pinn))
    num_readout = int(np.prod(pinn.trial.readout().shape))
    readout = direction[:num_readout].reshape(pinn.num_windows, -1)
    state, others = np.zeros(2), direction[num_readout:]

    def starts():
        return np.concatenate(pinn.trial.window_starts(pinn.problem), axis=-1)

    expected = difference(starts, pinn, direction)
    for w in range(pinn.num_windows):
        np.testing.assert_allclose(state, expected[w], rtol=1e-8, atol=1e-10)
        move, end, end_nonlinear = (
            np.array(a[w])
            for a in (system.end_by_start, system.end_by_readout, system.end_by_nonlinear)
        )
        state = move @ state + end @ readout[w] + end_nonlinear @ others


def test_a_plain_force_reaches_the_jacobian():
    """A force that only NumPy can evaluate comes as data."""
    problem = DampedOscillator(damping=0.3, force=lambda t: np.cos(2.0 * t))
    pinn = PINN(problem, 2.0, (4,), seed=1)
    batch = next(iter(pinn.collocation_points(8)))
    by_tape = by_tape_of(pinn).linearise(batch)
    system = pinn.trial.linearise(batch)
    np.testing.assert_allclose(system.residual, by_tape.residual, rtol=0, atol=1e-13)
    np.testing.assert_allclose(system.by_nonlinear, by_tape.by_nonlinear, rtol=0, atol=1e-12)


def test_windows_refuse_unequal_numbers_of_times():
    pinn = PINN(Pendulum(), 2.0, (4,), window_edges=[0.0, 0.5, 2.0])
    with pytest.raises(ValueError, match=r"same number of times in each\. Received 5 times"):
        pinn.trial.linearise(np.linspace(0.0, 2.0, 5)[:, None])
    with pytest.raises(tf.errors.InvalidArgumentError, match="equally many times in each"):
        pinn.trial.linearise(np.linspace(0.0, 2.0, 6)[:, None])


def test_some_windows_are_linearised_for_their_readout_only():
    pinn = PINN(DampedOscillator(), 6.0, seed=0)
    points = next(iter(pinn.collocation_points()))
    with pytest.raises(ValueError, match=r"Received windows=\(0, 1\), readout_only=False"):
        pinn.trial.linearise(points, windows=(0, 1))
