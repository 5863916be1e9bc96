"""Accuracy of `PINN` by least squares and by gradients, with default settings, over random draws.

    python benchmarks/accuracy.py [--draws 10] [--quick]
    python benchmarks/accuracy.py --table learned --only decay --results FILE --seconds 300

With `--results` each draw is a line of a file: draws that are there are not run again, and none
begins after so many `--seconds`, so a table may be measured in pieces. The lines of all pieces
make the table; a row that lacks draws says how many it has.

Every draw moves the seed and, by up to ±20 %, the problem's parameters and initial state. The error
of x is relative, √(Σ|x̂ − x|² / Σ|x|²) on 4001 equidistant times, against SciPy's DOP853 at its
smallest tolerance; the residual r, in the equation's own units, is taken on a grid ten times finer
than the collocation points, both sides of every window's edge included. Seconds are those of
`fit`: the first fit compiles, the second one begins at the same weights with the graphs that are
there. ✗ marks a figure that misses its target, which is another one where all weights are learned:
its residual is taken in units of the largest acceleration, if that is above 1.
"""

import argparse
import collections
import datetime
import importlib.metadata
import json
import os
import pathlib
import time
import warnings
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from accuracy_problems import PROBLEMS, Draw, true_positions

from data import commit, processor
from oscillator_zoo.models import PINN, LevenbergMarquardt, SelfScaledBroyden

clock = time.perf_counter  # `--cpu` takes time.process_time
LEARNED = "all weights learned by gradients"


class Targets(NamedTuple):
    """What a row should reach."""

    error: float = 1e-9
    worst_error: float = 1e-7
    residual: float = 1e-6
    seconds: float = 2.0


OF_LEARNED = Targets(1e-7, 1e-5, 1e-6, 30.0)
# Rows whose hidden weights are trained: problem, hidden units, whether in windows by rule.
SMALL = [
    ("harmonic, T = 10", 10, False),
    ("damped d = 2, ω0 = 20, T = 1", 14, False),
    ("driven, γ = 0.1, cos 1.3t, T = 30", 30, False),
    ("Duffing, T = 10", 10, True),
    ("Van der Pol μ = 1, T = 10", 14, True),
    ("pendulum 9.81 m from 2.5 rad, T = 10", 10, True),
]


class Result(NamedTuple):
    """What one fit reached."""

    error: float
    residual: float
    iterations: int
    method: str
    reason: str
    first_seconds: float
    seconds: float


def solve(name, seed, units=None, windows=True, projection="auto"):
    """`Result` of one draw of a problem."""
    keras.backend.clear_session()
    make, duration = PROBLEMS[name]
    problem = make(Draw(seed))
    pinn = PINN(problem, duration, seed=seed)
    if units is not None:
        edges = pinn.window_edges if windows else None
        pinn = PINN(problem, duration, units, window_edges=edges, seed=seed)
    pinn.compile(LevenbergMarquardt(variable_projection=projection))
    optimizer = pinn.optimizer
    optimizer.build(pinn.trainable_variables)
    variables = [*pinn.variables, *optimizer.variables]
    beginning = [variable.numpy() for variable in variables]
    keep_graphs(pinn)
    first_seconds = timed_fit(pinn)
    reached = *judge(pinn), int(optimizer.iterations), optimizer.method, pinn.stop_reason or "–"
    for variable, value in zip(variables, beginning):
        variable.assign(value)
    return Result(*reached, first_seconds, timed_fit(pinn))


def learn(name, seed):
    """`Result` of one draw whose weights are all learned, window after window."""
    keras.backend.clear_session()
    make, duration = PROBLEMS[name]
    pinn = PINN(make(Draw(seed)), duration, learned=True, seed=seed)
    pinn.compile(SelfScaledBroyden())
    beginning = pinn.get_weights()
    first_seconds = timed_fit(pinn)
    error, residual = judge(pinn)
    largest = np.abs(pinn.derivatives(pinn.collocation_times())[pinn.problem.order]).max()
    steps, reason = int(pinn.optimizer.iterations), pinn.stop_reason or "–"
    pinn.set_weights(beginning)
    pinn.optimizer.reset()
    seconds = timed_fit(pinn)
    residual /= max(1.0, largest)
    return Result(error, residual, steps, LEARNED, reason, first_seconds, seconds)


def keep_graphs(pinn):
    """Let each method of training keep its graph, so that a second fit compiles nothing."""
    make, graphs = pinn.make_train_function, {}

    def remembered(force=False):
        method = int(pinn.optimizer.method_index)
        if method not in graphs:
            make(force=True)
            graphs[method] = pinn.train_function
        pinn.train_function, pinn.optimizer.traced_method = graphs[method], method

    pinn.make_train_function = remembered


def timed_fit(pinn):
    points = pinn.collocation_points()
    begin = clock()
    pinn.fit(points, epochs=60, verbose=0)
    return clock() - begin


