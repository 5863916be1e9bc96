"""Files that are written whole or not at all."""

import contextlib
import os
import pathlib
import secrets


@contextlib.contextmanager
def write_whole(path):
    """Gives a temporary path in the same folder, renamed to `path` when the block succeeds.

    The temporary name keeps the ending of `path`; on any error it is removed and `path` is as it
    was before. A process that is killed leaves a hidden `.partial-…` file, which nothing reads and
    which may be deleted. The content reaches the disk before the name does, so that neither a
    power cut leaves an empty file under the old name, nor a full disk goes unnoticed where it is
    told of only then, as on network drives.

    Args:
        path: file to write; its folder must exist.

    Yields:
        `pathlib.Path` to write to.

    Raises:
        ValueError: if the folder does not exist or cannot be written to, or `path` is a folder.
        OSError: if writing fails, on a full disk for instance.
    """
    path = pathlib.Path(path)
    if os.path.isdir(path):  # unlike path.is_dir(), also where one may not look
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
        with naming_the_file(path):
            yield temporary
            flush_to_disk(temporary)
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def naming_the_file(path):
    """Errors of the operating system say which file was to be written and what became of it."""
    try:
        yield
    except OSError as error:
        message = (
            f"{path} could not be written ({error.strerror or error}) and is as it was before. "
            "Make room on the disk, or choose another folder."
        )
        numbered = () if error.errno is None else (error.errno,)
        raise OSError(*numbered, message) from error


def flush_to_disk(path):
    """Return when the content of a file is on the disk."""
    with open(path, "r+b") as file:
        os.fsync(file.fileno())


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


def reason(error):
    """Why something failed, in one line: the first of an error's message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


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
