"""Oracles for least-squares training: differences instead of derivatives, dense NumPy solves."""

import numpy as np
import tensorflow as tf
from pinn_checks import bounded_ramp, randomise, slow_start, springs

from oscillator_zoo.data import InitialValueProblem
from oscillator_zoo.models import PINN
from oscillator_zoo.models.least_squares.least_squares_system import TapeSystem

DURATION = 1.5
UNEQUAL = [0.7, 1.0, 1.9, 2.2]  # from 0.7 s, the start of `springs`, to 0.7 s + DURATION

# Arguments of `trial`: order, dimension, layers, activation, windows' edges, custom h1 and h2.
TRIALS = {
    "one window": (2, 1, (5,), "sin", None, False),
    "order 1": (1, 1, (5,), "tanh", None, False),
    "two coordinates, deep": (2, 2, (4, 3), "tanh", None, False),
    "four coordinates": (2, 4, (3, 4), "sin", None, False),
    "four coordinates, order 1": (1, 4, (4,), "swish", None, False),
    "h1 and h2 of the user": (2, 1, (4, 3), "swish", None, True),
    "windows": (2, 1, (5,), "sin", UNEQUAL, False),
    "windows, order 1": (1, 2, (4, 3), "tanh", UNEQUAL, False),
    "windows, four coordinates, deep": (2, 4, (4, 3), "swish", UNEQUAL, False),
}


def trial(order, dimension, layers, activation, edges, custom, derivatives="tape"):
    """A PINN for `Springs` whose weights are all different."""
    problem = springs(order, dimension)
    functions = {}
    if custom:
        problem = type(problem)(0.4, 0.0, 0.7)
        functions = {"h1": slow_start, "h2": bounded_ramp}
    edges = edges or [0.7, 0.7 + DURATION]
    return randomise(
        PINN(
            problem,
            DURATION,
            layers,
            activation,
            window_edges=edges,
            derivatives=derivatives,
            **functions,
        )
    )


def points_of(pinn, num=5):
    """Times between the edges, `num` in each window, as one batch."""
    edges = np.array(pinn.window_edges)
    inside = (np.arange(num) + 0.3) / num
    return (edges[:-1, None] + np.diff(edges)[:, None] * inside).reshape(-1, 1)


def move(pinn, readout, others):
    """Add flat arrays to the weights, in the order of the columns of `whole_jacobian`."""
    pinn.trial.change_readout(readout.reshape(pinn.num_windows, -1))
    pinn.trial.change_nonlinear(np.asarray(others))


def difference(function, pinn, direction, step=1e-3):
    """∂function/∂(weights along a direction) by central differences, error O(step⁴)."""
    num_readout = int(np.prod(pinn.trial.readout().shape))

    def shifted(size):
        move(pinn, size * direction[:num_readout], size * direction[num_readout:])
        value = np.array(function())
        move(pinn, -size * direction[:num_readout], -size * direction[num_readout:])
        return value

    near, far = ((shifted(size) - shifted(-size)) / (2.0 * size) for size in (step, 2.0 * step))
    return (4.0 * near - far) / 3.0


def by_tape_of(pinn):
    """The same readout and hidden weights, their Jacobian by tape."""

    class ByTape(TapeSystem):
        readout_variables = pinn.trial.readout_variables
        nonlinear_variables = pinn.trial.nonlinear_variables

    return ByTape(pinn)


def weight_columns(model, batch, step=5e-4):
    """∂r/∂(readout, others) of any model, each column by central differences of fourth order.

    Errors: step⁴ r⁗′/30, below 1e-10 while r⁗′ is below 5e4, and 1e-15/step of rounding.
    """
    found, residuals = [], tf.function(model.residuals)
    system = model.least_squares_system()
    for variable in [*system.readout_variables, *system.nonlinear_variables]:
        value = np.array(variable.numpy())
        for index in np.ndindex(*value.shape):
            column = 0.0
            for multiple, weight in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
                shifted = value.copy()
                shifted[index] += multiple * step
                variable.assign(shifted)
                column = column + weight * np.ravel(residuals(*batch))
            variable.assign(value)
            found.append(column / (12 * step))
    return np.stack(found, axis=-1)


class LotkaVolterra(InitialValueProblem):
    """x' = x (1.1 − 0.4 y), y' = y (0.1 x − 0.4)."""

    def __init__(self, position=(10.0, 5.0)):
        super().__init__(np.array(position), order=1, dimension=2)

    def rhs(self, t, x, ops=np):
        prey, predators = x[..., :1], x[..., 1:]
        change = prey * (1.1 - 0.4 * predators), predators * (0.1 * prey - 0.4)
        return ops.concatenate(change, axis=-1)


class Chain(InitialValueProblem):
    """Four masses between walls; springs pull with e + e³."""

    def __init__(self):
        position, velocity = np.array([[1.0, -0.5, 0.5, 0.0], [0.0, 0.2, 0.0, -0.1]])
        super().__init__(position, velocity, order=2, dimension=4)

    def rhs(self, t, x, v, ops=np):
        wall = 0.0 * x[..., :1]
        ends = ops.concatenate([wall, x, wall], axis=-1)
        stretch = ends[..., 1:] - ends[..., :-1]
        pull = stretch + stretch**3
        return pull[..., 1:] - pull[..., :-1] - 0.1 * v
