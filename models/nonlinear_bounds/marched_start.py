"""A first guess of the error of a network that is far from the truth: the motion by RK4."""

import numpy as np

from oscillator_zoo.data.stepping.steppers import rk4_step

from ..error_bounds.chebyshev_cells import NUM_NODES, node_values_to_series


def marched(problem, motion):
    """Series of x̂ less the motion that RK4 finds, from node to node of all cells.

    Args:
        problem: `InitialValueProblem`.
        motion: `CorrectedMotion`.
    """
    cells, state = motion.cells, tuple(np.asarray(y) for y in problem.initial_state())
    stops = np.append(cells.node_times.astype(np.float64)[:, ::-1], cells.end[:, None], axis=1)
    series = motion.no_error()
    error = np.empty((NUM_NODES, *series.shape[1:]))
    for k, now in enumerate(cells.begin):
        for j, stop in enumerate(stops[k]):
            state = rk4_step(problem, np.array([[now]]), state, stop - now)
            now = stop
            if j < NUM_NODES:  # nodes run from the end of a cell to its start
                error[-1 - j, :, k] = -np.concatenate(state, axis=-1)[0]
    states = np.concatenate(motion.values[: motion.order], axis=-1).astype(np.float64)
    series[:NUM_NODES] = node_values_to_series(error + states.transpose(1, 2, 0))
    return series
