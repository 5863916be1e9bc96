"""Oracles for the recurrent layers: NumPy loops, finite differences, and a saved-model reader.

Run as a script, it loads every model of a folder in a fresh process and writes down what it does.
"""

import pathlib
import sys

import keras
import numpy as np
from keras import ops

import oscillator_zoo.models  # noqa: F401, registers the classes

BACKEND = keras.backend.backend()
MODES = {"tensorflow": ("eager", "graph", "xla"), "jax": ("eager", "xla"), "torch": ("eager",)}
MODES = MODES[BACKEND]

BATCH, TIME, FEATURES, UNITS = 3, 6, 2, 4
MASKS = {
    "none": None,
    "left": np.array([[0, 0, 1, 1, 1, 1], [0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]], bool),
    "right": np.array([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 1]], bool),
    "interior": np.array([[1, 1, 0, 0, 1, 1], [0, 1, 0, 1, 1, 0], [0, 0, 0, 0, 0, 0]], bool),
}


def has_float64():
    if BACKEND != "jax":
        return True
    import jax

    return jax.config.jax_enable_x64


def sequences(features=FEATURES, dtype="float32", seed=0):
    return np.random.default_rng(seed).normal(size=(BATCH, TIME, features)).astype(dtype)


def randomise(layer, seed=1):
    """Gives a built layer weights of order one, biases and initial states included."""
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(size=weight.shape) * 0.7 for weight in layer.get_weights()])
    return layer


def to_numpy(values):
    values = [getattr(value, "value", value) for value in keras.tree.flatten(values)]
    return [ops.convert_to_numpy(value) for value in values]


def assert_same(actual, expected, tolerance):
    actual, expected = to_numpy(actual), to_numpy(expected)
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


def recurrence(weights, x, feedback, mask=None, start=0.0, zero=False, backwards=False):
    """The equations, one sequence and one step at a time: outputs and last state in float64.

    `weights` are U, W, b, V, c; `feedback` is "hidden" (Elman), "output" (Jordan), or an array
    whose values stand in for the output (a teacher).
    """
    U, W, b, V, c = (np.asarray(weight, "float64") for weight in weights)
    order = range(x.shape[1])[::-1] if backwards else range(x.shape[1])
    outputs = np.zeros((*x.shape[:2], V.shape[1]))
    last = np.zeros((len(x), W.shape[0])) + start
    for i in range(len(x)):
        shown = np.zeros(V.shape[1])
        for k, t in enumerate(order):
            if mask is None or mask[i, t]:
                h = np.tanh(b + last[i] @ W + x[i, t] @ U)
                shown = h @ V + c
                if isinstance(feedback, str):
                    last[i] = h if feedback == "hidden" else shown
                else:
                    last[i] = feedback[i, t]
            if not zero or mask is None or mask[i, t]:
                outputs[i, k] = shown
    return outputs, last


def compiled(function, mode):
    """The function as `mode` runs it."""
    if BACKEND == "tensorflow" and mode != "eager":
        import tensorflow as tf

        return tf.function(function, jit_compile=mode == "xla")
    if BACKEND == "jax" and mode == "xla":
        import jax

        return jax.jit(function)
    return function


def gradient(function):
    """The gradient of a scalar function of several tensors, itself differentiable."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        def gradients(*tensors):
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                value = function(*tensors)
            return tape.gradient(value, tensors, unconnected_gradients="zero")

    elif BACKEND == "jax":
        import jax

        def gradients(*tensors):
            return jax.grad(function, argnums=tuple(range(len(tensors))))(*tensors)

    else:
        import torch

        def gradients(*tensors):
            tensors = [t if t.requires_grad else t.requires_grad_() for t in tensors]
            return torch.autograd.grad(
                function(*tensors), tensors, create_graph=True, materialize_grads=True
            )

    return gradients


def finite_differences(function, arrays, step=1e-5):
    """Central differences of a scalar function of several arrays, entry by entry."""
    results = []
    for i, array in enumerate(arrays):
        result = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            values = []
            for sign in (1, -1):
                moved = array.copy()
                moved[index] += sign * step
                tensors = [ops.convert_to_tensor(a) for a in (*arrays[:i], moved, *arrays[i + 1 :])]
                values.append(float(ops.convert_to_numpy(function(*tensors))))
            result[index] = (values[0] - values[1]) / (2 * step)
        results.append(result)
    return results


def loss_of(layer, **call_arguments):
    """A scalar that weighs every output differently, as a function of the weights and x."""

    def loss(*tensors):
        *weights, x = tensors
        with keras.StatelessScope(state_mapping=zip(layer.trainable_variables, weights)):
            outputs = keras.tree.flatten(layer(x, **call_arguments))
        total = 0.0
        for output in outputs:
            scale = np.cos(np.arange(np.prod(output.shape))).reshape(output.shape)
            total += ops.sum(output * ops.convert_to_tensor(scale))
        return total

    return loss


def behaviour(model, x):
    """Everything a constructor argument can change about a model, as arrays by name."""
    layer = model.layers[-1]
    result = {
        "outputs": model(x),
        "next batch": model(x),
        "training": model(x, training=True),
        "losses": [ops.sum(loss) for loss in model.losses],
        "trainable": np.array([len(model.trainable_variables)]),
        "initialisers": [
            getattr(layer.cell, f"{role}_initializer")((3, 3))
            for role in ("kernel", "recurrent", "bias")
        ],
    }
    for variable in model.trainable_variables:
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable.value))
    result["constrained"] = model(x)
    return {
        f"{name} {i} {array.dtype} {array.shape}": array
        for name, values in result.items()
        for i, array in enumerate(to_numpy(values))
    }


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    for path in folder.glob("*.keras"):
        loaded = keras.saving.load_model(path)
        np.savez(path.with_suffix(".reloaded.npz"), **behaviour(loaded, np.load(folder / "x.npy")))
