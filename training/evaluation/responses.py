"""How good is a model that turns force into motion?"""

import keras
import numpy as np

from oscillator_zoo.data.datasets.batches import state_columns
from oscillator_zoo.models.physics_cells.duffing_checks import NO_BETTER, UNEXPLAINED
from oscillator_zoo.models.presets.range_warning import warn_outside

from .evaluation import feature_unit
from .forecasts import check_lengths
from .free_run import FreeRun, baseline_forecasts, chosen_features, finite_or_inf

# RMSE over standard deviation, above which no model has learned the motion. Between UNEXPLAINED and
# this, one must be better than NO_BETTER of a linear autoregression.
MOST = 0.5
INPUTS = ("force", "initial_state", "first_states")


def evaluate_response(
    model,
    trajectory,
    warm_up=50,
    inputs=None,
    targets=None,
    training=None,
    autoregression_order=None,
):
    """Errors of the motion that a model makes of a force, next to those of baselines.

    The model gets the force F_0 … F_{N−1} and gives s_1 … s_N, as trained on
    `system_identification_pairs`; it is told at most where the motion begins. The first
    `warm_up` samples s_0 … s_{warm_up−1}, in which the model's start is forgotten, are not scored.

    | measure         | content                                              | unit            |
    |-----------------|------------------------------------------------------|-----------------|
    | `position_rmse` | √(mean of (x̂ − x)²) over all trajectories and times  | of the position |
    | `position_nrmse`| the same over the standard deviation of x: 1 is what |                 |
    |                 | the best constant achieves                           |                 |
    | `position_max`  | max \\|x̂ − x\\|                                        | of the position |

    and the same for every other target. The baselines know the first `warm_up` samples of the
    motion and then run free, like the model, on the force: see `evaluate_forecast`. An
    autoregression fitted to few or quiet samples may run away; pass `training`. A model that is
    hardly better than it, or leaves half of the motion unexplained, is named in the notes.

    Args:
        model: `keras.Model` from force to motion.
        trajectory: `Trajectory` on equidistant times, in the units that the model takes.
        warm_up: number of samples that are not scored, an integer ≥ 1 (s_0 is no prediction).
        inputs: `"force"`, `("force", "initial_state")`, `("force", "first_states")` for a model
            that takes s_0 … s_{k−1}, `(batch, k, features)`, or a function that makes the model's
            inputs of the trajectory; None: by the number and rank of the model's inputs.
        targets: names of the features that the model gives; None for all.
        training: `Trajectory` to fit the autoregression to, None for the warm-ups.
        autoregression_order: number of past samples the next one depends on there, or a pair: of
            the motion and of the force; None: 1 where the velocity is among the features, so that
            one sample is the state, else 2.

    Returns:
        `FreeRun`, which prints as a table: `result["model"]["position_rmse"]` is one number.

    Raises:
        ValueError: if the trajectory is not longer than the warm-up, or the model's output is not
            `(batch, N, targets)`.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator, Sinusoid, simulate
    >>> from oscillator_zoo.models import EulerCell
    >>> force = Sinusoid(1.0, angular_frequency=1.3)
    >>> motion = simulate(DampedOscillator(damping=0.5, force=force, position=0.0), 0.1, 400)
    >>> cell = EulerCell(0.1, damping_rate=0.5, squared_frequency=1.0)
    >>> model = keras.Sequential([keras.layers.RNN(cell, return_sequences=True)])
    >>> result = evaluate_response(model, motion)
    >>> result["model"]["position_rmse"] < 1e-5 < result["exact"]["position_rmse"]
    True
    """
    warm_up, num_steps = check_lengths(trajectory, warm_up, None)
    features = chosen_features(trajectory, targets)
    truth = state_columns(trajectory, features)
    warn_outside(model, trajectory.time_step, force=trajectory.force)
    prediction = _predicted(model, trajectory, inputs, warm_up)
    if prediction.shape != truth[:, 1:].shape:
        raise ValueError(
            f"The model must give s_1 … s_N of {', '.join(features)}, shape {truth[:, 1:].shape}. "
            f"Received {prediction.shape}. Pass targets=… with the features that it gives, and "
            "return_sequences=True to its last recurrent layer."
        )
    forecasts = {"model": prediction[:, warm_up - 1 :]}
    forecasts |= baseline_forecasts(
        trajectory,
        features,
        warm_up,
        num_steps,
        autoregression_order,
        training,
    )
    scores = {
        name: _scores(forecast, truth[:, warm_up:], features)
        for name, forecast in forecasts.items()
    }
    notes = (
        f"Trajectories: {len(trajectory)}; {num_steps} samples each, {trajectory.time_step:g} s "
        f"apart, after {warm_up} samples that are not scored.",
    )
    notes += _doubt(scores, features[0])
    labels = _labels(trajectory.problem, features)
    return FreeRun(scores, labels, notes, trajectory, features, warm_up, forecasts)


