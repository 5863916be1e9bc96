"""The contenders of rnn.py: one recurrent layer and a readout, in the way of each library.

Every function returns `train(n)`, `infer(n)` and `outputs()`, where n is a number of Adam steps or
of calls on the same batch. Run as a script, this file is one contender in a process of its own,
which measures when it is told to.
"""

import json
import os
import resource
import sys
import time

import numpy as np

LEARNING_RATE = 1e-3
RANGES = (0.5, 2.0), (0.0, 0.2), (0.0, 6.28)  # angular frequency, damping rate, phase


class Task:
    """A batch of sampled oscillations, to be continued by one step, and weights to start from."""

    def __init__(self, batch, steps, units):
        self.batch, self.steps, self.units = batch, steps, units
        rng = np.random.default_rng(0)
        t = 0.1 * np.arange(steps + 1)
        omega, damping, phase = (
            rng.uniform(*at, (batch, 1)) for at in ((0.5, 2), (0, 0.2), (0, 6))
        )
        x = (np.exp(-damping * t) * np.cos(omega * t + phase)).astype("float32")[..., None]
        self.x, self.y = np.ascontiguousarray(x[:, :-1]), np.ascontiguousarray(x[:, 1:])
        U, V = rng.normal(size=(1, units)) * 0.3, rng.normal(size=(units, 1)) * 0.3
        W = np.linalg.qr(rng.normal(size=(units, units)))[0]
        self.weights = [w.astype("float32") for w in (U, W, np.zeros(units), V, np.zeros(1))]

    def expected(self):
        """Outputs before training, by a loop in float64."""
        U, W, b, V, c = (w.astype("float64") for w in self.weights)
        h, outputs = np.zeros((self.batch, self.units)), []
        for t in range(self.steps):
            h = np.tanh(self.x[:, t] @ U + h @ W + b)
            outputs.append(h @ V + c)
        return np.stack(outputs, axis=1)


def keras_model(task, layers, **options):
    """`fit` and `predict_on_batch`."""
    import keras

    model = keras.Sequential([keras.Input((task.steps, 1)), *layers])
    model.set_weights(task.weights)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), "mse", **options)

    def data(n):
        if keras.backend.backend() != "tensorflow":
            return repeated(task, n)
        import tensorflow as tf

        options = tf.data.Options()
        options.autotune.enabled = False  # it blocks at the end of a short fit
        return tf.data.Dataset.from_tensors((task.x, task.y)).repeat(n).with_options(options)

    def infer(n):
        for _ in range(n):
            model.predict_on_batch(task.x)

    return (
        lambda n: model.fit(data(n), epochs=1, verbose=0, shuffle=False),
        infer,
        lambda: model.predict_on_batch(task.x),
    )


def repeated(task, n):
    """A `keras.utils.PyDataset` that holds the same batch n times."""
    import keras

    class Dataset(keras.utils.PyDataset):
        __len__ = lambda self: n  # noqa: E731
        __getitem__ = lambda self, i: (task.x, task.y)  # noqa: E731

    return Dataset()


def ours(task, **options):
    from oscillator_zoo.models import ElmanRNN

    layer = ElmanRNN(task.units, output_units=1, return_sequences=True)
    return keras_model(task, [layer], **options)


def simple_rnn(task, unroll=False, **options):
    import keras

    rnn = keras.layers.SimpleRNN(task.units, return_sequences=True, unroll=unroll)
    return keras_model(task, [rnn, keras.layers.Dense(1)], **options)


def jax_scan(task, inputs_in_loop=False):
    """`lax.scan` over a cell, one compiled step with optax's Adam."""
    import jax
    import jax.numpy as jnp
    import optax

    x, y = jnp.asarray(task.x), jnp.asarray(task.y)
    weights = [jnp.asarray(w) for w in task.weights]
    optimizer = optax.adam(LEARNING_RATE)

    def model(weights, x):
        U, W, b, V, c = weights
        drive = jnp.swapaxes(x, 0, 1)
        drive = drive if inputs_in_loop else drive @ U + b

        def cell(h, u):
            h = jnp.tanh((u @ U + b if inputs_in_loop else u) + h @ W)
            return h, h

        _, hidden = jax.lax.scan(cell, jnp.zeros((task.batch, task.units)), drive)
        return jnp.swapaxes(hidden, 0, 1) @ V + c

    @jax.jit
    def step(weights, state):
        slopes = jax.grad(lambda weights: jnp.mean((model(weights, x) - y) ** 2))(weights)
        updates, state = optimizer.update(slopes, state)
        return optax.apply_updates(weights, updates), state

    forward, state = jax.jit(model), optimizer.init(weights)

    def train(n):
        results = weights, state
        for _ in range(n):
            results = step(*results)
        jax.block_until_ready(results)

    def infer(n):
        for _ in range(n):
            jax.block_until_ready(forward(weights, x))

    return train, infer, lambda: forward(weights, x)


