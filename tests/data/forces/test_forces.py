"""Forces: their values, on arrays and in graphs, and what they refuse."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from oscillator_zoo.data import (
    Chirp,
    Constant,
    DampedOscillator,
    Duffing,
    Force,
    Sampled,
    Sinusoid,
    Step,
    simulate,
)
from oscillator_zoo.data.forces.force import check_force, evaluate_force, takes_ops

FORCES = {
    "constant": Constant(0.7),
    "sinusoid": Sinusoid(2.0, 1.3, phase=0.3),
    "step": Step(3.0, time=1.0),
    "chirp": Chirp(1.5, 0.5, 4.0, duration=3.0, phase=0.1),
    "sampled": Sampled([0.0, 0.1, 1.3, 3.0], [0.2, -1.0, 1 / 3, 2.0]),
}
ENSEMBLES = {
    "constant": Constant([0.7, 0.1, 0.0]),
    "sinusoid": Sinusoid([1.0, 2.0, 3.0], 1.3, phase=[0.0, 0.5, 1.0]),
    "step": Step([3.0, 1.0, 2.0], time=1.0),
    "chirp": Chirp([1.5, 1.0, 0.5], 0.5, [4.0, 3.0, 2.0], duration=3.0),
    "sampled": Sampled([0.0, 1.3, 3.0], [[0.2, 1.0, 2.0], [1.0, 0.0, 0.0], [0.1, 0.2, 0.3]]),
}
TIMES = np.linspace(0.0, 3.0, 31)


def each(forces):
    return pytest.mark.parametrize("force", forces.values(), ids=forces)


def test_values_follow_their_formulas():
    t = TIMES
    assert (FORCES["constant"](t) == 0.7).all()
    np.testing.assert_allclose(FORCES["sinusoid"](t), 2.0 * np.sin(1.3 * t + 0.3), rtol=1e-15)
    np.testing.assert_array_equal(FORCES["step"](t), [3.0 if x >= 1.0 else 0.0 for x in t])
    wanted = 1.5 * np.sin(0.1 + 0.5 * t + 3.5 * t**2 / 6.0)
    np.testing.assert_allclose(FORCES["chirp"](t), wanted, atol=1e-14)
    assert FORCES["sampled"](np.array(0.05)) == pytest.approx(-0.4, rel=1e-15)


def test_a_chirp_has_its_frequency_at_both_ends():
    """dφ/dt by central differences of the phase, arcsin of a force that stays below its crest."""
    chirp = Chirp(1.0, 0.5, 4.0, duration=3.0)
    for time, wanted in ((0.0, 0.5), (3.0, 4.0)):
        shifted = chirp.with_parameters(phase=-np.arcsin(chirp(time)))
        near = np.arcsin(shifted(time + np.array([-1e-6, 1e-6])))
        assert abs(near[1] - near[0]) / 2e-6 == pytest.approx(wanted, rel=1e-8)


@pytest.mark.parametrize("mode", ["eager", "graph", "XLA"])
@each(FORCES)
def test_keras_gives_the_numbers_of_numpy(force, mode):
    """To a few roundings of the sine's argument, which reaches 7; float32 would show as 1e-7."""
    t = TIMES[:, None]

    def call(t):
        return force(t, ops=keras.ops)

    if mode != "eager":
        call = tf.function(call, jit_compile=mode == "XLA")
    values = call(tf.constant(t))
    assert values.dtype == tf.float64
    np.testing.assert_allclose(values, force(t), rtol=0.0, atol=5e-15)


@each(ENSEMBLES)
def test_every_member_of_an_ensemble_is_the_force_it_selects(force):
    assert force.ensemble_size == 3
    values = force(TIMES[None, :])
    assert values.shape == (3, 31)
    for i in range(3):
        alone = force.select(i)
        assert alone.ensemble_size is None
        np.testing.assert_array_equal(alone(TIMES), values[i])
    pair = force.select(np.array([2, 0]))
    np.testing.assert_array_equal(pair(TIMES[None, :]), values[[2, 0]])
    column = keras.ops.convert_to_tensor(TIMES[:3, None])
    if not isinstance(force, Sampled):
        np.testing.assert_allclose(force(column, keras.ops), force(TIMES[:3, None]), atol=1e-15)


@each(FORCES | {f"{name}s": force for name, force in ENSEMBLES.items()})
def test_configuration_and_text_make_the_same_force(force):
    for copy in (type(force).from_config(force.get_config()), eval(repr(force))):
        np.testing.assert_array_equal(copy(TIMES[None, :]), force(TIMES[None, :]))


