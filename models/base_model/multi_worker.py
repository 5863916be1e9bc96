"""Several machines train one model, under TensorFlow's `MultiWorkerMirroredStrategy`.

Keras 3.15 asks two things of a strategy that this one refuses (keras#20585): `several_machines`
makes it answer them. Nothing of Keras itself is changed.
"""

import atexit
import functools
import pathlib
import shutil
import tempfile


def several_machines(strategy=None):
    """A strategy under which the `fit` of any Keras model trains on several machines.

        ∇C = Σ_k (n_k / Σ_j n_j) ∇C_k

    Worker k, a process on each machine, has the gradient of its n_k samples of every batch; the
    sum moves the same weights everywhere. `fit`, `evaluate` and `predict` are called by every
    worker, with the same arguments, and return the same in each.

    Which machines there are is said by the environment variable `TF_CONFIG`, TensorFlow's own
    convention: {"cluster": {"worker": ["host:port", …]}, "task": {"type": "worker", "index": k}}.
    Without it there is one worker, this process. Call this first in a program: TensorFlow starts
    the worker here, and waits for the others.

    Under it a dataset has to be divided among the workers; `AutoShardPolicy.OFF`, by which each
    would train on other data than was meant, is refused. Files are for the first worker to write,
    the chief: `chief_path` tells the others another place. Models of this package divide, write and
    train so under any `MultiWorkerMirroredStrategy`, without this function.

    TensorFlow listens on all interfaces of a machine, to whoever can reach its port, without a
    password: only let the workers themselves reach it.

    Args:
        strategy: `tf.distribute.MultiWorkerMirroredStrategy`, None for that of this process, which
            has one only.

    Returns:
        The strategy. Make and compile a model in its `scope()`.

    Raises:
        ValueError: for another kind of strategy.
        RuntimeError: by TensorFlow, if it has begun to work before.

    Example:
    >>> import keras
    >>> strategy = several_machines()
    >>> with strategy.scope():
    ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    >>> strategy.num_replicas_in_sync
    1
    """
    import tensorflow as tf

    if strategy is None:
        strategy = _of_this_process()
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        raise ValueError(
            "Several machines train under a tf.distribute.MultiWorkerMirroredStrategy. "
            f"Received a {type(strategy).__name__}. Call several_machines() at the start of the "
            "program."
        )
    answer_keras(strategy)
    return strategy


@functools.cache
def _of_this_process():
    import tensorflow as tf

    return tf.distribute.MultiWorkerMirroredStrategy()


def chief_path(path, strategy):
    """Where this worker writes a file: `path` on the chief, elsewhere a place that is thrown away.

    So every worker runs the same program, and one of them writes:
    `model.save(chief_path("model.keras", strategy))`.

    Args:
        path: of a file or folder.
        strategy: what `several_machines` returned; with other strategies every path is as it was.

    Returns:
        `pathlib.Path`.
    """
    if not has_several_workers(strategy) or strategy.extended.should_checkpoint:
        return pathlib.Path(path)
    return _thrown_away() / pathlib.Path(path).name


@functools.cache
def _thrown_away():
    """A folder that goes when the process ends."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return pathlib.Path(folder)


def has_several_workers(strategy):
    """Whether several processes train together under a strategy."""
    import tensorflow as tf

    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return False
    cluster = strategy.cluster_resolver.cluster_spec().as_dict()
    return len(cluster.get("chief", ())) + len(cluster.get("worker", ())) > 1


def answer_keras(strategy):
    """Let a `MultiWorkerMirroredStrategy` answer what Keras's `fit` asks; others stay as they are.

    (1) `fit` wants to know the shapes of a batch, and asks for the mean of a whole (x, y), where
    the strategy takes one value at a time. The worker's own part has these shapes.
    (2) It asks for the mean of the loss, a number, along an axis, where a number has none.
    """
    import tensorflow as tf

    if not has_several_workers(strategy) or "reduce" in vars(strategy):
        return
    reduce, distribute = strategy.reduce, strategy.experimental_distribute_dataset

    def own_part(value):
        return strategy.experimental_local_results(value)[0]

    def reduce_for_keras(reduce_op, value, axis=None):
        if tf.nest.is_nested(value):
            return tf.nest.map_structure(own_part, value)
        return reduce(reduce_op, value, None if own_part(value).shape.rank == 0 else axis)

    def distribute_divided(dataset, options=None):
        _check_division(dataset)
        return distribute(dataset, options)

    strategy.reduce = reduce_for_keras
    strategy.experimental_distribute_dataset = distribute_divided


def _check_division(dataset):
    """Raise for a dataset that is not divided among the workers."""
    import tensorflow as tf

    off = tf.data.experimental.AutoShardPolicy.OFF
    if dataset.options().experimental_distribute.auto_shard_policy == off:
        raise ValueError(
            "Each worker has its part of every batch, so TensorFlow has to divide the dataset. "
            "Received: AutoShardPolicy.OFF, by which every worker would train on the beginning of "
            "every batch, and none on the rest. Leave that option out, or let each worker make "
            "its own part: strategy.distribute_datasets_from_function(…)."
        )
