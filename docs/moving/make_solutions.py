"""Writes solutions.js, the networks that the page shows: `python docs/moving/make_solutions.py`.

Each solution is one window with sines fixed and a last layer by least squares, for one damping and
one number of sines, with the proven bounds of its error on pieces of the interval. The cell is an
Elman cell of three units that forecasts the next position of an oscillator from this one.
"""

import json
import pathlib

import keras
import numpy as np

from oscillator_zoo.data import DampedOscillator
from oscillator_zoo.models import PINN, ElmanRNN, LeastSquaresModel, LevenbergMarquardt

DAMPINGS = (0.0, 0.1, 0.2, 0.4)  # kg/s, with m = 1 kg, k = 1 N/m, x0 = 1 m, v0 = 0
NUM_WAVES = (6, 7, 8, 9, 10, 11, 12, 14)  # more have weights so large that 1e-12 is lost
DURATION = 12.0  # s
NUM_PIECES = 120


def solution(damping, num_waves):
    """One network as numbers, a dictionary."""
    oscillator = DampedOscillator(damping=damping)
    pinn = PINN(oscillator, DURATION, hidden_units=(num_waves,), seed=0)
    pinn.compile(LevenbergMarquardt(tolerance=1e6))  # one solve of the last layer will do
    pinn.fit(pinn.collocation_points(), epochs=20, verbose=0)
    U, b, V, c = (weight.numpy().ravel().tolist() for weight in pinn.weights[:4])
    times, bounds = pinn.error_bound_table()
    edges = np.linspace(0.0, DURATION, NUM_PIECES + 1)
    first = np.searchsorted(times, edges[:-1], side="right") - 1
    last = np.searchsorted(times, edges[1:], side="left")
    worst = [float(bounds[i:j].max()) for i, j in zip(first, last)]
    return {
        "damping": damping,
        "waves": num_waves,
        "U": U,
        "b": b,
        "V": V,
        "c": c[0],
        "bounds": worst,
    }


def cell():
    """An Elman cell as numbers, with the motion that it was trained to forecast."""
    keras.utils.set_random_seed(0)
    times = 0.3 * np.arange(61)
    starts = np.random.default_rng(0).normal(size=(2, 20))
    swinging = DampedOscillator(damping=0.1, position=0.5 * starts[0], velocity=0.5 * starts[1])
    x = swinging.exact(times)[0]
    inputs = keras.Input((None, 1), dtype="float64")
    layer = ElmanRNN(3, output_units=1, return_sequences=True, dtype="float64")
    model = LeastSquaresModel(inputs, layer(inputs))
    model.compile(LevenbergMarquardt(tolerance=0.0))
    model.fit(x[:, :-1], x[:, 1:], epochs=150, verbose=0)
    shown = DampedOscillator(damping=0.1).exact(times)[0][:, 0]
    U, W, b, V, c = (weight.numpy() for weight in layer.weights)
    numbers = {"U": U[0], "W": W.T, "b": b, "V": V[:, 0]}  # W h, where Keras has h @ W
    as_lists = {name: value.tolist() for name, value in numbers.items()}
    return {**as_lists, "c": float(c[0]), "time_step": 0.3, "motion": shown.tolist()}


def main():
    """Write all of them beside this file."""
    found = [solution(damping, waves) for damping in DAMPINGS for waves in NUM_WAVES]
    content = json.dumps({"duration": DURATION, "solutions": found, "cell": cell()})
    path = pathlib.Path(__file__).parent / "solutions.js"
    path.write_text(f"const SOLUTIONS = {content};\n", encoding="utf-8")


if __name__ == "__main__":
    main()
