"""The trial solution of a `PINN` in NumPy, with the size it has and the rounding errors in it."""

import numpy as np

from .network_bounds import (
    EXTENDED,
    EXTENDED_UNIT,
    UNIT,
    Weights,
    features,
    layer_bounds,
    rounding_errors,
    sum_error,
)

MOST_TIMES = 16_384  # at once: 8 MB for each extended array of 32 hidden units


def motion(order, s, length, start, network):
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
        return motion(self.order, s[..., None], length[..., None], start, n)

    def sizes(self, cells, ratio=1.0):
        """Bounds of |x̂|, |x̂'|, |x̂''|, each `(num, dimension)`, on an ellipse around each cell.

        Args:
            cells: `Cells`.
            ratio: ρ of the ellipse, which lies in a disc of (ρ + 1/ρ)/2 times the cell's half
                length; 1 is the cell itself.
        """
        radius = cells.half * 0.5 * (ratio + 1.0 / ratio)
        bounds = self._layer_bounds(cells, radius, is_complex=ratio > 1.0)
        network = self._readout(cells, bounds[-1].outputs())
        return self._motion(cells, radius, self.start_sizes, network)

    def errors(self, cells):
        """Rounding errors of `values`, each `(num, dimension)`."""
        return self._errors(cells, self.start_errors, EXTENDED_UNIT)

    def model_errors(self, cells):
        """Rounding errors of the model's position and velocity, each `(num, dimension)`."""
        return self._errors(cells, self.model_start_errors, UNIT)[:2]

    def _errors(self, cells, start_errors, unit):
        bounds = self._layer_bounds(cells, cells.half, every_path=unit == UNIT)
        network = self._readout(cells, bounds[-1].outputs())
        errors = self._readout(cells, rounding_errors(self.weights, bounds, unit), with_bias=False)
        per_sum = sum_error(self.kernel, unit)
        errors = [e + per_sum * n for e, n in zip(errors, network)]
        total = self._motion(cells, cells.half, self.start_sizes, network)
        moved = self._motion(cells, cells.half, start_errors, errors)
        return [e + 32.0 * unit * size for e, size in zip(moved, total)]

    def _layer_bounds(self, cells, radius, is_complex=False, every_path=False):
        length = self.lengths[cells.window]
        elapsed = cells.begin - self.edges[cells.window] + cells.half
        centre = 2.0 * elapsed / length - 1.0
        return layer_bounds(self.weights, centre, 2.0 * radius / length, is_complex, every_path)

    def _readout(self, cells, sizes, with_bias=True):
        kernel = self.kernel[cells.window]
        with np.errstate(invalid="ignore"):
            n = [np.einsum("kh,khd->kd", a, kernel) for a in sizes]
        if with_bias:
            n[0] = n[0] + self.bias[cells.window]
        return n

    def _motion(self, cells, radius, starts, network):
        length = self.lengths[cells.window][:, None]
        elapsed = (cells.begin - self.edges[cells.window] + cells.half + radius)[:, None]
        start = [y[cells.window] for y in starts]
        return motion(self.order, elapsed / length, length, start, network)

    def _window_starts(self, initial, unit):
        """[x_w, v_w] at the start of every window, each `(W, dimension)`, and their errors."""
        ends = np.ones(len(self.lengths), EXTENDED)
        kernel, bias = self.weights.kernel, self.weights.bias
        h, dh, _ = features(self.weights, ends)
        n, dn = np.einsum("wh,whd->wd", h, kernel) + bias, np.einsum("wh,whd->wd", dh, kernel)
        at_end = ends.astype(np.float64)
        bounds = layer_bounds(self.weights, at_end, np.zeros_like(at_end), every_path=unit == UNIT)
        per_sum = sum_error(kernel, unit)
        en, edn = (
            np.einsum("wh,whd->wd", e + per_sum * size, self.kernel) + per_sum * self.bias
            for e, size in zip(
                rounding_errors(self.weights, bounds, unit)[:2], bounds[-1].outputs()[:2]
            )
        )
        length = np.diff(self.edges.astype(EXTENDED))[:, None]
        if self.order == 1:
            x, ex = _sums_before(initial[0], n, en, unit)
            return [x], [ex]
        step = 2.0 * (n + dn) / length
        own = 8.0 * unit * (np.abs(n) + np.abs(dn)) / length
        v, ev = _sums_before(initial[1], step, 2.0 * (en + edn) / length + own, unit)
        own = 4.0 * unit * (np.abs(v) * length + np.abs(n))
        x, ex = _sums_before(initial[0], v * length + n, ev * length + en + own, unit)
        return [x, v], [ex, ev]


def check_trial(pinn):
    """Raise unless the size of the trial solution off the real line can be bounded."""
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


def _sums_before(first, steps, errors, unit):
    """first + what was added before each step, `(W, dimension)`, and the error of that sum."""
    num = np.arange(len(steps))[:, None]
    before = np.cumsum(steps, axis=0) - steps
    sizes = np.cumsum(np.abs(steps), axis=0) + np.abs(first)
    carried = np.cumsum(errors, axis=0) - errors
    error = carried * (1.0 + 1e-9) + (num + 3.0) * unit * sizes
    return first + before, error.astype(np.float64)
