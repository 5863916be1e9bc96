"""What a PINN is made of, decided before it has a network: one solution, or a family."""

import functools
from typing import NamedTuple

import numpy as np

from oscillator_zoo.data.checks import one_number

from ..equation.budget import POINTS
from ..families.family_domain import FamilyDomain
from ..families.family_trial import FamilyTrial
from ..families.members import check_family, check_num_readouts
from ..families.parameter_box import ParameterBox
from ..families.parameter_nodes import ParameterNodes
from ..inverse.identification import Identification
from ..inverse.trial_of_unknowns import TrialOfUnknowns
from ..trial_solution.dense_network import DenseNetwork
from ..trial_solution.domain import TimeDomain
from ..trial_solution.initial_conditions import takes_network
from ..trial_solution.initial_weights import (
    LEARNED_BANDWIDTH,
    bandwidth_by_rule,
    initializers,
    learned_weights,
)
from ..trial_solution.learned_trial import LearnedTrial
from ..trial_solution.linearised_trial import LinearisedTrial
from ..trial_solution.time_windows import check_window_edges, edges_by_rule
from ..trial_solution.window_networks import WindowNetworks
from .collocation import LEARNED_POINTS, FamilyPoints, TimePoints
from .fit_checks import warn_of_few_nodes, warn_of_few_points, warn_of_wrong_motion
from .missed_tolerance import warn_of_missed_tolerance


class Plan(NamedTuple):
    """The parts of a `PINN` that do not depend on its weights.

    | field          | content                                                      |
    |----------------|--------------------------------------------------------------|
    | `domain`       | `TimeDomain` or `FamilyDomain`: where it holds               |
    | `window_edges` | e_0 = t0, …, e_W = t0 + T, in s                              |
    | `bandwidth`    | S of the first layer, in rad                                 |
    | `size`         | X of the motion, in m, where all weights are learned, else 1 |
    | `make_trial`   | makes h1 + h2·N from the arguments of `TrialSolution`        |
    | `points`       | `TimePoints` or `FamilyPoints`: where it is trained          |
    | `checks`       | what is looked at after a fit, functions of the model        |
    | `num_nodes`    | of a family; 1 for one solution                              |
    """

    domain: object
    window_edges: tuple
    bandwidth: float
    size: float
    make_trial: object
    points: object
    checks: tuple
    num_nodes: int

    def network(self, pinn):
        """N, with a readout for each window, and for each node of a family."""
        num_readouts = (len(self.window_edges) - 1) * self.num_nodes
        units, activation = pinn.hidden_units, pinn.activation
        dimension, dtype = pinn.problem.dimension, pinn.dtype_policy
        if pinn.learned:
            weights = learned_weights(units, dimension, self.bandwidth, pinn.seed)
            return WindowNetworks(activation, weights, num_readouts, self.size, dtype)
        weights = initializers(units, activation, self.bandwidth, num_readouts, pinn.seed)
        return DenseNetwork(units, dimension, activation, weights, num_readouts, dtype=dtype)

    def trial(self, pinn):
        """h1 + h2·N: of one solution, of one with unknown parameters, or of a family."""
        parts = pinn.problem, self.domain, pinn.network, self.window_edges
        return self.make_trial(*parts, pinn.h1, pinn.h2)

    def identification(self, pinn):
        """The search for unknown parameters, None where there are none."""
        return None if pinn.unknowns is None else Identification(pinn.trial, self.points.arrays())


def plan_of(pinn, by_rule, window_edges, bandwidth, parameter_ranges, parameter_nodes):
    """The `Plan` of a `PINN` under construction, from the arguments of its user.

    Args:
        pinn: `PINN` that has its problem, duration, h1, h2 and unknown parameters.
        by_rule: whether windows and waves are those of the rule.
        window_edges: times, or None.
        bandwidth: S, in rad, or None.
        parameter_ranges: pairs (low, high) by name, or None.
        parameter_nodes: integers by name, or None.

    Raises:
        ValueError: for what does not go together.
    """
    if bandwidth is not None:
        bandwidth = one_number("bandwidth", bandwidth, "rad", above=0.0)
    if pinn.learned:
        _check_learned(pinn, parameter_ranges)
    if parameter_ranges is None:
        domain = _domain_of_one(pinn, parameter_nodes)
    else:
        domain = _domain_of_family(pinn, parameter_ranges)
    edges = edges_by_rule(domain.sketch()) if by_rule else window_edges
    edges = _checked_edges(edges, pinn)
    waves = _waves(pinn, domain, edges, by_rule, bandwidth)
    if parameter_ranges is None:
        return Plan(domain, edges, *waves, *_parts_of_one(pinn, edges))
    return Plan(domain, edges, *waves, *_parts_of_family(pinn, domain, edges, parameter_nodes))


