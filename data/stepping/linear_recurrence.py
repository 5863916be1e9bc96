"""Linear problems without a loop over the steps: many steps in one matrix product.

Every method moves the state of a linear problem by

    s_{i+1} = A s_i + b f_i,        f_i the force at the times the step looks at,

so that L steps after s_i, a block, are

    [s_{i+1} s_{i+2} s_{i+3} …] = [s_i u_i] · M

with numbers u_i that describe the force in the block: its values, or for a sinusoid just two,

    u_i = [f_i f_{i+1} f_{i+2} …]              u_i = [A sin(ωt_i + φ)  A cos(ωt_i + φ)]

        | Aᵀ   (A²)ᵀ   (A³)ᵀ   … |
        | bᵀ   (A b)ᵀ  (A²b)ᵀ  … |                 | Aᵀ  (A²)ᵀ  (A³)ᵀ  … |
    M = | 0    bᵀ      (A b)ᵀ  … |             M = | Cᵀ  (C₂)ᵀ  (C₃)ᵀ  … |
        | 0    0       bᵀ      … |
        | …                      |             C_{j+1} = A C_j + C Rʲ, R turning u by ωΔt.

The last column of M leads from the start of one block to the start of the next. That gives the
starts of all blocks, and one product with M then all states in them. The result agrees with the
step loop to rounding, about 1e-13 of the largest state.

Where steps are cut at jumps of the force (module `smooth_steps`), u_i = [g_i g_{i+1} …] with what
the force adds in each step, g_i, and b = 1. The free part of the motion still takes whole steps:
there the step loop differs by as little as one step errs.

Shapes: d = order · dimension numbers in a state, m in f, q in u (none without a force). Matrices
of an ensemble have the trajectories on their *last* axis, where NumPy works fastest, until M.
"""

import concurrent.futures
import contextvars
import os

import numpy as np

from ..forces.force_grid import KNOWN, force_rows, is_forced, slices
from .block_response import (
    after,
    block_matrix,
    in_blocks,
    is_sine,
    powers,
    sine_inputs,
    sine_response,
    stacked,
    turning,
)
from .smooth_steps import response_in_pieces, split_steps
from .step_matrix import rates, step_matrix
from .steppers import FORCE_FRACTIONS, ORDERS

# Steps in a block: the product with M grows with its height, of force values L · m of it.
FREE_LENGTH, FORCED_LENGTH = 40, 20
PART = 500  # trajectories at once, no power of 2: a cache keeps few numbers 2ⁿ bytes apart
LARGE_PART = 1000  # of an ensemble that all cores share: half as many turns at Python
MANY = 4 * LARGE_PART  # trajectories: starting threads takes as long as a hundred of them


def solve_linear(problem, matrix, times, time_step, method, dtype):
    """The states of a linear problem, `(batch, N + 1, d)`.

    Args:
        problem: an `InitialValueProblem` whose `is_linear`.
        matrix: its `one_step_matrix`.
        times: `(N + 1,)`, in s.
        time_step: Δt, in s.
        method: name of the method.
        dtype: of the states, and of the products with M.
    """
    fractions = FORCE_FRACTIONS[method] if is_forced(problem) else ()
    pieces = split_steps(problem, times) if fractions and ORDERS[method] > 1 else None
    has_values = fractions and (pieces is not None or not is_sine(problem, times))
    shape = (problem.ensemble_size or 1, problem.dimension)
    start = np.hstack([np.broadcast_to(y, shape) for y in problem.initial_state()])
    states = np.empty((len(start), len(times), start.shape[1]), dtype)

    def fill(part):
        own = matrix if matrix.shape[-1] == 1 else matrix[:, :, part]
        if has_values:
            looks = [times[:-1] + fraction * time_step for fraction in fractions]
            inputs = np.concatenate([force_rows(problem, t, part) for t in looks], axis=-1)
            if pieces is not None:
                own, inputs = with_cut_steps(problem, own, inputs, pieces, part)
            blocks = blocks_of_values(own, start[part], inputs)
        else:
            wave = problem.force.members(part) if fractions else None
            blocks = blocks_of_wave(own, start[part], wave, times, time_step, fractions)
        fill_states(states[part], *blocks)

    is_ours = all(force is None or type(force) in KNOWN for force in problem.coordinate_forces)
    if len(states) < MANY or pieces is not None or not is_ours:  # a user's code sees one thread
        for part in slices(len(states), PART):
            fill(part)
    else:
        on_all_cores(fill, slices(len(states), LARGE_PART))
    return states


