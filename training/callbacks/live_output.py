"""Output that is replaced by newer output: in terminals and in notebooks."""

import base64
import io
import shutil
import sys


def in_notebook():
    """Whether what is printed goes to a Jupyter notebook."""
    return type(sys.stdout).__module__.startswith("ipykernel.")


class LiveDisplay:
    """One output of a notebook's cell, replaced by every `show`."""

    def __init__(self):
        self.handle = None

    def show(self, text=None, figure=None):
        """Show a text, or a Matplotlib figure as a picture."""
        from IPython.display import display

        content = {"text/plain": text} if figure is None else {"image/png": _png(figure)}
        if self.handle is None:
            self.handle = display(content, display_id=True, raw=True)
        else:
            self.handle.update(content, raw=True)


class UpdatingLine:
    """One line of text that is written over itself.

    In a terminal a carriage return takes the cursor back, in a notebook the output is replaced;
    where neither is possible (a file, a pipe) each text is a line of its own.

    Attributes:
        updates: whether a text replaces the one before.
    """

    def __init__(self):
        self.notebook = LiveDisplay() if in_notebook() else None
        self.terminal = self.notebook is None and sys.stdout.isatty()
        self.updates = self.terminal or self.notebook is not None
        self.width = 0

    def show(self, text):
        """Replace the line by `text`."""
        if self.notebook is not None:
            self.notebook.show(text)
        elif self.terminal:
            text = text[: shutil.get_terminal_size().columns - 1]
            sys.stdout.write("\r" + text.ljust(self.width))
            sys.stdout.flush()
            self.width = len(text)
        else:
            print(text, flush=True)

    def finish(self):
        """Let what is printed next begin on a new line."""
        if self.terminal and self.width:
            print(flush=True)
        self.width = 0


def _png(figure):
    """A figure as base64 text, which needs no Matplotlib backend for notebooks."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    return base64.b64encode(file.getvalue()).decode("ascii")
