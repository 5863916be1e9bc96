"""One step of least squares on the residuals of a system."""

from typing import NamedTuple

import keras

from .elimination import eliminate, orthogonal_solver, whole_jacobian
from .window_blocks import newton_step_of_readout, rounding_of_blocks

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

HALVINGS = 8
MOST_DAMPING = 1e12
ENOUGH_DAMPING = 1e-10  # above it the normal equations, refined, are as good as a QR
REFINEMENTS = 2
OWN_GRAPH = {"_noinline": True}
READOUT_STEPS = 3  # after each step of the other unknowns, where the equation is not linear
# |r|² after a step over |r|² before it, below which the step was progress. A whole step of Newton
# that does not take three quarters is nearly at its end; a halved one is still far from it.
AFTER_WHOLE_STEP, AFTER_PART_OF_STEP, AFTER_DAMPED_STEP = 0.25, 0.999, 0.99


class StepResult(NamedTuple):
    """What a step did.

    | field       | content                                                         |
    |-------------|-----------------------------------------------------------------|
    | `residuals` | r after the step                                                |
    | `progress`  | whether |r| fell markedly                                       |
    | `stuck`     | whether no further step can help                                |
    | `rounding`  | how large the rounding errors in r may be, 4 ε max_i Σ_j |B_ij A_j| |
    """

    residuals: object
    progress: object
    stuck: object
    rounding: object


def in_own_graph(function):
    """The value of a function without arguments, computed in a graph of its own.

    TensorFlow merges the branches of `tf.cond` and the bodies of loops into the graph around them.
    Where that graph needs much memory, its memory optimizer then adds into a temporary variable
    that is made even when the branch is not taken, and the next step ends in AlreadyExistsError
    (TensorFlow issue 23780).
    """
    if tf.executing_eagerly():
        return function()
    return tf.function(function, autograph=False, experimental_attributes=OWN_GRAPH)()


def residuals_of(system, batch):
    """r of a batch as a function without arguments, traced once however many graphs call it.

    The line search, its loop, and a step after training has finished each want it; making a graph
    is most of the time of a short fit.
    """
    if tf.executing_eagerly():
        return lambda: system.residuals(*batch)
    given = [x for x in batch if x is not None]

    # Not made in an `init_scope`, in which no tape records: derivatives by tapes would be 0 there.
    @tf.function(autograph=False, experimental_attributes=OWN_GRAPH)
    def of_given(*given):
        given = iter(given)
        return system.residuals(*(None if x is None else next(given) for x in batch))

    return lambda: of_given(*given)


def readout_step(system, batch, residuals_now):
    """The readout moves by −B⁺r, or by a half, a quarter, … of it, until |r| falls.

    Where r is linear in the readout the whole step is the best: a shorter one falls only by chance,
    among rounding errors.

    Args:
        system: `LeastSquaresSystem`, its readout `(W, C)`.
        batch: (x, y, sample_weight).
        residuals_now: `residuals_of(system, batch)`.

    Returns:
        `StepResult`.
    """
    step = newton_step_of_readout(system, batch)
    before = _squares(step.residual)
    old = [tf.identity(variable.value) for variable in system.readout_variables]

    def moved(fraction):
        system.set_readout(old)
        system.change_readout(fraction * step.change)
        residuals = residuals_now()
        return _squares(residuals), residuals

    def too_far(fraction, after, residuals):
        return ~(after < before) & (fraction > 0.5**HALVINGS)

    def halve(fraction, after, residuals):
        return (0.5 * fraction, *moved(0.5 * fraction))

    one = tf.ones((), before.dtype)
    fraction, after, residuals = one, *moved(one)
    if not system.is_linear_in_readout:
        fraction, after, residuals = tf.while_loop(too_far, halve, (one, after, residuals))
    falls = after < before
    tf.cond(falls, lambda: None, lambda: system.set_readout(old))
    residuals = tf.where(falls, residuals, tf.reshape(step.residual, tf.shape(residuals)))
    part = tf.constant(AFTER_PART_OF_STEP, before.dtype)
    enough = tf.where(fraction < 1.0, part, AFTER_WHOLE_STEP)
    progress = falls & (after < enough * before)
    return StepResult(residuals, progress, ~falls, step.rounding)


def solve_readout(system, batch, residuals_now=None):
    """A few readout steps, as long as |r| falls markedly; one where r is linear. Returns r."""
    residuals_now = residuals_now or residuals_of(system, batch)

    def step():
        return readout_step(system, batch, residuals_now)

    if system.is_linear_in_readout:
        return step().residuals

    def go_on(k, progress, _):
        return (k < READOUT_STEPS) & progress

    def again(k, *_):
        taken = in_own_graph(step)
        return k + 1, taken.progress, taken.residuals

    return tf.while_loop(go_on, again, (0, tf.constant(True), residuals_now()))[-1]


def projected_step(system, batch, damping, growth, residuals_now):
    """The other unknowns move by a damped step, and the readout is solved for where they end."""
    linear = system.linearise(*batch)
    solved = eliminate(linear, orthogonal_solver(linear.by_readout))
    columns = tf.reshape(solved.remaining, (-1, solved.remaining.shape[-1]))
    step, predicted = damped_step(columns[:, 1:], columns[:, :1], damping)

    def move():
        system.change_readout((solved.readout_changes[..., 1:] @ step)[..., 0])
        system.change_nonlinear(step[:, 0])
        return solve_readout(system, batch, residuals_now)

    return _tried(system, linear, move, predicted, damping, growth)


