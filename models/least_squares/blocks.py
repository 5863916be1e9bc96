"""Many rows, block after block: so that memory does not grow with their number."""

import functools

import keras
import numpy as np

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

MOST_ROWS = 65_536  # at once: 16 MB for each array of 32 hidden units, as fast as larger blocks


def block_after_block(method):
    """A method of rows x `(num, …)` that takes many of them in blocks of `MOST_ROWS`.

    Rows must not depend on each other. With other arguments than None, such as targets, and in a
    graph whose number of rows is not known, the method has all rows at once.
    """

    @functools.wraps(method)
    def in_blocks(self, x, *args, **kwargs):
        if isinstance(x, list | tuple):
            if len(x) <= MOST_ROWS:
                return method(self, x, *args, **kwargs)
            x = np.asarray(x)
        num = num_rows(x)
        at_once = any(a is not None for a in (*args, kwargs.get("y"), kwargs.get("sample_weight")))
        if at_once or num is None or num <= MOST_ROWS:
            return method(self, x, *args, **kwargs)

        def of_rows(rows):
            return method(self, rows, *args, **kwargs)

        if tf.executing_eagerly():
            parts = [of_rows(some_rows(x, i, MOST_ROWS)) for i in range(0, num, MOST_ROWS)]
            return tf.nest.map_structure(lambda *part: tf.concat(part, axis=0), *parts)
        dtypes = tf.nest.map_structure(lambda part: part.dtype, of_rows(some_rows(x, 0, 2)))
        return mapped_blocks(lambda i: of_rows(some_rows(x, i, MOST_ROWS)), num, MOST_ROWS, dtypes)

    return in_blocks


def mapped_blocks(function, num, size, dtypes):
    """The results of a function of blocks of rows, one block in memory at a time, joined again.

    Args:
        function: of the first row of a block of `size` rows, returns tensors `(size, …)`.
        num: number of rows, at least `size`; the last block overlaps the one before.
        size: rows of a block.
        dtypes: of the results, in their structure.
    """
    num_blocks = -(-num // size)
    starts = np.minimum(np.arange(num_blocks) * size, num - size).astype("int32")
    results = tf.map_fn(function, starts, fn_output_signature=dtypes, parallel_iterations=1)

    def joined(parts):  # (num_blocks, size, …)
        shape = tf.shape(parts)[2:]
        whole = tf.reshape(parts[:-1], tf.concat([[(num_blocks - 1) * size], shape], axis=0))
        rest = parts[-1][num_blocks * size - num :]
        return tf.ensure_shape(tf.concat([whole, rest], axis=0), (num, *parts.shape[2:]))

    return tf.nest.map_structure(joined, results)


def num_rows(x):
    """Number of rows of an array or tensor, or of a dictionary of them; None if not known."""
    shapes = [_shape(a) for a in (x.values() if isinstance(x, dict) else [x])]
    if any(shape is None or shape[:1] == (None,) for shape in shapes):
        return None
    return max((shape[0] for shape in shapes if shape), default=1)


def some_rows(x, start, size):
    """`size` rows from `start` on, fewer at the end; single numbers serve all rows."""

    def part(a):
        shape = _shape(a)
        if not shape or shape[0] == 1:
            return a
        if isinstance(start, int):
            return a[start : start + size]
        return tf.slice(a, [start, *[0] * (len(shape) - 1)], [size, *shape[1:]])

    return {name: part(a) for name, a in x.items()} if isinstance(x, dict) else part(x)


def _shape(a):
    shape = a.shape if hasattr(a, "shape") else np.shape(a)
    return None if getattr(shape, "rank", 0) is None else tuple(shape)