@each(FORCES | {f"{name}s": force for name, force in ENSEMBLES.items()})
def test_keras_saves_and_loads_forces(force):
    from oscillator_zoo.data.problems.serialization import register_with_keras

    register_with_keras()
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(force))
    assert type(copy) is type(force)
    np.testing.assert_array_equal(copy(TIMES[None, :]), force(TIMES[None, :]))


def test_parameters_may_be_tensors():
    amplitude = tf.Variable(2.0, dtype=tf.float64)
    force = Sinusoid(1.0, 1.3).with_parameters(amplitude=amplitude)
    with tf.GradientTape() as tape:
        value = force(tf.constant([[0.5]], tf.float64), keras.ops)
    assert tape.gradient(value, amplitude).numpy() == pytest.approx(np.sin(0.65), rel=1e-15)
    assert force.ensemble_size is None


def test_breakpoints_are_the_jumps():
    assert FORCES["step"].breakpoints == (1.0,)
    assert all(not FORCES[name].breakpoints for name in ("constant", "sinusoid", "chirp"))
    assert FORCES["sampled"].breakpoints == ()  # its slope jumps, its value does not


def test_a_record_is_nan_outside_its_times_where_a_graph_cannot_raise():
    values = tf.function(lambda t: FORCES["sampled"](t, keras.ops))(tf.constant([[-0.1], [3.1]]))
    assert np.isnan(values).all()


# What a problem accepts


def test_a_plain_function_is_evaluated_by_numpy_and_becomes_data():
    t = tf.constant(TIMES[:, None])
    values = evaluate_force(lambda t: np.exp(-t), t, keras.ops)
    assert values.dtype == tf.float64
    np.testing.assert_array_equal(values, np.exp(-TIMES[:, None]))


def test_numpys_own_functions_are_plain_functions():
    assert not takes_ops(np.sin)
    np.testing.assert_array_equal(evaluate_force(np.sin, TIMES), np.sin(TIMES))
    assert not takes_ops(max)  # which does not say what it takes


def test_a_plain_function_may_return_one_number_for_all_times():
    np.testing.assert_array_equal(evaluate_force(lambda t: 2, TIMES), np.full(31, 2.0))


def test_a_function_of_t_and_ops_runs_inside_a_graph():
    def force(t, ops):
        return ops.exp(-t)

    assert takes_ops(force)
    compiled = tf.function(lambda t: evaluate_force(force, t, keras.ops))
    np.testing.assert_allclose(compiled(tf.constant(TIMES)), np.exp(-TIMES), rtol=1e-15)


def test_no_force_is_zero():
    assert evaluate_force(None, TIMES) == 0.0


def test_a_tuple_has_one_column_for_each_coordinate():
    t = TIMES[:, None]
    force = (FORCES["sinusoid"], None, np.cos)
    wanted = np.concatenate([FORCES["sinusoid"](t), 0.0 * t, np.cos(t)], axis=1)
    np.testing.assert_array_equal(evaluate_force(force, t), wanted)
    np.testing.assert_allclose(
        evaluate_force(force, tf.constant(t), keras.ops), wanted, rtol=0.0, atol=1e-15
    )


def test_a_tuple_may_mix_ensembles_with_what_all_share():
    values = evaluate_force((Constant([1.0, 2.0]), None, Constant(3.0)), np.array([0.5]))
    np.testing.assert_array_equal(values, [[1.0, 0.0, 3.0], [2.0, 0.0, 3.0]])


def test_a_force_of_ones_own_needs_a_call_and_nothing_else():
    class Pulse(Force):
        def __init__(self, width):
            self.width = width

        def __call__(self, t, ops=np):
            return ops.exp(-((t / self.width) ** 2))

    oscillator = DampedOscillator(force=Pulse(2.0))
    assert oscillator.rhs(np.zeros((1, 1)), np.zeros((1, 1)), np.zeros((1, 1))) == 1.0
    assert repr(oscillator.force) == "Pulse(width=2.0)"


