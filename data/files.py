"""Files and folders that are written whole or not at all."""

import contextlib
import errno
import os
import pathlib
import secrets
import shutil


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
def write_whole_folder(path, kind, is_kind):
    """Gives a temporary path in the same place, renamed to `path` when the block succeeds.

    A folder of its kind, or an empty one, that is already there is replaced; on any error it
    stays. A process that is killed leaves a hidden `.partial-…` folder, which may be deleted;
    killed between the two renamings of a replacement, it leaves the old one in `.partial-…-old`.

    Args:
        path: folder to write; the folder it is in must exist.
        kind: what is written, in one word.
        is_kind: function that tells whether a folder is of that kind, or empty.

    Yields:
        `pathlib.Path` of a folder that does not exist yet.

    Raises:
        ValueError: if the folder cannot be written, or `path` is something else than a `kind`.
        OSError: if writing fails, on a full disk for instance.
    """
    path = pathlib.Path(path)
    if os.path.exists(path) and not (path.is_dir() and is_kind(path)):
        raise ValueError(
            f"A {kind} is written to a new folder, or replaces another {kind}. "
            f"Received: {path}, which is something else. Choose another name."
        )
    temporary = path.parent / f".partial-{secrets.token_hex(8)}"
    try:
        temporary.mkdir()
        temporary.rmdir()
    except OSError as error:
        raise ValueError(
            f"The folder that a {kind} is written into must exist and be writable. "
            f"Received: {path} ({error.strerror}). Create the folder or choose another."
        ) from error
    try:
        with naming_the_file(path):
            with _full_disk_as_os_error():
                yield temporary
            for file in temporary.rglob("*"):
                if file.is_file():
                    flush_to_disk(file)
            _put_in_place(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def _full_disk_as_os_error():
    """What TensorFlow reports of a full disk, as an error of the operating system."""
    try:
        yield
    except Exception as error:
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            if os.strerror(number) in str(error):
                raise OSError(number, os.strerror(number)) from error
        raise


def _put_in_place(temporary, path):
    """Rename a folder to one that may exist, which is put back if that fails."""
    if not path.exists():
        os.replace(temporary, path)
        return
    old = temporary.with_name(temporary.name + "-old")
    os.replace(path, old)
    try:
        os.replace(temporary, path)
    except OSError:
        os.replace(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)


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
