"""The network's derivatives: through its layers, and with respect to its weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from least_squares_checks import TRIALS, points_of, trial

from oscillator_zoo.models.trial_solution.activations import activation_derivatives, get_activation
from oscillator_zoo.models.trial_solution.dense_network import DenseNetwork

UNITS = 2


def network(activation="sin", hidden_units=(4, 3)):
    def normal(seed):
        return keras.initializers.RandomNormal(0.0, 0.7, seed)

    layers = [(normal(2 * k), normal(2 * k + 1)) for k in range(len(hidden_units))]
    function = get_activation(activation)
    return DenseNetwork(hidden_units, UNITS, function, [*layers, normal(99)])


def slope(function, step=1e-3):
    """f'(0) by central differences: truncation step⁴, rounding 1e-16/step."""
    far, near = (np.array(function(k * step)) - function(-k * step) for k in (2, 1))
    return (8.0 * near - far) / (12.0 * step)


@pytest.mark.parametrize("name", ["sin", "tanh", "swish", "gelu", "softplus"])
def test_derivatives_of_activations_are_their_differences(name):
    activation, z = get_activation(name), np.linspace(-2.0, 2.0, 9)
    values = activation_derivatives(activation, tf.constant(z), 3)
    np.testing.assert_array_equal(values[0], activation(tf.constant(z)))
    for k in range(3):
        expected = slope(
            lambda s, k=k: activation_derivatives(activation, tf.constant(z + s), 3)[k]
        )
        np.testing.assert_allclose(values[k + 1], expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("hidden_units", [(5,), (4, 3), (3, 4, 3)])
@pytest.mark.parametrize("activation", ["sin", "tanh", "swish"])
def test_derivatives_in_time_are_differences(activation, hidden_units):
    net, tau = network(activation, hidden_units), np.linspace(-1.0, 1.0, 6)[:, None]
    for k in (0, 1):
        expected = slope(lambda s, k=k: net.derivatives(tau + s)[k])
        np.testing.assert_allclose(net.derivatives(tau)[k + 1], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("hidden_units", [(5,), (4, 3), (3, 4, 3)])
@pytest.mark.parametrize("activation", ["sin", "tanh", "swish"])
def test_hidden_weights_move_the_features_as_differences_say(activation, hidden_units):
    net, random = network(activation, hidden_units), np.random.default_rng(0)
    inputs = random.normal(size=(4, 1))
    seeds = random.normal(size=(3, 4, 2, hidden_units[-1]))

    def results():
        return np.einsum("knmh,knh->nm", seeds, np.stack(net.features(tf.constant(inputs))))

    jacobian = net.hidden_jacobian(tf.constant(inputs), list(map(tf.constant, seeds)))
    sizes = [int(np.prod(v.shape)) for v in net.hidden_variables]
    assert jacobian.shape == (4, 2, sum(sizes))
    for _ in range(3):
        direction = random.normal(size=sum(sizes))
        parts = np.split(direction, np.cumsum(sizes)[:-1])
        before = [v.numpy() for v in net.hidden_variables]

        def along(size, parts=parts, before=before):
            for variable, value, part in zip(net.hidden_variables, before, parts):
                variable.assign(value + size * part.reshape(value.shape))
            return results()

        expected = slope(along, 2e-4)
        along(0.0)
        # Second derivatives of three layers have fifth ones of 1e4: step⁴ of them, and rounding.
        np.testing.assert_allclose(np.array(jacobian) @ direction, expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("case", TRIALS.values(), ids=TRIALS)
def test_both_ways_to_the_derivatives_agree(case):
    tape, taylor = trial(*case), trial(*case, derivatives="taylor")
    points = points_of(tape)
    for one, other in zip(tape.derivatives(points), taylor.derivatives(points)):
        scale = np.abs(one).max()
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12 * scale)
    gradients = [cost_and_gradients(pinn, points) for pinn in (tape, taylor)]
    for one, other in zip(*gradients):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12 * np.abs(one).max())


def cost_and_gradients(pinn, points):
    with tf.GradientTape() as g:
        cost = pinn.cost(pinn.residuals(points))
    return [cost, *g.gradient(cost, pinn.trainable_variables)]
