"""Models whose cost is a mean of squares, trained on the residuals themselves."""

import keras
from keras import ops

# Keras has no public name for the class behind keras.Model(inputs, outputs).
from keras.src.models.functional import Functional

from oscillator_zoo.data.files import write_whole

from .feeding import batches, is_array_like, split_off_last

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

LARGE_BATCH = 4096


@keras.saving.register_keras_serializable("oscillator_zoo")
class LeastSquaresModel(keras.Model):
    """A model trained to make the mean square of its residuals small.

        C(P) = mean_i r_i(P)²,   r = √w · (prediction − target)

    where P are the weights of the model and w the sample weights. `LeastSquaresModel(inputs,
    outputs)` makes one of any graph of layers, as `keras.Model(inputs, outputs)` does; a subclass
    may override `residuals` to say what should vanish, as `PINN` does. `fit`, `evaluate` and
    `predict` pass arrays on as they are, so a model of dtype float64 computes with all their
    digits (`keras.Model.fit` rounds them to float32 first).

    The training step uses TensorFlow's `GradientTape`, so this class needs that backend.

    Args:
        inputs: symbolic `keras.Input`, or a structure of them.
        outputs: symbolic output, one tensor.
        name: name of the model.
        **kwargs: as for `keras.Model`.

    Call arguments:
        As the graph of layers says.

    Raises:
        ValueError: on another Keras backend than TensorFlow, for a loss other than the mean
            square, or for predictions and targets of different shapes.

    Example:
    >>> inputs = keras.Input((2,))
    >>> model = LeastSquaresModel(inputs, keras.layers.Dense(1)(inputs))
    >>> model.compile("sgd")
    >>> history = model.fit(ops.ones((4, 2)), ops.ones((4, 1)), epochs=3, verbose=0)
    >>> history.history["loss"][2] < history.history["loss"][0]
    True
    """

    def __new__(cls, *args, **kwargs):
        graph = bool(args) or "inputs" in kwargs
        return super().__new__(FunctionalLeastSquaresModel if graph and _is_base(cls) else cls)

    def __init__(self, *args, **kwargs):
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                f"{type(self).__name__} needs TensorFlow's GradientTape. Received the Keras "
                f"backend {keras.backend.backend()!r}. Set the environment variable "
                "KERAS_BACKEND=tensorflow before Keras is imported; the recurrent cells run on "
                "every backend."
            )
        super().__init__(*args, **kwargs)
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
        if tuple(prediction.shape[1:]) != tuple(y.shape[1:]):
            raise ValueError(
                f"Targets must have the shape of the predictions, {tuple(prediction.shape)}. "
                f"Received targets of shape {tuple(y.shape)}. Reshape them, for instance with "
                "targets[..., None]."
            )
        residuals = prediction - ops.cast(y, prediction.dtype)
        mask = getattr(prediction, "_keras_mask", None)
        if mask is not None:
            valid = ops.cast(mask, residuals.dtype)
            residuals = _weighted(residuals, valid / ops.mean(valid))
        return residuals if sample_weight is None else _weighted(residuals, sample_weight)

    def train_step(self, data):
        """One step of an ordinary Keras optimizer down the gradient of the mean square."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            residuals = self.residuals(x, y, sample_weight, training=True)
            cost = ops.mean(ops.square(residuals)) + sum(self.losses)
        gradients = tape.gradient(cost, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return self.log(x, y, sample_weight, cost, residuals)

    def test_step(self, data):
        """The cost without a step."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        residuals = self.residuals(x, y, sample_weight)
        return self.log(x, y, sample_weight, ops.mean(ops.square(residuals)), residuals)

    def log(self, x, y, sample_weight, cost, residuals):
        """Update the metrics with one batch and return all of them by name."""
        self.loss_tracker.update_state(cost, sample_weight=ops.size(residuals))
        if self._compile_metrics is None:
            return self.get_metrics_result()
        return self.compute_metrics(x, y, self(x, training=False), sample_weight)

    @property
    def metrics(self):
        return [metric for metric in super().metrics if metric is not self._loss_tracker]

    def compile(self, optimizer="adam", loss=None, **kwargs):
        """Configure training; the cost is the mean square, so `loss` may only say so.

        Args:
            optimizer: a Keras optimizer or its name.
            loss: None, "mse" or "mean_squared_error".
            **kwargs: as for `keras.Model.compile`.
        """
        if loss not in (None, "mse", "mean_squared_error"):
            raise ValueError(
                f"{type(self).__name__} minimises the mean square of its residuals. "
                f"Received loss={loss!r}. Leave loss out, or use keras.Model for another cost."
            )
        super().compile(optimizer=optimizer, **kwargs)

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def as_dataset(self, x, y=None, sample_weight=None, batch_size=32, shuffle=False):
        """Batches of arrays as `fit`, `evaluate` and `predict` take them: no digit is lost."""
        return batches(x, y, sample_weight, batch_size, shuffle)

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
    ):
        """`keras.Model.fit`; arrays keep their precision."""
        if is_array_like(x):
            arrays = (x, y, sample_weight)
            if validation_split and validation_data is None:
                arrays, validation_data = split_off_last(arrays, validation_split)
            x = self.as_dataset(*arrays, batch_size=batch_size or 32, shuffle=shuffle)
            y = sample_weight = batch_size = None
        if validation_data is not None:
            arrays = keras.utils.unpack_x_y_sample_weight(validation_data)
            if is_array_like(arrays[0]):
                size = validation_batch_size or LARGE_BATCH
                validation_data = self.as_dataset(*arrays, batch_size=size)
                validation_batch_size = None
        return super().fit(
            x=x,
            y=y,
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            shuffle=shuffle and not isinstance(x, tf.data.Dataset),
            class_weight=class_weight,
            sample_weight=sample_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_batch_size=validation_batch_size,
            validation_freq=validation_freq,
        )

    def evaluate(
        self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, **kwargs
    ):
        """`keras.Model.evaluate`; arrays keep their precision."""
        if is_array_like(x):
            x = self.as_dataset(x, y, sample_weight, batch_size=batch_size or LARGE_BATCH)
            y = sample_weight = batch_size = None
        return super().evaluate(x, y, batch_size, verbose, sample_weight, **kwargs)

    def predict(self, x, batch_size=None, verbose="auto", **kwargs):
        """`keras.Model.predict`; arrays keep their precision."""
        if is_array_like(x):
            x, batch_size = self.as_dataset(x, batch_size=batch_size or LARGE_BATCH), None
        return super().predict(x, batch_size, verbose, **kwargs)

    def save(self, filepath, overwrite=True, **kwargs):
        """`keras.Model.save` to a `.keras` file, written whole or not at all."""
        if not str(filepath).endswith(".keras"):
            raise ValueError(
                f"A model is saved to a file that ends in .keras. Received: {filepath}. "
                "Use model.export(folder) for a SavedModel."
            )
        if overwrite:
            with write_whole(filepath) as temporary:
                super().save(temporary, overwrite=True, **kwargs)
        else:
            super().save(filepath, overwrite=False, **kwargs)


@keras.saving.register_keras_serializable("oscillator_zoo")
class FunctionalLeastSquaresModel(LeastSquaresModel, Functional):
    """What `LeastSquaresModel(inputs, outputs)` returns."""

    def __init__(self, inputs, outputs, name=None, **kwargs):
        super().__init__(inputs, outputs, name=name, **kwargs)


def _is_base(cls):
    return cls is LeastSquaresModel


def _weighted(residuals, weight):
    """√w · r, for a weight with fewer axes than the residuals."""
    weight = ops.cast(weight, residuals.dtype)
    missing = len(residuals.shape) - len(weight.shape)
    return residuals * ops.reshape(ops.sqrt(weight), (*ops.shape(weight), *(1,) * missing))
