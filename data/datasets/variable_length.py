"""Motions of different lengths in one batch, padded and masked."""

import numpy as np

from ..checks import real_value
from ..trajectories.trajectory import check_trajectory
from .batches import batches, first_rows, force_included, input_columns, rows, state_columns


def variable_length_batches(
    trajectories,
    batch_size,
    mask_value=-1e9,
    features=None,
    targets=None,
    include_force=None,
    shuffle_seed=None,
    dtype="float32",
):
    """Next-step pairs of trajectories of different lengths, padded at the end of each batch.

    | part    | shape                   | content                           | padding      |
    |---------|-------------------------|-----------------------------------|--------------|
    | inputs  | `(batch, time, columns)`| s_i and F_i, i = 0 … N−1          | `mask_value` |
    | targets | `(batch, time, targets)`| s_{i+1}                           | 0            |

    `time` is the longest N of the batch. Put `keras.layers.Masking(mask_value)` first in the
    model: its mask travels with the outputs of recurrent and dense layers, and the loss given to
    `compile` is then the mean over the valid steps of the batch. Padded steps change neither loss
    nor gradients. (Weights of zero would not do that: Keras divides by all steps.) The loss that
    `fit` prints for an epoch weighs each batch by its number of trajectories.

    Args:
        trajectories: sequence of `Trajectory` with the same features and time step, each of one
            trajectory or several.
        batch_size: trajectories in a batch, an integer ≥ 1; the last batch may be smaller.
        mask_value: a number that does not occur in the inputs.
        features: names of the state's features among the inputs, None for all, () for none.
        targets: names of the features to predict, None for all.
        include_force: whether F is the last input column; None: where any system has a force.
        shuffle_seed: an integer ≥ 0 shuffles the trajectories anew in every epoch; None keeps
            their order.
        dtype: of inputs and targets, cast once from float64.

    Returns:
        `tf.data.Dataset` of (inputs, targets), of known cardinality.

    Raises:
        ValueError: if the trajectories do not belong together, one has no step, or `mask_value`
            occurs in the inputs.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator, simulate
    >>> motions = [simulate(DampedOscillator(), 0.1, num_steps) for num_steps in (3, 5)]
    >>> inputs, targets = next(iter(variable_length_batches(motions, batch_size=2)))
    >>> inputs[0, :, 0].numpy()
    array([ 1.0e+00,  1.0e+00,  9.9e-01, -1.0e+09, -1.0e+09], dtype=float32)
    """
    trajectories = _checked(trajectories)
    if include_force is None:
        include_force = any(force_included(one, None) for one in trajectories)
    inputs, outputs, spans, offset = [], [], [], 0
    for one in trajectories:
        num_times = len(one.times)
        inputs.append(rows(input_columns(one, features, include_force), dtype))
        outputs.append(rows(state_columns(one, targets), dtype))
        starts = offset + first_rows(len(one), num_times, num_times, 1)
        spans.append(np.stack([starts, np.full_like(starts, num_times - 1)], axis=-1))
        offset += len(inputs[-1])
    inputs, outputs = np.concatenate(inputs), np.concatenate(outputs)
    padding = _padding(mask_value, inputs)
    import tensorflow as tf

    def gather(span, inputs, outputs):
        start, num_steps = span[:, :1], span[:, 1:]
        step = tf.range(tf.reduce_max(num_steps))[None, :]
        valid = (step < num_steps)[:, :, None]
        row = start + tf.minimum(step, num_steps - 1)
        return (
            tf.where(valid, tf.gather(inputs, row), padding),
            tf.where(valid, tf.gather(outputs, row + 1), tf.zeros([], outputs.dtype)),
        )

    return batches(np.concatenate(spans), (inputs, outputs), gather, batch_size, shuffle_seed)


def _checked(trajectories):
    """The trajectories as a list; raises unless one model can learn from them all."""
    trajectories = list(trajectories)
    if not trajectories:
        raise ValueError(
            "trajectories must hold at least one Trajectory. Received none. Simulate some first."
        )
    for one in trajectories:
        check_trajectory(one)
    first = trajectories[0]
    for k, one in enumerate(trajectories):
        if len(one.times) < 2:
            raise ValueError(
                "Every trajectory must have at least one step (two times). "
                f"Received one time in trajectories[{k}]. Leave it out."
            )
        wanted = first.feature_names, first.force.shape[-1]
        received = one.feature_names, one.force.shape[-1]
        if received != wanted:
            raise ValueError(
                "All trajectories must have the same features and force. Received "
                f"{received[0]} and {received[1]} forces in trajectories[{k}], after {wanted[0]} "
                f"and {wanted[1]}. Make one dataset for each kind."
            )
        if abs(one.time_step - first.time_step) > 1e-6 * first.time_step:
            raise ValueError(
                "All trajectories must have the same time step. Received "
                f"{one.time_step:g} s in trajectories[{k}], after {first.time_step:g} s. "
                "Interpolate them to one time step first."
            )
    return trajectories


def _padding(mask_value, inputs):
    """`mask_value` in the dtype of the inputs; raises if it cannot tell padding from data."""
    mask_value = real_value("mask_value", mask_value, "the inputs' unit", arrays=False)
    with np.errstate(over="ignore"):
        padding = np.asarray(mask_value).astype(inputs.dtype)
    if padding.ndim or not np.isfinite(padding):
        raise ValueError(
            f"mask_value must be one number that {inputs.dtype} can hold. "
            f"Received: {mask_value!r}. Use a smaller one."
        )
    if (inputs == padding).any():
        raise ValueError(
            f"mask_value must not occur in the inputs. Received mask_value={mask_value:g}, which "
            "occurs in the data. Use a number outside the range of the data, such as -1e9."
        )
    return padding
