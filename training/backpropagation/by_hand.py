"""Backpropagation through time by hand, line by line as the lecture derives it."""

import keras
import numpy as np

from oscillator_zoo.data.checks import did_you_mean, positive_integer
from oscillator_zoo.models import ElmanCell, JordanCell

# f and its derivative, the latter written with h = f(z), which the forward pass has kept.
ACTIVATIONS = {
    "linear": (lambda z: z, lambda h: np.ones_like(h)),
    "tanh": (np.tanh, lambda h: 1.0 - h**2),
    "sigmoid": (lambda z: 0.5 * (1.0 + np.tanh(0.5 * z)), lambda h: h * (1.0 - h)),
    "relu": (lambda z: np.maximum(z, 0.0), lambda h: (h > 0.0).astype(h.dtype)),
}


def backpropagation_through_time(
    cell, inputs, targets, initial_state=None, cost=None, cost_derivative=None, truncation=None
):
    """Gradients of the cost of every time step with respect to the weights of an Elman cell.

    Forward, for t = 1 … T:

        z_t = b + W h_{t−1} + U x_t,   h_t = f(z_t),   a_t = V h_t + c,   y_t = g(a_t)
        C_t = mean over batch and output of (y_t − target_t)²

    The weights act at every step, and C_t depends on all steps k ≤ t. With ∂a_t = ∂C_t/∂a_t and
    ∂z_k = ∂C_t/∂z_k (a dot is an elementwise product, ᵀ transposes):

        ∂a_t = ∂C_t/∂y_t · g'(a_t)           ∂C_t/∂V = ∂a_t h_tᵀ       ∂C_t/∂c = ∂a_t
        ∂z_t = Vᵀ ∂a_t · f'(z_t)             ∂C_t/∂U = Σ_k ∂z_k x_kᵀ   ∂C_t/∂b = Σ_k ∂z_k
        ∂z_{k−1} = Wᵀ ∂z_k · f'(z_{k−1})     ∂C_t/∂W = Σ_k ∂z_k h_{k−1}ᵀ

    The third line is the passage through time: t − k factors Wᵀ f', whose product vanishes or
    explodes. Where the cell has no output layer, y_t = h_t, and V and c are absent. With
    `truncation=K` only the last K steps of the history of every C_t count, k = t − K + 1 … t: a
    biased gradient at K/T of the work, whose bias `truncation_bias` measures.

    NumPy in float64, in T (T + 1) / 2 steps for all C_t: for reading and checking, not for
    training. Arrays have the shapes of the Keras weights, which multiply rows from the right.

    | symbol | weight             | shape                   |
    |--------|--------------------|-------------------------|
    | U      | `kernel`           | (features, units)       |
    | W      | `recurrent_kernel` | (units, units)          |
    | b      | `bias`             | (units,)                |
    | V      | `output_kernel`    | (units, output_units)   |
    | c      | `output_bias`      | (output_units,)         |

    Args:
        cell: `ElmanCell` with weights, or the `ElmanRNN` around one; f and g out of linear, tanh,
            sigmoid and relu. Masks, dropout and reading backwards are left out.
        inputs: x, `(batch, time, features)`.
        targets: `(batch, time, output)`, where output is `output_units`, or `units` without them.
        initial_state: h_0, `(batch, units)`; by default the cell's own, zero or learned.
        cost: function (y_t, target_t) → C_t, a number, in place of the mean squared error.
        cost_derivative: function (y_t, target_t) → ∂C_t/∂y_t, `(batch, output)`; goes with `cost`.
        truncation: K ≥ 1, the number of steps that the gradient of each C_t goes back through; by
            default all of them.

    Returns:
        Dictionary of float64 arrays: `"states"` h_1 … h_T, `(time, batch, units)`; `"outputs"` y,
        `(time, batch, output)`; `"costs"` C_1 … C_T, `(time,)`; and the gradients `"U"`, `"W"`,
        `"b"`, `"V"`, `"c"` (as far as the cell has these weights) with the time t of C_t in front:
        `["W"][t]` is ∂C_{t+1}/∂W. `["sum"]["W"]` is the gradient of C_1 + … + C_T. Keras's mean
        squared error of the whole sequence is that sum divided by T.

    Raises:
        ValueError: for another kind of cell, a cell without weights, an activation without a
            known derivative, shapes that do not fit, `cost` without `cost_derivative`, or a
            `truncation` that is not a positive integer.

    Example:
    >>> import numpy as np
    >>> from oscillator_zoo.models import ElmanCell
    >>> from oscillator_zoo.training import backpropagation_through_time
    >>> cell = ElmanCell(1, activation="linear", use_bias=False)
    >>> cell.build((None, 1))
    >>> cell.set_weights([np.array([[1.0]]), np.array([[0.5]])])  # h_t = 0.5 h_{t−1} + x_t
    >>> x, target = np.array([[[1.0], [1.0]]]), np.zeros((1, 2, 1))
    >>> gradients = backpropagation_through_time(cell, x, target)
    >>> gradients["outputs"].ravel(), gradients["costs"]  # C_2 = (1 + 0.5)²
    (array([1. , 1.5]), array([1.  , 2.25]))
    >>> gradients["W"].ravel(), gradients["sum"]["W"]  # ∂C_2/∂W = 2 · 1.5 · h_1
    (array([0., 3.]), array([[3.]]))

    Reference:
        P. J. Werbos, Backpropagation through time: what it does and how to do it, Proceedings of
        the IEEE 78 (1990) 1550-1560.
    """
    cell = _elman_cell(cell)
    f, g = _activation(cell.activation), _activation(cell.output_activation)
    weights = _weights(cell)
    if (cost is None) != (cost_derivative is None):
        raise ValueError(
            "cost and cost_derivative belong together. "
            f"Received cost={cost!r}, cost_derivative={cost_derivative!r}. Pass both or neither."
        )
    x, target, h_0 = _sequences(cell, weights, inputs, targets, initial_state)
    reach = len(x) if truncation is None else positive_integer("truncation", truncation)
    h, y = forward(weights, f, g, x, h_0)
    cost, cost_derivative = cost or mean_squared_error, cost_derivative or _error_derivative
    slopes = [np.asarray(cost_derivative(y[t], target[t])) for t in range(len(x))]
    gradients = [backward(weights, f, g, x, h_0, h, y, t, slopes[t], reach) for t in range(len(x))]
    per_step = {name: np.stack([gradient[name] for gradient in gradients]) for name in weights}
    return {
        "states": h,
        "outputs": y,
        "costs": np.array([float(cost(y[t], target[t])) for t in range(len(x))]),
        **per_step,
        "sum": {name: values.sum(axis=0) for name, values in per_step.items()},
    }


