"""Pictures of motions, forecasts and training. Each takes and returns Matplotlib Axes."""

import numpy as np

from oscillator_zoo.data.checks import positive_integer
from oscillator_zoo.data.stepping.steppers import LABELS

from ..evaluation.evaluation import feature_unit, position_unit
from .axes import (
    COLOURS,
    MARK,
    STYLES,
    TRUTH_LINE,
    axes_or_new,
    draw_marks,
    label_outside,
    legend_above,
    legend_of_visible,
    next_colour,
    title_if_none,
)

MOST_LABELS = 6
MODEL_LINE = {"color": COLOURS[0], "linestyle": "-", "linewidth": 1.6}
BASELINE_LINE = {"linestyle": "--", "linewidth": 1.2}


def plot_trajectory(trajectory, feature="position", ax=None, **line):
    """One feature of a motion over time.

    Args:
        trajectory: `Trajectory`; up to six trajectories get a colour and a name each.
        feature: name of the feature.
        ax: Matplotlib `Axes`; None makes a figure.
        **line: as for `Axes.plot`: `label`, `color`, `linestyle`, …

    Returns:
        The `Axes`.

    Raises:
        ValueError: for an unknown feature, or an `ax` that is not one `Axes`.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator, simulate
    >>> motion = simulate(DampedOscillator(damping=0.2), time_step=0.1, num_steps=100)
    >>> ax = plot_trajectory(motion, label="Euler")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('time (s)', 'position (m)')
    >>> import matplotlib.pyplot as plt; plt.close(ax.figure)
    """
    values = trajectory.feature(feature)
    ax = axes_or_new(ax)
    for i, row in enumerate(values):
        ax.plot(trajectory.times, row, **_line(ax, i, len(values), line))
    ax.set_xlabel("time (s)")
    ax.set_ylabel(_label(trajectory.problem, feature))
    title_if_none(ax, f"{feature.replace('_', ' ').capitalize()} {_origin(trajectory)}")
    legend_of_visible(ax)
    return ax


def plot_phase(trajectory, coordinate=0, ax=None, **line):
    """Velocity over position: a closed curve for a motion that keeps its energy.

    A dot marks the start.

    Args:
        trajectory: `Trajectory` with position and velocity.
        coordinate: which of several coordinates, counted from 0.
        ax: Matplotlib `Axes`; None makes a figure.
        **line: as for `Axes.plot`.

    Returns:
        The `Axes`.

    Raises:
        ValueError: without a velocity, or for an unknown coordinate.
    """
    names = trajectory.feature_names
    suffix = "" if "position" in names else f"_{coordinate + 1}"
    position, velocity = f"position{suffix}", f"velocity{suffix}"
    if velocity not in names or (coordinate and not suffix):
        raise ValueError(
            "A phase portrait needs position and velocity. "
            f"Received coordinate={coordinate!r} of the features {', '.join(names)}. "
            "Pass a coordinate that has both."
        )
    x, v = trajectory.feature(position), trajectory.feature(velocity)
    ax = axes_or_new(ax, figsize=(5.0, 4.5))
    for i in range(len(x)):
        (drawn,) = ax.plot(x[i], v[i], **_line(ax, i, len(x), line))
        ax.plot(x[i, :1], v[i, :1], "o", color=drawn.get_color(), markersize=2 + 3 / len(x))
    ax.set_xlabel(_label(trajectory.problem, position))
    ax.set_ylabel(_label(trajectory.problem, velocity))
    title_if_none(ax, f"Phase portrait {_origin(trajectory)}")
    legend_of_visible(ax)
    return ax


def plot_rollout(result, index=0, feature=None, methods=None, num_steps=1000, ax=None, title=None):
    """A free run over the truth, with the samples that were known before it.

    Args:
        result: what `evaluate_forecast` or `evaluate_response` returned.
        index: which of its trajectories.
        feature: name of the feature; None: the first one.
        methods: names of the forecasts to draw; None: the model, and the linear autoregression
            if there is one.
        num_steps: at most so many steps are drawn, the first ones; the title speaks of all.
        ax: Matplotlib `Axes`; None makes a figure.
        title: what the picture shows; None: the number of steps and the error.

    Returns:
        The `Axes`. Its range is that of the truth and half as much more, whatever a forecast does.

    Raises:
        ValueError: for an unknown feature or method.
    """
    feature = result.features[0] if feature is None else feature
    if feature not in result.features:
        raise ValueError(
            f"The features forecast are {', '.join(result.features)}. Received: {feature!r}. "
            "Use one of them."
        )
    column = result.features.index(feature)
    if methods is None:
        methods = [name for name in ("autoregression", "model") if name in result.forecasts]
    for name in methods:
        result.check_method(name)
    drawn = min(positive_integer("num_steps", num_steps), result.num_steps)
    stop = result.warm_up + drawn
    times, truth = result.trajectory.times[:stop], result.trajectory.feature(feature)[index, :stop]
    ax = axes_or_new(ax)
    ax.plot(times, truth, label="truth", **TRUTH_LINE)
    for name in methods:
        run = result.forecasts[name][index, :drawn, column]
        line = MODEL_LINE if name == "model" else {"color": _baseline_colour(name), **BASELINE_LINE}
        ax.plot(times[result.warm_up :], run, label=name, **line)
    ax.axvline(times[result.warm_up - 1], color=MARK, linewidth=1.0, linestyle=":")
    error = result.forecasts["model"][index, :, column] - result.truth[index, :, column]
    with np.errstate(over="ignore", invalid="ignore"):
        rmse = np.sqrt(np.mean(error**2))
    unit = feature_unit(result.trajectory.problem, feature)
    said = f"Free run of {result.num_steps} steps: RMSE {rmse:.2g} {_spelled(unit)}"
    ax.set_title(said if title is None else title)
    label_outside(ax, "time (s)", _label(result.trajectory.problem, feature))
    quarter = 0.25 * np.ptp(truth)
    legend_above(ax, truth.min() - quarter, truth.max() + quarter)
    return ax


