"""Steppers on the problems of the PINN benchmark: what a network competes with."""

import time
import warnings

import numpy as np
from pinn_problems import as_ours

NUM_STEPS = (100, 316, 1000, 3162, 10_000, 31_623, 100_000)
TOLERANCES = 10.0 ** -np.arange(2.0, 14.0, 1.0)
POINTS = 1000  # at which DOP853's solution is asked for


def measure(problem):
    """{"Euler": [(seconds, relative error, number of steps), …], "RK4": …, "DOP853": …}."""
    results = {
        name: [_step(problem, method, num) for num in NUM_STEPS]
        for name, method in (("Euler", "euler"), ("RK4", "rk4"))
    }
    results["DOP853"] = [_adapt(problem, tolerance) for tolerance in TOLERANCES]
    return {name: [row for row in rows if row is not None] for name, rows in results.items()}


def _step(problem, method, num_steps):
    """`simulate`, judged at its own times; None where it is unstable."""
    from oscillator_zoo.data import simulate

    ours = as_ours(problem)

    def run():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # steps that are too large are part of the picture
            return simulate(ours, problem.duration / num_steps, num_steps, method)

    try:
        trajectory, seconds = _timed(run)
    except ValueError:
        return None
    t = np.linspace(0.0, problem.duration, num_steps + 1)
    x = trajectory.states[0, :, : len(problem.position)]
    return _row(seconds, x, problem.truth(t), num_steps)


def _adapt(problem, tolerance):
    t = np.linspace(0.0, problem.duration, POINTS)
    x, seconds = _timed(lambda: problem.integrate(t, rtol=tolerance, atol=tolerance))
    return _row(seconds, x, problem.truth(t), tolerance)


def _row(seconds, x, truth, setting):
    with np.errstate(all="ignore"):
        error = float(np.linalg.norm(x - truth) / np.linalg.norm(truth))
    return (seconds, error, float(setting)) if error < 10.0 else None


def _timed(run):
    """Result and median seconds of up to five calls, fewer where they are long."""
    times = []
    for _ in range(6):
        begin = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - begin)
        if sum(times) > 2.0:
            break
    return result, float(np.median(times[1:] or times))
