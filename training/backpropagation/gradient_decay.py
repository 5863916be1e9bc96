"""How much of a gradient is left after travelling back through time."""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from oscillator_zoo.data.checks import positive_integer, real_value
from oscillator_zoo.models import EulerCell, JordanCell

from .step_jacobians import states_of, step_jacobians


class GradientNorms(NamedTuple):
    """Norms of ∂h_t/∂h_{t−k} by lag k, next to |λ|^k.

    lags: k = 0, 1, …, `(num_lags,)`.
    norms: ‖∂h_t/∂h_{t−k}‖ of every sequence, `(batch, num_lags)`; 1 at k = 0.
    spectral_radius: |λ|, of the largest eigenvalue of the cell's recurrent matrix; None for a
        cell without one such matrix.
    expected: |λ|^k, `(num_lags,)`, or None.
    """

    lags: np.ndarray
    norms: np.ndarray
    spectral_radius: float | None
    expected: np.ndarray | None


def gradient_norms(layer, inputs, initial_state=None, max_lag=None):
    """Norms of the derivative of a cell's last state with respect to its states before.

    Backpropagation through time multiplies the gradient of the cost at step t by the Jacobian

        ∂h_t/∂h_{t−k} = J_t J_{t−1} … J_{t−k+1}      J_j = ∂h_j/∂h_{j−1}

    to reach k steps back; for the lecture's cell h_j = f(z_j), J_j = diag(f'(z_j)) W. Its norm,
    the largest singular value, is by how much a gradient grows on that way at most. It vanishes or
    explodes like |λ|^k where f is linear, λ being the largest eigenvalue of W, and faster than
    that where |f'| < 1 takes part.

    For Euler's own matrix that is the oscillator's damping and growth: an underdamped oscillator
    has |λ|² = 1 − Δt α + Δt² δ, so a gradient through `EulerCell` dies out as the motion does,
    e^{−αkΔt/2} to first order, and explodes where explicit Euler is unstable. A matrix that is
    not symmetric may stretch a gradient at first whatever its eigenvalues are.

    Args:
        layer: recurrent layer or cell with weights. What several states it has (h and c of an
            LSTM) are joined to one vector. Masks, dropout and reading backwards are left out.
        inputs: x, `(batch, time, features)`; t is the last time.
        initial_state: h_0, `(batch, units)`, or a list of such arrays for several states; by
            default the cell's own, zero or learned.
        max_lag: largest k, from 1 to time; by default time, which leads back to h_0.

    Returns:
        `GradientNorms(lags, norms, spectral_radius, expected)`, float64 arrays that are as exact
        as the cell's own `dtype`. The recurrent matrix is W for an Elman cell or `SimpleRNNCell`,
        V W for a Jordan cell, whose state is y, and A for an `EulerCell`; cells with gates have
        none.

    Raises:
        ValueError: for anything but a recurrent layer or cell, one without weights, shapes or a
            lag that do not fit, or states that are not finite.

    Example:
    >>> import numpy as np
    >>> from oscillator_zoo.models import EulerCell
    >>> from oscillator_zoo.training import gradient_norms
    >>> cell = EulerCell(0.1, damping_rate=0.0, squared_frequency=1.0, dtype="float64")
    >>> result = gradient_norms(cell, np.zeros((1, 200, 1)))  # x'' = −x, for 20 s
    >>> print(f"{result.spectral_radius ** 2:.4f}")  # 1 + Δt²
    1.0100
    >>> print(f"{result.norms[0, -1]:.4f} {result.expected[-1]:.4f}")
    2.7048 2.7048

    Reference:
        R. Pascanu, T. Mikolov, Y. Bengio, On the difficulty of training recurrent neural networks,
        ICML (2013) 1310-1318.
    """
    cell = _cell(layer)
    inputs = _inputs(cell, inputs)
    num_steps = inputs.shape[1]
    max_lag = num_steps if max_lag is None else positive_integer("max_lag", max_lag)
    if max_lag > num_steps:
        raise ValueError(
            f"A state has as many states before it as there are steps, {num_steps}. "
            f"Received max_lag={max_lag}. Pass at most {num_steps}, or longer inputs."
        )
    states = states_of(cell, inputs, initial_state)
    jacobians = step_jacobians(cell, inputs[:, -max_lag:], states[:, -max_lag - 1 : -1])
    norms, product = [np.ones(len(inputs))], np.eye(states.shape[-1])
    with np.errstate(over="ignore", under="ignore"):
        for k in range(1, max_lag + 1):
            product = product @ jacobians[:, -k]
            growth = np.linalg.norm(product, 2, axis=(1, 2))
            norms.append(norms[-1] * growth)
            product = product / np.where(growth > 0.0, growth, 1.0)[:, None, None]
    lags = np.arange(max_lag + 1)
    matrix = recurrent_matrix(cell)
    radius = None if matrix is None else float(np.abs(np.linalg.eigvals(matrix)).max())
    expected = None
    if matrix is not None:
        with np.errstate(over="ignore", under="ignore"):
            expected = radius**lags
    return GradientNorms(lags, np.stack(norms, axis=1), radius, expected)


def recurrent_matrix(cell):
    """The matrix by which a cell feeds its state back, NumPy in float64; None if there is none."""
    if isinstance(cell, EulerCell):
        return np.asarray(ops.convert_to_numpy(cell.step_matrix()), np.float64).T
    if not isinstance(cell, keras.layers.SimpleRNNCell):
        return None
    matrix = np.asarray(ops.convert_to_numpy(cell.recurrent_kernel), np.float64)
    if isinstance(cell, JordanCell) and cell.output_kernel is not None:
        matrix = matrix @ np.asarray(ops.convert_to_numpy(cell.output_kernel), np.float64)
    return matrix.T


def _cell(layer):
    cell = getattr(layer, "cell", layer)
    if not all(hasattr(cell, name) for name in ("state_size", "get_initial_state", "call")):
        raise ValueError(
            "A state has a gradient through time in a recurrent layer or its cell. "
            f"Received: {type(layer).__name__}. Of a model take one layer, model.layers[i]."
        )
    if not (cell.built or cell.weights):  # an EulerCell has weights at once
        raise ValueError(
            "The cell has no weights yet. Received an unbuilt cell. Call it once, or train it."
        )
    return cell


def _inputs(cell, inputs):
    inputs = np.asarray(inputs)
    if inputs.ndim != 3 or 0 in inputs.shape:
        raise ValueError(
            "inputs must have the shape (batch, time, features). "
            f"Received {inputs.shape}. Write inputs[None] for one sequence."
        )
    inputs = real_value("inputs", inputs, "the units of the cell's inputs")
    expected = cell.kernel.shape[0] if hasattr(cell, "kernel") else inputs.shape[2]
    if inputs.shape[2] != expected:
        raise ValueError(
            f"inputs must have the cell's {expected} features, (batch, time, {expected}). "
            f"Received {inputs.shape}. Pass what the cell was built for."
        )
    return inputs
