"""Checks inside of datasets: what is wrong shows only when a batch comes out."""

import contextlib
import re
import types

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

NO_ROWS = (
    "Every batch needs rows. Received a dataset with a batch of 0 rows. Leave such batches out."
)


def with_rows(data):
    """The same dataset or generator, which raises `NO_ROWS` at a batch without rows.

    Args:
        data: what `fit`, `evaluate` or `predict` was given; what is neither stays as it is, and so
            does a dataset that says how many rows its batches have.
    """
    if isinstance(data, types.GeneratorType):
        return _generated_with_rows(data)
    if not isinstance(data, tf.data.Dataset):
        return data
    specs = keras.tree.flatten(data.element_spec)
    known = specs and specs[0].shape.rank and specs[0].shape[0]
    if known or not all(isinstance(spec, tf.TensorSpec) for spec in specs):
        return data
    is_tuple = isinstance(data.element_spec, tuple)

    @tf.autograph.experimental.do_not_convert
    def checked(*batch):
        first = tf.nest.flatten(batch)[0]
        batch = raise_in_dataset(tf.reduce_any(tf.equal(tf.shape(first)[:1], 0)), NO_ROWS, batch)
        return batch if is_tuple else batch[0]

    return data.map(checked)


def _generated_with_rows(generator):
    for batch in generator:
        if keras.tree.flatten(batch)[0].shape[:1] == (0,):
            raise ValueError(NO_ROWS)
        yield batch


def raise_in_dataset(wrong, message, batch):
    """A batch of a dataset, a tuple, as it is; the dataset raises the message where it is wrong."""
    with tf.control_dependencies([tf.debugging.Assert(~wrong, [message])]):
        return tf.nest.map_structure(tf.identity, batch)


@contextlib.contextmanager
def dataset_errors_as_value_error(message=NO_ROWS):
    """What `raise_in_dataset` says through TensorFlow, as the `ValueError` of arrays.

    Args:
        message: regular expression of the messages meant.
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        found = re.search(message, str(error))
        if found is None:
            raise
        raise ValueError(found.group()) from error
