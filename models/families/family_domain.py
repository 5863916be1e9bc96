"""Where a family of solutions holds: an interval of time, and a box of parameters."""

import keras
import numpy as np
from keras import ops

from ..base_model.dataset_checks import raise_in_dataset
from ..trial_solution.domain import TimeDomain, checked_times, is_outside, nan_where
from .family_sketch import FamilySketch

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


class FamilyDomain(TimeDomain):
    """Times t0 … t0 + T with a value of each parameter, {"t": times, "damping": values}.

    All are `(num,)` or `(num, 1)`, or single numbers that serve every row. Values outside the
    ranges raise.

    Args:
        problem: `InitialValueProblem`, which has t0.
        duration: T, in s.
        box: `ParameterBox`.
        dtype: dtype of the tensors.
    """

    def __init__(self, problem, duration, box, dtype):
        super().__init__(problem, duration, dtype)
        self.box = box

    def make_sketch(self):
        return FamilySketch(self.problem, self.box, self.duration)

    @property
    def ranges(self):
        """Pairs [lo, hi] by name of the parameter."""
        return self.box.ranges

    def called_with(self, inputs):
        if any(map(keras.backend.is_keras_tensor, _leaves(inputs))):
            return inputs
        return self.rows(inputs)

    def checked(self, inputs):
        """Times and parameters by name as arrays `(num, 1)`; raises for values outside."""
        columns = self.box.columns(inputs)
        return {**columns, "t": checked_times(columns["t"], self.start_time, self.duration)}

    def rows(self, inputs):
        """Times and parameters by name as tensors, each `(num, 1)`."""
        self.box.check_names(inputs)
        given = inputs
        if not any(tf.is_symbolic_tensor(leaf) for leaf in _leaves(inputs)):
            checked = self.checked(inputs)
            given = {n: a if tf.is_tensor(a) else checked.get(n, a) for n, a in inputs.items()}
        columns = {
            name: ops.reshape(ops.cast(given[name], self.dtype), (-1, 1))
            for name in ("t", *self.box.names)
        }
        rows = _of_one_size(columns)
        return {**rows, "node": given["node"]} if "node" in given else rows

    def times(self, inputs):
        return self.rows(inputs)["t"]

    def at_parameters(self, function, rows):
        """A function of the rows as a function of t alone, for the parameters of the rows."""
        return lambda t: function({**rows, "t": t})

    def check_batch(self, *batch):
        """A batch of a dataset as it is; raises where it leaves the interval or the box."""
        columns = batch[0]
        self.box.check_names(columns)
        outside = self.box.is_outside(columns)
        for name in self.box.names:
            outside |= tf.math.is_nan(columns[name])
        message = self.box.outside_message("values outside in a dataset")
        return super().check_batch(*raise_in_dataset(tf.reduce_any(outside), message, batch))

    def nan_outside(self, rows):
        """The rows, with NaN for times outside the interval or beside outside parameters."""
        t = rows["t"]
        outside = is_outside(t, self.start_time, self.duration) | self.box.is_outside(rows)
        return {**rows, "t": t + tf.cast(nan_where(outside), t.dtype)}

    def signature(self):
        """What an exported file takes: times and a parameter of each row, by name."""
        names = ("t", *self.box.names)
        return {name: tf.TensorSpec((None, 1), self.dtype, name) for name in names}


def _of_one_size(columns):
    """Columns `(num, 1)`, of which some may have one row that serves all."""
    sizes = {name: column.shape[0] for name, column in columns.items()}
    if len(set(sizes.values())) == 1:
        return columns
    longest = max(columns, key=lambda name: np.inf if sizes[name] is None else sizes[name])
    num = ops.shape(columns[longest])[0]
    return {name: ops.broadcast_to(column, (num, 1)) for name, column in columns.items()}


def _leaves(inputs):
    return list(inputs.values()) if isinstance(inputs, dict) else [inputs]
