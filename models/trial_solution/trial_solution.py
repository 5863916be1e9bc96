"""The trial solution h1 + h2·N, window after window, and its derivatives in time."""

import keras
import numpy as np
from keras import ops

from ..base_model.blocks import block_after_block
from ..equation.equation_checks import checked_rhs
from ..equation.plain_forces import with_given_force
from .exact_sums import Pair, exact_multiples, exact_sums_before
from .initial_conditions import power_derivatives, takes_network
from .time_derivatives import time_derivatives
from .time_windows import find_place

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


class TrialSolution:
    """A solution x̂ that has exact initial conditions and is continuous from window to window.

        x̂(t) = h1(t) + h2(t) · N_w(τ),   τ = 2 (t − e_w)/L_w − 1,   e_w ≤ t ≤ e_w + L_w
        h1 = x_w + v_w (t − e_w),   h2 = ((t − e_w)/L_w)²      (order 1: h1 = x_w, power 1)

    The state (x_w, v_w) at the start of a window is that at the end of the one before, so that
    position and velocity are continuous whatever the weights are. An h2 of two arguments takes the
    place of h2 · N as the lecture writes it, h2(t, N).

    Args:
        problem: `InitialValueProblem`.
        domain: `TimeDomain`.
        network: `DenseNetwork`, N with a readout for each window.
        window_edges: e_0 = t0, …, e_W = t0 + T, in s.
        h1: function of t that replaces h1, or None.
        h2: function of t that replaces h2, or of t and N that replaces h2 · N, or None.
    """

    node_counts = None  # of a family
    num_stages = None  # windows that are trained one after another; None: all weights at once

    def __init__(self, problem, domain, network, window_edges, h1=None, h2=None):
        self.problem, self.domain, self.network = problem, domain, network
        self.window_edges, self.own_h1, self.own_h2 = window_edges, h1, h2
        self.h2_takes_network = takes_network(h2)
        self.compute_dtype = network.compute_dtype

    @property
    def num_windows(self):
        return len(self.window_edges) - 1

    def place(self, x):
        """`Place` of a batch: times, or {"t": times, …}."""
        return find_place(self.window_edges, self.domain.times(x), self.problem_for(x))

    def problem_for(self, x):
        """The equation for the rows of a batch."""
        return self.problem

    def value(self, place):
        """x̂ = h1 + h2·N, `(num, dimension)`, in m; `PINN.call` writes it out for the reader."""
        return self.h1(place) + self.h2(place, self.network(place.tau, place.readout))

    @block_after_block
    def residuals(self, x, y=None, sample_weight=None):
        """r = x̂'' − rhs (order 1: x̂' − rhs) at the times of a batch, `(num, dimension)`."""
        problem, x = with_given_force(self.problem_for(x), x)
        place = self.place(x)
        *state, rate = self.motion(place)[: problem.order + 1]
        return rate - checked_rhs(problem.rhs(place.t, *state, ops=ops), rate)

    def motions_of(self, sketch):
        """States of a stepper from which training may begin, `(1, time, order · dimension)`."""
        return sketch.states[None]

    def h1(self, place):
        """h1, `(num, dimension)`, in m; `(1, dimension)` where it is the same in all rows."""
        if self.own_h1 is not None:
            return self.own_h1(place.t)
        return self._carried_on(place, self._start_of(place))

    def _start_of(self, place):
        """[x_w, v_w] of each row's window (order 1: [x_w]), shapes as those of `h1`."""
        if place.window is None:
            return [ops.convert_to_tensor(y, place.t.dtype) for y in place.problem.initial_state()]
        return [tf.gather(y, place.window) for y in self.window_starts(place.problem)]

    def _carried_on(self, place, start):
        """x_w + v_w (t − e_w) (order 1: x_w)."""
        return start[0] + start[1] * place.elapsed if self.problem.order == 2 else start[0]

    def h2(self, place, n):
        """h2(t, N) of the network's output n, `(num, dimension)`, in m: h2(t) · n, or as given."""
        return self.own_h2(place.t, n) if self.h2_takes_network else self.h2_factor(place) * n

    def h2_factor(self, place):
        """h2(t), `(num, 1)` or `(num, dimension)`, that N is multiplied by."""
        if self.own_h2 is not None:
            return self.own_h2(place.t)
        s = place.elapsed / place.length
        return s * s if self.problem.order == 2 else s  # s**1 has no second derivative at 0

    def window_starts(self, problem):
        """[x_w, v_w] at the starts of all windows, each `(W, dimension)` (order 1: [x_w])."""
        first = [ops.convert_to_tensor(y, self.compute_dtype) for y in problem.initial_state()]
        return self.states_carried_on(first)

    def states_carried_on(self, first):
        """What a state becomes from window to window, one row for each readout of the network.

            v_{w+1} = v_w + 2 (N + N')/L_w,   x_{w+1} = x_w + v_w L_w + N      (order 1: x_w + N)

        with N and N' at the window's end, τ = 1. Rounding does not add up from window to window.

        Args:
            first: [x, v] at t0, tensors `(1, dimension)` or numbers (order 1: [x]).
        """
        by_window = (self.num_windows, -1, self.problem.dimension)
        n, dn = (
            Pair(*(ops.reshape(part, by_window) for part in pair)) for pair in self.network.ends()
        )
        if self.problem.order == 1:
            states = [exact_sums_before(first[0], n)]
        else:
            lengths = np.diff(np.array(self.window_edges, np.longdouble))[:, None, None]
            rates = exact_multiples(2.0 / lengths, Pair(n.head + dn.head, n.rest + dn.rest))
            velocity = exact_sums_before(first[1], rates)
            by_velocity = exact_multiples(lengths, velocity)
            gains = [by_velocity.head, n.head, by_velocity.rest + n.rest]
            states = [exact_sums_before(first[0], gains), velocity]
        return [ops.reshape(y.head + y.rest, (-1, self.problem.dimension)) for y in states]

    def motion(self, place, values=None):
        """[x̂, x̂', x̂''] by the product rule, with N's derivatives propagated through its layers.

        Args:
            place: `Place` of the times.
            values: [N, N', N''] there, where they are known.
        """
        if values is None:
            values = self.network.derivatives(place.tau, place.readout)
        return [a + b for a, b in zip(self.h1_derivatives(place), self.h2_motion(place, *values))]

    def h2_motion(self, place, n, dn, ddn):
        """[h2(t, N), its first and its second derivative in time], from [N, N', N''] in τ."""
        rate = 2.0 / place.length  # dτ/dt
        if self.h2_takes_network:
            here = ops.stop_gradient(place.t)  # a tensor of its own, which no tape moves

            def nearby(s):  # N(s) as far as two derivatives see it
                step = (s - here) * rate
                return self.own_h2(s, n + step * (dn + 0.5 * step * ddn))

            return time_derivatives(nearby, place.t, 2, self.problem.dimension)
        h2, dh2, ddh2 = self.h2_derivatives(place)
        first = dh2 * n + h2 * dn * rate
        return [h2 * n, first, ddh2 * n + 2.0 * dh2 * dn * rate + h2 * ddn * rate**2]

    def h1_derivatives(self, place):
        """[h1, h1', h1''] in m, m/s, m/s²."""
        if self.own_h1 is not None:
            return time_derivatives(self.own_h1, place.t, 2, self.problem.dimension)
        start = self._start_of(place)
        h1 = self._carried_on(place, start)
        none = ops.zeros_like(h1)
        return [h1, none if self.problem.order == 1 else none + start[1], none]

    def h2_derivatives(self, place):
        """[h2, h2', h2''] in 1, 1/s, 1/s²."""
        if self.own_h2 is None:
            return power_derivatives(self.problem.order, place.elapsed, place.length)
        width = self.own_h2(place.t[:1]).shape[-1]
        return time_derivatives(self.own_h2, place.t, 2, width)
