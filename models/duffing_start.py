"""First weights of a `DuffingCell`, from a record."""

import numpy as np

LARGEST_POLE = 0.999


def fit_one_step(cell, force, position):
    """Set the weights of a `DuffingCell` by linear least squares on its one-step error.

        min Σ_n (c + Σ a_j y_{n−j} + Σ b_j u_{n+1−j} + Σ g_j (y³)_{n+1−j} − y_{n+1})²

    with every y measured and the spring alike on both sides (q = 0). Where the record has noise,
    this fits the noise of y_n too: a guess, from which `ResponseModel` trains the free run. An
    oscillator that would run away by itself is damped, since no free run could begin there.

    Args:
        cell: `DuffingCell`.
        force: u_1 … u_N, `(batch, N, 1)`: the cell's inputs.
        position: y_0 … y_{N−1}, `(batch, N, 1)`.

    Raises:
        ValueError: for arrays of different shapes, or with fewer samples than weights.

    Example:
    >>> import numpy as np
    >>> from oscillator_zoo.models import DuffingCell, fit_one_step
    >>> force, position = np.random.default_rng(0).normal(size=(2, 1, 300, 1))
    >>> for n in range(299):  # y_{n+1} = 1.4 y_n − 0.9 y_{n−1} + 0.2 u_{n+1}
    ...     past = 1.4 * position[:, n] - 0.9 * position[:, max(n - 1, 0)]
    ...     position[:, n + 1] = past + 0.2 * force[:, n]
    >>> cell = DuffingCell(dtype="float64")
    >>> fit_one_step(cell, force, position)
    >>> print(cell.position_kernel.numpy().round(6), cell.force_kernel.numpy().round(6) + 0.0)
    [ 1.4 -0.9] [0.2 0.  0. ]
    """
    force, position = (np.asarray(a, np.float64) for a in (force, position))
    num_weights = 3 + cell.num_forces + cell.num_springs
    samples = np.prod(position.shape) - position.shape[0] * cell.num_known
    if force.shape != position.shape or position.ndim != 3 or samples < num_weights:
        raise ValueError(
            "A first guess needs forces and positions of one shape (batch, time, 1), with more "
            f"samples than the {num_weights} weights. Received shapes {force.shape} and "
            f"{position.shape}. Pass the training part of a record."
        )
    y = (position - cell.position_offset) / cell.position_scale
    u = force / cell.force_scale

    def delayed(values, delays):
        """Columns of samples 0, 1, … before y_{n+1}, for every n with a whole past."""
        first, end = cell.num_known - 1, values.shape[1]
        return [values[:, first + 1 - d : end - d].ravel() for d in delays]

    # force[:, n] is u_{n+1}, so that it has the index of y_n
    targets = delayed(y, [0])[0]
    columns = [np.ones_like(targets), *delayed(y, [1, 2])]
    columns += delayed(u, range(1, 1 + cell.num_forces))
    columns += delayed(y**3, range(cell.num_springs))
    found = np.linalg.lstsq(np.stack(columns, axis=1), targets, rcond=1e-12)[0]
    cell.offset.assign(found[0])
    cell.position_kernel.assign(_stable(found[1:3]))
    cell.force_kernel.assign(found[3 : 3 + cell.num_forces])
    cell.spring_kernel.assign(found[3 + cell.num_forces :])
    cell.asymmetry.assign(0.0)


def _stable(kernel):
    """a_0, a_1 with the poles of z² − a_0 z − a_1 drawn into the unit circle."""
    radius = np.abs(np.roots([1.0, *-kernel])).max()
    shrink = min(1.0, LARGEST_POLE / radius) if radius > 0.0 else 1.0
    return kernel * [shrink, shrink**2]
