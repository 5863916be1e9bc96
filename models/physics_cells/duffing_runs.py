"""Free runs of the Duffing equation itself, many oscillators at once."""

import keras
import numpy as np

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

COURSES = ("smooth", "linear", "held")  # of a force between samples, see `force_between`
REACH = 24  # samples to each side that make a smooth force, but for one part in 1e5 of it
WINDOW = 10.0  # shape of Kaiser's window: sidelobes at −100 dB
LARGEST_ANGLE = 0.08  # ω0 times a step of RK4, which damps by 3e-7 a radian of its own


def force_between(force, num_parts, course):
    """The force within every step, as Runge–Kutta steps need it.

    | course     | between t_n and t_{n+1}                                                   |
    |------------|---------------------------------------------------------------------------|
    | `"smooth"` | Σ_k u_k sinc(t/Δt − k) w(t/Δt − k): no frequency above half the sampling rate |
    | `"linear"` | the straight line from u_n to u_{n+1}                                     |
    | `"held"`   | u_n                                                                       |

    Args:
        force: u_0 … u_N, `(N + 1,)`.
        num_parts: Runge–Kutta steps in one step of the record.
        course: one of the three.

    Returns:
        `(N, 2·num_parts + 1)`: at the ends and the middles of the parts.
    """
    return force_at(force, np.arange(2 * num_parts + 1) / (2 * num_parts), course)


def force_at(force, shares, course):
    """The same at any shares of every step, 0 at its beginning and 1 at its end."""
    if course == "held":
        return np.repeat(force[:-1, None], len(shares), axis=1)
    if course == "linear":
        return force[:-1, None] + shares * np.diff(force)[:, None]
    mirrored = np.pad(force, REACH, mode="reflect", reflect_type="odd")
    columns = []
    for share in shares:
        distance = np.arange(1 - REACH, REACH + 1) - share
        inside = np.clip(1.0 - (distance / REACH) ** 2, 0.0, None)
        weights = np.sinc(distance) * np.i0(WINDOW * np.sqrt(inside))
        columns.append(np.correlate(mirrored, weights / weights.sum(), "valid")[1 : len(force)])
    return np.stack(columns, axis=1)


def check_backend():
    """Raise where there is no TensorFlow to compile the runs."""
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ValueError(
            f"fit_duffing needs TensorFlow. Received the Keras backend {backend!r}. Set the "
            "environment variable KERAS_BACKEND=tensorflow before Keras is imported."
        )


def free_runs(constants, starts, force, step):
    """Positions of several oscillators under one force, by RK4, from several starts each.

        y'' = G u + c − d y' − s_1 y − s_2 y² − s_3 y³

    Args:
        constants: rows (s_1, d, s_2, s_3, G, c), `(num, 6)`.
        starts: (y_0, y'_0) of every window, `(num, windows, 2)`.
        force: of `force_between`, cut into windows, `(windows, N, 2·num_parts + 1)`.
        step: of RK4, in the unit of time of the constants.

    Returns:
        y_0 … y_N, `(num, windows, N + 1)`; not finite after a run has left the range of numbers.
    """
    arrays = (np.asarray(a, np.float64) for a in (constants, starts, force, step))
    return np.asarray(_compiled()(*map(tf.constant, arrays)))


_graphs = []


def _compiled():
    if not _graphs:  # one for all: TensorFlow keeps a trace for every shape
        _graphs.append(tf.function(_free_runs, jit_compile=True, autograph=False))
    return _graphs[0]


def _free_runs(constants, starts, force, step):
    s1, d, s2, s3, gain, constant = tf.split(constants, 6, axis=1)
    y, v = tf.unstack(starts, axis=2)
    _, num_steps, num_times = force.shape
    num_parts = (num_times - 1) // 2
    ends = [force[:, :, i : i + 2 * num_parts : 2] for i in range(3)]  # of parts, and middles
    forces = [tf.reshape(end, (end.shape[0], -1)) for end in ends]
    forces = tf.transpose(tf.stack(forces), (2, 0, 1))

    def slope(y, v, u):
        return v, gain * u + constant - d * v - y * (s1 + y * (s2 + y * s3))

    def advance(n, y, v, run):
        start, middle, end = tf.unstack(forces[n])
        v1, a1 = slope(y, v, start)
        v2, a2 = slope(y + 0.5 * step * v1, v + 0.5 * step * a1, middle)
        v3, a3 = slope(y + 0.5 * step * v2, v + 0.5 * step * a2, middle)
        v4, a4 = slope(y + step * v3, v + step * a3, end)
        y += step * (v1 + 2.0 * v2 + 2.0 * v3 + v4) / 6.0
        v += step * (a1 + 2.0 * a2 + 2.0 * a3 + a4) / 6.0
        return n + 1, y, v, run.write(n, y)

    total = num_steps * num_parts
    run = tf.TensorArray(tf.float64, total)
    *_, run = tf.while_loop(lambda n, *_: n < total, advance, (0, y, v, run))
    run = tf.transpose(run.stack()[num_parts - 1 :: num_parts], (1, 2, 0))
    return tf.concat([starts[:, :, :1], run], axis=2)