def judge(pinn):
    """Relative L2 error, and the largest |r| between the collocation points."""
    problem, duration = pinn.problem, pinn.duration
    times = np.linspace(0.0, duration, 4001)
    truth = true_positions(problem, duration, times)
    error = np.linalg.norm(pinn(times) - truth) / np.linalg.norm(truth)
    points = np.union1d(pinn.collocation_times(), pinn.window_edges)
    tenths = np.arange(10 * (len(points) - 1) + 1) / 10.0
    fine = np.interp(tenths, np.arange(len(points)), points)
    before_edges = np.nextafter(pinn.window_edges[1:], 0.0)
    residual = pinn.residual(np.union1d(fine, before_edges))
    return float(error), float(np.abs(residual).max())


def label(name, units=None, windows=True, projection=None):
    where = ", in windows" if windows else ""
    return name if units is None else f"{name}, {units} units{where}"


def row(name, results, targets):
    """One line of the table; a figure that misses its target is marked."""
    columns = [np.array([r[k] for r in results]) for k in range(2)]
    cells = [name]
    limits_of = targets[:2], (targets.residual, targets.residual)
    for values, limits in zip(columns, limits_of):
        for value, limit in zip((np.median(values), values.max()), limits):
            cells.append(f"{value:.1e}" + (" ✗" if not value <= limit else ""))
    iterations = [r.iterations for r in results]
    cells.append(f"{np.median(iterations):.0f} ({min(iterations)}–{max(iterations)})")
    median = np.median([r.seconds for r in results])
    cells.append(f"{np.median([r.first_seconds for r in results]):.1f}")
    cells.append(f"{median:.2f}" + (" ✗" if median > targets.seconds else ""))
    for values in ([r.method for r in results], [r.reason for r in results]):
        counts = collections.Counter(values).most_common()
        cells.append(
            ", ".join(f"{n}× {value}" if len(counts) > 1 else value for value, n in counts)
        )
    return "| " + " | ".join(cells) + " |"


COLUMNS = (
    "error of x, median",
    "worst",
    "max abs r, median",
    "worst",
    "steps (least–most)",
    "s, compiling",
    "s",
    "method",
    "stop reason",
)


class Store:
    """Results that are measured once: lines of a file, if it has a name."""

    def __init__(self, path, seconds):
        self.path, self.end, self.known = path, time.monotonic() + seconds, {}
        if path:
            pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        if path and pathlib.Path(path).exists():
            for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
                *key, result = json.loads(line)
                self.known[tuple(key)] = Result(*result)

    def result(self, key, measure, *args):
        """What is known of a draw (table, row, seed), else measured; None after the time is up."""
        if key not in self.known and time.monotonic() < self.end:
            self.known[key] = measure(*args)
            if self.path:
                with open(self.path, "a", encoding="utf-8") as file:
                    file.write(json.dumps([*key, self.known[key]]) + "\n")
        return self.known.get(key)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="two draws")
    parser.add_argument("--only", default="", help="problems whose name contains this")
    parser.add_argument("--table", default="", help="tables whose title contains this")
    parser.add_argument("--results", default="", help="file of draws, JSON lines, to go on with")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no draw begins after")
    parser.add_argument(
        "--cpu", action="store_true", help="seconds of the processor, where other work disturbs"
    )
    arguments = parser.parse_args()
    if arguments.cpu:
        globals()["clock"] = time.process_time
    draws = 2 if arguments.quick else arguments.draws
    store = Store(arguments.results, arguments.seconds)

    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("tensorflow", "keras"))
    print(f"{datetime.date.today()}, {processor()}, commit {commit()}, {versions}, {draws} draws.")
    seconds = "the processor's" if arguments.cpu else "a clock's"
    print(f"Load before: {os.getloadavg()[0]:.1f}. Seconds are {seconds}.")
    tables = {
        "default settings": [(name,) for name in PROBLEMS],
        "hidden weights trained, readout solved": [(*row, True) for row in SMALL],
        "all weights trained alike": [(*row, False) for row in SMALL],
        LEARNED: [(name,) for name in PROBLEMS],
    }
    tables = {title: rows for title, rows in tables.items() if arguments.table in title}
    for title, rows in tables.items():
        print("\n| " + " | ".join([title, *COLUMNS]) + " |")
        print("| --- |" + " ---: |" * 7 + " --- | --- |")
        for name, *options in rows:
            if arguments.only in name:
                run, targets = (learn, OF_LEARNED) if title == LEARNED else (solve, Targets())
                of_row = label(name, *options)
                results = [
                    store.result((title, of_row, seed), run, name, seed, *options)
                    for seed in range(draws)
                ]
                results = [result for result in results if result is not None]
                if len(results) < draws:
                    of_row += f" ({len(results)} of {draws} draws)"
                if results:
                    print(row(of_row, results, targets), flush=True)
    print(f"\nLoad after: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    main()
