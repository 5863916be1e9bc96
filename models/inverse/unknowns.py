"""Parameters of an equation that are to be found from measurements."""

import keras
import numpy as np
from keras import ops

from ..equation.number_argument import number_argument

WANTED = "An unknown parameter must be one number in the equation or the initial state"
CURE = "Name another, or write it as numbers of their own."


class Unknowns(keras.layers.Layer):
    """Constructor arguments of a problem as trainable numbers θ.

        p = e^θ where the problem wants p positive (or not negative),   p = θ otherwise

    Which of the two is found by offering the problem a negative value.

    Args:
        problem: `InitialValueProblem` whose arguments of these names are the first guess.
        names: tuple of names.
        h1: the function of the user's that fixes the initial state, or None.
        dtype: dtype or policy.

    Raises:
        ValueError: for no tuple of different names, a name that is no argument or not one number,
            a guess that is not positive where the parameter cannot be negative, or an initial
            state that h1 fixes.
    """

    def __init__(self, problem, names, h1=None, dtype="float64"):
        super().__init__(name="unknowns", dtype=dtype)
        if isinstance(names, str) or len(set(names)) < len(names):
            raise ValueError(
                "unknown_parameters must be a tuple of different names. "
                f"Received: {names!r}. Write ('damping', 'stiffness')."
            )
        if h1 is not None and {"position", "velocity"} & set(names):
            raise ValueError(
                f"h1 fixes the initial state. Received h1 and unknown_parameters={tuple(names)!r}. "
                "Leave h1 out, or position and velocity."
            )
        self.names = tuple(names)
        guesses = [number_argument(problem, name, WANTED, CURE) for name in self.names]
        self.positive = tuple(_cannot_be_negative(problem, name) for name in self.names)
        for name, guess, positive in zip(self.names, guesses, self.positive):
            if positive and guess <= 0.0:
                raise ValueError(
                    f"The first guess of {name}, which cannot be negative, must be positive. "
                    f"Received: {name}={guess:g}. Construct the problem with a rough value."
                )
        self.start = np.array([np.log(g) if p else g for g, p in zip(guesses, self.positive)])
        self.raw = self.add_weight(
            shape=(len(self.names),),
            initializer=keras.initializers.Constant(self.start),
            name="raw",
        )
        self.built = True

    def restart(self):
        """Go back to the first guess."""
        self.raw.assign(self.start)

    def values(self, raw=None):
        """The parameters p by name.

        Args:
            raw: θ, `(…, Q)`; None means the present ones, `(Q,)`.

        Returns:
            Dictionary of tensors `(…, 1)`.
        """
        raw = ops.convert_to_tensor(self.raw) if raw is None else raw
        parts = ops.split(raw, len(self.names), axis=-1)
        return {
            name: ops.exp(part) if positive else part
            for name, part, positive in zip(self.names, parts, self.positive)
        }

    def problem(self, problem, rows=None):
        """The problem with its parameters: one row, or the rows `(num, Q)` of θ given."""
        rows = ops.reshape(self.raw, (1, -1)) if rows is None else rows
        return problem.with_parameters(**self.values(rows))


def _cannot_be_negative(problem, name):
    try:
        problem.with_parameters(**{name: -1.0})
    except ValueError:
        return True
    return False
