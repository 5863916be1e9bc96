"""The result of letting a model run free, with what is needed to draw it."""

import dataclasses

import numpy as np

from oscillator_zoo.data import Trajectory
from oscillator_zoo.data.checks import positive_integer

from .baselines import exact_motion, linear_autoregression, persistence, stepped
from .evaluation import Evaluation


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class FreeRun(Evaluation):
    """Errors of a model that runs free, and the motions that were compared.

    Args:
        scores: dictionary method → measure → float.
        labels: dictionary measure → what it is, with its unit.
        notes: sentences below the table.
        trajectory: `Trajectory` that was forecast.
        features: names of the features that were forecast.
        warm_up: number of samples at the start that are not scored.
        forecasts: dictionary method → motion, `(batch, num_steps, features)`, of the samples
            after the first `warm_up`.
    """

    trajectory: Trajectory = None
    features: tuple = ()
    warm_up: int = 0
    forecasts: dict = dataclasses.field(default_factory=dict)

    @property
    def times(self):
        """Times of the forecasts, `(num_steps,)`, in s."""
        return self.trajectory.times[self.warm_up : self.warm_up + self.num_steps]

    @property
    def num_steps(self):
        """Length of the forecasts."""
        return next(iter(self.forecasts.values())).shape[1]

    @property
    def truth(self):
        """What the forecasts should be, `(batch, num_steps, features)`."""
        columns = [self.trajectory.feature_index(name) for name in self.features]
        return self.trajectory.states[:, self.warm_up : self.warm_up + self.num_steps, columns]

    def error_by_step(self, method):
        """Root mean square over the trajectories of the position's error, `(num_steps,)`, in m.

        Where no position is forecast, it is the error of all features.
        """
        self.check_method(method)
        columns = position_columns(self.features)
        error = (self.forecasts[method] - self.truth)[..., columns].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            return finite_or_inf(np.sqrt(np.mean(np.sum(error**2, axis=-1), axis=0)))


def chosen_features(trajectory, names):
    """Names of features as a tuple; None stands for all, a text for one."""
    if names is None:
        return trajectory.feature_names
    return (names,) if isinstance(names, str) else tuple(names)


def position_columns(features):
    """Indices of the positions among the features; of all features if there is no position."""
    found = [i for i, name in enumerate(features) if name.startswith("position")]
    return found or list(range(len(features)))


def finite_or_inf(values):
    """Errors of a run that has left the range of numbers are inf, never NaN."""
    return np.nan_to_num(values, nan=np.inf, posinf=np.inf, neginf=np.inf)


def baseline_forecasts(trajectory, features, warm_up, num_steps, order, training):
    """Dictionary of forecasts `(batch, num_steps, features)` that need no network.

    | method           | forecast                                   | needs                      |
    |------------------|--------------------------------------------|----------------------------|
    | "persistence"    | the last known state                       |                            |
    | "autoregression" | `linear_autoregression`                    | long warm-up or `training` |
    | "euler"          | the trajectory's problem by Euler's method | problem, full state        |
    | "rk4"            | the same by RK4: the continuous motion     | problem, full state        |
    | "exact"          | the same in closed form                    | a closed form              |
    """
    if order is None:
        order = 1 if any(name.startswith("velocity") for name in features) else 2
    if isinstance(order, tuple) and len(order) == 2:
        order = tuple(positive_integer("autoregression_order", part) for part in order)
    else:
        order = positive_integer("autoregression_order", order)
    columns = [trajectory.feature_index(name) for name in features]
    states = trajectory.states[:, :, columns].astype(np.float64)
    fitted_to = None
    if training is not None:
        fitted_to = training.states[:, :, columns].astype(np.float64), training.force
    found = {
        "persistence": persistence(states, warm_up, num_steps),
        "autoregression": linear_autoregression(
            states, trajectory.force, warm_up, num_steps, order, fitted_to
        ),
    }
    if can_be_continued(trajectory):
        for method in ("euler", "rk4"):
            found[method] = stepped(trajectory, warm_up, num_steps, method)[..., columns]
        motion = exact_motion(trajectory, warm_up, num_steps)
        found["exact"] = None if motion is None else motion[..., columns]
    return {name: motion for name, motion in found.items() if motion is not None}


def can_be_continued(trajectory):
    """Whether the whole state is known, and the problem takes it as its start."""
    problem = trajectory.problem
    if problem is None or trajectory.feature_names != problem.feature_names:
        return False
    start = (
        {"position", "velocity", "start_time"} if problem.order == 2 else {"position", "start_time"}
    )
    return start <= set(problem.argument_names())