def plot_history(history, names=None, ax=None, mark_x=None, **look):
    """Loss and metrics over the epochs, on a logarithmic scale.

    Args:
        history: what `fit` returned, or its dictionary name → values.
        names: what to draw; None: everything that was logged, the learning rate aside.
        ax: Matplotlib `Axes`; None makes a figure.
        mark_x: epochs at which a thin line stands.
        **look: as for `Axes.set`, such as `title` and `ylabel`.

    Returns:
        The `Axes`. The legend has the units where the model is a `PINN`.

    Raises:
        ValueError: for a name that was not logged, or an empty history.
    """
    values = getattr(history, "history", history)
    if names is None:
        names = [name for name in values if name != "learning_rate"]
    names = [names] if isinstance(names, str) else list(names)
    if not names or any(name not in values for name in names):
        raise ValueError(
            f"The history has {', '.join(values) or 'no entries'}. Received names={names!r}. "
            "Train for at least one epoch and pass names from the history."
        )
    problem = getattr(getattr(history, "model", None), "problem", None)
    ax = axes_or_new(ax)
    last = 0
    for name in names:
        logged = np.asarray(values[name], np.float64)
        epochs = 1 + np.asarray(getattr(history, "epoch", range(len(logged))))[: len(logged)]
        known = np.isfinite(logged) & (logged > 0.0)  # what a logarithmic scale shows
        last = max(last, int(epochs[-1])) if len(epochs) else last
        if not known.any():
            continue
        marker = "." if known.sum() <= 50 else None
        label = name if problem is None else f"{name} ({_logged_unit(problem, name)})"
        line = {"color": next_colour(ax), "linestyle": STYLES[len(ax.lines) % len(STYLES)]}
        ax.plot(epochs[known], logged[known], marker=marker, label=label, **line)
    draw_marks(ax, places=mark_x)
    ax.set_yscale("log")
    ax.xaxis.get_major_locator().set_params(integer=True)
    label_outside(ax, "epoch", "loss" if len(names) == 1 else "loss and metrics")
    title_if_none(ax, f"Training, {last} epoch{'s' * (last != 1)}")
    ax.set(**look)
    legend_of_visible(ax)
    return ax


def _line(ax, i, num, given):
    """Line properties of trajectory i out of num: a colour and a name each, while they are few."""
    line = {"linewidth": 1.5, **given}
    if num <= MOST_LABELS:
        line.setdefault("color", next_colour(ax))
        if num > 1:
            line["label"] = f"{given['label']} {i}" if "label" in given else f"trajectory {i}"
        return line
    if i:
        line.pop("label", None)
    return {"color": COLOURS[0], "alpha": 0.4, **line, "linewidth": given.get("linewidth", 0.8)}


def _baseline_colour(name):
    order = ("autoregression", "persistence", "euler", "rk4", "exact")
    return COLOURS[1 + order.index(name)]


def _origin(trajectory):
    """Of what problem, by what method, as a title says it."""
    if trajectory.problem is None:
        return "that was measured"
    by = LABELS.get(trajectory.method)
    step = "" if trajectory.method_step is None else f", Δt = {trajectory.method_step:g} s"
    return f"of {type(trajectory.problem).__name__}" + (f" by {by}{step}" if by else "")


def _label(problem, feature):
    return f"{feature} ({feature_unit(problem, feature)})"


def _spelled(unit):
    return f"({unit})" if " " in unit else unit


def _logged_unit(problem, name):
    if not name.endswith("loss"):
        return problem.residual_unit
    return f"{position_unit(problem)}²/s{'⁴' if problem.order == 2 else '²'}"