def _predicted(model, trajectory, inputs, warm_up):
    """The model's output for the whole trajectory, from one compiled call."""
    if callable(inputs):
        x = inputs(trajectory)
    else:
        own = getattr(model, "inputs", None) or [0]
        known = own[1].shape[1] if len(own) == 2 and len(own[1].shape) == 3 else 0
        if inputs is None:
            second = "first_states" if known else "initial_state"
            inputs = ("force", second) if len(own) == 2 else "force"
        names = (inputs,) if isinstance(inputs, str) else tuple(inputs)
        if set(names) - set(INPUTS):
            raise ValueError(
                "inputs must be 'force', ('force', 'initial_state'), ('force', 'first_states') or "
                f"a function of the trajectory. Received: {inputs!r}. Leave it out to go by the "
                "model's inputs."
            )
        if "first_states" in names and not 1 <= known <= warm_up:
            raise ValueError(
                "A model sees at most the samples that are not scored. Received a model of the "
                f"first {known} states and warm_up={warm_up}. Pass a longer warm_up."
            )
        parts = {
            "force": trajectory.force[:, :-1],
            "initial_state": trajectory.states[:, 0],
            "first_states": trajectory.states[:, :known],
        }
        x = parts[names[0]] if len(names) == 1 else tuple(parts[name] for name in names)
    if isinstance(model, keras.Model):
        return model.predict_on_batch(x)  # unlike predict, it keeps float64
    return keras.ops.convert_to_numpy(model(x))


def _scores(forecast, truth, features):
    scores = {}
    for i, name in enumerate(features):
        with np.errstate(over="ignore", invalid="ignore"):
            error = finite_or_inf(forecast[..., i].astype(np.float64) - truth[..., i])
            rmse = float(np.sqrt(np.mean(error**2)))
        deviation = float(np.std(truth[..., i]))
        scores[f"{name}_rmse"] = rmse
        scores[f"{name}_nrmse"] = rmse / deviation if deviation > 0.0 else float("nan")
        scores[f"{name}_max"] = float(np.abs(error).max())
    return scores


def _doubt(scores, feature):
    """A sentence on a model that has not learned the motion, in a tuple; else an empty one."""
    share = scores["model"][f"{feature}_nrmse"]
    linear = scores.get("autoregression", {}).get(f"{feature}_nrmse", np.inf)
    if share > MOST or (share > UNEXPLAINED and share > NO_BETTER * linear):
        return (
            f"The model has not learned the motion: RMSE / standard deviation {share:.3g}, "
            f"{linear:.3g} of the linear autoregression; the best constant has 1.",
        )
    return ()


def _labels(problem, features):
    labels = {}
    for name in features:
        unit = feature_unit(problem, name)
        labels[f"{name}_rmse"] = f"{name} RMSE ({unit})"
        labels[f"{name}_nrmse"] = f"{name} RMSE / standard deviation"
        labels[f"{name}_max"] = f"{name} error, largest ({unit})"
    return labels
