"""The trial solution of a `PINN` in NumPy, with the size it has and the rounding errors in it."""

import functools

import numpy as np

from .chebyshev_cells import EXTENDED_NODES, LEBESGUE, NUM_NODES
from .network_bounds import (
    OFF_CENTRE,
    ROUNDINGS_AT_NODE,
    ROUNDINGS_OF_TAU,
    Weights,
    check_trial,
    features,
    layer_bounds,
    rounding_errors,
    sums_of_derivatives,
)
from .rounding import EXTENDED, EXTENDED_UNIT, TINIEST, UNIT, Rounded, gamma, sum_of_products
from .start_bounds import start_bounds

MOST_TIMES = 16_384  # at once: 8 MB for each extended array of 32 hidden units
MOST_CELLS = 4096  # at once: 1 MB for each of some hundred arrays of 32 hidden units
# Of every term of x̂, x̂', x̂'': s is right to 3 u, s² to 7, 2/L and its square to 2 and 5; the
# longest, 4 s (1/L) N' (2/L), has 3 + 2 + 2 and four products, and two sums: 14. By tapes each
# product is made anew on the way back: twice as many.
ROUNDINGS_OF_MOTION = 14.0
ROUNDINGS_BY_TAPE = 2.0 * ROUNDINGS_OF_MOTION
# Of the terms of x̂ alone: x_w goes through two sums; v_w (t − e_w) has a difference, a product and
# two sums; s² N has the 7 of s², a product and a sum.
ROUNDINGS_OF_START = 2.0
ROUNDINGS_OF_DRIFT = 4.0
ROUNDINGS_OF_NETWORK = 9.0
PIECES = 8  # of a cell, on each of which the sizes of waves are taken anew
RATIOS = (2.5, 6.0, 14.0)  # ρ of ellipses, of which the best is taken


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

    Exact means: the formula with the float64 weights and window edges of the model in exact
    arithmetic, where each window begins at the extended numbers `starts`. So it jumps, by `jumps`
    at most. Any order of evaluation in float64, as in the model, stays within `model_errors` of it;
    the extended numbers of `values` stay within `errors`.

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
        self.kernel, self.bias = self.weights.readout_sizes
        initial = [np.reshape(y, -1).astype(EXTENDED) for y in pinn.problem.initial_state()]
        starts = start_bounds(self.weights, self.order, self.edges, initial)
        self.starts, self.start_sizes = starts.values, starts.sizes
        self.start_jumps = starts.jumps
        self.model_start_errors = [a + b for a, b in zip(starts.model_errors, starts.errors)]

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
        h = features(self.weights.hidden_in(window), 2.0 * s - 1.0)
        n = [a @ self.weights.kernel[window] for a in h]
        n[0] = n[0] + self.weights.bias[window][:, None]
        start = [y[window][:, None] for y in self.starts]
        return motion_and_rounding(self.order, s[..., None], length[..., None], start, n)

    def jumps(self, cells):
        """How far [x̂, x̂'] may jump where cells begin, `(num, order · dimension)`."""
        is_first = np.diff(cells.window, prepend=-1) != 0
        jumps = np.concatenate(self.start_jumps, axis=-1)[cells.window]
        return np.where(is_first[:, None], jumps, 0.0)

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
        one = np.ones((len(cells.begin), 1))
        tau = Rounded(one, ROUNDINGS_AT_NODE * EXTENDED_UNIT * one)
        weights = self.weights.hidden_in(cells.window)
        of_network = rounding_errors(weights, layers, EXTENDED_UNIT, tau)
        n = self._read(cells, of_network, EXTENDED_UNIT)
        sizes = self._motion(cells, cells.half, self.start_sizes, [a.largest for a in n])
        exact = [0.0 * y for y in self.start_sizes]
        moved = self._motion(cells, cells.half, exact, [a.error for a in n])
        count = gamma(ROUNDINGS_OF_MOTION, EXTENDED_UNIT)
        return [e + count * (size + e) + TINIEST for e, size in zip(moved, sizes)]

    @cells_after_cells
    def model_errors(self, cells):
        """Rounding errors of the model's position and velocity, each `(num, dimension)`.

        On each of `PIECES` of a cell: what rounding does to N and N' at the τ that was computed,
        what the error of τ does to them, and the roundings of the sum.
        """
        largest = self._network_sizes(cells)
        centre, radius = self._in_tau(cells, cells.half)
        found = [
            self._model_errors(
                cells, centre + radius * middle, radius / PIECES + OFF_CENTRE, largest
            )
            for middle in (2.0 * np.arange(PIECES) + 1.0) / PIECES - 1.0
        ]
        return [np.maximum.reduce(errors) for errors in zip(*found)]

    def _model_errors(self, cells, centre, radius, largest):
        tau = (np.abs(centre) + radius)[:, None]
        weights = self.weights.hidden_in(cells.window)
        tau, is_deep = Rounded(tau, 0.0 * tau), len(weights.layers) > 1
        layers = layer_bounds(weights, centre, radius)
        h, dh, _ = rounding_errors(weights, layers, UNIT, tau, by_tape=not is_deep)
        if is_deep:  # derivatives go other ways
            layers = layer_bounds(weights, centre, radius, every_path=True)
            dh = rounding_errors(weights, layers, UNIT, tau, by_tape=True)[1]
        n, dn = self._read(cells, [h, dh], UNIT, largest, by_tape=True)
        length = self.lengths[cells.window][:, None]
        s, time = 0.5 * (1.0 + centre + radius)[:, None], ROUNDINGS_OF_TAU * UNIT
        moved = [n.error + time * largest[1], dn.error + time * largest[2], 0.0]
        off = [y[cells.window] for y in self.model_start_errors]
        x, v, _ = motion_and_rounding(self.order, s, length, off, moved)
        start = [y[cells.window] + error for y, error in zip(self.start_sizes, off)]
        sizes = [n.size + moved[0], dn.size + moved[1], 0.0]
        of_velocity = motion_and_rounding(self.order, s, length, start, sizes)[1]
        counts = (ROUNDINGS_OF_START, ROUNDINGS_OF_DRIFT)
        counted = [gamma(count, UNIT) * y for count, y in zip(counts, start)]
        sizes = [gamma(ROUNDINGS_OF_NETWORK, UNIT) * sizes[0], 0.0, 0.0]
        of_position = motion_and_rounding(self.order, s, length, counted, sizes)[0]
        of_velocity = gamma(ROUNDINGS_BY_TAPE, UNIT) * of_velocity
        return x + of_position + TINIEST, v + of_velocity + TINIEST

    def _network_sizes(self, cells):
        """Bounds of |N|, |N'|, |N''| on cells, each `(num, dimension)`.

        Λ times the largest value at the nodes, and what interpolation misses; Σ |A| |h| if smaller.
        """
        layers = self._layer_bounds(cells, cells.half)
        one = np.ones((len(cells.begin), 1))
        tau = Rounded(one, ROUNDINGS_AT_NODE * UNIT * one)
        weights = self.weights.hidden_in(cells.window)
        errors = self._read(cells, rounding_errors(weights, layers, UNIT, tau), UNIT)
        centre, radius = self._in_tau(cells, cells.half)
        nodes = centre[:, None] + radius[:, None] * EXTENDED_NODES.astype(np.float64)
        kernel = self.weights.kernel[cells.window].astype(np.float64)
        values = [np.einsum("knh,khd->knd", a, kernel) for a in features(weights.rounded, nodes)]
        values[0] = values[0] + self.weights.bias[cells.window].astype(np.float64)[:, None]
        missed = [np.inf] * 3
        with np.errstate(over="ignore", invalid="ignore"):  # of no use, then
            for ratio in RATIOS:
                layers = self._layer_bounds(cells, cells.radius(ratio), is_complex=True)
                largest = self._readout(cells, layers[-1].outputs())
                part = 4.0 * ratio ** (1 - NUM_NODES) / (ratio - 1.0)
                missed = [np.fmin(best, part * size) for best, size in zip(missed, largest)]
            found = [
                LEBESGUE * (np.abs(y).max(axis=1) + one.error) + rest
                for one, y, rest in zip(errors, values, missed)
            ]
        return [np.fmin(one.size, most) for one, most in zip(errors, found)]

    def _read(self, cells, of_network, unit, totals=(None, None, None), by_tape=False):
        """`Rounded` N, N', N'' from h, h', h'', in any order of their sums."""
        kernel, bias = self.kernel[cells.window], self.bias[cells.window]
        products = self.weights.products
        told = sums_of_derivatives(self.weights, by_tape)
        told["products"] = told.get("products", 1.0) + products - 1.0
        value, *derivatives = of_network
        n = [sum_of_products(value, kernel, unit, bias, products, total=totals[0])]
        return n + [
            sum_of_products(h, kernel, unit, total=total, **told)
            for h, total in zip(derivatives, totals[1:])
        ]

    def _layer_bounds(self, cells, radius, is_complex=False, every_path=False):
        weights = self.weights.hidden_in(cells.window)
        return layer_bounds(weights, *self._in_tau(cells, radius), is_complex, every_path)

    def _in_tau(self, cells, radius):
        """The middles of cells, right to `OFF_CENTRE`, and a radius, in τ, each `(num,)`."""
        length = self.lengths[cells.window]
        elapsed = cells.begin - self.edges[cells.window] + cells.half
        return 2.0 * elapsed / length - 1.0, 2.0 * radius / length

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
