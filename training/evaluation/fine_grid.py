"""The times at which a trained solution is judged: finer than those it was trained on."""

import numpy as np

from oscillator_zoo.models import PINN

REFINEMENT = 10
MOST_TIMES = 1_000_000  # about as many; each takes some 40 µs of RK4 where there is no closed form


def fine_times(pinn, num_points=None):
    """Times ten times finer than the training points, and both sides of every jump of the force.

    Nine times lie between two neighbouring training points, where a residual may be large though
    it is small at the points themselves, and between an edge of a window and the points next to
    it. At a time t_s at which the force jumps, the equation asks for one acceleration before and
    another one from t_s on; the grid has t_s and the times eight roundings (of the model's dtype)
    before and after it. Where ten times as many were more than a million, as in thousands of
    windows, the gaps are cut into fewer parts, two at least.

    Args:
        pinn: `PINN`.
        num_points: number of training points, as it was passed to `pinn.collocation_points`; None
            for as many as that makes by itself.

    Returns:
        Increasing times in s, `ndarray` of shape `(num,)`, from t0 to t0 + T; those of
        `equidistant_times` are among them.

    Raises:
        ValueError: for a model that is not a `PINN`, or a number of points below 2.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator
    >>> pinn = PINN(DampedOscillator(), duration=3.0, hidden_units=(4,))
    >>> len(fine_times(pinn, num_points=4))
    31
    """
    times = equidistant_times(pinn, num_points)
    start, end = times[0], times[-1]
    if pinn.num_windows > 1:
        times = np.union1d(times, _between_points(pinn, num_points))
    side = 8.0 * float(np.finfo(pinn.compute_dtype).eps) * max(abs(start), abs(end))
    jumps = [t for t in pinn.domain.sketch().jumps if t <= end]
    around = [t + offset for t in jumps for offset in (-side, 0.0, side)]
    return np.unique(np.clip(np.union1d(times, around), start, end))


def equidistant_times(pinn, num_points=None):
    """Equidistant times from t0 to t0 + T, with the arguments of `fine_times`.

    A network in one window has equidistant training points, and these are ten times finer. One
    in several windows has Chebyshev points; these are as many as they.
    """
    check_pinn(pinn)
    start = pinn.problem.start_time
    num = len(pinn.collocation_times(num_points))
    finer = _refinement(num) if pinn.num_windows == 1 else 1
    return np.linspace(start, start + pinn.duration, finer * (num - 1) + 1)


def _between_points(pinn, num_points):
    """Each gap between neighbouring training points or edges of windows, cut into equal parts."""
    points = np.union1d(pinn.window_edges, pinn.collocation_times(num_points))
    finer = _refinement(len(points))
    parts = np.arange(finer) / finer
    return (points[:-1, None] + np.diff(points)[:, None] * parts).reshape(-1)


def _refinement(num_points):
    """Parts of each gap between as many points."""
    return int(np.clip(MOST_TIMES // num_points, 2, REFINEMENT))


def check_pinn(model):
    """Raise unless the model is a `PINN` that solves one problem."""
    if not isinstance(model, PINN):
        raise ValueError(
            "A residual and a solution to compare with belong to a PINN. "
            f"Received a model of type {type(model).__name__}. "
            "For a forecaster use evaluate_forecast, for force to motion evaluate_response."
        )
    if model.parameter_ranges is not None:
        example = ", ".join(f"{name}=…" for name in model.parameter_ranges)
        raise ValueError(
            "Tables and pictures of a solution are of one problem. Received a PINN with "
            f"parameter_ranges, a family. Take one of its members, pinn.member({example}), and "
            f"compare it with problem.with_parameters({example})."
        )
