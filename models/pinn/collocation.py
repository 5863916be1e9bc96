"""Where the residual is made small: times of one solution, or times and parameters of a family."""

import numpy as np

from oscillator_zoo.data.checks import positive_integer

from ..equation.budget import POINTS
from ..families.parameter_nodes import low_discrepancy

# Of a window all of whose weights are learned. With 24 and with 56, `SelfScaledBroyden` ends at the
# same errors and residuals between the points (ω0 = 80, pendulum of 1 m), and Adam takes half the
# time for a step; with 14 the coupled pair ended at five times the error of 20.
LEARNED_POINTS = 24
NODE_POINTS = 44  # of a family's node in a window, 4 for 3 unknowns


class TimePoints:
    """Collocation times of one solution, window after window.

    Args:
        window_edges: e_0 = t0, …, e_W = t0 + T, in s.
        dtype: dtype of the arrays.
        by_rule: how many times each of several windows has, where nobody says.
    """

    num_judged = None  # points at which `evaluate` judges: those of training

    def __init__(self, window_edges, dtype, by_rule=POINTS):
        self.edges, self.dtype = np.asarray(window_edges), dtype
        self.num_windows, self.by_rule = len(self.edges) - 1, by_rule

    def arrays(self, num_points=None):
        """Times `(num_points, 1)`, in s.

        One window has equidistant times, both ends included; several have Chebyshev's points
        inside each, between the edges, where a force may jump.

        Args:
            num_points: number of times, at least; None: 256, or `by_rule` for each of several
                windows.
        """
        default = 256 if self.num_windows == 1 else self.by_rule * self.num_windows
        num_points = default if num_points is None else num_points
        num_points = positive_integer("num_points", num_points, at_least=2)
        num = -(-num_points // self.num_windows)
        inside = np.linspace(0.0, 1.0, num) if self.num_windows == 1 else chebyshev_inside(num)
        return self.in_windows(inside).reshape(-1, 1).astype(self.dtype)

    def finer(self):
        """Nearly twice as many times, between those of `arrays` too: what a fit is judged at."""
        return self.arrays(2 * len(self.arrays()) - 1)

    def in_windows(self, inside):
        """Times at the same places 0 … 1 inside each window, `(W, num)`, in s."""
        return self.edges[:-1, None] + np.diff(self.edges)[:, None] * inside


class FamilyPoints(TimePoints):
    """Collocation points of a family: times and parameters at its nodes, or all over its box.

    Args:
        window_edges: e_0 = t0, …, e_W = t0 + T, in s.
        box: `ParameterBox`.
        nodes: `ParameterNodes`.
        dtype: dtype of the arrays.
    """

    num_judged = 4096  # between the nodes

    def __init__(self, window_edges, box, nodes, dtype):
        super().__init__(window_edges, dtype)
        self.box, self.nodes = box, nodes

    def arrays(self, num_points=None):
        """Columns `(num, 1)` by name: those at the nodes, or a number of them in the box."""
        if num_points is None:
            return self._at_nodes()
        return self._in_box(positive_integer("num_points", num_points, at_least=2))

    def finer(self):
        """The points of `arrays`: what lies between nodes has a check of its own."""
        return self.arrays()

    def _at_nodes(self):
        """`NODE_POINTS` times in each window, and the parameters of every node."""
        num_nodes = self.nodes.num_nodes
        times = self.in_windows(chebyshev_inside(NODE_POINTS))
        shape = (self.num_windows, num_nodes, NODE_POINTS)
        values = {
            name: np.broadcast_to(v[:, None], shape)
            for name, v in self.box.values(self.nodes.points).items()
        }
        values["t"] = np.broadcast_to(times[:, None], shape)
        columns = {name: np.reshape(v, (-1, 1)).astype(self.dtype) for name, v in values.items()}
        node = np.broadcast_to(np.arange(num_nodes, dtype="int32")[:, None], shape)
        return {**columns, "node": node.reshape(-1, 1)}

    def _in_box(self, num_points):
        """Times and parameters spread evenly in t0 … t0 + T and the box."""
        points = low_discrepancy(num_points, 1 + len(self.box.names))
        begin, end = self.edges[[0, -1]]
        values = {
            "t": begin + (end - begin) * points[:, 0],
            **self.box.values(2.0 * points[:, 1:] - 1.0),
        }
        return {name: v[:, None].astype(self.dtype) for name, v in values.items()}


def chebyshev_inside(num):
    """Chebyshev's points between 0 and 1, `(num,)`, which lie closer near the ends."""
    return 0.5 - 0.5 * np.cos(np.pi * (np.arange(num) + 0.5) / num)
