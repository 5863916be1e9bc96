"""Keras callbacks that end a fit which the user breaks off, or whose loss is no number."""

import contextlib
import math
import signal
import sys
import threading
import warnings

import keras
import numpy as np


class StopOnInterrupt(keras.callbacks.Callback):
    """Ends `fit` after the current step when the user presses Ctrl-C (or a notebook's stop button).

    `fit` then returns as it does at its end, so that what comes after it in a program is done and
    nothing that was learned is lost; a second Ctrl-C stops at once, by `KeyboardInterrupt`, as
    every Ctrl-C outside of `fit`. In another thread than the main one, where Python handles no
    signals, this callback does nothing.

    Args:
        verbose: 0, or 1 to print that the first Ctrl-C was understood.

    Attributes:
        stop_reason: text that says in which epoch training stopped, None where it was not for this.

    Example:
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> stop = StopOnInterrupt()
    >>> _ = model.fit(np.ones((4, 1)), np.ones((4, 1)), verbose=0, callbacks=[stop])
    >>> stop.stop_reason is None
    True
    """

    def __init__(self, verbose=1):
        super().__init__()
        self.verbose = verbose
        self.stop_reason = None
        self._is_asked, self._old_handler = False, None

    def on_train_begin(self, logs=None):
        self._is_asked, self.stop_reason = False, None
        if threading.current_thread() is threading.main_thread():
            self._put_back()
            self._old_handler = signal.signal(signal.SIGINT, self._handle)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self._is_asked:
            self.stop_reason = f"Ctrl-C in epoch {self._epoch + 1} of {self.params['epochs']}"
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self._put_back()

    def _handle(self, number, frame):
        if self._is_asked or not self._is_fitting(frame):  # fit may have ended by an error
            self._put_back()
            raise KeyboardInterrupt
        self._is_asked = True
        if self.verbose:
            with contextlib.suppress(RuntimeError):  # the interrupted code may be printing itself
                print("Stopping after this step; Ctrl-C again stops at once.", file=sys.stderr)

    def _is_fitting(self, frame):
        """Whether the interrupted code was called by the `fit` of this callback's model."""
        while frame is not None:
            if frame.f_code.co_name == "fit" and frame.f_locals.get("self") is self.model:
                return True
            frame = frame.f_back
        return False

    def _put_back(self):
        if self._old_handler is not None:
            signal.signal(signal.SIGINT, self._old_handler)
            self._old_handler = None


class StopOnNaN(keras.callbacks.Callback):
    """Ends `fit` when the loss becomes NaN or infinite, and puts back the last good weights.

    Those are the weights at the end of the last epoch that had a finite loss and left finite
    weights, or those before the first; the optimizer gets its state of then, so that `fit` can be
    called again with a smaller learning rate. `keras.callbacks.TerminateOnNaN` keeps the weights
    that made the NaN.

    Attributes:
        stop_reason: text that says when the loss was lost and what to try, None where it was not.

    Warns:
        UserWarning: with `stop_reason`, when it stops.

    Example:
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(1e30), "mse")
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     x = np.ones((4, 1))
    ...     _ = model.fit(x, 2 * x, epochs=9, verbose=0, callbacks=[StopOnNaN()])
    >>> print(caught[-1].message)
    The loss is ... stopped, with the weights ... Try a smaller learning rate, ...
    >>> bool(np.isfinite(model.layers[0].kernel).all())
    True
    """

    def __init__(self):
        super().__init__()
        self.stop_reason = None

    def on_train_begin(self, logs=None):
        self.stop_reason, self._good, self._good_epoch = None, None, None

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        # Not earlier: other callbacks may load weights. A model without an input has none yet.
        if self._good is None and self.model.built:
            self._good, self._good_epoch = values_of(trained_variables(self.model)), epoch

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss) and self.stop_reason is None:
            self._stop(f"The loss is {loss} in epoch {self._epoch + 1}")
        elif self._good is None and self._weights_are_finite():
            self._good, self._good_epoch = values_of(trained_variables(self.model)), 0

    def on_epoch_end(self, epoch, logs=None):
        if self.stop_reason is not None:
            return
        if self._weights_are_finite():
            self._good, self._good_epoch = values_of(trained_variables(self.model)), epoch + 1
        else:
            self._stop(f"The weights are no longer finite after epoch {epoch + 1}")

    def on_train_end(self, logs=None):
        if self.stop_reason is not None:
            warnings.warn(self.stop_reason, stacklevel=2)

    def _weights_are_finite(self):
        return all(np.isfinite(w).all() for w in values_of(self.model.trainable_variables))

    def _stop(self, what):
        if self._good is None:
            when = "of that step, as the model had none before: begin it with keras.Input"
        else:
            for variable, value in zip(trained_variables(self.model), self._good):
                variable.assign(value)
            end = f"of the end of epoch {self._good_epoch}"
            when = end if self._good_epoch else "of the beginning"
        self.stop_reason = (
            f"{what}: stopped, with the weights {when}. Try a smaller learning rate, clipnorm=1.0 "
            "in the optimizer, shorter sequences or horizons, or dtype='float64', and see that the "
            "data are finite."
        )
        self.model.stop_training = True


def trained_variables(model):
    """Variables of a compiled model and of its optimizer, which is built if it was not."""
    optimizer = model.optimizer
    if optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_variables)
    return [*model.variables, *(optimizer.variables if optimizer is not None else ())]


def values_of(variables):
    """The values of Keras or TensorFlow variables, a list of arrays of their own."""
    return [np.array(variable.numpy()) for variable in variables]
