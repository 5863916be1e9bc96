"""Physics-informed networks written by hand, and those of this project; see `pinn_libraries`.

Every builder takes a `Task` and a dtype and returns a `Solver`; conditions at the start are built
in, not part of the loss.
"""

import functools

import numpy as np
import pinn_clock
from pinn_clock import Solver, column
from pinn_libraries import deepxde, neurodiffeq, pina

RATE = 1e-2
# Of learned windows that have time for so many steps: the coupled pair ends at a fourth of the
# error that it has with 1e-2 (18 windows, 14,000 steps), Van der Pol with μ = 5, 92 windows, at
# .17 after 10,000 steps, and at 9e-3 after 6000 with 1e-2.
MANY_STEPS, LOWER_RATE = 12_000, 5e-3


def jax_by_hand(task, dtype="float64", hidden=(32, 32, 32), adam_alone=False):
    """By hand: input in [−1, 1], steps in `lax.scan`, Adam for a tenth of the time, then L-BFGS.

    With `adam_alone` its rate falls from `RATE` along a cosine, as for plain Keras.
    """
    import jax

    jax.config.update("jax_enable_x64", dtype == "float64")
    import jax.numpy as jnp
    import optax

    sizes = (1, *hidden, task.dimension)
    keys = jax.random.split(jax.random.PRNGKey(0), len(sizes))
    glorot = jax.nn.initializers.glorot_uniform()
    weights = [(glorot(k, (m, n)), jnp.zeros(n)) for k, m, n in zip(keys, sizes, sizes[1:])]

    def trial(weights, s):
        h = jnp.array([2.0 * s / task.length - 1.0])
        for kernel, bias in weights[:-1]:
            h = jnp.tanh(h @ kernel + bias)
        ramp = jnp.tanh(10.0 * s / task.length) ** task.order
        return jnp.array(task.x0) + ramp * (h @ weights[-1][0] + weights[-1][1])

    def states(weights, s):
        def rate(f):
            return lambda s: jax.jvp(f, (s,), (jnp.ones_like(s),))[1]

        x = functools.partial(trial, weights)
        v = rate(x)
        return [x(s), v(s)] if task.order == 1 else [x(s), *jax.jvp(v, (s,), (jnp.ones_like(s),))]

    at_all = jax.jit(jax.vmap(states, (None, 0)))
    points = jnp.asarray(task.points, dtype)

    def cost(weights):
        motion = jax.vmap(states, (None, 0))(weights, points)
        rhs = task.rhs(points, list(motion[0].T), list(motion[1].T), jnp)
        return jnp.mean((motion[-1] - jnp.stack(rhs, axis=-1)) ** 2)

    adam_of = optax.inject_hyperparams(optax.adam) if adam_alone else optax.adam
    first = adam_of(1e-3)
    second = optax.lbfgs(memory_size=50, linesearch=optax.scale_by_zoom_linesearch(30))
    with_memory = optax.value_and_grad_from_state(cost)

    def adam_step(carry, _):
        weights, state = carry
        value, gradient = jax.value_and_grad(cost)(weights)
        updates, state = first.update(gradient, state)
        return (optax.apply_updates(weights, updates), state), value

    def lbfgs_step(carry, _):
        weights, state = carry
        value, gradient = with_memory(weights, state=state)
        updates, state = second.update(
            gradient, state, weights, value=value, grad=gradient, value_fn=cost
        )
        return (optax.apply_updates(weights, updates), state), value

    def scan(step, length):
        return jax.jit(lambda carry: jax.lax.scan(step, carry, None, length=length))

    many_adam, many_lbfgs = scan(adam_step, 100), scan(lbfgs_step, 20)
    carry = (weights, first.init(weights))

    def setup():
        nonlocal carry
        at_all(weights, jnp.asarray(task.fine, dtype))
        if not adam_alone:
            begun, _ = many_lbfgs((weights, second.init(weights)))
            jax.block_until_ready(many_lbfgs(begun))  # what comes back may compile anew
            return
        adam(200)
        carry = (weights, first.init(weights))

    def adam(n):
        nonlocal carry
        for _ in range(max(n // 100, 1)):
            carry, _ = many_adam(carry)
        jax.block_until_ready(carry)

    def train_by_adam(clock):
        while not clock.check():
            carry[1].hyperparams["learning_rate"] = jnp.asarray(RATE * clock.cosine(), dtype)
            adam(100)

    def train(clock):
        nonlocal carry
        while clock.elapsed() < 0.1 * clock.budget and not clock.check():
            adam(100)
        best, stalls = np.inf, 0
        carry = (carry[0], second.init(carry[0]))
        while not clock.check() and stalls < 5:
            new, values = many_lbfgs(carry)
            last = float(values[-1])
            if not last < best * (1.0 - 1e-6):  # stalled: forget the curvature
                stalls += 1
                carry = (carry[0], second.init(carry[0]))
            else:
                stalls, best, carry = 0, last, new

    def motion(s):
        return at_all(carry[0], jnp.asarray(s, dtype))

    train = train_by_adam if adam_alone else train
    return Solver(motion, adam, train, setup, {"dtype": dtype})


def plain_keras(task, dtype="float64", hidden=(32, 32, 32), steps_per_execution=100):
    """By hand in Keras: a `train_step` with nested tapes under `fit`, Adam with a falling rate.

    In float64, which did better than Keras's float32.
    """
    import keras
    import tensorflow as tf

    keras.backend.set_floatx(dtype)
    keras.utils.set_random_seed(0)
    x0 = tf.constant(task.x0, dtype)

    class Trial(keras.Model):
        def __init__(self):
            super().__init__()
            layers = [keras.layers.Dense(n, "tanh") for n in hidden]
            self.net = keras.Sequential([*layers, keras.layers.Dense(task.dimension)])

        def call(self, s):
            return x0 + tf.tanh(s) ** task.order * self.net(s)

        def motion(self, s):
            with tf.GradientTape(persistent=True) as outer:
                outer.watch(s)
                with tf.GradientTape(persistent=True) as inner:
                    inner.watch(s)
                    x = tf.split(self(s), task.dimension, axis=-1)
                v = [inner.gradient(y, s) for y in x]
            return [x, v] if task.order == 1 else [x, v, [outer.gradient(y, s) for y in v]]

        def train_step(self, batch):
            s = batch[0]
            with tf.GradientTape() as tape:
                motion = self.motion(s)
                rhs = task.rhs(s, motion[0], motion[1], tf)
                residual = tf.concat(motion[-1], -1) - tf.concat(rhs, -1)
                loss = tf.reduce_mean(residual**2)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
            return {"loss": loss}

    model = Trial()
    model(tf.zeros((1, 1), dtype))  # builds the weights
    options = tf.data.Options()
    options.autotune.enabled = False  # else `fit` may wait after its last step
    points = tf.data.Dataset.from_tensors((tf.constant(column(task.points, dtype)),))
    points = points.repeat().with_options(options)

    def fit(n, **more):
        model.fit(points, steps_per_epoch=max(n, steps_per_execution), verbose=0, **more)

    def motion(s):
        return [np.hstack(y) for y in model.motion(tf.constant(column(s, dtype)))]

    return keras_solver(
        task, model, fit, motion, {"steps_per_execution": steps_per_execution}, dtype
    )


def keras_solver(task, model, adam, motion, options, dtype, is_learned=False):
    """Adam under `fit`: its rate falls along a cosine over the seconds of the budget.

    `adam` takes that many steps, and callbacks; `options` are for `compile`.
    """
    import keras

    def setup():
        """Compile, and count the steps to come; what they trained is undone."""
        nonlocal rate
        variables = [*model.trainable_variables, *model.optimizer.variables]
        start = [np.array(variable) for variable in variables]
        adam(1000)
        begin = pinn_clock.now()
        adam(1000)
        num_steps = 1000 * task.budget / (pinn_clock.now() - begin)
        rate = LOWER_RATE if is_learned and num_steps > MANY_STEPS else RATE
        for variable, value in zip(variables, start):
            variable.assign(value)

    rate = RATE

    def train(clock):
        class Watch(keras.callbacks.Callback):
            def on_train_batch_begin(self, batch, logs=None):
                self.model.optimizer.learning_rate = rate * clock.cosine()

            def on_train_batch_end(self, batch, logs=None):
                clock.check(stop=lambda: setattr(self.model, "stop_training", True))

        adam(10**7, callbacks=[Watch()])

    model.compile(optimizer=keras.optimizers.Adam(rate), **options)
    model.optimizer.build(model.trainable_variables)
    return Solver(motion, adam, train, setup, {"dtype": dtype})


def our_model(task, dtype, **arguments):
    from pinn_problems import as_ours

    from oscillator_zoo.models import PINN

    problem, duration = as_ours(task.problem), task.problem.duration
    if arguments.pop("windows_by_rule", False):  # the rule's windows for a network of other size
        arguments["window_edges"] = PINN(problem, duration).window_edges
    pinn = PINN(problem, duration, seed=0, dtype=dtype, **arguments)

    def motion(s):
        states = pinn.derivatives(s / task.rate)[: task.order + 1]
        return [np.asarray(y) / task.rate**n for n, y in enumerate(states)]

    return pinn, motion


def ours(task, dtype="float64", **arguments):
    """This project with its defaults: `compile(LevenbergMarquardt())`, `fit`, and nothing else.

    With `learned=True` all weights follow the gradient, by `SelfScaledBroyden()`.
    """
    import keras

    from oscillator_zoo.models import LevenbergMarquardt, SelfScaledBroyden

    options = arguments.pop("optimizer", {})
    kind = SelfScaledBroyden if arguments.get("learned") else LevenbergMarquardt
    pinn, motion = our_model(task, dtype, **arguments)
    pinn.compile(optimizer=kind(**options))
    pinn.optimizer.build(pinn.trainable_variables)
    variables = [*pinn.variables, *pinn.optimizer.variables]
    start = [np.array(variable) for variable in variables]

    def fit(**more):
        return pinn.fit(pinn.collocation_points(), epochs=60, verbose=0, **more)

    def setup():
        """The first `fit` compiles; the weights then go back to where they were."""
        fit()
        for variable, value in zip(variables, start):
            variable.assign(value)

    def train(clock):
        class Watch(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                stop = functools.partial(setattr, self.model, "stop_training", True)
                clock.check(stop=stop, every=int(pinn.optimizer.iterations) <= 100)

        fit(callbacks=[Watch()])
        facts.update(
            method=getattr(pinn.optimizer, "method", "all weights by gradients"),
            stop_reason=pinn.stop_reason,
            iterations=int(pinn.optimizer.iterations),
            windows=pinn.num_windows,
        )

    facts = {"dtype": dtype, "setup_trains": True}
    return Solver(motion, None, train, setup, facts)


def ours_with_adam(task, dtype="float64", hidden=None, num_points=None, **arguments):
    """This project's PINN by Adam as its docstring advises; nothing else is asked of `fit`."""
    pinn, motion = our_model(task, dtype, hidden_units=hidden, **arguments)

    def fit(n, **more):
        points = pinn.collocation_points(num_points, steps_per_epoch=-(-n // 100) * 100)
        pinn.fit(points, verbose=0, **more)

    return keras_solver(task, pinn, fit, motion, {}, dtype, pinn.learned)


BUILDERS = {
    builder.__name__: builder
    for builder in (deepxde, neurodiffeq, pina, jax_by_hand, plain_keras, ours, ours_with_adam)
}
