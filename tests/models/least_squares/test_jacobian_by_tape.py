"""The Jacobian that the tape makes for models that are not PINNs."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from least_squares_checks import weight_columns

from oscillator_zoo.models import ElmanRNN, LeastSquaresModel


def graph(last, units=3):
    inputs = keras.Input((units,), dtype="float64")
    hidden = keras.layers.Dense(units, "tanh", dtype="float64")(inputs)
    outputs = keras.layers.Dense(units, dtype="float64")(last(hidden))
    return LeastSquaresModel(inputs, outputs, dtype="float64")


def batch(units=3, num=4):
    return np.random.default_rng(0).normal(size=(2, num, units))


def test_a_graph_of_layers():
    model, (x, y) = graph(lambda h: ops.roll(h, 1, axis=1)), batch()
    system = model.least_squares_system().linearise(x, y)
    found = np.hstack([system.by_readout[0], system.by_nonlinear[0]])
    np.testing.assert_allclose(found, weight_columns(model, (x, y)), rtol=0, atol=1e-9)


def test_a_recurrent_model():
    inputs = keras.Input((5, 2), dtype="float64")
    layer = ElmanRNN(3, return_sequences=True, output_units=1, dtype="float64")
    model = LeastSquaresModel(inputs, layer(inputs), dtype="float64")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(4, 5, 2)), random.normal(size=(4, 5, 1))
    assert [v.name for v in model.least_squares_system().readout_variables] == [
        "output_kernel",
        "output_bias",
    ]
    system = model.least_squares_system().linearise(x, y)
    found = np.hstack([system.by_readout[0], system.by_nonlinear[0]])
    np.testing.assert_allclose(found, weight_columns(model, (x, y)), rtol=0, atol=1e-9)


def test_a_wrong_jacobian_of_tensorflow_is_noticed():
    """TensorFlow 2.21 rolls along another axis in `tape.jacobian` than in `tape.gradient`."""
    model, (x, y) = graph(lambda h: ops.roll(h, 1, axis=-1)), batch()
    with pytest.raises(tf.errors.InvalidArgumentError, match="Jacobian and the gradient"):
        model.least_squares_system().linearise(x, y)
