"""States of a recurrent cell over a sequence, and the Jacobian of every step."""

import functools

import keras
import numpy as np
from keras import ops

MOST_ROWS = 20000  # so many rows are differentiated at once


def states_of(cell, inputs, initial_state):
    """h_0, h_1, … h_T, `(batch, 1 + time, size)`, several states joined to one vector."""
    own = cell.get_initial_state(len(inputs))
    given = own if initial_state is None else initial_state
    given = [np.asarray(ops.convert_to_numpy(part)) for part in keras.tree.flatten(given)]
    expected = [(len(inputs), size) for size in keras.tree.flatten(cell.state_size)]
    if [part.shape for part in given] != expected:
        raise ValueError(
            f"initial_state must have the shape {', '.join(map(str, expected))}: (batch, units) of "
            f"each state. Received {', '.join(str(part.shape) for part in given)}. "
            "Pass one row for each sequence."
        )
    states = [np.concatenate(given, axis=-1)]
    for x in inputs.swapaxes(0, 1):
        x, state = (ops.convert_to_tensor(v, cell.compute_dtype) for v in (x, states[-1]))
        states.append(ops.convert_to_numpy(_step(cell, x, state)))
    states = np.stack(states, axis=1)
    finite = np.isfinite(states).all(axis=(0, 2))
    if not finite.all():
        raise ValueError(
            "The Jacobians are taken at finite states. "
            f"Received a cell whose state is not finite from step {np.argmin(finite)} on. "
            "Pass fewer steps."
        )
    return states


def step_jacobians(cell, inputs, states):
    """∂h_j/∂h_{j−1} of many steps, `(batch, time, size, size)`, with the new state's axis first.

    Args:
        cell: recurrent cell.
        inputs: x_j, `(batch, time, features)`.
        states: h_{j−1}, several states joined to one vector, `(batch, time, size)`.
    """
    batch, num_steps, size = states.shape
    result = np.empty((batch, num_steps, size, size))
    together = max(1, MOST_ROWS // (batch * size))
    for first in range(0, num_steps, together):
        part = slice(first, first + together)
        rows = [
            np.repeat(v[:, part].reshape(-1, v.shape[-1]), size, axis=0) for v in (inputs, states)
        ]
        x, state = (ops.convert_to_tensor(v, cell.compute_dtype) for v in rows)
        direction = np.tile(np.eye(size), (len(rows[1]) // size, 1))
        direction = ops.convert_to_tensor(direction, cell.compute_dtype)
        _, change = ops.jvp(functools.partial(_step, cell, x), (state,), (direction,))
        result[:, part] = ops.convert_to_numpy(change).reshape(batch, -1, size, size)
    return result.swapaxes(2, 3)


def _step(cell, x, state):
    """One step of a cell whose states are joined to one vector."""
    sizes = keras.tree.flatten(cell.state_size)
    stops = np.cumsum(sizes)
    parts = [state[:, stop - size : stop] for size, stop in zip(sizes, stops)]
    parts = keras.tree.pack_sequence_as(cell.get_initial_state(1), parts)
    return ops.concatenate(keras.tree.flatten(cell(x, parts)[1]), axis=-1)
