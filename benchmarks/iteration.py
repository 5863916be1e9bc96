"""One Levenberg–Marquardt iteration of a PINN next to the same one in NumPy and by `tape.jacobian`.

    python benchmarks/iteration.py [--rounds 15]

The equation is x'' + 0.2 x' + x = 0 over 20 s in one window with a network 1-20-1 (sine), which has
61 weights, and 128 points. All compute: residual, Jacobian in closed form (or by the tape), damped
step by QR, residual at the new weights, new damping; weights that made |r| larger are put back.
They take turns so that all see the same machine; the first step of each is not counted. "fit" is
the same step by `keras.Model.fit`, with metrics, callbacks and the beginning and end of a call.
"""

import argparse
import datetime
import functools
import importlib.metadata
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from scipy.linalg import solve_triangular

from data import commit, processor
from oscillator_zoo.data import DampedOscillator
from oscillator_zoo.models import PINN, LevenbergMarquardt
from oscillator_zoo.models.least_squares.least_squares_steps import (
    all_weights_step,
    projected_step,
    residuals_of,
)
from oscillator_zoo.models.least_squares.least_squares_system import TapeSystem

DAMPING, STIFFNESS, DURATION, UNITS, POINTS = 0.2, 1.0, 20.0, 20, 128
STEPS = 50


class ByTape(PINN):
    """The same PINN with the Jacobian by tape."""

    def least_squares_system(self):
        return TapeOfReadout(self)


class TapeOfReadout(TapeSystem):
    """Its readout is that of the trial solution."""

    @property
    def readout_variables(self):
        return self.model.trial.readout_variables


class ByNumpy:
    """x = 1 + s² (sin(τ u + b) a + c), s = t/T, τ = 2 s − 1, and its steps, in NumPy."""

    def __init__(self, weights, points):
        self.p = np.concatenate([np.ravel(w) for w in weights])  # u, b, a, c
        self.initial, self.strength, self.growth = self.p.copy(), 1e-3, 2.0
        s = points / DURATION
        self.tau, rate = 2.0 * s - 1.0, 2.0 / DURATION
        # r = g0 N + g1 N' + g2 N'' + r0, derivatives with respect to τ
        h2, dh2, ddh2 = s**2, 2.0 * s / DURATION, 2.0 / DURATION**2
        self.g0 = ddh2 + DAMPING * dh2 + STIFFNESS * h2
        self.g1 = (2.0 * dh2 + DAMPING * h2) * rate
        self.g2 = h2 * rate**2
        self.r0 = STIFFNESS

    def waves(self, p):
        u, b = p[:UNITS], p[UNITS : 2 * UNITS]
        z = self.tau * u + b
        sine, cosine = np.sin(z), np.cos(z)
        return u, sine, cosine, (self.g0 - self.g2 * u**2) * sine + self.g1 * u * cosine

    def residual(self, p):
        readout = self.waves(p)[-1]
        return readout @ p[2 * UNITS : -1] + self.g0[:, 0] * p[-1] + self.r0

    def parts(self):
        """r, ∂r/∂(u, b) and ∂r/∂(a, c)."""
        u, sine, cosine, readout = self.waves(self.p)
        a = self.p[2 * UNITS : -1]
        by_z = (self.g0 - self.g2 * u**2) * cosine - self.g1 * u * sine
        by_u = by_z * self.tau - 2.0 * self.g2 * u * sine + self.g1 * cosine
        readout = np.hstack([readout, self.g0])
        return self.residual(self.p), np.hstack([by_u * a, by_z * a]), readout

    def all_weights(self):
        r, hidden, readout = self.parts()
        self.move(r, np.hstack([hidden, readout]), lambda step: self.p + step)

    def projection(self):
        """The readout solved for, by the QR of [B; √λ I]; hidden weights stepped."""
        r, hidden, readout = self.parts()
        lengths = np.sqrt((readout**2).sum(axis=0))
        q, triangle = self.solver(readout / lengths)
        columns = np.column_stack([r, hidden])
        part = q.T @ columns
        left = columns - q @ part
        answers = -solve_upper(triangle, part) / lengths[:, None]

        def moved(step):
            change = answers @ np.append(1.0, step)
            p = self.p + np.concatenate([step, change])
            readout = np.hstack([self.waves(p)[-1], self.g0])
            lengths = np.sqrt((readout**2).sum(axis=0))
            q, triangle = self.solver(readout / lengths)
            p[2 * UNITS :] -= solve_upper(triangle, q.T @ self.residual(p)[:, None])[:, 0] / lengths
            return p

        self.move(left[:, 0], left[:, 1:], moved)

    def solver(self, matrix):
        q, triangle = np.linalg.qr(np.vstack([matrix, 1e-14 * np.eye(UNITS + 1)]))
        return q[:POINTS], triangle

    def move(self, r, jacobian, moved):
        strength = self.strength * (jacobian**2).sum(axis=0).max()
        size = jacobian.shape[1]
        q, triangle = np.linalg.qr(np.vstack([jacobian, np.sqrt(strength) * np.eye(size)]))
        step = -solve_upper(triangle, q[:POINTS].T @ r[:, None])[:, 0]
        p = moved(step)
        after = self.residual(p)
        fall = r @ r - after @ after
        if fall > 0.0:
            gain = fall / (step @ (strength * step - jacobian.T @ r))
            self.strength *= max(1.0 / 3.0, 1.0 - (2.0 * gain - 1.0) ** 3)
            self.p, self.growth = p, 2.0
        else:
            self.strength, self.growth = self.strength * self.growth, 2.0 * self.growth


