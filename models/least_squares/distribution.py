"""Training on several devices, of one machine or of several, under a `tf.distribute.Strategy`.

Each device, a replica, gets its part of every batch, and the gradients of the parts are added up.
For the sum to be the gradient of the whole batch's mean, the mean over the n_i samples of a replica
has to count for n_i / Σ_j n_j:

    C = Σ_i (n_i / Σ_j n_j) · C_i
"""

import keras
from keras import ops

from .whole_batch_optimizer import WholeBatchOptimizer

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def num_replicas(strategy=None):
    """Number of devices that share each batch; 1 without a strategy.

    Args:
        strategy: `tf.distribute.Strategy`, None for the one in whose scope this is called.
    """
    return (strategy or tf.distribute.get_strategy()).num_replicas_in_sync


def part_of_cost(cost, x):
    """What a replica adds to the cost of the whole batch, n_i / Σ_j n_j · C_i, else C itself.

    Args:
        cost: C_i, the mean over the replica's samples; NaN where it got none.
        x: inputs, a tensor or a structure of tensors `(n_i, …)`.
    """
    if num_replicas() == 1:
        return cost
    size = ops.cast(num_samples(x), cost.dtype)
    total = tf.distribute.get_replica_context().all_reduce("SUM", size)
    return tf.math.multiply_no_nan(cost, size / total)


def zero_without_samples(cost, x):
    """The cost, or zero in a replica that got no samples, whose mean is NaN."""
    if num_replicas() == 1:
        return cost
    return ops.where(num_samples(x) > 0, cost, ops.zeros_like(cost))


def largest_of_replicas(value):
    """The largest of a number `()` over all replicas, the same in each of them."""
    if num_replicas() == 1 or tf.distribute.in_cross_replica_context():
        return value
    return ops.max(tf.distribute.get_replica_context().all_gather(value[None], axis=0))


def num_samples(x):
    """Length of the first axis, a tensor."""
    return ops.shape(keras.tree.flatten(x)[0])[0]


def check_distribution(model):
    """Raise for a compiled model that cannot be trained under its strategy.

    Args:
        model: `LeastSquaresModel`, compiled.

    Raises:
        ValueError: for `LevenbergMarquardt` under a `MirroredStrategy`, of one device too; for
            compiling by XLA, or several steps in one call, on more than one device.
    """
    strategy = model.distribute_strategy
    devices = num_replicas(strategy)
    mirrored = devices > 1 or isinstance(strategy, tf.distribute.MirroredStrategy)
    if mirrored and isinstance(model.optimizer, WholeBatchOptimizer):
        raise ValueError(
            f"{type(model.optimizer).__name__} works on all residuals of a batch at once, on "
            f"one device. Received: a {type(model).__name__} under a {type(strategy).__name__}. "
            "Make and compile it outside of strategy.scope(), or use keras.optimizers.Adam."
        )
    if devices > 1 and (model.jit_compile or model.steps_per_execution > 1):
        raise ValueError(
            "A training step that is spread over several devices is not compiled by XLA, and is "
            f"one call. Received: jit_compile={model.jit_compile} and steps_per_execution="
            f"{model.steps_per_execution} for {devices} replicas. Leave them out."
        )


def check_batches(dataset, strategy):
    """Raise for batches that Keras cannot split evenly among the devices.

    Args:
        dataset: what is given to `fit` or `evaluate`; only a `tf.data.Dataset` is checked.
        strategy: the model's `tf.distribute.Strategy`.

    Raises:
        ValueError: for a known size of the batches that the number of devices does not divide.
    """
    devices = num_replicas(strategy)
    if devices == 1 or not isinstance(dataset, tf.data.Dataset):
        return
    shapes = [spec.shape for spec in tf.nest.flatten(dataset.element_spec)]
    sizes = {shape[0] for shape in shapes if shape.rank and shape[0] is not None}
    uneven = [size for size in sizes if size % devices]
    if uneven:
        raise ValueError(
            f"Batches are split evenly among {devices} replicas. Received batches of {uneven[0]}. "
            f"Use a size that {devices} divides, such as {uneven[0] + -uneven[0] % devices}."
        )
