"""Which oscillator a trained `DuffingCell` is."""

import numpy as np

from oscillator_zoo.data.checks import real_value

from ..least_squares.estimates import estimates_at_minimum
from .duffing_cell import DuffingCell

RELATIVE_STEP = 1e-6  # of the differences that carry errors of weights over to constants


def read_duffing(cell, time_step):
    """The constants of the Duffing oscillator that a `DuffingCell` has learned.

        m y'' + γ y' + k y + k2 y² + k3 y³ = u + constant,    y the position − `position_offset`

    The poles z of the linear part, z² = a_0 z + a_1, are e^{sΔt} with s² + 2ζω0 s + ω0² = 0, and
    the rest follows from the motion that a constant force would hold still:

        k = (1 − a_0 − a_1) / Σb,   k3 = −Σg / Σb,   k2 = q k3,   m = k / ω0²,   γ = 2ζω0 m

    | name                  | constant | unit                                 |
    |-----------------------|----------|--------------------------------------|
    | `natural_frequency`   | ω0 / 2π  | Hz                                   |
    | `damping_ratio`       | ζ        | 1                                    |
    | `mass`                | m        | unit of the force / (position / s²)  |
    | `damping`             | γ        | unit of the force / (position / s)   |
    | `stiffness`           | k        | unit of the force / position         |
    | `quadratic_stiffness` | k2       | unit of the force / position²        |
    | `cubic_stiffness`     | k3       | unit of the force / position³        |

    Args:
        cell: `DuffingCell`, or the layer around it.
        time_step: Δt > 0, in s: the sampling interval of the data.

    Returns:
        Dictionary of floats, as in the table.

    Raises:
        ValueError: for another cell, a step that is not positive, or weights that are no damped
            or undamped oscillator.

    Example:
    >>> from oscillator_zoo.models import DuffingCell
    >>> cell = DuffingCell(num_forces=1, dtype="float64")
    >>> _ = cell.position_kernel.assign([1.0, -0.9])
    >>> _ = cell.force_kernel.assign([0.9])
    >>> _ = cell.spring_kernel.assign([0.0, -0.45, 0.0, 0.0, 0.0])
    >>> found = read_duffing(cell, time_step=0.01)
    >>> print(f"{found['natural_frequency']:.3f} Hz, k3 / k = {found['cubic_stiffness']:.3f}")
    16.187 Hz, k3 / k = 0.500
    """
    cell = duffing_cell_of(cell)
    time_step = real_value("time_step", time_step, "s", above=0.0, arrays=False)
    return _constants(cell, [np.asarray(w.numpy(), np.float64) for w in cell.weights], time_step)


def duffing_cell_of(cell):
    """The `DuffingCell` itself, of a cell or the layer or model around it."""
    cell = getattr(cell, "cell", cell)
    if not isinstance(cell, DuffingCell):
        raise ValueError(
            f"These constants are those of a DuffingCell. Received: {type(cell).__name__}. "
            "A linear cell is read by read_oscillator."
        )
    return cell


def recurrence_estimates(model, time_step, residuals, jacobian):
    """The constants of `read_duffing` with standard errors and 95 % intervals.

    Args:
        model: `ResponseModel` of a `DuffingCell`, trained.
        time_step: Δt, in s.
        residuals: r of its free run, `(n,)`.
        jacobian: J = ∂r/∂P, `(n, num_weights)`.

    Returns:
        Dictionary of `Estimate` by name.
    """
    constants = read_duffing(model.cell, time_step)
    cell, weights = model.cell, [np.asarray(w.numpy()) for w in model.cell.weights]
    slopes = differences(lambda moved: _constants(cell, moved, time_step), weights)
    slopes = slopes[
        :, np.concatenate([np.full(w.shape, w.trainable).ravel() for w in cell.weights])
    ]
    return estimates_at_minimum(
        constants, [False] * len(constants), residuals, jacobian, slopes, True
    )


def _constants(cell, weights, time_step):
    """`read_duffing` for given weights, in the order of `cell.weights`."""
    _, position, force, spring, asymmetry = weights
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = np.log(np.roots([1.0, *-position]).astype(complex)) / time_step
        product, twice_damping = np.prod(rates), -np.sum(rates).real
    squared = product.real  # NaN where a root is 0
    gain = np.sum(force) * cell.position_scale / cell.force_scale
    if not (squared > 0.0 and abs(product.imag) < 1e-6 * squared and gain != 0.0):
        raise ValueError(
            "The weights must be those of a driven oscillator. Received the position kernel "
            f"{position.tolist()} and the force kernel {force.tolist()}. Train the cell first."
        )
    frequency, stiffness = np.sqrt(squared), (1.0 - np.sum(position)) / gain
    cubic = -np.sum(spring) / gain / cell.position_scale**2
    values = {
        "natural_frequency": frequency / (2.0 * np.pi),
        "damping_ratio": 0.5 * twice_damping / frequency,
        "mass": stiffness / squared,
        "damping": twice_damping * stiffness / squared,
        "stiffness": stiffness,
        "quadratic_stiffness": cubic * asymmetry * cell.position_scale,
        "cubic_stiffness": cubic,
    }
    return {name: float(value) for name, value in values.items()}


def differences(function, weights):
    """∂(values of a dictionary)/∂weights by central differences, `(values, num_weights)`."""
    columns = []
    for i, weight in enumerate(weights):
        for index in np.ndindex(weight.shape):
            size = RELATIVE_STEP * max(abs(float(weight[index])), 1e-3)
            ends = []
            for sign in (1.0, -1.0):
                moved = [np.array(w, np.float64) for w in weights]
                moved[i][index] += sign * size
                ends.append(np.array(list(function(moved).values())))
            columns.append((ends[0] - ends[1]) / (2.0 * size))
    return np.stack(columns, axis=1)
