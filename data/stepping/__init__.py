"""From an equation to its motion, step by step.

Read `steppers` first: Euler, Euler–Cromer and Runge–Kutta in a few lines each, and `step_loop`,
which repeats them. `simulation` chooses between that loop, for any equation; `compiled_loop`, the
same for large ensembles where TensorFlow is loaded; and `linear_recurrence`, which for linear ones
multiplies whole blocks of steps (`step_matrix`, `block_response`). All give the same numbers.
`smooth_steps` cuts the steps of RK4 where a force jumps. `stability` warns of steps that are too
large. It may import the rooms below it.
"""

from .simulation import simulate

__all__ = [
    "simulate",
]
