"""Start of a recurrent network as the linear oscillator nearest to a measured motion."""

from typing import NamedTuple

import numpy as np

from oscillator_zoo.models import fit_duffing

FINE = 16  # samples in a period
SIZE = 0.2  # of the units' inputs: tanh is nearly straight there, and bends where they are largest
BIAS = 0.02  # so that the units bend to one side as well


class LinearOscillator(NamedTuple):
    """Period and decay of the motion's own size: the samples in a period, and ζω0 Δt."""

    period: float
    decay: float


def linear_oscillator(train):
    """`LinearOscillator` of a training part, None where `fit_duffing` finds no oscillator.

    A cubic spring is stiffer by 3 k3 σ² for a random motion of the standard deviation σ.
    """
    step = train.time_step
    position = train.states[0, 1:, 0]
    try:
        found = fit_duffing(train.force[0, :-1, 0], position, step).estimates
    except ValueError:
        return None
    constants = {name: estimate.value for name, estimate in found.items()}
    stiffer = 1.0 + 3.0 * constants["cubic_stiffness"] * position.var() / constants["stiffness"]
    rate = 2.0 * np.pi * constants["natural_frequency"]
    decay = constants["damping_ratio"] * rate * step
    if not decay > 0.0:
        return None
    return LinearOscillator(2.0 * np.pi / (rate * step * np.sqrt(max(stiffer, 0.1))), decay)


def start_as_oscillator(cell, oscillator, force, position, seed):
    """Set the weights of an `ElmanCell` to those of a damped rotation, seen by all units.

        z' = e^{−d} R(ω) z + B u,   h = tanh(S z),   W = S e^{−d} R S⁺,   U = S B

    so that h follows the oscillator where tanh is straight; the readout is solved for.

    Args:
        cell: `ElmanCell` of one output.
        oscillator: `LinearOscillator`.
        force: scaled, `(N,)`.
        position: scaled, `(N,)`, at the ends of the steps.
        seed: of S, `(units, 2)`.
    """
    angle = 2.0 * np.pi / oscillator.period
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn *= np.exp(-oscillator.decay)
    state, sizes = np.zeros(2), []
    for u in force:
        state = turn @ state + [u, 0.0]
        sizes.append(state @ state)
    random = np.random.default_rng(seed)
    shares = random.normal(size=(cell.units, 2))
    recurrent = shares @ turn @ np.linalg.pinv(shares)
    given = shares[:, 0] * SIZE / np.sqrt(np.mean(sizes))
    bias = BIAS * random.normal(size=cell.units)
    h, states = np.zeros(cell.units), []
    for u in force:
        h = np.tanh(recurrent @ h + given * u + bias)
        states.append(h)
    columns = np.column_stack([np.array(states), np.ones(len(states))])
    *readout, constant = np.linalg.lstsq(columns, position, rcond=1e-3)[0]
    cell.kernel.assign(given[None])
    cell.recurrent_kernel.assign(recurrent.T)
    cell.bias.assign(bias)
    cell.output_kernel.assign(np.array(readout)[:, None])
    cell.output_bias.assign([constant])
