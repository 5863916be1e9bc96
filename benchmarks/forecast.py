"""How far forecasts of oscillators never seen before hold, over three seeds.

    python benchmarks/forecast.py                      # forecast-damped, about five minutes
    python benchmarks/forecast.py forecast-driven --seeds 0

Each seed has its own training motions, weights and 200 test motions. Prints a Markdown table.
"""

import argparse
import time

import keras

from oscillator_zoo.training import recipes

METHODS = ("model", "persistence", "autoregression", "euler", "rk4")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["forecast-damped"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, nargs="?")
    given = parser.parse_args()
    print(f"| recipe, seed | seconds | {' | '.join(METHODS)} |")
    print("| --- " * (len(METHODS) + 2) + "|")
    for name in given.names:
        for seed in given.seeds:
            keras.utils.set_random_seed(seed)
            start = time.perf_counter()
            options = {} if given.epochs is None else {"epochs": given.epochs}
            run = recipes()[name](seed=seed, **options)
            seconds = time.perf_counter() - start
            scores = run.evaluate()
            cells = [
                f"{scores[method]['rmse']:.2g}, {scores[method]['rmse_90']:.2g}"
                for method in METHODS
            ]
            print(f"| {name}, {seed} | {seconds:.0f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
