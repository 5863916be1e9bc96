"""Recurrent and feed-forward presets give, on every backend, the numbers they gave when made."""

import json
import os
import subprocess
import sys

import keras
import pytest
from preset_outputs import EXPECTED, NAMES, outputs

from oscillator_zoo.models import available_presets, from_preset
from oscillator_zoo.models.presets.facts import weights_sha256

BACKEND = keras.backend.backend()


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_loads_and_answers_as_when_it_was_made(name):
    model = from_preset(name)
    assert weights_sha256(model) == model.card["sha256"]
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))[name]
    assert outputs(model) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX rounds float64, unless it is told not to")
def test_a_preset_in_float64_asks_jax_for_it():
    program = "from oscillator_zoo.models import from_preset; from_preset('jordan-driven')"
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "JAX_ENABLE_X64": "0"},
        capture_output=True,
        text=True,
    )
    assert "'jordan-driven' computes in float64" in run.stderr
    assert "JAX_ENABLE_X64=1" in run.stderr.splitlines()[-1]


def test_cards_are_read_on_every_backend():
    assert available_presets()["pinn-damped"]["class"] == "PINN"


@pytest.mark.skipif(BACKEND == "tensorflow", reason="on the other backends only")
@pytest.mark.parametrize("name", ["pinn-damped", "euler-damped", "duffing-measured"])
def test_presets_of_least_squares_ask_for_tensorflow(name):
    with pytest.raises(ValueError, match=f"'{name}' .*backend '{BACKEND}'.*KERAS_BACKEND=tensor"):
        from_preset(name)
