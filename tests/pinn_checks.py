"""Oracles for PINNs in NumPy, and equations to solve.

Run as a script, it loads a model in a fresh process and writes down what it does.
"""

import sys

import keras
import numpy as np

from oscillator_zoo.data import InitialValueProblem

# f, f', f'' of each activation, written by hand.
ACTIVATIONS = {
    "tanh": lambda z: (
        np.tanh(z),
        1.0 - np.tanh(z) ** 2,
        -2.0 * np.tanh(z) * (1.0 - np.tanh(z) ** 2),
    ),
    "sin": lambda z: (np.sin(z), np.cos(z), -np.sin(z)),
    "swish": lambda z: _swish(z),
}


def _swish(z):
    s = 1.0 / (1.0 + np.exp(-z))
    slope = s * (1.0 - s)
    return z * s, s + z * slope, 2.0 * slope + z * slope * (1.0 - 2.0 * s)


@keras.saving.register_keras_serializable("pinn_checks")
class Springs(InitialValueProblem):
    """Coordinates that pull at each other, with cubic springs: any order, any dimension.

    x_i'' (order 1: x_i') = −κ x_i³ + ½ x_{i+1} + cos t − c x_i'
    """

    def __init__(self, position, velocity=None, start_time=0.0, order=2, cubic=0.3):
        self.cubic = cubic
        super().__init__(position, velocity, start_time, order, np.size(position))

    def rhs(self, t, x, v=None, ops=np):
        pull = 0.5 * ops.roll(x, -1, axis=-1) - self.cubic * x**3 + ops.cos(t)
        return pull if v is None else pull - 0.1 * v


@keras.saving.register_keras_serializable("pinn_checks")
def slow_start(t):
    """An h1 with the value 0.4 and no slope at 0.7."""
    return 0.4 * keras.ops.cos(t - 0.7)


@keras.saving.register_keras_serializable("pinn_checks")
def bounded_ramp(t):
    """An h2 that vanishes with its slope at 0.7."""
    return keras.ops.square(keras.ops.tanh(t - 0.7))


def springs(order, dimension, start_time=0.7):
    random = np.random.default_rng(dimension)
    position, velocity = random.normal(size=(2, dimension))
    if dimension == 1:  # arrays of one number would be an ensemble of one
        position, velocity = position[0], velocity[0]
    return Springs(position, velocity if order == 2 else None, start_time, order)


def randomise(pinn, seed=0):
    """Weights and biases of order 1, all different."""
    random = np.random.default_rng(seed)
    pinn.set_weights([random.normal(size=np.shape(w)) for w in pinn.get_weights()])
    return pinn


def times_of(pinn, num=7, seed=0):
    start = pinn.problem.start_time
    return np.sort(np.random.default_rng(seed).uniform(start, start + pinn.duration, num))


def one_layer_solution(pinn, t):
    """x, x', x'' of the default trial solution with one hidden layer, by hand."""
    first, first_bias, last, last_bias = pinn.get_weights()
    problem, duration = pinn.problem, pinn.duration
    s = np.reshape(t, (-1, 1)) - problem.start_time
    slope = 2.0 / duration  # dτ/dt
    f, df, ddf = ACTIVATIONS[pinn.activation.__name__.replace("silu", "swish")](
        (2.0 * s / duration - 1.0) @ first + first_bias
    )
    last, last_bias = last[0], last_bias[0]  # of the only window
    n = f @ last + last_bias
    dn = slope * (df * first) @ last
    ddn = slope**2 * (ddf * first**2) @ last
    order = problem.order
    h2 = (s / duration) ** order
    dh2 = order * s ** (order - 1) / duration**order
    ddh2 = order * (order - 1) / duration**order
    velocity = np.reshape(problem.velocity, (1, -1)) if order == 2 else 0.0
    x = np.reshape(problem.position, (1, -1)) + velocity * s + h2 * n
    return x, velocity + dh2 * n + h2 * dn, ddh2 * n + 2.0 * dh2 * dn + h2 * ddn


def one_layer_residual(pinn, t):
    """x'' − rhs (order 1: x' − rhs) of `one_layer_solution`."""
    x, v, a = one_layer_solution(pinn, t)
    t = np.reshape(t, (-1, 1))
    if pinn.problem.order == 1:
        return v - pinn.problem.rhs(t, x)
    return a - pinn.problem.rhs(t, x, v)


def main(path, result):
    import oscillator_zoo.models  # noqa: F401

    pinn = keras.models.load_model(path)
    t = times_of(pinn)
    x, v, a = pinn.derivatives(t)
    np.savez(result, x=x, v=v, a=a, residual=pinn.residual(t), predicted=pinn.predict(t, verbose=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
