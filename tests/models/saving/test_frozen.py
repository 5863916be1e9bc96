"""What is frozen stays frozen in a file, in a copy and in a model around it."""

import keras
import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator
from oscillator_zoo.models import (
    PINN,
    CheckpointedGradient,
    ElmanRNN,
    EulerCell,
    ForecastModel,
    JordanRNN,
    LeastSquaresModel,
    LinearRNN,
    ResponseModel,
    TruncatedGradient,
    load_model,
)
from oscillator_zoo.models.saving.frozen_parts import set_trainable_parts


def a_pinn(**arguments):
    return PINN(DampedOscillator(damping=0.2), 2.0, hidden_units=(4, 3), seed=1, **arguments)


def around(layer, *shape, dtype="float64"):
    """A model around a layer or model."""
    inputs = keras.Input(shape, dtype=dtype)
    return keras.Model(inputs, layer(inputs))


def a_forecaster():
    layer = ElmanRNN(3, return_sequences=True, output_units=2, dtype="float64")
    return ForecastModel(around(layer, None, 2), warm_up=2)


def a_graph(**arguments):
    inputs = keras.Input((3,), dtype="float64")
    hidden = keras.layers.Dense(4, "tanh", dtype="float64")(inputs)
    outputs = keras.layers.Dense(1, dtype="float64")(hidden)
    return LeastSquaresModel(inputs, outputs, **arguments)


def an_euler_cell(**arguments):
    return EulerCell(0.1, 0.3, 1.2, dtype="float64", **arguments)


def freeze(layer, *paths):
    """Set `trainable` of parts, of the layer itself for the path ""."""
    for path in paths:
        part = layer
        for name in filter(None, path.split(".")):
            part = part[int(name)] if name.isdigit() else getattr(part, name)
        part.trainable = not part.trainable
    return layer


def as_trained(model):
    """How many weights are trained, and which in the order of all."""
    return len(model.trainable_variables), [w.trainable for w in model.weights]


def thawed(model):
    for flag in (False, True):  # Keras on TensorFlow passes on only what changes
        model.trainable = flag
    return model


CASES = {
    "a PINN": lambda: freeze(a_pinn(), ""),
    "a PINN in a model": lambda: around(freeze(a_pinn(), ""), 1),
    "a PINN frozen later": lambda: freeze(around(a_pinn(), 1), "layers.1"),
    "its network": lambda: around(freeze(a_pinn(), "network"), 1),
    "a hidden layer": lambda: freeze(a_pinn(), "network.hidden.0"),
    "the readout": lambda: around(freeze(a_pinn(), "network.readout"), 1),
    "one weight": lambda: around(freeze(a_pinn(), "network.hidden.1.kernel"), 1),
    "all but the readout": lambda: around(freeze(a_pinn(), "network", "network.readout"), 1),
    "unknowns": lambda: freeze(a_pinn(unknown_parameters=("stiffness",)), "unknowns"),
    "a graph": lambda: around(freeze(a_graph(), ""), 3),
    "a layer of a graph": lambda: around(freeze(a_graph(), "layers.1"), 3),
    "ElmanRNN": lambda: freeze(around(ElmanRNN(3, output_units=2), 8, 1), "layers.1"),
    "a cell": lambda: freeze(around(ElmanRNN(3, output_units=2), 8, 1), "layers.1.cell"),
    "JordanRNN": lambda: freeze(around(JordanRNN(3, output_units=1), 8, 1), "layers.1.cell"),
    "EulerCell": lambda: freeze(around(LinearRNN(an_euler_cell()), 8, 1), "layers.1.cell"),
    "ResponseModel": lambda: around(freeze(ResponseModel(an_euler_cell()), ""), 8, 1),
    "its cell": lambda: around(freeze(ResponseModel(an_euler_cell()), "cell"), 8, 1),
    "ForecastModel": lambda: freeze(a_forecaster(), ""),
    "a forecaster's layer": lambda: freeze(a_forecaster(), "forecaster.layers.1"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_frozen_stays_frozen(case, tmp_path):
    model = CASES[case]()
    model.save(tmp_path / "frozen.keras")
    loaded = load_model(tmp_path / "frozen.keras")
    copies = [loaded, keras.models.clone_model(model), type(model).from_config(model.get_config())]
    for copy in copies:
        assert as_trained(copy) == as_trained(model)
    for old, new in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    frozen = as_trained(model)
    assert frozen != as_trained(thawed(model)) == as_trained(thawed(loaded))


@pytest.mark.parametrize(
    "layer, shape",
    [
        (lambda: a_pinn(trainable=False), (1,)),
        (lambda: a_graph(trainable=False), (3,)),
        (lambda: ElmanRNN(3, trainable=False), (8, 1)),
        (lambda: LinearRNN(an_euler_cell(), trainable=False), (8, 1)),
        (lambda: TruncatedGradient(ElmanRNN(3), 4, trainable=False), (8, 1)),
        (lambda: CheckpointedGradient(ElmanRNN(3), trainable=False), (8, 1)),
        (lambda: ResponseModel(an_euler_cell(), trainable=False), (8, 1)),
        (lambda: ResponseModel(an_euler_cell(trainable=False)), (8, 1)),
    ],
)
def test_what_is_constructed_frozen_is_not_trained_by_a_model_around_it(layer, shape):
    assert around(layer(), *shape).trainable_variables == []


def test_a_frozen_pinn_is_not_moved_by_training_after_loading(tmp_path):
    model = around(freeze(a_pinn(), ""), 1)
    scaled = keras.layers.Dense(1, dtype="float64")(model.output)
    model = keras.Model(model.input, scaled)
    model.save(tmp_path / "frozen.keras")
    loaded = load_model(tmp_path / "frozen.keras")
    loaded.compile("sgd", "mse")
    before = loaded.layers[1].get_weights()
    times = np.linspace(0.0, 2.0, 8)[:, None]
    loaded.fit(times, np.ones_like(times), verbose=0)
    for old, new in zip(before, loaded.layers[1].get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    assert not np.array_equal(loaded.layers[-1].get_weights()[0], model.layers[-1].get_weights()[0])


def test_a_member_of_a_frozen_family_is_frozen():
    family = a_pinn(parameter_ranges={"damping": (0.1, 0.3)})
    assert family.member(damping=0.2).trainable_variables
    assert freeze(family, "").member(damping=0.2).trainable_variables == []


def test_a_configuration_says_nothing_of_parts_that_are_as_their_owner():
    assert "trainable_parts" not in a_pinn().get_config()
    assert "trainable_parts" not in freeze(a_pinn(), "").get_config()
    assert freeze(a_pinn(), "network").get_config()["trainable_parts"] == {"network": False}


@pytest.mark.parametrize("flags", [{"netwerk": False}, {"network": 0}])
def test_flags_of_parts_that_are_not_there_are_refused(flags):
    with pytest.raises(ValueError, match="must say True or False of parts of a PINN: network"):
        set_trainable_parts(a_pinn(), flags)
