"""First weights of a `DuffingCell`, from a record."""

import keras
import numpy as np

from .duffing_cell import DuffingCell

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

LARGEST_POLE = 0.999


def fit_one_step(model, x, y):
    """Set the weights of a `DuffingCell` by linear least squares on its one-step error.

        min Σ_n (c + Σ a_j y_{n−j} + Σ b_j u_{n+1−j} + Σ g_j (y³)_{n+1−j} − y_{n+1})²

    with every y measured and the spring alike on both sides (q = 0). Where the record has noise,
    this fits the noise of y_n too: a guess, from which `fit` trains the free run. With some 15
    samples a period and more, and noise of a percent, that guess is too far off: begin with
    `start_like` there. An oscillator
    that would run away by itself is damped, and if its free run leaves the range of numbers it
    gets a linear spring, since training could not begin there.

    Args:
        model: `ResponseModel` of a `DuffingCell`.
        x: its inputs, the tuple (force, first_positions).
        y: its targets, y_1 … y_N, `(batch, N, 1)`.

    Raises:
        ValueError: for another cell, arrays that do not fit together, or no more samples than
            weights.

    Example:
    >>> import numpy as np
    >>> from oscillator_zoo.models import DuffingCell, ResponseModel, fit_one_step
    >>> force, position = np.random.default_rng(0).normal(size=(2, 1, 300, 1))
    >>> for n in range(299):  # y_{n+1} = 1.4 y_n − 0.9 y_{n−1} + 0.2 u_{n+1}
    ...     past = 1.4 * position[:, n] - 0.9 * position[:, max(n - 1, 0)]
    ...     position[:, n + 1] = past + 0.2 * force[:, n]
    >>> model = ResponseModel(DuffingCell(dtype="float64"))
    >>> fit_one_step(model, (force[:, :-1], position[:, :4]), position[:, 1:])
    >>> kernel = model.cell.position_kernel.numpy().round(6)
    >>> print(kernel, model.cell.force_kernel.numpy().round(6) + 0.0)
    [ 1.4 -0.9] [0.2 0.  0. ]
    """
    cell = model.cell
    if not isinstance(cell, DuffingCell):
        raise ValueError(
            f"The first guess is one for a DuffingCell. Received: {type(cell).__name__}. "
            "Other cells start from the values that they were made with."
        )
    force, first, y = (np.asarray(a, np.float64) for a in (*x, y))
    num_weights = 4 + cell.num_forces + cell.num_springs
    shapes = [force.shape, first.shape, y.shape]
    fitting = y.ndim == 3 and shapes == [y.shape, (len(y), cell.num_known, 1), (*y.shape[:2], 1)]
    if not fitting or len(y) * (y.shape[1] + 1 - cell.num_known) <= num_weights:
        raise ValueError(
            f"A first guess needs force (batch, N, 1), first positions (batch, {cell.num_known}, "
            f"1) and targets (batch, N, 1), with more samples than the {num_weights} weights. "
            f"Received shapes {', '.join(map(str, shapes))}. Pass the training part of a record."
        )
    _solve(cell, force, np.concatenate([first[:, :1], y], axis=1), 0.0)
    run = tf.function(lambda: model.residuals((force, first), y), jit_compile=True)
    if not np.isfinite(run()).all():
        cell.spring_kernel.assign([0.0] * cell.num_springs)


def start_like(model, equation, force):
    """Set the weights of a `DuffingCell` to those that step like an oscillator already found.

    As `fit_one_step`, on the oscillator's own motion, which has no noise. With ten samples a
    period the recurrence then follows it to half a percent, with 50 to a few parts in a million.

    Args:
        model: `ResponseModel` of a `DuffingCell`.
        equation: `DuffingFit`.
        force: of the record that it was fitted to, `(N,)`.

    Example:
    >>> import numpy as np
    >>> from oscillator_zoo.data import Duffing, Sampled, simulate
    >>> from oscillator_zoo.models import DuffingCell, ResponseModel, fit_duffing, read_duffing
    >>> values = np.random.default_rng(0).normal(size=401)
    >>> problem = Duffing(damping=0.4, force=Sampled(np.arange(401) * 0.4, values), position=0.0)
    >>> position = simulate(problem, 0.04, 4000, method="rk4").every(10).feature("position")[0]
    >>> model = ResponseModel(DuffingCell(dtype="float64"))
    >>> start_like(model, fit_duffing(values, position, 0.4), values)
    >>> print(f"{read_duffing(model.cell, 0.4)['damping']:.2f}")
    0.40
    """
    force = np.asarray(force, np.float64)[None, 1:, None]
    _solve(model.cell, force, equation.position[None, :, None], equation.asymmetry)


def _solve(cell, force, position, asymmetry):
    """The weights of least squares; force u_1 … u_N, position y_0 … y_N, k2 / k3 in its unit."""
    asymmetry = asymmetry / cell.position_scale
    y = (position - cell.position_offset) / cell.position_scale
    u = force / cell.force_scale

    def delayed(values, delays):
        """Columns of samples 0, 1, … before y_{n+1}, for every n with a whole past."""
        first, end = max(cell.num_positions, cell.num_forces) - 1, values.shape[1]
        return [values[:, first + 1 - d : end - d].ravel() for d in delays]

    u = np.concatenate([np.zeros_like(u[:, :1]), u], axis=1)  # u_0 is not needed
    targets = delayed(y, [0])[0]
    columns = [np.ones_like(targets), *delayed(y, [1, 2]), *delayed(u, range(cell.num_forces))]
    columns += delayed(y**3 + asymmetry * y**2, range(cell.num_springs))
    found = np.linalg.lstsq(np.stack(columns, axis=1), targets, rcond=1e-12)[0]
    cell.offset.assign(found[0])
    cell.position_kernel.assign(_stable(found[1:3]))
    cell.force_kernel.assign(found[3 : 3 + cell.num_forces])
    cell.spring_kernel.assign(found[3 + cell.num_forces :])
    cell.asymmetry.assign(asymmetry)


def _stable(kernel):
    """a_0, a_1 with the poles of z² − a_0 z − a_1 drawn into the unit circle."""
    radius = np.abs(np.roots([1.0, *-kernel])).max()
    shrink = min(1.0, LARGEST_POLE / radius) if radius > 0.0 else 1.0
    return kernel * [shrink, shrink**2]
