"""`PINN.error_bound` against the error to 34 digits: random problems, and problems at edges.

    python benchmarks/error_bounds.py [--random 2000] [--edges 200] [--learned 0] [--nonlinear 0]
                                      [--first 0]
    python benchmarks/error_bounds.py --random 0 --edges 0 --floor

A bound holds where no error at any of some fifteen times, of position or velocity, is above it. It
is tight where it is at most ten times the largest error; that is judged where the error is a
hundred times what rounding in the model can do. Cases that do not hold are printed; there must be
none. Nonlinear problems are compared with motions in extended precision; where the proof does not
close, the reason is printed. `--floor` compares the radius of solved motions with what rounding
really does to them: their values against the same formula in extended precision.
"""

import argparse
import os
import pathlib
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests"))

import nonlinear_bound_cases as nonlinear
import numpy as np
from error_bound_cases import (
    EDGES,
    LEARNED_STAGES,
    STAGES,
    edge_case,
    learned_case,
    random_case,
    try_case,
)

from oscillator_zoo.data import DampedOscillator
from oscillator_zoo.models import PINN, LevenbergMarquardt, from_preset
from oscillator_zoo.models.error_bounds.error_bound import ErrorSeries

PRESETS = ("harmonic", "damped", "driven", "decay", "coupled", "resonance", "step")
NUM_TIMES = 4000  # at which rounding is seen


def run(num, first, make, kinds):
    """Print a table of what `num` cases have shown, by kind; returns how many do not hold."""
    outcomes, begin = [], time.perf_counter()
    for seed in range(first, first + num):
        outcomes.append(try_case(seed, make=make))
        if not outcomes[-1].holds:
            print(f"seed {seed} does not hold: {outcomes[-1]}", flush=True)
        if (seed + 1) % 50 == 0:
            minutes = (time.perf_counter() - begin) / 60.0
            print(f"… {seed + 1}, {minutes:.0f} minutes", flush=True)
    print("kind            cases  holds  judged  tight  median bound/error there  seconds")
    for kind in (*kinds, "all"):
        own = [o for o in outcomes if kind in (o.stage, "all")]
        judged = [o for o in own if o.error >= 100.0 * o.rounding]
        ratio = np.median([o.bound / o.error for o in judged]) if judged else np.nan
        seconds = np.median([o.seconds for o in own]) if own else np.nan
        print(
            f"{kind:14s} {len(own):6d} {sum(o.holds for o in own):6d} {len(judged):7d} "
            f"{sum(o.is_tight for o in judged):6d} {ratio:25.6f} {seconds:8.3f}"
        )
    return sum(not o.holds for o in outcomes)


def run_nonlinear(num, first, stages=nonlinear.STAGES[:1]):
    """Print tables of what `num` nonlinear cases have shown; returns how many do not hold."""
    outcomes = []
    for seed in range(first, first + num):
        outcomes.append(nonlinear.try_case(seed, stages))
        if not outcomes[-1].holds:
            print(f"seed {seed} does not hold: {outcomes[-1]}", flush=True)
        if (seed + 1) % 50 == 0:
            print(f"… {seed + 1}", flush=True)
    print("kind, stage      cases  closes  holds  judged  tight  median bound/error  seconds")
    for name in (*nonlinear.KINDS, *stages, "all"):
        own = [o for o in outcomes if name in (o.kind, o.stage, "all")]
        judged = [o for o in own if o.is_judged]
        ratios = [o.bound / o.error for o in judged]
        print(
            f"{name:16s} {len(own):5d} {sum(o.closes for o in own):7d} "
            f"{sum(o.holds for o in own):6d} {len(judged):7d} {sum(r <= 10.0 for r in ratios):6d} "
            f"{np.median(ratios) if ratios else np.nan:19.6f} "
            f"{np.median([o.seconds for o in own]) if own else np.nan:8.2f}"
        )
    return sum(not o.holds for o in outcomes)


def solved(damping, stiffness, duration, **network):
    """A damped oscillator, solved by least squares."""
    pinn = PINN(DampedOscillator(1.0, damping, stiffness), duration, seed=1, **network)
    pinn.compile(LevenbergMarquardt())
    pinn.fit(verbose=0)
    return pinn


FLOORS = {f"pinn-{name}": lambda name=name: from_preset(f"pinn-{name}") for name in PRESETS} | {
    "ω0 = 20 rad/s": lambda: solved(4.0, 400.0, 1.0),
    "ω0 = 80 rad/s": lambda: solved(4.0, 6400.0, 1.0),
    "100 tanh, 1 window": lambda: solved(0.2, 1.0, 20.0, hidden_units=(100,), activation="tanh"),
    "10 periods": lambda: solved(0.01, 1.0, 63.0),
    "100 periods": lambda: solved(0.01, 1.0, 628.0),
    "1000 periods": lambda: solved(0.001, 1.0, 6283.0),
}


def run_floor():
    """Print how much larger the radius is than what rounding does; both the largest over time."""
    print("motion               windows  rounding (m)  radius/rounding  of the velocity  seconds")
    ratios = []
    for name, make in FLOORS.items():
        pinn, begin = make(), time.process_time()
        series = ErrorSeries(pinn)
        seconds, edges = time.process_time() - begin, pinn.window_edges
        t = np.random.default_rng(0).uniform(edges[0], edges[-1], NUM_TIMES)
        received = np.asarray(pinn(t[:, None])), np.asarray(pinn.derivatives(t)[1])
        off = [np.abs(y - exact).max() for y, exact in zip(received, series.trial.at(t))]
        ratios.append([float(r.max() / y) for r, y in zip(series.radii, off)])
        print(
            f"{name:20s} {len(edges) - 1:7d} {float(off[0]):13.1e} "
            f"{ratios[-1][0]:16.0f} {ratios[-1][1]:16.0f} {seconds:8.2f}",
            flush=True,
        )
    print("{:42s} {:16.0f} {:16.0f}".format("median", *np.median(ratios, axis=0)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--random", type=int, default=2000)
    parser.add_argument("--edges", type=int, default=200)
    parser.add_argument("--learned", type=int, default=0, help="all weights of every window")
    parser.add_argument("--nonlinear", type=int, default=0)
    parser.add_argument("--trained", action="store_true", help="nonlinear ones in training too")
    parser.add_argument("--floor", action="store_true", help="radius beside rounding")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    given = parser.parse_args()
    wrong = run(given.edges, given.first, edge_case, EDGES) if given.edges else 0
    wrong += run(given.random, given.first, random_case, STAGES) if given.random else 0
    wrong += run(given.learned, given.first, learned_case, LEARNED_STAGES) if given.learned else 0
    stages = nonlinear.STAGES if given.trained else nonlinear.STAGES[:1]
    wrong += run_nonlinear(given.nonlinear, given.first, stages) if given.nonlinear else 0
    if given.floor:
        run_floor()
    print(f"{wrong} violations")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
