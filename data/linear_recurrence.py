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

The last column of M leads from the start of one block to the start of the next: a loop over the
blocks finds their starts, one product with M then gives all states of all blocks. The result
agrees with the step loop to rounding, about 1e-13 of the largest state.

Shapes: d = order · dimension numbers in a state, m in f (none without a force). Matrices of an
ensemble have the trajectories on their *last* axis, where NumPy works fastest, until the product.
"""

import copy

import numpy as np

from .force import Force
from .force_grid import fill_force, force_rows, is_forced
from .parallel import in_parts, slices
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
    num_steps = len(times) - 1
    fractions = FORCE_FRACTIONS[method] if is_forced(problem) else ()
    length = min(FORCED_LENGTH if fractions else FREE_LENGTH, num_steps)
    shape = (len(states), problem.dimension)
    start = np.hstack([np.broadcast_to(y, shape) for y in problem.initial_state()])

    def solve(part):
        own = matrix if matrix.shape[-1] == 1 else matrix[:, :, part]
        inputs = np.empty((1, num_steps, 0))
        with np.errstate(over="ignore", invalid="ignore"):  # the caller looks for lost motions
            if fractions:
                rows = force_rows(problem, times, part)
                fill_force(force, part, rows)
                later = [times[:-1] + fraction * time_step for fraction in fractions[1:]]
                inputs = [rows[:, :-1]] + [force_rows(problem, t, part) for t in later]
                inputs = np.concatenate(inputs, axis=-1) if later else inputs[0]
            fill_states(states[part], start[part], own, inputs, length)

    in_parts(solve, len(states), PART)


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
    matrix = np.zeros((batch, d + length * m, length * d))
    matrix[:, :d] = columns[:, :d]
    if m:
        for i in range(length):  # the force of step i acts from step i on
            first = d + i * m
            matrix[:, first : first + m, i * d :] = columns[:, d:, : (length - i) * d]
    return matrix


def block_starts(start, known, forces, num_blocks):
    """s_0, s_L, s_2L, …: S_{k+1} = P S_k + g_k with P = A^L, g_k what the force adds in block k.

    The sums S_k = Σ_j P^j g_{k−1−j}, with s_0 before g_0, double their reach in every round.

    Args:
        start: s_0, `(batch, d)`.
        known: `powers` for the steps of a block.
        forces: f of whole blocks, `(batch or 1, num_whole, L · m)`.
        num_blocks: how many starts.

    Returns:
        `(batch, num_blocks, d)`.
    """
    batch, d = start.shape
    sums = np.zeros((num_blocks, d, batch))
    sums[0] = start.T
    if forces.shape[-1]:
        adds = known[::-1, :, d:].transpose(3, 0, 2, 1).reshape(known.shape[-1], -1, d)
        sums[1:] = np.matmul(forces[:, : num_blocks - 1], adds).transpose(1, 2, 0)
    power = np.ascontiguousarray(known[-1, :, :d])
    reach = 1
    while reach < num_blocks:
        sums[reach:] += np.einsum("ijn,kjn->kin", power, sums[:-reach])
        power = np.einsum("ijn,jkn->ikn", power, power)
        reach *= 2
    return sums.transpose(2, 0, 1)


def fill_states(states, start, matrix, inputs, length):
    """Write s_0 … s_N of some trajectories.

    Args:
        states: `(batch, N + 1, d)`, float64 or float32, written to.
        start: s_0, `(batch, d)`.
        matrix: [A b], `(d, d + m, batch)` or `(d, d + m, 1)`.
        inputs: f_0 … f_{N−1}, `(batch, N, m)` or `(1, N, m)`.
        length: L, steps in a block.
    """
    batch, num_times, d = states.shape
    m = inputs.shape[-1]
    num_whole, rest = divmod(num_times - 1, length)
    num_blocks = num_whole + bool(rest)
    whole = num_whole * length
    known = powers(matrix, length)
    forces = inputs[:, :whole].reshape(len(inputs), num_whole, length * m)
    starts = block_starts(start, known, forces, num_blocks)
    own = matrix.shape[-1] > 1
    steps = None if own else block_matrix(known)

    states[:, 0] = start
    buffer = np.empty((min(batch, PRODUCT_PART), num_blocks, d + length * m))
    for part in slices(batch, PRODUCT_PART):
        target, f = states[part], slice(None) if len(inputs) == 1 else part
        rows = buffer[: len(target)]  # [s_i f_i f_{i+1} …]
        rows[:, :, :d] = starts[part]
        rows[:, :num_whole, d:] = forces[f]
        steps = block_matrix(known[..., part]) if own else steps
        np.matmul(
            rows[:, :num_whole],
            steps,
            out=target[:, 1 : 1 + whole].reshape(len(target), num_whole, length * d),
            dtype=np.float64,
            casting="same_kind",
        )
        if rest:
            late, height = inputs[f, whole:], d + rest * m
            rows[:, -1, d:height] = late.reshape(len(late), rest * m)
            last = np.matmul(rows[:, -1:, :height], steps[:, :height, : rest * d])
            target[:, -rest:] = last.reshape(len(target), rest, d)
