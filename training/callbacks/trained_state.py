"""Everything that a training step changes, as arrays."""

import numpy as np


def trained_variables(model):
    """Variables of a compiled model and of its optimizer, which is built if it was not."""
    optimizer = model.optimizer
    if optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_variables)
    return [*model.variables, *(optimizer.variables if optimizer is not None else ())]


def copies(variables):
    """The values of Keras or TensorFlow variables, a list of arrays of their own."""
    return [np.array(variable.numpy()) for variable in variables]
