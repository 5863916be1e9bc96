"""How far forecasts of oscillators never seen before hold, over three seeds.

    python benchmarks/forecast.py                      # forecast-damped, about five minutes
    python benchmarks/forecast.py forecast-driven --seeds 0

Each seed has its own training motions, weights and 200 test motions. Prints a Markdown table. Its
last column is the autoregression that knows two samples of the force, which give a sinusoid; with
`--epochs 1` it takes seconds.
"""

import argparse
import time

import keras

from oscillator_zoo.training import evaluate_forecast, recipes

METHODS = ("model", "persistence", "autoregression", "euler", "rk4")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["forecast-damped"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, nargs="?")
    given = parser.parse_args()
    print(f"| recipe, seed | seconds | {' | '.join(METHODS)} | autoregression (1, 2) |")
    print("| --- " * (len(METHODS) + 3) + "|")
    for name in given.names:
        for seed in given.seeds:
            keras.utils.set_random_seed(seed)
            start = time.perf_counter()
            options = {} if given.epochs is None else {"epochs": given.epochs}
            run = recipes()[name](seed=seed, **options)
            seconds = time.perf_counter() - start
            scores = run.evaluate()
            informed = evaluate_forecast(
                run.model,
                run.test,
                run.warm_up,
                autoregression_order=(1, 2),
                training=run.training,
            )
            rows = [*(scores[method] for method in METHODS), informed["autoregression"]]
            cells = [f"{row['rmse']:.2g}, {row['rmse_90']:.2g}" for row in rows]
            print(f"| {name}, {seed} | {seconds:.0f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
