"""What needs TensorFlow says so on the other backends, where importing it all needs none."""

import subprocess
import sys

import keras
import pytest

from oscillator_zoo.data import Decay
from oscillator_zoo.models import PINN, LeastSquaresModel, export_model

BACKEND = keras.backend.backend()
pytestmark = pytest.mark.skipif(BACKEND == "tensorflow", reason="on the other backends only")


def test_importing_the_models_imports_no_tensorflow():
    code = "import sys, oscillator_zoo.models; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("name", ["PINN", "LeastSquaresModel"])
def test_models_trained_by_gradient_tape_ask_for_tensorflow(name):
    message = (
        f"{name} needs TensorFlow's GradientTape.*backend '{BACKEND}'.*KERAS_BACKEND=tensorflow"
    )
    inputs = keras.Input((2,))
    with pytest.raises(ValueError, match=message):
        PINN(Decay(), 1.0) if name == "PINN" else LeastSquaresModel(inputs, inputs)


@pytest.mark.parametrize("ending", ["onnx", "tflite"])
def test_files_of_other_runtimes_ask_for_tensorflow(ending, tmp_path):
    inputs = keras.Input((2,))
    message = rf"written by TensorFlow.*backend '{BACKEND}'.*KERAS_BACKEND=tensorflow"
    with pytest.raises(ValueError, match=message):
        export_model(keras.Model(inputs, inputs), tmp_path / f"model.{ending}")
