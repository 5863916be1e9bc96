"""A small residual at the training points is not yet the right answer: checks after a fit.

Each returns whether it warned: one warning is enough.
"""

import warnings

import numpy as np

from ..equation.sketch import rk4
from ..families.parameter_nodes import low_discrepancy
from ..least_squares.levenberg_marquardt import LevenbergMarquardt
from ..trial_solution.time_windows import edges_by_rule
from .what_helps import what_helps

MOST_TIMES = 4000
MANY_STEPS = 100
DEVIATION = 1e-2  # of the largest position: healthy fits are a million times nearer
NODE_DEVIATION = 1e-3  # of a family: healthy ones are a thousand times nearer
STEPPER_ERRORS = 10.0
BETWEEN = 100.0  # tolerances that a residual may have between the training points


def warn_of_few_points(pinn):
    """Warn if a fit by `LevenbergMarquardt` met its tolerance at the training points only.

        max |r| ≤ ε at them,   max |r| > 100 ε at those that `collocation_points` has by itself

    Args:
        pinn: `PINN` of one solution, no parameter of which is unknown.
    """
    if not has_finished_least_squares(pinn.optimizer):
        return False
    tolerance, at_points = pinn.optimizer.tolerance, float(pinn.residual_max.result())
    times = pinn.collocation_times()
    between = np.abs(pinn.residual(times)).max()
    missed = at_points <= tolerance and between > BETWEEN * tolerance
    if missed:
        warnings.warn(
            "Between the training points the residual should be about as small as at them. "
            f"Received up to {at_points:.1g} {pinn.problem.residual_unit} at them and "
            f"{between:.1g} {pinn.problem.residual_unit} between: too few points for the "
            f"weights of the readout. Use collocation_points() without a number, {len(times)} "
            "points here.",
            stacklevel=3,
        )
    return missed


def warn_of_wrong_motion(pinn):
    """Warn if a fit by `LevenbergMarquardt` ended far from the motion that RK4 finds.

        max |x̂(t_i) − x_i| > 1e-2 max |x_i|,   and more than 10 times what RK4 itself may miss,

    which is what half its step changes. At rest, where max |x_i| = 0, as far as a residual at the
    tolerance may lead, ε/ωᵒʳᵈᵉʳ, is near. The residual may be small all the same: a network whose
    waves are too slow obeys the equation at the training points only, and one that began too far
    away may follow another motion nearly everywhere.

    A fit that has neither finished nor taken 100 steps is left in peace.

    Args:
        pinn: `PINN` of one solution, no parameter of which is unknown.
    """
    if not has_finished_least_squares(pinn.optimizer):
        return False
    sketch, dimension = pinn.domain.sketch(), pinn.problem.dimension
    every = -(-len(sketch.times) // MOST_TIMES)
    expected = sketch.states[::every, :dimension]
    deviation = np.abs(np.asarray(pinn(sketch.times[::every])) - expected).max()
    largest = np.abs(expected).max()
    near = DEVIATION * largest
    if not largest:
        near = pinn.optimizer.tolerance / sketch.rates.mean() ** pinn.problem.order
    if deviation <= near or deviation <= STEPPER_ERRORS * _stepper_error(pinn):
        return False
    times = pinn.collocation_times()
    residual = np.abs(pinn.residual(times)).max(axis=-1)
    worst = int(residual.argmax())
    unit, num = pinn.problem.position_unit, pinn.num_windows
    cure = (
        f"Received hidden_units={pinn.hidden_units} in {num} window{'s' * (num > 1)}: too few or "
        "too slow waves for this motion, or weights that began too far from it. Make a new PINN, "
        "hidden_units and window_edges left out, and train it by LevenbergMarquardt from the "
        "beginning."
    )
    if pinn.window_edges == tuple(edges_by_rule(sketch)):  # left out already
        cure = what_helps(pinn, float(np.ravel(times)[worst]))
    warnings.warn(
        f"The solution differs from that of RK4 by up to {deviation:.2g} {unit}, where the "
        f"largest position is {largest:.2g} {unit}; its residual at the training points is at most "
        f"{residual[worst]:.1g} {pinn.problem.residual_unit}, there at "
        f"t = {np.ravel(times)[worst]:.6g} s. {cure}",
        stacklevel=3,
    )
    return True


def warn_of_few_nodes(pinn):
    """Warn if members of a family that lie between its nodes are far from where RK4 leads.

    Args:
        pinn: `PINN` with `parameter_ranges`.
    """
    if getattr(pinn.optimizer, "stop_reason", None) is None:
        return False
    box, sketch = pinn.domain.box, pinn.domain.sketch()
    points = 2.0 * low_discrepancy(8, len(box.names)) - 1.0
    times = sketch.times[::50]
    expected = sketch.motions(points)[:, ::50, : pinn.problem.dimension]
    rows = {name: np.repeat(v, len(times)) for name, v in box.values(points).items()}
    found = pinn({"t": np.tile(times, len(points)), **rows})
    deviation = np.abs(np.reshape(found, expected.shape) - expected).max()
    missed = not deviation <= NODE_DEVIATION * np.abs(expected).max()
    if missed:
        warnings.warn(
            f"Between its nodes this family differs from RK4 by up to {deviation:.2g} "
            f"{pinn.problem.position_unit}. Received parameter_nodes={pinn.parameter_nodes}. "
            "Leave parameter_nodes out to have enough of them by rule, or narrow the ranges.",
            stacklevel=3,
        )
    return missed


def has_finished_least_squares(optimizer):
    """Whether `LevenbergMarquardt` has finished, or has had time enough to."""
    if not isinstance(optimizer, LevenbergMarquardt) or not optimizer.has_begun:
        return False
    return optimizer.stop_reason is not None or int(optimizer.iterations) >= MANY_STEPS


def _stepper_error(pinn):
    """How far RK4 with half the step moves a position, in m."""
    sketch, num_steps = pinn.domain.sketch(), len(pinn.domain.sketch().times) - 1
    finer = rk4(pinn.problem, pinn.duration, 2 * num_steps).states[0, ::2]
    return np.abs(finer - sketch.states)[:, : pinn.problem.dimension].max()


def check_compiled(model, method):
    """Raise unless a model has been compiled, before anything else asks for its optimizer."""
    if getattr(model, "optimizer", None) is None:
        raise ValueError(
            f"Call compile() before {method}(). Received: a {type(model).__name__} without an "
            f"optimizer. Write model.compile(LevenbergMarquardt()) first, then model.{method}(…)."
        )
