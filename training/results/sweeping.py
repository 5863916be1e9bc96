"""One function at many points, whatever becomes of single ones."""

import collections
import concurrent.futures
import contextlib
import functools
import itertools
import multiprocessing
import os
import sys

from .sweep_file import SweepFile, arguments_of, name_of, plain

BROKEN = concurrent.futures.BrokenExecutor
DIED = "The process that computed it died (killed, out of memory), or its error cannot be read."
MOST_DEATHS = 2  # of the process in which a point is computed, the second time alone


def sweep(function, points, executor=None, path=None):
    """A row for each point: its arguments with what the function returned, or with the error.

        row_i = {**point_i, **function(**point_i), "error": None}

    An error, or the death of a process, costs the row of its own point and no other. With `path`
    every row is written to a file as soon as it is finished: the same call goes on there after it
    was broken off, and tries points again that ended in an error.

    Any executor of `concurrent.futures` will do, on one machine or many. Dask (the extra
    `distributed`) has one for a cluster:
    `sweep(f, points, distributed.Client("host:8786").get_executor(pure=False))`. Its workers need
    this package, and `f` in a module that they can import. By default it is a pool of processes
    on this machine, made anew where one of them dies: a point that was computed then is tried once
    more, by itself.

    Args:
        function: called with a point's arguments by name; returns a number or text, which becomes
            the column "result", or a dictionary of them. Importable, for processes to find it.
        points: dictionaries name → number or text.
        executor: `concurrent.futures.Executor`, None for a pool of one process for each core.
        path: file for the rows, one JSON object a line; it is made if it does not exist.

    Returns:
        List of dictionaries, in the order of the points. "error" is None or a text.

    Raises:
        ValueError: for points that are none, a function that processes cannot import, or a file of
            something else.

    Example:
    >>> import concurrent.futures, math
    >>> with concurrent.futures.ThreadPoolExecutor() as threads:
    ...     rows = sweep(math.dist, [{"p": [0, 0], "q": [3, 4]}], threads)
    >>> rows[0]["error"]
    'TypeError: math.dist() takes no keyword arguments'
    """
    return rows_of(function, points, executor, path)


def rows_of(function, points, executor=None, path=None, on_row=None, num_processes=None, of=None):
    """As `sweep`, with what its command needs besides.

    Args:
        on_row: called for each new row, `on_row(number of finished ones, row)`.
        num_processes: of the pool on this machine, None for one for each core.
        of: text by which the file knows what its rows are of, None for the function's name.
    """
    points = list(points)
    arguments = [arguments_of(point) for point in points]
    kept = None if path is None else SweepFile(path, of or name_of(function))
    with kept or contextlib.nullcontext() as file:
        rows = [None if file is None else file.finished(known) for known in arguments]
        left = [i for i, row in enumerate(rows) if row is None]
        run = functools.partial(in_own_processes, num_processes or os.cpu_count() or 1)
        run = run if executor is None else functools.partial(in_executor, executor)
        with contextlib.closing(run(function, points, left)) as ended:
            for i, future in ended:
                rows[i] = row_of(arguments[i], future)
                if file is not None:
                    file.write(arguments[i], rows[i])
                if on_row is not None:
                    on_row(sum(row is not None for row in rows), rows[i])
    return rows


def row_of(point, future):
    """The row of a point whose computation has ended, one way or another."""
    try:
        result = future.result()
        result = result if isinstance(result, dict) else {"result": result}
        taken = sorted({*point, "error"} & result.keys())
        if taken:
            raise ValueError(
                f"Results need names of their own. Received: {', '.join(taken)}, as an argument "
                "or the error is called. Rename them."
            )
        return {**point, **plain(result), "error": None}
    except KeyboardInterrupt:
        raise
    except BROKEN:
        return {**point, "error": DIED}
    except BaseException as error:  # what the function raised, SystemExit too
        return {**point, "error": f"{type(error).__name__}: {error}"}


def in_executor(executor, function, points, left):
    """Gives (index, future) of each point that is left, when it has ended."""
    futures = {}
    try:
        for i in left:
            futures[_submit(executor, function, points[i])] = i
        for future in concurrent.futures.as_completed(futures):
            yield futures[future], future
    finally:
        for future in futures:
            future.cancel()


def _submit(executor, function, point):
    try:  # a partial, as executors may have keyword arguments of their own
        return executor.submit(functools.partial(function, **point))
    except BROKEN as error:
        future = concurrent.futures.Future()
        future.set_exception(error)
        return future


def in_own_processes(num_processes, function, points, left):
    """As `in_executor`, in processes of this machine, new ones after one has died.

    Which of them computed what is not known: all that were at work are tried again, one by one, so
    that a point that kills its process is found out.
    """
    if not left:
        return
    check_importable(function)
    num_processes = min(len(left), num_processes)
    waiting, deaths = collections.deque(left), collections.Counter()
    while waiting:
        suspects = [i for i in waiting if deaths[i]]
        at_once = 1 if suspects else num_processes
        context = multiprocessing.get_context("spawn")  # a fork of TensorFlow may hang
        with concurrent.futures.ProcessPoolExecutor(at_once, context) as pool:
            for i, future in _few_at_once(pool, function, points, suspects or waiting, at_once):
                died = isinstance(future.exception(), BROKEN)
                deaths[i] += died
                if not died or deaths[i] >= MOST_DEATHS:
                    waiting.remove(i)
                    yield i, future


def _few_at_once(pool, function, points, order, num):
    """Gives (index, future) as they end; ends itself when the pool is broken.

    No more than `num` are submitted at a time: those that are lost with a pool were at work.
    """
    order, running, broken = iter(list(order)), {}, False
    while True:
        for i in itertools.islice(order, 0 if broken else num - len(running)):
            running[_submit(pool, function, points[i])] = i
        if not running:
            return
        done, _ = concurrent.futures.wait(running, return_when="FIRST_COMPLETED")
        for future in done:
            broken |= isinstance(future.exception(), BROKEN)
            yield running.pop(future), future


def check_importable(function):
    """Raise for a function that another process could not find."""
    while isinstance(function, functools.partial):
        function = function.func
    module, name = function.__module__, getattr(function, "__qualname__", "")
    found = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    in_console = module == "__main__" and not hasattr(sys.modules[module], "__file__")
    if found != function or in_console:
        raise ValueError(
            "Processes import the function of a sweep by its name. Received: "
            f"{module}.{name or type(function).__name__}, which they cannot find. Define it with "
            "def in a module, not in a notebook or inside of a function, or pass a "
            "ThreadPoolExecutor."
        )
