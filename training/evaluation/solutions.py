"""How good is the solution that a PINN has found?"""

import warnings

import numpy as np

from oscillator_zoo.data import simulate
from oscillator_zoo.data.checks import positive_integer
from oscillator_zoo.data.stepping.steppers import EVALUATIONS

from .error_bands import error_band
from .evaluation import Evaluation, position_unit
from .fine_grid import equidistant_times, fine_times
from .phase import phase_drift
from .reference import reference_motion


def evaluate_solution(pinn, num_points=None, num_evaluations=None):
    """Errors of a trained PINN between its training points, next to those of steppers.

    The solution x̂ is compared with the exact one, or, where no closed form is known, with RK4 at
    steps so small that halving them changes next to nothing (the note below the table says how
    much). All times of `fine_times` count alike. The steppers evaluate the right-hand side of the
    equation `num_evaluations` times altogether, RK4 four times in each of its steps, and are
    judged at their own times.

    | measure                | content                                            | unit       |
    |------------------------|----------------------------------------------------|------------|
    | `position_relative_l2` | √(Σ (x̂ − x)² / Σ x²)                               |            |
    | `position_max`         | max \\|x̂ − x\\|                                      | m          |
    | `position_bound`       | max of `PINN.error_bound`, the PINN's own, or      | m          |
    | `position_estimate`    | max of \\|`PINN.error_estimate`\\|                  | m          |
    | `velocity_relative_l2` | the same for v (order 1: x')                       |            |
    | `velocity_max`         | max \\|v̂ − v\\|                                      | m/s        |
    | `residual_max`         | max \\|x̂'' − rhs\\|, the PINN's only                 | m/s²       |
    | `residual_rms`         | its root mean square                               | m/s²       |
    | `energy_drift`         | the largest Ê − E, with its sign, over max \\|E\\|   |            |
    | `phase_drift`          | `phase_drift` of the first coordinate              | rad/period |
    | `num_steps`            | steps of the method                                |            |

    A small residual does not make a small error: on a long interval the error of an undamped
    oscillator may be as large as max |residual| · T/ω0.

    Args:
        pinn: `PINN`, trained or not.
        num_points: number of its training points, as passed to `collocation_points`, or None.
        num_evaluations: of `rhs` by each stepper, an integer ≥ 4; None: one for each training
            point.

    Returns:
        `Evaluation` with the methods "pinn", "euler", "euler_cromer" (order 2 only), "rk4" and
        the measures above. What has no meaning is NaN; a stepper that leaves the range of
        float64 has the error inf.

    Raises:
        ValueError: for a model that is not a `PINN`, or numbers that are not integers.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator
    >>> from oscillator_zoo.models import PINN
    >>> pinn = PINN(DampedOscillator(damping=0.2), duration=20.0, hidden_units=(4,), seed=1)
    >>> evaluation = evaluate_solution(pinn)
    >>> print(f"{evaluation['euler']['position_max']:.2f} m with 256 steps of Euler's method")
    0.18 m with 256 steps of Euler's method
    """
    grid = fine_times(pinn, num_points)
    default = max(len(pinn.collocation_times(num_points)), EVALUATIONS["rk4"])
    num_evaluations = positive_integer(
        "num_evaluations", default if num_evaluations is None else num_evaluations, at_least=4
    )
    problem = pinn.problem
    runs = {"pinn": (grid, *(np.asarray(part, np.float64) for part in pinn.derivatives(grid)[:2]))}
    methods = [name for name in EVALUATIONS if problem.order == 2 or name != "euler_cromer"]
    steps = {name: num_evaluations // EVALUATIONS[name] for name in methods}
    for name, num_steps in steps.items():
        runs[name] = _stepped(problem, pinn.duration, num_steps, name)
    every_time = np.unique(np.concatenate([times for times, _, _ in runs.values()]))
    reference = reference_motion(problem, every_time)
    evenly = np.searchsorted(grid, equidistant_times(pinn, num_points))
    scores = {}
    for name, (times, x, v) in runs.items():
        known = np.searchsorted(every_time, times)
        truth = reference.position[known], reference.velocity[known]
        scores[name] = _scores(problem, (x, v), truth)
        i = evenly if name == "pinn" else slice(None)
        scores[name]["phase_drift"] = phase_drift(times[i], truth[0][i, 0], x[i, 0])
    residual = np.asarray(pinn.residual(grid), np.float64)
    scores["pinn"]["residual_max"] = float(np.abs(residual).max())
    scores["pinn"]["residual_rms"] = float(np.sqrt(np.mean(residual**2)))
    band = error_band(pinn, grid)
    if band is not None:
        scores["pinn"][_band_measure(band)] = float(band.position.max())
    for name, num_steps in steps.items():
        scores[name]["num_steps"] = num_steps
    return Evaluation(
        scores, _labels(problem, band), _notes(problem, reference, grid, num_evaluations)
    )


def _stepped(problem, duration, num_steps, method):
    """Times, position and velocity of a stepper; inf where it leaves the range of float64."""
    times = np.linspace(problem.start_time, problem.start_time + duration, num_steps + 1)
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")  # a step too large shows as an error in the table
        try:
            states = simulate(problem, duration / num_steps, num_steps, method).states[0]
        except ValueError:
            states = np.full((num_steps + 1, problem.order * problem.dimension), np.inf)
        x, v = states[:, : problem.dimension], states[:, problem.dimension :]
        return times, x, v if problem.order == 2 else problem.rhs(times[:, None], x)


def _scores(problem, motion, truth):
    with np.errstate(over="ignore", invalid="ignore"):
        return {
            **_errors("position", motion[0], truth[0]),
            **_errors("velocity", motion[1], truth[1]),
            "energy_drift": _energy_drift(problem, motion, truth),
        }


def _errors(name, values, truth):
    error = np.nan_to_num(values - truth, nan=np.inf, posinf=np.inf, neginf=np.inf)
    norm = np.sqrt(np.sum(truth**2))
    relative = np.sqrt(np.sum(error**2)) / norm if norm > 0.0 else float("nan")
    return {
        f"{name}_relative_l2": float(relative),
        f"{name}_max": float(np.abs(error).max()),
    }


def _energy_drift(problem, motion, true_motion):
    try:
        energy, true_energy = problem.energy(*motion), problem.energy(*true_motion)
    except ValueError:  # the problem has no energy
        return float("nan")
    excess = (energy - true_energy).reshape(-1)
    largest = np.abs(true_energy).max()
    return float(excess[np.argmax(np.abs(excess))] / largest) if largest > 0.0 else float("nan")


def _band_measure(band):
    return "position_bound" if band.is_proven else "position_estimate"


def _labels(problem, band):
    unit = position_unit(problem)
    kind = "bound" if band is None or band.is_proven else "estimate"
    known = {} if band is None else {_band_measure(band): f"position error, {kind} ({unit})"}
    return {
        "position_relative_l2": "position error, relative L2",
        "position_max": f"position error, largest ({unit})",
        **known,
        "velocity_relative_l2": "velocity error, relative L2",
        "velocity_max": f"velocity error, largest ({unit}/s)",
        "residual_max": f"residual, largest ({problem.residual_unit})",
        "residual_rms": f"residual, rms ({problem.residual_unit})",
        "energy_drift": "energy drift, of max |E|",
        "phase_drift": "phase drift (rad/period)",
        "num_steps": "steps",
    }


def _notes(problem, reference, grid, num_evaluations):
    compared = f"Compared with {reference.method}"
    if reference.error:
        compared += f", whose last halving of the step moved x by {reference.error:.1e}"
        compared += f" {position_unit(problem)} at most"
    return (
        f"{compared}; the PINN at {len(grid)} times from {grid[0]:g} s to {grid[-1]:g} s.",
        f"The steppers evaluate the right-hand side {num_evaluations} times each.",
    )
