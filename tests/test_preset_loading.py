"""Recurrent and feed-forward presets give, on every backend, the numbers they gave when made."""

import json
import pathlib

import keras
import numpy as np
import pytest

from oscillator_zoo.models import available_presets, from_preset
from oscillator_zoo.models.preset_facts import weights_sha256

EXPECTED = pathlib.Path(__file__).parent / "golden" / "presets.json"
NAMES = ["elman-harmonic", "elman-driven", "jordan-driven", "dense-window", "conv-window"]


def outputs(model):
    """What the model answers to waves, as a list of numbers."""
    shape = [2, *(size or 20 for size in model.input_shape[1:])]
    x = np.sin(0.3 * np.arange(np.prod(shape))).reshape(shape).astype("float32")
    return keras.ops.convert_to_numpy(model(x)).ravel().tolist()


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_loads_and_answers_as_when_it_was_made(name):
    model = from_preset(name)
    assert weights_sha256(model) == model.card["sha256"]
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))[name]
    assert outputs(model) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_cards_are_read_on_every_backend():
    assert available_presets()["pinn-damped"]["class"] == "PINN"
