"""Layers and models are Python objects: they are pickled and copied, cards and warnings too."""

import copy
import pickle
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
from marks import further_but_for

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


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_of_a_solution_keeps_equation_and_weights(way):
    pinn = PINN(DampedOscillator(damping=0.3), 1.0, 3, seed=0)
    copied = WAYS[way](pinn)
    times = np.linspace(0.0, 1.0, 5)
    np.testing.assert_array_equal(copied.residual(times), pinn.residual(times))


@pytest.mark.parametrize("way", WAYS)
def test_a_force_that_no_file_can_hold_is_named(way):
    with pytest.raises(ValueError, match="plain function cannot be saved"):
        WAYS[way](PINN(DampedOscillator(force=np.cos), 1.0, 3))


@pytest.mark.slow
def test_pickles_are_read_in_a_process_of_their_own(tmp_path):
    """Classes of this package bring it along; Keras's own around them need its import before."""
    x = np.linspace(-1.0, 1.0, 12).reshape(2, 6, 1)
    keras_layer = keras.layers.RNN(EulerCell(0.1, 0.3, 1.0, dtype="float64"), dtype="float64")
    elman = ElmanRNN(3, dtype="float64")
    expected = [np.array(layer(x)) for layer in (elman, keras_layer)]
    preset = from_preset("elman-harmonic")
    for name, one in {"elman": elman, "preset": preset, "keras": keras_layer}.items():
        (tmp_path / name).write_bytes(pickle.dumps(one))
    np.save(tmp_path / "x.npy", x)
    script = """
        import pathlib, pickle, sys, warnings
        folder = pathlib.Path(sys.argv[1])
        preset = pickle.loads((folder / "preset").read_bytes())
        import numpy as np
        from oscillator_zoo.models import rollout
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            rollout(preset, np.full((1, 3, 2), 1e3), 1)
        assert any("was trained for" in str(one.message) for one in caught)
        x = np.load(folder / "x.npy")
        answers = [pickle.loads((folder / name).read_bytes())(x) for name in ("elman", "keras")]
        np.savez(folder / "answers.npz", *map(np.array, answers))
        """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), tmp_path], check=True)
    with np.load(tmp_path / "answers.npz") as found:
        for one, other in zip(found.values(), expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-14)


@pytest.mark.parametrize("name", further_but_for(LAYERS, "elman"))
def test_layers_are_left_as_they_are_by_quantize(name):
    """Keras quantizes the layers that can be, and says of each other one that it is left out."""
    keras.utils.set_random_seed(0)
    inner, dense = LAYERS[name](), keras.layers.Dense(2)
    model = keras.Sequential([keras.Input((6, 1)), inner, dense])
    x = np.linspace(-1.0, 1.0, 12, dtype="float32").reshape(2, 6, 1)
    before, hidden = np.array(model(x)), np.array(inner(x))
    with pytest.raises(NotImplementedError, match="does not have a `quantize`"):
        inner.quantize("int8")
    with pytest.warns(UserWarning, match="does not have a `quantize`"):
        model.quantize("int8")
    assert dense.dtype_policy.name.startswith("int8")
    np.testing.assert_array_equal(inner(x), hidden)
    np.testing.assert_allclose(model(x), before, rtol=0, atol=0.03 * np.abs(before).max())


def test_a_solution_inside_another_model_is_left_as_it_is_by_quantize():
    pinn = PINN(DampedOscillator(), 1.0, (8, 8), seed=1)
    given = keras.Input((1,), dtype="float64")
    model, t = keras.Model(given, pinn(given)), np.array([[0.2], [0.9]])
    before = np.array(model(t)), np.array(pinn.residual(t))
    with pytest.warns(UserWarning) as caught:  # of the input layer too
        model.quantize("int8")
    assert any("keeps the digits of its weights" in str(one.message) for one in caught)
    np.testing.assert_array_equal(model(t), before[0])
    np.testing.assert_array_equal(pinn.residual(t), before[1])


@pytest.mark.parametrize("model", [lambda: PINN(DampedOscillator(), 1.0, 8), least_squares])
def test_quantize_is_refused_before_anything_is_changed(model):
    model = model()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"keeps the digits of its weights.*export_model"):
        model.quantize("int8")
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
