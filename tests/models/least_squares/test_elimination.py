"""The linear algebra of least-squares steps against NumPy's SVD."""

import numpy as np
import pytest
import tensorflow as tf
from marks import further_but_for

from oscillator_zoo.models.least_squares.elimination import (
    Linearised,
    eliminate,
    one_window,
    orthogonal_solver,
    whole_jacobian,
)
from oscillator_zoo.models.least_squares.least_squares_steps import damped_step

XLA = pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "XLA"])


def solved(system, jit_compile=False):
    run = tf.function(
        lambda *parts: eliminate(Linearised(*parts), orthogonal_solver(parts[1])),
        jit_compile=jit_compile,
    )
    return [np.array(part) for part in run(*map(tf.constant, system))]


@XLA
def test_one_window_is_one_least_squares_problem(jit_compile):
    """20 rows, 4 + 3 unknowns, full rank: rounding times a condition of 10."""
    random = np.random.default_rng(0)
    r, readout, others = (random.normal(size=shape) for shape in ((20, 1), (20, 4), (20, 3)))
    system = one_window(*(tf.constant(part[None]) for part in (r[:, 0], readout, others)))
    remaining, changes, states = solved(system, jit_compile)
    assert states.shape == (1, 0, 4)
    columns = np.hstack([r, others])
    answer = np.linalg.lstsq(readout, -columns, rcond=None)[0]
    np.testing.assert_allclose(changes[0], answer, rtol=0, atol=1e-13)
    np.testing.assert_allclose(remaining[0], columns + readout @ answer, rtol=0, atol=1e-13)
    # What remains is a least-squares problem for q, and gives the same q as all unknowns at once.
    both = np.linalg.lstsq(np.hstack([readout, others]), -r, rcond=None)[0]
    q = np.linalg.lstsq(remaining[0][:, 1:], -remaining[0][:, :1], rcond=None)[0]
    np.testing.assert_allclose(q, both[4:], rtol=0, atol=1e-12)


def chain(random, windows=3, rows=8, size=3, others=2, states=2):
    """Numbers for every field of `Linearised`."""
    shapes = {
        "residual": (windows, rows),
        "by_readout": (windows, rows, size),
        "by_nonlinear": (windows, rows, others),
        "by_start": (windows, rows, states),
        "end_by_start": (windows, states, states),
        "end_by_readout": (windows, states, size),
        "end_by_nonlinear": (windows, states, others),
        "start_by_nonlinear": (states, others),
    }
    return Linearised(**{name: random.normal(size=shape) for name, shape in shapes.items()})


def dense(system):
    """∂r/∂(A_0, A_1, A_2, q) of three windows, every product of the chain written down."""
    B, C, M, E = system.by_readout, system.by_start, system.end_by_start, system.end_by_readout
    Q, G, S = system.by_nonlinear, system.end_by_nonlinear, system.start_by_nonlinear
    zero = np.zeros_like(B[0])
    return np.block(
        [
            [B[0], zero, zero, Q[0] + C[0] @ S],
            [C[1] @ E[0], B[1], zero, Q[1] + C[1] @ (M[0] @ S + G[0])],
            [
                C[2] @ M[1] @ E[0],
                C[2] @ E[1],
                B[2],
                Q[2] + C[2] @ (M[1] @ (M[0] @ S + G[0]) + G[1]),
            ],
        ]
    )


def test_windows_pass_on_what_moves_their_ends():
    system = chain(np.random.default_rng(1))
    found = whole_jacobian(Linearised(*map(tf.constant, system)))
    np.testing.assert_allclose(found, dense(system), rtol=0, atol=1e-12)


@XLA
def test_windows_are_solved_one_after_the_other(jit_compile):
    """The readout of a window sees the state that the windows before it leave."""
    system = chain(np.random.default_rng(2))
    remaining, changes, states = solved(system, jit_compile)
    num = 1 + system.by_nonlinear.shape[-1]
    state = np.hstack([np.zeros((2, 1)), system.start_by_nonlinear])
    for w in range(3):
        np.testing.assert_allclose(states[w], state, rtol=0, atol=1e-12)
        columns = np.hstack([system.residual[w][:, None], system.by_nonlinear[w]])
        columns = columns + system.by_start[w] @ state
        answer = np.linalg.lstsq(system.by_readout[w], -columns, rcond=None)[0]
        np.testing.assert_allclose(changes[w], answer, rtol=0, atol=1e-11)
        left = columns + system.by_readout[w] @ answer
        np.testing.assert_allclose(remaining[w], left, rtol=0, atol=1e-11)
        added = np.hstack([np.zeros((2, 1)), system.end_by_nonlinear[w]])
        state = system.end_by_start[w] @ state + system.end_by_readout[w] @ answer + added
    assert remaining.shape == (3, 8, num)
    # The same seen from outside: a change of q with these answers leaves what is said to remain.
    q = np.array([1.0, 0.3, -0.2])
    unknowns = np.concatenate([(changes @ q).ravel(), q[1:]])
    total = system.residual.ravel() + dense(system) @ unknowns
    np.testing.assert_allclose((remaining @ q).ravel(), total, rtol=0, atol=1e-11)


