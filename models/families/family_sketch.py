"""A first look at a family of motions by a stepper."""

import warnings

import numpy as np

from oscillator_zoo.data import simulate

from ..equation.sketch import Sketch

MOST_NUMBERS = 20_000_000  # of one call of `simulate`


class FamilySketch:
    """How fast the fastest motion of a family is at each time, and motions at any parameters.

    | attribute | content                                                | shape  |
    |-----------|--------------------------------------------------------|--------|
    | `times`   | t_i, equidistant, in s                                 | (num,) |
    | `rates`   | max over the box's corners and middle of ω(t_i), rad/s | (num,) |
    | `angle`   | ∫ rates dt, in rad                                     | (num,) |
    | `jumps`, `rough_times` | as in `Sketch`, of one member             | list   |

    Args:
        problem: `InitialValueProblem`, one trajectory.
        box: `ParameterBox`.
        duration: T, in s.
    """

    def __init__(self, problem, box, duration):
        self.problem, self.box, self.duration = problem, box, duration
        corners = box.values(box.corners())
        sketches = [
            Sketch(problem.with_parameters(**dict(zip(corners, map(float, values)))), duration)
            for values in zip(*corners.values())
        ]
        self.sketches = sketches
        finest = max(sketches, key=lambda sketch: len(sketch.times))
        self.times, self.jumps = finest.times, finest.jumps
        self.rough_times = finest.rough_times
        self.rates = np.max([np.interp(self.times, s.times, s.rates) for s in sketches], axis=0)
        steps = np.diff(self.times) * 0.5 * (self.rates[1:] + self.rates[:-1])
        self.angle = np.concatenate([[0.0], np.cumsum(steps)])

    def unresolved(self, edges):
        """Which windows are too long for a motion at a corner of the box, `(W,)`."""
        return np.any([sketch.unresolved(edges) for sketch in self.sketches], axis=0)

    def motions(self, points):
        """States by RK4 at `times`, `(num, time, order · dimension)`.

        Args:
            points: ξ, `(num, p)`.
        """
        numbers = len(points) * len(self.times) * self.problem.order * self.problem.dimension
        parts = np.array_split(points, max(numbers // MOST_NUMBERS, 1))
        return np.concatenate([self._simulated(self.box.values(part)) for part in parts])

    def _simulated(self, values):
        problem, num_steps = self.problem, len(self.times) - 1
        arrays = {"position", "velocity", *problem.ensemble_parameters}
        if problem.dimension == 1 and arrays.issuperset(values):
            problems = [problem.with_parameters(**values)]
        else:
            rows = zip(*values.values())
            problems = [
                problem.with_parameters(**dict(zip(values, map(float, row)))) for row in rows
            ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # growth shows in the motions
            runs = [simulate(p, self.duration / num_steps, num_steps, "rk4") for p in problems]
        return np.concatenate([run.states for run in runs])
