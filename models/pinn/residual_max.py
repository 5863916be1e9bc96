"""A metric that remembers the largest value."""

import keras
from keras import ops

from ..least_squares.distribution import largest_of_replicas


@keras.saving.register_keras_serializable("oscillator_zoo")
class Maximum(keras.metrics.Metric):
    """The largest value since the epoch began.

    Args:
        name: name of the metric.
        dtype: dtype of its state.

    Example:
    >>> metric = Maximum()
    >>> metric.update_state([1.0, 3.0]); metric.update_state([2.0])
    >>> float(metric.result())
    3.0
    """

    def __init__(self, name="maximum", dtype=None):
        super().__init__(name=name, dtype=dtype)
        # The replicas of a strategy hold the same number, and so does their mean.
        options = {"dtype": self.dtype, "aggregation": "mean", "name": "largest"}
        self.largest = self.add_variable((), initializer="zeros", **options)
        self.reset_state()

    def update_state(self, values, sample_weight=None):
        values = ops.cast(values, self.dtype)
        self.largest.assign(ops.maximum(self.largest, largest_of_replicas(ops.max(values))))

    def result(self):
        return ops.copy(self.largest)  # a value: the variable itself would go on changing

    def reset_state(self):
        self.largest.assign(ops.full((), float("-inf"), self.dtype))
