"""How a model of the time is fed, saved and served."""

import keras

from oscillator_zoo.data.checks import positive_integer
from oscillator_zoo.data.problems.serialization import check_saveable

from ..base_model.array_batches import without_autotuning
from ..base_model.dataset_checks import dataset_errors_as_value_error
from ..equation.plain_forces import add_force, force_values, has_plain_force
from ..export.portable_graphs import graphs_without_tapes, is_without_tapes
from ..export.saved_model import check_no_options, write_endpoints, write_whole_saved_model
from ..least_squares.distribution import num_replicas
from ..least_squares.least_squares_model import LeastSquaresModel
from ..least_squares.levenberg_marquardt import LevenbergMarquardt
from ..saving.file_checks import check_registered_function
from ..trial_solution.domain import OUTSIDE
from .bound_table import bound_endpoint
from .many_steps import has_fixed_shapes, many_steps

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

LONG_FIT, LONGEST_CALL = 1000, 100  # steps
# Where a step of 1-32-32-32-1 takes 1.9 ms one by one and .3 ms in a loop (benchmarks/README.md),
# the 2 to 3 s of compiling are back after 1500 steps.
NO_WEIGHTS = (
    "A PINN weighs all collocation points alike. Received: sample_weight. "
    "Put more points where the solution needs them."
)


