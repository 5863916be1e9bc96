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
    d = len(matrix)
    known = np.empty((length, *matrix.shape))
    known[0] = matrix
    count = 1
    while count < length:
        first = known[: min(count, length - count)]
        new = known[count : count + len(first)]
        if turned is None:
            np.einsum("ijn,kjln->kiln", known[count - 1, :, :d], first, out=new)
        else:
            np.einsum("kijn,jln->kiln", first[:, :, :d], known[count - 1], out=new)
            new[:, :, d:] += np.einsum("kijn,jln->kiln", first[:, :, d:], turned(count))
        count += len(first)
    return known


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


def sine_response(matrix, wave, time_step, fractions, length):
    """M of a block under F = A sin(ωt + φ), whose force is two numbers, see `sine_inputs`.

    From one step to the next (A sin, A cos) of the phase is turned by ωΔt; so what a force at a
    share of the step does is known from the two at its start.

    Args:
        matrix: [A b] of one step, `(d, d + m, batch or 1)`.
        wave: `Sinusoid`, with its numbers for each of the batch, or one for all.
        time_step: Δt, in s.
        fractions: where in a step the force is looked at, m numbers between 0 and 1.
        length: steps in a block.

    Returns:
        `(batch or 1, d + 2, length · d)`: what state and two numbers at the start of a block,
        [s; A sin; A cos], make of all its states.
    """

    def turned(num_steps):
        """R^num_steps, `(2, 2, batch or 1)`."""
        angle = np.reshape(wave.angular_frequency * num_steps * time_step, -1)
        sine, cosine = np.sin(angle), np.cos(angle)
        return np.array([[cosine, sine], [-sine, cosine]])

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
