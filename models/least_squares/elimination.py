"""Least squares in which the readout is solved for, window after window."""

from typing import NamedTuple

import keras
import numpy as np

from .memory import check_bytes

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

ROUNDING = 45.0  # √λ of a readout solve, in machine epsilons, relative to columns of length 1


class Eliminated(NamedTuple):
    """What is left of `Linearised` with every readout solved for, for each column of [r, ∂r/∂q].

    | field             | content                                       | shape         |
    |-------------------|-----------------------------------------------|---------------|
    | `remaining`       | P_w ŷ_w, the residual and its derivatives     | (W, R, 1 + Q) |
    | `readout_changes` | a_w, of the readouts                          | (W, C, 1 + Q) |
    | `start_changes`   | S_w, of the states at the starts of windows   | (W, K, 1 + Q) |
    """

    remaining: object
    readout_changes: object
    start_changes: object


class Linearised(NamedTuple):
    """Residuals of W windows and their derivatives; s_w is the state at the start of window w.

        r_w(A_w, s_w, q),   s_{w+1} = M_w s_w + (what window w adds: E_w A_w, G_w q)

    | field                | content                                 | shape     |
    |----------------------|-----------------------------------------|-----------|
    | `residual`           | r_w                                     | (W, R)    |
    | `by_readout`         | B_w = ∂r_w/∂A_w                         | (W, R, C) |
    | `by_nonlinear`       | ∂r_w/∂q, q the other unknowns           | (W, R, Q) |
    | `by_start`           | C_w = ∂r_w/∂s_w                         | (W, R, K) |
    | `end_by_start`       | M_w = ∂s_{w+1}/∂s_w                     | (W, K, K) |
    | `end_by_readout`     | E_w = ∂s_{w+1}/∂A_w                     | (W, K, C) |
    | `end_by_nonlinear`   | G_w = ∂s_{w+1}/∂q                       | (W, K, Q) |
    | `start_by_nonlinear` | ∂s_0/∂q                                 | (K, Q)    |

    One window has K = 0.
    """

    residual: object
    by_readout: object
    by_nonlinear: object
    by_start: object
    end_by_start: object
    end_by_readout: object
    end_by_nonlinear: object
    start_by_nonlinear: object


def one_window(residual, by_readout, by_nonlinear):
    """`Linearised` without states to pass on: `(1, R)`, `(1, R, C)`, `(1, R, Q)`."""
    num_rows, num_nonlinear = tf.shape(residual)[1], by_nonlinear.shape[-1]

    def empty(*shape):
        return tf.zeros(shape, residual.dtype)

    return Linearised(
        residual,
        by_readout,
        by_nonlinear,
        by_start=empty(1, num_rows, 0),
        end_by_start=empty(1, 0, 0),
        end_by_readout=empty(1, 0, by_readout.shape[-1]),
        end_by_nonlinear=empty(1, 0, num_nonlinear),
        start_by_nonlinear=empty(0, num_nonlinear),
    )


def eliminate(linear, solve):
    """What the residuals are once every readout is solved for.

    For each column y of [r, ∂r/∂q], window after window,

        ŷ_w = y_w + C_w S_w,   a_w = −B_w⁺ ŷ_w,   S_{w+1} = M_w S_w + E_w a_w + [0, G_w]

    so that to first order A_w + a_w · (1, δq) solves the readout for any δq, with the remaining
    residual P_w ŷ_w · (1, δq), P = I − B B⁺ (Golub and Pereyra; Kaufman's approximation leaves
    out how P changes with q).

    Args:
        linear: `Linearised`.
        solve: `orthogonal_solver` of `linear.by_readout`.

    Returns:
        `Eliminated`.
    """
    if linear.by_start.shape[-1] == 0:
        changes, remaining = solve(_columns(linear))
        return Eliminated(remaining, changes, tf.zeros_like(changes[:, :0]))
    solved, remaining, by_state = solve_windows(linear, solve)
    states = carried_states(solved, linear.start_by_nonlinear)
    changes = solved.answer + solved.feedback @ states
    return Eliminated(remaining + by_state @ states, changes, states)


class SolvedWindows(NamedTuple):
    """The readouts of W windows as functions of the states at their starts.

        a_w = answer + feedback S_w,   S_{w+1} = move S_w + added

    | field      | shape          |
    |------------|----------------|
    | `answer`   | (W, C, 1 + Q)  |
    | `feedback` | (W, C, K)      |
    | `move`     | (W, K, K)      |
    | `added`    | (W, K, 1 + Q)  |
    """

    answer: object
    feedback: object
    move: object
    added: object


