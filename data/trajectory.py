"""A motion, or an ensemble of motions, on one grid of times."""

import dataclasses
import zipfile

import numpy as np

from .files import write_whole
from .initial_value_problem import InitialValueProblem
from .serialization import problem_from_text, problem_to_text


@dataclasses.dataclass(frozen=True)
class Trajectory:
    """States at the times of a grid, with the force that acted.

    Args:
        times: `(time,)`, in s.
        states: `(batch, time, order·dimension)`: positions in m, then velocities in m/s, as
            `feature_names` says. A measurement has the position only.
        feature_names: names of the last axis of `states`.
        force: F at `times`, `(batch, time, dimension)`, in N.
        problem: the `InitialValueProblem`, or None for a measurement.

    Raises:
        ValueError: if the shapes do not fit each other.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator, simulate
    >>> trajectory = simulate(DampedOscillator(), time_step=0.01, num_steps=100)
    >>> trajectory.states.shape, trajectory.feature_names
    ((1, 101, 2), ('position', 'velocity'))
    >>> trajectory[0].feature("position")[0, :3]
    array([1.    , 1.    , 0.9999])
    """

    times: np.ndarray
    states: np.ndarray
    feature_names: tuple
    force: np.ndarray
    problem: InitialValueProblem | None = None

    def __post_init__(self):
        expected = (len(self.states), len(self.times), len(self.feature_names))
        if self.states.shape != expected:
            raise ValueError(
                f"states must have the shape (batch, time, features) = {expected}. "
                f"Received {self.states.shape}. Put time on the second axis."
            )
        if self.force.ndim != 3 or self.force.shape[:2] != self.states.shape[:2]:
            raise ValueError(
                f"force must have the shape (batch, time, dimension) with {self.states.shape[:2]} "
                f"in front. Received {self.force.shape}. Pass F at every time."
            )

    def __len__(self):
        return len(self.states)

    def __getitem__(self, index):
        """Some of the trajectories: an integer, a slice, or an array of integers or booleans."""
        index = np.arange(len(self))[index]
        rows = np.atleast_1d(index)
        problem = self.problem
        if problem is not None and problem.ensemble_size is not None:
            problem = problem.select(index)
        return dataclasses.replace(
            self, states=self.states[rows], force=self.force[rows], problem=problem
        )

    @property
    def time_step(self):
        """Δt, in s."""
        return float((self.times[-1] - self.times[0]) / (len(self.times) - 1))

    def feature(self, name):
        """One feature by name, `(batch, time)`."""
        if name not in self.feature_names:
            raise ValueError(
                f"The features are {', '.join(self.feature_names)}. Received: {name!r}."
            )
        return self.states[:, :, self.feature_names.index(name)]

    def save(self, path):
        """Write an `.npz` file, whole or not at all.

        Raises:
            ValueError: for a problem or force that cannot be saved, or an unwritable folder.
        """
        problem = "" if self.problem is None else problem_to_text(self.problem)
        with write_whole(path) as temporary, open(temporary, "wb") as file:
            np.savez_compressed(
                file,
                times=self.times,
                states=self.states,
                feature_names=np.array(self.feature_names),
                force=self.force,
                problem=np.array(problem),
            )

    @classmethod
    def load(cls, path):
        """Read what `save` wrote.

        Raises:
            ValueError: if the file is not a saved trajectory.
            FileNotFoundError: if there is no such file.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                content = {name: file[name] for name in file.files}
            text = str(content["problem"])
            return cls(
                times=content["times"],
                states=content["states"],
                feature_names=tuple(str(name) for name in content["feature_names"]),
                force=content["force"],
                problem=problem_from_text(text) if text else None,
            )
        except (KeyError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"A saved trajectory is an .npz file written by Trajectory.save. Received: {path} "
                f"({type(error).__name__}: {error}). Save it again."
            ) from error
