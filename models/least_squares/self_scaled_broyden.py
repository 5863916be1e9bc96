"""Quasi-Newton training of all weights: self-scaled Broyden methods with a line search."""

import keras
import numpy as np

from oscillator_zoo.data.checks import real_value

from .line_search import SHORTEST, LinePoint, Objective, search
from .whole_batch_optimizer import FLOOR, RUNNING, STALLED, TOLERANCE, WholeBatchOptimizer

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

MOST_WEIGHTS = 8192  # H of 0.5 GB, and three times that while it is changed
# Of one window that is trained on its own: 100 to 600 where one mass moves, more where four do.
# With at most 800 a pendulum of 1 m from 2.5 rad ended at a residual of 1.2e-6 m/s², with 1500 at
# 4e-7.
STAGE_STEPS = 2000
# Share of the tolerance that a window is trained to. x'' = −x over 10 s is then wrong by 1e-8 m at
# ε = 1e-6 m/s² (with half of it 5e-8 m), and Duffing over 20π s by 1e-7 of its motion.
INSIDE = 0.1


@keras.saving.register_keras_serializable("oscillator_zoo")
class SelfScaledBroyden(WholeBatchOptimizer):
    """Trains all weights of a `LeastSquaresModel` by the gradient of its cost, and what it teaches.

    Each step goes downhill along d = −H g, with the gradient g and an estimate H of the inverse
    Hessian, as far as a line search says (strong Wolfe conditions). What the step s and the
    change y of the gradient tell of the curvature goes into H:

        H ← [H − H y yᵀH / (yᵀH y) + φ v vᵀ] / τ + s sᵀ / (sᵀy),
        v = √(yᵀH y) [s / (sᵀy) − H y / (yᵀH y)]

    φ = τ = 1 is BFGS. With `scaling` both follow from a = h b − 1, h = yᵀH y / sᵀy and
    b = −α sᵀg / sᵀy (α the length of the step, n the number of weights):

        c = √(a / (1 + a)),   ρ = min(1, h (1 − c)),   θ⁻ = (ρ − 1)/a,   θ⁺ = 1/ρ
        θ = max(θ⁻, min(θ⁺, (1 − b)/b)),   σ = 1 + a θ,   φ = (1 − θ)/σ
        τ = ρ min(σ^(−1/(n−1)), 1/θ) for θ > 0, else min(ρ σ^(−1/(n−1)), σ)

    which is what lets a physics-informed network follow its gradient down to residuals of 1e-6 and
    below, where Adam stays at 1e-2 and BFGS takes ten times as long.

    The batch is all of the data, in float64, and the same in every step (arrays are given so by
    `fit` itself). Training stops by itself, and `stop_reason` says why: "tolerance met", "rounding
    floor" (curvature is lost in the rounding of the gradient), or "stalled" (no step goes
    downhill, not even along the gradient). H is n × n numbers, part of the optimizer, and saved
    with the model: training goes on from a file as if it had not stopped.

    A `PINN(…, learned=True)` is trained window after window: each step of `fit` trains the weights
    of one window to a tenth of the tolerance, or as far as gradients lead in float64, in at most
    2000 steps of its own, before the next one begins where it ends. H is then that of one window,
    and is in no file.

    Args:
        scaling: False for BFGS.
        tolerance: ε ≥ 0, of the largest residual, in the unit of the residuals.
        name: name of the optimizer.

    Raises:
        ValueError: for a model of more than 8192 weights, or one that is no `LeastSquaresModel`:
            Keras's own `train_step` hands an optimizer one gradient, and a line search needs the
            cost at several places.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator
    >>> from oscillator_zoo.models import PINN, SelfScaledBroyden
    >>> pinn = PINN(DampedOscillator(damping=0.2), duration=2.0, hidden_units=(10,), seed=1)
    >>> pinn.compile(SelfScaledBroyden(tolerance=1e-3))
    >>> history = pinn.fit(pinn.collocation_points(40), epochs=9, verbose=0)
    >>> pinn.stop_reason
    'tolerance met'

    Reference:
        M. Al-Baali, H. Khalfan, "A combined class of self-scaling and modified quasi-Newton
        methods", Computational Optimization and Applications 52 (2012). J. F. Urbán, P. Stefanou,
        J. A. Pons, "Unveiling the optimization process of physics informed neural networks",
        arXiv 2405.04230 (2024).
    """

    num_stages = None  # windows that are trained one after another; None: all weights at once

    def __init__(self, scaling=True, tolerance=1e-6, name="self_scaled_broyden"):
        super().__init__(learning_rate=1.0, name=name)
        if not isinstance(scaling, bool):
            raise ValueError(
                f"scaling must be True or False. Received: {scaling!r}. False is plain BFGS."
            )
        self.scaling = scaling
        self.tolerance = real_value("tolerance", tolerance, "units of the residuals", at_least=0.0)

    def build(self, variables):
        if self.built:
            return
        num = sum(int(np.prod(variable.shape)) for variable in variables)
        num //= self.num_stages or 1
        if num > MOST_WEIGHTS:
            raise ValueError(
                f"SelfScaledBroyden keeps a matrix of weights × weights, at most {MOST_WEIGHTS} of "
                f"them. Received {num}, whose matrix has {8e-9 * num**2:.1f} GB. Use a smaller "
                "network, or keras.optimizers.Adam."
            )
        super().build(variables)
        if self.num_stages:  # lives during one step only, and is in no file
            self.inverse_hessian = tf.Variable(np.zeros((num, num)), trainable=False)
        else:
            self.inverse_hessian = self.add_variable((num, num), "zeros", "float64", name="inverse")
        self.fresh = self.add_variable((), "ones", "int32", name="fresh")  # H is to be I / |g|
        self.finished = self.add_variable((), "zeros", "int32", name="finished")
        if self.num_stages:
            self.stage = self.add_variable((), "zeros", "int32", name="stage")
            self.missed = self.add_variable((), "zeros", "int32", name="missed")  # why, if any

    def reset(self):
        """Begin anew: forget the curvature and that training has finished; weights stay."""
        if self.built:
            self.iterations.assign(0)
            self.fresh.assign(1)
            self.finished.assign(RUNNING)
            if self.num_stages:
                self.stage.assign(0)
                self.missed.assign(RUNNING)

    def step_of(self, model, x, y=None, sample_weight=None):
        running = tf.equal(tf.convert_to_tensor(self.finished), RUNNING)
        if self.num_stages:

            def train(x):
                self._train_stage(model, x)

            if model.stages_are_compiled:  # and not the residuals below, which are seen once
                train = tf.function(train, autograph=False, jit_compile=True)
            tf.cond(running, lambda: train(x), lambda: None)
            return model.residuals(x)
        objective = Objective(model, x, y, sample_weight)
        return tf.cond(running, lambda: self._train(objective), objective.residuals)

    def _train(self, objective):
        """One step of all weights; returns the residuals after it."""
        reason, _ = self._advance(objective, objective.at_present())
        residuals = objective.residuals()
        within = tf.reduce_max(tf.abs(residuals)) <= self.tolerance
        self.finished.assign(tf.where(within, TOLERANCE, reason))
        return residuals

    def _train_stage(self, model, x):
        """Train one window to its end, and have the next one wait for the next call."""
        stage = tf.convert_to_tensor(self.stage)
        objective = model.stage_objective(x, stage)
        self.fresh.assign(1)
        target = tf.maximum(objective.finest, INSIDE * self.tolerance)

        def is_unfinished(step, reason, here):
            return (step < STAGE_STEPS) & tf.equal(reason, RUNNING)

        def advance(step, reason, here):
            reason, there = self._advance(objective, here)
            ended = tf.where(there.largest <= self.tolerance, TOLERANCE, FLOOR)
            return step + 1, tf.where(there.largest <= target, ended, reason), there

        # Where nothing is known, the first search goes nowhere and finds the cost at the start: the
        # equation then stands in the graph once, which is what compiling takes its time for.
        nowhere = _nothing_known(objective.weights())
        begin = tf.constant(-1), tf.constant(RUNNING), nowhere
        reason = tf.while_loop(is_unfinished, advance, begin)[1]
        own = tf.where(tf.equal(reason, RUNNING), STALLED, reason)  # its steps are used up
        own = tf.where(tf.equal(own, TOLERANCE), RUNNING, own)
        missed = tf.maximum(tf.convert_to_tensor(self.missed), own)
        self.missed.assign(missed)
        ended = tf.where(tf.equal(missed, RUNNING), TOLERANCE, missed)
        is_last = tf.equal(stage, self.num_stages - 1)
        self.finished.assign(tf.where(is_last, ended, RUNNING))
        self.stage.assign(tf.minimum(stage + 1, self.num_stages - 1))

    def _advance(self, objective, here):
        """One step from `here`: a reason to stop, or `RUNNING`, and the `LinePoint` reached."""
        start = objective.weights()
        fresh = tf.convert_to_tensor(self.fresh) > 0
        direction, fresh = self._downhill(here.gradient, fresh)
        found = search(objective, start, here, direction)
        falls, is_known = found.cost < here.cost, tf.math.is_finite(here.cost)
        objective.move(tf.where(falls, start + found.length * direction, start))
        pair = falls & is_known & found.is_long_enough
        meets_floor = tf.cond(
            pair,
            lambda: self._learn(found.length * direction, here, found, fresh),
            lambda: tf.constant(False),
        )
        # Without a step along d, begin anew along the gradient; without one there, stop.
        self.fresh.assign(tf.cast(~falls | (fresh & ~pair), "int32"))
        self.iterations.assign_add(tf.cast(is_known | ~falls, self.iterations.dtype))
        stalled = ~falls & fresh
        # Whether the fall that the slope promises for the shortest trial is hidden by rounding.
        flat = is_known & (-found.slope * SHORTEST <= 4.0 * np.finfo(np.float64).eps * here.cost)
        reason = tf.where(stalled & flat | meets_floor, FLOOR, tf.where(stalled, STALLED, RUNNING))
        reached = LinePoint(found.cost, found.gradient, found.largest)
        there = tf.cond(falls, lambda: reached, lambda: here)
        return reason, there

    def _downhill(self, gradient, fresh):
        """d = −H g, or −g / |g| where H knows nothing or leads uphill; and whether it is that."""
        steepest = -gradient / tf.maximum(tf.norm(gradient), np.finfo(np.float64).tiny)
        newton = -tf.linalg.matvec(self.inverse_hessian, gradient)
        fresh |= ~(tf.tensordot(newton, gradient, 1) < 0.0)
        return tf.where(fresh, steepest, newton), fresh

    def _learn(self, s, here, found, fresh):
        """Change H by one pair (s, y). Returns whether rounding has taken its meaning away."""
        y = found.gradient - here.gradient
        size = tf.maximum(tf.norm(here.gradient), np.finfo(np.float64).tiny)
        identity = tf.eye(s.shape[0], dtype=s.dtype) / size
        inverse = tf.cond(
            fresh, lambda: identity, lambda: tf.convert_to_tensor(self.inverse_hessian)
        )
        hy = tf.linalg.matvec(inverse, y)
        sy, yhy = tf.tensordot(s, y, 1), tf.tensordot(y, hy, 1)
        is_sound = (sy > 0.0) & (yhy > 0.0)

        def change():
            b = -found.length * tf.tensordot(s, here.gradient, 1) / sy
            phi, tau = self._weights_of_update(yhy / sy, b, s.shape[0])
            v = tf.sqrt(yhy) * (s / sy - hy / yhy)
            changed = inverse - _outer(hy, hy) / yhy + phi * _outer(v, v)
            self.inverse_hessian.assign(changed / tau + _outer(s, s) / sy)

        tf.cond(is_sound, change, lambda: None)
        return ~is_sound

    def _weights_of_update(self, h, b, num):
        """φ and τ of the update, 1 and 1 for BFGS."""
        one = tf.ones_like(h)
        a = h * b - 1.0
        if not self.scaling or num < 2:
            return one, one
        safe = tf.where(a > 0.0, a, one)  # a ≥ 0 by Cauchy and Schwarz, but for rounding
        rho = tf.minimum(one, h * (1.0 - tf.sqrt(safe / (1.0 + safe))))
        theta = tf.maximum((rho - 1.0) / safe, tf.minimum(1.0 / rho, (1.0 - b) / b))
        sigma = 1.0 + theta * safe
        root = tf.pow(tf.abs(sigma), -1.0 / (num - 1.0))
        positive = theta > 0.0
        above = rho * tf.minimum(root, 1.0 / tf.where(positive, theta, one))
        tau = tf.where(positive, above, tf.minimum(rho * root, sigma))
        valid = (a > 0.0) & tf.math.is_finite(tau) & (tau > 0.0) & (sigma > 0.0)
        return tf.where(valid, (1.0 - theta) / sigma, one), tf.where(valid, tau, one)

    def get_config(self):
        return {"name": self.name, "scaling": self.scaling, "tolerance": self.tolerance}


def _nothing_known(weights):
    """`LinePoint` above all others, of no slope."""
    infinite = tf.constant(np.inf, "float64")
    return LinePoint(infinite, tf.zeros_like(weights), infinite)


def _outer(first, second):
    return first[:, None] * second[None, :]
