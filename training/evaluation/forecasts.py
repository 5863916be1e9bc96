"""How long can a one-step forecaster live on its own predictions?"""

import numpy as np

from oscillator_zoo.data.checks import positive_integer, real_value
from oscillator_zoo.data.datasets.batches import force_included, input_columns, state_columns
from oscillator_zoo.models import rollout
from oscillator_zoo.models.presets.range_warning import warn_outside

from .free_run import (
    FreeRun,
    baseline_forecasts,
    chosen_features,
    finite_or_inf,
    position_columns,
)
from .phase import phase_drift

LABELS = {
    "rmse": "RMSE / amplitude, median",
    "rmse_90": "RMSE / amplitude, 90th percentile",
    "valid_time": "valid time, median (s)",
    "phase_drift": "phase drift (rad/period)",
    "amplitude_error": "amplitude error at the end, relative",
    "energy_error": "energy error at the end, relative",
}


def evaluate_forecast(
    model,
    trajectory,
    warm_up,
    num_steps=None,
    features=None,
    include_force=None,
    training=None,
    tolerated_error=0.2,
    autoregression_order=None,
):
    """Errors of a one-step forecaster in a closed loop, next to those of baselines.

    The model sees the first `warm_up` samples, then its own predictions in place of the states
    (`oscillator_zoo.models.rollout`); the force stays known. Errors are those of the position,
    divided by the amplitude A, the largest \\|x\\| of the warm-up; each trajectory has its own.

    | measure           | content                                                   | unit       |
    |-------------------|-----------------------------------------------------------|------------|
    | `rmse`            | √(mean over the steps of e²) / A, median                  |            |
    | `rmse_90`         | the same, 90th percentile                                 |            |
    | `valid_time`      | time until \\|e\\| first exceeds `tolerated_error` · A, at  | s          |
    |                   | most the whole forecast; median                           |            |
    | `phase_drift`     | `phase_drift` of the first position                       | rad/period |
    | `amplitude_error` | rms of the last quarter of the forecast over that of the  |            |
    |                   | truth, minus 1                                            |            |
    | `energy_error`    | the same of the mean energy, where the problem has one    |            |

    Median and percentile are over the trajectories. The last three measures have a sign, which a
    median would hide: they are those of the trajectory whose magnitude is the median one.

    The baselines start from the same samples: "persistence" repeats the last state;
    "autoregression" is a linear recurrence fitted by least squares to the warm-up of each
    trajectory, or to `training`; where the problem is known, "euler" steps it at the same Δt,
    "rk4" and "exact" go on with the continuous motion. Motions made by Euler's method are
    forecast by "euler" without error, and by "exact" with the error of Euler's method.

    Args:
        model: one-step forecaster, as for `rollout`.
        trajectory: `Trajectory` on equidistant times, in the units that the model takes.
        warm_up: number of samples that are known, an integer ≥ 1.
        num_steps: length of the forecast; None: to the end of the trajectory.
        features: names of the features that the model takes and predicts, None for all.
        include_force: whether the model takes the force; None: where the system has one, as in
            `forecast_windows`.
        training: `Trajectory` to fit the autoregression to, None for the warm-ups.
        tolerated_error: positive number, a fraction of the amplitude.
        autoregression_order: number of past samples the next one depends on there, or a pair: of
            the motion and of the force; None: 1 where the velocity is among the features, so that
            one sample is the state, else 2.

    Returns:
        `FreeRun`, which prints as a table: `result["model"]["rmse"]` is one number,
        `result.error_by_step("model")` the error of every step, `plot_rollout(result)` a picture.

    Raises:
        ValueError: if the trajectory is shorter than warm-up and forecast, at rest throughout
            the warm-up, or does not fit the model.

    Example:
    >>> import keras
    >>> from oscillator_zoo.data import DampedOscillator, simulate
    >>> from oscillator_zoo.models import ElmanRNN, euler_weights
    >>> oscillator = DampedOscillator(damping=0.1)
    >>> layer = ElmanRNN(2, activation="linear", use_bias=False, return_sequences=True)
    >>> layer.build((None, None, 2))
    >>> layer.set_weights([euler_weights(oscillator, 0.1).recurrent_kernel, np.zeros((2, 2))])
    >>> result = evaluate_forecast(layer, simulate(oscillator, 0.1, num_steps=300), warm_up=20)
    >>> result["model"]["rmse"] < 1e-4 < result["exact"]["rmse"] < result["persistence"]["rmse"]
    True
    """
    warm_up, num_steps = check_lengths(trajectory, warm_up, num_steps)
    tolerated_error = real_value("tolerated_error", tolerated_error, "of the amplitude", above=0.0)
    features = chosen_features(trajectory, features)
    inputs = input_columns(trajectory, features, include_force)
    force = None
    if force_included(trajectory, include_force):
        force = trajectory.force[:, warm_up - 1 : warm_up - 1 + num_steps]
    warn_outside(model, trajectory.time_step)
    forecasts = {"model": rollout(model, inputs[:, :warm_up], num_steps, force=force)}
    truth = state_columns(trajectory, features)
    forecasts |= baseline_forecasts(
        trajectory, features, warm_up, num_steps, autoregression_order, training
    )
    amplitude = _amplitude(truth[:, :warm_up, position_columns(features)])
    truth = truth[:, warm_up : warm_up + num_steps]
    measured = Measured(trajectory, features, truth, amplitude, tolerated_error, warm_up)
    scores = {name: measured.scores(forecast) for name, forecast in forecasts.items()}
    notes = (
        f"Trajectories: {len(trajectory)}; {num_steps} steps of {trajectory.time_step:g} s after "
        f"{warm_up} known samples.",
        f"Valid: |error| at most {tolerated_error:g} of the amplitude, the largest |x| of the "
        "warm-up.",
    )
    return FreeRun(scores, LABELS, notes, trajectory, features, warm_up, forecasts)


