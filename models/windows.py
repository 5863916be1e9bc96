"""Time cut into windows: which one a time lies in, and how far inside."""

from typing import NamedTuple

import numpy as np
from keras import ops

from oscillator_zoo.data.sorted_times import count_up_to


class Place(NamedTuple):
    """Where times lie.

    | field     | content                                      | shape, unit     |
    |-----------|----------------------------------------------|-----------------|
    | `t`       | the times                                    | (num, 1), s     |
    | `window`  | index w of the window; None where there is one | (num,)        |
    | `elapsed` | t − e_w, the time since the window began     | (num, 1), s     |
    | `length`  | L_w of the window                            | (num, 1) or number, s |
    | `inputs`  | [τ, ξ] with τ = 2 (t − e_w)/L_w − 1          | (num, 1 + p)    |
    | `problem` | the equation, with the parameters of each row |                |
    """

    t: object
    window: object
    elapsed: object
    length: object
    inputs: object
    problem: object


def find_place(edges, t):
    """Window, elapsed time and window's length of times `(num, 1)`: the first fields of `Place`.

    A time on an edge belongs to the window that begins there. Times outside the interval, by
    rounding, belong to the first or last window.

    Args:
        edges: e_0 = t0, …, e_W = t0 + T, increasing, in s.
        t: tensor `(num, 1)`, in s.

    Returns:
        Tuple (window, elapsed, length); window is None where there is one.
    """
    if len(edges) == 2:
        return None, t - float(edges[0]), float(edges[1] - edges[0])
    window = count_up_to(edges[1:-1], ops.reshape(t, (-1,)), ops)
    begin = ops.take(ops.convert_to_tensor(edges[:-1], t.dtype), window)[:, None]
    length = ops.take(ops.convert_to_tensor(np.diff(edges), t.dtype), window)[:, None]
    return window, t - begin, length
