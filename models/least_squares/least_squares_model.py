"""Models whose cost is a mean of squares, trained on the residuals themselves."""

import keras
from keras import ops

from ..base_model.array_batches import ALL
from ..base_model.graph_class import graph_class, is_graph
from ..base_model.multi_worker import answer_keras
from ..base_model.precise_model import PreciseModel
from ..saving.frozen_parts import set_trainable_parts
from .distribution import (
    check_batches,
    check_distribution,
    part_of_cost,
    zero_without_samples,
)
from .elimination import one_window
from .least_squares_system import TapeSystem
from .whole_batch_optimizer import StopWhenFinished, WholeBatchOptimizer

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


@keras.saving.register_keras_serializable("oscillator_zoo")
class LeastSquaresModel(PreciseModel):
    """A model trained to make the mean square of its residuals small.

        C(P) = mean_i r_i(P)²,   r = √w · (prediction − target)

    where P are the weights of the model and w the sample weights. `LeastSquaresModel(inputs,
    outputs)` makes one of any graph of layers, as `keras.Model(inputs, outputs)` does; a subclass
    may override `residuals` to say what should vanish, as `PINN` does. `fit`, `evaluate` and
    `predict` pass arrays on as they are, so a model of dtype float64 computes with all their
    digits (`keras.Model.fit` rounds them to float32 first).

    The training step uses TensorFlow's `GradientTape`, so this class needs that backend. Metrics
    given to `compile` are computed by a second call of the model, without dropout; where a batch
    has no targets they are left out. Keras computes them in float32 unless they say otherwise,
    `keras.metrics.MeanAbsoluteError(dtype="float64")`.

    Made in the scope of a `tf.distribute.MirroredStrategy`, or on several machines of a
    `MultiWorkerMirroredStrategy`, it is trained by gradients on several devices, which share each
    batch, to the weights of one device up to rounding. (A Keras mask is made up for within the part
    of each device.) The number of devices divides the size of a batch; only the last batch may be
    of another. `LevenbergMarquardt` works on one device. Of several machines one writes the files.

    Args:
        inputs: symbolic `keras.Input`, or a structure of them.
        outputs: symbolic output, one tensor.
        name: name of the model.
        **kwargs: as for `keras.Model`.

    Call arguments:
        As the graph of layers says.

    Raises:
        ValueError: on another Keras backend than TensorFlow, for more than one output, for a loss
            other than the mean square, or for predictions and targets of different shapes.

    Example:
    >>> inputs = keras.Input((2,))
    >>> model = LeastSquaresModel(inputs, keras.layers.Dense(1)(inputs))
    >>> model.compile("sgd")
    >>> history = model.fit(ops.ones((4, 2)), ops.ones((4, 1)), epochs=3, verbose=0)
    >>> history.history["loss"][2] < history.history["loss"][0]
    True
    """

    num_stages = None  # parts that `SelfScaledBroyden` trains one after another

    def __init__(self, *args, **kwargs):
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                f"{type(self).__name__} needs TensorFlow's GradientTape. Received the Keras "
                f"backend {keras.backend.backend()!r}. Set the environment variable "
                "KERAS_BACKEND=tensorflow before Keras is imported; the recurrent cells run on "
                "every backend."
            )
        if is_graph(args, kwargs):
            self.__class__ = graph_class(type(self))
        super().__init__(*args, **kwargs)
        answer_keras(self.distribute_strategy)
        if is_graph(args, kwargs) and len(self.outputs) != 1:
            raise ValueError(
                f"{type(self).__name__} has one output, whose residuals it squares. "
                f"Received {len(self.outputs)} outputs. Concatenate them, or use keras.Model."
            )
        set_trainable_parts(self)
        self.loss_tracker = keras.metrics.Mean(name="loss", dtype="float64")

    def residuals(self, x, y, sample_weight=None, training=False):
        """What the cost squares: √w · (prediction − target), in the unit of the targets.

        Steps that a Keras mask excludes count as zero, and the others are scaled up so that the
        mean square over all of them is the mean square over the valid ones.

        Args:
            x: inputs of the model.
            y: targets, of the shape of the predictions.
            sample_weight: w, one weight per sample (or per sample and time step), or None.
            training: whether layers such as dropout are active.

        Returns:
            Tensor of the shape of the predictions.
        """
        if y is None:
            raise ValueError(
                f"{type(self).__name__} needs targets. Received: y=None. Call fit(x, y): a tuple "
                "(x, y) in one argument would be taken as two inputs."
            )
        prediction = self(x, training=training)
        target = ops.convert_to_tensor(y, prediction.dtype)
        if not _same_shape(prediction.shape, target.shape):
            raise ValueError(
                f"Targets must have the shape of the predictions, {tuple(prediction.shape)}. "
                f"Received targets of shape {tuple(target.shape)}. Reshape them, for instance "
                "with targets[..., None]."
            )
        residuals = prediction - target
        mask = getattr(prediction, "_keras_mask", None)
        if mask is not None:
            residuals = masked(residuals, mask)
        return residuals if sample_weight is None else weighted(residuals, sample_weight)

    def cost(self, residuals):
        """C, the mean square, and the penalties of the layers (`kernel_regularizer` …) if any."""
        penalties = sum(ops.cast(penalty, residuals.dtype) for penalty in self.losses)
        return ops.mean(ops.square(residuals)) + penalties

    def train_step(self, data):
        """One step of an ordinary Keras optimizer down the gradient of the cost."""
        if not self.optimizer_is_ordinary:
            return self.whole_batch_step(data)
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            residuals = self.residuals(x, y, sample_weight, training=True)
            cost = self.cost(residuals)
            # Differs from the cost in mixed precision, and where devices share the batch.
            scaled_cost = self.optimizer.scale_loss(part_of_cost(cost, x))
        gradients = tape.gradient(scaled_cost, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return self.update_metrics(x, y, sample_weight, cost, residuals)

    def whole_batch_step(self, data):
        """One step as the optimizer takes it; the metrics say what the residuals are after it."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if not self.optimizer.built:
            with tf.init_scope():
                self.build_optimizer()
        residuals = self.optimizer.step_of(self, x, y, sample_weight)
        for metric in self.metrics:
            metric.reset_state()
        return self.update_metrics(x, y, sample_weight, self.cost(residuals), residuals)

    @property
    def optimizer_is_ordinary(self):
        """Whether each training step applies one gradient, as Keras's optimizers do."""
        return not isinstance(getattr(self, "optimizer", None), WholeBatchOptimizer)

    @property
    def default_batch_size(self):
        """All samples where the optimizer works on all of them at once."""
        return super().default_batch_size if self.optimizer_is_ordinary else ALL

    def own_callbacks(self):
        return [*super().own_callbacks(), StopWhenFinished()]

    def prepare(self, dataset):
        check_batches(dataset, self.distribute_strategy)
        return super().prepare(dataset)

    @property
    def stop_reason(self):
        """Why a `WholeBatchOptimizer` stopped, None before it has and with other optimizers."""
        return getattr(getattr(self, "optimizer", None), "stop_reason", None)

    def least_squares_system(self):
        """The `LeastSquaresSystem` that `LevenbergMarquardt` works on: here by tape."""
        return TapeSystem(self)

    def test_step(self, data):
        """The cost without a step."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        residuals = self.residuals(x, y, sample_weight)
        return self.update_metrics(x, y, sample_weight, self.cost(residuals), residuals)

    def update_metrics(self, x, y, sample_weight, cost, residuals):
        """Update the metrics with one batch and return all of them by name."""
        cost = zero_without_samples(cost, x)
        self.loss_tracker.update_state(cost, sample_weight=ops.shape(residuals)[0])
        if self._compile_metrics is None or y is None:
            return self._own_results()
        return self.compute_metrics(x, y, self(x, training=False), sample_weight)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        if self._compile_metrics is not None and not self._compile_metrics.built:
            with tf.init_scope():  # an earlier batch without targets may have been traced already
                self._compile_metrics.build(y, y_pred)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def get_metrics_result(self):
        if self._compile_metrics is not None and not self._compile_metrics.built:
            return self._own_results()
        return super().get_metrics_result()

    def _own_results(self):
        own = [metric for metric in self.metrics if metric is not self._compile_metrics]
        return {metric.name: metric.result() for metric in own}

    @property
    def metrics(self):
        return [metric for metric in super().metrics if metric is not self._loss_tracker]

    def compile(self, optimizer="adam", loss=None, **kwargs):
        """Configure training; the cost is the mean square, so `loss` may only say so.

        Args:
            optimizer: a Keras optimizer or its name.
            loss: None, "mse" or "mean_squared_error".
            **kwargs: as for `keras.Model.compile`.

        Raises:
            ValueError: for another loss, for metrics of a model with stateful layers, or for
                `LevenbergMarquardt` under a strategy of several devices.
        """
        if loss not in (None, "mse", "mean_squared_error"):
            raise ValueError(
                f"{type(self).__name__} minimises the mean square of its residuals. "
                f"Received loss={loss!r}. Leave loss out, or use keras.Model for another cost."
            )
        has_metrics = kwargs.get("metrics") or kwargs.get("weighted_metrics")
        if has_metrics and any(getattr(layer, "stateful", False) for layer in self.layers):
            raise ValueError(
                "Metrics call the model a second time, which would move the state of stateful "
                f"layers. Received: {has_metrics!r}. Leave metrics out."
            )
        super().compile(optimizer=optimizer, **kwargs)
        check_distribution(self)
        if self.built and not self.optimizer_is_ordinary:  # so that a file holds it before any step
            self.build_optimizer()

    def build_optimizer(self):
        """Make the optimizer's variables, for the stages in which this model is trained."""
        self.optimizer.num_stages = self.num_stages
        self.optimizer.build(self.trainable_variables)

    def compile_from_config(self, config):
        given = keras.saving.deserialize_keras_object(config)
        defaults = {
            "steps_per_execution": (1,),
            "jit_compile": ("auto", False),
            "run_eagerly": (False,),
        }
        for name, values in defaults.items():  # a model may choose what its user left open
            if given.get(name) in values:
                del given[name]
        self.compile(**given)
        if self.optimizer is not None and self.built:
            self.build_optimizer()


def _same_shape(first, second):
    """Whether two shapes agree wherever both are known."""
    return len(first) == len(second) and all(
        a == b or a is None or b is None for a, b in zip(first, second)
    )


def linearised_from_slopes(residuals, slopes, weight=None):
    """`Linearised` residuals whose weights are all among the nonlinear ones.

    Args:
        residuals: r, weighted already.
        slopes: ∂r/∂P without the weights, of the shape of r and `(num_weights,)`.
        weight: w, as for `residuals`, or None.
    """
    if weight is not None:
        slopes = weighted(slopes, weight)
    columns = tf.reshape(slopes, (1, tf.size(residuals), slopes.shape[-1]))
    return one_window(tf.reshape(residuals, (1, -1)), columns[..., :0], columns)


def masked(residuals, mask):
    """Zero where the mask is False; the others scaled up, so that their mean square is that of all.

    Zero even where the residual is infinite or NaN.
    """
    valid = ops.cast(mask, residuals.dtype)
    share = ops.maximum(ops.mean(valid), keras.config.epsilon())
    missing = len(residuals.shape) - len(valid.shape)
    valid = ops.reshape(valid, (*ops.shape(valid), *(1,) * missing))
    return ops.where(valid > 0.0, residuals, ops.zeros_like(residuals)) * ops.rsqrt(share)


def weighted(residuals, weight):
    """√w · r, for a weight with fewer axes than the residuals."""
    weight = ops.cast(weight, residuals.dtype)
    missing = len(residuals.shape) - len(weight.shape)
    return residuals * ops.reshape(ops.sqrt(weight), (*ops.shape(weight), *(1,) * missing))
