"""Where the network's waves lie before training: its initial weights, by rule."""

import keras
import numpy as np

from .activations import sin

DEFAULT_UNITS = (32,)
BANDWIDTH = 7.0  # S of the first layer where windows are by rule, in rad


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
