"""What a family of solutions cannot have, and one of its solutions as a model of its own."""

import numpy as np

from ..equation.plain_forces import has_plain_force
from ..trial_solution.dense_network import Mixture

MOST_READOUTS = 20_000  # nodes times windows


def check_family(problem, given):
    """Raise for what a family cannot have.

    Args:
        problem: `InitialValueProblem`.
        given: other arguments of the `PINN` by name, None or () where they are left out.

    Raises:
        ValueError: naming the first of them, or for a force that is a plain function.
    """
    for name, value in given.items():
        if value is not None and value != ():
            raise ValueError(
                f"A PINN with parameter_ranges takes no {name}. Received: {value!r}. "
                f"Leave {name} out, or solve for one value of the parameters."
            )
    if has_plain_force(problem):
        raise ValueError(
            "A family needs a force that runs inside a graph. Received a plain function. Use "
            "one of the forces of oscillator_zoo.data, or write it as force(t, ops=numpy)."
        )


def check_num_readouts(nodes, num_windows):
    """Raise for more readouts, nodes times windows, than a family may have."""
    num = nodes.num_nodes * num_windows
    if num > MOST_READOUTS:
        raise ValueError(
            f"A family may have {MOST_READOUTS} readouts, nodes times windows. Received ranges "
            f"that need {nodes.counts} nodes in {num_windows} windows, {num} in all. "
            "Narrow the ranges or shorten the duration."
        )


def member_of(family, parameters):
    """The solution of a family for one value of each parameter; see `PINN.member`."""
    if family.domain.ranges is None:
        raise ValueError(
            "Only a PINN with parameter_ranges has members. Received one without. "
            "It is a single solution itself."
        )
    if any(np.ndim(value) for value in parameters.values()):
        raise ValueError(
            f"A member has one number for each parameter. Received: {parameters!r}. "
            "Call the family itself for many, pinn({'t': …, …})."
        )
    box, trial = family.domain.box, family.trial
    columns = family.domain.rows({"t": family.problem.start_time, **parameters})
    values = {name: np.asarray(columns[name]).item() for name in box.names}
    config = {**family.get_config(), "problem": family.problem.with_parameters(**values)}
    config |= {"name": None, "parameter_ranges": None, "parameter_nodes": None}
    single = type(family).from_config(config)
    mixture = Mixture(None, trial.nodes.weights(box.scaled(columns)))
    for old, new in zip(family.network.hidden, single.network.hidden):
        new.set_weights(old.get_weights())
    single.trial.set_readout([mixture.of_windows(v)[0] for v in trial.readout_variables])
    return single
