"""Datasets in a new order in every epoch, and where in the series of orders they are."""

import contextlib
import contextvars

_states = contextvars.ContextVar("states of the datasets that are being made", default=None)


@contextlib.contextmanager
def shuffle_states():
    """Gives a list that gets the state of every shuffled dataset made inside the block.

    The order of an epoch depends on how many there were before. Whoever wants to go on at a later
    epoch in another process saves the values of these variables, and assigns them there.

    Yields:
        List of `tf.Variable`, in the order in which the datasets are made.
    """
    token = _states.set([])
    try:
        yield _states.get()
    finally:
        _states.reset(token)


def shuffled_batches(indices, batch_size, seed):
    """A `tf.data.Dataset` of batches of a tensor's entries, drawn anew in every epoch.

    Args:
        indices: tensor whose first axis is shuffled and divided into batches.
        batch_size: an integer ≥ 1; the last batch may be smaller.
        seed: an integer ≥ 0 that alone decides the orders.
    """
    import tensorflow as tf

    generator = tf.random.Generator.from_seed(seed, alg="philox")
    if _states.get() is not None:
        _states.get().append(generator.state)

    @tf.autograph.experimental.do_not_convert
    def one_epoch(_):
        seeds = generator.make_seeds()[:, 0]
        order = tf.random.experimental.stateless_shuffle(indices, seeds, alg="philox")
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    num_batches = -(-len(indices) // batch_size)
    epochs = tf.data.Dataset.range(1).flat_map(one_epoch)
    return epochs.apply(tf.data.experimental.assert_cardinality(num_batches))
