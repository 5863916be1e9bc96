"""Picture of vanishing and exploding gradients."""

from .axes import TRUTH_LINE, axes_or_new, legend_of_visible, next_colour, title_if_none


def plot_gradient_norms(result, ax=None, **line):
    """Norms of ∂h_t/∂h_{t−k} over the lag k on a logarithmic scale, with |λ|^k in grey.

    The line is the mean over the sequences, the band reaches from the smallest to the largest.

    Args:
        result: what `gradient_norms` returned.
        ax: Matplotlib `Axes`; None makes a figure. Results drawn on the same `Axes` take another
            colour each.
        **line: as for `Axes.plot`: `label`, `color`, `linestyle`, …

    Returns:
        The `Axes`. |λ|^k is left out where the cell has no single recurrent matrix.

    Raises:
        ValueError: for an `ax` that is not one `Axes`.

    Example:
    >>> import numpy as np
    >>> from oscillator_zoo.models import EulerCell
    >>> from oscillator_zoo.training import gradient_norms
    >>> cell = EulerCell(0.1, damping_rate=0.5, squared_frequency=1.0)
    >>> ax = plot_gradient_norms(gradient_norms(cell, np.zeros((1, 50, 1))), label="Euler")
    >>> ax.get_xlabel(), ax.get_yscale()
    ('lag k (steps)', 'log')
    >>> import matplotlib.pyplot as plt; plt.close(ax.figure)
    """
    ax = axes_or_new(ax)
    line = {"color": next_colour(ax), "linewidth": 1.6, **line}
    lags, norms = result.lags, result.norms
    if result.expected is not None:
        label = f"|λ|$^k$, |λ| = {result.spectral_radius:.4g}"
        ax.plot(lags, result.expected, label=label, **TRUTH_LINE)
    ax.plot(lags, norms.mean(axis=0), **{"label": "norm of the Jacobian", **line})
    if len(norms) > 1:
        band = {"color": line["color"], "alpha": 0.25, "linewidth": 0.0}
        ax.fill_between(lags, norms.min(axis=0), norms.max(axis=0), **band)
    ax.set_yscale("log")
    ax.set_xlabel("lag k (steps)")
    ax.set_ylabel("‖∂h$_t$/∂h$_{t-k}$‖")
    title_if_none(ax, "How much of a gradient is left after k steps back")
    legend_of_visible(ax)
    return ax