class Measured:
    """The truth of a forecast, and how forecasts are measured against it."""

    def __init__(self, trajectory, features, truth, amplitude, tolerated_error, warm_up):
        self.trajectory, self.features, self.truth = trajectory, features, truth
        self.amplitude, self.tolerated_error = amplitude, tolerated_error
        self.times = trajectory.times[warm_up : warm_up + truth.shape[1]]
        self.positions = position_columns(features)

    def scores(self, forecast):
        """The measures of one forecast, `(batch, num_steps, features)`."""
        with np.errstate(over="ignore", invalid="ignore"):
            error = (forecast - self.truth)[..., self.positions].astype(np.float64)
            error = finite_or_inf(np.sqrt(np.sum(error**2, axis=-1))) / self.amplitude[:, None]
            rmse = np.sqrt(np.mean(error**2, axis=1))
            return {
                "rmse": float(np.median(rmse)),
                "rmse_90": float(np.percentile(rmse, 90, method="higher")),
                "valid_time": float(np.median(self._valid_times(error))),
                "phase_drift": _typical(self._phase_drifts(forecast)),
                "amplitude_error": _typical(self._amplitude_errors(forecast)),
                "energy_error": _typical(self._energy_errors(forecast)),
            }

    def _valid_times(self, error):
        invalid = error > self.tolerated_error
        steps = np.where(invalid.any(axis=1), invalid.argmax(axis=1), error.shape[1])
        return steps * self.trajectory.time_step

    def _phase_drifts(self, forecast):
        column = self.positions[0]
        pairs = zip(self.truth[..., column], forecast[..., column])
        return [phase_drift(self.times, truth, motion) for truth, motion in pairs]

    def _amplitude_errors(self, forecast):
        rms = [
            np.sqrt(np.mean(last_quarter(motion[..., self.positions]) ** 2, axis=(1, 2)))
            for motion in (forecast, self.truth)
        ]
        return _excess(*rms)

    def _energy_errors(self, forecast):
        problem = self.trajectory.problem
        if problem is None or self.features != problem.feature_names:
            return [np.nan]
        try:
            energy = [
                last_quarter(self._energy(problem, motion)).mean(axis=(1, 2))
                for motion in (forecast, self.truth)
            ]
        except ValueError:  # the problem has no energy
            return [np.nan]
        return _excess(*energy)

    def _energy(self, problem, motion):
        x, v = motion[..., : problem.dimension], motion[..., problem.dimension :]
        return problem.energy(x, v)


def check_lengths(trajectory, warm_up, num_steps):
    """Warm-up and number of steps as integers that fit an equidistant trajectory."""
    warm_up = positive_integer("warm_up", warm_up)
    trajectory.check_equidistant()
    num_times = len(trajectory.times)
    num_steps = positive_integer(
        "num_steps", max(num_times - warm_up, 1) if num_steps is None else num_steps
    )
    if warm_up + num_steps > num_times:
        raise ValueError(
            f"warm_up + num_steps must be at most {num_times}, the number of samples. Received "
            f"warm_up={warm_up} and num_steps={num_steps}. Use a longer trajectory or fewer steps."
        )
    return warm_up, num_steps


def last_quarter(values):
    """The last quarter of the steps, at least one."""
    return values[:, -max(1, values.shape[1] // 4) :]


def _amplitude(positions):
    """The largest |x| of every warm-up, `(batch,)`."""
    amplitude = np.sqrt(np.sum(positions**2, axis=-1)).max(axis=1)
    at_rest = np.flatnonzero(amplitude == 0.0)
    if at_rest.size:
        raise ValueError(
            "Errors are divided by the largest |x| of the warm-up, which must not be zero. "
            f"Received x = 0 throughout that of trajectory {at_rest[0]}. Use a longer warm_up."
        )
    return amplitude


def _excess(values, truth):
    """values / truth − 1; NaN where the truth is zero, inf where the values are not finite."""
    with np.errstate(divide="ignore"):
        ratio = finite_or_inf(values) / truth
    return np.where(truth != 0.0, ratio - 1.0, np.nan)


def _typical(values):
    """The value, with its sign, whose magnitude is the median one; NaN values do not count."""
    values = np.asarray(values, np.float64)
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan")
    return float(values[np.argsort(np.abs(values))[(len(values) - 1) // 2]])
