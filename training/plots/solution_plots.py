"""Pictures of a PINN's solution and of its residual."""

import numpy as np

from oscillator_zoo.data.checks import real_value

from ..evaluation.error_bands import error_band
from ..evaluation.evaluation import position_unit
from ..evaluation.fine_grid import check_pinn, fine_times
from ..evaluation.reference import reference_motion
from .axes import COLOURS, MARK, TRUTH_LINE, axes_or_new, label_outside, legend_above, next_colour

BOUND = MARK  # of what a solution says of its own error
GAPS = ("--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))  # through which an error of that size is seen
DEEPEST = (
    1e-4  # of the largest residual or error: where it goes through zero it has no lowest value
)
SHORT = 0.05  # of the times: an error that is smaller for longer, as one that grows, is shown
VISIBLE = 2e-3  # of the range of the motion: half the width of its line


def plot_solution(pinn, ax=None, error_ax=None, num_points=None, times=None, reference=None):
    """A PINN's solution over the exact one, and the error between them, with its error band.

    The exact solution is the closed form, or RK4 where none is known; the title names it. The
    band is what the PINN itself says of its error, knowing no exact solution: `error_bound`, or
    `error_estimate` where there is no proof and the estimate is smaller than the motion.

    Args:
        pinn: `PINN`.
        ax: Matplotlib `Axes` for the solution; None makes a figure with a second panel below for
            the error, `ax.figure.axes[1]`.
        error_ax: `Axes` for |x̂ − x| on a logarithmic scale; None draws it only where a figure is
            made.
        num_points: number of training points, as passed to `collocation_points`, or None.
        times: increasing, from t0 on, `(num,)`, in s; None: `fine_times(pinn, num_points)`.
        reference: `reference_motion(pinn.problem, times)` where it is known already.

    Returns:
        The solution's `Axes`. The band is drawn, and named, where it is wide enough to be seen; in
        the error's panel the bound is a broken line. That panel begins four decades below the
        largest error; lower if the error is smaller for a twentieth of the times, but not below
        the motion's rounding.

    Raises:
        ValueError: for a model that is not a `PINN`, or an `ax` that is not one `Axes`.
    """
    check_pinn(pinn)
    times = fine_times(pinn, num_points) if times is None else times
    reference = reference_motion(pinn.problem, times) if reference is None else reference
    if ax is None and error_ax is None:
        ax, error_ax = axes_or_new(
            None, nrows=2, figsize=(7.0, 5.0), sharex=True, height_ratios=(2, 1)
        )
    ax = axes_or_new(ax)
    x = np.asarray(pinn.derivatives(times)[0], np.float64)
    error = np.abs(x - reference.position)
    unit = position_unit(pinn.problem)
    band = error_band(pinn, times)
    if band is not None and band.position.max() > np.ptp(x) and not band.is_proven:
        band = None  # the linearised equation says nothing here
    _draw_motion(ax, times, x, reference, band)
    ax.set_title(f"At most {error.max():.2g} {unit} from {reference.method}")
    label_outside(ax, "time (s)", f"position ({unit})")
    legend_above(ax, min(x.min(), reference.position.min()), max(x.max(), reference.position.max()))
    if error_ax is not None:
        _draw_error(axes_or_new(error_ax), times, error, band, np.abs(reference.position).max())
        label_outside(error_ax, "time (s)", f"|error| ({unit})")
    return ax


def _draw_motion(ax, times, x, reference, band):
    """The exact solution, that of the network over it, and the band where it can be seen."""
    exact = reference.method.removeprefix("the ")
    for i in range(x.shape[1]):
        number = f" {i + 1}" if x.shape[1] > 1 else ""
        colour = COLOURS[i % len(COLOURS)]
        ax.plot(times, reference.position[:, i], label=f"{exact}{number}", **TRUTH_LINE)
        ax.plot(times, x[:, i], color=colour, linewidth=1.6, label=f"PINN{number}")
        if band is not None and band.position[:, i].max() > VISIBLE * np.ptp(x):
            size, look = band.position[:, i], {"color": colour, "alpha": 0.25, "linewidth": 0.0}
            label = f"{band.name}{number}"
            ax.fill_between(times, x[:, i] - size, x[:, i] + size, label=label, **look)


def _draw_error(ax, times, error, band, size):
    """The error and its bound on a logarithmic scale that shows neither zeros nor rounding."""
    floor = np.finfo(np.float64).eps * (size or 1.0)
    high = max(error.max(), floor)
    low = max(min(DEEPEST * high, np.quantile(error, SHORT)), floor)
    for i in range(error.shape[1]):
        number = f" {i + 1}" if error.shape[1] > 1 else ""
        colour = COLOURS[i % len(COLOURS)]
        line = {"color": colour, "linewidth": 1.2, "label": f"|error|{number}"}
        ax.plot(times, np.maximum(error[:, i], floor), **line)
        if band is not None:
            line = {"color": BOUND, "linewidth": 1.6, "linestyle": GAPS[i % 4]}
            bound = np.maximum(band.position[:, i], floor)
            ax.plot(times, bound, label=f"{band.name}{number}", **line)
            high = max(high, bound[np.isfinite(bound)].max(initial=floor))
    ax.set_yscale("log")
    legend_above(ax, low, high, room=0.5)  # a low panel


def plot_residual(pinn, tolerance=1e-6, num_points=None, ax=None):
    """The residual of a PINN between its training points, on a logarithmic scale.

    Args:
        pinn: `PINN`.
        tolerance: positive number in m/s² (order 1: m/s), drawn as a line; None leaves it out.
        num_points: number of training points, as passed to `collocation_points`, or None.
        ax: Matplotlib `Axes`; None makes a figure.

    Returns:
        The `Axes`. Dotted lines mark the times at which the force jumps.

    Raises:
        ValueError: for a model that is not a `PINN`, or a tolerance that is not positive.
    """
    times = fine_times(pinn, num_points)
    residual = np.abs(np.asarray(pinn.residual(times), np.float64))
    unit, dimension = pinn.problem.residual_unit, pinn.problem.dimension
    ax = axes_or_new(ax)
    for i in range(dimension):
        label = "|residual|" if dimension == 1 else f"|residual {i + 1}|"
        ax.plot(times, residual[:, i], color=next_colour(ax), linewidth=1.0, label=label)
    low, high = residual[residual > 0.0].min(initial=residual.max()), residual.max()
    low = max(low, DEEPEST * high)
    title = f"Residual up to {high:.2g} {unit}"
    if tolerance is not None:
        tolerance = real_value("tolerance", tolerance, unit, above=0.0)
        label = f"tolerance {tolerance:g}"
        ax.axhline(tolerance, color=MARK, linestyle="--", linewidth=1.2, label=label)
        title += ": within the tolerance" if high <= tolerance else ": above the tolerance"
        low, high = min(low, tolerance), max(high, tolerance)
    jumps = [t for t in pinn.domain.sketch().jumps if t <= times[-1]]
    for i, jump in enumerate(jumps):
        label = None if i else "force jumps"
        ax.axvline(jump, color=MARK, linestyle=":", linewidth=1.0, label=label)
    ax.set_yscale("log")
    ax.set_title(title)
    label_outside(ax, "time (s)", f"|residual| ({unit})")
    if low > 0.0:
        legend_above(ax, low, high)
    return ax
