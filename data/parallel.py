"""An ensemble worked on in parts that fit the processor's cache, on all processors."""

import concurrent.futures
import os


def slices(num, size):
    """Slices of at most `size` that cover `range(num)`."""
    return [slice(i, min(i + size, num)) for i in range(0, num, size)]


def in_parts(work, num, size):
    """Call `work(part)` for slices that cover `range(num)`.

    NumPy lets other threads run while it computes, so the parts share all processors. No part may
    depend on another.

    Args:
        work: function of a slice.
        num: length of the axis that is divided.
        size: length of a part.
    """
    parts = slices(num, size)
    workers = min(len(parts), os.cpu_count() or 1)
    if workers == 1:
        for part in parts:
            work(part)
        return
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, parts):  # raises what `work` raised
            pass
