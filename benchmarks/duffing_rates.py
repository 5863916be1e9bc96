"""Constants of simulated Duffing oscillators by sampling rate and noise: are they in the errors?

    python benchmarks/duffing_rates.py [--rates 6 10 …] [--noise 0.003 …] [--seeds 5] [--samples N]

m = 1, γ = .8, k = 120, k3 = 300 (1.743 Hz, ζ = .0365), 1000 samples, under a multisine up to twice
the resonance or white noise, held or linear between samples. The motion comes from RK4 in NumPy
with at least 160 steps a period, aligned with the samples, by which the code under test is not
used. The table shows pulls, (estimate − truth) / standard error: their root mean square (1 if the
errors are true), the largest, and how many of the 95 % intervals hold the truth. The seven
constants of a record hang together: so few records scatter by some 20 % about an RMS of 1.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from oscillator_zoo.models import fit_duffing

TRUTH = {"mass": 1.0, "damping": 0.8, "stiffness": 120.0, "cubic_stiffness": 300.0}
TRUTH |= {"natural_frequency": np.sqrt(120.0) / (2.0 * np.pi), "quadratic_stiffness": 0.0}
TRUTH |= {"damping_ratio": 0.4 / np.sqrt(120.0)}
DRIVES = ("multisine", "held noise", "linear noise")
NUM_TONES = 60


def record(rate, noise, drive, seeds, num):
    """Time step, forces and noisy positions `(seeds, num)`."""
    randoms = [np.random.default_rng(seed) for seed in range(seeds)]
    resonance = TRUTH["natural_frequency"]
    time_step, parts = 1.0 / (rate * resonance), max(4, int(np.ceil(160 / rate)))
    shares = np.arange(2 * parts + 1) / (2 * parts)
    if drive == "multisine":
        tones = np.linspace(0.05, min(2.0, 0.45 * rate), NUM_TONES) * resonance
        phases = np.stack([r.uniform(0.0, 2.0 * np.pi, NUM_TONES) for r in randoms])

        def force(t):
            waves = np.cos(2.0 * np.pi * tones * np.asarray(t)[..., None, None] + phases)
            return 6.0 * np.sqrt(2.0 / NUM_TONES) * waves.sum(axis=-1)

        values = force(np.arange(num) * time_step).T
    else:
        size = 6.0 * np.sqrt(max(rate / 6.0, 1.0))
        values = size * np.stack([r.normal(size=num) for r in randoms])
    x, v, run, h = np.zeros(seeds), np.zeros(seeds), np.zeros((seeds, num)), time_step / parts

    def slope(x, v, u):
        return v, u - 0.8 * v - 120.0 * x - 300.0 * x**3

    for i in range(num - 1):
        now, change = values[:, i], values[:, i + 1] - values[:, i]
        if drive == "multisine":
            course = force((i + shares) * time_step)
        else:
            course = now + np.outer(shares * (drive == "linear noise"), change)
        for j in range(0, 2 * parts, 2):
            a, b = slope(x, v, course[j])
            c, d = slope(x + 0.5 * h * a, v + 0.5 * h * b, course[j + 1])
            e, f = slope(x + 0.5 * h * c, v + 0.5 * h * d, course[j + 1])
            p, q = slope(x + h * e, v + h * f, course[j + 2])
            x, v = (
                x + h * (a + 2.0 * c + 2.0 * e + p) / 6.0,
                v + h * (b + 2.0 * d + 2.0 * f + q) / 6.0,
            )
        run[:, i + 1] = x
    noises = np.stack([r.normal(size=num) for r in randoms])
    return time_step, values, run + noise * run.std(axis=1, keepdims=True) * noises


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rates", type=float, nargs="+", default=(6, 10, 25, 57, 200))
    parser.add_argument("--noise", type=float, nargs="+", default=(0.003, 0.05))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=1000)
    given = parser.parse_args()
    headings = "samples a period | noise | force | course found | RMSE / std | pulls: RMS"
    print(f"| {headings} | largest | inside |")
    print("| ---: | ---: | --- | --- | ---: | ---: | ---: | ---: |")
    for rate in given.rates:
        for noise in given.noise:
            for drive in DRIVES:
                made = record(rate, noise, drive, given.seeds, given.samples)
                time_step, forces, positions = made
                fits = [fit_duffing(u, y, time_step) for u, y in zip(forces, positions)]
                pulls = [
                    (fit.estimates[name].value - true) / fit.estimates[name].standard_error
                    for fit in fits
                    for name, true in TRUTH.items()
                ]
                inside = [
                    fit.estimates[name].lower <= true <= fit.estimates[name].upper
                    for fit in fits
                    for name, true in TRUTH.items()
                ]
                share = max(fit.rmse / y.std() for fit, y in zip(fits, positions))
                largest = max(pulls, key=abs)
                cells = (
                    f"{rate:g} | {noise:.1%} | {drive} | "
                    f"{', '.join(sorted({fit.course for fit in fits}))} | {share:.4f} | "
                    f"{np.sqrt(np.mean(np.square(pulls))):.2f} | {largest:+.1f} | "
                    f"{sum(inside)} of {len(inside)}"
                )
                print(f"| {cells} |", flush=True)


if __name__ == "__main__":
    main()
