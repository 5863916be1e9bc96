"""A Keras model that loses no digits between an array and its layers, and writes whole files."""

import pathlib

import keras

from ..export.litert_and_onnx import write_litert, write_onnx
from ..export.saved_model import (
    check_no_options,
    check_saved_model,
    write_endpoints,
    write_whole_saved_model,
)
from ..presets.preset import from_preset
from ..saving.model_file import write_model
from ..saving.pickles import reduced
from .array_batches import as_arrays, batches_of_arrays, check_inputs, is_array_like, split_off_last
from .dataset_checks import dataset_errors_as_value_error, with_rows
from .multi_worker import chief_path

LARGE_BATCH = 4096


class PreciseModel(keras.Model):
    """`keras.Model` whose `fit`, `evaluate` and `predict` pass arrays on with all their digits.

    `keras.Model.fit` rounds arrays of float64 to float32 before a layer sees them; here they
    travel in a `tf.data.Dataset`, which keeps them. Files are written whole or not at all.
    """

    def __reduce__(self):
        return reduced(self)

    def quantize(self, *args, **kwargs):
        """Refused: the answers of these models are those of float64.

        Raises:
            ValueError: always, before anything is changed.
        """
        raise ValueError(
            f"A {type(self).__name__} keeps the digits of its weights. Received a call of "
            "quantize. For a smaller file export it to LiteRT, in float32: "
            "export_model(model, 'model.tflite')."
        )

    @classmethod
    def from_preset(cls, name):
        """A trained model of this class; see `oscillator_zoo.models.from_preset`.

        Raises:
            FileNotFoundError: if there is neither such a preset nor such a folder.
            ValueError: for a preset that is damaged, or of another class.
        """
        model = from_preset(name)
        if not isinstance(model, cls):
            raise ValueError(
                f"{cls.__name__}.from_preset gives a {cls.__name__}. Received: {name!r}, a "
                f"{type(model).__name__}. Call oscillator_zoo.models.from_preset."
            )
        return model

    def as_dataset(self, x, y=None, sample_weight=None, batch_size=32, shuffle=False):
        """Batches of arrays, as `fit`, `evaluate` and `predict` take them."""
        return batches_of_arrays(x, y, sample_weight, batch_size, shuffle)

    def prepare(self, dataset):
        """What is done to every dataset (or generator, or None) before `fit` and `evaluate`."""
        return dataset

    @property
    def default_batch_size(self):
        """Samples in a batch of `fit` where `batch_size` is not given; `ALL` for all of them."""
        return 32

    def own_callbacks(self):
        """Callbacks that every `fit` of this model needs, beside those of the user."""
        return []

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
    ):
        """`keras.Model.fit`; arrays keep their precision."""
        check_inputs("fit", x, y, sample_weight)
        if is_array_like(x):
            arrays = as_arrays(x), as_arrays(y), as_arrays(sample_weight)
            if validation_split and validation_data is None:
                arrays, validation_data = split_off_last(arrays, validation_split)
            size = self.default_batch_size if batch_size is None else batch_size
            x = self.as_dataset(*arrays, batch_size=size, shuffle=shuffle)
            y = sample_weight = batch_size = None
            validation_split = 0.0
        else:
            x = with_rows(x)
        if is_array_like(validation_data):
            arrays = as_arrays(validation_data)
            arrays = arrays if isinstance(validation_data, tuple) else (arrays,)
            size = validation_batch_size or LARGE_BATCH
            validation_data = self.as_dataset(*arrays, batch_size=size)
            validation_batch_size = None
        else:
            validation_data = with_rows(validation_data)
        with dataset_errors_as_value_error():
            return super().fit(
                x=self.prepare(x),
                y=y,
                batch_size=batch_size,
                epochs=epochs,
                verbose=verbose,
                callbacks=self._with_own(callbacks),
                validation_split=validation_split,
                validation_data=self.prepare(validation_data),
                shuffle=shuffle and isinstance(x, keras.utils.PyDataset),  # others would only warn
                class_weight=class_weight,
                sample_weight=sample_weight,
                initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch,
                validation_steps=validation_steps,
                validation_batch_size=validation_batch_size,
                validation_freq=validation_freq,
            )

    def _with_own(self, callbacks):
        """The user's callbacks, and those that every `fit` needs."""
        if isinstance(callbacks, keras.callbacks.CallbackList):
            return callbacks
        given = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
        return [c for c in given if c is not None] + self.own_callbacks()

    def evaluate(
        self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, **kwargs
    ):
        """`keras.Model.evaluate`; arrays keep their precision."""
        check_inputs("evaluate", x, y, sample_weight)
        if is_array_like(x):
            x = self.as_dataset(x, y, sample_weight, batch_size=batch_size or LARGE_BATCH)
            y = sample_weight = batch_size = None
        else:
            x = with_rows(x)
        x = self.prepare(x)
        with dataset_errors_as_value_error():
            return super().evaluate(x, y, batch_size, verbose, sample_weight, **kwargs)

    def predict(self, x, batch_size=None, verbose="auto", **kwargs):
        """`keras.Model.predict`; arrays keep their precision."""
        check_inputs("predict", x)
        if is_array_like(x):
            x, batch_size = self.as_dataset(x, batch_size=batch_size or LARGE_BATCH), None
        else:
            x = with_rows(x)
        with dataset_errors_as_value_error():
            return super().predict(x, batch_size, verbose, **kwargs)

    def train_on_batch(self, x, y=None, sample_weight=None, **kwargs):
        """`keras.Model.train_on_batch`; what is no batch of numbers is refused."""
        check_inputs("train_on_batch", x, y, sample_weight)
        return super().train_on_batch(x, y, sample_weight, **kwargs)

    def test_on_batch(self, x, y=None, sample_weight=None, **kwargs):
        """`keras.Model.test_on_batch`; what is no batch of numbers is refused."""
        check_inputs("test_on_batch", x, y, sample_weight)
        return super().test_on_batch(x, y, sample_weight, **kwargs)

    def predict_on_batch(self, x):
        """`keras.Model.predict_on_batch`; what is no batch of numbers is refused."""
        check_inputs("predict_on_batch", x)
        return super().predict_on_batch(x)

    def save(self, filepath, overwrite=True, **kwargs):
        """`keras.Model.save` to a `.keras` file, written whole or not at all.

        Raises:
            ValueError: for a name that does not end in .keras, a folder that cannot be written
                to, or a file that exists with `overwrite=False`.
        """
        if not str(filepath).endswith(".keras"):
            raise ValueError(
                f"A model is saved to a file that ends in .keras. Received: {filepath}. "
                "Use model.export(folder) for a SavedModel."
            )
        if not overwrite and pathlib.Path(filepath).exists():
            raise ValueError(
                f"With overwrite=False a new file is written. Received: {filepath}, which exists. "
                "Choose another name or pass overwrite=True."
            )
        write_model(super().save, chief_path(filepath, self.distribute_strategy), **kwargs)

    def export(self, filepath, format="tf_saved_model", verbose=False, **kwargs):
        """`keras.Model.export`; a file or folder is written whole, and replaces an older one.

        Args:
            filepath: folder to write, new, empty, or with a SavedModel to replace; or a file.
            format: "tf_saved_model"; "litert" and "onnx", as `export_model` writes them; or
                another that `keras.Model.export` knows.
            verbose: whether Keras reports what it writes.
            **kwargs: as for `keras.Model.export`; none for "litert" and "onnx", and
                for models with endpoints of their own.

        Raises:
            ValueError: for a folder with something else in it, or that cannot be written, and
                for what the format cannot hold.
        """
        writers = {"litert": write_litert, "onnx": write_onnx}
        if format in writers:
            if kwargs:
                raise ValueError(
                    f"Files of {format} have no options. Received: {', '.join(kwargs)}. "
                    "Leave them out."
                )
            writers[format](self, filepath)
        elif format != "tf_saved_model":
            super().export(filepath, format=format, verbose=verbose, **kwargs)
        else:
            if hasattr(self, "export_signature"):
                check_no_options(kwargs)
            with write_whole_saved_model(filepath) as temporary:
                if hasattr(self, "export_signature"):
                    write_endpoints(temporary, self, {"serve": self}, [self.export_signature()])
                else:
                    super().export(temporary, format=format, verbose=verbose, **kwargs)
                    if not kwargs:
                        check_saved_model(self, temporary)
