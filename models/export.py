"""Models of any kind as SavedModels, written whole or not at all."""

from oscillator_zoo.models.saved_model import write_whole_folder


def export_model(model, folder):
    """`model.export(folder)` for any Keras model; an interrupted one leaves nothing behind.

    Args:
        model: built `keras.Model`.
        folder: where the SavedModel goes; another SavedModel there is replaced.

    Raises:
        ValueError: if the folder cannot be written, or holds something else than a SavedModel.
    """
    with write_whole_folder(folder) as temporary:
        model.export(temporary, verbose=False)
