"""Many rows in blocks give what they give at once."""

import numpy as np
import pytest
import tensorflow as tf
from marks import further_but_for

from oscillator_zoo.data import DampedOscillator, Pendulum
from oscillator_zoo.models import PINN, LevenbergMarquardt
from oscillator_zoo.models.base_model import blocks
from oscillator_zoo.models.least_squares import window_blocks


def small_blocks(monkeypatch, num_rows):
    for module in (blocks, window_blocks):
        monkeypatch.setattr(module, "MOST_ROWS", num_rows)


@pytest.mark.further
def test_answers_do_not_depend_on_the_blocks(monkeypatch):
    pinn = PINN(DampedOscillator(damping=0.2), 10.0, seed=0)
    rng = np.random.default_rng(0)
    pinn.set_weights([rng.normal(size=w.shape) for w in pinn.get_weights()])
    t = pinn.collocation_times()
    ways = (pinn, pinn.derivatives, pinn.residual, tf.function(pinn.residual))
    whole = [np.asarray(way(tf.constant(t))) for way in ways]
    small_blocks(monkeypatch, 50)  # 280 times: the last block is shorter
    for way, expected in zip((*ways[:3], tf.function(pinn.residual)), whole):
        np.testing.assert_allclose(way(tf.constant(t)), expected, rtol=1e-12, atol=1e-12)
    for way, expected in zip(ways[:3], whole):
        for times in (t, t[:, 0].tolist()):
            np.testing.assert_allclose(way(times), expected, rtol=1e-12, atol=1e-12)


def test_lists_and_numbers_that_serve_all_rows_are_divided_too(monkeypatch):
    times, rng = [0.1, 0.7, 1.1, 1.3, 1.9], np.random.default_rng(0)
    alone = PINN(DampedOscillator(damping=0.2), 2.0, (4,), seed=0)
    family = PINN(DampedOscillator(), 2.0, (4,), parameter_ranges={"damping": (0.1, 0.3)}, seed=0)
    given = [(alone, times), (family, {"t": np.array(times), "damping": 0.2})]
    for pinn, _ in given:
        pinn.set_weights([rng.normal(size=w.shape) for w in pinn.get_weights()])
    whole = [np.asarray(pinn.derivatives(x)[2]) for pinn, x in given]
    small_blocks(monkeypatch, 2)
    for (pinn, x), expected in zip(given, whole):
        np.testing.assert_allclose(pinn.derivatives(x)[2], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "kind", further_but_for(["linear", "nonlinear", "family"], "linear", marks=pytest.mark.slow)
)
def test_least_squares_ends_at_the_same_solution_with_blocks_of_windows(kind, monkeypatch):
    problem = Pendulum(position=1.0) if kind == "nonlinear" else DampedOscillator(damping=0.2)
    ranges = {"damping": (0.1, 0.3)} if kind == "family" else None
    nodes = 3 if kind == "family" else None

    def solved():
        pinn = PINN(problem, 4.0, parameter_ranges=ranges, parameter_nodes=nodes, seed=0)
        pinn.compile(LevenbergMarquardt())
        pinn.fit(pinn.collocation_points(steps_per_epoch=3), epochs=1, verbose=0)
        at = np.linspace(0.0, 4.0, 50)
        return pinn({"t": at, "damping": 0.2} if kind == "family" else at)

    expected = solved()
    small_blocks(monkeypatch, 100 if kind != "family" else 200)
    np.testing.assert_allclose(solved(), expected, atol=1e-9)
