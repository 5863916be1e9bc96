"""Layers and models are Python objects: they are pickled and copied, cards and warnings too."""

import copy
import pickle

import keras
import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator
from oscillator_zoo.models import (
    PINN,
    CheckpointedGradient,
    DuffingCell,
    ElmanRNN,
    EulerCell,
    JordanRNN,
    LeastSquaresModel,
    LinearRNN,
    TruncatedGradient,
    from_preset,
    rollout,
)

WAYS = {"pickle": lambda one: pickle.loads(pickle.dumps(one)), "deepcopy": copy.deepcopy}
LAYERS = {
    "elman": lambda: ElmanRNN(3, output_units=2, learn_initial_state=True),
    "jordan": lambda: JordanRNN(3, output_units=2),
    "linear": lambda: LinearRNN(EulerCell(0.1, damping_rate=0.3, squared_frequency=1.0)),
    "duffing": lambda: keras.layers.RNN(DuffingCell()),
    "truncated": lambda: TruncatedGradient(ElmanRNN(3), 2),
    "checkpointed": lambda: CheckpointedGradient(ElmanRNN(3), 2),
}


def least_squares():
    inputs = keras.Input((6, 1))
    return LeastSquaresModel(inputs, ElmanRNN(3, return_sequences=True)(inputs))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", [*LAYERS, "least squares"])
def test_a_copy_answers_as_the_original(name, way):
    one = least_squares() if name == "least squares" else LAYERS[name]()
    x = np.linspace(-1.0, 1.0, 12, dtype="float32").reshape(2, 6, 1)
    expected = np.array(one(x))
    np.testing.assert_array_equal(np.array(WAYS[way](one)(x)), expected)


@pytest.mark.parametrize("way", WAYS)
def test_a_preset_keeps_its_card_and_its_warnings(way):
    for name in ("elman-harmonic", "pinn-damped", "duffing-measured"):
        preset = from_preset(name)
        copied = WAYS[way](WAYS[way](preset))
        assert dict(copied.card) == dict(preset.card)
        for one, other in zip(copied.get_weights(), preset.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    copied = WAYS[way](from_preset("elman-harmonic"))
    with pytest.warns(UserWarning, match="was trained for"):
        rollout(copied, np.full((1, 3, 2), 1e3), 1)


@pytest.mark.parametrize("model", [lambda: PINN(DampedOscillator(), 1.0, 8), least_squares])
def test_quantize_is_refused_before_anything_is_changed(model):
    model = model()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"keeps the digits of its weights.*export_model"):
        model.quantize("int8")
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
