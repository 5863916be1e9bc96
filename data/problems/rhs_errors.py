"""Mistakes in a right-hand side, or a force, that a user wrote: the line, and what to write."""

import contextlib
import inspect
import linecache
import re
import traceback

import numpy as np

from ..checks import read_only

OURS = "oscillator_zoo"
LIBRARIES = {OURS, "numpy", "keras", "tensorflow", "jax", "torch", "scipy"}
SAME_NAME = {"array": "stack", "asarray": "convert_to_tensor", "fabs": "abs", "atan2": "arctan2"}
OF_ARRAYS = {"T": "transpose", "astype": "cast"}  # and other methods by their own names
ROWS = "x[:, 0:1] is the first coordinate of all rows, x[..., 0] the same without the last axis"
CURES = (  # what the error says, and what to write instead
    (
        r"read-only|item assignment",
        "x and v belong to the caller: write x = -x in place of x *= -1, and "
        "ops.where(condition, a, b) in place of x[condition] = a.",
    ),
    (
        r"[Tt]ensor'? object has no attribute '(\w+)'",
        "Tensors lack what arrays have: write ops.{0}(x, …) in place of x.{1}.",
    ),
    (
        r"module '[\w.]+' has no attribute",
        "ops has what numpy and keras.ops share, such as sin, exp, where and stack.",
    ),
    (
        r"is not defined|has no attribute",
        "Define it before: a constant is an attribute, self.stiffness, of the class or of its "
        "__init__.",
    ),
    (
        r"Python scalars|format string",
        "x holds many rows at once: compute with all of them, and leave float() and texts out.",
    ),
    (
        r"truth value|Python `bool`|as a Python bool",
        "x holds many rows at once: write ops.where(condition, a, b) in place of if.",
    ),
    (
        r"unpack|terating over a symbolic",
        "Write a, b = x[..., 0], x[..., 1] in place of a, b = x, and return "
        "ops.stack([...], axis=-1).",
    ),
    (
        r"double|float64",
        "A literal in ops.where or ops.convert_to_tensor becomes float32: write "
        "ops.cast(0.1, t.dtype), or 0.1 + 0.0 * t.",
    ),
    (
        r"index|slice|dimension|shape|broadcast|[Ii]ncompatible",
        f"x has the axes (rows, d): {ROWS}.",
    ),
)


@contextlib.contextmanager
def with_users_line(reading=""):
    """Within it, an error from a line of the user's own becomes a `ValueError` that shows it.

    Args:
        reading: what to add to the message, such as `reading_of_start`.
    """
    try:
        yield
    except Exception as error:
        frames = list(traceback.walk_tb(error.__traceback__))
        own = [(frame, line) for frame, line in frames if _is_users(frame)]
        if not own or (frames[-1][0] is not own[-1][0] and _module(frames[-1][0]) == OURS):
            raise  # a clear message already, such as that of a force outside its times
        frame, line = own[-1]
        place, text = place_of(frame.f_code.co_filename, line)
        raise ValueError(
            "rhs must compute with arrays of many rows, x of shape (num, d), and with the "
            f"functions of ops, numpy or keras.ops. Received {place}, which failed: "
            f"{type(error).__name__}, {first_line(error)}.{cure(error, text)}{reading}"
        ) from error


def reading_of_start(problem):
    """How several numbers at the start were read, and how else they may be meant; often empty.

    An equation of this library knows how many coordinates it has; a user's own may be a system.
    """
    numbers = {name: np.shape(getattr(problem, name)) for name in ("position", "velocity")}
    name = next((name for name, shape in numbers.items() if len(shape) == 1), None)
    is_own = not type(problem).__module__.startswith(f"{OURS}.")
    if problem.dimension > 1 or name is None or numbers[name] == (1,) or not is_own:
        return ""
    size = numbers[name][0]
    return (
        f" A {name} of {size} numbers was read as {size} motions of one coordinate: for one motion "
        f"of {size} coordinates pass dimension={size}, or write it in the class."
    )


