"""A Keras callback that draws what a PINN has learned so far."""

import pathlib

import keras
import numpy as np

from oscillator_zoo.data.checks import positive_integer
from oscillator_zoo.data.files import make_folder, write_whole

from ..evaluation.fine_grid import check_pinn
from ..evaluation.reference import reference_motion
from ..plots.solution_plots import plot_solution
from .live_output import LiveDisplay, in_notebook


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


def _check_format(path, figure):
    known = figure.canvas.get_supported_filetypes()
    if path.suffix and path.suffix[1:].lower() not in known:
        raise ValueError(
            f"A picture's file must end in one of .{', .'.join(sorted(known))}. Received: {path}. "
            "For a folder leave out the ending."
        )
