"""Named lines in one picture: what most lessons draw."""

import numpy as np

from .axes import COLOURS, MARK, TRUTH_LINE, axes_or_new, legend_of_visible

STYLES = ("-", "--", "-.", ":")


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
            "log". `mark`: a height at which a thin line stands, such as a tolerance. `marker`: of
            all lines. All else goes to `Axes.set`, such as `ylim`.

    Returns:
        The `Axes`.

    Raises:
        ValueError: for an unknown `truth`, or an `ax` that is not one `Axes`.

    Example:
    >>> t = np.linspace(0.0, 6.0, 61)
    >>> ax = plot_lines(t, {"exact": np.cos(t), "a start": 1 - t**2 / 2}, truth="exact")
    >>> ax.get_xlabel(), [line.get_label() for line in ax.lines]
    ('time (s)', ['exact', 'a start'])
    >>> import matplotlib.pyplot as plt; plt.close(ax.figure)
    """
    if truth is not None and truth not in lines:
        raise ValueError(
            f"truth must name one of the lines {', '.join(lines)}. Received: {truth!r}. "
            "Use one of these names, or leave truth out."
        )
    ax = axes_or_new(look.pop("ax", None))
    mark, marker = look.pop("mark", None), look.pop("marker", None)
    others = [name for name in lines if name != truth]
    for name, values in lines.items():
        at, values = (x, values) if x is not None else values
        i = None if name == truth else others.index(name)
        line = TRUTH_LINE if i is None else _style(i)
        ax.plot(at, np.reshape(values, len(at)), label=name, marker=marker, **line)
    if mark is not None:
        ax.axhline(mark, color=MARK, linewidth=1.0, linestyle=":")
    for axis in {"xscale", "yscale"} & set(look):
        # On a logarithmic scale a zero is a gap, not a line into the deep.
        log = {"nonpositive": "mask"} if look[axis] == "log" else {}
        getattr(ax, f"set_{axis}")(look.pop(axis), **log)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title, **look)
    columns = 75 // (max(map(len, lines)) + 6)  # as many as fit beside each other
    legend_of_visible(ax, ncols=max(1, min(3, columns, len(lines))), fontsize="small")
    return ax


def _style(i):
    """Colour and dashes of line i."""
    return {"color": COLOURS[i % len(COLOURS)], "linestyle": STYLES[i % len(STYLES)], "lw": 1.5}
