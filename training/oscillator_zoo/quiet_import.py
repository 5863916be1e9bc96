"""TensorFlow is imported without what it says of the machine, in every process of a command."""

import contextlib
import logging
import os
import sys
import tempfile


def train_point(name, folder, seed, **options):
    """One training of a sweep: what `oscillator_zoo.training.zoo.recipe_sweep` returns of it.

    It is here so that a process finds it without importing TensorFlow first.
    """
    with without_start_up_log():
        from oscillator_zoo.training.zoo.recipe_sweep import trained_errors
    return trained_errors(name, folder, seed, **options)


@contextlib.contextmanager
def without_start_up_log():
    """Keep what TensorFlow says of the machine while it is imported off the screen.

    It writes that past Python, to file descriptor 2, and some of it whatever the environment
    says. Python's own warnings are shown as ever, and all of it when the import fails, or when
    the environment asks for a log: TF_CPP_MIN_LOG_LEVEL=0 or 1.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") in ("0", "1") or sys.stderr is None:
        yield
        return
    with tempfile.TemporaryFile() as log, os.fdopen(os.dup(2), "w") as screen:
        os.dup2(log.fileno(), 2)
        try:
            with contextlib.redirect_stderr(screen):
                yield
        except BaseException:
            log.seek(0)
            screen.write(log.read().decode(errors="replace"))
            raise
        finally:
            screen.flush()
            os.dup2(screen.fileno(), 2)
            _log_to_standard_error(screen)


def _log_to_standard_error(screen):
    """Let the log handlers that were made meanwhile, for `screen`, write to standard error."""
    for name in (None, "tensorflow", "absl"):
        for handler in logging.getLogger(name).handlers:
            if getattr(handler, "stream", None) is screen:
                handler.setStream(sys.stderr)
