"""A Keras callback that tells of a long fit in one line."""

import math
import time

import keras

from .live_output import UpdatingLine


class Progress(keras.callbacks.Callback):
    """One line for a long fit: epoch, loss, residual or validation loss, and the time left.

    Use it with `fit(…, verbose=0)`. In a terminal or notebook the line is replaced at most five
    times a second; elsewhere about ten lines tell of the whole fit.

    Args:
        metrics: names of the logs to show, those that exist.

    Example:
    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> _ = model.fit(np.ones((4, 1)), np.ones((4, 1)), verbose=0, callbacks=[Progress()])
    epoch 1/1 · loss ...
    """

    def __init__(self, metrics=("loss", "val_loss", "residual_max", "fine_residual_max")):
        super().__init__()
        self.metrics = (metrics,) if isinstance(metrics, str) else tuple(metrics)

    def on_train_begin(self, logs=None):
        self._line = UpdatingLine()
        self._begin = self._last_shown = time.monotonic()
        self._first_epoch = self._first_end = self._text = None
        self._values = {}

    def on_epoch_begin(self, epoch, logs=None):
        if self._first_epoch is None:
            self._first_epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        now, epochs = time.monotonic(), self.params["epochs"]
        known = {k: v for k, v in (logs or {}).items() if k in self.metrics and not math.isnan(v)}
        self._values |= known
        self._text = " · ".join(
            [f"epoch {epoch + 1}/{epochs}"]
            + [f"{name} {self._values[name]:.2e}" for name in self.metrics if name in self._values]
        )
        if self._first_end is None:
            self._first_end = now
        done, total = epoch + 1 - self._first_epoch, epochs - self._first_epoch
        last = done == total or self.model.stop_training
        if self._line.updates:
            due = now - self._last_shown >= 0.2
        else:
            due = 10 * done // total > 10 * (done - 1) // total
        if due and not last:
            self._last_shown = now
            self._line.show(f"{self._text} · {_clock(self._time_left(done, total, now))} left")
        if last:
            self._finish(now)

    def on_train_end(self, logs=None):
        self._finish(time.monotonic())

    def _time_left(self, done, total, now):
        """From the epochs after the first one, which is slow: it compiles."""
        if done == 1:
            return (now - self._begin) * (total - 1)
        return (now - self._first_end) / (done - 1) * (total - done)

    def _finish(self, now):
        if self._text is not None:
            self._line.show(f"{self._text} · {_clock(now - self._begin)} in all")
            self._line.finish()
            self._text = None


def _clock(seconds):
    """Seconds as m:ss or h:mm:ss."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
