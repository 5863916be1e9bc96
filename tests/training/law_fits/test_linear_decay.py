"""Decays that do not swing, against their closed form."""

import numpy as np
import pytest

from oscillator_zoo.data import Trajectory
from oscillator_zoo.training import identify

OMEGA = 3.0 * np.pi


@pytest.mark.parametrize("ratio", [1.05, 1.3, 2.0])
@pytest.mark.parametrize("quantity", ["position", "velocity", "acceleration"])
def test_an_overdamped_decay(ratio, quantity):
    """x(0) = 1, x'(0) = 2: x = A e^{−at} + B e^{−bt}."""
    root = np.sqrt(ratio**2 - 1.0)
    rates = OMEGA * np.array([ratio - root, ratio + root])
    sizes = np.linalg.solve([[1.0, 1.0], -rates], [1.0, 2.0])
    times, order = 0.02 * np.arange(200), ("position", "velocity", "acceleration").index(quantity)
    values = np.exp(-times[:, None] * rates) @ (sizes * (-rates) ** order)
    noise = 0.001 * values.std() * np.random.default_rng(2).normal(size=200)
    states = (0.3 + values + noise)[None, :, None]
    found = identify(Trajectory(times, states, (quantity,), 0.0 * states), model="linear")
    for name, value in {"natural_frequency": 1.5, "damping_ratio": ratio}.items():
        one = found.estimates[name]
        assert abs(one.value - value) < 4.0 * one.standard_error < 0.4 * value, name
    assert not any("white" in doubt for doubt in found.doubts)
    np.testing.assert_allclose(found.fit.starts, [[1.0, 2.0]], atol=0.1)
    np.testing.assert_allclose(found.residuals[0], noise, atol=2.0 * noise.std())


def test_a_rate_that_no_second_sample_sees_is_doubted():
    times = 0.02 * np.arange(200)
    values = np.exp(-times) - 0.5 * (times == 0.0)
    values += 1e-3 * np.random.default_rng(3).normal(size=200)
    states = values[None, :, None]
    found = identify(Trajectory(times, states, ("position",), 0.0 * states), model="linear")
    assert any("cannot be told apart" in doubt for doubt in found.doubts)
