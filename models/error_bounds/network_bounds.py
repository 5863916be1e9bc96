"""How large a network and its derivatives can be around a point, and how far rounding moves them.

A dense network is analytic, so that its size off the real line says how well a polynomial follows
it on the line (`chebyshev_cells`). Bounds go through the layers as the derivatives do in
`DenseNetwork.features`, with absolute values in place of every term.
"""

from typing import NamedTuple

import numpy as np

from .activation_bounds import activation_bounds

EXTENDED = np.longdouble  # 64 bits or more of precision on most machines, at least float64
UNIT = 0.5 * float(np.finfo(np.float64).eps)  # u, the relative error of one operation, 2⁻⁵³
EXTENDED_UNIT = 0.5 * float(np.finfo(EXTENDED).eps)
ELEMENTARY = (12.0, 24.0, 64.0)  # f, f', f'' are right to so many u · max(1, |f|)


class Weights(NamedTuple):
    """The weights of a `DenseNetwork` as extended arrays: `layers` of pairs (U, b), A, c, f."""

    layers: list
    kernel: np.ndarray
    bias: np.ndarray
    activation: type

    @classmethod
    def of(cls, network):
        layers = [(_array(layer.kernel), _array(layer.bias)) for layer in network.hidden]
        readout = _array(network.readout.kernel), _array(network.readout.bias)
        return cls(layers, *readout, activation_bounds(network.activation))


class LayerBounds(NamedTuple):
    """Bounds in one layer: |h_{l−1}|, |z'|, |z''|, and |f|, |f'|, |f''|, |f'''| at z."""

    inputs: np.ndarray
    dz: np.ndarray
    ddz: np.ndarray
    activation: list

    def outputs(self):
        """Bounds of |h|, |h'|, |h''|."""
        f, df, ddf, _ = self.activation
        return f, df * self.dz, ddf * self.dz**2 + df * self.ddz


def features(weights, tau):
    """[h, h', h''] of the last hidden layer at extended times τ `(…)`, each `(…, H)`."""
    h = tau[..., None]
    dh, ddh = np.ones_like(h), np.zeros_like(h)
    for kernel, bias in weights.layers:
        f, df, ddf = weights.activation.derivatives(h @ kernel + bias)
        dz, ddz = dh @ kernel, ddh @ kernel
        h, dh, ddh = f, df * dz, ddf * dz**2 + df * ddz
    return [h, dh, ddh]


def layer_bounds(weights, centre, radius, is_complex=False, every_path=False):
    """`LayerBounds` of each hidden layer, where |τ − centre| ≤ radius.

        |z'| ≤ |z'(c)| + R sup|z''|,   |z − z(c)| ≤ R |z'(c)| + ½ R² sup|z''|

    or Σ|U| sup|h'| where that is smaller.

    Args:
        weights: `Weights`.
        centre: c, `(num,)`, between −1 and 1.
        radius: R, `(num,)`.
        is_complex: whether τ lies in a disc of the complex plane, or on the real line.
        every_path: bound Σ|U| |h'| even where terms cancel: the size of the terms that any order
            of evaluation, `GradientTape`'s included, has to add.

    Returns:
        List of `LayerBounds` of arrays `(num, units)`.
    """
    r = radius[:, None]
    h, dh = centre[:, None], np.ones((len(centre), 1))
    size, dsize, ddsize = np.abs(h) + r, np.ones_like(h), np.zeros_like(h)
    found = []
    with np.errstate(over="ignore", invalid="ignore"):
        for kernel, bias in weights.layers:
            kernel, bias = kernel.astype(np.float64), bias.astype(np.float64)
            z, dz = h @ kernel + bias, dh @ kernel
            ddz_bound = ddsize @ np.abs(kernel)
            dz_bound = dsize @ np.abs(kernel)
            at_centre = np.abs(dz) + 1e-12 * dz_bound  # dz is rounded
            distance = r * np.minimum(dz_bound, at_centre + 0.5 * r * ddz_bound)
            if not every_path:
                dz_bound = np.minimum(dz_bound, at_centre + r * ddz_bound)
            bounds = weights.activation.bounds(z, distance, is_complex)
            found.append(LayerBounds(size, dz_bound, ddz_bound, bounds))
            size, dsize, ddsize = found[-1].outputs()
            h, df, _ = weights.activation.derivatives(z)
            dh = df * dz
    return found


def rounding_errors(weights, bounds, unit):
    """How far rounding can move h, h', h'' of the last hidden layer, each `(num, H)`.

    A sum of n products is right to (n + 1) u Σ|terms|, in any order; an error δz of an argument
    moves f by |f'| δz. τ itself is right to 8 u. Products of two errors are below a hundredth.

    Args:
        weights: `Weights`.
        bounds: list from `layer_bounds` on the real line.
        unit: u of the numbers that are used.
    """
    e = 8.0 * unit * np.ones_like(bounds[0].inputs)
    de, dde = np.zeros_like(e), np.zeros_like(e)
    for (kernel, bias), layer in zip(weights.layers, bounds):
        kernel, bias = np.abs(kernel).astype(np.float64), np.abs(bias).astype(np.float64)
        per_sum = sum_error(kernel, unit)
        ez = e @ kernel + per_sum * (layer.inputs @ kernel + bias)
        edz = de @ kernel + per_sum * layer.dz
        eddz = dde @ kernel + per_sum * layer.ddz
        f, df, ddf, dddf = layer.activation
        own, down, ddown = (c * unit * np.maximum(1.0, f) for c in ELEMENTARY)
        ef, edf, eddf = df * ez + own, ddf * ez + down, dddf * ez + ddown
        _, dh, ddh = layer.outputs()
        e = ef
        de = edf * layer.dz + df * edz + 4.0 * unit * dh
        dde = (
            eddf * layer.dz**2
            + 2.0 * ddf * layer.dz * edz
            + edf * layer.ddz
            + df * eddz
            + 8.0 * unit * ddh
        )
    return [1.01 * one for one in (e, de, dde)]


def sum_error(kernel, unit):
    """(n + 8) u for the products with a matrix, forwards or backwards."""
    return (max(kernel.shape[-2:]) + 8.0) * unit


def _array(variable):
    return np.asarray(variable, np.float64).astype(EXTENDED)