def on_all_cores(function, parts):
    """Call a function with each part, in threads that see what NumPy was told to do of errors."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        runs = [threads.submit(contextvars.copy_context().run, function, part) for part in parts]
        for run in runs:
            run.result()


def blocks_of_values(matrix, start, inputs):
    """What `fill_states` makes the states of, under a force that is given by its values.

    Args:
        matrix: [A b] of one step, `(d, d + m, batch or 1)`.
        start: s_0, `(batch, d)`.
        inputs: f, `(batch or 1, N, m)`.

    Returns:
        Tuple of the starts of the blocks `(num_blocks, d, batch)`, M `(batch or 1, d + q, L · d)`
        and u `(batch or 1, num_blocks, q)`.
    """
    d, length = len(matrix), min(FORCED_LENGTH, inputs.shape[1])
    response = block_matrix(powers(matrix, length))
    inputs = in_blocks(inputs, length)
    power = np.ascontiguousarray(response[:, :d, -d:].T)
    return summed_starts(start, power, inputs @ response[:, d:, -d:]), response, inputs


def blocks_of_wave(matrix, start, wave, times, time_step, fractions):
    """As `blocks_of_values`, under a sinusoid, or without a force, where q = 0.

    Args:
        matrix: [A b] of one step, `(d, d + m, batch or 1)`.
        start: s_0, `(batch, d)`.
        wave: `Sinusoid`, or None.
        times: `(N + 1,)`, in s.
        time_step: Δt, in s.
        fractions: where in a step the force is looked at.
    """
    d, length = len(matrix), min(FREE_LENGTH, len(times) - 1)
    begin = times[:-1:length]
    if wave is None:
        response, inputs = stacked(powers(matrix, length)), np.empty((1, len(begin), 0))
        turned = None
    else:
        turned = turning(wave, time_step)
        response = sine_response(matrix, turned, fractions, length)
        inputs = sine_inputs(wave, begin)
    step = np.ascontiguousarray(response[:, :, -d:].T)
    return turned_starts(start, step, inputs, turned, length), response, inputs


def with_cut_steps(problem, matrix, inputs, pieces, part):
    """[A 1] and what the force adds in each step, for steps some of which are cut into pieces.

    Args:
        problem: an `InitialValueProblem` whose `is_linear`.
        matrix: [A b] of a whole step, `(d, d + m, batch or 1)`.
        inputs: f of every step, `(batch or 1, N, m)`.
        pieces: `Pieces`.
        part: slice of the trajectories.

    Returns:
        Tuple `(d, d + d, batch or 1)`, `(batch or 1, N, d)`.
    """
    d = len(matrix)
    adds = np.matmul(inputs, matrix[:, d:].T)
    equation = step_matrix(problem, rates, 1.0, (0.0,))
    equation = equation if equation.shape[-1] == 1 else equation[:, :, part]
    adds[:, np.unique(pieces.step)] = response_in_pieces(
        equation, lambda times: force_rows(problem, times, part), pieces, len(adds)
    )
    unit = np.broadcast_to(np.eye(d)[..., None], (d, d, matrix.shape[-1]))
    return np.concatenate([matrix[:, :d], unit], axis=1), adds


def summed_starts(start, power, adds):
    """s_0, s_L, s_2L, …: S_{k+1} = P S_k + g_k with P = A^L, g_k what the force adds in block k.

    The sums S_k = Σ_j P^j g_{k−1−j}, with s_0 before g_0, double their reach in every round.

    Args:
        start: s_0, `(batch, d)`.
        power: P, `(d, d, batch or 1)`.
        adds: g of every block, `(batch or 1, num_blocks, d)`; the last is not needed.

    Returns:
        `(num_blocks, d, batch)`.
    """
    sums = np.empty((adds.shape[1], *start.T.shape))
    sums[0] = start.T
    sums[1:] = adds[:, :-1].transpose(1, 2, 0)
    reach = 1
    while reach < len(sums):
        sums[reach:] += np.einsum("ijn,kjn->kin", power, sums[:-reach])
        power = np.einsum("ijn,jkn->ikn", power, power)
        reach *= 2
    return sums


def turned_starts(start, step, inputs, turned, length):
    """As `summed_starts`, where u moves on by itself: what is known doubles in every round.

    Args:
        start: s_0, `(batch, d)`.
        step: [P C] of a block, `(d, d + q, batch or 1)`.
        inputs: u of every block, `(batch or 1, num_blocks, q)`.
        turned: function that `turning` gives, or None without a force.
        length: steps in a block.
    """
    d, count = len(step), 1
    rows = np.empty((inputs.shape[1], step.shape[1], len(start)))
    rows[0, :d] = start.T
    rows[:, d:] = inputs.transpose(1, 2, 0)
    while count < len(rows):
        known = rows[: min(count, len(rows) - count)]
        np.einsum("ijn,kjn->kin", step, known, out=rows[count : count + len(known), :d])
        step = after(step, step, turned and turned(count * length))
        count += len(known)
    return rows[:, :d]


def fill_states(states, starts, response, inputs):
    """Write s_0 … s_N of some trajectories.

    The starts of the blocks are known in float64, so that in float32 errors do not add up from
    block to block.

    Args:
        states: `(batch, N + 1, d)`, float64 or float32, written to.
        starts: s_0, s_L, s_2L, …, `(num_blocks, d, batch)`.
        response: M, `(batch or 1, d + q, L · d)`.
        inputs: u of every block, `(batch or 1, num_blocks, q)`.
    """
    batch, num_times, d = states.shape
    length = response.shape[-1] // d
    num_whole, rest = divmod(num_times - 1, length)
    rows = np.empty((batch, len(starts), response.shape[1]), states.dtype)
    rows[:, :, :d] = starts.transpose(2, 0, 1)
    rows[:, :, d:] = inputs
    response = response.astype(states.dtype, copy=False)
    states[:, 0] = starts[0].T
    whole = states[:, 1 : 1 + num_whole * length].reshape(batch, num_whole, length * d)
    np.matmul(rows[:, :num_whole], response, out=whole)
    if rest:
        last = np.matmul(rows[:, -1:], response[:, :, : rest * d])
        states[:, -rest:] = last.reshape(batch, rest, d)
