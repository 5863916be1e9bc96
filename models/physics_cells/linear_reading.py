"""Linear recurrent cells and the oscillators they stand for."""

from typing import NamedTuple

import keras
import numpy as np

from oscillator_zoo.data.checks import one_number


class EulerWeights(NamedTuple):
    """Weights of a linear `ElmanCell` with two hidden units that steps like Euler's method."""

    recurrent_kernel: np.ndarray
    kernel: np.ndarray


def euler_weights(problem, time_step):
    """The matrices that make a linear `ElmanCell` step a damped oscillator like Euler's method.

    Explicit Euler for x'' = F/m − α x' − δ x is the linear recurrence

        s_{i+1} = A s_i + B F_i,   A = [[1, Δt], [−Δt δ, 1 − Δt α]],   B = Δt [0, 1/m]ᵀ

    which is the lecture's h_t = f(b + W h_{t−1} + U x_t) with f the identity, b = 0, W = A, U = B
    and the state (x, v) in the two hidden units. Keras multiplies row vectors from the right, so
    the weights are `recurrent_kernel` = Aᵀ and `kernel` = Bᵀ. The initial state of the motion is
    the `initial_state` of the cell. An output layer that reads the position alone is V = [1, 0]:
    `output_kernel` = [[1], [0]], `output_bias` = [0].

    Args:
        problem: `DampedOscillator`, one trajectory.
        time_step: Δt > 0, in s.

    Returns:
        `EulerWeights(recurrent_kernel, kernel)`, float64: `(2, 2)` and `(1, 2)`.

    Raises:
        ValueError: if the problem is not a linear oscillator or an ensemble, or the step is not
            positive.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator
    >>> from oscillator_zoo.models import ElmanCell, euler_weights
    >>> cell = ElmanCell(2, activation="linear", use_bias=False)
    >>> cell.build((None, 1))
    >>> W, U = euler_weights(DampedOscillator(damping=0.5), time_step=0.5)
    >>> cell.set_weights([U, W])
    >>> print(W)
    [[ 1.   -0.5 ]
     [ 0.5   0.75]]
    """
    h = one_number("time_step", time_step, "s", above=0.0)
    names = ("mass", "damping_rate", "squared_frequency")
    if not all(hasattr(problem, name) for name in names):
        raise ValueError(
            "Only a linear oscillator is a linear recurrence. "
            f"Received: {problem!r}. Pass a DampedOscillator."
        )
    constants = [getattr(problem, name) for name in names]
    if any(np.ndim(value) != 0 for value in constants):
        raise ValueError(
            "A cell has the weights of one oscillator. Received an ensemble. "
            "Pass one of its problems, problem.select(0)."
        )
    mass, damping_rate, squared_frequency = constants
    step = np.array([[1.0, h], [-h * squared_frequency, 1.0 - h * damping_rate]])
    return EulerWeights(recurrent_kernel=step.T.copy(), kernel=np.array([[0.0, h / mass]]))


def read_oscillator(cell, time_step):
    """The damping rate and squared frequency that a linear recurrent cell has learned.

    Trace and determinant of Euler's matrix A = [[1, Δt], [−Δt δ, 1 − Δt α]] are the same in every
    basis of the hidden state, so they can be read off a trained cell whatever its two units mean:

        α = (2 − tr A) / Δt,   δ = (det A − tr A + 1) / Δt²

    Like every fit of Euler's recurrence to a motion that Euler's method did not make, the numbers
    carry the method's error, of first order in Δt.

    Args:
        cell: a trained cell, or the layer around it, with two units, one `recurrent_kernel` and
            `activation="linear"`: `ElmanCell`, `ElmanRNN`, `keras.layers.SimpleRNN`.
        time_step: Δt > 0, in s: the sampling interval of the sequences it was trained on.

    Returns:
        Tuple (α in 1/s, δ in 1/s²) of floats.

    Raises:
        ValueError: if the cell is not linear, has not two units or no weights yet.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator
    >>> from oscillator_zoo.models import ElmanCell, euler_weights, read_oscillator
    >>> cell = ElmanCell(2, activation="linear", use_bias=False)
    >>> cell.build((None, 1))
    >>> W, U = euler_weights(DampedOscillator(damping=0.5, stiffness=2.0), time_step=0.25)
    >>> cell.set_weights([U, W])
    >>> read_oscillator(cell, time_step=0.25)
    (0.5, 2.0)
    """
    h = one_number("time_step", time_step, "s", above=0.0)
    cell = getattr(cell, "cell", cell)
    feeds_back_output = getattr(cell, "feeds_back_output", False)
    if not isinstance(cell, keras.layers.SimpleRNNCell) or feeds_back_output:
        raise ValueError(
            "An oscillator is read from a cell whose hidden state is fed back through one matrix. "
            f"Received: {type(cell).__name__}. Pass an ElmanCell or SimpleRNNCell."
        )
    if cell.units != 2:
        raise ValueError(
            "The state of one oscillator, (x, v), takes two hidden units. "
            f"Received units={cell.units}. Train a cell with units=2."
        )
    if cell.activation is not keras.activations.linear:
        name = keras.activations.serialize(cell.activation)
        raise ValueError(
            "Only a linear cell is a linear recurrence. "
            f"Received activation={name!r}. Train a cell with activation='linear'."
        )
    if not cell.built:
        raise ValueError(
            "The cell has no weights yet. Received an unbuilt cell. Train it, or call it once."
        )
    step = np.asarray(cell.recurrent_kernel.numpy(), np.float64)
    trace, determinant = np.trace(step), np.linalg.det(step)
    return float((2.0 - trace) / h), float((determinant - trace + 1.0) / h**2)
