"""What models have from `PreciseModel`: all digits, callbacks, formats of files."""

import keras
import numpy as np
import pytest

from oscillator_zoo.data import Decay
from oscillator_zoo.models import PINN, LeastSquaresModel
from oscillator_zoo.models.base_model import precise_model


@pytest.fixture
def line():
    """y = p x, p = 0 at first, under plain gradient descent."""
    inputs = keras.Input((1,), dtype="float64")
    readout = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", dtype="float64")
    model = LeastSquaresModel(inputs, readout(inputs))
    model.compile(keras.optimizers.SGD(0.5))
    return model


def test_arrays_are_fitted_in_batches_of_32_with_all_their_digits(line):
    x, y = np.ones((33, 1)), np.full((33, 1), 1.0 / 3.0)
    line.fit(x, y, epochs=1, verbose=0, shuffle=False)
    assert int(line.optimizer.iterations) == 2
    # p ← p − ½ · 2 (p − 1/3): one step leads there, but for rounding.
    np.testing.assert_allclose(line.get_weights()[0], 1.0 / 3.0, rtol=1e-15)


def test_a_list_of_callbacks_that_keras_has_made_is_taken_as_it_is(line):
    ended = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ended.append(epoch))
    callbacks = keras.callbacks.CallbackList([callback], add_history=True, model=line)
    history = line.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=callbacks)
    assert ended == history.epoch == [0, 1]


@pytest.mark.parametrize("kind", ["precise", "pinn"])
def test_export_writes_the_format_asked_for(kind, line, tmp_path, monkeypatch):
    model = line if kind == "precise" else PINN(Decay(), 1.0, (2,))
    written = []
    monkeypatch.setattr(precise_model, "write_onnx", lambda *arguments: written.append(arguments))
    model.export(tmp_path / "file", format="onnx")
    assert written == [(model, tmp_path / "file")]
    with pytest.raises(ValueError, match=r"(?i)format.*parchment"):
        model.export(tmp_path / "file", format="parchment")
