"""Memory and time of a training step on long sequences, checkpointed or not.

    python benchmarks/long_sequences.py [--size 8 20000 128] [--only REGEX]

The task is that of rnn.py: one recurrent layer of tanh units on one feature and a readout to one,
Adam, on TensorFlow. Each contender has a process of its own. *MB* is what it holds at its peak over
what it held before the first step; what TensorFlow loads for any `fit` is loaded by then, through
a small model. The first step compiles; the next ones are timed.
"""

import argparse
import datetime
import json
import math
import os
import pathlib
import re
import resource
import subprocess
import sys
import time

from rnn import version
from rnn_contenders import Task, keras_model

from data import commit, processor

# Name: layer, K, jit_compile.
CONTENDERS = {
    "ElmanRNN": ("elman", None, False),
    "ElmanRNN, K = √T": ("elman", "sqrt", False),
    "ElmanRNN, K = T / 10": ("elman", "tenth", False),
    "ElmanRNN, jit_compile": ("elman", None, True),
    "ElmanRNN, K = √T, jit_compile": ("elman", "sqrt", True),
    "Keras SimpleRNN": ("simple", None, False),
    "Keras SimpleRNN, K = √T": ("simple", "sqrt", False),
}
TIMED = 3  # steps


def layers(kind, num_steps, units):
    import keras

    from oscillator_zoo.models import CheckpointedGradient, ElmanRNN

    if kind == "elman":
        first, *others = [ElmanRNN(units, output_units=1, return_sequences=True)]
    else:
        rnn = keras.layers.SimpleRNN(units, return_sequences=True)
        first, *others = [rnn, keras.layers.Dense(1)]
    return [first if num_steps is None else CheckpointedGradient(first, num_steps), *others]


def train(name, size):
    """What one contender needs, in this process."""
    kind, num_steps, jit_compile = CONTENDERS[name]
    batch, steps, units = size
    keras_model(Task(batch, 16, 4), layers(kind, 4, 4), jit_compile=jit_compile)[0](1)
    task = Task(*size)
    num_steps = {"sqrt": math.isqrt(steps - 1) + 1, "tenth": -(-steps // 10)}.get(num_steps)
    fit = keras_model(task, layers(kind, num_steps, units), jit_compile=jit_compile)[0]
    before = memory()
    begin = time.perf_counter()
    fit(1)
    first = time.perf_counter() - begin
    begin, used = time.perf_counter(), time.process_time()
    fit(TIMED)
    return {
        "seconds": (time.perf_counter() - begin) / TIMED,
        "processor": (time.process_time() - used) / TIMED,
        "first": first,
        "memory": memory() - before,
    }


def memory():
    """MB at the peak so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, nargs=3, default=(8, 20_000, 128))
    parser.add_argument("--only", default="", help="contenders whose name this expression finds")
    parser.add_argument("--train", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        print(json.dumps(train(arguments.train, arguments.size)))
        return
    versions = ", ".join(map(version, ("tensorflow", "keras")))
    print(f"{datetime.date.today()}, {processor()}, commit {commit()}, {versions}.")
    batch, steps, units = arguments.size
    print(f"Batch {batch}, {steps} steps, {units} units; load before: {os.getloadavg()[0]:.1f}.\n")
    print("| | MB at the peak | s per training step | of the processor | s of the first |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in CONTENDERS:
        if not re.search(arguments.only, name):
            continue
        command = [sys.executable, "-W", "ignore", pathlib.Path(__file__), "--train", name]
        command += ["--size", *map(str, arguments.size)]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
        output = subprocess.run(command, env=environment, capture_output=True, text=True)
        if output.returncode:
            print(f"| {name} | {output.stderr.strip().splitlines()[-1]} |")
            continue
        result = json.loads(output.stdout.splitlines()[-1])
        cells = [f"{result['memory']:.0f}"]
        cells += [f"{result[key]:.2f}" for key in ("seconds", "processor", "first")]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print(f"\nLoad after: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