# Errors


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant("big"), "value must be a finite real number .* in N"),
        (lambda: Constant([[1.0]]), r"value must be a number .* Received shape \(1, 1\)\. Flatten"),
        (lambda: Sinusoid(1.0, np.nan), "angular_frequency must be a finite .* in rad/s"),
        (lambda: Sinusoid(1j, 1.0), "amplitude must be a finite real number"),
        (
            lambda: Sinusoid([1.0, 2.0], [1.0, 2.0, 3.0]),
            r"Sinusoid must have one size .* amplitude of size 2, angular_frequency of size 3",
        ),
        (lambda: Step(1.0, [1.0, 2.0]), r"time must be one number in s.*Received: \[1\.0, 2\.0\]"),
        (lambda: Chirp(1.0, 1.0, 2.0, 0.0), r"duration must be > 0 s\. Received: 0\.0"),
        (lambda: Sampled(1.0, 2.0), r"times must have the shape \(num,\).*Received shape \(\)"),
        (lambda: Sampled([1.0], [2.0]), "at least two samples"),
        (
            lambda: Sampled([0.0, 2.0, 1.0], [0.0, 0.0, 0.0]),
            r"times must increase\. Received 2 s followed by 1 s at index 2\. Sort the samples",
        ),
        (lambda: Sampled([0.0, 1.0, 1.0], [0.0, 0.0, 0.0]), "1 s followed by 1 s at index 2"),
        (lambda: Sampled([0.0, 5e-324], [0.0, 1.0]), "finite slope.*too close for their values"),
        (lambda: Sampled([0.0, 1.0], [[0.0, 1.0], [-1e308, 1e308]]), "finite slope.*Leave one"),
        (
            lambda: Sampled([0.0, 1.0], [0.0, 1.0, 2.0]),
            r"values must have the shape .* num = 2.*Received shape \(3,\)",
        ),
        (lambda: Sampled([0.0, 1.0], [0.0, np.nan]), "values must be a finite real number"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("time", [-0.1, 3.1])
def test_a_record_is_refused_outside_its_times(time):
    message = rf"known from 0 s to 3 s\. Received t = {time} s\. Shorten the simulation"
    with pytest.raises(ValueError, match=message):
        FORCES["sampled"](np.array([1.0, time]))


def test_an_ensemble_of_records_is_for_numpy_only():
    with pytest.raises(ValueError, match=r"shape \(num,\).*Received shape \(3, 3\)\. Take one"):
        ENSEMBLES["sampled"](tf.constant([[1.0]], tf.float64), keras.ops)


@pytest.mark.parametrize(
    ("force", "message"),
    [
        (1.5, r"Received: 1\.5\. For a constant force write Constant\(1\.5\)"),
        ("sin", r"force must be None, a function of t, or one of .*Received: 'sin'"),
        (Sinusoid, r"Received: <class .*Make one: Sinusoid\(…\)"),
        ([None, 2.0], r"Received: 2\.0"),
    ],
)
def test_what_cannot_be_called_is_no_force(force, message):
    with pytest.raises(ValueError, match=message):
        check_force(force)


@pytest.mark.parametrize(
    ("force", "message"),
    [
        (
            lambda t: np.zeros((2, 2)),
            r"for each time, shape \(31,\)\. Received shape \(2, 2\)",
        ),
        (lambda t: np.full_like(t, np.nan), r"A force must be finite\. Received nan N"),
        (lambda t: 1.0 / np.inf + np.inf, "Received inf N"),
        (lambda t: 1j * t, "must return real numbers in N. Received complex128"),
        (lambda t: None, "must return real numbers in N. Received object"),
        (lambda t: "strong", "must return real numbers in N"),
        (lambda: 1.0, r"function f\(t\) of an array of times .* which failed: .*positional"),
    ],
)
def test_a_plain_function_that_gives_no_force_is_refused(force, message):
    with pytest.raises(ValueError, match=message):
        evaluate_force(force, TIMES)


def test_a_plain_function_inside_a_compiled_graph_is_refused():
    compiled = tf.function(lambda t: evaluate_force(np.sin, t, keras.ops))
    with pytest.raises(ValueError, match=r"cannot run inside a compiled graph.*as f\(t, ops"):
        compiled(tf.constant(TIMES))


def test_a_force_without_a_call_says_what_to_define():
    with pytest.raises(NotImplementedError, match=r"must define __call__\(self, t, ops=numpy"):
        Force()(TIMES)


def test_a_force_cannot_write_to_the_times_of_the_motion():
    """Twice the times would be those of the trajectory, and of what the force is next."""

    def plain(t):
        t *= 2.0
        return np.sin(t)

    def with_ops(t, ops=np):
        t *= 2.0
        return ops.sin(t)

    for force in (plain, with_ops):
        for problem in (DampedOscillator(force=force), Duffing(force=force)):
            with pytest.raises(ValueError, match="read-only"):
                simulate(problem, 0.1, 10, "rk4")
