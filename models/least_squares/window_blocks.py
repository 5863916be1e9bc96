"""The readouts of many windows, block after block of windows."""

import keras

from .blocks import MOST_ROWS, mapped_blocks, num_rows, some_rows
from .elimination import (
    SolvedWindows,
    carried_states,
    eliminate,
    epsilon,
    orthogonal_solver,
    solve_windows,
)

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def solve_for_readout(model, batch):
    """Newton's step −B⁺r of the readout, all windows together.

    The Jacobian B takes far more memory than all that is wanted of it. Of more than `MOST_ROWS`
    times, it is made and solved for a block of windows at a time, which leaves of each window
    only how its readout depends on the state at its start.

    Args:
        model: `Linearisation`.
        batch: (x, y, sample_weight).

    Returns:
        Tuple (r, change of the readout, `rounding_errors`).
    """
    num_windows, num = getattr(model, "num_windows", 1), num_rows(batch[0])
    if num_windows == 1 or num is None or num <= MOST_ROWS or num % num_windows:
        system = model.linearise(*batch, readout_only=True)
        change = eliminate(system, orthogonal_solver(system.readout)).readout[..., 0]
        return system.residual, change, rounding_errors(system, model.readout())
    in_window = num // num_windows
    size = min(max(MOST_ROWS // in_window, 1), num_windows)
    readout = model.readout()

    def of_block(first):
        rows = some_rows(batch[0], first * in_window, size * in_window)
        system = model.linearise(rows, readout_only=True, windows=(first, size))
        solved, _, _ = solve_windows(system, orthogonal_solver(system.readout))
        rounding = rounding_errors(system, readout[first : first + size])
        start = tf.broadcast_to(system.start[None], (size, *system.start.shape))
        return (*solved, system.residual, tf.fill((size,), rounding), start)

    results = mapped_blocks(of_block, num_windows, size, (readout.dtype,) * 7)
    solved, (residual, rounding, start) = SolvedWindows(*results[:4]), results[4:]
    states = carried_states(solved, start[0])
    change = (solved.answer + solved.feedback @ states)[..., 0]
    return residual, change, tf.reduce_max(rounding)


def rounding_errors(system, readout):
    """How large the rounding errors in r may be, ε max_i Σ_j |B_ij A_j|."""
    size = tf.einsum("...rc,...c->...r", tf.abs(system.readout), tf.abs(readout))
    return 4.0 * epsilon(size.dtype) * tf.reduce_max(size)
