"""Forces that are plain functions of t: NumPy evaluates them, and the values travel as data."""

import copy

import numpy as np

from oscillator_zoo.data.forces.force import evaluate_force, takes_ops


def has_plain_force(problem):
    """Whether a force of the problem can be evaluated by NumPy only."""
    return any(f is not None and not takes_ops(f) for f in problem.coordinate_forces)


def force_values(problem, times):
    """F at times `(num, 1)`, by NumPy: `(num, dimension)`, in N."""
    shape = (len(times), problem.dimension)
    return np.broadcast_to(evaluate_force(problem.force, times), shape).astype(times.dtype)


def add_force(dataset, problem):
    """Batches of times t, or (t, …), become {"t": t, "force": F(t)} where the problem needs it.

    Args:
        dataset: `tf.data.Dataset` of times `(num, 1)`, with or without targets.
        problem: `InitialValueProblem`.

    Returns:
        The same dataset where the force runs inside a graph, else one with the values of F.
    """
    import tensorflow as tf

    if not has_plain_force(problem):
        return dataset

    def values(t):
        return force_values(problem, np.reshape(t, (-1, 1)))

    @tf.autograph.experimental.do_not_convert
    def with_values(t, *targets):
        if isinstance(t, dict) and "force" in t:
            return (t, *targets) if targets else t
        t = t["t"] if isinstance(t, dict) else t
        force = tf.ensure_shape(tf.numpy_function(values, [t], t.dtype), (None, problem.dimension))
        x = {"t": t, "force": force}
        return (x, *targets) if targets else x

    return dataset.map(with_values)


def with_given_force(problem, x):
    """The problem and the inputs of one batch: its force replaced by the batch's values, if any."""
    force = x.get("force") if isinstance(x, dict) else None
    if force is None:
        return problem, x
    problem = copy.copy(problem)
    problem.force = lambda t, ops=None: force
    return problem, x["t"]
