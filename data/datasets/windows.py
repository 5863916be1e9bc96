"""Windows of a motion with what comes next: the data of a forecaster."""

import numpy as np

from ..checks import positive_integer
from ..trajectories.trajectory import check_trajectory
from .batches import (
    batches,
    first_rows,
    input_columns,
    rows,
    state_columns,
)


def forecast_windows(
    trajectory,
    window,
    horizon=1,
    features=None,
    targets=None,
    include_force=None,
    every_step=False,
    stride=1,
    batch_size=32,
    shuffle_seed=None,
    dtype="float32",
):
    """Windows s_i … s_{i+window−1} as inputs, the states that follow them as targets.

    | part    | shape                         | content                                      |
    |---------|-------------------------------|----------------------------------------------|
    | inputs  | `(batch, window, columns)`    | s_j and F_j at each step j of the window     |
    | targets | `(batch, targets)`            | s_{i+window}, for `horizon=1`                |
    |         | `(batch, horizon, targets)`   | s_{i+window} … s_{i+window+horizon−1}        |

    Step j holds the force of the same time, F_j, which together with s_j decides s_{j+1}: the
    last force of a window is the one that leads to the first target. For a horizon above 1 the
    forces inside the horizon are *not* among the inputs. With `every_step=True` each step of the
    window has its own target, as a recurrent layer with `return_sequences=True` needs: targets
    `(batch, window, targets)`, or `(batch, window, horizon, targets)`.

    No window crosses from one trajectory to another. Split first, then make windows:
    neighbouring windows share samples.

    Args:
        trajectory: `Trajectory` on equidistant times.
        window: number of steps a model sees, an integer ≥ 1.
        horizon: number of steps to forecast, an integer ≥ 1.
        features: names of the state's features among the inputs, None for all, () for none.
        targets: names of the features to forecast, None for all.
        include_force: whether F is the last input column; None: where the system has a force.
        every_step: whether every step of the window has a target, instead of its last one.
        stride: steps from one window's start to the next one's.
        batch_size: windows in a batch; the last batch may be smaller.
        shuffle_seed: an integer ≥ 0 shuffles the windows anew in every epoch; None keeps them in
            order, trajectory by trajectory.
        dtype: of inputs and targets, cast once from float64.

    Returns:
        `tf.data.Dataset` of (inputs, targets), of known cardinality. Keras warns that it does not
        shuffle datasets itself unless `fit` is told so with `shuffle=False`.

    Raises:
        ValueError: if window and horizon exceed the trajectory, for unknown features, or values
            that are not finite.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator, Sinusoid, simulate
    >>> driven = DampedOscillator(damping=0.2, force=Sinusoid(1.0, angular_frequency=1.3))
    >>> windows = forecast_windows(simulate(driven, 0.1, num_steps=100), window=20)
    >>> [tuple(part.shape) for part in windows.element_spec], int(windows.cardinality())
    ([(None, 20, 3), (None, 2)], 3)
    """
    check_trajectory(trajectory)
    window = positive_integer("window", window)
    horizon = positive_integer("horizon", horizon)
    stride = positive_integer("stride", stride)
    num_times = len(trajectory.times)
    if window + horizon > num_times:
        raise ValueError(
            f"window + horizon must be at most {num_times}, the number of times. Received "
            f"window={window} and horizon={horizon}, together {window + horizon}. "
            "Use a shorter window or a longer trajectory."
        )
    trajectory.check_equidistant()  # a network that counts steps cannot see how long they are
    inputs = rows(input_columns(trajectory, features, include_force), dtype)
    outputs = rows(state_columns(trajectory, targets), dtype)
    starts = first_rows(len(trajectory), num_times, window + horizon, stride)
    steps = np.arange(window)
    ahead = (steps[:, None] + 1 if every_step else window) + np.arange(horizon)
    ahead = ahead[..., 0] if horizon == 1 else ahead
    import tensorflow as tf

    def gather(start, inputs, outputs):
        first = tf.reshape(start, [-1] + [1] * ahead.ndim)
        return tf.gather(inputs, start[:, None] + steps), tf.gather(outputs, first + ahead)

    return batches(starts, (inputs, outputs), gather, batch_size, shuffle_seed)