def all_weights_step(system, batch, damping, growth, residuals_now):
    """All weights move by one damped step."""
    linear = system.linearise(*batch)
    jacobian = whole_jacobian(linear)
    residual = tf.reshape(linear.residual, (-1, 1))
    step, predicted = damped_step(jacobian, residual, damping)
    num_nonlinear = linear.by_nonlinear.shape[-1]
    split = jacobian.shape[-1] - num_nonlinear

    def move():
        system.change_readout(tf.reshape(step[:split], (-1, linear.by_readout.shape[-1])))
        system.change_nonlinear(step[split:, 0])
        return residuals_now()

    return _tried(system, linear, move, predicted, damping, growth)


def damped_step(jacobian, residual, damping):
    """δ = −[J; √λ I]⁺ [r; 0], the step of Levenberg and Marquardt.

    Args:
        jacobian: J, `(R, P)`: a row for each residual, a column for each unknown.
        residual: r, `(R, 1)`.
        damping: λ, `()`, relative to the largest squared length of a column of J.

    Returns:
        Tuple: δ `(P, 1)`, and δᵀ(λδ − Jᵀr) `()`, the fall of |r|² that the linear model promises.
    """
    relative = tf.cast(damping, jacobian.dtype)
    squares = tf.reduce_sum(jacobian**2, axis=0)
    strength = relative * tf.reduce_max(squares)
    given = jacobian, residual, strength
    if jacobian.dtype == tf.float64:
        positive = tf.math.is_finite(tf.reduce_sum(squares)) & (strength > 0.0)
        fast = positive & (relative > ENOUGH_DAMPING)
        step = tf.cond(fast, lambda: _by_refinement(*given), lambda: _by_qr(*given))
    else:
        step = _by_qr(*given)
    slope = tf.matmul(jacobian, residual, transpose_a=True)
    return step, tf.reduce_sum(step * (strength * step - slope))


def _by_qr(jacobian, residual, strength):
    """The damped step from an orthogonal factorisation, whatever the condition."""
    ridge = tf.sqrt(strength) * tf.eye(jacobian.shape[-1], dtype=jacobian.dtype)
    q, r = tf.linalg.qr(tf.concat([jacobian, ridge], axis=0))
    part = tf.matmul(q[: tf.shape(jacobian)[0]], residual, transpose_a=True)
    return -tf.linalg.triangular_solve(r, part, lower=False)


def _by_refinement(jacobian, residual, strength):
    """The same from JᵀJ + λI = LLᵀ, several times faster.

    The condition of LLᵀ is at most num_weights / relative λ. Each refinement, with the residual
    r + Jδ at full precision, takes the errors of L down by that times the rounding unit.

    Reference:
        Å. Björck, Stability analysis of the method of seminormal equations for linear least
        squares problems, Linear Algebra and its Applications 88/89 (1987) 31-48.
    """
    normal = tf.matmul(jacobian, jacobian, transpose_a=True)
    factor = tf.linalg.cholesky(normal + strength * tf.eye(normal.shape[-1], dtype=normal.dtype))
    step = tf.zeros((normal.shape[-1], 1), normal.dtype)
    for _ in range(1 + REFINEMENTS):
        slope = tf.matmul(jacobian, residual + jacobian @ step, transpose_a=True)
        step -= tf.linalg.cholesky_solve(factor, slope + strength * step)
    return step


def _tried(system, linear, move, predicted, damping, growth):
    """Move, and take it back unless |r| falls; the damping follows the gain."""
    variables = [*system.readout_variables, *system.nonlinear_variables]
    before = linear.residual
    residuals, falls = accept_or_undo(variables, before, move, predicted, damping, growth)
    progress = ~falls | (_squares(residuals) < AFTER_DAMPED_STEP * _squares(before))
    stuck = tf.convert_to_tensor(damping) > MOST_DAMPING
    return StepResult(residuals, progress, stuck, rounding_of_blocks(linear, system.readout()))


def accept_or_undo(variables, before, move, predicted, damping, growth):
    """Move; Nielsen's rule: keep it and lower λ if |r| falls, else undo it and raise λ.

    Args:
        variables: all that `move` changes.
        before: r at present.
        move: function without arguments that moves and returns r after it.
        predicted: δᵀ(λδ − Jᵀr), the fall of |r|² that the linear model promises.
        damping: variable λ.
        growth: variable ν.

    Returns:
        Tuple: r of the weights that stand now, and whether |r| fell.
    """
    old = [tf.identity(variable.value) for variable in variables]
    moved = move()
    falls = _squares(moved) < _squares(before)

    def accept():
        gain = (_squares(before) - _squares(moved)) / predicted
        factor = 1.0 - (2.0 * tf.minimum(gain, 1.0) - 1.0) ** 3
        damping.assign(damping * tf.cast(tf.maximum(factor, 1.0 / 3.0), damping.dtype))
        growth.assign(2.0)

    def reject():
        for variable, value in zip(variables, old):
            variable.assign(value)
        damping.assign(damping * growth)
        growth.assign(2.0 * growth)

    tf.cond(falls, accept, reject)
    return tf.where(falls, moved, tf.reshape(before, tf.shape(moved))), falls


def _squares(values):
    return tf.reduce_sum(values**2)
