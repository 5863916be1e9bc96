"""Files that are written whole or not at all."""

import contextlib
import os
import pathlib
import secrets


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
        ValueError: if the folder does not exist or cannot be written to, or `path` is a folder.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        raise ValueError(
            f"A file to write needs a name. Received the folder {path}. "
            f"Write {path / 'name'} with a name of your choice."
        )
    temporary = path.parent / f".partial-{secrets.token_hex(8)}{path.suffix}"
    try:
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise ValueError(
            f"The folder of a file to write must exist and be writable. Received: {path} "
            f"({error.strerror}). Create the folder or choose another."
        ) from error
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def open_to_read(path, what, **options):
    """`open(path)`, with errors that say what was expected.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for a folder, or a file that may not be read.
    """
    try:
        return open(path, **options)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{what} is expected. Received: {path}, which does not exist. Check the path."
        ) from None
    except OSError as error:
        raise ValueError(
            f"{what} is expected. Received: {path} ({error.strerror}). Pass a file that can be "
            "read."
        ) from error


def make_folder(path):
    """The folder as `pathlib.Path`, made with its parents if it does not exist.

    Raises:
        ValueError: if it cannot be made.
    """
    folder = pathlib.Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"The output needs a folder that can be written to. Received: {path} "
            f"({error.strerror}). Choose another."
        ) from error
    return folder