class IntervalModel(LeastSquaresModel):
    """A least-squares model of the time t between t0 and t0 + T: what `PINN` is built on.

    It has its `domain` check what it is given, adds the values of a force that only NumPy can
    evaluate, and writes files. Subclasses have the attributes `problem`, `domain`, `points`, `h1`,
    `h2`, `activation` and the methods `derivatives`, `residual` and `error_bound_table`.
    """

    is_side_by_side = False  # whether `fit` trains the windows of a learned network so
    steps_are_one_loop = False  # whether many steps of `fit` are compiled together
    stages_are_compiled = False  # whether XLA compiles the training of one window, and no more

    def __call__(self, t, *args, **kwargs):
        return super().__call__(self.domain.called_with(t), *args, **kwargs)

    def collocation_points(self, num_points=None, steps_per_epoch=100):
        """Times from t0 to t0 + T, as a dataset of equal full batches.

        One window has equidistant times, both ends included; several have Chebyshev's points
        inside each, which lie closer near the edges.

        Args:
            num_points: number of times, at least; None: 256, or for each of several windows 56, 24
                where `learned`.
            steps_per_epoch: how often the batch comes in one epoch: one training step each.

        Returns:
            `tf.data.Dataset` of float64 tensors `(num_points, 1)` for `fit` and `evaluate`.

        Raises:
            ValueError: for numbers that are not positive integers.
        """
        steps_per_epoch = positive_integer("steps_per_epoch", steps_per_epoch)
        points = tf.nest.map_structure(tf.constant, self.points.arrays(num_points))
        batch = self.prepare(tf.data.Dataset.from_tensors(points)).cache()
        return self._known(without_autotuning(batch.repeat(steps_per_epoch)))

    def _known(self, dataset):
        """The same dataset, with a mark by which `fit` knows that it has this model's points."""
        dataset.made_from_points = self.points
        return dataset

    def has_own_points(self, x):
        """Whether these are `collocation_points` of this model, checked and in order."""
        return getattr(x, "made_from_points", None) is self.points

    def collocation_times(self, num_points=None):
        """Times of `collocation_points`, `(num_points, 1)`, in s; of a family, columns by name."""
        return self.points.arrays(num_points)

    def as_dataset(self, x, y=None, sample_weight=None, batch_size=32, shuffle=False):
        """Batches of times, checked, with targets for compiled metrics only."""
        if sample_weight is not None:
            raise ValueError(NO_WEIGHTS)
        return super().as_dataset(self.domain.checked(x), y, None, batch_size, shuffle)

    def prepare(self, dataset):
        """Checks the times of a dataset; puts the values of a plain force beside them."""
        if isinstance(dataset, dict):
            return self.domain.checked(dataset)
        if self.has_own_points(dataset):
            return dataset
        dataset = super().prepare(dataset)
        if not isinstance(dataset, tf.data.Dataset):
            return dataset
        check = tf.autograph.experimental.do_not_convert(self.domain.check_batch)
        return add_force(dataset.map(check), self.problem)

    def compile(self, *args, **kwargs):
        """As `LeastSquaresModel.compile`.

        Unless `steps_per_execution`, `jit_compile` or `run_eagerly` is given, a `fit` of at least
        1000 steps on a dataset takes 100 steps in one call, a loop that XLA compiles: several
        times as fast for a network in time, and not worth the seconds of compiling for a shorter
        one.
        """
        given = {"steps_per_execution", "jit_compile", "run_eagerly"} & kwargs.keys()
        self.is_execution_given = bool(given)
        self.steps_are_one_loop = self.stages_are_compiled = False
        optimizer = kwargs.get("optimizer", args[0] if args else None)
        if self.num_stages and isinstance(optimizer, LevenbergMarquardt):
            raise ValueError(
                "LevenbergMarquardt solves for readouts of one hidden layer in all windows. "
                "Received: a PINN with learned=True. Compile SelfScaledBroyden(), or leave learned "
                "out."
            )
        super().compile(*args, **kwargs)

    @property
    def num_windows(self):
        """Pieces into which time is cut."""
        return len(self.window_edges) - 1

    @property
    def num_stages(self):
        """Windows that `SelfScaledBroyden` trains one after another; None: all weights at once."""
        return self.trial.num_stages

    @property
    def is_by_tape(self):
        """Whether derivatives are taken by tapes, which other runtimes do not have."""
        return self.derivative_method == "tape" and not is_without_tapes()

    def stage_objective(self, x, stage):
        """The cost of one window at a batch of points, as a function of its own weights."""
        return self.trial.window_objective(x, stage)

    def fit(self, x=None, y=None, batch_size=None, epochs=1, *args, **kwargs):
        """`keras.Model.fit` on times in s; `fit(epochs=…)` takes `collocation_points()`."""
        x = self.collocation_points() if x is None else x
        self.choose_execution(x, epochs, kwargs.get("steps_per_epoch"))
        if self.steps_are_one_loop and kwargs.get("steps_per_epoch") is None:
            # The same batches from one iterator: Keras would make two anew in every epoch.
            kwargs["steps_per_epoch"] = int(x.cardinality())
            x = self._known(x.repeat()) if self.has_own_points(x) else x.repeat()
        with dataset_errors_as_value_error(OUTSIDE):
            return super().fit(x, y, batch_size, epochs, *args, **kwargs)

    def choose_execution(self, x, epochs, steps_per_epoch=None):
        """Whether the steps of a fit are compiled by XLA, many in one call.

        And whether the windows of a learned network are trained side by side, which is four times
        as fast, but takes times that are known to be in order.
        """
        side_by_side = bool(self.num_stages) and self.has_own_points(x)
        if side_by_side != self.is_side_by_side:
            self.is_side_by_side, self.train_function = side_by_side, None  # made anew by fit
        if self.is_execution_given:
            return
        per_epoch = _steps_of_epoch(x, steps_per_epoch)
        is_long = per_epoch * epochs >= LONG_FIT and self.optimizer_is_ordinary
        is_long &= num_replicas(self.distribute_strategy) == 1
        steps = min(per_epoch, LONGEST_CALL) if is_long else 1
        # A step trains a window, hundreds of steps of its own.
        self.stages_are_compiled = bool(self.num_stages) and not self.optimizer_is_ordinary
        one_loop = is_long and per_epoch % steps == 0 and has_fixed_shapes(x)
        chosen = steps, is_long, one_loop
        if chosen != (self.steps_per_execution, self.jit_compile, self.steps_are_one_loop):
            self.steps_per_execution, self.jit_compile, self.steps_are_one_loop = chosen
            self.train_function = None

    def make_train_function(self, force=False):
        if not self.steps_are_one_loop:
            super().make_train_function(force)
        elif self.train_function is None or force:
            self.train_function = many_steps(self)

    def evaluate(self, x=None, *args, **kwargs):
        """`keras.Model.evaluate` at times in s, by default at `collocation_points()`.

        A family's default is 4096 points between its nodes.
        """
        if x is None:
            x = self.collocation_points(self.points.num_judged, steps_per_epoch=1)
        with dataset_errors_as_value_error(OUTSIDE):
            return super().evaluate(x, *args, **kwargs)

    def predict(self, x, *args, **kwargs):
        """`keras.Model.predict` at times in s."""
        with dataset_errors_as_value_error(OUTSIDE):
            return super().predict(self.prepare(x), *args, **kwargs)

    def predict_on_batch(self, x):
        """`predict` of one batch."""
        return super().predict_on_batch(self.batch(x))

    def batch(self, t):
        """One batch for `train_on_batch`: times, checked, with the values of a plain force.

        Args:
            t: times, or a batch of `collocation_points`.
        """
        if not has_plain_force(self.problem):
            return self.domain.checked(t)
        times = self.domain.checked(t["t"] if isinstance(t, dict) else t)
        return {"t": times, "force": force_values(self.problem, times)}

    def train_on_batch(self, x, *args, **kwargs):
        self.choose_execution(None, epochs=0)  # one step, of any times
        return super().train_on_batch(self.batch(x), *args, **kwargs)

    def test_on_batch(self, x, *args, **kwargs):
        return super().test_on_batch(self.batch(x), *args, **kwargs)

    def save(self, filepath, overwrite=True, **kwargs):
        """`keras.Model.save` to a `.keras` file, whole or not at all, problem included.

        Raises:
            ValueError: if the problem, its force, h1, h2 or the activation cannot be saved.
        """
        self.check_saveable()
        super().save(filepath, overwrite=overwrite, **kwargs)

    def check_saveable(self):
        """Raise a `ValueError` for a problem, force or function that no file can hold."""
        check_saveable(self.problem)
        for name in ("h1", "h2", "activation"):
            check_registered_function(name, getattr(self, name))

    def __reduce__(self):
        self.check_saveable()
        return super().__reduce__()

    def export(self, filepath, format="tf_saved_model", verbose=False, **kwargs):
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
            verbose: whether Keras reports what it writes in other formats.
            **kwargs: as for `keras.Model.export` in other formats.

        Raises:
            ValueError: if the force is a plain function, which no graph can hold, for options
                that a SavedModel does not have, or for a folder with something else in it.
        """
        if format != "tf_saved_model":
            super().export(filepath, format=format, verbose=verbose, **kwargs)
            return
        check_no_options(kwargs)
        signature = self.export_signature()
        endpoints = self.endpoints()
        endpoints = {"serve": endpoints["x"], **endpoints}
        # The same derivatives in a graph half as large as that of tapes.
        with graphs_without_tapes(), write_whole_saved_model(filepath) as temporary:
            write_endpoints(temporary, self, endpoints, [signature])

    def endpoints(self):
        """What files serve, by name: functions of times `(num, 1)` in s, or {"t": times, …}.

        Each gives NaN outside the interval. `error_bound` is there where it has a proof.
        """
        inside = self.domain.nan_outside
        functions = {
            "x": lambda x: self(inside(x)),
            "v": lambda x: self.derivatives(inside(x))[1],
            "a": lambda x: self.derivatives(inside(x))[2],
            "residual": lambda x: self.residual(inside(x)),
        }
        with tf.init_scope():  # the table is made of numbers, whatever is traced
            table = self.error_bound_table()
        return functions if table is None else {**functions, "error_bound": bound_endpoint(table)}

    def export_signature(self):
        """What `export` writes takes: times `(num, 1)`, in s, and a family's parameters by name.

        Raises:
            ValueError: if the force is a plain function, which no graph can hold.
        """
        check_saveable(self.problem)
        return self.domain.signature()


def _steps_of_epoch(x, steps_per_epoch):
    """Steps of which it is certain that an epoch has them, else 0."""
    if not isinstance(x, tf.data.Dataset):
        return 0
    num = int(x.cardinality())
    if num == tf.data.INFINITE_CARDINALITY:
        return steps_per_epoch or 0
    return num if steps_per_epoch in (None, num) else 0
