"""A motion, or an ensemble of motions, on one grid of times."""

import dataclasses

import numpy as np

from ..checks import did_you_mean, positive_integer
from ..files import reason
from ..forces.force_grid import ForceGrid
from ..problems.initial_value_problem import InitialValueProblem
from .resampling import resampled
from .trajectory_file import read_trajectory, write_trajectory


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Trajectory:
    """States at the times of a grid, with the force that acted.

    `trajectory[2]`, `trajectory[:5]`, `trajectory[[0, 3]]` and `trajectory[mask]` are the
    trajectories chosen, on the same times.

    Args:
        times: `(time,)`, increasing, in s.
        states: `(batch, time, order·dimension)`: positions in m, then velocities in m/s, as
            `feature_names` says. A measurement has one of them, or the acceleration, in the unit
            of its file.
        feature_names: names of the last axis of `states`, a tuple of texts.
        force: F at `times`, `(batch, time, dimension)`, in N. That of `simulate`, where it is a
            formula, is evaluated when it is first read.
        problem: the `InitialValueProblem`, or None for a measurement.
        method: the method of `simulate` that made it, or None.
        method_step: the steps that this took, in s, or None; `every` leaves it as it is.
        units: of a measurement, by name ("force" or a feature), as the file names them. Those of
            the times are what the file had; `times` are in s.
        input_kind: what `force` is of a measurement: "force", or the motion of the base that it
            stands on: "base_position", "base_velocity" or "base_acceleration".

    Raises:
        ValueError: if the shapes do not fit each other, or times do not increase.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator, simulate
    >>> trajectory = simulate(DampedOscillator(), time_step=0.01, num_steps=100)
    >>> trajectory
    Trajectory(batch=1, time=101, from 0 s to 1 s, position, velocity, of a DampedOscillator)
    >>> trajectory.states.shape
    (1, 101, 2)
    >>> trajectory[0].feature("position")[0, :3]
    array([1.    , 1.    , 0.9999])
    """

    times: np.ndarray
    states: np.ndarray
    feature_names: tuple[str, ...]
    force: np.ndarray
    problem: InitialValueProblem | None = None
    method: str | None = None
    method_step: float | None = None
    units: dict | None = None
    input_kind: str = "force"

    def __post_init__(self):
        if isinstance(self.force, ForceGrid):
            vars(self)["_force_grid"] = vars(self).pop("force")
        known = ("times", "states") if self._is_unread else ("times", "states", "force")
        for name in known:  # an unread force is evaluated as floats
            object.__setattr__(self, name, _float_array(name, getattr(self, name)))
        object.__setattr__(self, "times", self.times.astype(np.float64, copy=False))
        if isinstance(self.feature_names, str):
            raise ValueError(
                "feature_names must be a tuple of texts, one for each feature. "
                f"Received: {self.feature_names!r}. Write ({self.feature_names!r},)."
            )
        object.__setattr__(self, "feature_names", tuple(map(str, self.feature_names)))
        _check_times(self.times)
        _check_shapes(self)

    def __getattr__(self, name):
        """The force where it has not been read yet; `vars` has it from then on."""
        if name != "force" or "_force_grid" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        force = vars(self)["force"] = self._force_grid.evaluate()
        return force

    @property
    def _is_unread(self):
        return "force" not in vars(self)

    def _chosen(self, rows=slice(None), kept=slice(None), **changes):
        """Some trajectories at some of the times; a force that nobody has read stays so."""
        if self._is_unread:
            force = self._force_grid.chosen(rows, kept)
        else:
            force = self.force[rows][:, kept]
        return dataclasses.replace(
            self, times=self.times[kept], states=self.states[rows][:, kept], force=force, **changes
        )

    def __len__(self):
        """Number of trajectories."""
        return len(self.states)

    def __getitem__(self, index):
        """Some of the trajectories: an integer, a slice, or an array of integers or booleans.

        Raises:
            ValueError: if none is chosen.
            IndexError: for an index out of range, or of another kind.
        """
        try:
            index = np.arange(len(self))[index]
        except IndexError as error:
            raise IndexError(
                f"A trajectory of {len(self)} is chosen by an integer, a slice, a list of integers "
                f"or a mask of {len(self)} booleans. Received: {index!r} ({error}). "
                "Times and features are in trajectory.states[:, times, features]."
            ) from None
        rows = np.atleast_1d(index)
        if rows.ndim != 1 or not len(rows):
            raise ValueError(
                f"An index must choose at least one of the {len(self)} trajectories. "
                f"Received a choice of shape {rows.shape}. Pass other integers or another mask."
            )
        problem = self.problem
        if problem is not None and problem.ensemble_size is not None:
            problem = problem.select(index)
        return self._chosen(rows, problem=problem)

    def __repr__(self):
        origin = "measured" if self.problem is None else f"of a {type(self.problem).__name__}"
        batch, time, _ = self.states.shape
        return (
            f"Trajectory(batch={batch}, time={time}, from {self.times[0]:g} s to "
            f"{self.times[-1]:g} s, {', '.join(self.feature_names)}, {origin})"
        )

    @property
    def time_step(self):
        """Δt, in s, of an equidistant grid; raises a ValueError for any other."""
        self.check_equidistant()
        return float((self.times[-1] - self.times[0]) / (len(self.times) - 1))

    def check_equidistant(self):
        """Raise a ValueError unless the times lie on a grid of equal steps."""
        if len(self.times) < 2:
            raise ValueError(
                "A time step needs two times. Received one time. Take a longer part of the data."
            )
        steps = np.diff(self.times)
        step = float((self.times[-1] - self.times[0]) / len(steps))
        rounding = 4.0 * np.finfo(np.float64).eps * np.abs(self.times).max()
        if np.abs(steps - step).max() > 1e-6 * step + rounding:
            raise ValueError(
                "The times must be equidistant. "
                f"Received steps from {steps.min():g} s to {steps.max():g} s. "
                "Interpolate the motion to a grid of equal steps first: trajectory.resample()."
            )

    def feature(self, name):
        """One feature by name, `(batch, time)`."""
        return self.states[:, :, self.feature_index(name)]

    def feature_index(self, name):
        """Index of a feature on the last axis of `states`."""
        if name not in self.feature_names:
            raise ValueError(
                f"The features are {', '.join(self.feature_names)}. Received: {name!r}."
                f"{did_you_mean(name, self.feature_names)}"
            )
        return self.feature_names.index(name)

    def every(self, num_steps):
        """Every `num_steps`-th sample, the first included: fine steps, kept on a coarse grid.

        Example:
        >>> from oscillator_zoo.data import DampedOscillator, simulate
        >>> simulate(DampedOscillator(), time_step=0.01, num_steps=30).every(10).times
        array([0. , 0.1, 0.2, 0.3])
        """
        kept = slice(None, None, positive_integer("num_steps", num_steps))
        return self._chosen(kept=kept)

    def resample(self, time_step=None, longest_gap=None):
        """The motion on a grid of equal steps, interpolated between its times.

        The states follow the cubic polynomial through the four nearest samples, with an error of
        3 h⁴ d⁴x/dt⁴ / 128 in steps of h; the force is a straight line from a sample to the next.

        Args:
            time_step: of the grid, in s; None for the middle one of the steps that there are.
            longest_gap: the longest step that is bridged, in s; None for three middle ones.

        Returns:
            `Trajectory` from the same first time on, without its problem.

        Raises:
            ValueError: for a longer gap, naming it, fewer than four samples or no grid of steps.

        Example:
        >>> import numpy as np
        >>> times = np.delete(0.1 * np.arange(40), [7, 20])
        >>> record = Trajectory(
        ...     times, np.cos(times)[None, :, None], ("position",), np.zeros((1, 38, 1))
        ... )
        >>> even = record.resample()
        >>> print(f"{even.time_step:.2f} {abs(even.states[0, 7, 0] - np.cos(0.7)):.0e}")
        0.10 1e-05
        """
        grid, states, force = resampled(self.times, self.states, self.force, time_step, longest_gap)
        return dataclasses.replace(
            self, times=grid, states=states, force=force, problem=None, method=None
        )

    def save(self, path):
        """Write an `.npz` file, whole or not at all.

        Raises:
            ValueError: for a problem or force that cannot be saved, or an unwritable folder.
        """
        write_trajectory(self, path)

    @classmethod
    def load(cls, path):
        """Read what `save` wrote; no code from the file is run.

        A class of your own must be registered before: import the module that defines it.

        Raises:
            ValueError: if the file is not a saved trajectory, or names an unknown class.
            FileNotFoundError: if there is no such file.
        """
        content = read_trajectory(path)
        try:
            return cls(**content)
        except ValueError as error:
            raise ValueError(f"The trajectory in {path} cannot be read. {reason(error)}") from error