def solve_windows(linear, solve):
    """`SolvedWindows`, and the two parts of the remaining residual, P_w y_w and P_w C_w."""
    columns = _columns(linear)
    own, rest = solve(tf.concat([columns, linear.by_start], axis=-1))
    num = columns.shape[-1]
    answer, feedback = own[..., :num], own[..., num:]
    zero = tf.zeros_like(linear.end_by_start[..., :1])
    added = tf.concat([zero, linear.end_by_nonlinear], axis=-1)
    added += linear.end_by_readout @ answer
    moved = linear.end_by_start + linear.end_by_readout @ feedback
    return SolvedWindows(answer, feedback, moved, added), rest[..., :num], rest[..., num:]


def carried_states(solved, start):
    """S_w at the starts of the windows `(W, K, 1 + Q)`, from ∂s_0/∂q `(K, Q)`."""
    first = tf.concat([tf.zeros_like(solved.move[0, ..., :1]), start], axis=-1)
    if solved.move.shape[0] == 1:
        return first[None]
    later = tf.scan(
        lambda state, step: step[0] @ state + step[1], (solved.move[:-1], solved.added[:-1]), first
    )
    return tf.concat([first[None], later], axis=0)


def _columns(linear):
    return tf.concat([linear.residual[..., None], linear.by_nonlinear], axis=-1)


def orthogonal_solver(matrix):
    """Least squares by QR: a function y ↦ (−B⁺ y, y − B B⁺ y), with B⁺ very slightly damped.

        [B D⁻¹; √λ I] = Q R,   B⁺ = D⁻¹ R⁻¹ Q₁ᵀ

    with D the lengths of the columns and √λ = 1e-14 in float64.

    Without the √λ a matrix of many similar waves, of condition 1e16, gives answers of any size;
    the normal equations BᵀB a = −Bᵀy would square that condition.

    Args:
        matrix: B, `(…, R, C)`.
    """
    lengths = tf.sqrt(tf.reduce_sum(matrix**2, axis=-2, keepdims=True))
    lengths = tf.where(lengths > 0.0, lengths, tf.ones_like(lengths))
    size = matrix.shape[-1]
    damping = ROUNDING * epsilon(matrix.dtype)
    ridge = damping * tf.eye(size, batch_shape=tf.shape(matrix)[:-2], dtype=matrix.dtype)
    q, r = tf.linalg.qr(tf.concat([matrix / lengths, ridge], axis=-2))
    top = q[..., : tf.shape(matrix)[-2], :]

    def solve(y):
        part = tf.matmul(top, y, transpose_a=True)
        answer = tf.linalg.triangular_solve(r, part, lower=False)
        return -answer / tf.linalg.matrix_transpose(lengths), y - top @ part

    return solve


def epsilon(dtype):
    """Distance from 1 to the next number, 2.2e-16 in float64."""
    return float(np.finfo(tf.as_dtype(dtype).as_numpy_dtype).eps)


def whole_jacobian(linear):
    """∂r/∂(A_0, …, A_{W−1}, q), `(W·R, W·C + Q)`: the windows pass on what moves their ends."""
    num_windows, _, size = linear.by_readout.shape
    num_nonlinear = linear.by_nonlinear.shape[-1]
    in_window, columns = linear.by_readout.shape[1], num_windows * size + num_nonlinear
    if in_window is not None:  # three matrices of float64 at once
        num_bytes = 24.0 * num_windows * in_window * columns
        check_bytes(num_bytes, f"all weights at once, {columns} of them")
    state = tf.pad(linear.start_by_nonlinear, [[0, 0], [num_windows * size, 0]])
    rows = []
    for w in range(num_windows):
        room = [[0, 0], [w * size, (num_windows - 1 - w) * size + num_nonlinear]]
        left = [[0, 0], [num_windows * size, 0]]
        own = tf.pad(linear.by_readout[w], room) + tf.pad(linear.by_nonlinear[w], left)
        rows.append(own + linear.by_start[w] @ state)
        state = linear.end_by_start[w] @ state + tf.pad(linear.end_by_readout[w], room)
        state += tf.pad(linear.end_by_nonlinear[w], left)
    return tf.concat(rows, axis=0)
