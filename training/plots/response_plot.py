"""A picture of the motion that a model makes of a force, with its error."""

import numpy as np

from oscillator_zoo.data.checks import positive_integer

from ..evaluation.evaluation import feature_unit
from .axes import COLOURS, TRUTH_LINE, axes_or_new, legend_above


def plot_response(result, index=0, num_samples=150, magnification=10, ax=None):
    """Measured and simulated motion around the largest of it, and the magnified error.

    Args:
        result: `FreeRun` that `evaluate_response` returned.
        index: which trajectory.
        num_samples: how much of it is drawn, around the largest position.
        magnification: factor of the error; a smaller one, down to 1, where it would not fit.
        ax: Matplotlib `Axes`; None makes a figure.

    Returns:
        The `Axes`. Its range holds all three lines, as far as they are finite.

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
    size = np.abs(error[part][np.isfinite(error[part])]).max(initial=0.0)
    while magnification > 1 and magnification * size > 0.5 * np.ptp(truth[part]):
        magnification = max(magnification // 2, 1)
    ax = axes_or_new(ax)
    ax.plot(result.times[part], truth[part], label="measured", **TRUTH_LINE)
    ax.plot(result.times[part], run[part], color=COLOURS[0], linewidth=1.2, label="model")
    shown = magnification * error[part]
    label = f"{magnification} × error" if magnification > 1 else "error"
    ax.plot(result.times[part], shown, color=COLOURS[1], linewidth=1.0, label=label)
    ax.set_title(f"Free run of {result.num_steps} samples: RMSE {rmse:.3g} ({unit})")
    ax.set_xlabel("time (s)")
    ax.set_ylabel(f"{feature} ({unit})")
    drawn = np.concatenate([truth[part], run[part], shown])
    drawn = drawn[np.isfinite(drawn)]
    legend_above(ax, drawn.min(), drawn.max())
    return ax
