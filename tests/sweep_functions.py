"""What tests sweep over: cheap functions in a module that imports no TensorFlow."""

import os
import pathlib
import signal


def square(x, offset=0.0):
    """A number; none for the bad point."""
    if x == 3:
        raise ArithmeticError("three is bad")
    return {"square": x * x + offset, "process": os.getpid()}


def killed_once(x, folder):
    """x², from a process that is killed at x = 2 the first time."""
    mark = pathlib.Path(folder) / "killed"
    if x == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if x == 4:
        raise ArithmeticError("four is bad")
    return x * x


def killed_always(x):
    """x², from a process that is killed at x = 1."""
    if x == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return x * x
