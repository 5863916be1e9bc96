"""How large a network and its derivatives can be around a point, and how far rounding moves them.

A dense network is analytic, so that its size off the real line says how well a polynomial follows
it on the line (`chebyshev_cells`). Bounds go through the layers as the derivatives do in
`DenseNetwork.features`, with absolute values in place of every term.
"""

from typing import NamedTuple

import keras
import numpy as np

from ..trial_solution.dense_network import DenseNetwork, Readout
from ..trial_solution.learned_trial import LearnedTrial
from ..trial_solution.linearised_trial import LinearisedTrial
from ..trial_solution.window_networks import WindowNetworks
from .activation_bounds import activation_bounds
from .rounding import (
    EXTENDED,
    UNIT,
    Rounded,
    function_value,
    product,
    sum_of_products,
    times_kernel,
    total,
)

# τ = 2 s − 1, s = elapsed/length in 0 … 1: the two differences and the quotient round s, together
# 3 u, and the last difference rounds τ: 2 · 3 u + u, and second order.
ROUNDINGS_OF_TAU = 8.0
# At a node of a cell, elapsed = (begin − edge) + half (1 + node) has six roundings more: 2 · 6.
ROUNDINGS_AT_NODE = ROUNDINGS_OF_TAU + 12.0
# The middle of a cell, from which discs are drawn, is rounded as τ is: they are larger by this.
OFF_CENTRE = 2.0 * ROUNDINGS_OF_TAU * UNIT


class Weights(NamedTuple):
    """The weights of a network N as extended arrays.

    | field        | content                                                                   |
    |--------------|---------------------------------------------------------------------------|
    | `layers`     | pairs (U, b), `(n, m)` and `(m,)`; `(W, n, m)`, `(W, m)`: of each window |
    | `kernel`     | A, `(W, H, dimension)`                                                    |
    | `bias`       | c, `(W, dimension)`                                                       |
    | `activation` | bounds of f                                                               |
    | `products`   | roundings of h A: one, and another where N = X (h A + c)                  |
    """

    layers: list
    kernel: np.ndarray
    bias: np.ndarray
    activation: type
    products: float = 1.0

    @classmethod
    def of(cls, network):
        """Those of a `DenseNetwork` or of `WindowNetworks`, there with X A and X c for A and c."""
        activation = activation_bounds(network.activation)
        if isinstance(network, WindowNetworks):
            arrays, size = [_array(a) for a in network.arrays], _array(network.size)
            *layers, (kernel, bias) = network.layers_of(arrays)
            return cls(layers, size * kernel, size * bias, activation, products=2.0)
        layers = [(_array(layer.kernel), _array(layer.bias)) for layer in network.hidden]
        readout = _array(network.readout.kernel), _array(network.readout.bias)
        return cls(layers, *readout, activation)

    @property
    def readout_sizes(self):
        """Pair (|A|, |c|), float64."""
        return tuple(np.abs(a).astype(np.float64) for a in (self.kernel, self.bias))

    @property
    def are_shared(self):
        """Whether all windows have the same hidden layers."""
        return self.layers[0][0].ndim == 2

    def hidden_in(self, window):
        """The same with a hidden layer for each row, that of its window `(num,)`."""
        if self.are_shared:
            return self
        return self._replace(layers=[(u[window], b[window]) for u, b in self.layers])

    @property
    def rounded(self):
        """Hidden layers in float64, as the model has them."""
        layers = [tuple(a.astype(np.float64) for a in layer) for layer in self.layers]
        return self._replace(layers=layers)

    @property
    def sizes(self):
        """Pairs (|U|, |b|) of the hidden layers, float64."""
        return [tuple(np.abs(a).astype(np.float64) for a in layer) for layer in self.layers]


class LayerBounds(NamedTuple):
    """One layer on discs around c, arrays `(num, units)`.

    | field      | content                                            |
    |------------|----------------------------------------------------|
    | `z`        | z(c) as computed                                   |
    | `distance` | |z − z(c)| at most, that computation included      |
    | `dz`       | |z'| at most                                       |
    | `ddz`      | |z''| at most                                      |
    | `slopes`   | bounds of |f|, |f'|, |f''|, |f'''|                 |
    """

    z: np.ndarray
    distance: np.ndarray
    dz: np.ndarray
    ddz: np.ndarray
    slopes: list

    def outputs(self):
        """Bounds of |h|, |h'|, |h''|."""
        f, df, ddf, _ = self.slopes
        return f, df * self.dz, ddf * self.dz**2 + df * self.ddz


