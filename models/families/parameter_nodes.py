"""Where in a box of parameters a family is solved, and how it is interpolated between."""

import functools
import itertools

import numpy as np
from keras import ops
from numpy.polynomial import chebyshev

from oscillator_zoo.data.checks import positive_integer

from ..export.portable_graphs import is_portable

MOST_NODES = 97  # along one parameter
SMALL = 1e-9  # Chebyshev coefficients that are left out, relative to the largest motion


class ParameterNodes:
    """The grid of Chebyshev points ξ_p = −cos(π j/(n − 1)) in a box, and polynomials between.

        N(τ, ξ) = Σ_p ℓ_p(ξ) N_p(τ),   ℓ_p(ξ_q) = 1 if p = q else 0

    ℓ_p is a product of Lagrange polynomials, one for each parameter. A function that is analytic
    in the parameters, as motions are, is met to an error that falls geometrically with n.

    Args:
        counts: n of each parameter, integers from 2 to `MOST_NODES`.

    Raises:
        ValueError: for other counts.

    Example:
    >>> nodes = ParameterNodes((3, 2))
    >>> nodes.num_nodes
    6
    >>> weights = nodes.weights([np.array([[0.3]]), np.array([[-0.5]])])
    >>> float(ops.sum(weights)).__round__(12)
    1.0
    """

    def __init__(self, counts):
        self.counts = tuple(positive_integer("parameter_nodes", n, at_least=2) for n in counts)
        if max(self.counts) > MOST_NODES:
            raise ValueError(
                f"A parameter may have {MOST_NODES} nodes. Received: {self.counts}. "
                "Narrow the range instead."
            )
        self.num_nodes = int(np.prod(self.counts))
        axes = [chebyshev_points(n) for n in self.counts]
        self.points = np.array(list(itertools.product(*axes)))  # (num_nodes, p)
        self.to_lagrange = [
            np.linalg.inv(chebyshev.chebvander(axis, len(axis) - 1)) for axis in axes
        ]

    @classmethod
    def of(cls, box, counts, domain):
        """Nodes of a box: counts by name (or one integer for all), or None for the rule."""
        if counts is None:
            return cls(counts_by_rule(box, domain.sketch().motions))
        if not isinstance(counts, dict):
            counts = dict.fromkeys(box.names, counts)
        if set(counts) != set(box.names):
            raise ValueError(
                f"parameter_nodes must name {', '.join(box.names)}. Received: {counts!r}. "
                "Leave it out to have nodes by rule."
            )
        return cls([counts[name] for name in box.names])

    def weights(self, scaled):
        """ℓ_p(ξ), `(num, num_nodes)`.

        Args:
            scaled: ξ, a list of one `(num, 1)` for each parameter.
        """
        factors = []
        for xi, n, matrix in zip(scaled, self.counts, self.to_lagrange):
            xi = ops.convert_to_tensor(xi)
            matrix = ops.convert_to_tensor(matrix, xi.dtype)
            factors.append(ops.matmul(chebyshev_polynomials(xi, n), matrix))
        return functools.reduce(_all_products, factors)


def _all_products(first, second):
    """Every column of the one times every column of the other, `(num, m)`, `(num, n)`: m · n."""
    pairs = first[:, :, None] * second[:, None, :]
    return ops.reshape(pairs, (-1, pairs.shape[1] * pairs.shape[2]))


def chebyshev_polynomials(xi, num):
    """T_0(ξ) … T_{num − 1}(ξ) of a column ξ, `(num_rows, num)`."""
    xi = ops.clip(xi, -1.0, 1.0)
    if not is_portable():
        return ops.cos(ops.arccos(xi) * ops.cast(np.arange(num), xi.dtype))
    columns = [ops.ones_like(xi), xi]  # without arccos, which LiteRT does not have
    while len(columns) < num:
        columns.append(2.0 * xi * columns[-1] - columns[-2])
    return ops.concatenate(columns[:num], axis=-1)


def chebyshev_points(num):
    """−cos(π j/(n − 1)), the ends ±1 included, exactly symmetric."""
    return np.sin(0.5 * np.pi * np.linspace(-1.0, 1.0, num))


def counts_by_rule(box, motions):
    """How many nodes each parameter needs: as many as a stepper's motions show.

    Motions along lines through the box, one parameter moving and the others at their ends or in
    the middle, are written as Chebyshev series in ξ. Coefficients fall geometrically, the later
    the more the phase of the motion or the logarithm of its size changes over the range; those
    below `SMALL` are left out.

    Args:
        box: `ParameterBox`.
        motions: function of points ξ `(num, p)` that returns states `(num, time, features)`.

    Returns:
        Tuple of integers, one for each parameter.

    Raises:
        ValueError: if `MOST_NODES` are not enough for one of them.
    """
    return tuple(_count(box, motions, k) for k in range(len(box.names)))


def _count(box, motions, k):
    others = [np.delete(corner, k) for corner in box.corners()]
    others = np.unique(others, axis=0)
    tried = 25
    while True:
        line = chebyshev_points(tried)
        points = np.array([np.insert(other, k, xi) for other in others for xi in line])
        states = motions(points).reshape(len(others), tried, -1)
        size = np.abs(states).max(axis=(1, 2), keepdims=True)
        to_series = np.linalg.inv(chebyshev.chebvander(line, tried - 1))
        series = np.abs(np.einsum("kj,ojf->okf", to_series, states) / size).max(axis=(0, 2))
        needed = int(np.nonzero(series > SMALL)[0].max(initial=0)) + 2
        if needed <= tried - 3:
            return needed
        if tried >= MOST_NODES:
            low, high = box.ranges[box.names[k]]
            raise ValueError(
                f"The solution must change smoothly with {box.names[k]}. Received the range "
                f"{low:g} to {high:g}, over which it needs more than {MOST_NODES} nodes. "
                "Narrow the range, or train several PINNs side by side."
            )
        tried = min(2 * tried - 1, MOST_NODES)


def low_discrepancy(num, dimension):
    """Points that fill the unit cube evenly, `(num, dimension)`: fractions of k/φ, k/φ², …

    φ is the positive root of φ^(d+1) = φ + 1, the golden ratio in one dimension.

    Reference: M. Roberts, "The unreasonable effectiveness of quasirandom sequences" (2018).
    """
    phi = 2.0
    for _ in range(60):
        phi = (1.0 + phi) ** (1.0 / (dimension + 1))
    steps = phi ** -np.arange(1.0, dimension + 1)
    return (0.5 + np.arange(1, num + 1)[:, None] * steps) % 1.0