def solve_upper(triangle, y):
    return solve_triangular(triangle, y, check_finite=False)


def graph_of(model, take, points):
    """One step as a compiled function, and the weights and damping it begins with put back."""
    batch = tf.constant(points), None, None
    damping, growth = tf.Variable(1e-3, dtype=tf.float64), tf.Variable(2.0, dtype=tf.float64)

    @tf.function
    def run():
        step = take(model, batch, damping, growth, residuals_of(model, batch))
        return tf.reduce_sum(step.residuals**2)

    weights = model.get_weights()

    def reset():
        model.set_weights(weights)
        damping.assign(1e-3)
        growth.assign(2.0)

    return run, reset


def fit_of(model, projection, points):
    """One step of `fit`, many in one epoch, after its last method has begun."""
    model.compile(LevenbergMarquardt(projection, tolerance=0.0, initial_damping=1e-3))
    data = model.collocation_points(POINTS, steps_per_epoch=STEPS)
    model.fit(model.collocation_points(POINTS, steps_per_epoch=2), epochs=1, verbose=0)
    weights, optimizer = model.get_weights(), model.optimizer
    start = [variable.numpy() for variable in optimizer.variables]

    def run():
        model.set_weights(weights)
        for variable, value in zip(optimizer.variables, start):
            variable.assign(value)
        before = int(optimizer.iterations)
        begin = time.perf_counter()
        model.fit(data, epochs=1, verbose=0)
        return (time.perf_counter() - begin) / (int(optimizer.iterations) - before)

    return run


def seconds_of(run, reset):
    """Seconds of a step in a row of `STEPS` from the same beginning."""

    def timed():
        reset()
        begin = time.perf_counter()
        for _ in range(STEPS):
            run()
        return (time.perf_counter() - begin) / STEPS

    return timed


def numpy_steps(weights, points, name):
    state = ByNumpy(weights, points)

    def reset():
        state.p, state.strength, state.growth = state.initial.copy(), 1e-3, 2.0

    def step():
        getattr(state, name)()
        return np.sum(state.residual(state.p) ** 2)

    return getattr(state, name), reset, step


def contenders(name, take, projection):
    """{contender: function that returns seconds of one step}, all checked to agree on the first."""
    problem = DampedOscillator(damping=DAMPING, stiffness=STIFFNESS)
    ours, tape, in_fit = (cls(problem, DURATION, UNITS, seed=1) for cls in (PINN, ByTape, PINN))
    points = ours.collocation_times(POINTS)
    run, reset, first = numpy_steps(ours.get_weights(), points, name)
    expected = first()
    timed = {"NumPy": seconds_of(run, reset)}
    for label, model in (("ours", ours), ("ours, tape.jacobian", tape)):
        run, reset = graph_of(model, take, points)
        np.testing.assert_allclose(run(), expected, rtol=1e-3)  # r is near rounding already
        timed[label] = seconds_of(run, reset)
    timed["ours, fit"] = fit_of(in_fit, projection, points)
    return timed


def jacobians():
    """The same for the residual and its Jacobian alone."""
    problem = DampedOscillator(damping=DAMPING, stiffness=STIFFNESS)
    models = {"NumPy": None, "ours": PINN, "ours, tape.jacobian": ByTape}
    timed = {}
    for label, cls in models.items():
        model = (cls or PINN)(problem, DURATION, UNITS, seed=1)
        points = model.collocation_times(POINTS)
        run = ByNumpy(model.get_weights(), points).parts
        if cls is not None:
            run = tf.function(
                functools.partial(model.least_squares_system().linearise, tf.constant(points))
            )
            run()
        timed[label] = seconds_of(run, lambda: None)
    return timed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("tensorflow", "numpy"))
    print(f"{datetime.date.today()}, {processor()}, commit {commit()}, {versions}.")
    print(f"Load before: {os.getloadavg()[0]:.1f}. Median (fastest) of {rounds} rounds of {STEPS}.")
    print("\n| | ms | fastest | × NumPy | fastest |\n| --- | ---: | ---: | ---: | ---: |")
    for name, take, projection in (
        ("all_weights", all_weights_step, False),
        ("projection", projected_step, True),
        ("Jacobian", None, None),
    ):
        timed = contenders(name, take, projection) if take else jacobians()
        seconds = {label: [] for label in timed}
        for _ in range(rounds):
            for label, run in timed.items():
                seconds[label].append(run())
        for label, values in seconds.items():
            both = np.array([np.median(values), min(values)])
            ratio = both / [np.median(seconds["NumPy"]), min(seconds["NumPy"])]
            cells = [f"{v:.3f}" for v in 1e3 * both] + [f"{v:.2f}" for v in ratio]
            print(f"| {name.replace('_', ' ')}, {label} | " + " | ".join(cells) + " |", flush=True)
    print(f"\nLoad after: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