def features(weights, tau, moved=0.0):
    """[h, h', h''] of the last hidden layer at extended times τ `(…)`, each `(…, H)`.

    Times are `(num, n)` where each row has layers of its own. `moved`, `(H,)`, is added to z of the
    first layer.
    """
    h = tau[..., None]
    dh, ddh = np.ones_like(h), np.zeros_like(h)
    for place, (kernel, bias) in enumerate(weights.layers):
        z = h @ kernel + (bias if weights.are_shared else bias[:, None])
        f, df, ddf = weights.activation.derivatives(z if place else z + moved)
        dz, ddz = dh @ kernel, ddh @ kernel
        h, dh, ddh = f, df * dz, ddf * dz**2 + df * ddz
    return [h, dh, ddh]


def layer_bounds(weights, centre, radius, is_complex=False, every_path=False):
    """`LayerBounds` of each hidden layer, where |τ − centre| ≤ radius.

        |z'| ≤ |z'(c)| + R sup|z''|,   |z − z(c)| ≤ R |z'(c)| + ½ R² sup|z''|

    or Σ|U| sup|h'| where that is smaller. z(c) and z'(c) are computed in float64, and the lemmas
    of `rounding` say how far they are off.

    Args:
        weights: `Weights`.
        centre: c, `(num,)`, between −1 and 1.
        radius: R, `(num,)`.
        is_complex: whether τ lies in a disc of the complex plane, or on the real line.
        every_path: bound Σ|U| |h'| even where terms cancel: the size of the terms that any order
            of evaluation, `GradientTape`'s included, has to add.
    """
    r = radius[:, None] + OFF_CENTRE
    h, dh = centre[:, None], np.ones((len(centre), 1))
    exact = np.zeros_like(h)
    h_size, dh_size = Rounded(np.abs(h), exact), Rounded(dh, exact)
    dsize, ddsize = np.ones_like(h), np.zeros_like(h)
    found = []
    for (kernel, bias), (kernel_size, bias_size) in zip(weights.rounded.layers, weights.sizes):
        z, dz = times_kernel(h, kernel) + bias, times_kernel(dh, kernel)
        moved = sum_of_products(h_size, kernel_size, UNIT, bias_size).error
        dz_error = sum_of_products(dh_size, kernel_size, UNIT).error
        dz_bound, ddz_bound = (times_kernel(a, kernel_size) for a in (dsize, ddsize))
        at_centre = np.abs(dz) + dz_error
        distance = moved + r * np.fmin(dz_bound, at_centre + 0.5 * r * ddz_bound)
        if not every_path:
            dz_bound = np.fmin(dz_bound, at_centre + r * ddz_bound)
        slopes = weights.activation.bounds(z, distance, is_complex)
        found.append(LayerBounds(z, distance, dz_bound, ddz_bound, slopes))
        _, dsize, ddsize = found[-1].outputs()
        f, df, _ = _function_values(weights.activation, z, moved, moved, UNIT)
        h, slope, _ = weights.activation.derivatives(z)
        h_size = Rounded(np.abs(h), f.error)  # these are the computed ones: no matter
        dh = slope * dz
        dh_size = product(df, Rounded(np.abs(dz), dz_error), UNIT).at_most(np.abs(dh))
    return found


def rounding_errors(weights, layers, unit, tau, products=1.0, additions=None, by_tape=False):
    """`Rounded` of h, h', h'' of the last hidden layer, each `(num, H)`.

    Args:
        weights: `Weights`.
        layers: list from `layer_bounds` on the real line, with every path for derivatives by tape.
        unit: u of the numbers that are used.
        tau: `Rounded` of τ, `(num, 1)`.
        products: roundings of τ U: one, or none where τ is 1.
        additions: of τ U + b, where it is not one.
        by_tape: whether h' and h'' may have been computed backwards through the layers.
    """
    one = np.ones((len(layers[0].z), 1))
    h, dh, ddh = tau, Rounded(one, 0.0 * one), Rounded(0.0 * one, 0.0 * one)
    of_derivatives = sums_of_derivatives(weights, by_tape)
    for place, ((kernel, bias), layer) in enumerate(zip(weights.sizes, layers)):
        z = np.abs(layer.z) + layer.distance
        moved = sum_of_products(h, kernel, unit, bias, products, additions, total=z).error
        if place == 0:  # z' = U is no sum
            row = kernel[..., 0, :]
            dz = Rounded(row, of_derivatives.get("products", 0.0) * unit * row)
            ddz = Rounded(0.0 * row, 0.0 * row)
        else:
            dz = sum_of_products(dh, kernel, unit, total=layer.dz, **of_derivatives)
            ddz = sum_of_products(ddh, kernel, unit, total=layer.ddz, **of_derivatives)
        distance = layer.distance + moved
        f, df, ddf = _function_values(weights.activation, layer.z, distance, moved, unit)
        h, dh, products, additions = f, product(df, dz, unit), 1.0, None
        ddh = total(product(ddf, product(dz, dz, unit), unit), product(df, ddz, unit), unit)
    return [h, dh, ddh]


