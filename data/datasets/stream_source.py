"""Trajectories by their index: drawn, and stepped in blocks."""

import itertools
import warnings

import numpy as np

from ..checks import positive_integer, real_value
from ..forces.force_grid import force_on_grid
from ..forces.formulas import Sinusoid
from ..problems.damped_oscillator import DampedOscillator
from ..stepping.simulation import simulate
from ..stepping.step_loop import solve_stepwise
from ..trajectories.trajectory import Trajectory
from .counter_draws import check_ranges, draw_uniform, in_ranges

SINUSOID = ("amplitude", "angular_frequency", "phase")
DECIDE_GROWTH = ("mass", "damping", "stiffness")


class StreamSource:
    """Damped oscillators with parameters that are drawn, each a function of (seed, index).

    The step loop computes each number of a trajectory from numbers of the same trajectory by
    single additions and products, so that its bits do not depend on what is stepped beside it.
    (`simulate` takes products of matrices, whose last bits depend on their size.)

    Args:
        seed: an integer ≥ 0.
        ranges: {name: number or (lo, hi)} of the oscillator and, if any, of its sinusoid.
        force: one that all share, or None.
        time_step: Δt, in s.
        num_steps: N.
        method: as for `simulate`.

    Raises:
        ValueError: for ranges that are none, or both a sinusoid and another force.
    """

    def __init__(self, seed, ranges, force, time_step, num_steps, method):
        self.seed, self.ranges, self.force = seed, check_ranges(ranges), force
        self.time_step = real_value("time_step", time_step, "s", above=0.0, arrays=False)
        self.method = method
        self.num_steps = positive_integer("num_steps", num_steps)
        if force is not None and "amplitude" in ranges:
            raise ValueError(
                "Each trajectory has one force: a sinusoid of its own, or one that all share. "
                f"Received: amplitude={ranges['amplitude']!r} and force={force!r}. "
                "Leave one of them out."
            )
        if getattr(force, "ensemble_size", None) is not None:
            raise ValueError(
                "All trajectories of a stream share the numbers of their force, or draw those of a "
                f"sinusoid. Received a {type(force).__name__} of {force.ensemble_size}. "
                "Pass numbers, or amplitude=(lo, hi)."
            )

    def trajectories(self, first, step, num):
        """`Trajectory` of the indices first, first + step, …, `num` of them."""
        drawn = in_ranges(draw_uniform(self.seed, first, step, num), self.ranges)
        problem = self._oscillators(drawn, num)
        times = self.time_step * np.arange(self.num_steps + 1)
        force = force_on_grid(problem, times, num, "float64")
        with np.errstate(over="ignore", invalid="ignore"):  # seen where the numbers are cast
            states = solve_stepwise(problem, times, self.time_step, self.method, "float64")
        return Trajectory(times, states, problem.feature_names, force, problem)

    def extremes(self):
        """The trajectories at the ends of the equation's ranges, far out and strongly driven.

        They are made by `simulate`, which raises and warns of what would go wrong in the stream.
        """
        ends = itertools.starmap(_ends, self.ranges.items())
        corners = np.array(list(itertools.product(*ends))).T
        problem = self._oscillators(dict(zip(self.ranges, corners)), corners.shape[1])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trajectory = simulate(problem, self.time_step, self.num_steps, self.method)
        for warning in caught:
            message = f"At the ends of the ranges of this stream: {warning.message}"
            warnings.warn(message, warning.category, stacklevel=3)
        return trajectory

    def _oscillators(self, values, num):
        """The ensemble with some values of the parameters, each a number or `(num,)`."""
        wave = {name: values.pop(name) for name in SINUSOID if name in values}
        force = Sinusoid(**wave) if wave else self.force
        values["position"] = np.broadcast_to(values["position"], num).copy()
        return DampedOscillator(**values, force=force)


def _ends(name, value):
    """Both ends of a range that decides whether a motion grows, the larger of any other."""
    if not isinstance(value, tuple):
        return (value,)
    return value if name in DECIDE_GROWTH else (max(value, key=abs),)
