"""Files that are written whole or not at all."""

import contextlib
import os
import pathlib
import tempfile


@contextlib.contextmanager
def write_whole(path):
    """Gives a temporary path in the same folder, renamed to `path` when the block succeeds.

    The temporary name keeps the ending of `path`; on any error it is removed and `path` is as it
    was before.

    Args:
        path: file to write; its folder must exist.

    Yields:
        `pathlib.Path` to write to.

    Raises:
        ValueError: if the folder does not exist or cannot be written to.
    """
    path = pathlib.Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".partial-", suffix=path.suffix)
    except OSError as error:
        raise ValueError(
            f"The folder of a file to write must exist and be writable. Received: {path} "
            f"({error.strerror}). Create the folder or choose another."
        ) from error
    os.close(handle)
    temporary = pathlib.Path(name)
    try:
        yield temporary
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