def _waves(pinn, domain, edges, by_rule, bandwidth):
    """`bandwidth` and `size` of a `Plan`."""
    if bandwidth is not None:  # a file has the size among its weights
        return bandwidth, 1.0
    sketch = domain.sketch()
    if not pinn.learned:
        return bandwidth_by_rule(sketch, edges, by_rule), 1.0
    return LEARNED_BANDWIDTH, float(np.abs(sketch.states[:, : pinn.problem.dimension]).max()) or 1.0


def _check_learned(pinn, parameter_ranges):
    given = {
        "h1": pinn.h1,
        "h2": pinn.h2,
        "unknown_parameters": pinn.unknown_parameters or None,
        "parameter_ranges": parameter_ranges,
    }
    names = [name for name, value in given.items() if value is not None]
    if names:
        raise ValueError(
            "learned=True is for one solution, window after window. "
            f"Received {' and '.join(names)} beside it. Leave learned out, and give hidden_units."
        )


def _domain_of_one(pinn, parameter_nodes):
    if parameter_nodes is not None:
        raise ValueError(
            "parameter_nodes belong to parameter_ranges. "
            f"Received: {parameter_nodes!r} without ranges. Leave them out."
        )
    if pinn.unknown_parameters and takes_network(pinn.h2):
        raise ValueError(
            "A search for parameters needs a trial solution that is linear in the readout. "
            f"Received unknown_parameters={pinn.unknown_parameters} and an h2 of t and N. "
            "Pass an h2 of t."
        )
    return TimeDomain(pinn.problem, pinn.duration, pinn.compute_dtype)


def _parts_of_one(pinn, edges):
    """`make_trial`, `points`, `checks` and `num_nodes` of a `Plan`."""
    points = TimePoints(edges, pinn.compute_dtype, LEARNED_POINTS if pinn.learned else POINTS)
    if pinn.unknowns is not None:
        return functools.partial(TrialOfUnknowns, pinn.unknowns), points, (), 1
    checks = (warn_of_wrong_motion, warn_of_few_points, warn_of_missed_tolerance)
    return LearnedTrial if pinn.learned else LinearisedTrial, points, checks, 1


def _domain_of_family(pinn, parameter_ranges):
    names = ("h1", "h2", "unknown_parameters")
    check_family(pinn.problem, {name: getattr(pinn, name) for name in names})
    box = ParameterBox(pinn.problem, parameter_ranges)
    return FamilyDomain(pinn.problem, pinn.duration, box, pinn.compute_dtype)


def _parts_of_family(pinn, domain, edges, parameter_nodes):
    """`make_trial`, `points`, `checks` and `num_nodes` of a `Plan`."""
    nodes = ParameterNodes.of(domain.box, parameter_nodes, domain)
    check_num_readouts(nodes, len(edges) - 1)
    points = FamilyPoints(edges, domain.box, nodes, pinn.compute_dtype)
    checks = (warn_of_few_nodes, warn_of_missed_tolerance)
    return functools.partial(FamilyTrial, nodes), points, checks, nodes.num_nodes


def _checked_edges(edges, pinn):
    edges = check_window_edges(edges, pinn.problem, pinn.duration)
    if len(edges) > 2 and (pinn.h1 is not None or pinn.h2 is not None):
        raise ValueError(
            "An h1 or h2 of your own starts from one state and so has one window. "
            f"Received window_edges={list(edges)}. Leave out one or the other."
        )
    return edges
