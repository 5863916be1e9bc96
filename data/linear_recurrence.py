"""Linear problems without a loop over the steps: many steps in one matrix product.

Every method moves the state of a linear problem by

    s_{i+1} = A s_i + b f_i,        f_i the force at the times the step looks at,

so that L steps after s_i, a block, are

    [s_{i+1} s_{i+2} s_{i+3} …] = [s_i f_i f_{i+1} f_{i+2} …] · M,

        | Aᵀ   (A²)ᵀ   (A³)ᵀ   … |
        | bᵀ   (A b)ᵀ  (A²b)ᵀ  … |
    M = | 0    bᵀ      (A b)ᵀ  … |
        | 0    0       bᵀ      … |
        | …                      |

The last column of M leads from the start of one block to the start of the next. That gives the
starts of all blocks, and one product with M then all states in them. The result agrees with the
step loop to rounding, about 1e-13 of the largest state.

Shapes: d = order · dimension numbers in a state, m in f (none without a force). Matrices of an
ensemble have the trajectories on their *last* axis, where NumPy works fastest, until the product.
"""

import copy

import numpy as np

from .force import Force
from .force_grid import fill_force, force_rows, is_forced
from .parts import slices
from .steppers import FORCE_FRACTIONS, STEPPERS

FREE_LENGTH, FORCED_LENGTH = 40, 20  # steps in a block: the product with M grows with its height
PART = 256  # trajectories worked on at once
PRODUCT_PART = 32  # trajectories in one product: what it writes stays in the processor's cache


def solve_linear(problem, matrix, times, time_step, method, states, force):
    """Write the states, and the force where it is not shared, of a linear problem.

    Args:
        problem: an `InitialValueProblem` whose `is_linear`.
        matrix: its `one_step_matrix`.
        times: `(N + 1,)`, in s.
        time_step: Δt, in s.
        method: name of the method.
        states: `(batch, N + 1, d)`, written to.
        force: `(batch, N + 1, dimension)`, written to.
    """
    fractions = FORCE_FRACTIONS[method] if is_forced(problem) else ()
    num_steps = len(times) - 1
    length = min(FORCED_LENGTH if fractions else FREE_LENGTH, num_steps)
    shape = (len(states), problem.dimension)
    start = np.hstack([np.broadcast_to(y, shape) for y in problem.initial_state()])

    inputs = [np.empty((1, num_steps, 0))]
    for part in slices(len(states), PART):
        own = matrix if matrix.shape[-1] == 1 else matrix[:, :, part]
        if fractions:
            rows = force_rows(problem, times, part)
            fill_force(force, part, rows)
            later = [times[:-1] + fraction * time_step for fraction in fractions[1:]]
            inputs = [rows[:, :-1]] + [force_rows(problem, t, part) for t in later]
        fill_states(states[part], start[part], own, in_blocks(inputs, length), length)


def in_blocks(inputs, length):
    """[f_i f_{i+1} …] of every block, `(batch or 1, num_blocks, length · m)`, 0 after the end.

    Args:
        inputs: list of `(batch or 1, N, dimension)`, one for each time the step looks at.
        length: steps in a block.
    """
    inputs = inputs[0] if len(inputs) == 1 else np.concatenate(inputs, axis=-1)
    missing = -inputs.shape[1] % length
    if missing:
        inputs = np.pad(inputs, ((0, 0), (0, missing), (0, 0)))
    num_blocks = inputs.shape[1] // length
    return inputs.reshape(len(inputs), num_blocks, length * inputs.shape[-1])


class UnitImpulses(Force):
    """A force that is given by its values at a few times, and by nothing between them."""

    def __init__(self, values):
        self.values = values

    def __call__(self, t, ops=np):
        return self.values[float(t)]


def step_matrix(problem, step, time_step, force_fractions):
    """[A b] of one step, found by stepping the columns of an identity matrix.

    Args:
        problem: an `InitialValueProblem` whose `is_linear`.
        step: one of the functions of `steppers`, or another function that is linear in s and f.
        time_step: Δt, in s.
        force_fractions: where in the step the force is looked at; () without a force.

    Returns:
        `(d, d + m, batch)`, or `(d, d + m, 1)` where all trajectories share it; m is
        len(force_fractions) · dimension, f holds F at each fraction.
    """
    order, dimension = problem.order, problem.dimension
    num_columns = (order + len(force_fractions)) * dimension
    parts = np.eye(num_columns).reshape(-1, dimension, 1, num_columns).transpose(0, 3, 2, 1)
    probe = copy.copy(problem)
    probe.force = None
    if force_fractions:
        times = [fraction * time_step for fraction in force_fractions]
        probe.force = UnitImpulses(dict(zip(times, parts[order:])))
    moved = np.broadcast_arrays(*step(probe, 0.0, tuple(parts[:order]), time_step))
    return np.concatenate([y.transpose(2, 0, 1) for y in moved])


