"""SavedModels that are written whole or not at all."""

import contextlib
import errno
import os
import pathlib
import secrets
import shutil

import keras

from oscillator_zoo.data.files import flush_to_disk, naming_the_file

from ..layer_graphs.twins import without_dropout

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def check_no_options(options):
    """Raise for options of `keras.Model.export` where a model says itself what is written."""
    if options:
        raise ValueError(
            "The SavedModel of this model has no option but verbose. "
            f"Received: {', '.join(options)}. Leave them out."
        )


def is_saved_model(folder):
    """Whether a folder holds a SavedModel, or nothing."""
    return (folder / "saved_model.pb").exists() or not any(folder.iterdir())


@contextlib.contextmanager
def write_whole_folder(path, kind="SavedModel", is_kind=is_saved_model):
    """Gives a temporary path in the same place, renamed to `path` when the block succeeds.

    A SavedModel (or an empty folder) that is already there is replaced; on any error it stays.
    A process that is killed leaves a hidden `.partial-…` folder, which may be deleted; killed
    between the two renamings of a replacement, it leaves the old SavedModel in `.partial-…-old`.

    Args:
        path: folder to write; the folder it is in must exist.
        kind: what is written, in one word.
        is_kind: function that tells whether a folder is of that kind and may be replaced.

    Yields:
        `pathlib.Path` of a folder that does not exist yet.

    Raises:
        ValueError: if the folder cannot be written, or `path` is something else than a SavedModel
            (or what `kind` says).
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
            with _system_errors():
                yield temporary
            for file in temporary.rglob("*"):
                if file.is_file():
                    flush_to_disk(file)
            _put_in_place(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def _system_errors():
    """What TensorFlow reports of a full disk, as an error of the operating system."""
    try:
        yield
    except Exception as error:
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            if os.strerror(number) in str(error):
                raise OSError(number, os.strerror(number)) from error
        raise


def _put_in_place(temporary, path):
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


def write_endpoints(folder, model, endpoints, signature):
    """Write a SavedModel with several functions of one model.

    Args:
        folder: path that does not exist yet.
        model: Keras model whose weights the functions use.
        endpoints: functions by name; "serve" is the one that loaders take by default.
        signature: list of `tf.TensorSpec`, the arguments of each function.

    Raises:
        ValueError: see `check_saved_model`.
    """
    archive = keras.export.ExportArchive()
    archive.track(model)
    for name, function in endpoints.items():
        archive.add_endpoint(name, function, input_signature=signature)
    archive.write_out(folder, verbose=False)
    check_saved_model(model, folder)


def write_saved_model(model, folder):
    """Write the SavedModel of a model, if it answers as the model does (`check_saved_model`)."""
    served = without_dropout(model)
    if served is model:
        model.export(folder, verbose=False)
        if type(model).export is keras.Model.export:  # those of this package look themselves
            check_saved_model(model, folder)
    else:
        given = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
        answer = {"serve": lambda x: served(x, training=False)}
        write_endpoints(folder, model, answer, [tf.nest.map_structure(_any_batch, given)])


def check_saved_model(model, folder):
    """Raise unless the endpoint `serve` of a SavedModel gives the numbers of `model(x)`.

    Raises:
        ValueError: with the name of the layer that answers otherwise, where it can be found.
    """
    if keras.backend.backend() != "tensorflow":
        return
    from .check import check_file
    from .served_function import by_name, endpoints

    try:
        _, specs, signature = endpoints(model)
    except ValueError:  # names that only files of other runtimes cannot hold, unknown inputs
        return
    loaded = tf.saved_model.load(folder)

    def answer(samples):
        results = loaded.serve(tf.nest.pack_sequence_as(signature, list(map(tf.constant, samples))))
        named = {"x": results} if hasattr(model, "export_results") else by_name(results)
        return {name: value.numpy() for name, value in named.items()}

    same = 1e-9 if specs[0].dtype == tf.float64 else 1e-3
    try:
        check_file(model, answer, specs, signature, same)
    except ArithmeticError as error:
        raise ValueError(
            "A SavedModel gives the numbers of its model. Received: "
            f"{model.name} ({error}). Give keras.Input the number of time steps."
        ) from error


def _any_batch(tensor):
    return tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, tensor.name)
