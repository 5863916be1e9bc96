"""The trial solution of a `PINN` in NumPy, with the size it has and the rounding errors in it."""

import functools

import keras
import numpy as np

from ..trial_solution.dense_network import DenseNetwork, Readout
from ..trial_solution.linearised_trial import LinearisedTrial
from .network_bounds import (
    ROUNDINGS_AT_NODE,
    Weights,
    count_of_tape,
    features,
    layer_bounds,
    rounding_errors,
)
from .rounding import EXTENDED, EXTENDED_UNIT, TINIEST, UNIT, Rounded, gamma, sum_of_products

MOST_TIMES = 16_384  # at once: 8 MB for each extended array of 32 hidden units
MOST_CELLS = 4096  # at once: 1 MB for each of some hundred arrays of 32 hidden units
# Of every term of x̂, x̂', x̂'': s is right to 3 u, s² to 7, 2/L and its square to 2 and 5; the
# longest, 4 s (1/L) N' (2/L), has 3 + 2 + 2 and four products, and two sums: 14. By tapes each
# product is made anew on the way back: twice as many.
ROUNDINGS_OF_MOTION = 28.0


def motion_and_rounding(order, s, length, start, network):
    """[x̂, x̂', x̂''] from N, N', N'' with respect to τ = 2s − 1, s the time in units of L.

        order 2: x̂ = x_w + v_w s L + s² N,   order 1: x̂ = x_w + s N

    There are only plus signs, so that bounds of the parts give bounds of the whole.

    Args:
        order: of the equation, 1 or 2.
        s: in 0 … 1.
        length: L, in s.
        start: [x_w, v_w], order 1: [x_w].
        network: [N, N', N''].
    """
    n, dn, ddn = network
    rate = 2.0 / length  # dτ/dt
    dn, ddn, ds = dn * rate, ddn * rate**2, 1.0 / length
    if order == 1:
        return [start[0] + s * n, ds * n + s * dn, 2.0 * ds * dn + s * ddn]
    position, velocity = start
    return [
        position + velocity * (s * length) + s**2 * n,
        velocity + 2.0 * s * ds * n + s**2 * dn,
        2.0 * ds**2 * n + 4.0 * s * ds * dn + s**2 * ddn,
    ]


def cells_after_cells(method):
    """A method whose arrays have a row for each of `Cells`, which takes `MOST_CELLS` at a time."""

    @functools.wraps(method)
    def in_blocks(self, cells, *args):
        starts = range(0, len(cells.begin), MOST_CELLS)
        blocks = (cells.select(slice(i, i + MOST_CELLS)) for i in starts)
        return [np.concatenate(parts) for parts in zip(*(method(self, b, *args) for b in blocks))]

    return in_blocks


