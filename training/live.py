"""Output that is replaced by newer output: in terminals and in notebooks."""

import shutil
import sys


def in_notebook():
    """Whether what is printed goes to a Jupyter notebook."""
    return type(sys.stdout).__module__.startswith("ipykernel.")


class LiveDisplay:
    """One output of a notebook's cell, replaced by every `show`."""

    def __init__(self):
        self.handle = None

    def show(self, content, **options):
        """Show content, a figure or (with `raw=True`) a dictionary of MIME type → data."""
        from IPython.display import display

        if self.handle is None:
            self.handle = display(content, display_id=True, **options)
        else:
            self.handle.update(content, **options)


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
            self.notebook.show({"text/plain": text}, raw=True)
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
