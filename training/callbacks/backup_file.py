"""The file of a backup: texts as JSON and arrays, in one `.npz`."""

import json

import numpy as np

from oscillator_zoo.data.files import make_folder, write_whole


def write_backup(path, content, arrays):
    """Write a file whole or not at all; its folder is made if it does not exist.

    Args:
        path: of the file, in a folder of its own.
        content: dictionary of numbers and texts.
        arrays: dictionary of arrays.
    """
    make_folder(path.parent)
    with write_whole(path) as temporary:
        np.savez(temporary, content=np.array(json.dumps(content)), **arrays)


def read_backup(path, about):
    """The content of a file, its arrays under "arrays".

    Args:
        path: the file.
        about: dictionary that says which training wants to go on.

    Raises:
        ValueError: if the file is damaged or says something else about its training.
    """
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = dict(file)
        found = json.loads(str(arrays.pop("content")))
        float(found["seconds"]), list(found["callbacks"]), int(found["next_epoch"])
        then = dict(found["about"])
    except Exception as error:  # zip, NumPy and JSON raise whatever their parts raise
        raise ValueError(
            f"Training goes on from a backup that it wrote. Received: {path}, which is damaged or "
            "another kind of file. Train without resume."
        ) from error
    other = [name for name in sorted({*then, *about}) if then.get(name) != about.get(name)]
    if other:
        texts = [", ".join(f"{name}={one.get(name)!r}" for name in other) for one in (then, about)]
        raise ValueError(
            f"Training goes on only as it began. The backup in {path.parent} was made with "
            f"{texts[0]}. Received: {texts[1]}. Say the same as before, or train without resume."
        )
    return {**found, "arrays": arrays}


def check_shapes(variables, arrays):
    """Raise unless the arrays of a file are those of these variables."""
    shapes = [tuple(variable.shape) for variable in variables]
    saved = [value.shape for name, value in arrays.items() if name.startswith("variable/")]
    if saved != shapes:
        raise ValueError(
            f"A backup goes on with the model that it was made of, of {len(shapes)} variables of "
            f"the shapes {shapes}. Received: {saved}. Train without resume."
        )
