"""How often the 95 % intervals of parameters found from noisy data cover the truth.

    python benchmarks/identification.py [--sets 200]

One compiled `PINN` for each case finds the parameters of as many simulated measurements: 101
positions in 10 s of m x'' + γ x' + k x = 0 with normally distributed noise of 5 % of the first
amplitude. Every fit begins at the same guess. Beside it: the mean of p̂ − p over the standard
errors, which a bias would move from 0, and the spread of p̂ over the mean standard error.
"""

import argparse
import datetime
import importlib.metadata
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from data import commit, processor
from oscillator_zoo.data import DampedOscillator
from oscillator_zoo.models import PINN, LevenbergMarquardt

TIMES = np.linspace(0.0, 10.0, 101)
NOISE = 0.05  # m
TRUTH = DampedOscillator(damping=0.3, stiffness=2.0, position=1.0, velocity=0.2)
STATE = {"position": TRUTH.position, "velocity": TRUTH.velocity}
CASES = {
    "initial state known": DampedOscillator(damping=0.15, stiffness=1.6, **STATE),
    "initial state unknown": DampedOscillator(damping=0.15, stiffness=1.6, position=0.8),
}


def estimated(pinn, positions):
    """`Estimate` of each parameter by name, from the first guess on."""
    pinn.fit(TIMES, positions, verbose=0)
    assert pinn.stop_reason == "converged"
    return pinn.estimates(TIMES, positions)


def measured(seed):
    noise = NOISE * np.random.default_rng(seed).standard_normal(len(TIMES))
    return TRUTH.exact(TIMES)[0][:, 0] + noise


def row(case, name, found):
    """One line of the table: a parameter over all data sets."""
    truth = getattr(TRUTH, name)
    value, error, lower, upper = np.array([estimates[name] for estimates in found]).T
    cover = np.mean((lower <= truth) & (truth <= upper))
    mark = "" if 0.92 <= cover <= 0.98 else " ✗"
    cells = (
        case,
        f"{name} = {truth:g}",
        f"{100 * cover:.1f} %{mark}",
        f"{np.mean((value - truth) / error):+.2f} ± {len(found) ** -0.5:.2f}",
        f"{value.std(ddof=1) / error.mean():.2f}",
        f"{error.mean():.4f}",
    )
    return "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=200)
    num_sets = parser.parse_args().sets
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("tensorflow", "keras"))
    print(f"{datetime.date.today()}, {processor()}, commit {commit()}, {versions}.\n")
    print(f"| {num_sets} data sets | parameter | covered | bias / error | spread / error | error |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    seconds = {}
    for case, guess in CASES.items():
        unknown_state = ("position", "velocity") if case == "initial state unknown" else ()
        names = ("damping", "stiffness", *unknown_state)
        pinn = PINN(guess, TIMES[-1], unknown_parameters=names, seed=0)
        pinn.compile(LevenbergMarquardt())
        begin = time.perf_counter()
        estimated(pinn, measured(seed=num_sets))
        compiled = time.perf_counter()
        found = [estimated(pinn, measured(seed)) for seed in range(num_sets)]
        seconds[case] = compiled - begin, (time.perf_counter() - compiled) / num_sets
        for name in names:
            print(row(case, name, found), flush=True)
    for case, (first, each) in seconds.items():
        print(f"\n{case}: first fit {first:.1f} s with compilation, others {each:.2f} s each.")
    print(f"\nLoad after: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
