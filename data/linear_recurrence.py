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

Shapes: d = order · dimension numbers in a state, m in f, q in u (none without a force). Matrices
of an ensemble have the trajectories on their *last* axis, where NumPy works fastest, until M.
"""

import copy

import numpy as np

from .force import Force, select_force
from .force_grid import fill_force, force_rows, is_forced
from .forces import Sinusoid
from .parts import slices
from .steppers import FORCE_FRACTIONS, STEPPERS

# Steps in a block: the product with M grows with its height, and by force values it is L · m.
FREE_LENGTH, FORCED_LENGTH = 40, 20
PART = 250  # trajectories at once, no power of 2: a cache keeps few numbers 2ⁿ bytes apart
LARGEST_PHASE = 1e3  # above it the rounding of ωt shows, differently in u and in every F(t_i)


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
    sine = is_sine(problem, times)
    num_steps = len(times) - 1
    length = min(FORCED_LENGTH if fractions and not sine else FREE_LENGTH, num_steps)
    shape = (len(states), problem.dimension)
    start = np.hstack([np.broadcast_to(y, shape) for y in problem.initial_state()])

    for part in slices(len(states), PART):
        own = matrix if matrix.shape[-1] == 1 else matrix[:, :, part]
        if fractions:
            rows = force_rows(problem, times, part)
            fill_force(force, part, rows)
        if sine:
            wave = select_force(problem.force, part)
            response = sine_response(own, wave, time_step, fractions, length)
            inputs = sine_inputs(wave, times[:-1:length])
        elif fractions:
            later = [times[:-1] + fraction * time_step for fraction in fractions[1:]]
            rows = [rows[:, :-1]] + [force_rows(problem, t, part) for t in later]
            response = block_matrix(powers(own, length))
            inputs = in_blocks(np.concatenate(rows, axis=-1), length)
        else:
            response, inputs = block_matrix(powers(own, length)), None
        fill_states(states[part], start[part], response, inputs)


def is_sine(problem, times):
    """Whether two numbers describe the force in a block as exactly as its values do."""
    force = problem.force
    if problem.dimension > 1 or type(force) is not Sinusoid:
        return False
    phase = np.abs(force.angular_frequency) * np.abs(times).max() + np.abs(force.phase)
    return bool(np.max(phase) <= LARGEST_PHASE)


def sine_inputs(wave, times):
    """u at the starts of the blocks: A sin(ωt + φ) and A cos(ωt + φ), `(batch or 1, blocks, 2)`."""
    cosine = wave.with_parameters(phase=wave.phase + 0.5 * np.pi)
    values = (np.atleast_2d(force(times[None, :])) for force in (wave, cosine))
    return np.stack(list(values), axis=-1)


def sine_response(matrix, wave, time_step, fractions, length):
    """M under a sinusoid, `(batch or 1, d + 2, length · d)`; `matrix` is [A b]."""

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


def powers(matrix, length, turned=None):
    """A^j [A b] for j = 0 … length − 1, or [A^{j+1} C_{j+1}], `(length, d, d + m, batch)`.

    By doubling: what is known, moved on by its last power, is as much again.

    Args:
        matrix: [A b] or [A C].
        length: how many.
        turned: None, or what gives R^j for a j.
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


def block_starts(start, power, num_blocks, adds):
    """s_0, s_L, s_2L, …: S_{k+1} = P S_k + g_k with P = A^L, g_k what the force adds in block k.

    The sums S_k = Σ_j P^j g_{k−1−j}, with s_0 before g_0, double their reach in every round.

    Args:
        start: s_0, `(batch, d)`.
        power: P, `(d, d, batch or 1)`.
        num_blocks: number of blocks.
        adds: g of every block, `(batch or 1, num_blocks, d)`, or None; the last is not needed.

    Returns:
        `(batch, num_blocks, d)`.
    """
    sums = np.zeros((num_blocks, *start.T.shape))
    sums[0] = start.T
    if adds is not None:
        sums[1:] = adds[:, :-1].transpose(1, 2, 0)
    reach = 1
    while reach < num_blocks:
        sums[reach:] += np.einsum("ijn,kjn->kin", power, sums[:-reach])
        power = np.einsum("ijn,jkn->ikn", power, power)
        reach *= 2
    return sums.transpose(2, 0, 1)


def fill_states(states, start, response, inputs):
    """Write s_0 … s_N of some trajectories.

    Args:
        states: `(batch, N + 1, d)`, float64 or float32, written to.
        start: s_0, `(batch, d)`.
        response: M, `(batch or 1, d + q, L · d)`.
        inputs: u of every block, `(batch or 1, num_blocks, q)`, or None without a force.
    """
    batch, num_times, d = states.shape
    length = response.shape[-1] // d
    num_whole, rest = divmod(num_times - 1, length)
    num_blocks = num_whole + bool(rest)
    power = np.ascontiguousarray(response[:, :d, -d:].T)
    adds = None if inputs is None else np.matmul(inputs, response[:, d:, -d:])

    rows = np.empty((batch, num_blocks, response.shape[1]))
    rows[:, :, :d] = block_starts(start, power, num_blocks, adds)
    if inputs is not None:
        rows[:, :, d:] = inputs
    states[:, 0] = start
    whole = states[:, 1 : 1 + num_whole * length].reshape(batch, num_whole, length * d)
    np.matmul(rows[:, :num_whole], response, out=whole, dtype=np.float64, casting="same_kind")
    if rest:
        last = np.matmul(rows[:, -1:], response[:, :, : rest * d])
        states[:, -rest:] = last.reshape(batch, rest, d)