def _function_values(activation, z, distance, moved, unit):
    """`Rounded` of f, f', f'' within a distance of z, whose argument is off by `moved`."""
    slopes = activation.bounds(z, distance, False)
    own = unit * np.maximum(1.0, slopes[0])
    return [
        function_value(slopes[k], slopes[k + 1], moved, activation.roundings[k] * own)
        for k in range(3)
    ]


def sums_of_derivatives(weights, by_tape):
    """What `sum_of_products` is told of N' beyond its terms, a dictionary.

    Backwards U is summed along its other axis too, where it has one. With one hidden layer the
    terms A f'(z) U of N' are the same in both directions.
    """
    if not by_tape:
        return {}
    shapes = [kernel.shape[-2:] for kernel, _ in (*weights.layers, (weights.kernel, None))]
    additions = {} if len(weights.layers) == 1 else {"additions": float(max(map(max, shapes)))}
    return {"products": 1.0 + TAPE, **additions}


# Methods that give a model's numbers away; the files of `export` have those of `endpoints`.
ANSWERS = (
    "__call__",
    "call",
    "derivatives",
    "predict",
    "predict_step",
    "predict_on_batch",
    "endpoints",
)
TAPE = 4.0  # products with f', with an upstream gradient of ones, and a sum with zeros


def _array(variable):
    return np.asarray(variable, np.float64).astype(EXTENDED)


def check_trial(pinn):
    """Raise unless the model computes the trial solution whose size and rounding are known."""
    advice = "Use error_estimate(t), which needs only its values."
    if pinn.h1 is not None or pinn.h2 is not None:
        raise ValueError(
            "error_bound needs the trial solution x0 + v0 t + (t/T)² N. Received: a PINN with h1 "
            f"or h2 of its own, whose size off the real line is not known. {advice}"
        )
    if pinn.compute_dtype != "float64":
        raise ValueError(
            f"error_bound needs a float64 model. Received: {pinn.compute_dtype}, in which "
            'rounding is as large as the error. Make the PINN with dtype="float64".'
        )
    other = _other_part(pinn)
    if other:
        raise ValueError(
            "error_bound needs the model that PINN makes: its own call, and dense layers of "
            f"float64, neither quantized nor replaced. Received: {other}. {advice}"
        )
    for weight in pinn.network.weights:
        if not np.isfinite(np.asarray(weight)).all():
            raise ValueError(
                "error_bound needs weights that are finite numbers. Received: NaN or infinity in "
                f"{weight.path}, as after a training step that was too large. Train anew, with a "
                "smaller learning rate; error_estimate(t) has no digits either."
            )


def _other_part(pinn):
    """A part of the model that is not as `PINN` makes it, in words; None if there is none."""
    network = pinn.network
    for name in ANSWERS:
        method = getattr(type(pinn), name)
        if name in vars(pinn) or not method.__module__.startswith(("oscillator_zoo.", "keras.")):
            return f"a {type(pinn).__name__} with a {name} of its own"
    for part, kind in _parts(pinn):
        if type(part) is not kind:
            return f"a {type(part).__name__} in place of a {kind.__name__}"
        hidden = vars(part).keys() & _methods(kind)
        if hidden:
            return f"a {kind.__name__} with a method of its own, {min(hidden)}"
        if getattr(part, "compute_dtype", "float64") != "float64":
            return f"a {kind.__name__} of {part.compute_dtype}"
        if getattr(part, "quantization_mode", None) or getattr(part, "lora_enabled", False):
            return f"a {kind.__name__} that is quantized or has LoRA weights"
    if not pinn.learned and any(a.activation is not network.activation for a in network.hidden):
        return "layers with activations of their own"
    return None


def _parts(pinn):
    """Pairs of a part and the class that it has where `PINN` makes it, until one differs."""
    if pinn.learned:
        yield pinn.trial, LearnedTrial
        yield pinn.network, WindowNetworks
        return
    yield pinn.trial, LinearisedTrial
    yield pinn.network, DenseNetwork
    for layer in pinn.network.hidden:
        yield layer, keras.layers.Dense
    yield pinn.network.readout, Readout


def _methods(kind):
    """Names of the methods of this project in a class, and `call`: what makes its numbers."""
    own = [one for one in kind.__mro__ if one.__module__.startswith("oscillator_zoo.")]
    functions = {name for one in own for name, value in vars(one).items() if callable(value)}
    return (functions | {"call"}) - {"build"}  # which Keras puts beside each layer itself