def one_step_matrix(problem, time_step, method):
    """[A b] of a method for a linear problem, as `step_matrix` gives it."""
    fractions = FORCE_FRACTIONS[method] if is_forced(problem) else ()
    return step_matrix(problem, STEPPERS[method], time_step, fractions)


def powers(matrix, length):
    """A^j [A b] for j = 0 … length − 1, `(length, d, d + m, batch)`, by doubling.

    What is known, moved on by its last power of A, is as much again.
    """
    num_states = len(matrix)
    known = np.empty((length, *matrix.shape))
    known[0] = matrix
    count = 1
    while count < length:
        new = min(count, length - count)
        power = known[count - 1, :, :num_states]
        np.einsum("ijn,kjln->kiln", power, known[:new], out=known[count : count + new])
        count += new
    return known


def block_matrix(known):
    """M of the module's equation, `(batch, d + length · m, length · d)`, from the `powers`."""
    length, d, num_columns, batch = known.shape
    m = num_columns - d
    columns = known.transpose(3, 2, 0, 1).reshape(batch, num_columns, length * d)
    if not m:
        return np.ascontiguousarray(columns)
    # The response to f_i, seen from the start of the block: i steps of zeros, then (A^j b)ᵀ.
    response = np.zeros((batch, m, (2 * length - 1) * d))
    response[:, :, (length - 1) * d :] = columns[:, d:]
    windows = np.lib.stride_tricks.sliding_window_view(response, length * d, axis=-1)
    matrix = np.empty((batch, d + length * m, length * d))
    matrix[:, :d] = columns[:, :d]
    lower = matrix[:, d:].reshape(batch, length, m, length * d)
    lower[...] = windows[:, :, ::-d].swapaxes(1, 2)
    return matrix


def block_starts(start, power, adds):
    """s_0, s_L, s_2L, …: S_{k+1} = P S_k + g_k with P = A^L, g_k what the force adds in block k.

    The sums S_k = Σ_j P^j g_{k−1−j}, with s_0 before g_0, double their reach in every round.

    Args:
        start: s_0, `(batch, d)`.
        power: P, `(d, d, batch or 1)`.
        adds: g of every block, `(batch or 1, num_blocks, d)`; the last one is not needed.

    Returns:
        `(batch, num_blocks, d)`.
    """
    sums = np.empty((adds.shape[1], *start.T.shape))
    power = np.ascontiguousarray(power)
    sums[0] = start.T
    sums[1:] = adds[:, :-1].transpose(1, 2, 0)
    reach = 1
    while reach < len(sums):
        sums[reach:] += np.einsum("ijn,kjn->kin", power, sums[:-reach])
        power = np.einsum("ijn,jkn->ikn", power, power)
        reach *= 2
    return sums.transpose(2, 0, 1)


def fill_states(states, start, matrix, forces, length):
    """Write s_0 … s_N of some trajectories.

    Args:
        states: `(batch, N + 1, d)`, float64 or float32, written to.
        start: s_0, `(batch, d)`.
        matrix: [A b], `(d, d + m, batch or 1)`.
        forces: f `in_blocks`, `(batch or 1, num_blocks, L · m)`.
        length: L, steps in a block.
    """
    batch, num_times, d = states.shape
    num_blocks, height = forces.shape[1], d + forces.shape[2]
    num_whole, rest = divmod(num_times - 1, length)
    known = powers(matrix, length)
    # What the force of a block adds to its end: the last column of M below the states.
    ends = known[::-1, :, d:].transpose(3, 0, 2, 1).reshape(known.shape[-1], height - d, d)
    starts = block_starts(start, known[-1, :, :d], np.matmul(forces, ends))
    shared = block_matrix(known) if matrix.shape[-1] == 1 else None

    states[:, 0] = start
    buffer = np.empty((min(batch, PRODUCT_PART), num_blocks, height))
    for part in slices(batch, PRODUCT_PART):
        target, rows = states[part], buffer[: part.stop - part.start]
        rows[:, :, :d] = starts[part]
        rows[:, :, d:] = forces if len(forces) == 1 else forces[part]
        steps = block_matrix(known[..., part]) if shared is None else shared
        whole = target[:, 1 : 1 + num_whole * length].reshape(len(target), num_whole, length * d)
        np.matmul(rows[:, :num_whole], steps, out=whole, dtype=np.float64, casting="same_kind")
        if rest:
            last = np.matmul(rows[:, -1:], steps[:, :, : rest * d])
            target[:, -rest:] = last.reshape(len(target), rest, d)
