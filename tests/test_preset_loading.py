"""Recurrent and feed-forward presets give, on every backend, the numbers they gave when made."""

import json

import keras
import pytest
from preset_outputs import EXPECTED, NAMES, outputs

from oscillator_zoo.models import available_presets, from_preset
from oscillator_zoo.models.preset_facts import weights_sha256

BACKEND = keras.backend.backend()


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_loads_and_answers_as_when_it_was_made(name):
    model = from_preset(name)
    assert weights_sha256(model) == model.card["sha256"]
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))[name]
    assert outputs(model) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_cards_are_read_on_every_backend():
    assert available_presets()["pinn-damped"]["class"] == "PINN"


@pytest.mark.skipif(BACKEND == "tensorflow", reason="on the other backends only")
@pytest.mark.parametrize("name", ["pinn-damped", "euler-damped", "duffing-measured"])
def test_presets_of_least_squares_ask_for_tensorflow(name):
    with pytest.raises(ValueError, match=f"'{name}' .*backend '{BACKEND}'.*KERAS_BACKEND=tensor"):
        from_preset(name)
