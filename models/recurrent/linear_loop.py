"""Many steps of a linear recurrence at once."""

import keras
import numpy as np
from keras import ops

from ..export.portable_graphs import is_portable
from .time_loop import time_loop, without_loops

BLOCK = 16  # steps in a block
LEVELS = 2  # so often the sequence is cut into blocks: 16² steps are 2 · 16 products one by one
SHORT = 64  # known lengths below this are stepped through


def linear_loop(matrix, inputs, initial_state):
    """States of the linear recurrence s_i = s_{i−1} A + u_i, in blocks of B steps at once.

    The motion from rest within block k, and what the state S_k at the beginning of the block adds,

        r_{k,j} = r_{k,j−1} A + u_{kB+j},   r_{k,0} = 0        for all blocks together, j = 1 … B
        s_{kB+j} = r_{k,j} + S_k A^j                           for all blocks and j together
        S_{k+1} = S_k A^B + r_{k,B}

    The last line is a linear recurrence again, B times shorter, and is solved in the same way; the
    third one, whose steps stand for B² = 256 each, by `time_loop`. That takes 72 products one after
    another in place of 10 000, and two to three times the arithmetic.

    The numbers are those of the step loop up to rounding: float64 results lie within about 1e-13
    of the largest state after 10 000 steps, float32 results within 1e-5, nearer to the exact ones
    than the step loop's. For that the powers of A are computed in float64 (JAX without
    JAX_ENABLE_X64 has float32 only, which leaves 3e-5). Derivatives of any order go through.

    Args:
        matrix: A, `(units, units)`, acting on rows from the right as `recurrent_kernel` does.
        inputs: u_1, u_2, …, `(batch, time, units)`, of the dtype of the states.
        initial_state: s_0, `(batch, units)`.

    Returns:
        s_1, s_2, …, `(batch, time, units)`.
    """
    start = initial_state @ ops.cast(matrix, inputs.dtype)
    inputs = ops.concatenate([inputs[:, :1] + start[:, None], inputs[:, 1:]], axis=1)
    return _from_rest(ops.cast(matrix, _widest_float()), inputs, LEVELS)


def linear_matrix(layer, inputs, mask, training):
    """A, where a layer takes `linear_loop` in place of its loop over the steps, else None.

    Not on JAX: its compiled loop over the steps is as fast as the blocks.

    Args:
        layer: recurrent layer whose cell has a `step_matrix`, None where it is not linear.
        inputs: `(batch, time, …)`.
        mask: as for the layer's call.
        training: likewise.
    """
    dtype = keras.backend.standardize_dtype(layer.cell.compute_dtype)
    is_short = inputs.shape[1] is not None and inputs.shape[1] < SHORT
    if (
        mask is not None
        or layer.unroll
        or (is_short and not without_loops(inputs))
        or dtype not in ("float32", "float64")
    ):
        return None
    if keras.backend.backend() == "jax" or is_portable():
        return None
    return layer.cell.step_matrix(training)


def linear_outputs(layer, matrix, inputs, initial_state):
    """What the `inner_loop` of a recurrent layer returns: last output, outputs, last states."""
    states = linear_loop(matrix, inputs, initial_state)
    outputs = layer.cell.read_out(states if layer.return_sequences else states[:, -1:])
    return outputs[:, -1], outputs, [states[:, -1]]


def _from_rest(matrix, inputs, levels):
    """The states for s_0 = 0, with the matrix in a wider format than the rest."""
    units, length = inputs.shape[-1], inputs.shape[1]
    step = _rounded(matrix, inputs.dtype)
    if length is not None and length <= BLOCK:
        return ops.stack(_one_by_one(step, ops.unstack(inputs, length, axis=1)), axis=1)
    if levels == 0:
        return time_loop(lambda u, s: u + s @ step, inputs, ops.zeros_like(inputs[:, 0]))[0]

    # Nothing moves before the first step: zeros in front fill the first block.
    batch, padding = ops.shape(inputs)[0], -ops.shape(inputs)[1] % BLOCK
    front = ops.zeros((batch, padding, units), dtype=inputs.dtype)
    blocks = ops.reshape(ops.concatenate([front, inputs], axis=1), (-1, BLOCK, units))
    local = _one_by_one(step, ops.unstack(blocks, BLOCK, axis=1))

    powers = _powers(matrix)
    ends = _from_rest(powers[-1], ops.reshape(local[-1], (batch, -1, units)), levels - 1)
    starts = ops.concatenate([ops.zeros_like(ends[:, :1]), ends[:, :-1]], axis=1)
    side_by_side = ops.reshape(ops.transpose(powers, (1, 0, 2)), (units, BLOCK * units))
    added = ops.reshape(starts, (-1, units)) @ _rounded(side_by_side, inputs.dtype)
    states = ops.stack(local, axis=1) + ops.reshape(added, (-1, BLOCK, units))
    return ops.reshape(states, (batch, -1, units))[:, padding:]


def _one_by_one(matrix, inputs):
    """States from rest, for a list of inputs `(rows, units)`, in a list."""
    states = [inputs[0]]
    for u in inputs[1:]:
        states.append(u + states[-1] @ matrix)
    return states


def _powers(matrix):
    """A, A², …, A^B, `(B, units, units)`, all finite."""
    units, bound = matrix.shape[0], _largest(matrix.dtype)
    powers = matrix  # one below the other
    for _ in range(BLOCK.bit_length() - 1):
        higher = powers @ powers[-units:]
        fits = ops.abs(higher) <= bound  # False for NaN too
        higher = ops.where(fits, higher, bound * ops.ones_like(higher))
        powers = ops.concatenate([powers, higher], axis=0)
    return ops.reshape(powers, (BLOCK, units, units))


def _rounded(matrix, dtype):
    """The matrix in another format, finite: an overflow must not meet a state at rest, 0 · ∞."""
    bound = min(_largest(dtype), _largest(matrix.dtype))
    return ops.cast(ops.clip(matrix, -bound, bound), dtype)


def _largest(dtype):
    return float(np.finfo(keras.backend.standardize_dtype(dtype)).max)


def _widest_float():
    """float64, or what the backend makes of it."""
    return keras.backend.standardize_dtype(ops.convert_to_tensor(np.zeros(1)).dtype)
