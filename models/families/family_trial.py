"""One trial solution for ranges of parameters: a family x̂(t; p)."""

from keras import ops

from ..trial_solution.dense_network import Mixture
from ..trial_solution.initial_conditions import initial_motion
from ..trial_solution.linearised_trial import LinearisedTrial
from ..trial_solution.time_windows import find_place


class FamilyTrial(LinearisedTrial):
    """A trial solution whose readout depends on the parameters p of the equation.

        x̂(t; p) = h1(t; p) + h2(t) · Σ_q ℓ_q(ξ) N_wq(τ),   N_wq = h(τ) A_wq + c_wq
        h1 = x0 + v0 (t − t0) + what position and velocity have gained when window w begins

    The nodes ξ_q are Chebyshev points in the box of parameters and ℓ_q the Lagrange polynomials
    between them, so that at a node the network is that of a single solution, and least squares
    solves node by node.

    Args:
        nodes: `ParameterNodes`.
        *args: those of `TrialSolution`, with a readout of N for each window and node.
    """

    has_hidden_weights = False  # least squares solves for the readouts of a family

    def __init__(self, nodes, *args):
        super().__init__(*args)
        self.nodes, self.box = nodes, self.domain.box

    @property
    def node_counts(self):
        """Numbers of nodes by name of the parameter."""
        return dict(zip(self.box.names, self.nodes.counts))

    def problem_for(self, x):
        return self.box.problem(self.problem, x)

    def place(self, x):
        """`Place` of a batch: at nodes with a node's readout, elsewhere with a mixture of them."""
        x = self.domain.rows(x)
        place = find_place(self.window_edges, x["t"], self.problem_for(x))
        window = place.window
        if "node" not in x:
            mixture = Mixture(window, self.nodes.weights(self.box.scaled(x)))
            return place._replace(readout=mixture)
        node = ops.reshape(x["node"], (-1,))
        readout = node if window is None else window * self.nodes.num_nodes + node
        return place._replace(readout=readout)

    def motions_of(self, sketch):
        """States of a stepper at every node, `(num_nodes, time, order · dimension)`."""
        return sketch.motions(self.nodes.points)

    def h1(self, place):
        return self._h1(place, self._gained(place))

    def _h1(self, place, gained):
        h1 = initial_motion(place.problem, place.t) + gained[0]
        return h1 + gained[1] * place.elapsed if self.problem.order == 2 else h1

    def h1_derivatives(self, place):
        gained = self._gained(place)
        h1 = self._h1(place, gained)
        none = ops.zeros_like(h1)
        if self.problem.order == 1:
            return [h1, none, none]
        velocity = ops.convert_to_tensor(place.problem.initial_state()[1], h1.dtype)
        return [h1, none + velocity + gained[1], none]

    def _gained(self, place):
        """Position and velocity gained until the window began, beside x0 + v0 (t − t0)."""
        gained = self.states_carried_on([0.0, 0.0])
        return [self.network.readout.chosen(g, place.readout) for g in gained]

    def linearise(self, x, y=None, sample_weight=None, readout_only=False, windows=None):
        """`Linearised` with an axis for the nodes after that for the windows, at node points."""
        if not readout_only:
            raise ValueError(
                "Least squares solves for the readouts of a family. Received "
                "variable_projection=False, which steps all weights. Leave it out."
            )
        if not isinstance(x, dict) or "node" not in x:
            raise ValueError(
                "Least squares for a family takes points at its nodes. Received others. "
                "Use collocation_points(), without a number."
            )
        linear = super().linearise(x, readout_only=True, windows=windows)
        num_nodes = self.nodes.num_nodes

        def split(rows):
            return ops.reshape(rows, (rows.shape[0], num_nodes, -1, *rows.shape[2:]))

        def repeated(matrices):
            return ops.repeat(matrices[:, None], num_nodes, axis=1)

        return linear._replace(
            residual=split(linear.residual),
            by_readout=split(linear.by_readout),
            by_nonlinear=split(linear.by_nonlinear),
            by_start=split(linear.by_start),
            end_by_start=repeated(linear.end_by_start),
            end_by_readout=repeated(linear.end_by_readout),
            end_by_nonlinear=repeated(linear.end_by_nonlinear),
            start_by_nonlinear=ops.repeat(linear.start_by_nonlinear[None], num_nodes, axis=0),
        )

    def checked_place(self, x, first, num_windows):
        return self.place(x)  # the points of all nodes, in order, are made by `FamilyPoints`

    def readout(self):
        return ops.reshape(super().readout(), (self.num_windows, self.nodes.num_nodes, -1))
