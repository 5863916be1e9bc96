"""Named lines in one picture: what most lessons draw."""

import numpy as np

from .axes import (
    COLOURS,
    MARK,
    STYLES,
    TRUTH_LINE,
    axes_or_new,
    draw_marks,
    label_outside,
    legend_of_visible,
)

DOTS = {"color": MARK, "linestyle": "none"}
KINDS_OF_DOTS = (  # so that several can be told apart, also where they lie on each other
    {"marker": ".", "markersize": 4.0},
    {"marker": "o", "markersize": 7.0, "markerfacecolor": "none"},
    {"marker": "s", "markersize": 10.0, "markerfacecolor": "none"},
    {"marker": "x", "markersize": 6.0},
)


def plot_lines(x, lines, truth=None, xlabel="time (s)", ylabel="position (m)", title="", **look):
    """Several named quantities over one axis, in the colours and dashes of the package.

    Lines differ in colour and in dashes, so that they can be told apart in grey too.

    Args:
        x: numbers of shape (num,), for all lines; or None where each line brings its own.
        lines: dictionary name → values of shape (num,) or (num, 1); or name → (x, values).
        truth: name of the line that the others are compared with, drawn thick and grey.
        xlabel, ylabel: quantity and unit.
        title: what the picture shows, in a few words.
        **look: `ax`: Matplotlib `Axes`; None makes a figure. `xscale`, `yscale`: "linear" or
            "log". `mark`, `mark_x`: one or several heights, or places on the x axis, at which a
            thin line stands, such as a tolerance. `marker`: of all lines. `dots`: names of what
            is measured, drawn as points without a line; a second name as circles, a third as
            crosses. All else goes to `Axes.set`, as `ylim`.

    Returns:
        The `Axes`.

    Raises:
        ValueError: for an unknown name in `truth` or `dots`, or an `ax` that is not one `Axes`.

    Example:
    >>> t = np.linspace(0.0, 6.0, 61)
    >>> ax = plot_lines(t, {"exact": np.cos(t), "a start": 1 - t**2 / 2}, truth="exact")
    >>> ax.get_xlabel(), [line.get_label() for line in ax.lines]
    ('time (s)', ['exact', 'a start'])
    >>> import matplotlib.pyplot as plt; plt.close(ax.figure)
    """
    dots = list(look.pop("dots", ()))
    _check_names("truth", () if truth is None else (truth,), lines)
    _check_names("dots", dots, lines)
    ax = axes_or_new(look.pop("ax", None))
    marker = look.pop("marker", None)
    others = [name for name in lines if name != truth and name not in dots]
    for name, values in lines.items():
        at, values = (x, values) if x is not None else values
        line = _dots(dots.index(name)) if name in dots else TRUTH_LINE
        line = _style(others.index(name)) if name in others else line
        ax.plot(at, np.reshape(values, len(at)), label=name, **{"marker": marker, **line})
    draw_marks(ax, look.pop("mark", None), look.pop("mark_x", None))
    for axis in {"xscale", "yscale"} & set(look):
        # On a logarithmic scale a zero is a gap, not a line into the deep.
        log = {"nonpositive": "mask"} if look[axis] == "log" else {}
        getattr(ax, f"set_{axis}")(look.pop(axis), **log)
    label_outside(ax, xlabel, ylabel)
    ax.set(title=title, **look)
    columns = 75 // (max(map(len, lines)) + 6)  # as many as fit beside each other
    legend_of_visible(ax, ncols=max(1, min(3, columns, len(lines))), fontsize="small")
    return ax


def _check_names(argument, names, lines):
    for name in names:
        if name not in lines:
            raise ValueError(
                f"{argument} must name one of the lines {', '.join(lines)}. Received: {name!r}. "
                f"Use one of these names, or leave {argument} out."
            )


def _style(i):
    """Colour and dashes of line i."""
    return {"color": COLOURS[i % len(COLOURS)], "linestyle": STYLES[i % len(STYLES)], "lw": 1.5}


def _dots(i):
    """Marker of the i-th name in `dots`."""
    return {**DOTS, **KINDS_OF_DOTS[i % len(KINDS_OF_DOTS)]}
