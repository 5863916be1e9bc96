"""Measured positions as one batch, from whatever form `fit` and `evaluate` take them in."""

from typing import NamedTuple

import keras
import numpy as np

from oscillator_zoo.data.checks import real_value
from oscillator_zoo.data.trajectories.trajectory import Trajectory

from ..base_model.array_batches import without_autotuning

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

NO_POSITIONS = (
    "Unknown parameters are found from data. Received no positions. "
    "Call fit(times, positions), or fit(trajectory)."
)


class MeasuredData(NamedTuple):
    """Data of one motion.

    | field       | content                                 | shape            |
    |-------------|-----------------------------------------|------------------|
    | `times`     | t_j, in s                               | (num, 1)         |
    | `positions` | y_j, in m                               | (num, dimension) |
    | `weights`   | w_j of their squares, 1/σ_j², or None   | (num,)           |
    """

    times: object
    positions: object
    weights: object = None

    def dataset(self, num_times=1):
        """The batch as a dataset, `num_times` times."""
        parts = tuple(part for part in self if part is not None)
        return without_autotuning(tf.data.Dataset.from_tensors(parts).repeat(num_times))


def holds_positions(x):
    """Whether times and positions are in one object."""
    is_dataset = isinstance(x, tf.data.Dataset)
    with_positions = is_dataset and isinstance(x.element_spec, tuple) and len(x.element_spec) > 1
    return with_positions or isinstance(x, Trajectory | keras.utils.PyDataset)


def data_batch(times, positions, domain, problem, sample_weight=None):
    """`MeasuredData` of float64 tensors, checked.

    Args:
        times: of the data, in s; or, without positions, a `Trajectory` of one motion or a
            `tf.data.Dataset` or `keras.utils.PyDataset` of batches (times, positions) or (times,
            positions, weights), read once.
        positions: measured, `(num,)` or `(num, dimension)`, in m.
        domain: `TimeDomain`.
        problem: `InitialValueProblem`.
        sample_weight: 1/σ² of each sample, or any multiple of it, `(num,)`, or None.

    Raises:
        ValueError: for data that are missing, given twice, not finite or of another shape.
    """
    is_dataset = isinstance(times, tf.data.Dataset | keras.utils.PyDataset)
    if isinstance(times, Trajectory) or is_dataset:
        _check_nothing_beside(times, positions, sample_weight if is_dataset else None)
    if isinstance(times, Trajectory):
        times, positions = _of_one_motion(times, problem.dimension)
    elif is_dataset:
        times, positions, sample_weight = _read(times)
    elif hasattr(times, "__next__"):
        raise ValueError(
            "Data of a motion are arrays, a Trajectory or a dataset, which can be read again. "
            f"Received: a {type(times).__name__}. Call fit(times, positions)."
        )
    if positions is None:
        raise ValueError(NO_POSITIONS)
    times = domain.checked(times)
    positions = real_value("positions", np.asarray(positions), problem.position_unit)
    expected = (len(times), problem.dimension)
    if np.shape(positions) not in (expected, (len(times),)) or np.size(positions) != np.prod(
        expected
    ):
        raise ValueError(
            f"Positions must have the shape {expected} for {len(times)} times. "
            f"Received {np.shape(positions)}. Give one row for each time."
        )
    positions = tf.constant(np.reshape(positions, expected), domain.dtype)
    weights = None if sample_weight is None else _checked_weights(sample_weight, len(times))
    return MeasuredData(
        tf.constant(times), positions, None if weights is None else tf.constant(weights)
    )


def _check_nothing_beside(data, positions, sample_weight):
    """Raise for positions or weights beside an object that has its own."""
    beside = {"y": positions, "sample_weight": sample_weight}
    given = [name for name, value in beside.items() if value is not None]
    if given:
        cure = {"y": "fit(times, y)", "sample_weight": "a dataset of (times, positions, weights)"}
        raise ValueError(
            f"A {type(data).__name__} brings its own {'positions' if 'y' in given else 'weights'}. "
            f"Received: {' and '.join(given)} beside it. Leave out one of them, or pass "
            f"{cure[given[0]]}."
        )


def _of_one_motion(trajectory, dimension):
    """Times and positions `(time, dimension)` of a `Trajectory`."""
    if len(trajectory) != 1:
        raise ValueError(
            f"Parameters are found from one motion. Received a Trajectory of {len(trajectory)}. "
            "Choose one, trajectory[0]."
        )
    return trajectory.times, trajectory.states[0, :, :dimension]


def _read(dataset):
    """Times, positions and weights of a dataset, arrays; all its batches one after the other."""
    if isinstance(dataset, tf.data.Dataset):
        if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError(
                "The data of a motion end. Received: a dataset that repeats itself for ever. "
                "Leave repeat() out: fit gives the data again in every step."
            )
        batches = list(dataset.as_numpy_iterator())
    else:
        batches = [dataset[i] for i in range(dataset.num_batches)]
    if not batches or any(not isinstance(b, tuple | list) or len(b) < 2 for b in batches):
        raise ValueError(NO_POSITIONS)
    times, *others = zip(*batches)
    times = [t["t"] if isinstance(t, dict) else t for t in times]  # with a plain force's values
    columns = [np.concatenate([np.atleast_1d(b) for b in column]) for column in (times, *others)]
    return (*columns, None)[:3]


def _checked_weights(sample_weight, num):
    """Weights `(num,)`, float64."""
    weights = np.asarray(sample_weight, np.float64)
    if weights.shape not in ((num,), (num, 1)) or not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(
            f"sample_weight must be one number ≥ 0 for each of {num} times, 1/σ² of the noise. "
            f"Received: {np.array2string(weights, threshold=6)}, of shape {weights.shape}. "
            "Leave it out where all are alike."
        )
    if not weights.any():
        raise ValueError(
            "Some data must count. Received sample_weight=0 for all of them. Leave it out."
        )
    return weights.reshape(-1)
