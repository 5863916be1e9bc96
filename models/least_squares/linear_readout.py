"""Which weights of a last layer its output depends on linearly."""

import keras

from ..recurrent.jordan_cell import JordanCell


def linear_readout(layer):
    """The trainable weights of a linear last layer, an empty list where it is not linear.

    Linear are a `Dense` layer without activation, and the output y = V h + c of a recurrent layer
    that is not fed back.

    Args:
        layer: a Keras layer.
    """
    linear = keras.activations.linear
    if isinstance(layer, keras.layers.Dense) and layer.activation is linear:
        return layer.trainable_variables
    cell = getattr(layer, "cell", layer)
    fed_back = isinstance(cell, JordanCell)
    if getattr(cell, "output_units", None) and cell.output_activation is linear and not fed_back:
        weights = [cell.output_kernel, cell.output_bias]
        return [weight for weight in weights if weight is not None and weight.trainable]
    return []
