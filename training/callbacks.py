"""Keras callbacks for long fits: when to stop, what the solution looks like, how long it takes."""

import math
import pathlib
import time

import keras
import numpy as np

from oscillator_zoo.data.checks import positive_integer, real_value
from oscillator_zoo.data.files import make_folder, write_whole
from oscillator_zoo.models.force_data import has_plain_force

from .fine_grid import check_pinn, fine_times
from .live import LiveDisplay, UpdatingLine, in_notebook
from .reference import reference_motion
from .solution_plots import plot_solution


class ResidualTolerance(keras.callbacks.Callback):
    """Stops `fit` when a PINN meets the lecture's criterion, |x'' − rhs| ≤ ε.

        max |r(t)| ≤ ε  at the times of `fine_times`

    that is, on a grid ten times finer than the training points and on both sides of every jump of
    the force, where the criterion is harder to meet than at the training points. A mean square of
    ε² is weaker, and one of ε is weaker by far. A network whose x'' is continuous cannot meet it
    across a jump.

    At the end of an epoch the largest |r| is added to the logs as `fine_residual_max`, so that
    `history`, `Progress` and callbacks that come later in the list see it; it is NaN in epochs
    without a check.

    Args:
        tolerance: ε > 0, in m/s² (order 1: m/s).
        num_points: number of training points, as passed to `pinn.collocation_points`, or None.
        every: check after every so many epochs, an integer ≥ 1. A check costs about as much as
            half a dozen training steps.
        verbose: 0, or 1 to print one line when the criterion is met.

    Attributes:
        stop_reason: text that says why training stopped, None where it was not for this.

    Raises:
        ValueError: at the start of `fit` if the model is not a `PINN`.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator
    >>> from oscillator_zoo.models import PINN
    >>> pinn = PINN(DampedOscillator(), duration=1.0, hidden_units=(4,), seed=1)
    >>> pinn.compile("adam")
    >>> tolerance = ResidualTolerance(99.0, num_points=16)  # so large that it is met at once
    >>> _ = pinn.fit(pinn.collocation_points(16), epochs=50, callbacks=[tolerance], verbose=0)
    The residual is at most ... m/s² (tolerance 99 m/s²) at 151 times: stopped after epoch 1.
    """

    def __init__(self, tolerance=1e-6, num_points=None, every=1, verbose=1):
        super().__init__()
        self.tolerance = real_value("tolerance", tolerance, "m/s²", above=0.0)
        if num_points is not None:
            num_points = positive_integer("num_points", num_points, at_least=2)
        self.num_points = num_points
        self.every = positive_integer("every", every)
        self.verbose = verbose
        self.stop_reason = None

    def on_train_begin(self, logs=None):
        check_pinn(self.model)
        self.stop_reason = None
        self.times = fine_times(self.model, self.num_points)
        self._residual = _compiled_residual(self.model)

    def on_epoch_end(self, epoch, logs=None):
        logs = {} if logs is None else logs
        logs["fine_residual_max"] = float("nan")
        if (epoch + 1) % self.every:
            return
        largest = float(np.abs(self._residual(self.times)).max())
        logs["fine_residual_max"] = largest
        if largest <= self.tolerance:
            unit = self.model.problem.residual_unit
            self.stop_reason = (
                f"The residual is at most {largest:.2g} {unit} (tolerance {self.tolerance:g} "
                f"{unit}) at {len(self.times)} times: stopped after epoch {epoch + 1}."
            )
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.stop_reason and self.verbose:
            print(self.stop_reason)


class SolutionPlot(keras.callbacks.Callback):
    """Draws the current solution of a PINN, next to the exact one, while it is trained.

    The exact solution is the closed form, or RK4 where there is none. In a notebook the picture
    is replaced in place; a live `ax` in a window needs `matplotlib.pyplot.ion()` before.

    Args:
        path: where the pictures go: a file such as "solution.png", written anew each time, whole
            or not at all; or a folder, for one file per picture, `epoch_00010.png`. It is made if
            it does not exist. None draws without writing.
        every: draw after every so many epochs, an integer ≥ 1, and after the last one.
        ax: Matplotlib `Axes` to draw on; None draws solution and error on a figure of its own.

    Raises:
        ValueError: if the model is not a `PINN`, or the path cannot be written to.

    Example:
    >>> plot = SolutionPlot("pictures", every=10)  # model.fit(…, callbacks=[plot])
    """

    def __init__(self, path=None, every=10, ax=None):
        super().__init__()
        self.path = None if path is None else pathlib.Path(path)
        self.every = positive_integer("every", every)
        self.ax = ax

    def on_train_begin(self, logs=None):
        from matplotlib.figure import Figure

        check_pinn(self.model)
        problem, duration = self.model.problem, self.model.duration
        self.times = np.linspace(problem.start_time, problem.start_time + duration, 501)
        self.reference = reference_motion(problem, self.times)
        self._last_drawn, self._last_epoch = None, None
        self._display = LiveDisplay() if in_notebook() else None
        if self.ax is None:
            figure = Figure(figsize=(7.0, 5.0), layout="constrained")
            self._panels = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        else:
            self._panels = (self.ax, None)
        if self.path is not None:
            _check_format(self.path, self._panels[0].figure)
            make_folder(self.path.parent if self.path.suffix else self.path)

    def on_epoch_end(self, epoch, logs=None):
        self._last_epoch = epoch
        if (epoch + 1) % self.every == 0:
            self._draw(epoch)

    def on_train_end(self, logs=None):
        if self._last_epoch is not None and self._last_drawn != self._last_epoch:
            self._draw(self._last_epoch)

    def _draw(self, epoch):
        self._last_drawn = epoch
        ax, error_ax = self._panels
        for panel in filter(None, self._panels):
            panel.clear()
        plot_solution(self.model, ax, error_ax, times=self.times, reference=self.reference)
        ax.set_title(f"Epoch {epoch + 1}. {ax.get_title()}")
        if self.path is not None:
            path = self.path if self.path.suffix else self.path / f"epoch_{epoch + 1:05d}.png"
            with write_whole(path) as temporary:
                ax.figure.savefig(temporary, dpi=120)
        if self._display is not None:
            self._display.show(figure=ax.figure)
        elif self.ax is not None:
            ax.figure.canvas.draw_idle()
            ax.figure.canvas.flush_events()


class Progress(keras.callbacks.Callback):
    """One line for a long fit: epoch, loss, residual or validation loss, and the time left.

    Use it with `fit(…, verbose=0)`. In a terminal or notebook the line is replaced at most five
    times a second; elsewhere about ten lines tell of the whole fit.

    Args:
        metrics: names of the logs to show, those that exist.

    Example:
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


def _compiled_residual(pinn):
    """A fast `pinn.residual`, where the force can be part of a graph."""
    if has_plain_force(pinn.problem):
        return pinn.residual
    import tensorflow as tf

    compiled = tf.function(pinn.residual)
    return lambda times: compiled(tf.constant(times, pinn.compute_dtype))


def _check_format(path, figure):
    known = figure.canvas.get_supported_filetypes()
    if path.suffix and path.suffix[1:].lower() not in known:
        raise ValueError(
            f"A picture's file must end in one of .{', .'.join(sorted(known))}. Received: {path}. "
            "For a folder leave out the ending."
        )


def _clock(seconds):
    """Seconds as m:ss or h:mm:ss."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