def _float_array(name, value):
    """The value as a real floating-point array, not copied where it already is one."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise ValueError(
            f"{name} must be an array of real numbers. Received an array of {array.dtype} of "
            f"shape {array.shape}. Convert it to float64."
        )
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _check_times(times):
    if times.ndim != 1 or not len(times):
        raise ValueError(
            "times must have the shape (time,) with at least one time. "
            f"Received shape {times.shape}. All trajectories share one grid."
        )
    wrong = np.flatnonzero(~np.isfinite(times))
    if not wrong.size:
        wrong = np.flatnonzero(~(np.diff(times) > 0.0)) + 1
    if wrong.size:
        i = wrong[0]
        raise ValueError(
            f"times must be finite and increase. Received {times[i]:g} s at index {i}. "
            "Sort the samples, drop repetitions."
        )


def _check_shapes(trajectory):
    states, problem = trajectory.states, trajectory.problem
    force = trajectory._force_grid if trajectory._is_unread else trajectory.force
    num_features = len(trajectory.feature_names)
    num_times = len(trajectory.times)
    if states.ndim != 3 or states.shape[1:] != (num_times, num_features):
        raise ValueError(
            f"states must have the shape (batch, time, features) = (batch, {num_times}, "
            f"{num_features}). Received {states.shape}. Put time on the second axis."
        )
    if force.ndim != 3 or force.shape[:2] != states.shape[:2]:
        raise ValueError(
            f"force must have the shape (batch, time, dimension) with {states.shape[:2]} "
            f"in front. Received {force.shape}. Pass F at every time."
        )
    if problem is not None and problem.ensemble_size not in (None, len(states)):
        raise ValueError(
            f"problem must describe one oscillator or all {len(states)} trajectories. Received "
            f"an ensemble of {problem.ensemble_size}. Pass the problem that made the states."
        )


def check_trajectory(value):
    """Raise unless the value is a `Trajectory`."""
    if not isinstance(value, Trajectory):
        raise ValueError(
            "A Trajectory is expected, as simulate and load_measurement return it. "
            f"Received: {type(value).__name__}. For arrays of your own build "
            "Trajectory(times, states, feature_names, force)."
        )
