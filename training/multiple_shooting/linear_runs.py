"""Runs of a linear law under a force: the step is the same everywhere, so it is taken once.

A step of a Runge–Kutta method is linear in the state (x, v) at its beginning and in the five values
u_1 … u_5 of the force in it, if the equation is. So it is known from seven steps: one from each
start of length 1 without a force, and one from rest under each value of 1. With their
derivatives by the constants p,

    z_{n+1} = A z_n + W u_n,        ∂z_{n+1}/∂p = A ∂z_n/∂p + ∂A/∂p z_n + ∂W/∂p u_n
"""

import numpy as np

from .window_runs import ABSCISSAE, Windows, read_nodes, run_windows

UNITS = 2 + len(ABSCISSAE)


@np.errstate(over="ignore", invalid="ignore")
def run_linear_windows(law, constants, starts, windows):
    """Run every window of driven records from its own start, as `run_windows` does.

    Args:
        law: a linear `Law`.
        constants: p, in the units of the search, `(P,)`, or `(P, K)` for each window its own.
        starts: (x0, v0) of the windows, `(K, 2)`.
        windows: `Windows` with a force.

    Returns:
        `WindowRun`; not finite after a run has left the range of numbers.
    """
    constants = np.reshape(constants, (len(constants), -1))
    constants = np.broadcast_to(constants, (len(constants), len(starts)))
    kinds, kind = np.unique(np.vstack([constants, windows.step]), axis=1, return_inverse=True)
    steps = _unit_steps(law, kinds[:-1], kinds[-1])[..., kind.ravel()]
    num_steps = int(windows.num_steps.max())
    pushes = np.einsum("icuk,nuk->nick", steps[:, :, 2:], windows.force[:num_steps])
    nodes = np.empty((2, num_steps + 1, 3 + len(constants), len(starts)))
    state = np.zeros((2, *nodes.shape[2:]))
    state[:, 0], state[0, 1], state[1, 2] = starts.T, 1.0, 1.0
    nodes[:, 0] = state
    whole, by_constant = steps[:, 0, :2], steps[:, 1:, :2]
    for n, push in enumerate(pushes, start=1):
        z = state[:, 0]
        state = whole[:, 0, None] * state[0] + whole[:, 1, None] * state[1]
        state[:, 3:] += by_constant[:, :, 0] * z[0] + by_constant[:, :, 1] * z[1] + push[:, 1:]
        state[:, 0] += push[:, 0]
        nodes[:, n] = state
    return read_nodes(law, constants, nodes, windows)


def _unit_steps(law, constants, step):
    """A and W, then their derivatives: (x or v, value or by p, unit, kind), `(2, 1 + P, 7, K)`."""
    num = len(step)
    starts = np.zeros((UNITS, num, 2))
    starts[0, :, 0] = starts[1, :, 1] = 1.0
    force = np.zeros((1, len(ABSCISSAE), UNITS, num))
    force[0, np.arange(UNITS - 2), np.arange(2, UNITS)] = 1.0
    none = np.zeros(0, int)
    units = Windows(
        record=np.zeros(UNITS * num, int),
        start=np.zeros(UNITS * num),
        step=np.tile(step, UNITS),
        num_steps=np.ones(UNITS * num, int),
        force=force.reshape(1, len(ABSCISSAE), -1),
        window=none,
        at_step=none,
        weights=None,
        values=np.zeros(0),
        drive=np.zeros(0),
        quantity="position",
    )
    run = run_windows(law, np.tile(constants, UNITS), starts.reshape(-1, 2), units)
    found = np.concatenate([run.ends[:, :, None], run.end_slopes[:, :, 2:]], axis=2)
    return found.reshape(UNITS, num, 2, -1).transpose(2, 3, 0, 1)
