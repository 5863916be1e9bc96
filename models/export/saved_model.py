"""SavedModels that are written whole or not at all, and looked at before they are."""

import keras

from oscillator_zoo.data.files import write_whole_folder

from ..layer_graphs.twins import without_dropout
from .check import check_answers
from .served_function import all_of, by_name, served

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def check_no_options(options):
    """Raise for options of `keras.Model.export` where a model says itself what is written."""
    if options:
        raise ValueError(
            "The SavedModel of this model has no option but verbose. "
            f"Received: {', '.join(options)}. Leave them out."
        )


def write_whole_saved_model(path):
    """`write_whole_folder` for a SavedModel."""
    return write_whole_folder(path, "SavedModel", _is_saved_model)


def _is_saved_model(folder):
    return (folder / "saved_model.pb").exists() or not any(folder.iterdir())


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
    check_saved_model(model, folder, endpoints if hasattr(model, "endpoints") else None)


def write_saved_model(model, folder):
    """Write the SavedModel of a model, if it answers as the model does (`check_saved_model`)."""
    inner = without_dropout(model)
    if inner is model:
        model.export(folder, verbose=False)
        if type(model).export is keras.Model.export:  # those of this package look themselves
            check_saved_model(model, folder)
    else:
        given = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
        answer = {"serve": lambda x: inner(x, training=False)}
        write_endpoints(folder, model, answer, [tf.nest.map_structure(_any_batch, given)])


def check_saved_model(model, folder, functions=None):
    """Raise unless the endpoints of a SavedModel give the numbers of the model itself.

    Args:
        model: Keras model.
        folder: of the SavedModel.
        functions: the model's `endpoints`, if it has them; else `serve` is looked at.

    Raises:
        ValueError: with the name of the layer that answers otherwise, where it can be found.
    """
    if keras.backend.backend() != "tensorflow":
        return
    try:
        offered = served(model, functions)
    except ValueError:  # names that only files of other runtimes cannot hold, unknown inputs
        return
    loaded = tf.saved_model.load(folder)
    ends = all_of({name: getattr(loaded, name) for name in functions or ()})

    def answer(samples):
        given = tf.nest.pack_sequence_as(offered.signature, list(map(tf.constant, samples)))
        results = ends(given) if functions else by_name(loaded.serve(given))
        return {name: value.numpy() for name, value in results.items()}

    try:
        check_answers(model, offered, answer)
    except ArithmeticError as error:
        raise ValueError(
            "A SavedModel gives the numbers of its model. Received: "
            f"{model.name} ({error}). Give keras.Input the number of time steps."
        ) from error


def _any_batch(tensor):
    return tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, tensor.name)
