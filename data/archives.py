"""Zip archives of unknown origin: what they unpack to is limited before it is unpacked."""

import math
import os

import numpy as np

ALWAYS_ALLOWED = 2**28  # bytes that any computer can hold, 256 MiB
MOST_EXPANSION = 100  # no archive of numbers is packed more densely, but for endless zeros


def check_unpacked_size(archive):
    """Raise for an archive that unpacks to far more than it holds, a "zip bomb".

    Args:
        archive: open `zipfile.ZipFile`.

    Raises:
        ValueError: if its members declare more than 256 MiB and a hundred times its own size.
    """
    held = os.fstat(archive.fp.fileno()).st_size
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > max(ALWAYS_ALLOWED, MOST_EXPANSION * held):
        raise ValueError(f"it holds {held} bytes that would unpack to {unpacked}")


def read_array(archive, name):
    """One array of an `.npz` file; nothing is allocated that the archive does not hold.

    Args:
        archive: open `zipfile.ZipFile` that has passed `check_unpacked_size`.
        name: the array's name.

    Raises:
        KeyError: if there is no such array.
        ValueError: for Python objects, or a header that does not fit the data.
    """
    size = archive.getinfo(f"{name}.npy").file_size
    with archive.open(f"{name}.npy") as file:
        major, _ = np.lib.format.read_magic(file)
        if major != 1:  # longer headers belong to tables with named columns
            raise ValueError(f"the array {name!r} is of npy version {major}")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        count = math.prod(shape)
        if min(shape, default=0) < 0 or max(1, dtype.itemsize) * count != size - file.tell():
            raise ValueError(f"the header of {name!r} does not fit its data")
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)
