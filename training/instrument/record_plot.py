"""One look at a fit: record, residual, autocorrelation of the residual."""

import numpy as np

from ..plots.axes import COLOURS, MARK, dressed
from .record_doubts import autocorrelation

MOST_LAGS = 50


def plot_record(record, residual, law, ax=None):
    """A record and its fit, what is left, and whether that is noise.

    Args:
        record: `Record`.
        residual: record − fit, at the samples that hold a number.
        law: name of the equation.
        ax: three Matplotlib `Axes`; None makes a figure.

    Returns:
        The three `Axes`.

    Raises:
        ValueError: for another number of axes.
    """
    if ax is None:
        import matplotlib.pyplot as plt

        heights = {"height_ratios": [3, 1.4, 1.4]}
        ax = plt.subplots(
            3, figsize=(7.0, 6.5), layout="constrained", gridspec_kw=heights, squeeze=True
        )[1]
    axes = np.ravel(ax)
    if len(axes) != 3:
        raise ValueError(
            f"ax must hold three Matplotlib Axes: record, residual, autocorrelation. Received "
            f"{len(axes)}. Make them with plt.subplots(3)."
        )
    unit = record.units.get(record.quantity)
    top, middle, bottom = map(dressed, axes)
    times, values = record.times[record.kept], record.values[record.kept]
    top.plot(times, values, ".", color=MARK, markersize=3, label="record")
    top.plot(times, values - residual, color=COLOURS[0], linewidth=1.2, label=f"fit: {law}")
    left = np.sqrt(np.mean(np.square(residual)))
    top.set_title(f"The fit leaves {left:.2g} {unit or 'of the record’s unit'} rms")
    top.set_ylabel(f"{record.quantity} ({unit or 'its unit'})")
    top.legend(loc="upper right", ncols=2, framealpha=1.0)
    middle.plot(times, residual, ".", color=COLOURS[1], markersize=3)
    middle.set_ylabel(f"record − fit ({unit or 'its unit'})")
    middle.set_xlabel("time (s)")
    alike = autocorrelation([residual], MOST_LAGS)[1:]
    lags = np.arange(1, len(alike) + 1)
    bottom.vlines(lags, 0.0, alike, color=COLOURS[2])
    bottom.axhline(0.0, color=MARK, linewidth=0.8)
    shown = 2.0 / np.sqrt(len(residual))
    bottom.axhspan(-shown, shown, color=COLOURS[5], alpha=0.25, linewidth=0, label="as of noise")
    reach = 1.2 * max(shown, np.abs(alike).max())
    bottom.set_ylim(-reach, 2.0 * reach)  # room for the legend
    bottom.set_ylabel("autocorrelation")
    bottom.set_xlabel("lag (samples)")
    bottom.legend(loc="upper right", framealpha=1.0)
    return axes
