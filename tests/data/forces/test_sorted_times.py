"""Places among sorted times are NumPy's, on both sides of every time, in every kind of graph."""

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from oscillator_zoo.data.forces.sorted_times import count_up_to
from oscillator_zoo.models.trial_solution.time_windows import find_place


@pytest.mark.parametrize("num", [0, 1, 2, 3, 7, 8, 9, 1000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_count_is_that_of_numpy_on_both_sides_of_every_time(num, dtype):
    times = np.cumsum(np.random.default_rng(num).uniform(1e-3, 1.0, num)).astype(dtype)
    sides = [np.nextafter(times, s, dtype=dtype) for s in (-np.inf, np.inf)]
    t = np.concatenate([times, *sides, [-np.inf, -1.0, 1e9, np.inf]]).astype(dtype)[:, None]
    expected = np.searchsorted(times, t, side="right")
    count = lambda t: count_up_to(times, t, ops)  # noqa: E731
    for how in (count, tf.function(count), tf.function(count, jit_compile=True)):
        np.testing.assert_array_equal(how(tf.constant(t)), expected)


def test_nan_counts_none():
    assert count_up_to(np.array([0.0, 1.0]), tf.constant([np.nan], "float64"), ops) == 0


def test_a_hundred_thousand_windows_take_no_table_of_times_by_edges():
    """That table would have 2e10 entries."""
    edges = np.arange(100_001.0)
    t = tf.constant(np.repeat(edges[:-1], 2)[:, None] + [[0.0], [0.5]] * 100_000)
    place = find_place(edges, t)
    np.testing.assert_array_equal(place.window, np.repeat(np.arange(100_000), 2))
    np.testing.assert_array_equal(place.elapsed[:, 0], np.tile([0.0, 0.5], 100_000))
    assert (np.asarray(place.length) == 1.0).all()
