"""Optimizers that take their own steps, on all data at once, and know when to stop."""

import keras

# Kinds of least-squares steps, and reasons to stop, as they are stored in files.
READOUT, PROJECTION, ALL_WEIGHTS, CONSTRAINED = range(4)
METHODS = ("readout solve", "variable projection", "all weights", "constrained least squares")
RUNNING, FLOOR, TOLERANCE, STALLED, CONVERGED, ABOVE_NOISE, AT_BOUND = range(7)
STOP_REASONS = (
    *(None, "rounding floor", "tolerance met", "stalled", "converged"),
    *("converged, misfit above noise", "at a bound"),
)


class WholeBatchOptimizer(keras.optimizers.Optimizer):
    """Base of optimizers to which one gradient is not enough.

    A `LeastSquaresModel` calls `step_of` where it would apply a gradient. The variable `finished`
    holds a reason to stop, an index of `STOP_REASONS`; `fit` ends when it is not 0.
    """

    def step_of(self, model, x, y=None, sample_weight=None):
        """One step of a `LeastSquaresModel` on a batch, or none after training has finished.

        Returns:
            The residuals after it.
        """
        raise NotImplementedError

    @property
    def stop_reason(self):
        """Why training stopped: one of `STOP_REASONS`, or None before it has."""
        return STOP_REASONS[int(self.finished)] if self.built else None

    @property
    def has_begun(self):
        """Whether it has taken a step."""
        return self.built and int(self.iterations) > 0

    def apply(self, grads, trainable_variables=None):
        raise ValueError(
            f"{type(self).__name__} needs more than the gradient of the cost. Received: gradients. "
            "Use it to compile a LeastSquaresModel or a PINN."
        )


class StopWhenFinished(keras.callbacks.Callback):
    """Ends `fit` when a `WholeBatchOptimizer` has finished, and traces its next method when due."""

    def on_train_begin(self, logs=None):
        self._follow()

    def on_train_batch_end(self, batch, logs=None):
        self._follow()

    def _follow(self):
        optimizer = self.model.optimizer
        if not isinstance(optimizer, WholeBatchOptimizer) or not optimizer.built:
            return
        if optimizer.stop_reason is not None:
            self.model.stop_training = True
        elif getattr(optimizer, "next_method_is_due", False):
            self.model.make_train_function(force=True)
