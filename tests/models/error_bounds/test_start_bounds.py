import itertools

import mpmath
import numpy as np
import pytest
import tensorflow as tf
from mpmath import mpf

from oscillator_zoo.data import CoupledOscillators, DampedOscillator, Decay
from oscillator_zoo.models import PINN, from_preset
from oscillator_zoo.models.error_bounds.error_bound import ErrorSeries
from oscillator_zoo.models.error_bounds.trial_bounds import TrialBounds

COUPLED = CoupledOscillators([1.0, 2.0], [1.0, 3.0, 2.0], [0.1, 0.2], None, [1.0, -3.0], [0.5, 2.0])


def network(problem, windows, seed, scale=1.0):
    """A `PINN` with windows of uneven lengths and weights drawn at random."""
    random = np.random.default_rng(seed)
    steps = random.uniform(0.5, 2.0, windows)
    edges = problem.start_time + np.concatenate([[0.0], np.cumsum(steps)])
    pinn = PINN(problem, steps.sum(), (12,), window_edges=edges, bandwidth=4.0, seed=seed)
    kernel = scale * random.normal(size=pinn.network.readout.kernel.shape)
    pinn.network.readout.kernel.assign(kernel)
    pinn.network.readout.bias.assign(scale * random.normal(size=kernel.shape[::2]))
    return pinn


def exact_starts(pinn):
    """[x_w, v_w], lists of rows of `mpf`, from the float64 weights."""
    (kernel, bias), readout = pinn.network.hidden[0].get_weights(), pinn.network.readout
    z = [(mpf(float(u)), mpf(float(u)) + mpf(float(b))) for u, b in zip(kernel[0], bias)]
    h, dh = [mpmath.sin(y) for _, y in z], [u * mpmath.cos(y) for u, y in z]
    edges = [mpf(t) for t in pinn.window_edges]
    state = [[mpf(float(y)) for y in np.ravel(part)] for part in pinn.problem.initial_state()]
    found = [state]
    for w, length in enumerate(b - a for a, b in itertools.pairwise(edges)):
        a, c = readout.kernel[w].numpy(), readout.bias[w].numpy()
        d = range(len(c))
        n = [mpf(float(c[j])) + sum(y * mpf(float(r)) for y, r in zip(h, a[:, j])) for j in d]
        dn = [sum(y * mpf(float(r)) for y, r in zip(dh, a[:, j])) for j in d]
        if pinn.problem.order == 1:
            state = [[state[0][j] + n[j] for j in d]]
        else:
            x, v = state
            state = [
                [x[j] + v[j] * length + n[j] for j in d],
                [v[j] + 2 * (n[j] + dn[j]) / length for j in d],
            ]
        found.append(state)
    return [list(part) for part in zip(*found[:-1])]


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e120])
@pytest.mark.parametrize("problem", [DampedOscillator(start_time=-3.0), Decay(1.0), COUPLED])
def test_starts_of_windows_are_within_their_errors(problem, scale):
    pinn = network(problem, 9, seed=3, scale=scale)
    trial = TrialBounds(pinn)
    model = tf.function(lambda: pinn.trial.window_starts(problem))
    compiled = tf.function(lambda: pinn.trial.window_starts(problem), jit_compile=True)
    with mpmath.workdps(60):
        for k, exact in enumerate(exact_starts(pinn)):
            for i, j in np.ndindex(trial.starts[k].shape):
                head = float(trial.starts[k][i, j])
                rest = float(trial.starts[k][i, j] - head)
                off = abs(mpf(head) + mpf(rest) - exact[i][j])
                assert off <= trial.start_errors[k][i, j] * (1 + 1e-9)
                for received in (model()[k], compiled()[k], pinn.trial.window_starts(problem)[k]):
                    off = abs(mpf(float(received[i, j])) - exact[i][j])
                    assert off <= trial.model_start_errors[k][i, j] * (1 + 1e-9)


def test_errors_of_starts_are_near_what_rounding_does():
    ratios = []
    for seed in range(5):
        pinn = network(DampedOscillator(), 64, seed)
        trial = TrialBounds(pinn)
        received = pinn.trial.window_starts(pinn.problem)
        for model, exact, allowed in zip(received, trial.starts, trial.model_start_errors):
            ratios.append(allowed.max() / np.abs(model - exact).max())
    # 64 windows at their worst; at random they would make the square root of it, 8
    assert np.median(ratios) <= 100.0


def test_bound_at_the_floor_is_near_what_rounding_does():
    pinn = from_preset("pinn-driven")
    series = ErrorSeries(pinn)
    t = np.linspace(*np.array(pinn.window_edges)[[0, -1]], 2001)
    received = np.asarray(pinn(t[:, None])), np.asarray(pinn.derivatives(t)[1])
    for values, exact, radius in zip(received, series.trial.at(t), series.radii):
        off = np.abs(values - exact).astype(float).max()
        assert off <= radius.max() <= 100.0 * off
