"""What a training needs to go on after it was killed, in a folder."""

import pathlib
import time

import keras

from .backup_file import check_shapes, read_backup, write_backup
from .stopping import trained_variables, values_of

SECONDS = 2.0  # between two backups
# What callbacks remember from one epoch to the next, by the names of their attributes.
REMEMBERED = (
    *("wait", "best", "best_epoch", "best_weights", "stopped_epoch", "cooldown_counter"),
    "stop_reason",
)


class Backup(keras.callbacks.Callback):
    """Backs up a training, so that a later one ends with the same weights, bit for bit.

    After an epoch, at most every two seconds, a file gets all that the next epoch depends on:
    weights, seeds and optimizer, `history`, the order of shuffled data, what other callbacks
    remember. It is written whole or not at all, at whichever moment the process is killed. What
    was done of a broken epoch is done again from its beginning. Each `fit` with this callback has
    a file of its own, so a recipe may have several; one that had ended is not repeated.

    `keras.callbacks.BackupAndRestore` saves weights and optimizer of one `fit`. It writes two
    files one after the other and in place, so that a kill may leave half of one, or an epoch that
    does not belong to the weights; and `history`, `EarlyStopping` (which forgets the best weights)
    and the order of shuffled data begin anew.

    Args:
        folder: where the files are; it is made when the first is written.
        about: dictionary of numbers and texts that says which training this is.
        states: list of further variables, as of `shuffle_states`.
        interruption: `StopOnInterrupt` in the same list of callbacks, or None. After it has
            stopped one `fit`, those that follow are left out.
        resume: whether to go on where the files in the folder end, or to remove them.
        writes: whether this process writes the files; of several workers the chief does.

    Attributes:
        interrupted_by: text, why `interruption` stopped a `fit`; None where it did not.

    Raises:
        ValueError: if `resume` finds the files of another training, or damaged ones.
    """

    def __init__(self, folder, about, states=(), interruption=None, resume=False, writes=True):
        super().__init__()
        self.writes = writes
        self.folder, self.about = pathlib.Path(folder), about
        self.states, self.interruption = states, interruption
        self.others = ()  # those that remember something, see `backed_up`
        self.fit_number, self.interrupted_by = 0, None
        self._start = self._last_written = time.monotonic()
        if not resume:
            self.remove()
        files = sorted(self.folder.glob("fit-[1-9].npz")) if resume else ()
        self._found = {int(path.stem[4:]): read_backup(path, about) for path in files}
        self._seconds_before = max((f["seconds"] for f in self._found.values()), default=0.0)

    @property
    def is_resumed(self):
        """Whether there was a backup to go on from."""
        return bool(self._found)

    @property
    def epochs(self):
        """Where each `fit`, of nine, goes on: a list of integers."""
        return [self._found.get(i, {"next_epoch": 0})["next_epoch"] for i in range(1, 10)]

    @property
    def seconds(self):
        """Time spent on the training, with that before it was interrupted."""
        return self._seconds_before + time.monotonic() - self._start

    def remove(self):
        """Remove the files, and what a kill left of a file that was being written."""
        if self.writes and self.folder.is_dir():
            for path in (*self.folder.glob("fit-[1-9].npz"), *self.folder.glob(".partial-*.npz")):
                path.unlink()
            if not any(self.folder.iterdir()):
                self.folder.rmdir()

    def on_train_begin(self, logs=None):
        self.fit_number += 1
        self._history, self._epochs, self._recalled, self._pending = {}, [], False, None
        self._variables = [*trained_variables(self.model), *self.states]
        if self.interrupted_by:
            self._begin_at(self.params["epochs"])
        elif self.fit_number in self._found:
            self._restore(self._found[self.fit_number])

    def on_epoch_begin(self, epoch, logs=None):
        self._recall_epochs()

    def on_epoch_end(self, epoch, logs=None):
        if self.interruption is not None and self.interruption.stop_reason:
            self.interrupted_by = self.interruption.stop_reason  # in the middle of this epoch
            return
        self._epochs.append(epoch)
        for name, value in (logs or {}).items():
            self._history.setdefault(name, []).append(float(value))
        is_last = self.model.stop_training or epoch + 1 >= self.params["epochs"]
        if not self.writes:
            return
        self._pending = self._snapshot(self.params["epochs"] if is_last else epoch + 1)
        if time.monotonic() - self._last_written >= SECONDS:
            self._write()

    def on_train_end(self, logs=None):
        self._recall_epochs()
        self.model._initial_epoch = None
        if self._pending is not None:
            self._write()

    def _snapshot(self, next_epoch):
        """Texts and arrays of a file: the state at the end of an epoch."""
        arrays = {f"variable/{i}": v for i, v in enumerate(values_of(self._variables))}
        callbacks = []
        for i, callback in enumerate(self.others):
            kept = {name: getattr(callback, name) for name in REMEMBERED if hasattr(callback, name)}
            weights = kept.pop("best_weights", None) or ()
            arrays |= {f"best_weights/{i}/{j}": weight for j, weight in enumerate(weights)}
            callbacks.append(kept)
        content = {
            "about": self.about,
            "next_epoch": next_epoch,
            "epochs": list(self._epochs),
            "history": {name: list(values) for name, values in self._history.items()},
            "callbacks": callbacks,
            "seconds": self.seconds,
        }
        return content, arrays

    def _write(self):
        write_backup(self.folder / f"fit-{self.fit_number}.npz", *self._pending)
        self._pending, self._last_written = None, time.monotonic()

    def _restore(self, found):
        """Put back the state at the end of an epoch."""
        arrays = found["arrays"]
        check_shapes(self._variables, arrays)
        for i, variable in enumerate(self._variables):
            variable.assign(arrays[f"variable/{i}"])
        for i, (callback, kept) in enumerate(zip(self.others, found["callbacks"], strict=True)):
            for name, value in kept.items():
                setattr(callback, name, value)
            names = [name for name in arrays if name.startswith(f"best_weights/{i}/")]
            if names:
                callback.best_weights = [arrays[name] for name in names]
        self._epochs, self._history = found["epochs"], found["history"]
        self.model.history.history.update({n: list(v) for n, v in self._history.items()})
        self._begin_at(found["next_epoch"])

    def _recall_epochs(self):
        """Give `history` the numbers of the epochs before; its `on_train_begin` comes after ours"""
        if not self._recalled:
            self.model.history.epoch[:0] = self._epochs
            self._recalled = True

    def _begin_at(self, epoch):
        self.model._initial_epoch = epoch  # as keras.callbacks.BackupAndRestore does it


def backed_up(callbacks):
    """The callbacks of a `fit`, a list, after a `Backup` among them was told what others remember.

    Without it `Backup` does not know of callbacks that a recipe adds to those it was given, such
    as `keras.callbacks.EarlyStopping` with its best weights.
    """
    for callback in callbacks:
        if isinstance(callback, Backup):
            callback.others = [c for c in callbacks if any(hasattr(c, n) for n in REMEMBERED)]
    return callbacks
