"""A second-order equation as the lecture's boxed pair of first order."""

import numpy as np

from ..forces.force import takes_ops
from .initial_value_problem import InitialValueProblem


class FirstOrder(InitialValueProblem):
    """A problem of order 2 as a pair of order 1 for y = (x, v), twice as many coordinates.

        dx/dt = v,   dv/dt = rhs(t, x, v)

    `position` is then (x0, v0), and a `PINN` has two outputs: its velocity is a network of its
    own, and no longer the derivative of its position. `exact` and `energy` are those of the
    problem; a force acts as it did.

    Args:
        problem: `InitialValueProblem` of order 2, one trajectory.

    Raises:
        ValueError: for a problem of order 1, an ensemble, or a force that is a plain function.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator
    >>> pair = FirstOrder(DampedOscillator(stiffness=4.0, position=1.0, velocity=0.5))
    >>> pair.position, pair.rhs(0.0, np.array([[1.0, 0.5]]))
    (array([1. , 0.5]), array([[ 0.5, -4. ]]))
    """

    order = 1

    def __init__(self, problem):
        is_second_order = getattr(problem, "order", None) == 2
        if not is_second_order or problem.ensemble_size is not None:
            raise ValueError(
                "FirstOrder takes one trajectory of a problem of order 2. "
                f"Received: {problem!r}. A problem of order 1 is as it should be; take one of an "
                "ensemble by problem.select(0)."
            )
        forces = problem.coordinate_forces
        if not all(force is None or takes_ops(force) for force in forces):
            raise ValueError(
                "FirstOrder takes a force that runs anywhere. Received a plain function. "
                "Use Sinusoid, Step, Chirp, Sampled, or a function of (t, ops)."
            )
        self.problem = problem
        self.position_unit = problem.position_unit
        state = np.concatenate(problem.initial_state(), axis=-1)[0]
        super().__init__(state, start_time=problem.start_time, dimension=2 * problem.dimension)

    def rhs(self, t, x, ops=np):
        position, velocity = x[..., : self.dimension // 2], x[..., self.dimension // 2 :]
        rate = self.problem.rhs(t, position, velocity, ops=ops) + 0.0 * velocity
        return ops.concatenate([velocity, rate], axis=-1)

    @property
    def is_linear(self):
        """A force is part of `rhs` here, and is not told apart from it: then False."""
        return self.problem.is_linear and not any(self.problem.coordinate_forces)

    @property
    def coordinate_forces(self):
        return (None,) * (self.dimension // 2) + self.problem.coordinate_forces

    @property
    def feature_names(self):
        return self.problem.feature_names

    def exact(self, t):
        """Closed-form (y, y') with y = (x, v), where the problem has one."""
        x, v = self.problem.exact(t)
        y, times = np.concatenate([x, v], axis=-1), np.reshape(t, (-1, 1))
        return y, self.rhs(times, y)

    def energy(self, x, v, ops=np):
        """Energy of the problem at y = (x, v), the first argument, in J."""
        half = self.dimension // 2
        return self.problem.energy(x[..., :half], x[..., half:], ops=ops)

    @property
    def energy_never_grows(self):
        return self.problem.energy_never_grows
