"""Accuracy against seconds of physics-informed networks, libraries side by side.

    python benchmarks/pinn.py --python deepxde=VENV/bin/python --python pina=… [--budget 60]

Every pair of contender and problem runs in a process of its own, on one core; what it measured is
one line of JSON in the results file. A run that was interrupted goes on where it was; `--only`
picks jobs, `--again` measures them anew. In the end (or with `--report` at once) the file becomes
Markdown tables and a picture.
"""

import argparse
import concurrent.futures
import datetime
import importlib.metadata
import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import time

import pinn_clock
from pinn_clock import STEP_NETWORK, Clock, step_times
from pinn_problems import HORIZONS, PROBLEMS, Task

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "DDE_BACKEND": "pytorch",
}
PACKAGES = (
    *("numpy", "scipy", "tensorflow", "keras", "jax", "torch"),
    *("deepxde", "neurodiffeq", "pina", "optax"),
)
OURS = "ours"
SMALL = {
    "hidden_units": (8,),
    "windows_by_rule": True,
    "optimizer": {"variable_projection": True},
}
# name: (builder, its further arguments)
CONTENDERS = {
    OURS: ("ours", {}),
    "ours, hidden weights trained": ("ours", SMALL),
    "ours, all weights learned": ("ours", {"learned": True}),
    "ours, Adam": ("ours_with_adam", {"learned": True}),
    "JAX by hand": ("jax_by_hand", {}),
    "JAX by hand, Adam": ("jax_by_hand", {"adam_alone": True}),
    "DeepXDE": ("deepxde", {}),
    "neurodiffeq": ("neurodiffeq", {}),
    "PINA": ("pina", {}),
    "plain Keras": ("plain_keras", {}),
}
HUNDRED, ONE = {"steps_per_execution": 100}, {"steps_per_execution": 1}
# Contenders of the table of Adam steps, all with 1-32-32-32-1 tanh.
STEPPERS = {
    "JAX by hand, lax.scan": ("jax_by_hand", {}),
    "ours, tape": ("ours_with_adam", {"derivatives": "tape"}),
    "ours, taylor": ("ours_with_adam", {"derivatives": "taylor"}),
    "plain Keras": ("plain_keras", ONE),
    "plain Keras, 100 per execution": ("plain_keras", HUNDRED),
    "DeepXDE on JAX": ("deepxde", {"backend": "jax"}),
    "DeepXDE on PyTorch": ("deepxde", {"backend": "pytorch"}),
    "neurodiffeq": ("neurodiffeq", {}),
    "PINA": ("pina", {}),
}
CLASSICAL = "classical"


def jobs():
    """Pairs (contender, problem), problem after problem, so that all meet the same machine."""
    for problem in (*PROBLEMS, *HORIZONS):
        yield CLASSICAL, problem
        yield from ((contender, problem) for contender in CONTENDERS)
    for stepper in STEPPERS:
        for dtype in ("float32", "float64"):
            yield stepper, f"steps, {dtype}"


def solve(contender, problem, budget):
    """Train one contender on one problem, and say what it reached when."""
    from pinn_contenders import BUILDERS

    builder, arguments = CONTENDERS[contender]
    task = Task(problem, budget)
    begin = time.perf_counter()
    solver = BUILDERS[builder](task, **arguments)
    if solver.adam is not None:
        solver.adam(2)
    if solver.setup is not None:
        solver.setup()
    solver.motion(task.fine)
    setup = time.perf_counter() - begin
    clock = Clock(budget, lambda: task.errors(solver.motion(task.fine)), problem.target)
    cpu, wall = time.process_time(), time.perf_counter()
    clock.resume()
    solver.train(clock)
    clock.pause()
    share = (time.process_time() - cpu) / (time.perf_counter() - wall)
    clock.sample()
    if solver.facts.pop("setup_trains", False):  # what is left is what compiling took
        setup = max(setup - clock.used, 0.0)
    return {"curve": clock.samples, "setup": setup, "cpu_share": share, **solver.facts}


def step_time(stepper, dtype):
    """Seconds of one Adam step on x'' = −x."""
    from pinn_contenders import BUILDERS

    builder, arguments = STEPPERS[stepper]
    task = Task(PROBLEMS["harmonic"])
    if builder == "ours_with_adam":
        arguments = {**arguments, "activation": "tanh", "num_points": len(task.points)}
    hidden = STEP_NETWORK
    solver = BUILDERS[builder](task, dtype=dtype, hidden=hidden, **arguments)
    begin = time.perf_counter()
    solver.adam(2)
    first = time.perf_counter() - begin
    least = 1000 if "ours" in stepper or "Keras" in stepper else 100
    return {**step_times(solver.adam, least=least), "setup": first}


