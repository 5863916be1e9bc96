"""Many training steps in one call: a loop inside XLA, so that weights do not leave it between."""

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def many_steps(model):
    """What `fit` calls in the place of Keras's loop over compiled steps.

    A compiled step of Keras reads and writes all weights, moments and metrics; for a network in
    time that takes as long as the step itself. Here `steps_per_execution` steps are one loop that
    is compiled as a whole, and takes what `jax.lax.scan` does.

    Args:
        model: a compiled `keras.Model`, on one device.

    Returns:
        Function of an iterator over batches of fixed shapes, at least `steps_per_execution` of
        them; it returns the logs after the last.
    """
    num = model.steps_per_execution

    @tf.function(autograph=False, jit_compile=True)
    def train(batches):  # each tensor (steps, …)
        def batch(k):
            return tf.nest.map_structure(lambda a: a[k], batches)

        one_step = tf.function(model.train_step, autograph=False)
        one_step = one_step.get_concrete_function(batch(0))  # traced once, says what it returns
        logs = tf.nest.map_structure(
            lambda a: tf.zeros(a.shape, a.dtype), one_step.structured_outputs
        )
        begin = tf.constant(0), logs
        return tf.while_loop(lambda k, _: k < num, lambda k, _: (k + 1, one_step(batch(k))), begin)

    @tf.function(autograph=False, reduce_retracing=True)
    def train_on(iterator):
        spec = iterator.element_spec
        numbers = tf.range(num)
        batches = tf.map_fn(
            lambda _: iterator.get_next(), numbers, fn_output_signature=spec, parallel_iterations=1
        )
        return train(batches)[1]

    return train_on


def has_fixed_shapes(dataset):
    """Whether all batches of a dataset have one shape, which a compiled loop needs."""
    specs = tf.nest.flatten(dataset.element_spec)
    return all(spec.shape.is_fully_defined() for spec in specs)
