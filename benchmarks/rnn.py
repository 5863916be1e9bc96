"""Speed of `ElmanRNN` next to other recurrent layers: training, inference, compiling and memory.

    python benchmarks/rnn.py [--size 64 200 32] [--rounds 7] [--only REGEX] [--quick]

Each contender lives in a process of its own, since a process has one Keras backend, and they take
turns to measure, so that all see the same machine. Shown are medians over the rounds with the
median ratio to oscillator_zoo's default in the same round: above 1, oscillator_zoo is faster. The
processor's time, of all threads together, is what remains comparable on a machine shared with
other work.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import numpy as np
from rnn_contenders import CONTENDERS, OURS

from data import commit, processor

SIZES = [(64, 200, 32), (8, 2000, 128)]
LONGEST_UNROLLED = 500  # steps; beyond, compiling takes minutes
KINDS = ("train", "infer", "train, processor", "infer, processor")
PACKAGES = ("tensorflow", "keras", "jax", "flax", "torch")


class Contender:
    """One contender in its own process."""

    def __init__(self, name, size):
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_WAIT_POLICY": "passive"}
        script = pathlib.Path(__file__).with_name("rnn_contenders.py")
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", script, name, *map(str, size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        line = self.process.stdout.readline()
        self.started = json.loads(line) if line.startswith("{") else None

    def ask(self, kind, at_least=0.0):
        self.process.stdin.write(json.dumps([kind, at_least]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        """Ends the process; the last line of its errors."""
        errors = self.process.communicate()[1].strip().splitlines()
        return errors[-1] if errors else ""


def measure(names, size, rounds, at_least):
    """{name: {"train": seconds of every round, "infer": …, "train, processor": …, …}}."""
    contenders, results = {}, {}
    for name in names:
        if "unroll" in name and size[1] > LONGEST_UNROLLED:
            continue
        contender = Contender(name, size)
        if contender.started is None:
            print(f"{name} left out: {contender.stop()}\n", flush=True)
            continue
        contenders[name] = contender
        results[name] = {kind: [] for kind in KINDS} | contender.started
    for kind in ("train", "infer"):
        for k in range(rounds + 1):
            for name, contender in contenders.items():
                seconds, used = contender.ask(kind, at_least)
                if k > 0:  # the first one compiles, and finds the number of calls
                    results[name][kind].append(seconds)
                    results[name][f"{kind}, processor"].append(used)
    for name, contender in contenders.items():
        results[name]["memory"] = contender.ask("memory")
        contender.stop()
    return results


def table(size, results):
    """Markdown: one row for each contender."""
    batch, steps, units = size
    lines = [
        f"### Batch {batch}, {steps} steps, {units} units",
        "",
        "| | ms per training step | ms per inference | processor's ms: training | inference "
        "| s to compile | MB at the peak | deviation |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, result in results.items():
        cells = [with_ratio(name, kind, results) for kind in KINDS]
        compiling = result["first"] - np.median(result["train"])
        cells += [f"{compiling:.1f}", f"{result['memory']:.0f}", f"{result['deviation']:.0e}"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def with_ratio(name, kind, results):
    seconds = results[name][kind]
    text = f"{np.median(seconds) * 1e3:.3g}"
    if name == OURS or OURS not in results:
        return text
    ratio = np.median(np.divide(seconds, results[OURS][kind]))
    return f"{text} (×{ratio:.2g})"


def version(package):
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{package} –"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, nargs=3, metavar=("BATCH", "STEPS", "UNITS"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="contenders whose name this expression finds")
    parser.add_argument("--quick", action="store_true", help="3 short rounds")
    arguments = parser.parse_args()
    rounds, at_least = (3, 0.1) if arguments.quick else (arguments.rounds, 0.5)
    names = [name for name in CONTENDERS if re.search(arguments.only, name)]

    versions = ", ".join(map(version, PACKAGES))
    print(f"{datetime.date.today()}, {processor()}, commit {commit()}, {versions}.\n")
    for size in [tuple(arguments.size)] if arguments.size else SIZES:
        load, begin = os.getloadavg()[0], time.perf_counter()
        print(table(size, measure(names, size, rounds, at_least)))
        took = time.perf_counter() - begin
        print(f"Load before and after: {load:.1f}, {os.getloadavg()[0]:.1f}; took {took:.0f} s.\n")


if __name__ == "__main__":
    main()
