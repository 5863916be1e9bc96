"""How far to go downhill: a step that obeys the strong Wolfe conditions."""

from typing import NamedTuple

import keras
import numpy as np

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

ENOUGH_FALL = 1e-4  # c1: of the fall that the slope promises (Nocedal and Wright, section 3.1)
ENOUGH_SLOPE = 0.9  # c2: what may be left of the slope, loose as for all quasi-Newton methods
MOST_TRIALS = 30  # so often a bracket is halved
SHORTEST = 0.5**MOST_TRIALS  # of the first step, about 1e-9


class LinePoint(NamedTuple):
    """The cost C, its gradient ∂C/∂P and max |r|, `()`, `(n,)` and `()`, at some weights."""

    cost: object
    gradient: object
    largest: object


def line_point(residuals_of, cost_of, weights):
    """`LinePoint` at weights: a list of tensors, or one.

    Args:
        residuals_of: function without arguments that returns r.
        cost_of: function of r that returns C.
        weights: what gradients are taken with respect to.
    """
    with tf.GradientTape() as tape:
        tape.watch(weights)
        residuals = residuals_of()
        cost = cost_of(residuals)
    gradients = tape.gradient(cost, weights, unconnected_gradients="zero")
    largest = tf.reduce_max(tf.abs(residuals))
    return LinePoint(
        tf.cast(cost, "float64"), joined(tf.nest.flatten(gradients)), tf.cast(largest, "float64")
    )


class SearchEnd(NamedTuple):
    """Where a line search ended.

    | field            | content                                              |
    |------------------|------------------------------------------------------|
    | `length`         | α, in steps of d                                     |
    | `cost`           | C(P + α d)                                           |
    | `gradient`       | ∂C/∂P there                                          |
    | `largest`        | max |r| there                                        |
    | `slope`          | gᵀd at the start, below 0                            |
    | `is_long_enough` | whether both Wolfe conditions hold: sᵀy > 0 there    |
    """

    length: object
    cost: object
    gradient: object
    largest: object
    slope: object
    is_long_enough: object


class Objective:
    """The cost of one batch as a function of all trainable weights in one vector.

    Args:
        model: `LeastSquaresModel`.
        x: inputs.
        y: targets, or None.
        sample_weight: weights, or None.
    """

    def __init__(self, model, x, y=None, sample_weight=None):
        self.model, self.batch = model, (x, y, sample_weight)
        self.variables = model.trainable_variables
        self.sizes = [int(np.prod(variable.shape)) for variable in self.variables]

    def weights(self):
        """All weights, `(n,)`, a copy."""
        return joined([tf.identity(variable.value) for variable in self.variables])

    def move(self, weights):
        """Put other weights `(n,)` in their place."""
        for variable, part in zip(self.variables, tf.split(weights, self.sizes)):
            variable.assign(tf.cast(tf.reshape(part, variable.shape), variable.dtype))

    def at(self, weights):
        """`LinePoint` at other weights, where they are left."""
        self.move(weights)
        return self.at_present()

    def at_present(self):
        """`LinePoint` at the present weights."""
        return line_point(
            lambda: self.model.residuals(*self.batch, training=True),
            self.model.cost,
            [variable.value for variable in self.variables],
        )

    def residuals(self):
        """r of the batch at the present weights."""
        return self.model.residuals(*self.batch)


def search(objective, start, here, direction):
    """A step α along d with C(P + αd) ≤ C + c1 α gᵀd and |g(P + αd)ᵀd| ≤ c2 |gᵀd|.

    The first trial is α = 1. Too long a step moves the upper end of a bracket, too short a one the
    lower end; between them the next trial is the minimum of the parabola through what is known, or
    half way where that lies near an end.

    Args:
        objective: `Objective`, whose weights may be left at the last trial.
        start: weights P, `(n,)`.
        here: `LinePoint` there.
        direction: d, downhill, `(n,)`.

    Returns:
        `SearchEnd`, with the best of all trials where none obeys both conditions.

    Reference:
        J. Nocedal, S. Wright, Numerical Optimization, Springer 2006, chapter 3.
    """
    slope = tf.tensordot(here.gradient, direction, 1)
    zero, one = tf.zeros_like(here.cost), tf.ones_like(here.cost)
    infinite = one * np.inf

    def unfinished(trial, length, low, high, best, done):
        return ~done & (trial < MOST_TRIALS)

    def try_length(trial, length, low, high, best, done):
        point = objective.at(start + length * direction)
        new_slope = tf.tensordot(point.gradient, direction, 1)
        falls = tf.math.is_finite(point.cost) & tf.math.is_finite(new_slope)
        falls &= point.cost <= here.cost + ENOUGH_FALL * length * slope
        too_long = ~falls | (new_slope > -ENOUGH_SLOPE * slope)
        too_short = ~too_long & (new_slope < ENOUGH_SLOPE * slope)
        done = ~too_long & ~too_short
        better = done | (tf.math.is_finite(point.cost) & (point.cost < best.cost))
        best = tf.cond(
            better,
            lambda: SearchEnd(length, *point, slope, done),
            lambda: best,
        )
        high = tf.where(too_long, length, high)
        following = _next_length(length, low, high, here, slope, point, too_long)
        low = tf.where(too_short, length, low)
        following = tf.where(too_short & tf.math.is_finite(high), 0.5 * (low + high), following)
        return trial + 1, following, low, high, best, done

    nothing = SearchEnd(zero, *here, slope, tf.constant(False))
    state = tf.constant(0), one, zero, infinite, nothing, tf.constant(False)
    return tf.while_loop(unfinished, try_length, state)[4]


def _next_length(length, low, high, here, slope, point, too_long):
    """Twice as far where no step was too long yet; else inside the bracket."""
    curve = point.cost - here.cost - slope * length
    parabola = -slope * length**2 / (2.0 * tf.where(curve > 0.0, curve, tf.ones_like(curve)))
    first = (low <= 0.0) & (curve > 0.0) & tf.math.is_finite(point.cost)
    inside = tf.clip_by_value(parabola, 0.1 * length, 0.5 * length)
    halved = tf.where(first, inside, 0.5 * (low + tf.where(too_long, length, high)))
    return tf.where(too_long, halved, 2.0 * length)


def joined(tensors):
    """Tensors side by side as one vector of float64."""
    return tf.concat([tf.cast(tf.reshape(t, (-1,)), "float64") for t in tensors], axis=0)