def flax_nnx(task):
    """`nnx.RNN(nnx.SimpleCell)` with `nnx.Optimizer`, as flax's documentation trains."""
    import jax
    import jax.numpy as jnp
    import optax
    from flax import nnx

    class Net(nnx.Module):
        def __init__(self, rngs):
            self.rnn = nnx.RNN(nnx.SimpleCell(1, task.units, rngs=rngs))
            self.readout = nnx.Linear(task.units, 1, rngs=rngs)

        def __call__(self, x):
            return self.readout(self.rnn(x))

    x, y = jnp.asarray(task.x), jnp.asarray(task.y)
    net = Net(nnx.Rngs(0))
    U, W, _, V, _ = task.weights
    net.rnn.cell.dense_i.kernel.value = jnp.asarray(U)
    net.rnn.cell.dense_h.kernel.value = jnp.asarray(W)
    net.readout.kernel.value = jnp.asarray(V)
    optimizer = nnx.Optimizer(net, optax.adam(LEARNING_RATE), wrt=nnx.Param)

    @nnx.jit
    def step(net, optimizer):
        optimizer.update(net, nnx.grad(lambda net: jnp.mean((net(x) - y) ** 2))(net))

    forward = nnx.jit(lambda net, x: net(x))

    def train(n):
        for _ in range(n):
            step(net, optimizer)
        jax.block_until_ready(nnx.state(net))

    def infer(n):
        for _ in range(n):
            jax.block_until_ready(forward(net, x))

    return train, infer, lambda: forward(net, x)


def torch_rnn(task):
    """`torch.nn.RNN` and `torch.nn.Linear`, eager."""
    import torch

    x, y = torch.tensor(task.x), torch.tensor(task.y)
    rnn, readout = torch.nn.RNN(1, task.units, batch_first=True), torch.nn.Linear(task.units, 1)
    U, W, b, V, c = (torch.tensor(w.T) for w in task.weights)
    with torch.no_grad():
        for name, value in (("weight_ih", U), ("weight_hh", W), ("bias_ih", b), ("bias_hh", b)):
            getattr(rnn, f"{name}_l0").copy_(value)
        readout.weight.copy_(V)
        readout.bias.copy_(c)
    optimizer = torch.optim.Adam([*rnn.parameters(), *readout.parameters()], LEARNING_RATE)

    def train(n):
        for _ in range(n):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(readout(rnn(x)[0]), y).backward()
            optimizer.step()

    def infer(n):
        with torch.no_grad():
            for _ in range(n):
                readout(rnn(x)[0])

    return train, infer, lambda: readout(rnn(x)[0]).detach()


OURS = "ours"
# Name: function, its options, Keras backend.
CONTENDERS = {
    OURS: (ours, {}, "tensorflow"),
    "ours, jit_compile": (ours, {"jit_compile": True}, "tensorflow"),
    "Keras SimpleRNN": (simple_rnn, {"jit_compile": False}, "tensorflow"),
    "Keras SimpleRNN, jit_compile": (simple_rnn, {"jit_compile": True}, "tensorflow"),
    "Keras SimpleRNN, unroll": (simple_rnn, {"unroll": True, "jit_compile": False}, "tensorflow"),
    "Keras SimpleRNN, unroll, jit_compile": (
        simple_rnn,
        {"unroll": True, "jit_compile": True},
        "tensorflow",
    ),
    "Keras SimpleRNN on JAX": (simple_rnn, {}, "jax"),
    "JAX scan": (jax_scan, {}, None),
    "JAX scan, U x in the loop": (jax_scan, {"inputs_in_loop": True}, None),
    "flax nnx": (flax_nnx, {}, None),
    "torch.nn.RNN": (torch_rnn, {}, None),
}


def per_call(run, at_least):
    """Seconds of a call, by the clock and of all threads, in a row that lasts long enough."""
    n = 1
    while True:
        begin, used = time.perf_counter(), time.process_time()
        run(n)
        seconds, used = time.perf_counter() - begin, time.process_time() - used
        if seconds > at_least:
            return seconds / n, used / n
        n = int(n * max(1.5, min(10.0, 1.2 * at_least / seconds))) + 1


def main():
    name, *size = sys.argv[1:]
    build, options, backend = CONTENDERS[name]
    if backend is not None:
        os.environ["KERAS_BACKEND"] = backend
        import keras  # noqa: F401, the memory before is that of the library
    task = Task(*map(int, size))
    train, infer, outputs = build(task, **options)
    deviation = float(np.abs(np.asarray(outputs()) - task.expected()).max())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    train(1)
    first = time.perf_counter() - begin
    print(json.dumps({"first": first, "deviation": deviation}), flush=True)
    for line in sys.stdin:
        kind, at_least = json.loads(line)
        result = {"train": train, "infer": infer}.get(kind)
        peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(json.dumps(per_call(result, at_least) if result else peak), flush=True)


if __name__ == "__main__":
    main()
