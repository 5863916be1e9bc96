"""Parameters of an equation that are to be found from measurements."""

import keras
import numpy as np
from keras import ops


class Unknowns(keras.layers.Layer):
    """Constructor arguments of a problem as trainable numbers.

    A parameter that the problem wants positive is p = e^θ with θ trained, any other is θ itself.
    Which ones those are is found by offering the problem a negative value.

    Args:
        problem: `InitialValueProblem` whose arguments of these names are the first guess.
        names: tuple of names.
        dtype: dtype or policy.

    Raises:
        ValueError: for a name that is no argument, that is not one number, or for a guess that is
            not positive where it must be.
    """

    def __init__(self, problem, names, dtype="float64"):
        super().__init__(name="unknowns", dtype=dtype)
        guesses = {name: _guess(problem, name) for name in names}
        self.names = tuple(names)
        self.positive = tuple(_must_be_positive(problem, name) for name in names)
        for (name, guess), positive in zip(guesses.items(), self.positive):
            if positive and guess <= 0.0:
                raise ValueError(
                    f"The first guess of {name}, which cannot be negative, must be positive. "
                    f"Received: {name}={guess:g}. Construct the problem with a rough value."
                )
        start = [np.log(g) if p else g for g, p in zip(guesses.values(), self.positive)]
        self.raw = self.add_weight(
            shape=(len(names),),
            initializer=keras.initializers.Constant(np.array(start)),
            name="raw",
        )
        self.built = True

    def values(self, raw=None):
        """The parameters by name, each as a tensor of the shape of a component of `raw`."""
        raw = self.raw if raw is None else raw
        parts = (raw[..., k : k + 1] for k in range(len(self.names)))
        return {
            name: ops.exp(part) if positive else part + 0.0
            for name, part, positive in zip(self.names, parts, self.positive)
        }

    def problem(self, problem, rows=None):
        """The problem with its parameters: one row, or the rows `(num, Q)` of θ given."""
        raw = ops.reshape(self.raw, (1, -1)) if rows is None else rows
        values = self.values(raw)
        if problem.dimension > 1:  # a number for a position is one for every coordinate
            wide = ops.ones((1, problem.dimension), raw.dtype)
            values = {
                n: v * wide if n in ("position", "velocity") else v for n, v in values.items()
            }
        return problem.with_parameters(**values)


def _guess(problem, name):
    config = problem.get_config()
    if name not in config:
        problem.with_parameters(**{name: 1.0})  # raises, and names the nearest
    value = config[name]
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise ValueError(
            f"An unknown parameter must be one number. Received: {name}={value!r}. "
            "Name one that is."
        )
    return float(value)


def _must_be_positive(problem, name):
    try:
        problem.with_parameters(**{name: -1.0})
    except ValueError:
        return True
    return False