def check_takes(problem, t, *state):
    """Raise unless `rhs` has the arguments (t, x, v, ops), order 1 (t, x, ops), in this order."""
    names = list(inspect.signature(problem.rhs).parameters)
    try:
        inspect.signature(problem.rhs).bind(t, *state, ops=None)
        for name, place in {"t": 0, "time": 0, "x": 1, "v": 2, "velocity": 2}.items():
            if name in names[:3] and names.index(name) != place:
                raise TypeError(f"{name} is not its argument {place + 1}")
    except TypeError as error:
        wanted = "self, t, x, v, ops=np" if problem.order == 2 else "self, t, x, ops=np"
        raise ValueError(
            f"rhs of order {problem.order} must be defined as def rhs({wanted}). "
            f"Received {place_of_rhs(problem, 'def rhs')}: {error}. "
            "Inside, write ops.sin where you would write np.sin."
        ) from error


def rate_at(problem, t, *state, reading=""):
    """What a user's `rhs` returns by NumPy, of arrays that it may not write to.

    Args:
        problem: `InitialValueProblem`.
        t: times, `(num, 1)`, or `(1,)` for all rows.
        *state: x and v, or x, each `(num, d)`.
        reading: as for `with_users_line`.

    Raises:
        ValueError: for a mistake in it, and for what is no array of real numbers.
    """
    with with_users_line(reading):
        rate = problem.rhs(*map(read_only, (t, *state)), ops=np)
    is_array = not isinstance(rate, list | tuple) and rate is not None
    if not is_array or np.asarray(rate).dtype.kind not in "fiub":
        numbers = f" of {np.asarray(rate).dtype}" if isinstance(rate, np.ndarray) else ""
        raise ValueError(
            f"rhs must return one array (num, {problem.dimension}). Received "
            f"{type(rate).__name__}{numbers} from {place_of_rhs(problem, 'return')}. End it with "
            f"return ops.stack([...], axis=-1), or return an array of the shape of x.{reading}"
        )
    return rate


def check_start(problem, rate):
    """Raise for a rate at the start that is no number."""
    rate = np.asarray(rate, np.float64)
    if not np.isfinite(rate).all():
        raise ValueError(
            f"rhs must be finite at the start. Received {rate[~np.isfinite(rate)].flat[0]} "
            f"from {place_of_rhs(problem, 'return')}, for {problem!r}. Start elsewhere, or look "
            "for a division by zero or a root of a negative number."
        )


def cure(error, text):
    """What to write in place of a line that failed with an error: a sentence after a blank."""
    message = str(error)
    called = re.search(r"\b(np|numpy|math|scipy\.\w+)\.(\w+)", text)
    symbolic = re.search(r"symbolic|numpy array|0-dimensional|length-1|__array__", message)
    if called and symbolic:
        name = SAME_NAME.get(called[2], called[2])
        return f" Write ops.{name} in place of {called[1]}.{called[2]}: ops is an argument of rhs."
    for pattern, advice in CURES:
        if found := re.search(pattern, message):
            method = found[1] if found.groups() else ""
            return " " + advice.format(OF_ARRAYS.get(method, method), method)
    is_of_numbers = isinstance(error, IndexError | TypeError | ValueError)
    return f" x has the axes (rows, d): {ROWS}." if is_of_numbers else ""


def place_of_rhs(problem, pattern=None):
    """Where `rhs` is defined: its first line that has a pattern, or its first."""
    try:
        code = inspect.unwrap(type(problem).rhs).__code__
        lines = inspect.getsourcelines(code)[0]
    except (OSError, TypeError, AttributeError):
        return f"{type(problem).__name__}.rhs"
    found = [i for i, text in enumerate(lines) if pattern and re.search(pattern, text)]
    return place_of(code.co_filename, code.co_firstlineno + (found[0] if found else 0))[0]


def place_of(filename, line):
    """`file, line 3: text`, and the text."""
    text = linecache.getline(filename, line).strip()
    place = f"{filename}, line {line}"
    return (f"{place}: `{text}`" if text else place), text


def first_line(error):
    """The first sentence or line of an error's message."""
    return (str(error).strip().splitlines() or [""])[0].rstrip(".")


def _module(frame):
    return frame.f_globals.get("__name__", "").split(".")[0]


def _is_users(frame):
    return _module(frame) not in LIBRARIES | {"contextlib", "functools"}
