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

    def inputs(self, x):
        if any(map(keras.backend.is_keras_tensor, _leaves(x))):
            return x
        return self.rows(x)

    def checked(self, x):
        """Times and parameters by name as arrays `(num, 1)`; raises for values outside."""
        columns = self.box.columns(x)
        return {**columns, "t": checked_times(columns["t"], self.start_time, self.duration)}

    def rows(self, x):
        """Times and parameters by name as tensors, each `(num, 1)`."""
        self.box.check_names(x)
        if not any(tf.is_symbolic_tensor(leaf) for leaf in _leaves(x)):
            checked = self.checked(x)
            x = {name: a if tf.is_tensor(a) else checked.get(name, a) for name, a in x.items()}
        columns = {
            name: ops.reshape(ops.cast(x[name], self.dtype), (-1, 1))
            for name in ("t", *self.box.names)
        }
        rows = _of_one_size(columns)
        return {**rows, "node": x["node"]} if "node" in x else rows

    def times(self, x):
        return self.rows(x)["t"]

    def at_parameters(self, function, x):
        """A function of a batch as a function of t alone, for the parameters of the batch."""
        return lambda t: function({**x, "t": t})

    def check_batch(self, *batch):
        """A batch of a dataset as it is; raises where it leaves the interval or the box."""
        x = batch[0]
        self.box.check_names(x)
        outside = self.box.is_outside(x)
        for name in self.box.names:
            outside |= tf.math.is_nan(x[name])
        message = self.box.outside_message("values outside in a dataset")
        return super().check_batch(*raise_in_dataset(tf.reduce_any(outside), message, batch))

    def nan_outside(self, x):
        """The inputs, with NaN for times outside the interval or beside outside parameters."""
        outside = is_outside(x["t"], self.start_time, self.duration) | self.box.is_outside(x)
        return {**x, "t": x["t"] + tf.cast(nan_where(outside), x["t"].dtype)}

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


def _leaves(x):
    return list(x.values()) if isinstance(x, dict) else [x]
