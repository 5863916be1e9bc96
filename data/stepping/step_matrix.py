"""One step of a linear problem as a matrix: s_{i+1} = A s_i + b f_i."""

import copy

import numpy as np

from ..forces.force import Force
from ..forces.force_grid import is_forced
from .steppers import FORCE_FRACTIONS, STEPPERS


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


def rates(problem, t, state, time_step):
    """s' in place of a step: `step_matrix` then gives [J B] of s' = J s + B F(t)."""
    return problem.slopes(t, *state)


def one_step_matrix(problem, time_step, method):
    """[A b] of a method for a linear problem, as `step_matrix` gives it."""
    fractions = FORCE_FRACTIONS[method] if is_forced(problem) else ()
    return step_matrix(problem, STEPPERS[method], time_step, fractions)
