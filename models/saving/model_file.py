"""The `.keras` file: its format version, and a reader for files of unknown origin."""

import io
import json
import pathlib
import re
import zipfile

import keras

from oscillator_zoo.data.archives import check_unpacked_size
from oscillator_zoo.data.files import open_to_read, reason, write_whole

from .file_checks import check_config
from .size_check import check_model_size, stored_bytes

FORMAT_VERSION = 1
COMMENT = "oscillator-zoo format"  # of the zip archive: Keras leaves it alone
MEMBERS = ("metadata.json", "config.json", "model.weights.h5")


def load_model(path):
    """`keras.models.load_model` for a file that may be damaged, or from somebody else.

    Before Keras builds anything, the archive must be sound and hold a model and nothing else; its
    description may name only Keras's own classes and functions and registered ones, none that
    reads other files or runs code from this one; and the model described must be about as large
    as the weights stored. A class of your own must be registered before: import its module.

    Args:
        path: `.keras` file.

    Returns:
        `keras.Model`, compiled if it was when saved.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for anything else than a sound `.keras` file of known classes.

    Example:
    >>> import tempfile
    >>> from oscillator_zoo.data import Decay
    >>> from oscillator_zoo.models import PINN
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "decay.keras"
    >>> PINN(Decay(), duration=1.0, hidden_units=(3,)).save(path)
    >>> load_model(path).duration
    1.0
    """
    path = pathlib.Path(path)
    with open_to_read(path, "A saved model (.keras)", mode="rb") as file:
        is_archive = zipfile.is_zipfile(file)
    if path.suffix != ".keras" or not is_archive:
        raise ValueError(
            "A model is read from a .keras file that this or another Keras program saved. "
            f"Received: {path}, which is damaged or another kind of file. Save it again."
        )
    try:
        check_model_file(path)
        return keras.models.load_model(path, safe_mode=True)
    except Exception as error:  # Keras raises whatever its parts raise
        raise ValueError(
            f"A model is read from a .keras file that this or another Keras program saved. "
            f"Received: {path} ({reason(error)}). Save it again; import the classes of your own "
            "that it names before."
        ) from error


def check_model_file(path):
    """Raise unless the file is a sound archive of a model that Keras may build.

    Raises:
        ValueError: for another format, foreign content, unknown classes, or a model of another
            size than its weights.
        Exception: whatever damaged bytes do to zipfile, json and h5py.
    """
    with zipfile.ZipFile(path) as archive:
        check_format(archive.comment)
        check_unpacked_size(archive)
        if sorted(archive.namelist()) != sorted(MEMBERS):
            raise ValueError(f"a .keras file holds {', '.join(MEMBERS)}, each once")
        _, config, weights = (archive.read(name) for name in MEMBERS)  # checks each one's CRC
    config = json.loads(config)
    if not isinstance(config, dict) or "class_name" not in config:
        raise ValueError("config.json describes no model")
    check_config(config)
    check_model_size(config, stored_bytes(io.BytesIO(weights), len(weights)))


def check_format(comment):
    """Raise for a file of a later format; files without a version are older, or Keras's own."""
    found = re.fullmatch(rf"{COMMENT} (\d{{1,9}})", comment.decode("ascii", "replace"))
    if found and int(found[1]) > FORMAT_VERSION:
        raise ValueError(
            f"format {found[1]}, and this version of oscillator-zoo reads up to {FORMAT_VERSION}: "
            "install a later one"
        )


def write_model(save, path, **options):
    """Save a model, written whole or not at all, with the format version.

    Args:
        save: the model's method `save`, as Keras has it.
        path: `.keras` file to write; its folder must exist.
        **options: for `save`.

    Raises:
        ValueError: if the folder does not exist or cannot be written to.
        OSError: if writing fails, on a full disk for instance.
    """
    with write_whole(path) as temporary:
        save(temporary, **options)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.comment = f"{COMMENT} {FORMAT_VERSION}".encode()
