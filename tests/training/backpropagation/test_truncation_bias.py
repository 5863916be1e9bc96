"""The bias of truncated gradients: on paper, and as the motion is forgotten."""

import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator
from oscillator_zoo.models import ElmanCell, euler_weights
from oscillator_zoo.training import gradient_norms, truncation_bias


def linear_cell(W, U):
    cell = ElmanCell(len(W), activation="linear", use_bias=False, dtype="float64")
    cell.build((None, len(U)))
    cell.set_weights([np.asarray(U), np.asarray(W)])
    return cell


@pytest.mark.parametrize("w", [0.5, 0.9, 1.1])
def test_bias_of_a_scalar_cell_at_rest_is_a_quotient_of_powers(w):
    # x = 1 − w keeps h = 1. ∂C_T/∂w = 2 Σ_{j<T} w^j; truncated after K, 2 Σ_{j<K} w^j. Only C_T is
    # not zero: the targets of all other steps are met.
    T, truncations = 40, np.array([1, 2, 5, 10, 39, 40])
    cell = linear_cell([[w]], [[1.0]])
    x, target = np.full((1, T, 1), 1.0 - w), np.ones((1, T, 1))
    target[:, -1] = 0.0
    found = truncation_bias(cell, x, target, truncations, np.ones((1, 1)))
    # U and W have gradients of the ratio 1 − w in every step: the same relative bias.
    np.testing.assert_allclose(
        found, (w**truncations - w**T) / (1.0 - w**T), rtol=1e-10, atol=1e-13
    )


def oscillator_cell(damping, step=0.1):
    W, U = euler_weights(DampedOscillator(damping=damping), step)
    return linear_cell(W, U)


def driven(num_steps, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(4, num_steps, 1))
    return x, random.normal(size=(4, num_steps, 2)) * 0.1


def test_bias_falls_with_the_truncation_as_the_oscillator_forgets_its_motion():
    cell, data = oscillator_cell(1.0), driven(150)
    radius = gradient_norms(cell, data[0]).spectral_radius
    assert radius == pytest.approx(np.sqrt(1.0 - 0.1 * 1.0 + 0.01))
    # Whole half periods apart, so that the phase of the oscillation is the same.
    half_period = np.pi / np.angle(np.linalg.eigvals(cell.recurrent_kernel.numpy())[0])
    truncations = np.rint(np.abs(half_period) * np.arange(1, 4)).astype(int)
    bias = truncation_bias(cell, *data, truncations)
    slope = np.polyfit(truncations, np.log(bias), 1)[0]
    assert slope == pytest.approx(np.log(radius), rel=0.25)
    assert bias[-1] < 0.02


def test_undamped_oscillator_forgets_nothing_within_its_history():
    data, truncations = driven(60), [15, 30, 60]
    undamped = truncation_bias(oscillator_cell(0.0), *data, truncations)
    damped = truncation_bias(oscillator_cell(2.0), *data, truncations)
    assert undamped[:2].min() > 0.1 and undamped[2] == damped[2] == 0.0
    assert damped[1] < 0.2 * undamped[1]
