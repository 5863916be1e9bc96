"""What all plots share: one style, and colours that colour-blind readers can tell apart."""

import numpy as np

# Okabe and Ito: blue, vermilion, green, purple, orange, sky blue.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
TRUTH = "#999999"
MARK = "#444444"
TRUTH_LINE = {"color": TRUTH, "linewidth": 4.0, "alpha": 0.6}
STYLES = ("-", "--", "-.", ":")
IN_A_ROW = 4  # names of a legend
GRID = {"color": "#CCCCCC", "linewidth": 0.5, "alpha": 0.6}


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
        return dressed(ax)
    if ax is not None:
        raise ValueError(
            f"ax must be one Matplotlib Axes. Received: {type(ax).__name__}. "
            "Of several take one, axes[0]."
        )
    import matplotlib.pyplot as plt

    made = plt.subplots(**{"figsize": (7.0, 4.0), "layout": "constrained", **subplots})[1]
    for one in np.ravel(made):
        dressed(one)
    return made


def dressed(ax):
    """The Axes with the look of all pictures: a faint grid, no frame above and to the right."""
    ax.grid(True, **GRID)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def panels(rows=1, columns=1, **subplots):
    """Empty panels of one figure, above or beside each other, with the look of all pictures.

    Panels above each other share the time; a shared axis is labelled once.

    Args:
        rows, columns: how many.
        **subplots: as for `matplotlib.pyplot.subplots`: `figsize`, `sharey`, `width_ratios`, …

    Returns:
        An array of `Axes`, of shape (rows · columns,), row by row.

    Example:
    >>> top, bottom = panels(2)
    >>> bottom.get_shared_x_axes().joined(top, bottom)
    True
    >>> import matplotlib.pyplot as plt; plt.close(top.figure)
    """
    size = (7.0, 2.0 + 1.8 * rows)
    return np.ravel(
        axes_or_new(
            None, nrows=rows, ncols=columns, **{"figsize": size, "sharex": rows > 1, **subplots}
        )
    )


def label_outside(ax, xlabel, ylabel):
    """Label both axes, but none that is shared with a panel nearer to the edge of the figure."""
    place = ax.get_subplotspec()
    for label, shared, outside in (
        (xlabel, ax.get_shared_x_axes(), place is None or place.is_last_row()),
        (ylabel, ax.get_shared_y_axes(), place is None or place.is_first_col()),
    ):
        if outside or len(shared.get_siblings(ax)) == 1:
            (ax.set_xlabel if label is xlabel else ax.set_ylabel)(label)


def draw_marks(ax, heights=None, places=None):
    """Thin dotted lines across the picture: at heights, such as tolerances, and at places on x."""
    for draw, at in ((ax.axhline, heights), (ax.axvline, places)):
        at = [] if at is None else np.ravel(at)
        for one in at:
            draw(one, color=MARK, linewidth=1.0 if len(at) < 10 else 0.4, linestyle=":")


def title_if_none(ax, title):
    """Set a title unless there is one, a user's or that of what was drawn before."""
    if not ax.get_title():
        ax.set_title(title)


def legend_above(ax, low, high, room=0.25):
    """A legend in a strip of its own above data that reach from `low` to `high`.

    Args:
        ax: Matplotlib `Axes`.
        low, high: positive on a logarithmic scale.
        room: height of the strip for one row of names, of the height of the data.
    """
    room *= max(-(-len(ax.get_legend_handles_labels()[0]) // IN_A_ROW), 1)
    if ax.get_yscale() == "log":
        ratio = max(high / low, 10.0)
        ax.set_ylim(low / ratio**0.05, high * ratio**room)
    elif high > low:
        ax.set_ylim(low - 0.05 * (high - low), high + room * (high - low))
    legend_of_visible(ax, loc="upper right", ncols=IN_A_ROW, framealpha=1.0, columnspacing=1.2)


def legend_of_visible(ax, **look):
    """A legend of what can be seen: no line that is empty, not finite, or outside the range."""
    pairs = [pair for pair in zip(*ax.get_legend_handles_labels()) if _is_seen(ax, pair[0])]
    if pairs:
        ax.legend(*zip(*pairs), **{"handlelength": 1.5, **look})


def _is_seen(ax, handle):
    if not hasattr(handle, "get_ydata"):
        return True
    if not handle.get_transform().contains_branch_seperately(ax.transData)[1]:
        return True  # an upright line, from the bottom of the axes to their top
    low, high = ax.get_ylim()
    y = np.asarray(handle.get_ydata(), np.float64)
    return bool(np.any((y >= low) & (y <= high)))


def next_colour(ax):
    """The first colour that no line on the Axes has yet, so that calls can follow each other."""
    used = {line.get_color() for line in ax.lines}
    free = [colour for colour in COLOURS if colour not in used]
    return free[0] if free else COLOURS[len(ax.lines) % len(COLOURS)]
