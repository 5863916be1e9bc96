"""The whole zoo in a minute: `oscillator-zoo tour`."""

import time
import warnings

import numpy as np

from oscillator_zoo.data import DampedOscillator, simulate
from oscillator_zoo.data.files import make_folder
from oscillator_zoo.data.stepping.steppers import LABELS
from oscillator_zoo.models import LevenbergMarquardt, export_model

from .evaluation.baselines import linear_autoregression, persistence
from .plots.axes import COLOURS, TRUTH_LINE
from .plots.motion_plots import plot_trajectory
from .results.pictures import save_picture
from .zoo.entries import check_seed, train

FORECASTERS = {
    "model": "Elman network, closed loop",
    "persistence": "persistence",
    "autoregression": "linear autoregression",
    "euler": f"{LABELS['euler']}, same step",
    "rk4": f"{LABELS['rk4']}, same step",
}


def tour(output_dir="oscillator_zoo_tour", seed=0):
    """Euler's sequences, a recurrent network, its closed loop, a PINN, and one table of errors.

    Args:
        output_dir: folder for pictures, `.keras` files and SavedModels; made if needed.
        seed: an integer ≥ 0.

    Returns:
        The table that was printed, a text. All errors are against the exact solution.
    """
    seed = check_seed(seed)
    folder = make_folder(output_dir)
    print("1. Euler's method steps the damped oscillator m x'' + γ x' + k x = 0.")
    motion = simulate(DampedOscillator(damping=0.4), time_step=0.01, num_steps=2000)
    motion.save(folder / "euler.npz")
    save_picture(lambda ax: _draw_euler(motion, ax), folder / "euler.png")

    print("2. A recurrent network learns such sequences, then runs on its own predictions.")
    forecaster, forecast = _train("elman-harmonic", folder, seed)

    print("3. A physics-informed network solves the damped oscillator from its equation alone.")
    solvers = [_train(name, folder, seed) for name in ("pinn-damped", "pinn-damped-learned")]

    for run in (forecaster, *(run for run, _ in solvers)):
        export_model(run.model, folder / run.facts["recipe"] / "saved_model")
    table = "\n".join(
        [
            _row("", "error", "seconds"),
            *_forecast_rows(forecaster, forecast),
            *_solution_rows(solvers),
        ]
    )
    print(f"\n{table}\n")
    print(f"Pictures, .keras files and SavedModels are in {folder}.")
    return table


def _draw_euler(motion, ax):
    """Euler's sequence over the exact motion."""
    x, _ = motion.problem.exact(motion.times)
    ax.plot(motion.times, x[:, 0], label="exact", **TRUTH_LINE)
    error = np.abs(motion.feature("position")[0] - x[:, 0]).max()
    ax.set_title(f"Explicit Euler, Δt = {motion.time_step:g} s: at most {error:.2g} m from exact")
    return plot_trajectory(motion, ax=ax, color=COLOURS[0], label="Euler")


def _train(name, folder, seed):
    """`train`, after whose interruption the tour does not go on."""
    run, evaluation = train(name, folder / name, seed=seed)
    if run.facts.get("interrupted"):
        raise KeyboardInterrupt
    return run, evaluation


def _forecast_rows(run, forecast):
    """Errors of a forecast: RMSE over the amplitude, median of the test oscillators."""
    num_steps, test = forecast.num_steps, run.test
    calls = {
        "persistence": (persistence, test.states, run.warm_up, num_steps),
        "autoregression": (
            linear_autoregression,
            test.states,
            test.force,
            run.warm_up,
            num_steps,
        ),
        "euler": (simulate, test.problem, test.time_step, num_steps, "euler"),
        "rk4": (simulate, test.problem, test.time_step, num_steps, "rk4"),
    }
    yield f"Forecast of {num_steps} steps of {test.time_step:g} s, undamped: RMSE / amplitude"
    for name, label in FORECASTERS.items():
        seconds = run.facts["training_seconds"] if name == "model" else _seconds(*calls[name])
        yield _row(label, forecast[name]["rmse"], seconds)


def _solution_rows(solvers):
    """Errors of solutions of one problem: relative L2 norm.

    The steppers evaluate the equation as often as the networks have training points; RK4 then
    takes a hundred times as many steps.
    """
    run, solution = solvers[0]
    problem, duration = run.model.problem, run.model.duration
    yield f"Solution over {duration:g} s, damped: relative L2 error"
    for trained, errors in solvers:
        label = f"PINN, {_how(trained.model.optimizer)}"
        seconds = trained.facts["training_seconds"]
        yield _row(label, errors["pinn"]["position_relative_l2"], seconds)
    for name, label in LABELS.items():
        num_steps = solution[name]["num_steps"]
        seconds = _seconds(simulate, problem, duration / num_steps, num_steps, name)
        yield _row(f"{label}, {num_steps} steps", solution[name]["position_relative_l2"], seconds)
    num_steps = 100 * solution["rk4"]["num_steps"]
    seconds = _seconds(simulate, problem, duration / num_steps, num_steps, "rk4")
    many = simulate(problem, duration / num_steps, num_steps, "rk4")
    exact, _ = problem.exact(many.times)
    error = np.linalg.norm(many.feature("position") - exact[:, 0]) / np.linalg.norm(exact)
    yield _row(f"{LABELS['rk4']}, {num_steps} steps", error, seconds)


def _how(optimizer):
    """What trained a network: the method of least squares that ran, or steps of a gradient."""
    if isinstance(optimizer, LevenbergMarquardt):
        return optimizer.method
    return f"{type(optimizer).__name__}, {int(optimizer.iterations)} steps"


def _seconds(function, *arguments):
    """How long a call takes, warnings of growing motions aside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        function(*arguments)
        return time.perf_counter() - start


def _row(label, error, seconds):
    numbers = (x if isinstance(x, str) else f"{x:.2g}" for x in (error, seconds))
    return "  {:<36}{:>9}{:>10}".format(label, *numbers)
