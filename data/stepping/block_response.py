"""What the states of a block are made of: the matrix M and the numbers u of `linear_recurrence`."""

import numpy as np

from ..forces.formulas import Sinusoid

LARGEST_PHASE = 1e3  # above it the rounding of ωt shows, differently in u and in every F(t_i)


def powers(matrix, length, turned=None):
    """A^j [A b] for j = 0 … length − 1, or [A^{j+1} C_{j+1}], `(length, d, d + m, batch)`.

    By doubling: what is known, moved on by its last power, is as much again.

    Args:
        matrix: [A b] `(d, d + m, batch)`, or [A C] `(d, d + q, batch)`.
        length: how many.
        turned: None, or a function of j that gives R^j `(q, q, batch or 1)`: how the numbers that
            describe the force change in j steps.
    """
    known = np.empty((length, *matrix.shape))
    known[0] = matrix
    count = 1
    while count < length:
        first = known[: min(count, length - count)]
        turn = turned and turned(count)
        after(first, known[count - 1], turn, out=known[count : count + len(first)])
        count += len(first)
    return known


def after(later, earlier, turn=None, out=None):
    """[A^{k+j} C_{k+j}]: k steps, under a force that j steps have turned, after these j steps.

    Args:
        later: [A^k C_k], `(…, d, d + q, batch or 1)`; only A^k is looked at without `turn`.
        earlier: [A^j C_j], `(d, d + q, batch or 1)`.
        turn: R^j, `(q, q, batch or 1)`, or None where no force acts later.
        out: None, or an array to write to.
    """
    d = len(earlier)
    both = np.einsum("...ijn,jln->...iln", later[..., :d, :], earlier, out=out)
    if turn is not None:
        both[..., d:, :] += np.einsum("...ijn,jln->...iln", later[..., d:, :], turn)
    return both


def stacked(known):
    """The `powers` side by side, transposed: `(batch, d + m, length · d)`."""
    length, d, num_columns, batch = known.shape
    return np.ascontiguousarray(known.transpose(3, 2, 0, 1).reshape(batch, num_columns, length * d))


def block_matrix(known):
    """M for a force given by its values, `(batch, d + length · m, length · d)`."""
    length, d, num_columns, batch = known.shape
    m, columns = num_columns - d, stacked(known)
    if not m:
        return columns
    # The response to f_i, seen from the start of the block: i steps of zeros, then (A^j b)ᵀ.
    response = np.zeros((batch, m, (2 * length - 1) * d))
    response[:, :, (length - 1) * d :] = columns[:, d:]
    windows = np.lib.stride_tricks.sliding_window_view(response, length * d, axis=-1)
    matrix = np.empty((batch, d + length * m, length * d))
    matrix[:, :d] = columns[:, :d]
    lower = matrix[:, d:].reshape(batch, length, m, length * d)
    lower[...] = windows[:, :, ::-d].swapaxes(1, 2)
    return matrix


def in_blocks(inputs, length):
    """[f_i f_{i+1} …] of every block, `(batch or 1, num_blocks, length · m)`, 0 after the end.

    Args:
        inputs: f, `(batch or 1, N, m)`.
        length: steps in a block.
    """
    missing = -inputs.shape[1] % length
    if missing:
        inputs = np.pad(inputs, ((0, 0), (0, missing), (0, 0)))
    num_blocks = inputs.shape[1] // length
    return inputs.reshape(len(inputs), num_blocks, length * inputs.shape[-1])


def turning(wave, time_step):
    """From one step to the next (A sin, A cos) of a sinusoid's phase is turned by ωΔt.

    Returns:
        Function of a number j of steps, or of a share of one: R^j, `(2, 2, batch or 1)`.
    """

    def turned(num_steps):
        angle = np.reshape(wave.angular_frequency * num_steps * time_step, -1)
        sine, cosine = np.sin(angle), np.cos(angle)
        return np.array([[cosine, sine], [-sine, cosine]])

    return turned


def sine_response(matrix, turned, fractions, length):
    """M of a block under F = A sin(ωt + φ), whose force is two numbers, see `sine_inputs`.

    What a force at a share of the step does is known from the two numbers at its start.

    Args:
        matrix: [A b] of one step, `(d, d + m, batch or 1)`.
        turned: as `turning` gives it, for each of the batch, or one for all.
        fractions: where in a step the force is looked at, m numbers between 0 and 1.
        length: steps in a block.

    Returns:
        `(batch or 1, d + 2, length · d)`: what state and two numbers at the start of a block,
        [s; A sin; A cos], make of all its states.
    """
    d = len(matrix)
    forces = np.stack([turned(fraction)[0] for fraction in fractions])
    driven = np.einsum("imn,mln->iln", matrix[:, d:], forces)
    free = np.broadcast_to(matrix[:, :d], (d, d, driven.shape[-1]))
    return stacked(powers(np.concatenate([free, driven], axis=1), length, turned))


def sine_inputs(wave, times):
    """u at the starts of the blocks: A sin(ωt + φ) and A cos(ωt + φ), `(batch or 1, blocks, 2)`."""
    amplitude, angular_frequency, phase = wave.columns(*wave.ensemble_parameters)
    angle = angular_frequency * times[None, :] + phase
    return np.stack([amplitude * np.sin(angle), amplitude * np.cos(angle)], axis=-1)


def is_sine(problem, times):
    """Whether two numbers describe the force in a block as exactly as its values do."""
    force = problem.force
    if problem.dimension > 1 or type(force) is not Sinusoid:
        return False
    phase = np.abs(force.angular_frequency) * np.abs(times).max() + np.abs(force.phase)
    return bool(np.max(phase) <= LARGEST_PHASE)
