"""The trial solution of a PINN, what it accepts and what it refuses."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from pinn_checks import Springs, randomise, springs, times_of

from oscillator_zoo.data import DampedOscillator, Decay, InitialValueProblem
from oscillator_zoo.models import PINN, SelfScaledBroyden


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("dimension", [1, 2, 3, 4])
@pytest.mark.parametrize("start_time", [0.0, 2.7])
def test_initial_conditions_hold_exactly_whatever_the_weights(order, dimension, start_time):
    problem = springs(order, dimension, start_time)
    pinn = PINN(problem, 1.5, (4, 4), seed=0)
    for seed in range(3):
        randomise(pinn, seed)
        x, v, _ = pinn.derivatives([start_time])
        np.testing.assert_array_equal(x[0], problem.position)
        if order == 2:
            np.testing.assert_array_equal(v[0], problem.velocity)
    later = randomise(pinn, 1)([start_time + 1.0])
    assert np.abs(later - randomise(pinn, 2)([start_time + 1.0])).max() > 1e-3


def test_default_trial_solution_is_straight_motion_plus_a_power_times_the_network():
    problem = springs(2, 2)
    pinn = randomise(PINN(problem, 1.5, (4,)))
    times = times_of(pinn)[:, None]
    s = times - problem.start_time
    network = pinn.network(2.0 * s / 1.5 - 1.0).numpy()
    expected = problem.position + problem.velocity * s + (s / 1.5) ** 2 * network
    np.testing.assert_allclose(pinn(times), expected, rtol=1e-14)


def test_h1_and_h2_replace_the_default_functions():
    problem = DampedOscillator(position=2.0, velocity=0.5, start_time=1.0)
    pinn = PINN(
        problem,
        3.0,
        (4,),
        h1=lambda t: 2.0 * ops.cos(t - 1.0) + 0.5 * ops.sin(t - 1.0),
        h2=lambda t: ops.square(ops.tanh(t - 1.0)),
    )
    randomise(pinn)
    times = times_of(pinn)[:, None]
    s = times - 1.0
    network = pinn.network(2.0 * s / 3.0 - 1.0).numpy()
    expected = 2.0 * np.cos(s) + 0.5 * np.sin(s) + np.tanh(s) ** 2 * network
    np.testing.assert_allclose(pinn(times), expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ({"h1": lambda t: 1.5 + 0.0 * t}, r"The value of h1 at t0 = 1 s must be \[2.0\].*\[1.5\]"),
        ({"h1": lambda t: 2.0 + t - 1.0}, r"The slope of h1 at t0 = 1 s must be \[0.5\].*\[1.0\]"),
        ({"h2": lambda t: ops.cos(t)}, r"The value of h2 at t0 = 1 s must be \[0.0\].*vanish"),
        ({"h2": lambda t: t - 1.0}, r"The slope of h2 at t0 = 1 s must be \[0.0\]"),
        ({"h1": lambda t: t[:, 0]}, r"h1 must return \(num, 1\).*Received \(2,\)"),
        ({"h2": lambda t: ops.concatenate([t, t], -1)}, r"h2 must return .*Received \(2, 2\)"),
    ],
)
def test_h1_and_h2_that_miss_the_start_are_refused(functions, message):
    problem = DampedOscillator(position=2.0, velocity=0.5, start_time=1.0)
    with pytest.raises(ValueError, match=message):
        PINN(problem, 3.0, (4,), **functions)


def test_h2_of_first_order_needs_no_slope():
    pinn = PINN(Decay(position=3.0), 2.0, (4,), h2=ops.tanh)
    assert float(randomise(pinn)([0.0])[0, 0]) == 3.0


@pytest.mark.parametrize(
    "times",
    [
        [0, 1],
        (0.0, 1.0),
        [[0.0], [1.0]],
        np.array([0, 1]),
        np.array([0.0, 1.0], "float32"),
        np.array([[0.0], [1.0]]),
        tf.constant([0.0, 1.0], "float64"),
        {"t": np.array([0.0, 1.0])},
    ],
)
def test_times_come_as_lists_arrays_tensors_and_integers(times):
    pinn = PINN(DampedOscillator(), 1.0, (4,), seed=0)
    expected = pinn(np.array([[0.0], [1.0]]))
    np.testing.assert_array_equal(pinn(times), expected)
    assert expected.dtype == "float64" and expected.shape == (2, 1)


def test_one_time_may_be_a_number():
    pinn = PINN(DampedOscillator(), 1.0, (4,), seed=0)
    np.testing.assert_array_equal(pinn(0.5), pinn([0.5]))
    np.testing.assert_array_equal(pinn.residual(0.5), pinn.residual([0.5]))


@pytest.mark.parametrize("method", ["__call__", "derivatives", "residual", "predict", "evaluate"])
def test_times_outside_the_interval_are_refused(method):
    pinn = PINN(DampedOscillator(start_time=1.0), 2.0, (4,))
    pinn.compile()
    for time in (0.5, 3.2):
        with pytest.raises(ValueError, match=f"trained from 1 s to 3 s. Received t = {time} s"):
            getattr(pinn, method)(np.array([2.0, time]))
    with pytest.raises(ValueError, match=r"t must be a finite real number .*Received nan"):
        getattr(pinn, method)(np.array([2.0, np.nan]))
    with pytest.raises(ValueError, match=r"shape \(num,\) or \(num, 1\). Received \(2, 3\)"):
        getattr(pinn, method)(np.ones((2, 3)))


def test_ends_of_the_interval_may_carry_the_rounding_of_float32():
    pinn = PINN(DampedOscillator(start_time=0.1), 10.0, (4,))
    assert pinn(np.array([0.1, 10.1], "float32")).shape == (2, 1)


def test_a_pinn_is_a_layer_of_a_larger_model():
    pinn = PINN(DampedOscillator(), 1.0, (4,), seed=0)
    inputs = keras.Input((1,), dtype="float64")
    model = keras.Model(inputs, keras.layers.Rescaling(2.0, dtype="float64")(pinn(inputs)))
    times = np.array([[0.25], [0.75]])
    np.testing.assert_allclose(model(times), 2.0 * pinn(times).numpy(), rtol=1e-15)


def test_the_seed_fixes_the_weights():
    def weights(seed):
        return PINN(DampedOscillator(), 1.0, (4, 4), seed=seed).get_weights()

    for first, second in zip(weights(3), weights(3)):
        np.testing.assert_array_equal(first, second)
    assert np.abs(weights(3)[0] - weights(4)[0]).max() > 1e-3
    keras.utils.set_random_seed(5)
    first = weights(None)
    keras.utils.set_random_seed(5)
    np.testing.assert_array_equal(first[0], weights(None)[0])


def test_hidden_layers_are_as_told_and_all_float64():
    pinn = PINN(springs(2, 3), 1.0, (7, 5), seed=0)
    shapes = [(1, 7), (7,), (7, 5), (5,), (1, 5, 3), (1, 3)]
    assert [w.shape for w in pinn.get_weights()] == shapes
    assert {w.dtype for w in pinn.get_weights()} == {np.dtype("float64")}
    assert len(PINN(Decay(), 1.0, hidden_units=4).get_weights()) == 4
    assert PINN(Decay(), 1.0, hidden_units=None).hidden_units
    assert keras.config.floatx() == "float32"


def test_float32_computes_in_float32():
    pinn = PINN(DampedOscillator(position=0.1), 1.0, (4,), dtype="float32")
    assert pinn([0.5]).dtype == "float32" and pinn.residual([0.5]).dtype == "float32"


@pytest.mark.parametrize("duration", [0.0, -1.0, np.nan, np.inf, "10", None])
def test_durations_that_are_not_positive_numbers_are_refused(duration):
    with pytest.raises(ValueError, match="duration must be"):
        PINN(DampedOscillator(), duration)


def test_several_durations_are_refused():
    with pytest.raises(ValueError, match=r"duration must be one number in s. Received: \[1.0, 2"):
        PINN(DampedOscillator(), [1.0, 2.0])


@pytest.mark.parametrize("units", [(8, 0), (8, 2.5), "8", True])
def test_layer_sizes_that_are_not_positive_integers_are_refused(units):
    with pytest.raises(ValueError, match="hidden_units must be an integer of at least 1"):
        PINN(DampedOscillator(), 1.0, units)


def test_other_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="must be an InitialValueProblem such as DampedOscillator"):
        PINN("oscillator", 1.0)
    with pytest.raises(ValueError, match=r"Received an ensemble of 2. Take one with .*select\(0\)"):
        PINN(DampedOscillator(position=[1.0, 2.0]), 1.0)
    with pytest.raises(ValueError, match=r"seed must be an integer of at least 0. Received: -1"):
        PINN(DampedOscillator(), 1.0, seed=-1)
    with pytest.raises(ValueError, match="activation"):
        PINN(DampedOscillator(), 1.0, activation="sine wave")


class Falling(InitialValueProblem):
    """x'' = g, in a form that the tests choose."""

    def __init__(self, acceleration, position=0.0, velocity=0.0):
        self.acceleration = acceleration
        super().__init__(position, velocity)

    def rhs(self, t, x, v, ops=np):
        return self.acceleration(t, x)


def test_a_constant_is_a_right_hand_side():
    pinn = PINN(Falling(lambda t, x: -9.81), 1.0, (4,), h1=lambda t: -4.905 * t**2)
    pinn.set_weights([0.0 * w for w in pinn.get_weights()])
    np.testing.assert_allclose(pinn.residual([0.0, 0.5]), 0.0, atol=1e-14)


@pytest.mark.parametrize(
    ("acceleration", "message"),
    [
        (lambda t, x: x[:, 0], r"rhs must return \(num, 1\).*Received \(3,\).*Keep the last axis"),
        (lambda t, x: ops.concatenate([x, x], -1), r"rhs must return .*Received \(3, 2\)"),
        (lambda t, x: x[:, None], r"rhs must return .*Received \(3, 1, 1\)"),
        (lambda t, x: ops.where(t > 0.5, 0.1, 0.0), "must compute in float64. Received float32"),
    ],
)
def test_right_hand_sides_that_do_not_fit_are_refused(acceleration, message):
    with pytest.raises(ValueError, match=message):
        PINN(Falling(acceleration), 1.0, (4,))


def test_springs_of_the_tests_couple_their_coordinates():
    problem = Springs([1.0, 2.0], [0.0, 0.0])
    np.testing.assert_allclose(
        problem.rhs(0.0, np.array([1.0, 2.0]), np.zeros(2)), [0.7 + 1.0, -2.4 + 0.5 + 1.0]
    )


@pytest.mark.parametrize("learned", [False, True])
def test_nothing_is_refused_by_every_method(learned):
    pinn = PINN(DampedOscillator(), 2.0, hidden_units=(4,), learned=learned)
    for method in ("train_on_batch", "test_on_batch"):
        with pytest.raises(ValueError, match=rf"Call compile\(\) before {method}\(\)"):
            getattr(pinn, method)(0.5)
    pinn.compile(SelfScaledBroyden())
    batches = tf.data.Dataset.from_tensors(np.zeros((3, 1)))
    for x, received in (([], "an empty list"), (batches.take(0), "an empty dataset")):
        for method in ("fit", "evaluate", "predict"):
            with pytest.raises(ValueError, match=f"{method} needs inputs. Received {received}"):
                getattr(pinn, method)(x)
    with pytest.raises(ValueError, match=r"predict needs inputs\. Received nothing"):
        pinn.predict(None)


def test_a_batch_without_times_among_others_is_refused():
    pinn = PINN(DampedOscillator(), 2.0, hidden_units=(4,))
    some = tf.data.Dataset.from_generator(
        lambda: (np.ones((num, 1)) for num in (3, 0)),
        output_signature=tf.TensorSpec((None, 1), "float64"),
    )
    with pytest.raises(
        ValueError, match=r"^Every batch needs rows\. Received .* batch of 0 rows\."
    ):
        pinn.predict(some, verbose=0)


def test_what_is_no_time_is_refused_before_keras_sees_it():
    pinn = PINN(DampedOscillator(), 2.0, hidden_units=(4,))
    with pytest.raises(ValueError, match="t must be a finite real number"):
        pinn({})
    for x in (None, ["a"], np.array(["2020-01-01"], "datetime64[s]"), {}, [np.nan], [True]):
        with pytest.raises(ValueError, match="t must be a finite real number"):
            pinn.predict_on_batch(x)
