"""Checks of user input, and objects that are described by their constructor's arguments."""

import keras
import numpy as np
import pytest

from oscillator_zoo.data.checks import is_tensor, positive_integer, real_value
from oscillator_zoo.data.configurable import Configurable, did_you_mean


class Spring(Configurable):
    def __init__(self, stiffness=1.0, rest=0.0):
        self.stiffness = stiffness
        self.rest = rest


class NamedSpring(Spring):
    def __init__(self, name, **kwargs):
        super().__init__(**kwargs)
        self.name = name


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2.0), np.array(2.0), np.int64(2)])
def test_a_number_becomes_a_python_float(value):
    result = real_value("mass", value, "kg")
    assert type(result) is float
    assert result == 2.0


@pytest.mark.parametrize("value", [[1, 2], (1.0, 2.0), np.array([1, 2]), np.float32([1, 2])])
def test_a_sequence_becomes_a_float64_array(value):
    result = real_value("mass", value, "kg")
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, [1.0, 2.0])


def test_the_array_kept_is_a_copy():
    given = np.array([1.0, 2.0])
    kept = real_value("mass", given, "kg")
    given[0] = -1.0
    assert kept[0] == 1.0


def test_tensors_pass_unchecked():
    tensor = keras.ops.convert_to_tensor([-1.0])
    variable = keras.Variable(np.array([-1.0]))
    assert real_value("mass", tensor, "kg", above=0.0) is tensor
    assert real_value("mass", variable, "kg", above=0.0) is variable


def test_arrays_of_other_libraries_are_not_tensors():
    class Series:  # as pandas has it
        dtype = "float64"

        def __array__(self, dtype=None, copy=None):
            return np.array([1.0, -1.0])

    assert not is_tensor(Series())
    with pytest.raises(ValueError, match="mass must be > 0 kg"):
        real_value("mass", Series(), "kg", above=0.0)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("heavy", r"mass must be a finite real number .* in kg\. Received: 'heavy'\. Pass numbers"),
        (None, "Received: None"),
        (1j, r"Received: 1j"),
        (True, "Received: True"),
        ([[1.0], [1.0, 2.0]], "Received: "),
        ([], r"Received an empty array of shape \(0,\)"),
        (np.nan, r"Received nan in nan\. Remove NaN and inf first"),
        ([1.0, -np.inf], r"Received -inf in \[1\.0, -inf\]"),
        (0.0, r"mass must be > 0 kg\. Received: 0\.0\. Pass a value > 0\."),
        ([1.0, -2.0], r"mass must be > 0 kg\. Received: \[1\.0, -2\.0\]"),
        (-np.ones(100), r"Received: array of shape \(100,\) from -1 to -1"),
    ],
)
def test_what_is_no_positive_number_is_refused(value, message):
    with pytest.raises(ValueError, match=message):
        real_value("mass", value, "kg", above=0.0)


def test_a_lower_bound_may_be_reached():
    assert real_value("damping", 0.0, "kg/s", at_least=0.0) == 0.0
    with pytest.raises(ValueError, match=r"damping must be >= 0 kg/s\. Received: -1e-09"):
        real_value("damping", -1e-9, "kg/s", at_least=0.0)


@pytest.mark.parametrize("value", [3, np.int32(3), np.uint8(3)])
def test_integers_are_integers(value):
    assert positive_integer("num_steps", value) == 3


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3.0, r"num_steps must be an integer of at least 1\. Received: 3\.0\. Write num_steps=3\."),
        (3.5, r"Received: 3\.5"),
        ("3", "Received: '3'"),
        (True, "Received: True"),
        (0, "Received: 0"),
        (-2, "Received: -2"),
        (np.nan, "Received: nan"),
    ],
)
def test_other_values_are_no_integers(value, message):
    with pytest.raises(ValueError, match=message):
        positive_integer("num_steps", value)


def test_arguments_of_base_classes_belong_to_the_configuration():
    spring = NamedSpring("left", stiffness=2.0)
    assert spring.get_config() == {"name": "left", "stiffness": 2.0, "rest": 0.0}
    assert NamedSpring.from_config(spring.get_config()).get_config() == spring.get_config()
    assert repr(spring) == "NamedSpring(name='left', stiffness=2.0, rest=0.0)"


def test_an_argument_that_is_not_kept_is_named():
    class Forgetful(Configurable):
        def __init__(self, stiffness):
            self.k = stiffness

    with pytest.raises(ValueError, match=r"Received no attribute for: stiffness\. Write self"):
        Forgetful(1.0).get_config()


def test_with_parameters_changes_a_copy():
    spring = Spring(2.0)
    assert spring.with_parameters(rest=1.0).get_config() == {"stiffness": 2.0, "rest": 1.0}
    assert spring.rest == 0.0


def test_an_unknown_parameter_gets_a_suggestion():
    message = r"Spring has the parameters stiffness, rest\. Received: 'stifness'\. Did you mean"
    with pytest.raises(ValueError, match=message):
        Spring().with_parameters(stifness=1.0)


def test_no_suggestion_where_nothing_is_near():
    assert did_you_mean("euler", ["rk4"]) == ""
    assert did_you_mean("Euler", ["euler", "rk4"]) == " Did you mean 'euler'?"


def test_repr_keeps_every_digit_of_short_arrays_and_summarises_long_ones():
    assert repr(Spring(np.array([0.1, 1 / 3]))) == (
        "Spring(stiffness=[0.1, 0.3333333333333333], rest=0.0)"
    )
    assert repr(Spring(np.arange(100.0))) == (
        "Spring(stiffness=<array of shape (100,) from 0 to 99>, rest=0.0)"
    )
