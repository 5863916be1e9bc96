"""`rollout` next to the loop that anyone would write: `predict` for every step.

    python benchmarks/rollout.py [--steps 1000] [--rounds 3]

The one-step model is that of the recipe "elman-harmonic": an `ElmanRNN` of 32 units whose output is
added to the last state; the weights do not matter for the time. The loop appends each prediction to
the sequence and predicts from

- *the last 20 states*, an approximation, since the network forgets what it saw before;
- *all states*, which gives the numbers of `rollout`; only `--all-steps` of them, since every
  length makes TensorFlow trace anew, and the work grows like the square.

`rollout` includes its checks, the run over the prefix of 20 states and the copy of the result. Its
first call, which compiles, is listed for itself. "apart" is the largest difference from `rollout`,
relative to the largest state, over the steps that both took.
"""

import argparse
import datetime
import importlib.metadata
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from data import commit, processor
from oscillator_zoo.data import DampedOscillator, simulate
from oscillator_zoo.models import ElmanRNN, rollout

PREFIX = 20


def one_step_model():
    """The network of "elman-harmonic", damped a little so that no weights make it diverge."""
    keras.utils.set_random_seed(0)
    states = keras.Input((None, 2))
    change = ElmanRNN(32, output_units=2, return_sequences=True)(states)
    slower = keras.layers.Rescaling(0.1)(change)
    return keras.Model(states, keras.layers.Add()([keras.layers.Rescaling(0.95)(states), slower]))


def predict_loop(model, prefix, num_steps, window):
    """One `predict` for each step, from the last `window` states or, with None, from all."""
    sequence = prefix
    for _ in range(num_steps):
        seen = sequence if window is None else sequence[:, -window:]
        prediction = model.predict(seen, verbose=0)[:, -1:]
        sequence = np.concatenate([sequence, prediction], axis=1)
    return sequence[:, PREFIX:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--all-steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("tensorflow", "keras"))
    print(f"{datetime.date.today()}, {processor()}, commit {commit()}, {versions}.")
    print(f"Load before: {os.getloadavg()[0]:.1f}. Fastest of {given.rounds} rounds.\n")

    model = one_step_model()
    start = simulate(DampedOscillator(), time_step=0.1, num_steps=PREFIX - 1).states
    prefix = start.astype("float32")
    begin = time.perf_counter()
    rollout(model, prefix, given.steps)
    first = time.perf_counter() - begin
    model.predict(prefix, verbose=0)
    contenders = {
        "rollout": (lambda n: rollout(model, prefix, n), given.steps),
        "predict, last 20": (lambda n: predict_loop(model, prefix, n, PREFIX), given.steps),
        "predict, all": (lambda n: predict_loop(model, prefix, n, None), given.all_steps),
    }
    seconds, results = {name: [] for name in contenders}, {}
    for _ in range(given.rounds):
        for name, (run, num_steps) in contenders.items():
            begin = time.perf_counter()
            results[name] = run(num_steps)
            seconds[name].append((time.perf_counter() - begin) / num_steps)
    ours = min(seconds["rollout"])
    print("| | steps | ms a step | × rollout | apart |\n| --- | ---: | ---: | ---: | ---: |")
    for name, (_, num_steps) in contenders.items():
        step = min(seconds[name])
        apart = np.abs(results[name] - results["rollout"][:, :num_steps]).max()
        relative = apart / np.abs(results["rollout"]).max()
        print(f"| {name} | {num_steps} | {1e3 * step:.3f} | {step / ours:.0f} | {relative:.0e} |")
    print(f"| rollout, first call | {given.steps} | {1e3 * first / given.steps:.3f} |"
          f" {first / given.steps / ours:.0f} | |")  # fmt: skip
    print(f"\nLoad after: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