def run_job(contender, problem, budget):
    """What the process of one job prints."""
    if problem.startswith("steps, "):
        return step_time(contender, problem.removeprefix("steps, "))
    problem = {**PROBLEMS, **HORIZONS}[problem]
    if contender == CLASSICAL:
        import pinn_classical

        return {"methods": pinn_classical.measure(problem)}
    return solve(contender, problem, budget)


def versions():
    """Versions of the packages that this process has imported."""
    found = importlib.metadata.packages_distributions()
    names = {found[module][0] for module in PACKAGES if module in sys.modules}
    return {name: importlib.metadata.version(name) for name in sorted(names)}


def start_job(job, core, options, pythons):
    """Run a job in its own process on one core; returns its record."""
    contender, problem = job
    name = {**CONTENDERS, **STEPPERS}.get(contender, (CLASSICAL, {}))[0]
    command = [pythons.get(name, sys.executable), __file__, "--job", *job]
    load = os.getloadavg()[0]
    try:
        done = subprocess.run(
            [*command, "--budget", str(options.budget), *["--cpu"] * options.cpu],
            env={**os.environ, **ONE_THREAD},
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            capture_output=True,
            text=True,
            timeout=5.0 * options.budget + 600.0,
        )
        record = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        record = {"failed": "no end"}
    except (IndexError, ValueError):
        record = {"failed": f"exit code {done.returncode}: {done.stderr.strip()[-500:]}"}
    date = datetime.datetime.now().isoformat(timespec="minutes")
    more = {"budget": options.budget, "cpu": options.cpu, "date": date, "load": load}
    return {"contender": contender, "problem": problem, **record, **more}


def run_all(wanted, options, pythons):
    """Run jobs side by side, one on each core, and append what they say to the results."""
    pathlib.Path(options.results).parent.mkdir(parents=True, exist_ok=True)
    cores = queue.SimpleQueue()
    for core in sorted(os.sched_getaffinity(0))[: options.processes]:
        cores.put(core)

    def run(job):
        core = cores.get()
        try:
            return start_job(job, core, options, pythons)
        finally:
            cores.put(core)

    with concurrent.futures.ThreadPoolExecutor(options.processes) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run, job) for job in wanted]):
            record = done.result()
            with open(options.results, "a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
            print(summary(record), file=sys.stderr, flush=True)


def summary(record):
    """One line about a job that ended."""
    name = f"{record['date']} {record['contender']}: {record['problem']}"
    if "failed" in record:
        return f"{name}: failed: {record['failed'][-200:]}"
    if "curve" in record:
        seconds, error, residual = record["curve"][-1]
        return f"{name}: {error:.1e}, max|r| {residual:.1e} after {seconds:.2f} s"
    return name


def read_results(path):
    """Last record of every job, {(contender, problem): record}."""
    if not pathlib.Path(path).exists():
        return {}
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return {(record["contender"], record["problem"]): record for record in records}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=60.0, help="training seconds")
    parser.add_argument(
        "--cpu", action="store_true", help="count the processor's seconds, beside other work"
    )
    parser.add_argument("--only", default="", help="regex of 'contender: problem'")
    parser.add_argument("--again", action="store_true", help="also jobs that the results have")
    parser.add_argument("--processes", type=int, default=2, help="jobs at a time, one a core")
    parser.add_argument("--results", default="runs/pinn.jsonl", help="JSON lines")
    parser.add_argument("--figure", default="benchmarks/pinn.png", help="the picture's file")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="BUILDER=PATH",
        help="Python of a contender: deepxde, neurodiffeq, pina, jax_by_hand, plain_keras, …",
    )
    parser.add_argument("--list", action="store_true", help="print the jobs and end")
    parser.add_argument("--report", action="store_true", help="run nothing")
    parser.add_argument("--job", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        pinn_clock.now = time.process_time if options.cpu else time.perf_counter
        record = {**run_job(*options.job, options.budget), "versions": versions()}
        print("\n" + json.dumps(record))
        return
    known = {} if options.again else read_results(options.results)
    wanted = [
        job
        for job in jobs()
        if re.search(options.only, ": ".join(job)) and "failed" in known.get(job, {"failed": 0})
    ]
    if options.list:
        print("\n".join(": ".join(job) for job in wanted))
        return
    if not options.report:
        run_all(wanted, options, dict(pair.split("=", 1) for pair in options.python))
    import pinn_report

    known = read_results(options.results)
    ordered = {job: known[job] for job in jobs() if job in known}
    print(pinn_report.report(ordered, options.figure))


if __name__ == "__main__":
    main()
