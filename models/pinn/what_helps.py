"""What helps where a residual stays large, for the messages of `fit`."""

import numpy as np

from ..equation.rhs_jumps import rhs_jumps
from ..trial_solution.learned_trial import FINEST

PIECES = 8  # into which the message cuts the window with the largest residual
TINY = 1000  # so many times shorter than the longest is a window that was halved to the end


def what_helps(pinn, time):
    """What to do about a large residual at a time, in one or two sentences.

    Args:
        pinn: `PINN`.
        time: where the residual is largest, in s.
    """
    jumps = rhs_jumps(pinn.domain.sketch()) if pinn.domain.ranges is None else []
    if jumps:
        return (
            f"No network follows an rhs that jumps, as this one does near t = {jumps[0]:.6g} s. "
            "With x or v, write it smoothly, tanh(v / width) for sign(v); with t, name the time in "
            "breakpoints of the problem."
        )
    edges = pinn.window_edges
    window = int(np.clip(np.searchsorted(edges, time, side="right") - 1, 0, len(edges) - 2))
    begin, end = edges[window], edges[window + 1]
    if pinn.compute_dtype != "float64":
        cure = f"Rounding leaves that much in {pinn.compute_dtype}: leave dtype out."
    elif pinn.learned and pinn.stop_reason == "rounding floor":
        finest = FINEST * float(pinn.network.size) / (end - begin) ** pinn.problem.order
        cure = (
            f"Gradients are followed to {finest:.1g} {pinn.problem.residual_unit} in a window of "
            f"{end - begin:.2g} s, {FINEST:.0e} of its size over its length"
            f"{' squared' if pinn.problem.order == 2 else ''}: SelfScaledBroyden(tolerance="
            f"{finest:.0e}) says that it will do; LevenbergMarquardt, without learned, goes below."
        )
    elif len(edges) == 2:
        cure = "Leave hidden_units and window_edges out, to have windows where they are needed."
    elif (end - begin) * TINY < np.diff(edges).max():
        cure = (
            f"Windows are as short as {end - begin:.2g} s there already: where rhs jumps or bends "
            "with x or v, no network follows it. Write it smoothly, tanh(v / width) for sign(v)."
        )
    else:
        cure = (
            f"Cut that window, {begin:.6g} s to {end:.6g} s: window_edges=sorted("
            f"[*pinn.window_edges, *np.linspace({begin:.6g}, {end:.6g}, {PIECES + 1})[1:-1]])."
        )
    return f"{cure} How far it moves the solution says error_estimate(t)."
