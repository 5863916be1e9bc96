"""Force in, motion out: the data of system identification."""

import numpy as np

from ..checks import positive_integer
from ..trajectories.trajectory import check_trajectory
from .batches import batches, first_rows, rows, state_columns


def system_identification_pairs(
    trajectory,
    length=None,
    inputs=("force", "initial_state"),
    targets=None,
    stride=None,
    batch_size=32,
    shuffle_seed=None,
    dtype="float32",
):
    """The force F_0 … F_{N−1} and the initial state s_0, with the motion s_1 … s_N as target.

    | part            | shape                    | content         |
    |-----------------|--------------------------|-----------------|
    | `force`         | `(batch, N, dimension)`  | F_0 … F_{N−1}   |
    | `initial_state` | `(batch, features)`      | s_0             |
    | targets         | `(batch, N, targets)`    | s_1 … s_N       |

    At step i a recurrent cell sees F_i, holds s_i, and gives s_{i+1}: the force that decides a
    step is the one at its beginning. `inputs="force"` gives the force alone, for a model of one
    input that starts from a state of its own.

    Args:
        trajectory: `Trajectory` on equidistant times.
        length: N, an integer ≥ 1; None: the whole trajectory. Shorter pieces each start from
            their own s_0.
        inputs: `"force"`, or a tuple of the parts in the order in which the model takes them.
        targets: names of the features to predict, None for all.
        stride: steps from one piece's start to the next one's; None: `length`.
        batch_size: pieces in a batch; the last batch may be smaller.
        shuffle_seed: an integer ≥ 0 shuffles the pieces anew in every epoch; None keeps them in
            order, trajectory by trajectory.
        dtype: of all parts, cast once from float64.

    Returns:
        `tf.data.Dataset` of ((force, initial_state), targets), or of (force, targets), of known
        cardinality.

    Raises:
        ValueError: if `length` exceeds the trajectory, for unknown inputs or features, or values
            that are not finite.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator, Sinusoid, simulate
    >>> driven = DampedOscillator(damping=0.2, force=Sinusoid(1.0, angular_frequency=1.3))
    >>> pairs = system_identification_pairs(simulate(driven, time_step=0.1, num_steps=100))
    >>> (force, initial_state), targets = next(iter(pairs))
    >>> force.shape.as_list(), initial_state.shape.as_list(), targets.shape.as_list()
    ([1, 100, 1], [1, 2], [1, 100, 2])
    """
    check_trajectory(trajectory)
    num_times = len(trajectory.times)
    length = positive_integer("length", num_times - 1 if length is None else length)
    stride = positive_integer("stride", length if stride is None else stride)
    if length + 1 > num_times:
        raise ValueError(
            f"length must be at most {num_times - 1}, the number of steps. "
            f"Received length={length}. Use shorter pieces or a longer trajectory."
        )
    names = check_input_names(inputs)
    trajectory.check_equidistant()  # a network that counts steps cannot see how long they are
    arrays = [
        rows(columns, dtype)
        for columns in (trajectory.force, trajectory.states, state_columns(trajectory, targets))
    ]
    starts = first_rows(len(trajectory), num_times, length + 1, stride)
    steps = np.arange(length)
    import tensorflow as tf

    def gather(start, force, states, outputs):
        parts = {
            "force": tf.gather(force, start[:, None] + steps),
            "initial_state": tf.gather(states, start),
        }
        chosen = parts[inputs] if isinstance(inputs, str) else tuple(parts[n] for n in names)
        return chosen, tf.gather(outputs, start[:, None] + steps + 1)

    return batches(starts, arrays, gather, batch_size, shuffle_seed)


def check_input_names(inputs, also=None):
    """The names of the inputs, a tuple.

    Args:
        inputs: "force", or a tuple of "force" and "initial_state".
        also: another name that is allowed alone.

    Raises:
        ValueError: for other names, or none.
    """
    names = (inputs,) if isinstance(inputs, str) else tuple(inputs)
    if names == (also,):
        return names
    if not names or set(names) - {"force", "initial_state"}:
        other, cure = "", "Leave it out for ('force', 'initial_state')"
        if also is not None:
            other, cure = f"'{also}', ", f"Leave it out for '{also}'"
        raise ValueError(
            f"inputs must be {other}'force', or a tuple of 'force' and 'initial_state'. "
            f"Received: {inputs!r}. {cure}."
        )
    return names
