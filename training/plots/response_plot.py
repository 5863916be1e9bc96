"""A picture of the motion that a model makes of a force, with its error."""

import numpy as np

from oscillator_zoo.data.checks import positive_integer

from ..evaluation.evaluation import feature_unit
from .axes import COLOURS, TRUTH, axes_or_new, legend_above


def plot_response(result, index=0, num_samples=150, magnification=10, ax=None):
    """Measured and simulated motion around the largest of it, and the magnified error.

    Args:
        result: `FreeRun` that `evaluate_response` returned.
        index: which trajectory.
        num_samples: how much of it is drawn, around the largest position.
        magnification: factor of the error.
        ax: Matplotlib `Axes`; None makes a figure.

    Returns:
        The `Axes`.

    Raises:
        ValueError: for an `ax` that is not one `Axes`, or no samples to draw.
    """
    num_samples = positive_integer("num_samples", num_samples, at_least=2)
    truth, run = result.truth[index, :, 0], result.forecasts["model"][index, :, 0]
    peak = int(np.argmax(np.abs(truth - truth.mean())))
    first = min(max(peak - num_samples // 2, 0), max(len(truth) - num_samples, 0))
    part = slice(first, first + num_samples)
    feature = result.features[0]
    unit = feature_unit(result.trajectory.problem, feature)
    with np.errstate(over="ignore", invalid="ignore"):
        error = run - truth
        rmse = np.sqrt(np.mean(error.astype(np.float64) ** 2))
    ax = axes_or_new(ax)
    ax.plot(result.times[part], truth[part], color=TRUTH, linewidth=3.0, label="measured")
    ax.plot(result.times[part], run[part], color=COLOURS[0], linewidth=1.2, label="model")
    label = f"{magnification} × error"
    ax.plot(
        result.times[part],
        magnification * error[part],
        color=COLOURS[1],
        linewidth=1.0,
        label=label,
    )
    ax.set_title(f"Free run of {result.num_steps} samples: RMSE {rmse:.3g} ({unit})")
    ax.set_xlabel("time (s)")
    ax.set_ylabel(f"{feature} ({unit})")
    legend_above(ax, truth[part].min(), truth[part].max())
    return ax
