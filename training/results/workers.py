"""The workers that train a recipe together, where `TF_CONFIG` names several."""

import contextlib
import json
import os

import tensorflow as tf

from oscillator_zoo.models import several_machines
from oscillator_zoo.models.base_model.multi_worker import has_several_workers

EXAMPLE = (
    '{"cluster": {"worker": ["host:port", "host:port"]}, "task": {"type": "worker", "index": 0}}'
)


def training_strategy():
    """That of the workers in `TF_CONFIG`, None for a process that trains alone.

    Raises:
        ValueError: if `TF_CONFIG` is not as TensorFlow has it, or in the scope of a strategy for
            several machines.
    """
    if has_several_workers(tf.distribute.get_strategy()):
        raise ValueError(
            "train enters the scope of its workers itself, and evaluates outside of it. Received: "
            "a call inside of strategy.scope(). Call it outside."
        )
    return several_machines() if num_workers(os.environ.get("TF_CONFIG", "")) > 1 else None


def num_workers(text):
    """Number of workers that a `TF_CONFIG` names; 1 for an empty text."""
    if not text.strip():
        return 1
    try:
        config = json.loads(text)
        cluster = config.get("cluster", {})
        workers = {kind: list(cluster.get(kind, ())) for kind in ("chief", "worker")}
        if cluster:
            task = config["task"]
            workers[task["type"]][int(task["index"])]
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise ValueError(
            f"TF_CONFIG says which workers there are and which one this is: {EXAMPLE}. "
            f"Received: {text!r}. Correct it, or unset it to train in this process alone."
        ) from error
    return max(sum(map(len, workers.values())), 1)


def is_chief(strategy):
    """Whether this process writes the files: the first worker, or the only one."""
    return strategy is None or strategy.extended.should_checkpoint


def check_same_backup(strategy, epochs):
    """Raise, in every worker, unless all of them go on at the same epochs.

    Args:
        strategy: as `training_strategy` returns it.
        epochs: list of integers, where each `fit` goes on.
    """
    if strategy is None:
        return
    own = tf.constant([epochs])

    def gathered():
        return tf.distribute.get_replica_context().all_gather(own, axis=0)

    of_all = tf.function(lambda: strategy.run(gathered))()
    rows = strategy.experimental_local_results(of_all)[0].numpy().tolist()
    if any(row != rows[0] for row in rows):
        raise ValueError(
            "All workers go on with the backup that the chief wrote. Received: epochs "
            f"{', '.join(map(str, rows))}, one list for each worker. Pass an output folder on a "
            "file system that all machines share."
        )


@contextlib.contextmanager
def lost_workers_as_connection_error():
    """What TensorFlow reports of a worker that is gone, in words that say what to do."""
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.InternalError, tf.errors.AbortedError) as error:
        raise ConnectionError(
            "The workers of TF_CONFIG train together. Received: one that is gone or out of reach "
            f"({type(error).__name__}). Start all of them again, with resume=True "
            "(on the command line --resume)."
        ) from error
