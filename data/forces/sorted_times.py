"""Where a time lies among sorted times, in steps that every runtime has."""

import numpy as np

FEW = 32  # times of which all are compared: fewer operations than the steps of halving


def count_up_to(sorted_times, t, ops):
    """How many of the sorted times are ≤ t; of many, by halving: the memory of t, log2(num) steps.

    It is `numpy.searchsorted(sorted_times, t, side="right")` to the bit, but counts none for NaN.
    It consists of look-ups and comparisons only, which LiteRT and ONNX have too. (They have no
    binary search, and XLA's compares each time with all of the others.)

    Args:
        sorted_times: increasing numbers, an array `(num,)`.
        t: tensor of any shape.
        ops: `keras.ops`.

    Returns:
        Integers, int32, of the shape of `t`.

    Example:
    >>> from keras import ops
    >>> t = ops.convert_to_tensor([-0.5, 1.0, 9.0])
    >>> count_up_to(np.array([0.0, 1.0, 2.0]), t, ops).numpy()
    array([0, 2, 3], dtype=int32)
    """
    if len(sorted_times) <= FEW:
        reached = t[..., None] >= ops.convert_to_tensor(np.asarray(sorted_times), t.dtype)
        return ops.sum(ops.cast(reached, "int32"), axis=-1)
    levels = len(sorted_times).bit_length()
    padded = np.full(2**levels, np.inf)
    padded[: len(sorted_times)] = sorted_times
    padded = ops.convert_to_tensor(padded, t.dtype)
    count = ops.cast(ops.zeros_like(t), "int32")
    for level in reversed(range(levels)):
        reached = t >= ops.take(padded, count + (2**level - 1))
        count = count + 2**level * ops.cast(reached, "int32")
    return ops.minimum(count, len(sorted_times))  # t = inf reaches the padding too
