"""Where the network's waves lie before training: its initial weights, by rule."""

import itertools

import keras
import numpy as np

from oscillator_zoo.data.checks import positive_integer

from .activations import sin

DEFAULT_UNITS = (32,)
LEARNED_UNITS = (10, 10)  # of a window whose weights are all learned
LEARNED_BANDWIDTH = 1.5  # S of its first layer
BANDWIDTH = 7.0  # S of the first layer where windows are by rule, in rad


def units_by_rule(hidden_units, learned):
    """Units of each hidden layer, a tuple of integers, from what the user gave."""
    units = (LEARNED_UNITS if learned else DEFAULT_UNITS) if hidden_units is None else hidden_units
    units = units if isinstance(units, tuple | list) else (units,)
    return tuple(positive_integer("hidden_units", n) for n in units)


def learned_weights(hidden_units, dimension, bandwidth, seed):
    """[U_1, b_1, …, A, c] of a network all of whose weights are learned.

    The first layer is drawn from U(−S, S), weights and biases, so that its units differ in where
    they bend; the others as Glorot and Bengio say.
    """
    seed = int(keras.random.randint((), 0, 2**31 - 1)) if seed is None else seed
    random = np.random.default_rng(seed)
    sizes, arrays = [1, *hidden_units, dimension], []
    for inputs, units in itertools.pairwise(sizes):
        limit = np.sqrt(6.0 / (inputs + units))
        arrays += [random.uniform(-limit, limit, (inputs, units)), np.zeros(units)]
    arrays[:2] = (random.uniform(-bandwidth, bandwidth, a.shape) for a in arrays[:2])
    return arrays


def bandwidth_by_rule(sketch, window_edges, by_rule):
    """S of a first layer: how many radians its fastest unit turns over half a window.

    A single window, which may be trained by gradients, gets 1.2 times half the angle that the
    motion turns in it: with less the network cannot follow and may obey the equation nearly
    everywhere on a wrong path, with more it learns to wiggle between the collocation points.
    Several windows are for least squares, which profits from waves that are not too alike: 5 rad
    more, so that windows by rule get about `BANDWIDTH`.

    Args:
        sketch: `Sketch` of the motion.
        window_edges: times at which windows begin and end, in s.
        by_rule: whether units and windows are those of the rule.
    """
    if by_rule:
        return BANDWIDTH
    angles = np.diff(np.interp(window_edges, sketch.times, sketch.angle))
    return max(1.2 * angles.max() / 2.0, 1.0) + (5.0 if len(angles) > 1 else 0.0)


def initializers(hidden_units, activation, bandwidth, num_readouts, seed):
    """Initial weights: pairs (kernel, bias) of the hidden layers, and the readout's.

    The first layer of sines is drawn from U(−S, S), weights and biases. A single layer of tanh
    gets steps at equal distances, some of them outside of −1 … 1, each a few distances wide. Other
    layers begin as Glorot and Bengio say.

    Args:
        hidden_units: units of each hidden layer.
        activation: f.
        bandwidth: S, in radians.
        num_readouts: windows of time, times nodes of a family.
        seed: integer, or None.

    Returns:
        List of pairs of initializers, then the readout's.
    """
    seeds = [None] * (len(hidden_units) + 2)
    if seed is not None:
        seeds = np.random.SeedSequence(seed).generate_state(len(seeds)).tolist()
    layers = [(keras.initializers.GlorotUniform(n), "zeros") for n in seeds[:-2]]
    if activation is sin:
        uniform, s = keras.initializers.RandomUniform, np.float64(bandwidth)  # not float32
        layers[0] = uniform(-s, s, seeds[0]), uniform(-s, s, seeds[-1])
    elif activation is keras.activations.tanh and len(hidden_units) == 1:
        layers[0] = _steps(hidden_units[0])
    readout = keras.initializers.GlorotUniform(seeds[-2]) if num_readouts == 1 else "zeros"
    return [*layers, readout]


def _steps(units):
    """tanh(k (τ − c_j)) with centres c_j at distances 1/(4 k), a quarter of them outside −1 … 1."""
    centres = np.linspace(-4.0 / 3.0, 4.0 / 3.0, units)
    slope = 0.25 * max(units - 1, 1) / (8.0 / 3.0)
    constant = keras.initializers.Constant
    return constant(slope), constant(-slope * centres)