def test_columns_of_zeros_and_of_any_length_are_solved():
    """Columns are scaled to length 1: 1e-12 and 1e12 beside each other cost no digits."""
    random = np.random.default_rng(3)
    scales = np.array([1e-12, 1.0, 1e12, 0.0])
    matrix, y = random.normal(size=(9, 4)) * scales, random.normal(size=(9, 1))
    answer, left = orthogonal_solver(tf.constant(matrix[None]))(tf.constant(y[None]))
    expected = np.linalg.lstsq(matrix[:, :3] / scales[:3], -y, rcond=None)[0]
    np.testing.assert_allclose(answer[0, :3, 0] * scales[:3], expected[:, 0], rtol=1e-12)
    assert answer[0, 3, 0] == 0.0
    np.testing.assert_allclose(left[0], y + matrix[:, :3] @ np.array(answer[0, :3]), atol=1e-12)


@XLA
@pytest.mark.parametrize("damping", [1e-3, 2e-10, 1e-11])
def test_damped_step_is_that_of_numpy(damping, jit_compile):
    random = np.random.default_rng(4)
    jacobian, r = random.normal(size=(30, 6)), random.normal(size=(30, 1))
    run = tf.function(damped_step, jit_compile=jit_compile)
    step, predicted = run(*map(tf.constant, (jacobian, r, np.float64(damping))))
    strength = damping * (jacobian**2).sum(axis=0).max()
    tall = np.vstack([jacobian, np.sqrt(strength) * np.eye(6)])
    expected = np.linalg.lstsq(tall, -np.vstack([r, np.zeros((6, 1))]), rcond=None)[0]
    np.testing.assert_allclose(step, expected, rtol=0, atol=1e-13)
    slope = strength * expected - jacobian.T @ r
    np.testing.assert_allclose(predicted, (expected * slope).sum(), rtol=1e-12)


def test_damped_step_of_float32_is_as_good_as_float32():
    random = np.random.default_rng(4)
    jacobian = random.normal(size=(30, 6)).astype("float32")
    r = random.normal(size=(30, 1)).astype("float32")
    step, _ = damped_step(*map(tf.constant, (jacobian, r, np.float64(1e-3))))
    strength = 1e-3 * (jacobian**2).sum(axis=0).max()
    tall = np.vstack([jacobian, np.sqrt(strength) * np.eye(6)])
    expected = np.linalg.lstsq(tall, -np.vstack([r, np.zeros((6, 1))]), rcond=None)[0]
    assert step.dtype == "float32"
    np.testing.assert_allclose(step, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
@XLA
@pytest.mark.parametrize("damping", further_but_for([1e-3, 2e-10, 1e-12], 2e-10))
def test_damped_step_does_not_lose_digits_of_an_ill_conditioned_jacobian(damping, jit_compile):
    """Columns that differ by 1e8 and are nearly dependent: plain normal equations lose the step."""
    random = np.random.default_rng(8)
    jacobian = ill_conditioned(random, 1e9, 400, 60) * np.logspace(0, -8, 60)
    r = random.normal(size=(400, 1))
    run = tf.function(damped_step, jit_compile=jit_compile)
    step, _ = run(*map(tf.constant, (jacobian, r, np.float64(damping))))
    strength = damping * (jacobian**2).sum(axis=0).max()
    tall = np.vstack([jacobian, np.sqrt(strength) * np.eye(60)])
    expected = np.linalg.lstsq(tall, -np.vstack([r, np.zeros((60, 1))]), rcond=None)[0]
    condition = 1.0 / np.sqrt(damping)
    np.testing.assert_allclose(step, expected, rtol=0, atol=1e-14 * condition * abs(expected).max())


@pytest.mark.parametrize("jacobian", [np.zeros((5, 2)), np.full((5, 2), np.nan)], ids=str)
def test_a_jacobian_that_says_nothing_gives_no_step(jacobian):
    step, _ = tf.function(damped_step)(
        *map(tf.constant, (jacobian, np.ones((5, 1)), np.float64(1e-3)))
    )
    assert not np.isfinite(step).any()


def ill_conditioned(random, condition=1e14, rows=128, size=61):
    """U diag(s) Vᵀ with s from 1 to 1/condition."""
    left = np.linalg.qr(random.normal(size=(rows, size)))[0]
    right = np.linalg.qr(random.normal(size=(size, size)))[0]
    return left * np.logspace(0.0, -np.log10(condition), size) @ right.T


@pytest.mark.slow
@XLA
def test_no_digits_are_lost_with_a_condition_of_1e14(jit_compile):
    """What a readout solve can reach shows in |r|: QR leaves 1e-13 of it where normal equations
    leave 1e-8, and TensorFlow's SVD under XLA 2e-6."""
    random = np.random.default_rng(5)
    matrix = ill_conditioned(random)
    y = -matrix @ random.normal(size=(61, 1))
    left = tf.function(
        lambda m, y: orthogonal_solver(m)(y), jit_compile=jit_compile
    )(tf.constant(matrix[None]), tf.constant(y[None]))  # fmt: skip
    answer, remaining = (np.array(part[0]) for part in left)
    assert np.linalg.norm(y + matrix @ answer) < 3e-13 * np.linalg.norm(y)
    assert np.linalg.norm(remaining) < 3e-13 * np.linalg.norm(y)
    step, _ = tf.function(damped_step, jit_compile=jit_compile)(
        *map(tf.constant, (matrix, y, np.float64(1e-28)))
    )
    assert np.linalg.norm(y + matrix @ np.array(step)) < 3e-13 * np.linalg.norm(y)
