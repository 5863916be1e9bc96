"""Derivatives of a PINN with respect to time and to its weights, against independent ones."""

import keras
import numpy as np
import pytest
from marks import further_but_for
from pinn_checks import (
    ACTIVATIONS,
    one_layer_residual,
    one_layer_solution,
    randomise,
    springs,
    times_of,
)

from oscillator_zoo.data import DampedOscillator, Decay, Sinusoid
from oscillator_zoo.models import PINN

MODES = {
    "eager": {"run_eagerly": True},
    "graph": {"jit_compile": False},
    "xla": {"jit_compile": True},
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_equal_those_by_hand_for_one_hidden_layer(activation, order):
    pinn = randomise(PINN(springs(order, 3), 2.5, (5,), activation))
    times = np.insert(times_of(pinn), 0, pinn.problem.start_time, axis=0)
    # The same formulas in another order of operations, on numbers of order 1 to 10.
    for received, expected in zip(pinn.derivatives(times), one_layer_solution(pinn, times)):
        np.testing.assert_allclose(received, expected, rtol=1e-12, atol=1e-12)
    residual = one_layer_residual(pinn, times)
    np.testing.assert_allclose(pinn.residual(times), residual, rtol=1e-12, atol=1e-11)
    assert np.abs(residual).max() > 0.1


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dimension", [1, 4])
def test_derivatives_equal_central_differences_for_several_layers(activation, dimension):
    pinn = PINN(springs(2, dimension), 3.0, (6, 5, 4), activation, seed=1)
    times, step = times_of(pinn), 1e-4
    x, v, a = pinn.derivatives(times)
    before, after = pinn.derivatives(times - step), pinn.derivatives(times + step)
    # Error of the difference: step²/6 times a third derivative of order 10, about 2e-8.
    for exact, low, high in ((v, before[0], after[0]), (a, before[1], after[1])):
        np.testing.assert_allclose(exact, (high - low) / (2.0 * step), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(x, pinn(times))
    assert np.ptp(a) > 1e-2


def mean_square(pinn, times):
    return float(np.mean(np.square(pinn.residual(times))))


def gradient_of_training_step(pinn, times, **options):
    """What one step of gradient descent with rate 1 subtracts from the weights."""
    before = pinn.get_weights()
    pinn.compile(keras.optimizers.SGD(1.0), **options)
    pinn.train_on_batch(times)
    after = pinn.get_weights()
    pinn.set_weights(before)
    return [b - a for b, a in zip(before, after)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("order", "dimension", "activation"),
    further_but_for(
        [
            (1, 2, "tanh"),
            (1, 1, "sin"),
            (1, 1, "swish"),
            (2, 2, "tanh"),
            (2, 1, "sin"),
            (2, 1, "swish"),
        ],
        (1, 1, "sin"),
        (2, 2, "tanh"),
    ),
)
def test_training_descends_the_gradient_that_differences_give(order, dimension, activation):
    pinn = PINN(springs(order, dimension), 2.0, (5, 4), activation, seed=3)
    times, step = times_of(pinn, num=9), 1e-5
    gradients = {mode: gradient_of_training_step(pinn, times, **MODES[mode]) for mode in MODES}
    weights = pinn.get_weights()
    random = np.random.default_rng(4)
    largest = 0.0
    for which, weight in enumerate(weights):
        for index in {tuple(random.integers(weight.shape)) for _ in range(2)}:
            costs = []
            for change in (-step, step):
                moved = [np.array(w) for w in weights]
                moved[which][index] += change
                pinn.set_weights(moved)
                costs.append(mean_square(pinn, times))
            expected = (costs[1] - costs[0]) / (2.0 * step)
            largest = max(largest, abs(expected))
            for mode, gradient in gradients.items():
                # step² times a third derivative, and 1e-16 / step: both near 1e-10.
                np.testing.assert_allclose(
                    gradient[which][index], expected, rtol=1e-6, atol=1e-8, err_msg=mode
                )
    assert largest > 0.05


def test_residual_of_the_exact_solution_is_zero_and_of_a_wrong_frequency_is_not():
    problem = DampedOscillator(mass=2.0, stiffness=8.0, position=1.0, start_time=0.5)

    def cosine(frequency):
        return lambda t: keras.ops.cos(frequency * (t - 0.5))

    pinn = without_network(PINN(problem, 3.0, (3,), h1=cosine(2.0)))
    times = times_of(pinn)
    np.testing.assert_allclose(pinn.residual(times), 0.0, atol=1e-14)
    wrong = without_network(PINN(problem, 3.0, (3,), h1=cosine(2.2)))
    # x = cos ωs leaves x'' + 4 x = (4 − ω²) cos ωs.
    expected = (4.0 - 2.2**2) * np.cos(2.2 * (times - 0.5))
    np.testing.assert_allclose(wrong.residual(times)[:, 0], expected, atol=1e-13)


def test_residual_of_a_driven_damped_motion_is_zero_under_the_force_that_makes_it():
    # x = sin 2t asks for F = m x'' + γ x' + k x = (3 − 4·2) sin 2t + 2·0.4 cos 2t.
    amplitude, phase = np.hypot(5.0, 0.8), np.arctan2(0.8, -5.0)
    force = Sinusoid(amplitude, 2.0, phase)
    problem = DampedOscillator(2.0, 0.4, 3.0, force, position=0.0, velocity=2.0)
    pinn = without_network(PINN(problem, 3.0, (3,), h1=lambda t: keras.ops.sin(2.0 * t)))
    np.testing.assert_allclose(pinn.residual(times_of(pinn)), 0.0, atol=1e-14)


def test_residual_of_first_order_decay_is_zero_for_the_exponential():
    pinn = PINN(Decay(rate=0.7), 3.0, (3,), h1=lambda t: keras.ops.exp(-0.7 * t))
    times = times_of(pinn)
    np.testing.assert_allclose(without_network(pinn).residual(times), 0.0, atol=1e-15)


def without_network(pinn):
    pinn.set_weights([0.0 * w for w in pinn.get_weights()])
    return pinn