class TrialBounds:
    """Values, sizes and rounding errors of x̂, x̂', x̂'' on `Cells`.

    Exact means: the formula with the float64 weights, window edges and initial values of the
    model in exact arithmetic. Any order of evaluation in float64, as in the model, stays within
    `model_errors` of it; the extended numbers of `values` stay within `errors`.

    Args:
        pinn: `PINN` in float64, without h1 and h2 of its own.

    Raises:
        ValueError: for any other.
    """

    def __init__(self, pinn):
        check_trial(pinn)
        self.order, self.dimension = pinn.problem.order, pinn.problem.dimension
        self.edges = np.asarray(pinn.window_edges, np.float64)
        self.lengths = np.diff(self.edges)
        self.weights = Weights.of(pinn.network)
        self.kernel = np.abs(self.weights.kernel).astype(np.float64)
        self.bias = np.abs(self.weights.bias).astype(np.float64)
        initial = [np.reshape(y, -1).astype(EXTENDED) for y in pinn.problem.initial_state()]
        self.starts, self.start_errors = self._window_starts(initial, EXTENDED_UNIT)
        self.model_start_errors = self._window_starts(initial, UNIT)[1]
        self.start_sizes = [np.abs(y).astype(np.float64) for y in self.starts]

    def values(self, cells):
        """[x̂, x̂', x̂''] at the nodes, extended, each `(num, n, dimension)`."""
        elapsed = cells.begin - self.edges.astype(EXTENDED)[cells.window]
        return self.motion_in(cells.window, elapsed[:, None] + cells.node_distances)

    def at(self, t):
        """[x̂, x̂', x̂''] at float64 times `(num,)`, extended, each `(num, dimension)`."""
        window = np.searchsorted(self.edges[1:-1], t, side="right")
        elapsed = t - self.edges.astype(EXTENDED)[window]
        return [y[:, 0] for y in self.motion_in(window, elapsed[:, None])]

    def motion_in(self, window, elapsed):
        """[x̂, x̂', x̂''] at times `(num, n)` since the beginning of windows `(num,)`."""
        if elapsed.size <= MOST_TIMES:
            return self._motion_in(window, elapsed)
        pieces = -(-elapsed.size // MOST_TIMES)  # at once they would take gigabytes
        parts = zip(np.array_split(window, pieces), np.array_split(elapsed, pieces))
        return [np.concatenate(y) for y in zip(*(self._motion_in(*part) for part in parts))]

    def _motion_in(self, window, elapsed):
        length = np.diff(self.edges.astype(EXTENDED))[window][:, None]
        s = elapsed / length
        h = features(self.weights, 2.0 * s - 1.0)
        n = [a @ self.weights.kernel[window] for a in h]
        n[0] = n[0] + self.weights.bias[window][:, None]
        start = [y[window][:, None] for y in self.starts]
        return motion_and_rounding(self.order, s[..., None], length[..., None], start, n)

    @cells_after_cells
    def sizes(self, cells, ratio=1.0):
        """Bounds of |x̂|, |x̂'|, |x̂''|, each `(num, dimension)`, on an ellipse around each cell.

        Args:
            cells: `Cells`.
            ratio: ρ of the ellipse; 1 is the cell itself.
        """
        radius = cells.radius(ratio)
        bounds = self._layer_bounds(cells, radius, is_complex=ratio > 1.0)
        network = self._readout(cells, bounds[-1].outputs())
        return self._motion(cells, radius, self.start_sizes, network)

    @cells_after_cells
    def errors(self, cells):
        """Rounding errors of `values`, each `(num, dimension)`."""
        layers = self._layer_bounds(cells, cells.half)
        of_network = rounding_errors(
            self.weights, layers, EXTENDED_UNIT, tau_roundings=ROUNDINGS_AT_NODE
        )
        return self._errors(cells, of_network, EXTENDED_UNIT, self.start_errors)

    @cells_after_cells
    def model_errors(self, cells):
        """Rounding errors of the model's position and velocity, each `(num, dimension)`."""
        layers = self._layer_bounds(cells, cells.half)
        forwards = rounding_errors(self.weights, layers, UNIT)
        position = self._errors(cells, forwards, UNIT, self.model_start_errors)[0]
        layers = self._layer_bounds(cells, cells.half, every_path=True)
        count = count_of_tape(self.weights)
        by_tape = rounding_errors(self.weights, layers, UNIT, count)
        velocity = self._errors(cells, by_tape, UNIT, self.model_start_errors, count)[1]
        return position, velocity

    def _errors(self, cells, of_network, unit, start_errors, count=None):
        """Errors of x̂, x̂', x̂'' for `Rounded` h, h', h'', in any order of their sums."""
        kernel, bias = self.kernel[cells.window], self.bias[cells.window]
        n = [sum_of_products(h, kernel, unit, count=count) for h in of_network]
        n[0] = sum_of_products(of_network[0], kernel, unit, bias, count)
        sizes = self._motion(cells, cells.half, self.start_sizes, [a.largest for a in n])
        moved = self._motion(cells, cells.half, start_errors, [a.error for a in n])
        count = gamma(ROUNDINGS_OF_MOTION, unit)
        return [e + count * (size + e) + TINIEST for e, size in zip(moved, sizes)]

    def _layer_bounds(self, cells, radius, is_complex=False, every_path=False):
        length = self.lengths[cells.window]
        elapsed = cells.begin - self.edges[cells.window] + cells.half
        centre = 2.0 * elapsed / length - 1.0  # right to `OFF_CENTRE`
        return layer_bounds(self.weights, centre, 2.0 * radius / length, is_complex, every_path)

    def _readout(self, cells, sizes, with_bias=True):
        kernel = self.kernel[cells.window]
        n = [np.einsum("kh,khd->kd", a, kernel) for a in sizes]
        if with_bias:
            n[0] = n[0] + self.bias[cells.window]
        return n

    def _motion(self, cells, radius, starts, network):
        length = self.lengths[cells.window][:, None]
        elapsed = (cells.begin - self.edges[cells.window] + cells.half + radius)[:, None]
        start = [y[cells.window] for y in starts]
        return motion_and_rounding(self.order, elapsed / length, length, start, network)

    def _window_starts(self, initial, unit):
        """[x_w, v_w] at the start of every window, each `(W, dimension)`, and their errors.

        v_{w+1} = v_w + 2 (N + N')/L,   x_{w+1} = x_w + v_w L + N      at τ = 1
        """
        ends = np.ones(len(self.lengths), EXTENDED)
        kernel, bias = self.weights.kernel, self.weights.bias
        h, dh, _ = features(self.weights, ends)
        n, dn = np.einsum("wh,whd->wd", h, kernel) + bias, np.einsum("wh,whd->wd", dh, kernel)
        at_end = ends.astype(np.float64)
        layers = layer_bounds(self.weights, at_end, np.zeros_like(at_end))
        h, dh, _ = rounding_errors(self.weights, layers, unit, tau_roundings=0.0)  # τ is 1
        en = sum_of_products(h, self.kernel, unit, self.bias).error
        edn = sum_of_products(dh, self.kernel, unit).error
        length = np.diff(self.edges.astype(EXTENDED))[:, None]
        if self.order == 1:
            x, ex = _sums_before(initial[0], n, en, unit)
            return [x], [ex]
        rate = Rounded(np.abs(n + dn), en + edn)
        step, rounded = 2.0 * (n + dn) / length, gamma(ROUNDINGS_OF_STEP, unit) * rate.largest
        v, ev = _sums_before(initial[1], step, 2.0 * (rate.error + rounded) / length, unit)
        gain = v * length
        rounded = gamma(ROUNDINGS_OF_STEP, unit) * (np.abs(gain) + np.abs(n) + ev * length + en)
        x, ex = _sums_before(initial[0], gain + n, ev * length + en + rounded, unit)
        return [x, v], [ex, ev]


ROUNDINGS_OF_STEP = 4.0  # a length, a quotient or product, a sum; and one to spare


def check_trial(pinn):
    """Raise unless the model computes the trial solution whose size and rounding are known."""
    advice = "Use error_estimate(t), which needs only its values."
    if pinn.h1 is not None or pinn.h2 is not None:
        raise ValueError(
            "error_bound needs the trial solution x0 + v0 t + (t/T)² N. Received: a PINN with h1 "
            f"or h2 of its own, whose size off the real line is not known. {advice}"
        )
    if pinn.learned:
        raise ValueError(
            "error_bound needs hidden layers that all windows share. Received: a PINN with "
            f"learned=True, where each has its own. {advice}"
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


def _other_part(pinn):
    """A part of the model that is not as `PINN` makes it, in words; None if there is none."""
    network = pinn.network
    for name in ("__call__", "call", "derivatives"):
        method = getattr(type(pinn), name)
        if name in vars(pinn) or not method.__module__.startswith("oscillator_zoo."):
            return f"a {type(pinn).__name__} with a {name} of its own"
    for part, kind in (
        (pinn.trial, LinearisedTrial),
        (network, DenseNetwork),
        *((layer, keras.layers.Dense) for layer in network.hidden),
        (network.readout, Readout),
    ):
        if type(part) is not kind:
            return f"a {type(part).__name__} in place of a {kind.__name__}"
        if vars(part).keys() & {"call", "derivatives", "features", "product", "motion"}:
            return f"a {kind.__name__} with a method of its own"
        if getattr(part, "compute_dtype", "float64") != "float64":
            return f"a {kind.__name__} of {part.compute_dtype}"
        if getattr(part, "quantization_mode", None) or getattr(part, "lora_enabled", False):
            return f"a {kind.__name__} that is quantized or has LoRA weights"
    if any(layer.activation is not network.activation for layer in network.hidden):
        return "layers with activations of their own"
    return None


def _sums_before(first, steps, errors, unit):
    """first + what was added before each step, `(W, dimension)`, and the error of that sum.

    Neighbours are added, in any bracketing, and the step itself is taken away again: w + 2
    additions, whose results are sums of consecutive steps, no larger than the range of the sums
    from the first step on; then `first` is added.
    """
    none = np.zeros_like(steps[:1])
    sums = np.concatenate([none, np.cumsum(steps, axis=0)])
    carried = (np.cumsum(errors, axis=0) - errors).astype(np.float64)
    span = np.maximum.accumulate(sums, axis=0) - np.minimum.accumulate(sums, axis=0)
    num = np.arange(len(steps))[:, None] + 3.0
    largest = (span[1:] + np.abs(first) + carried + errors).astype(np.float64)
    error = carried + num * unit / (1.0 - num * unit) * largest + num * TINIEST
    return first + sums[:-1], error
