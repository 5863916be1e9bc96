"""Forces that are plain functions of t: NumPy evaluates them, and the values travel as data."""

import numpy as np

from oscillator_zoo.data.forces import evaluate_force, takes_ops


def has_plain_force(problem):
    """Whether a force of the problem can be evaluated by NumPy only."""
    forces = problem.force if isinstance(problem.force, tuple) else (problem.force,)
    return any(force is not None and not takes_ops(force) for force in forces)


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
        column = np.reshape(t, (-1, 1))
        shape = (len(column), problem.dimension)
        return np.broadcast_to(evaluate_force(problem.force, column), shape).astype(t.dtype)

    def with_values(t, *targets):
        if isinstance(t, dict):
            return (t, *targets) if targets else t
        force = tf.ensure_shape(tf.numpy_function(values, [t], t.dtype), (None, problem.dimension))
        x = {"t": t, "force": force}
        return (x, *targets) if targets else x

    return dataset.map(with_values)


def with_given_force(problem, x):
    """The problem and the times for one batch: its force replaced by the batch's values, if any."""
    if not isinstance(x, dict):
        return problem, x
    force = x.get("force")
    if force is None:
        return problem, x["t"]
    return problem.with_parameters(force=lambda t, ops=None: force), x["t"]