def forward(weights, f, g, x, h_0):
    """h_t and y_t of all steps, `(time, batch, …)`."""
    U, W, b = weights["U"], weights["W"], weights.get("b", 0.0)
    h = []
    for x_t in x:
        z_t = b + (h[-1] if h else h_0) @ W + x_t @ U
        h.append(f[0](z_t))
    h = np.stack(h)
    return h, g[0](h @ weights["V"] + weights.get("c", 0.0)) if "V" in weights else h


def backward(weights, f, g, x, h_0, h, y, t, dy, reach):
    """∂C_t/∂(U, W, V, b, c) from ∂C_t/∂y_t, back through the steps k = t, t − 1, …: `reach` steps
    or, where there are not so many, all."""
    gradient = {name: np.zeros_like(value) for name, value in weights.items()}
    dh = dy
    if "V" in weights:
        da = dy * g[1](y[t])
        gradient["V"] = h[t].T @ da
        _add(gradient, "c", da.sum(axis=0))
        dh = da @ weights["V"].T
    for k in range(t, max(t - reach, -1), -1):
        dz = dh * f[1](h[k])
        gradient["U"] += x[k].T @ dz
        gradient["W"] += (h[k - 1] if k else h_0).T @ dz
        _add(gradient, "b", dz.sum(axis=0))
        dh = dz @ weights["W"].T
    return gradient


def _add(gradient, name, value):
    if name in gradient:
        gradient[name] += value


def mean_squared_error(y_t, target_t):
    """C_t, the mean over batch and output of (y_t − target_t)²."""
    return np.mean((y_t - target_t) ** 2)


def _error_derivative(y_t, target_t):
    return 2.0 * (y_t - target_t) / y_t.size


def _elman_cell(cell):
    cell = getattr(cell, "cell", cell)
    if not isinstance(cell, ElmanCell) or isinstance(cell, JordanCell):
        raise ValueError(
            "The equations are those of the lecture's cell. "
            f"Received: {type(cell).__name__}. Pass an ElmanCell or ElmanRNN."
        )
    if not cell.built:
        raise ValueError(
            "The cell has no weights yet. Received an unbuilt cell. Call it once, or train it."
        )
    return cell


def _activation(function):
    name = keras.activations.serialize(function)
    if name not in ACTIVATIONS:
        raise ValueError(
            f"The derivative is written out for {', '.join(ACTIVATIONS)}. "
            f"Received the activation {name!r}.{did_you_mean(name, ACTIVATIONS)} "
            "Use one of them, or a GradientTape."
        )
    return ACTIVATIONS[name]


def _weights(cell):
    """The cell's weights by the lecture's letters, in float64."""
    letters = {
        "U": cell.kernel,
        "W": cell.recurrent_kernel,
        "b": cell.bias,
        "V": cell.output_kernel,
        "c": cell.output_bias,
    }
    return {
        letter: np.asarray(weight.numpy(), np.float64)
        for letter, weight in letters.items()
        if weight is not None
    }


def _sequences(cell, weights, inputs, targets, initial_state):
    """Inputs, targets `(time, batch, …)` and h_0 `(batch, units)`, in float64, checked."""
    inputs, targets = (np.asarray(values, np.float64) for values in (inputs, targets))
    if inputs.ndim != 3 or inputs.shape[1] == 0 or inputs.shape[2] != len(weights["U"]):
        raise ValueError(
            f"inputs must have the shape (batch, time, {len(weights['U'])}). "
            f"Received {inputs.shape}. Write inputs[None] for one sequence."
        )
    expected = (*inputs.shape[:2], cell.output_units or cell.units)
    if targets.shape != expected:
        raise ValueError(
            f"targets must have the shape (batch, time, output) = {expected}. "
            f"Received {targets.shape}. Every step has its cost."
        )
    if initial_state is None:
        initial_state = keras.ops.convert_to_numpy(cell.get_initial_state(len(inputs))[0])
    h_0 = np.asarray(initial_state, np.float64)
    if h_0.shape != (len(inputs), cell.units):
        raise ValueError(
            f"initial_state must have the shape (batch, units) = {(len(inputs), cell.units)}. "
            f"Received {h_0.shape}. Pass one row for each sequence."
        )
    return inputs.swapaxes(0, 1), targets.swapaxes(0, 1), h_0
