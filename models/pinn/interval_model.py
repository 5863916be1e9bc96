"""How a model of the time is fed, saved and served."""

import keras
from keras import ops

from oscillator_zoo.data.problems.serialization import check_saveable

from ..equation.plain_forces import add_force, force_values, has_plain_force
from ..error_bounds.bound_table import bound_endpoint
from ..export.portable_graphs import graphs_without_tapes
from ..export.saved_model import write_endpoints, write_whole_folder
from ..least_squares.distribution import num_replicas
from ..least_squares.least_squares_model import LeastSquaresModel
from ..saving.saveable import check_registered_function
from ..trial_solution.domain import (
    checked_times,
    is_outside,
    nan_where,
    outside_times_as_value_error,
)

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

LONG_FIT, LONGEST_CALL = 1000, 100  # steps
NO_WEIGHTS = (
    "A PINN weighs all collocation points alike. Received: sample_weight. "
    "Put more points where the solution needs them."
)


class IntervalModel(LeastSquaresModel):
    """A least-squares model of the time t between t0 and t0 + T: what `PINN` is built on.

    It checks times where they are concrete numbers, adds the values of a force that only NumPy
    can evaluate, and writes files. Subclasses have the attributes `problem`, `duration`, `h1`,
    `h2`, `activation` and the methods `derivatives`, `residual` and `error_bound_table`.
    """

    def __call__(self, t, *args, **kwargs):
        numbers = isinstance(t, list | tuple | float | int)
        return super().__call__(self.checked(t) if numbers else t, *args, **kwargs)

    def column(self, t):
        """Times, or {"t": times}, as a tensor `(num, 1)`; raises for times outside the interval."""
        t = t["t"] if isinstance(t, dict) else t
        if not tf.is_symbolic_tensor(t):  # in a graph under construction they are not known yet
            times = self.checked(t)
            t = t if tf.is_tensor(t) else times
        return ops.reshape(ops.cast(t, self.compute_dtype), (-1, 1))

    def checked(self, t):
        """Times as an array `(num, 1)`; raises for times outside the interval."""
        return checked_times(t, self.problem.start_time, self.duration)

    def as_dataset(self, x, y=None, sample_weight=None, batch_size=32, shuffle=False):
        """Batches of times, checked, with targets for compiled metrics only."""
        if sample_weight is not None:
            raise ValueError(NO_WEIGHTS)
        return super().as_dataset(self.checked(x), y, None, batch_size, shuffle)

    def prepare(self, dataset):
        """Checks the times of a dataset; puts the values of a plain force beside them."""
        if not isinstance(dataset, tf.data.Dataset):
            return dataset
        dataset = super().prepare(dataset)
        start, duration = self.problem.start_time, self.duration
        checked = dataset.map(lambda *batch: _inside(batch, start, duration))
        return add_force(checked, self.problem)

    def compile(self, *args, **kwargs):
        """As `LeastSquaresModel.compile`.

        Unless `steps_per_execution`, `jit_compile` or `run_eagerly` is given, a `fit` of at least
        1000 steps on a dataset takes 100 steps in one call and compiles them by XLA: twice as
        fast for a network in time, and not worth the seconds of compiling for a shorter one.
        """
        given = {"steps_per_execution", "jit_compile", "run_eagerly"} & kwargs.keys()
        self.is_execution_given = bool(given)
        super().compile(*args, **kwargs)

    def fit(self, x=None, y=None, batch_size=None, epochs=1, *args, **kwargs):
        """`keras.Model.fit` on times in s; `fit(epochs=…)` takes `collocation_points()`."""
        x = self.collocation_points() if x is None else x
        self.choose_execution(x, epochs)
        with outside_times_as_value_error():
            return super().fit(x, y, batch_size, epochs, *args, **kwargs)

    def choose_execution(self, x, epochs):
        """Whether the steps of a fit are compiled by XLA, many in one call."""
        if self.is_execution_given or not isinstance(x, tf.data.Dataset):
            return
        per_epoch = int(x.cardinality())
        is_long = per_epoch * epochs >= LONG_FIT and self.optimizer_is_ordinary
        is_long &= num_replicas(self.distribute_strategy) == 1
        steps = min(per_epoch, LONGEST_CALL) if is_long else 1
        if (steps, is_long) != (self.steps_per_execution, self.jit_compile):
            self.steps_per_execution, self.jit_compile = steps, is_long
            self.train_function = None  # made anew by fit

    def evaluate(self, x=None, *args, **kwargs):
        """`keras.Model.evaluate` at times in s, by default at `collocation_points()`."""
        points = self.collocation_points(steps_per_epoch=1) if x is None else x
        with outside_times_as_value_error():
            return super().evaluate(points, *args, **kwargs)

    def predict(self, x, *args, **kwargs):
        """`keras.Model.predict` at times in s."""
        with outside_times_as_value_error():
            return super().predict(self.prepare(x), *args, **kwargs)

    def batch(self, t):
        """One batch for `train_on_batch`: times, checked, with the values of a plain force."""
        times = self.checked(t)
        if not has_plain_force(self.problem):
            return times
        return {"t": times, "force": force_values(self.problem, times)}

    def train_on_batch(self, x, *args, **kwargs):
        return super().train_on_batch(self.batch(x), *args, **kwargs)

    def test_on_batch(self, x, *args, **kwargs):
        return super().test_on_batch(self.batch(x), *args, **kwargs)

    def save(self, filepath, overwrite=True, **kwargs):
        """`keras.Model.save` to a `.keras` file, whole or not at all, problem included.

        Raises:
            ValueError: if the problem, its force, h1, h2 or the activation cannot be saved.
        """
        check_saveable(self.problem)
        for name in ("h1", "h2", "activation"):
            check_registered_function(name, getattr(self, name))
        super().save(filepath, overwrite=overwrite, **kwargs)

    def export(self, filepath, format="tf_saved_model", **kwargs):
        """Write a SavedModel that serves x, v, a and the residual for times `(num, 1)` in s.

        The endpoints are `serve` (as Keras calls it) and `x`, both the position in m, `v` in
        m/s, `a` in m/s² and `residual` in the unit of the equation, and, where
        `PINN.error_bound` has a proof, `error_bound` of the position in m: a table for the
        weights as they are, rounded up. Each takes a float64 tensor `(num, 1)` and gives NaN
        outside the interval. Reload it with `tf.saved_model.load(folder)`
        or with `keras.layers.TFSMLayer(folder, call_endpoint="residual", dtype="float64")`.

        Args:
            filepath: folder to write, new, empty, or with a SavedModel to replace.
            format: "tf_saved_model"; "litert" and "onnx", see `export_model`; others are left to
                `keras.Model.export`.
            **kwargs: as for `keras.Model.export`.

        Raises:
            ValueError: if the force is a plain function, which no graph can hold, or for a folder
                with something else in it.
        """
        if format != "tf_saved_model":
            super().export(filepath, format=format, **kwargs)
            return
        signature, inside = self.export_signature(), self.nan_outside
        endpoints = {
            "serve": lambda x: self(inside(x)),
            "x": lambda x: self(inside(x)),
            "v": lambda x: self.derivatives(inside(x))[1],
            "a": lambda x: self.derivatives(inside(x))[2],
            "residual": lambda x: self.residual(inside(x)),
        }
        table = self.error_bound_table()
        if table is not None:
            endpoints["error_bound"] = bound_endpoint(table)
        # The same derivatives in a graph half as large as that of tapes.
        with graphs_without_tapes(), write_whole_folder(filepath) as temporary:
            write_endpoints(temporary, self, endpoints, [signature])

    def export_results(self, x):
        """What a file of another runtime computes: x in m, v, a, the residual and its bound.

        Args:
            x: times `(num, 1)`, in s, or {"t": times, …}; NaN is returned outside the interval.

        Returns:
            Tensors `(num, dimension)` by the names of the SavedModel's endpoints.
        """
        inside = self.nan_outside(x)
        results = dict(zip("xva", self.derivatives(inside)), residual=self.residual(inside))
        with tf.init_scope():  # the table is made of numbers, whatever is traced
            table = self.error_bound_table()
        if table is not None:
            results["error_bound"] = bound_endpoint(table)(x)
        return results

    def export_signature(self):
        """What `export` writes takes: times `(num, 1)`, in s.

        Raises:
            ValueError: if the force is a plain function, which no graph can hold.
        """
        check_saveable(self.problem)
        return tf.TensorSpec((None, 1), self.compute_dtype, name="t")

    def nan_outside(self, t):
        """The times, and NaN for those outside the interval."""
        outside = is_outside(t, self.problem.start_time, self.duration)
        return t + tf.cast(nan_where(outside), t.dtype)


def _inside(batch, start_time, duration):
    """A batch of a dataset as it is; raises where its times leave the interval or are NaN."""
    x = batch[0]["t"] if isinstance(batch[0], dict) else batch[0]
    outside = is_outside(x, start_time, duration) | tf.math.is_nan(x)
    message = (
        f"This PINN is trained from {start_time:g} s to {start_time + duration:g} s. Received "
        "times outside in a dataset. Train one with a longer duration: a network knows nothing "
        "outside its interval."
    )
    with tf.control_dependencies([tf.debugging.Assert(~tf.reduce_any(outside), [message])]):
        batch = tf.nest.map_structure(tf.identity, batch)
    return batch if len(batch) > 1 else batch[0]
