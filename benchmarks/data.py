"""Speed of `simulate` next to other ways to make the same sequences, as ratios in one run.

    python benchmarks/data.py [--quick] [--processor] [--only 'zoo|JAX']

needs the extra `benchmark`. The contenders take turns, so that all see the same machine; only with
large ensembles, whose memory would be as fresh or used as the one before leaves it, does each make
its calls in a row. Medians are shown, with the ratio to oscillator_zoo in brackets (of the medians,
and of the fastest calls): above 1, oscillator_zoo is faster. With `--processor` it is the
processor's time, which other work on the machine disturbs less; that of all threads counts.
The case "stream", in `stream.py`, asks whether `trajectory_stream` keeps up with `fit`, and needs
no extra: `--case stream`.
"""

import argparse
import contextlib
import datetime
import gc
import importlib.metadata
import os
import platform
import re
import subprocess
import time
import warnings

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # idle threads must not slow the next one

import numpy as np
from contenders import CONTENDERS, Ensemble, numpy_loop
from stream import stream_table

OURS = "oscillator_zoo"
LARGE = 10_000  # trajectories
PACKAGES = ("numpy", "scipy", "numba", "jax", "diffrax", "torch", "torchdiffeq")
OF_STREAM = ("numpy", "keras", "tensorflow")


def measure(numbers, contenders, clock, rounds):
    """{name: (seconds of every round, of the first call, deviation from the NumPy loop)}.

    Args:
        numbers: arguments of `Ensemble`.
        contenders: those that take part, as `CONTENDERS`.
        clock: function that gives seconds.
        rounds: number of calls, or rows of short ones.
    """
    batch = numbers[1]
    runs, first, deviation, seconds = {}, {}, {}, {}
    for name, (build, time_first) in contenders.items():
        ensemble = Ensemble(*numbers)
        start = time.perf_counter()
        run = build(ensemble)
        if run is None:
            continue
        result = run()
        first[name] = time.perf_counter() - start
        runs[name] = run
        deviation[name] = compare(result, time_first, ensemble)
        del result
        seconds[name] = [once(run, clock) for _ in range(rounds)] if batch >= LARGE else []
    if batch < LARGE:
        for _ in range(rounds):
            for name, run in runs.items():
                seconds[name].append(once(run, clock))
    return {name: (seconds[name], first[name], deviation[name]) for name in runs}


def compare(result, time_first, ensemble):
    """Largest deviation from the float64 NumPy loop, over at most 1000 trajectories."""
    few = Ensemble(ensemble.case, ensemble.batch, ensemble.num_steps, ensemble.dtype)
    few.dtype, few.h = "float64", 0.01
    for name in ("g", "k", "c", "A", "x", "v"):
        setattr(few, name, getattr(ensemble, name)[:1000].astype(np.float64))
    few.batch = len(few.x)
    expected = numpy_loop(few)()
    part = (slice(None), slice(1000)) if time_first else slice(1000)
    got = [y[part] if time_first else y[part].T for y in result]
    return max(float(np.abs(y - z).max()) for y, z in zip(got, expected))


def once(run, clock):
    """Seconds of one call; short ones are repeated until they fill 20 ms."""
    gc.collect()
    count, start = 0, clock()
    while True:
        result = run()
        count += 1
        elapsed = clock() - start
        if elapsed > 0.02:
            return elapsed / count
        del result


def table(case, dtype, measured):
    """Markdown: one row for each contender, one column for each size of ensemble."""
    batches = list(measured)
    lines = [
        f"### {case}, {dtype}",
        "",
        "| | " + " | ".join(map(counted, batches)) + " | deviation |",
        "| --- |" + " ---: |" * (len(batches) + 1),
    ]
    for name in CONTENDERS:
        if name not in measured[batches[0]]:
            continue
        cells = []
        for batch in batches:
            if name not in measured[batch]:
                cells.append("–")
                continue
            seconds, ours = measured[batch][name][0], measured[batch][OURS][0]
            ratios = [f"×{of(seconds) / of(ours):.2g}" for of in (np.median, min)]
            ratio = "" if name == OURS else f" ({', '.join(ratios)})"
            cells.append(f"{readable(np.median(seconds))}{ratio}")
        deviation = max(measured[batch][name][2] for batch in batches if name in measured[batch])
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {deviation:.0e} |")
    firsts = measured[batches[0]]
    lines += [
        "",
        f"First call with {counted(batches[0])}, compiling included: "
        + ", ".join(f"{name} {readable(values[1])}" for name, values in firsts.items())
        + ".",
        "",
    ]
    return "\n".join(lines)


def counted(batch):
    return f"{batch:,} trajector{'y' if batch == 1 else 'ies'}"


def readable(seconds):
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.1e} s"


def processor():
    """Name and number of the processors."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        name = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    return f"{os.cpu_count()} × {name}"


def commit():
    """Short name of the commit that is measured."""
    command = ["git", "-C", os.path.dirname(__file__), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="1 and 1000 trajectories, few rounds")
    parser.add_argument("--processor", action="store_true", help="the processor's time")
    parser.add_argument("--only", default="", help="contenders whose names match, and ours")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 1000, 100_000])
    parser.add_argument("--dtype", nargs="+", default=["float64", "float32"])
    parser.add_argument("--case", nargs="+", default=["free", "driven", "duffing", "stream"])
    parser.add_argument("--steps", type=int, default=1000)
    arguments = parser.parse_args()
    batches = [b for b in arguments.batch if b <= 1000] if arguments.quick else arguments.batch

    clock = time.process_time if arguments.processor else time.perf_counter
    contenders = {
        name: contender
        for name, contender in CONTENDERS.items()
        if name == OURS or re.search(arguments.only, name)
    }
    packages = OF_STREAM if arguments.case == ["stream"] else PACKAGES
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    print(f"{datetime.date.today()}, {processor()}, commit {commit()}, {versions}.\n")
    for case in arguments.case:
        load = os.getloadavg()[0]
        if case == "stream":
            print(stream_table(rounds=3 if arguments.quick else 9))
            print(f"Load before and after: {load:.1f}, {os.getloadavg()[0]:.1f}.\n", flush=True)
            continue
        for dtype in arguments.dtype:
            measured = {}
            load = os.getloadavg()[0]
            for batch in batches:
                rounds = 3 if arguments.quick or batch >= LARGE else 15
                numbers = case, batch, arguments.steps, dtype
                measured[batch] = measure(numbers, contenders, clock, rounds)
            print(table(case, dtype, measured))
            print(f"Load before and after: {load:.1f}, {os.getloadavg()[0]:.1f}.\n", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)  # Euler's growth is the same for all of them
    main()
