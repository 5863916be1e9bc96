import itertools
from operator import mul

import mpmath
import numpy as np
import pytest
import tensorflow as tf
from marks import further_but_for
from mpmath import mpf

from oscillator_zoo.data import CoupledOscillators, DampedOscillator, Decay
from oscillator_zoo.models import PINN, from_preset
from oscillator_zoo.models.error_bounds.error_bound import ErrorSeries
from oscillator_zoo.models.error_bounds.rounding import EXTENDED
from oscillator_zoo.models.error_bounds.start_bounds import start_bounds
from oscillator_zoo.models.error_bounds.trial_bounds import TrialBounds
from oscillator_zoo.models.trial_solution.dense_network import DenseNetwork

COUPLED = CoupledOscillators([1.0, 2.0], [1.0, 3.0, 2.0], [0.1, 0.2], None, [1.0, -3.0], [0.5, 2.0])


def network(problem, windows, seed, scale=1.0, uneven=0.3):
    """A `PINN` with windows of uneven lengths and weights drawn at random."""
    random = np.random.default_rng(seed)
    steps = 10.0 ** random.uniform(-uneven, uneven, windows)
    edges = problem.start_time + np.concatenate([[0.0], np.cumsum(steps)])
    pinn = PINN(problem, steps.sum(), (12,), window_edges=edges, bandwidth=4.0, seed=seed)
    kernel = scale * random.normal(size=pinn.network.readout.kernel.shape)
    pinn.network.readout.kernel.assign(kernel)
    pinn.network.readout.bias.assign(scale * random.normal(size=kernel.shape[::2]))
    return pinn


def learned_network(problem, windows, seed, scale=1.0, uneven=0.3):
    """A `PINN` whose windows have hidden layers of their own, drawn at random."""
    random = np.random.default_rng(seed)
    steps = 10.0 ** random.uniform(-uneven, uneven, windows)
    edges = problem.start_time + np.concatenate([[0.0], np.cumsum(steps)])
    pinn = PINN(
        problem, steps.sum(), (7, 5), "sin", window_edges=edges, bandwidth=4.0, learned=True
    )
    for array in pinn.network.arrays:
        array.assign(random.normal(size=array.shape))
    pinn.network.size.assign(0.7 * scale)
    return pinn


def end_of_window(network, w):
    """N and N' at τ = 1, lists of `mpf`, for hidden layers that windows share or do not."""
    if isinstance(network, DenseNetwork):
        layers = [layer.get_weights() for layer in network.hidden]
        layers.append([a[w] for a in network.readout.get_weights()])
        size = mpf(1)
    else:
        layers = network.layers_of([array[w].numpy() for array in network.arrays])
        size = mpf(float(network.size))
    h, dh = [mpf(1)], [mpf(1)]
    for kernel, bias in layers:
        columns = [[mpf(float(u)) for u in column] for column in kernel.T]
        z = [mpf(float(b)) + sum(map(mul, h, u)) for b, u in zip(bias, columns)]
        dz = [sum(map(mul, dh, u)) for u in columns]
        h, dh = [mpmath.sin(y) for y in z], [y * mpmath.cos(x) for x, y in zip(z, dz)]
    return [size * y for y in z], [size * y for y in dz]


def after_window(pinn, w, state, length):
    """State at the end of a window from that at its start, `mpf`."""
    n, dn = end_of_window(pinn.network, w)
    d = range(len(n))
    if pinn.problem.order == 1:
        return [[state[0][j] + n[j] for j in d]]
    x, v = state
    after = [x[j] + v[j] * length + n[j] for j in d]
    return [after, [v[j] + 2 * (n[j] + dn[j]) / length for j in d]]


def exact_starts(pinn):
    """[x_w, v_w], lists of rows of `mpf`, from the float64 weights."""
    edges = [mpf(t) for t in pinn.window_edges]
    state = [[mpf(float(y)) for y in np.ravel(part)] for part in pinn.problem.initial_state()]
    found = [state]
    for w, length in enumerate(b - a for a, b in itertools.pairwise(edges)):
        found.append(after_window(pinn, w, found[-1], length))
    return [list(part) for part in zip(*found[:-1])]


def exact(extended):
    """An extended number as `mpf`."""
    head = float(extended)
    return mpf(head) + mpf(float(extended - head))


@pytest.mark.parametrize(
    ("scale", "uneven"),
    further_but_for([(1.0, 0.3), (1.0, 3.0), (0.0, 0.3), (1e-200, 1.0), (1e120, 0.3)], (1.0, 3.0)),
)
@pytest.mark.parametrize("problem", [DampedOscillator(start_time=-3.0), Decay(1.0), COUPLED])
@pytest.mark.parametrize("make", [network, learned_network])
def test_starts_of_windows_are_within_their_errors(make, problem, scale, uneven):
    pinn = make(problem, 9, seed=3, scale=scale, uneven=uneven)
    trial = TrialBounds(pinn)
    initial = [np.reshape(y, -1).astype(EXTENDED) for y in problem.initial_state()]
    starts = start_bounds(trial.weights, problem.order, trial.edges, initial)
    model = tf.function(lambda: pinn.trial.window_starts(problem))
    compiled = tf.function(lambda: pinn.trial.window_starts(problem), jit_compile=True)
    with mpmath.workdps(60):
        for k, expected in enumerate(exact_starts(pinn)):
            for i, j in np.ndindex(trial.starts[k].shape):
                off = abs(exact(trial.starts[k][i, j]) - expected[i][j])
                assert off <= starts.errors[k][i, j] * (1 + 1e-9)
                for received in (model()[k], compiled()[k], pinn.trial.window_starts(problem)[k]):
                    received = mpf(float(received[i, j]))
                    allowed = starts.model_errors[k][i, j] * (1 + 1e-9)
                    assert abs(received - expected[i][j]) <= allowed
                    allowed = trial.model_start_errors[k][i, j] * (1 + 1e-9)
                    assert abs(received - exact(trial.starts[k][i, j])) <= allowed


@pytest.mark.parametrize("problem", [DampedOscillator(start_time=-3.0), Decay(1.0), COUPLED])
@pytest.mark.parametrize("uneven", [0.3, 3.0])
@pytest.mark.parametrize("make", [network, learned_network])
def test_jumps_from_window_to_window_are_within_their_bounds(make, problem, uneven):
    pinn = make(problem, 9, seed=4, uneven=uneven)
    trial, edges = TrialBounds(pinn), pinn.window_edges
    with mpmath.workdps(60):
        for w in range(8):  # what a window ends with, from where it begins
            start = [[exact(y) for y in row[w]] for row in trial.starts]
            ends = after_window(pinn, w, start, mpf(edges[w + 1]) - mpf(edges[w]))
            for k, end in enumerate(ends):
                for j, expected in enumerate(end):
                    off = abs(exact(trial.starts[k][w + 1, j]) - expected)
                    assert off <= trial.start_jumps[k][w + 1, j] * (1 + 1e-9)


@pytest.mark.parametrize("uneven", [0.0, 1.0])
def test_rounding_does_not_add_up_over_a_thousand_windows(uneven):
    pinn = network(DampedOscillator(), 1000, seed=5, uneven=uneven)
    pinn.network.readout.kernel.assign(1e-3 * pinn.network.readout.kernel)
    trial = TrialBounds(pinn)
    velocity = np.asarray(pinn.trial.window_starts(pinn.problem)[1])
    off = np.abs(velocity - trial.starts[1]).astype(float).max()
    assert off <= 3.0 * np.spacing(np.abs(velocity).max())


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
