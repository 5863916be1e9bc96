"""`LinearRNN` next to `keras.layers.RNN` over the same cell: outputs and gradients.

    python benchmarks/linear.py [--steps 10000] [--rounds 5]

Both layers have equal weights, and one graph each with the batch and the number of steps left open,
as in `fit`. The loss is the mean square of all outputs; its gradient is that with respect to all
weights. They take turns so that all see the same machine; the first call of each, which compiles,
is not counted. "apart" is the largest difference of the outputs, relative to the largest output.
The backend is TensorFlow, or the one that KERAS_BACKEND names; on JAX both take the steps one by
one.
"""

import argparse
import datetime
import importlib.metadata
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from data import commit, processor
from oscillator_zoo.models import ElmanCell, EulerCell, LinearRNN

CASES = (
    ("EulerCell, 1 sequence, float64", lambda: euler_cell("float64"), 1, "float64"),
    ("EulerCell, 16 sequences, float32", lambda: euler_cell("float32"), 16, "float32"),
    ("ElmanCell(8), 8 sequences, float32", lambda: elman_cell(8), 8, "float32"),
    ("ElmanCell(32), 16 sequences, float32", lambda: elman_cell(32), 16, "float32"),
)


def euler_cell(dtype):
    return EulerCell(0.05, 0.3, 1.0, dtype=dtype)


def elman_cell(units):
    shrink = keras.initializers.OrthogonalInitializer(gain=0.999, seed=1)
    kernel = keras.initializers.GlorotUniform(seed=2)
    options = {"kernel_initializer": kernel, "recurrent_initializer": shrink}
    return ElmanCell(units, activation=None, **options)


def functions(layer, force):
    """{name: function without arguments} of outputs and gradient, compiled by the backend."""
    layer.build(force.shape)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        def gradient(x):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(layer(x) ** 2)
            return tape.gradient(loss, layer.trainable_variables)

        signature = [tf.TensorSpec((None, None, 1), force.dtype)]
        made = (tf.function(f, input_signature=signature) for f in (layer.call, gradient))
        x = tf.constant(force)
        ready = lambda results: [r.numpy() for r in results]  # noqa: E731
    elif keras.backend.backend() == "jax":
        import jax

        values = [variable.value for variable in layer.trainable_variables]
        others = [variable.value for variable in layer.non_trainable_variables]

        def outputs(x, values=values):
            return layer.stateless_call(values, others, x)[0]

        def loss(values, x):
            return (outputs(x, values) ** 2).mean()

        made = jax.jit(outputs), jax.jit(lambda x: jax.grad(loss)(values, x))
        x, ready = jax.numpy.asarray(force), jax.block_until_ready
    else:
        import torch

        def gradient(x):
            weights = [variable.value for variable in layer.trainable_variables]
            return torch.autograd.grad((layer(x) ** 2).mean(), weights)

        made, x = (layer, gradient), torch.as_tensor(force)
        ready = lambda results: results  # noqa: E731
    call, gradient = made
    return {"outputs": lambda: ready([call(x)]), "gradient": lambda: ready(gradient(x))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    backend = keras.backend.backend()
    version = importlib.metadata.version(backend)
    print(f"{datetime.date.today()}, {processor()}, commit {commit()}, {backend} {version}.")
    print(f"Load before: {os.getloadavg()[0]:.1f}. {given.steps} steps, fastest of {given.rounds}.")
    print("\n| | RNN, ms | LinearRNN, ms | ratio | apart |\n| --- | ---: | ---: | ---: | ---: |")
    for name, make_cell, batch, dtype in CASES:
        force = np.random.default_rng(0).normal(size=(batch, given.steps, 1)).astype(dtype)
        layers = [cls(make_cell(), return_sequences=True, dtype=dtype)
                  for cls in (keras.layers.RNN, LinearRNN)]  # fmt: skip
        timed = [functions(layer, force) for layer in layers]
        for what in ("outputs", "gradient"):
            seconds, results = [[], []], []
            for run in timed:
                results.append(run[what]())
            for _ in range(given.rounds):
                for i, run in enumerate(timed):
                    begin = time.perf_counter()
                    run[what]()
                    seconds[i].append(time.perf_counter() - begin)
            pair = [
                np.concatenate([np.ravel(keras.ops.convert_to_numpy(r)) for r in result])
                for result in results
            ]
            apart = np.abs(pair[0] - pair[1]).max() / np.abs(pair[0]).max()
            slow, fast = (1e3 * min(values) for values in seconds)
            print(f"| {name}, {what} | {slow:.1f} | {fast:.2f} | {slow / fast:.0f} | {apart:.0e} |",
                  flush=True)  # fmt: skip
    print(f"\nLoad after: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
