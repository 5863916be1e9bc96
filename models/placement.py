"""Where the network's waves lie: windows of time and first layer, by rule from the problem."""

import keras
import numpy as np

from oscillator_zoo.data.checks import real_value

DEFAULT_UNITS = (48,)
RADIANS = 6.283185307179586  # of the fastest motion in one window
BANDWIDTH = 8.0  # S of the first layer
POINTS = 96  # collocation points in a window


def windows_by_rule(problem, duration):
    rate = 1.0
    num = int(np.ceil(rate * duration / RADIANS))
    start = problem.start_time
    edges = set(np.linspace(start, start + duration, num + 1).tolist())
    edges |= {t for t in problem.breakpoints if t < start + duration}
    return sorted(edges)


def check_window_edges(edges, problem, duration):
    """The edges as a tuple of floats; one window where none are given."""
    start = problem.start_time
    if edges is None:
        return (float(start), float(start + duration))
    edges = np.atleast_1d(real_value("window_edges", np.asarray(edges), "s"))
    ends = np.array([start, start + duration])
    if len(edges) < 2 or not np.allclose(edges[[0, -1]], ends) or not (np.diff(edges) > 0).all():
        raise ValueError(
            f"window_edges must increase from {ends[0]:g} s to {ends[1]:g} s. "
            f"Received: {edges.tolist()}. Leave it out to have windows by rule."
        )
    return tuple(edges.tolist())


def initializers(hidden_units, activation, scale, num_windows, seed):
    """Initial weights: pairs (kernel, bias) of the hidden layers, and the readout's."""
    seeds = [None] * (len(hidden_units) + 2)
    if seed is not None:
        seeds = np.random.SeedSequence(seed).generate_state(len(seeds)).tolist()
    uniform = keras.initializers.RandomUniform
    first = uniform(-scale, scale, seeds[0]), uniform(-scale, scale, seeds[-1])
    deeper = [(keras.initializers.GlorotUniform(s), "zeros") for s in seeds[1:-2]]
    readout = keras.initializers.GlorotUniform(seeds[-2]) if num_windows == 1 else "zeros"
    return [first, *deeper, readout]
