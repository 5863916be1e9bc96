"""Ranges of an equation's parameters: the box for which a family of solutions is trained."""

import itertools

import keras
import numpy as np
from keras import ops

from oscillator_zoo.data.checks import did_you_mean, is_tensor, real_value

from ..equation.equation_checks import checked_rhs
from ..equation.number_argument import number_argument


class ParameterBox:
    """Ranges lo ≤ p ≤ hi of constructor arguments of a problem, and ξ = 2 (p − lo)/(hi − lo) − 1.

    Args:
        problem: `InitialValueProblem`, one trajectory.
        ranges: dictionary of pairs (lo, hi) by name; initial position and velocity may be among
            them.

    Raises:
        ValueError: for a name that is no argument or not one real number, a pair that does not
            increase, values that the problem refuses, or an equation that takes no tensors.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator
    >>> box = ParameterBox(DampedOscillator(), {"damping": (0.1, 0.5)})
    >>> box.values(np.array([[-1.0], [0.0], [1.0]]))["damping"]
    array([0.1, 0.3, 0.5])
    """

    def __init__(self, problem, ranges):
        if not isinstance(ranges, dict) or not ranges:
            raise ValueError(
                "parameter_ranges must be a dictionary such as {'damping': (0.1, 0.5)}. "
                f"Received: {ranges!r}. Name at least one argument of {type(problem).__name__}."
            )
        self.names = tuple(ranges)
        pairs = [_checked_range(problem, name, pair) for name, pair in ranges.items()]
        self.lows, self.highs = np.array(pairs).T
        for name, pair in zip(self.names, pairs):
            for value in pair:
                problem.with_parameters(**{name: value})  # raises for what is not admissible
        self._check_rhs(problem)

    @property
    def ranges(self):
        """Pairs (lo, hi) by name."""
        return {n: [float(a), float(b)] for n, a, b in zip(self.names, self.lows, self.highs)}

    def values(self, scaled):
        """Parameters by name, each `(num,)`, of points ξ `(num, p)` between −1 and 1."""
        halfway, half = 0.5 * (self.highs + self.lows), 0.5 * (self.highs - self.lows)
        inside = np.clip(halfway + half * scaled, self.lows, self.highs)
        return dict(zip(self.names, inside.T))

    def corners(self):
        """ξ of the corners and of the middle, `(2^p + 1, p)`."""
        corners = itertools.product((-1.0, 1.0), repeat=len(self.names))
        return np.array([*corners, (0.0,) * len(self.names)])

    def scaled(self, columns):
        """ξ of parameters by name, tensors `(num, 1)`: a list of `(num, 1)`."""
        return [
            (2.0 * columns[name] - (low + high)) / (high - low)
            for name, low, high in zip(self.names, self.lows.tolist(), self.highs.tolist())
        ]

    def problem(self, problem, columns):
        """The problem whose parameters are columns `(num, 1)`, one row for each solution."""
        return problem.with_parameters(**{name: columns[name] for name in self.names})

    def is_outside(self, columns):
        """Rows of columns `(num, 1)` that lie outside by more than the rounding of float32."""
        outside = False
        for name, low, high in zip(self.names, self.lows.tolist(), self.highs.tolist()):
            rounding = 1e-6 * max(abs(low), abs(high))
            value = columns[name]
            outside = outside | (value < low - rounding) | (value > high + rounding)
        return outside

    def outside_message(self, received):
        """The sentence for values outside the box."""
        box = ", ".join(
            f"{n} = {low:g} to {high:g}" for n, low, high in zip(self.names, self.lows, self.highs)
        )
        return (
            f"This PINN is trained from {box}. Received {received}. Train one with wider "
            "parameter_ranges: a network knows nothing outside its interval."
        )

    def columns(self, inputs):
        """Times and parameters by name as arrays `(num, 1)`; a single number serves all rows.

        Args:
            inputs: dictionary of "t" and of every parameter, each a number, `(num,)` or `(num, 1)`.

        Raises:
            ValueError: for missing or unknown names, shapes that do not fit, values that are not
                finite or outside the box.
        """
        self.check_names(inputs)
        arrays = {}
        for name in ("t", *self.names):
            unit = "s" if name == "t" else "the problem's unit"
            array = np.atleast_1d(real_value(name, np.asarray(inputs[name]), unit))
            if array.ndim > 2 or (array.ndim == 2 and array.shape[1] != 1):
                raise ValueError(
                    f"{name} must be a number, (num,) or (num, 1). Received shape {array.shape}. "
                    "Flatten it."
                )
            arrays[name] = array.reshape(-1, 1)
        num = max(len(array) for array in arrays.values())
        if any(len(array) not in (1, num) for array in arrays.values()):
            sizes = ", ".join(f"{name} of {len(array)}" for name, array in arrays.items())
            raise ValueError(
                "Times and parameters must have one size, or be single numbers. "
                f"Received: {sizes}. For a grid use numpy.meshgrid and flatten."
            )
        outside = {n: self._outside_of(n, a) for n, a in arrays.items() if n != "t"}
        for name, values in outside.items():
            if values.size:
                raise ValueError(self.outside_message(f"{name} = {values[0]:g}"))
        return {name: np.broadcast_to(a, (num, 1)).copy() for name, a in arrays.items()}

    def check_names(self, inputs):
        """Raise unless this is a dictionary of t and of every parameter."""
        wanted = ("t", *self.names)
        example = "{" + ", ".join(f"'{name}': …" for name in wanted) + "}"
        if not isinstance(inputs, dict):
            raise ValueError(
                f"This PINN solves a family: it takes {example}. "
                f"Received: {type(inputs).__name__}. "
                "Name the times t and give every parameter a value."
            )
        for name in inputs:
            if name not in (*wanted, "node"):
                raise ValueError(
                    f"This PINN takes {example}. Received {name!r} too.{did_you_mean(name, wanted)}"
                    " Leave it out, or train a PINN with a range of it."
                )
        missing = [name for name in wanted if name not in inputs]
        if missing:
            raise ValueError(
                f"This PINN takes {example}. Received nothing for {', '.join(missing)}. "
                "Give it a number or an array of the size of t."
            )

    def _outside_of(self, name, array):
        columns = {n: low for n, low in zip(self.names, self.lows.tolist())}
        return array[np.broadcast_to(self.is_outside({**columns, name: array}), array.shape)]

    def _check_rhs(self, problem):
        points = self.values(np.linspace(-0.9, 0.9, 3)[:, None] * np.ones_like(self.lows))
        columns = {n: ops.convert_to_tensor(v[:, None], "float64") for n, v in points.items()}
        t = ops.zeros((3, 1), "float64") + float(problem.start_time)
        none = ops.zeros((3, problem.dimension), "float64")
        try:
            rows = self.problem(problem, columns)
            state = [ops.convert_to_tensor(y, "float64") + none for y in rows.initial_state()]
            rhs = rows.rhs(t, *state, ops=ops)
        except Exception as error:
            raise ValueError(
                f"{type(problem).__name__} must take tensors (num, 1) for "
                f"{', '.join(self.names)}, one value for each row. Received: {error}. Check "
                "values with real_value, which lets tensors pass, and compute rhs with its ops."
            ) from error
        checked_rhs(rhs, none)


def _checked_range(problem, name, pair):
    """(lo, hi) as floats, if the problem has such a parameter."""
    wanted = "A range is of a parameter that is one real number"
    number_argument(problem, name, wanted, "Write a problem with the number as an argument.")
    ends = [] if is_tensor(pair) or keras.tree.is_nested(pair) is False else list(pair)
    if len(ends) != 2:
        raise ValueError(
            f"The range of {name} must be a pair (lo, hi). Received: {pair!r}. "
            "Pass two numbers in the unit of the problem."
        )
    low, high = (real_value(name, end, "the problem's unit", arrays=False) for end in ends)
    if np.ndim(low) or np.ndim(high) or not low < high:
        raise ValueError(
            f"The range of {name} must increase from lo to hi. Received: {pair!r}. "
            "Leave a parameter that has one value to the problem itself."
        )
    return low, high
