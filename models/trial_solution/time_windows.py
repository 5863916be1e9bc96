"""Time cut into windows: which one a time lies in, and how far inside."""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from oscillator_zoo.data.checks import real_value
from oscillator_zoo.data.forces.sorted_times import count_up_to

from ..equation.budget import RADIANS

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

# A window holds so many numbers of float64 at least: Chebyshev's 56 points, the first of which lies
# .0002 of it inside, have to lie apart.
FEWEST_NUMBERS = 8192
MOST_HALVINGS = 12
MOST_TIMES_AS_MANY = 3  # windows as by the angle alone, and a few hundred


class Place(NamedTuple):
    """Where times lie.

    | field     | content                                          | shape, unit           |
    |-----------|--------------------------------------------------|-----------------------|
    | `t`       | the times                                        | (num, 1), s           |
    | `window`  | index w of the window; None where there is one   | (num,)                |
    | `elapsed` | t − e_w, the time since the window began         | (num, 1), s           |
    | `length`  | L_w of the window                                | (num, 1) or number, s |
    | `tau`     | τ = 2 (t − e_w)/L_w − 1                          | (num, 1)              |
    | `readout` | which readout of N: w, or as `DenseNetwork` says | (num,)                |
    | `problem` | the equation, with the parameters of each row    |                       |
    """

    t: object
    window: object
    elapsed: object
    length: object
    tau: object
    readout: object
    problem: object


def find_place(edges, t, problem=None):
    """`Place` of times, each in its window, with the window's own readout.

    A time on an edge belongs to the window that begins there. Times outside the interval, by
    rounding, belong to the first or last window.

    Args:
        edges: e_0 = t0, …, e_W = t0 + T, increasing, in s.
        t: tensor `(num, 1)`, in s.
        problem: the equation for the rows of t.
    """
    if len(edges) == 2:
        window, begin, length = None, float(edges[0]), float(edges[1] - edges[0])
    else:
        window = count_up_to(edges[1:-1], ops.reshape(t, (-1,)), ops)
        begin = tf.gather(ops.convert_to_tensor(edges[:-1], t.dtype), window)[:, None]
        length = tf.gather(ops.convert_to_tensor(np.diff(edges), t.dtype), window)[:, None]
    elapsed = t - begin
    return Place(t, window, elapsed, length, 2.0 * elapsed / length - 1.0, window, problem)


def edges_by_rule(sketch):
    """Edges of windows in which the motion turns by the same angle, ∫ ω dt ≤ `RADIANS`.

    Every time at which a force jumps or has a kink, as at a sample, is an edge: so does the
    acceleration there, and no smooth network can follow. Windows in which a polynomial of degree
    12 cannot follow it either, as beside a short pulse, are halved until it can. Of edges that are
    a few numbers of float64 apart, such as those of two samples for a jump, the last is kept.

    Args:
        sketch: `Sketch` of the motion.

    Returns:
        Increasing list of times in s, t0 and t0 + T included.
    """
    angle = sketch.angle
    end = sketch.times[-1]
    edges = [sketch.times[0]]
    for stop in [*(t for t in sketch.rough_times if t < end), end]:
        begin_angle, stop_angle = np.interp([edges[-1], stop], sketch.times, angle)
        num = max(int(np.ceil((stop_angle - begin_angle) / RADIANS)), 1)
        inner = np.linspace(begin_angle, stop_angle, num + 1)[1:-1]
        edges += [*np.interp(inner, angle, sketch.times).tolist(), stop]
    return _halved(_without_near(edges), sketch)


def shortest_window(start, end):
    """The least length of a window between two times, in s."""
    return FEWEST_NUMBERS * float(np.spacing(max(abs(start), abs(end))))


def _without_near(edges):
    """Increasing edges without those that are hardly before the next."""
    shortest = shortest_window(edges[0], edges[-1])
    kept = [edges[0]]
    for edge in edges[1:]:
        if edge - kept[-1] >= shortest:
            kept.append(edge)
        elif len(kept) > 1:
            kept[-1] = edge
    return np.array(kept)


def _halved(edges, sketch):
    """The edges, and the middles of windows in which the motion is not yet resolved.

    Where it never is, as at a kink of the equation in x, `MOST_HALVINGS` are enough.
    """
    most = MOST_TIMES_AS_MANY * len(edges) + 2 * MOST_HALVINGS**2
    shortest = shortest_window(*edges[[0, -1]])
    for _ in range(MOST_HALVINGS):
        cut = sketch.unresolved(edges) & (np.diff(edges) >= 2.0 * shortest)
        if not cut.any() or len(edges) + cut.sum() > most:
            break
        middles = 0.5 * (edges[:-1] + edges[1:])
        edges = np.sort(np.concatenate([edges, middles[cut]]))
    return edges.tolist()


def check_window_edges(edges, problem, duration):
    """The edges as a tuple of floats; one window where none are given."""
    start = problem.start_time
    if edges is None:
        return (float(start), float(start + duration))
    edges = np.atleast_1d(real_value("window_edges", np.asarray(edges), "s"))
    ends = np.array([start, start + duration])
    exact = np.concatenate([ends[:1], edges[1:-1], ends[1:]])  # first and last may be rounded
    if len(edges) < 2 or not np.allclose(edges[[0, -1]], ends) or not (np.diff(exact) > 0).all():
        raise ValueError(
            f"window_edges must increase from {ends[0]:g} s to {ends[1]:g} s. "
            f"Received: {edges.tolist()}. Leave it out to have windows by rule."
        )
    shortest = shortest_window(*exact[[0, -1]])
    k = int(np.diff(exact).argmin())
    if len(exact) > 2 and exact[k + 1] - exact[k] < shortest:
        raise ValueError(
            f"A window must be at least {shortest:.2g} s long here, so that float64 has times in "
            f"it. Received window_edges with {exact[k]:.17g} s and {exact[k + 1]:.17g} s. "
            "Leave one of the two out."
        )
    return tuple(exact.tolist())
