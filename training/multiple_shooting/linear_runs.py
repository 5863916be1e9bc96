"""Driven runs of the linear law: one exact step, taken again and again."""

import functools

import numpy as np

from .exact_steps import driven_nodes, step_maps
from .window_runs import read_nodes, run_in_blocks


def run_linear_windows(law, constants, starts, windows):
    """Run every window of driven records from its own start, as `run_windows` does.

    Args:
        law: the linear `Law`, x'' + d x' + s x = G u.
        constants: (s, d, G), in the units of the search, `(3,)`, or `(3, K)`.
        starts: (x0, v0) of the windows, `(K, 2)`.
        windows: `Windows` with a force.

    Returns:
        `WindowRun`; not finite after a run has left the range of numbers.
    """
    return run_in_blocks(functools.partial(_run, law), constants, starts, windows)


@np.errstate(over="ignore", invalid="ignore")
def _run(law, constants, starts, windows):
    s, d, gain = constants
    force = windows.force[: windows.num_steps.max()]
    pulls = np.stack([gain * force, force], axis=1)
    nodes = driven_nodes(step_maps(s, d, windows.step), starts, pulls)
    return read_nodes(law, constants, nodes.transpose(1, 0, 2, 3), windows)
