"""The file of a trajectory: an `.npz` archive of plain arrays, with the problem as JSON."""

import json
import zipfile

import numpy as np

from ..archives import check_unpacked_size, read_array
from ..files import open_to_read, reason, write_whole
from ..problems.serialization import problem_from_text, problem_to_text

FORMAT_VERSION = 1
ARRAYS = ("times", "states", "feature_names", "force")
METHOD = ("method", "method_step")  # missing in files of measurements, and in older ones
MEASURED = ("units", "input_kind")  # missing in files of simulations, and in older ones
KINDS = {  # of arrays, and how many axes they have
    "feature_names": ("U", 1),
    "problem": ("U", 0),
    "method": ("U", 0),
    "method_step": ("f", 0),
    "units": ("U", 0),
    "input_kind": ("U", 0),
    "format_version": ("i", 0),
}


def write_trajectory(trajectory, path):
    """Write the file, whole or not at all.

    Raises:
        ValueError: for a problem or force that cannot be saved, or an unwritable folder.
    """
    problem = "" if trajectory.problem is None else problem_to_text(trajectory.problem)
    arrays = {name: np.asarray(getattr(trajectory, name)) for name in ARRAYS}
    made = {name: getattr(trajectory, name) for name in METHOD}
    if trajectory.units:
        made["units"] = json.dumps(trajectory.units)
    if trajectory.input_kind != "force":
        made["input_kind"] = trajectory.input_kind
    arrays.update({name: np.array(value) for name, value in made.items() if value is not None})
    with write_whole(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(
            file, format_version=np.array(FORMAT_VERSION), problem=np.array(problem), **arrays
        )


def read_trajectory(path):
    """What `write_trajectory` wrote, as a dictionary of `Trajectory`'s arguments.

    Nothing from the file is run: pickled arrays are refused, and of the problem only registered
    classes are built.

    Raises:
        ValueError: if the file is something else, damaged, of another version, or names a class
            that is not registered.
        FileNotFoundError: if there is no such file.
    """
    with open_to_read(path, "A saved trajectory (.npz)", mode="rb") as file:
        content = _read_arrays(file, path)
    version = content.pop("format_version").tolist()
    if version != FORMAT_VERSION:
        raise ValueError(
            f"A saved trajectory of format {FORMAT_VERSION} is expected. Received: {path} "
            f"of format {version}. Load it with the version of oscillator-zoo that wrote it."
        )
    text = str(content.pop("problem"))
    try:
        problem = problem_from_text(text) if text else None
    except Exception as error:  # whatever a foreign text does to the constructors it names
        raise ValueError(
            f"The problem in a saved trajectory must be one that simulate takes. Received: {path}, "
            f"whose problem cannot be read. {reason(error)}"
        ) from error
    names = [name for name in ("feature_names", *METHOD, *MEASURED) if name in content]
    plain = {name: content[name].tolist() for name in names}
    if "units" in plain:
        plain["units"] = _units(plain["units"], path)
    return {**content, **plain, "problem": problem}


def _units(text, path):
    try:
        units = json.loads(text)
        if all(isinstance(unit, str) for unit in units.values()):
            return units
    except (ValueError, AttributeError, RecursionError):
        pass
    raise ValueError(
        "The units in a saved trajectory must be texts by name. "
        f"Received: {path}, which has others. Save it again."
    )


def _read_arrays(file, path):
    try:
        with zipfile.ZipFile(file) as archive:
            check_unpacked_size(archive)
            members = archive.namelist()
            optional = [name for name in (*METHOD, *MEASURED) if f"{name}.npy" in members]
            names = (*ARRAYS, *optional, "format_version", "problem")
            content = {name: read_array(archive, name) for name in names}
        for name, kind in KINDS.items():
            if name in content and (content[name].dtype.kind, content[name].ndim) != kind:
                raise ValueError(f"{name!r} is an array of {content[name].dtype}")
        return content
    except Exception as error:  # whatever damaged bytes do to zipfile, zlib and NumPy's headers
        raise ValueError(
            f"A saved trajectory is an .npz file written by Trajectory.save. Received: {path}, "
            f"which is another kind of file, or damaged ({reason(error)}). Save it again."
        ) from error
