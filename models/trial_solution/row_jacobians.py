"""How a function moves with its arguments, row by row."""

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def row_jacobians(function, sources):
    """The value y = f(s, …) `(num, m)`, and ∂y_i/∂s_j of each row for each source s.

    Args:
        function: of the sources; row n of its value depends on row n of each source alone.
        sources: list of tensors `(num, n)`.

    Returns:
        Tuple: y, and a list of tensors `(num, m, n)`, one for each source.
    """
    with tf.GradientTape(persistent=True) as tape:
        for source in sources:
            tape.watch(source)
        value = function(*sources)
        coordinates = tf.unstack(value, num=value.shape[-1], axis=-1)
    jacobians = [
        tf.stack([tape.gradient(c, s, unconnected_gradients="zero") for c in coordinates], axis=1)
        for s in sources
    ]
    return value, jacobians
