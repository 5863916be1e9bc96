"""The readouts of many windows, block after block of windows."""

from typing import NamedTuple

import keras

from ..base_model.blocks import MOST_ROWS, mapped_blocks, num_rows, some_rows
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


class ReadoutStep(NamedTuple):
    """Where a step of the readout leads, before it is taken.

    | field      | content                                                       | shape  |
    |------------|---------------------------------------------------------------|--------|
    | `residual` | r where the weights are                                       | (W, R) |
    | `change`   | −B⁺r, the change of the readout                               | (W, C) |
    | `rounding` | how large the rounding errors in r may be (`rounding_of_blocks`) |        |
    """

    residual: object
    change: object
    rounding: object


def newton_step_of_readout(system, batch):
    """Newton's step −B⁺r of the readout, all windows together.

    The Jacobian B takes far more memory than all that is wanted of it. Of more than `MOST_ROWS`
    times, it is made and solved for a block of windows at a time, which leaves of each window
    only how its readout depends on the state at its start.

    Args:
        system: `LeastSquaresSystem`.
        batch: (x, y, sample_weight).

    Returns:
        `ReadoutStep`.
    """
    num_windows, num = system.num_windows, num_rows(batch[0])
    if num_windows == 1 or num is None or num <= MOST_ROWS or num % num_windows:
        linear = system.linearise(*batch, readout_only=True)
        change = eliminate(linear, orthogonal_solver(linear.by_readout)).readout_changes[..., 0]
        return ReadoutStep(linear.residual, change, rounding_of_blocks(linear, system.readout()))
    in_window = num // num_windows
    size = min(max(MOST_ROWS // in_window, 1), num_windows)
    readout = system.readout()

    def of_block(first):
        rows = some_rows(batch[0], first * in_window, size * in_window)
        linear = system.linearise(rows, readout_only=True, windows=(first, size))
        solved, _, _ = solve_windows(linear, orthogonal_solver(linear.by_readout))
        rounding = rounding_of_blocks(linear, readout[first : first + size])
        start = linear.start_by_nonlinear
        start = tf.broadcast_to(start[None], (size, *start.shape))
        return (*solved, linear.residual, tf.fill((size,), rounding), start)

    results = mapped_blocks(of_block, num_windows, size, (readout.dtype,) * 7)
    solved, (residual, rounding, start) = SolvedWindows(*results[:4]), results[4:]
    states = carried_states(solved, start[0])
    change = (solved.answer + solved.feedback @ states)[..., 0]
    return ReadoutStep(residual, change, tf.reduce_max(rounding))


def rounding_of_blocks(linear, readout):
    """How large the rounding errors in r may be, 4 ε max_i Σ_j |B_ij A_j|."""
    size = tf.einsum("...rc,...c->...r", tf.abs(linear.by_readout), tf.abs(readout))
    return 4.0 * epsilon(size.dtype) * tf.reduce_max(size)
