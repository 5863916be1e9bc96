"""The trial solution h1 + h2·N, window after window, and its derivatives."""

import numpy as np
from keras import ops

from .blocks import block_after_block
from .interval_model import IntervalModel
from .time_derivatives import time_derivatives
from .trial_solution import initial_motion, power_derivatives
from .windows import Place, find_place


class TrialModel(IntervalModel):
    """A model whose answer is a trial solution with exact initial conditions in every window.

        x̂(t) = h1(t) + h2(t) · N_w(τ),   τ = 2 (t − e_w)/L_w − 1,   e_w ≤ t ≤ e_w + L_w
        h1 = x_w + v_w (t − e_w),   h2 = ((t − e_w)/L_w)²      (order 1: h1 = x_w, power 1)

    The state (x_w, v_w) at the start of a window is that at the end of the one before, so that
    position and velocity are continuous whatever the weights are. Subclasses have the attributes
    `problem`, `unknowns` (`Unknowns` or None), `window_edges` (e_0 … e_W), `network`
    (`DenseNetwork`), `h1` and `h2`.
    """

    @block_after_block
    def call(self, t):
        """The trial solution x̂(t) = h1(t) + h2(t) N(τ)."""
        place = self.place(t)
        return self.h1_at(place) + self.h2_at(place) * self.network(place.inputs, place.window)

    def place(self, x):
        """`Place` of a batch: times, or {"t": times, …}."""
        t = self.column(x)
        window, elapsed, length = find_place(self.window_edges, t)
        tau = 2.0 * elapsed / length - 1.0
        return Place(t, window, elapsed, length, self.inputs(tau, x), self.problem_for(x))

    def inputs(self, tau, x):
        """[τ, ξ]: a single solution has no other inputs."""
        return tau

    def problem_for(self, x):
        """The equation for the rows of a batch, with the present values of what is unknown."""
        return self.problem if self.unknowns is None else self.unknowns.problem(self.problem)

    def h1_at(self, place):
        """h1, `(num, dimension)`, in m."""
        if self.h1 is not None:
            return self.h1(place.t)
        if place.window is None:
            return initial_motion(place.problem, place.t)
        states = ops.take(self.start_states(place.problem), place.window, axis=0)
        dimension = self.problem.dimension
        position, velocity = states[:, :dimension], states[:, dimension:]
        return position + velocity * place.elapsed if self.problem.order == 2 else position

    def h2_at(self, place):
        """h2, `(num, 1)` or `(num, dimension)`."""
        if self.h2 is not None:
            return self.h2(place.t)
        s = place.elapsed / place.length
        return s * s if self.problem.order == 2 else s  # s**1 has no second derivative at 0

    def start_states(self, problem):
        """States (x_w, v_w) at the starts of all windows, `(W, order · dimension)`."""
        lengths = ops.convert_to_tensor(np.diff(self.window_edges)[:, None], self.compute_dtype)
        first = ops.concatenate(
            [ops.convert_to_tensor(y, lengths.dtype) for y in problem.initial_state()], axis=-1
        )
        n, dn = (
            ops.einsum("h,whd->wd", h[0], self.network.readout.kernel)
            for h in self.network.features(ops.ones((1, 1), lengths.dtype))[:2]
        )
        n = n + self.network.readout.bias
        if self.problem.order == 1:  # x at the end: x_w + N
            return first + _sums_before(n)
        dimension = self.problem.dimension
        velocity = first[:, dimension:] + _sums_before(2.0 * (n + dn) / lengths)
        position = first[:, :dimension] + _sums_before(velocity * lengths + n)
        return ops.concatenate([position, velocity], axis=-1)

    def motion(self, place):
        """[x̂, x̂', x̂''] by the product rule, with N's derivatives propagated through its layers."""
        values = self.network.derivatives(place.inputs, place.window)
        return [a + b for a, b in zip(self.h1_derivatives(place), self.times_h2(place, values))]

    def times_h2(self, place, values):
        """[h2 N, (h2 N)', (h2 N)''] in time, for N and its derivatives with respect to τ."""
        n, dn, ddn = values
        h2, dh2, ddh2 = self.h2_derivatives(place)
        rate = 2.0 / place.length  # dτ/dt
        first = dh2 * n + h2 * dn * rate
        return [h2 * n, first, ddh2 * n + 2.0 * dh2 * dn * rate + h2 * ddn * rate**2]

    def h1_derivatives(self, place):
        """[h1, h1', h1''] in m, m/s, m/s²."""
        if self.h1 is not None:
            return time_derivatives(self.h1, place.t, 2, self.problem.dimension)
        h1 = self.h1_at(place)
        none = ops.zeros_like(h1)
        if self.problem.order == 1:
            return [h1, none, none]
        if place.window is None:
            velocity = ops.convert_to_tensor(place.problem.initial_state()[1], h1.dtype)
        else:
            states = ops.take(self.start_states(place.problem), place.window, axis=0)
            velocity = states[:, self.problem.dimension :]
        return [h1, none + velocity, none]

    def h2_derivatives(self, place):
        """[h2, h2', h2''] in 1, 1/s, 1/s²."""
        if self.h2 is None:
            return power_derivatives(self.problem.order, place.elapsed, place.length)
        width = self.h2(place.t[:1]).shape[-1]
        return time_derivatives(self.h2, place.t, 2, width)


def _sums_before(steps):
    """0, a_0, a_0 + a_1, …: what was added before each window."""
    return ops.cumsum(steps, axis=0) - steps
