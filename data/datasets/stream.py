"""More trajectories than memory holds, computed while they are learned from."""

import numpy as np

from ..checks import positive_integer
from .stream_parts import StreamParts
from .stream_source import StreamSource

STEPS_AT_ONCE = 100_000  # of the trajectories of a block, together


def trajectory_stream(
    seed,
    shard_index=0,
    num_shards=1,
    start_index=0,
    mass=1.0,
    damping=(0.2, 0.6),
    stiffness=(0.5, 2.0),
    position=(-1.0, 1.0),
    velocity=(-1.0, 1.0),
    amplitude=None,
    angular_frequency=(0.5, 2.0),
    phase=(0.0, 2.0 * np.pi),
    force=None,
    time_step=0.1,
    num_steps=200,
    method="euler",
    inputs="states",
    features=None,
    targets=None,
    include_force=None,
    batch_size=32,
    dtype="float32",
):
    """An endless dataset of random damped oscillators, m x'' + γ x' + k x = F(t).

    | `inputs`                     | inputs                             | targets         |
    |------------------------------|------------------------------------|-----------------|
    | `"states"`                   | s_0 … s_{N−1}, and F_0 … F_{N−1}   | s_1 … s_N       |
    | `"force"`                    | F_0 … F_{N−1}                      | s_1 … s_N       |
    | `("force", "initial_state")` | F_0 … F_{N−1} and s_0              | s_1 … s_N       |

    The first are those of `forecast_windows(every_step=True)`, the others those of
    `system_identification_pairs`, all of shape `(batch, N, …)` (s_0: `(batch, features)`).

    The trajectory with the index i is a function of `seed` and i alone. Shard k of n has the
    indices k, k + n, k + 2n, …: n workers, each with its own `shard_index`, see the whole stream
    together, bit for bit the same whatever n and `batch_size` are, without a file that they share.
    Memory does not grow. As there is no end, `fit` needs `steps_per_epoch`, and every epoch has
    trajectories that were never seen before; for validation take another seed,
    `trajectory_stream(seed + 1, …).take(10)`.

    To go on after b batches of a shard, begin at
    `start_index + b · batch_size · num_shards`: nothing before it is computed.

    Args:
        seed: an integer ≥ 0.
        shard_index: k, an integer from 0 to `num_shards` − 1.
        num_shards: n, an integer ≥ 1.
        start_index: index at which the stream begins, before it is divided into shards.
        mass: m, number or range (lo, hi) to draw from uniformly, positive, in kg.
        damping: γ, number or (lo, hi), not negative, in kg/s.
        stiffness: k, number or (lo, hi), positive, in N/m.
        position: x0, number or (lo, hi), in m.
        velocity: v0, number or (lo, hi), in m/s.
        amplitude: A of a force A sin(ω t + φ), number or (lo, hi), in N; None for no such force.
        angular_frequency: ω of that force, number or (lo, hi), in rad/s.
        phase: φ of that force, number or (lo, hi), in rad.
        force: in place of the sinusoid, a force that all trajectories share, as
            `DampedOscillator` takes it.
        time_step: Δt, in s.
        num_steps: N, an integer ≥ 1.
        method: `"euler"`, `"euler_cromer"` or `"rk4"`, as for `simulate`.
        inputs: "states", "force", or a tuple of "force" and "initial_state", see above.
        features: names of the state's features among the inputs "states", None for all.
        targets: names of the features to predict, None for all.
        include_force: whether F is the last column of the inputs "states"; None: where there is
            a force.
        batch_size: trajectories in a batch; all batches are full.
        dtype: of inputs and targets, cast once from float64.

    Returns:
        `tf.data.Dataset` of (inputs, targets), of infinite cardinality.

    Raises:
        ValueError: as `sample_oscillators` and `simulate`, for a shard that does not exist, or for
            both a sinusoid and another force.

    Example:
    >>> stream = trajectory_stream(seed=1, amplitude=(0.2, 1.0), inputs="force", batch_size=8)
    >>> [tuple(part.shape) for part in stream.element_spec]
    [(8, 200, 1), (8, 200, 2)]
    """
    seed = positive_integer("seed", seed, at_least=0)
    batch_size = positive_integer("batch_size", batch_size)
    first, stride = _indices(start_index, shard_index, num_shards)
    ranges = {"mass": mass, "damping": damping, "stiffness": stiffness}
    ranges |= {"position": position, "velocity": velocity}
    wave = {"amplitude": amplitude, "angular_frequency": angular_frequency, "phase": phase}
    ranges |= wave if amplitude is not None else {}
    source = StreamSource(seed, ranges, force, time_step, num_steps, method)
    parts = StreamParts(inputs, features, targets, include_force, dtype)
    example = parts(source.extremes())
    num_batches = max(STEPS_AT_ONCE // (source.num_steps * batch_size), 1)
    size = num_batches * batch_size

    def block(number):
        """Every part of a block of trajectories, `(num_batches, batch_size, …)`."""
        begin = first + stride * size * int(number)
        arrays = parts(source.trajectories(begin, stride, size))
        return [a.reshape(num_batches, batch_size, *a.shape[1:]) for a in arrays]

    shapes = [(num_batches, batch_size, *array.shape[1:]) for array in example]
    return _dataset(block, shapes, example[0].dtype, parts.in_structure)


def _indices(start_index, shard_index, num_shards):
    """The first index of a shard, and from one index to the next."""
    start_index = positive_integer("start_index", start_index, at_least=0)
    shard_index = positive_integer("shard_index", shard_index, at_least=0)
    num_shards = positive_integer("num_shards", num_shards)
    if shard_index >= num_shards:
        raise ValueError(
            f"shard_index must be at most {num_shards - 1} for num_shards={num_shards}. "
            f"Received: {shard_index}. Shards are counted from 0."
        )
    return start_index + shard_index, num_shards


def _dataset(block, shapes, dtype, in_structure):
    """What `block(number)` gives for 0, 1, 2, …, batch by batch."""
    import tensorflow as tf

    @tf.autograph.experimental.do_not_convert
    def tensors(number):
        parts = tf.numpy_function(block, [number], [dtype] * len(shapes), stateful=False)
        return in_structure([tf.ensure_shape(part, s) for part, s in zip(parts, shapes)])

    with tf.device("CPU:0"):
        dataset = tf.data.Dataset.counter().map(tensors).unbatch().prefetch(2)
        dataset = dataset.apply(
            tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
        )
    options = tf.data.Options()
    options.autotune.enabled = False  # it would hold up short fits for seconds
    options.deterministic = True
    return dataset.with_options(options)
