"""How good is a network that solves a whole family of equations?"""

import itertools

import numpy as np

from .evaluation import Evaluation, position_unit
from .reference import reference_motion

VALUES = 7  # of each parameter, both ends of its range included
TIMES = 401
POINTS = 4096  # between the nodes, as in `PINN.evaluate`


def evaluate_family(pinn):
    """Errors of a family at a grid of parameters that has nothing to do with its nodes.

    Seven values of each parameter make the grid; the worst member counts. It is compared with the
    solution of a neighbour, the member in the middle of the ranges.

    | measure                | content                                              | unit |
    |------------------------|------------------------------------------------------|------|
    | `position_relative_l2` | √(Σ (x̂ − x)² / Σ x²) of a member                     |      |
    | `position_max`         | max \\|x̂ − x\\|                                        | m    |
    | `position_bound`       | max of `PINN.error_bound` at the corners and where   | m    |
    |                        | the error is largest, if there is a proof            |      |
    | `residual_max`         | max \\|x̂'' − rhs\\| at 4096 points between the nodes   | m/s² |

    Args:
        pinn: `PINN` with `parameter_ranges`.

    Returns:
        `Evaluation` with the methods "pinn" and "middle".

    Raises:
        ValueError: for a model that is not a `PINN` with `parameter_ranges`.

    Example:
    >>> from oscillator_zoo.data import Decay
    >>> from oscillator_zoo.models import PINN, LevenbergMarquardt
    >>> family = PINN(Decay(), 2.0, parameter_ranges={"rate": (0.5, 1.5)}, seed=0)
    >>> family.compile(LevenbergMarquardt())
    >>> _ = family.fit(verbose=0)
    >>> evaluate_family(family)["pinn"]["position_max"] < 1e-9
    True
    """
    _check_family(pinn)
    start = pinn.problem.start_time
    times = np.linspace(start, start + pinn.duration, TIMES)
    axes = [np.linspace(low, high, VALUES) for low, high in pinn.parameter_ranges.values()]
    grid = [dict(zip(pinn.parameter_ranges, values)) for values in itertools.product(*axes)]
    neighbour = _position(pinn, times, middle_of_ranges(pinn))
    errors = {"pinn": [], "middle": []}
    for values in grid:
        truth = reference_motion(pinn.problem.with_parameters(**values), times).position
        errors["pinn"].append(_errors(_position(pinn, times, values), truth))
        errors["middle"].append(_errors(neighbour, truth))
    scores = {
        name: {measure: max(one[measure] for one in every) for measure in every[0]}
        for name, every in errors.items()
    }
    worst = max(zip(grid, errors["pinn"]), key=lambda pair: pair[1]["position_max"])[0]
    bound = _bound(pinn, times, worst)
    if bound is not None:
        scores["pinn"]["position_bound"] = bound
    points = next(iter(pinn.collocation_points(POINTS, steps_per_epoch=1)))
    scores["pinn"]["residual_max"] = float(np.abs(pinn.residual(points)).max())
    ranges = ", ".join(f"{n} {a:g} to {b:g}" for n, (a, b) in pinn.parameter_ranges.items())
    found = ", ".join(f"{name} {value:g}" for name, value in worst.items())
    notes = (
        f"The worst of {len(grid)} members: {ranges}; {TIMES} times each.",
        f"The largest error is that of {found}.",
    )
    return Evaluation(scores, _labels(pinn.problem), notes)


def _check_family(pinn):
    if getattr(pinn, "parameter_ranges", None) is None:
        raise ValueError(
            "Only a PINN with parameter_ranges has members to compare. Received a "
            f"{type(pinn).__name__} without. For a single solution use evaluate_solution."
        )


def middle_of_ranges(pinn):
    """Parameters in the middle of a family's ranges, a dictionary of numbers by name."""
    return {name: 0.5 * (low + high) for name, (low, high) in pinn.parameter_ranges.items()}


def one_solution(pinn):
    """The model itself, or the member in the middle of a family."""
    return pinn if pinn.parameter_ranges is None else pinn.member(**middle_of_ranges(pinn))


def _position(pinn, times, values):
    return np.asarray(pinn({"t": times, **values}), np.float64)


def _errors(position, truth):
    error = position - truth
    return {
        "position_relative_l2": float(np.sqrt(np.sum(error**2) / np.sum(truth**2))),
        "position_max": float(np.abs(error).max()),
    }


def _bound(pinn, times, worst):
    """The largest proven bound at the corners and at `worst`; None where nothing is proven."""
    corners = itertools.product(*pinn.parameter_ranges.values())
    places = [worst, *(dict(zip(pinn.parameter_ranges, values)) for values in corners)]
    try:
        members = (pinn.member(**values) for values in places)
        return max(float(member.error_bound(times)[0].max()) for member in members)
    except ValueError:
        return None


def _labels(problem):
    unit = position_unit(problem)
    return {
        "position_relative_l2": "position error, relative L2",
        "position_max": f"position error, largest ({unit})",
        "position_bound": f"position error, bound ({unit})",
        "residual_max": f"residual, largest ({problem.residual_unit})",
    }
