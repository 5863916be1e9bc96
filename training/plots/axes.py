"""What all plots share: Axes to draw on, and colours that colour-blind readers can tell apart."""

# Okabe and Ito: blue, vermilion, green, purple, orange, sky blue.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
TRUTH = "#999999"
MARK = "#444444"


def axes_or_new(ax, **subplots):
    """The Axes to draw on, checked, or those of a new figure.

    Args:
        ax: Matplotlib `Axes` or None.
        **subplots: as for `matplotlib.pyplot.subplots`, where a figure is made.

    Returns:
        `Axes`, or an array of them if the new figure has several.

    Raises:
        ValueError: for anything else, such as the array that `subplots(2)` returns.
    """
    from matplotlib.axes import Axes

    if isinstance(ax, Axes):
        return ax
    if ax is not None:
        raise ValueError(
            f"ax must be one Matplotlib Axes. Received: {type(ax).__name__}. "
            "Of several take one, axes[0]."
        )
    import matplotlib.pyplot as plt

    return plt.subplots(**{"figsize": (7.0, 4.0), "layout": "constrained", **subplots})[1]


def legend_above(ax, low, high):
    """A legend in one row, in a strip of its own above data that reach from `low` to `high`."""
    if ax.get_yscale() == "log":
        ratio = max(high / low, 10.0)
        ax.set_ylim(low / ratio**0.05, high * ratio**0.25)
    elif high > low:
        ax.set_ylim(low - 0.05 * (high - low), high + 0.25 * (high - low))
    ax.legend(loc="upper right", ncols=4, framealpha=1.0, handlelength=1.5, columnspacing=1.2)


def next_colour(ax):
    """The first colour that no line on the Axes has yet, so that calls can follow each other."""
    used = {line.get_color() for line in ax.lines}
    free = [colour for colour in COLOURS if colour not in used]
    return free[0] if free else COLOURS[len(ax.lines) % len(COLOURS)]
