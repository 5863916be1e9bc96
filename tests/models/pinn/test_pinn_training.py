"""What `fit`, `evaluate` and `predict` of a PINN compute, log and lose: no digit."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from marks import further_but_for
from pinn_checks import one_layer_residual, one_layer_solution, randomise, springs, times_of

from oscillator_zoo.data import (
    DampedOscillator,
    Decay,
    InitialValueProblem,
    Sampled,
    Sinusoid,
    Step,
)
from oscillator_zoo.data.forces.formulas import evaluate_force
from oscillator_zoo.models import PINN


def small_pinn(problem=None, duration=2.0, seed=0, **options):
    pinn = randomise(PINN(problem or springs(1, 2), duration, (4,)), seed)
    pinn.compile(**{"optimizer": keras.optimizers.SGD(0.0), **options})
    return pinn


def history_of(pinn, *args, **options):
    history = pinn.fit(*args, verbose=0, **options).history
    return {name: values[-1] for name, values in history.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("order", "jit_compile"), further_but_for([(1, True), (2, False)], (2, False))
)
def test_logged_loss_and_residual_max_are_those_of_numpy(order, jit_compile):
    pinn = small_pinn(springs(order, 2), jit_compile=jit_compile)
    times = times_of(pinn, num=10)
    residual = one_layer_residual(pinn, times)
    expected = {"loss": np.mean(residual**2), "residual_max": np.abs(residual).max()}
    # one batch, and batches of 4, 4 and 2 (each size would cost XLA two compilations)
    for batch_size in (10,) if jit_compile else (10, 4):
        evaluated = pinn.evaluate(times, batch_size=batch_size, verbose=0, return_dict=True)
        assert evaluated == pytest.approx(expected, rel=1e-12)
        assert history_of(pinn, times, batch_size=batch_size) == pytest.approx(expected, rel=1e-12)
    values = pinn.evaluate(times, verbose=0)
    assert values == pytest.approx([expected["loss"], expected["residual_max"]], rel=1e-12)
    assert pinn.metrics_names == ["loss", "residual_max"]


@pytest.mark.slow
def test_validation_data_come_as_array_list_tuple_and_dataset():
    pinn = small_pinn()
    training, times = times_of(pinn, num=5), times_of(pinn, num=6, seed=1)
    residual = one_layer_residual(pinn, times)
    expected = {"val_loss": np.mean(residual**2), "val_residual_max": np.abs(residual).max()}
    targets = np.zeros((6, 2))
    for data in (
        times,
        list(times),
        (times,),
        (times, targets),
        (list(times), targets),
        tf.constant(times),
        tf.data.Dataset.from_tensor_slices(times).batch(4),
    ):
        logs = history_of(pinn, training, validation_data=data)
        assert {name: logs[name] for name in expected} == pytest.approx(expected, rel=1e-12)


def test_validation_split_takes_the_last_times_as_keras_does():
    pinn = small_pinn()
    times = times_of(pinn, num=7)
    logs = history_of(pinn, list(times), validation_split=0.3, batch_size=3)
    first, last = (np.mean(one_layer_residual(pinn, t) ** 2) for t in (times[:4], times[4:]))
    assert logs["loss"] == pytest.approx(first, rel=1e-12)
    assert logs["val_loss"] == pytest.approx(last, rel=1e-12)
    with pytest.raises(ValueError, match=r"validation_split=0.01 for 1 samples"):
        pinn.fit([1.0], validation_split=0.01, verbose=0)


def test_collocation_points_are_one_float64_batch_repeated():
    problem = DampedOscillator(start_time=0.3)
    pinn = PINN(problem, 1.1, (4,))
    points = pinn.collocation_points(5, steps_per_epoch=3)
    batches = list(points)
    assert len(batches) == 3 == int(points.cardinality())
    for batch in batches:
        assert batch.dtype == "float64"
        np.testing.assert_array_equal(batch, np.linspace(0.3, 0.3 + 1.1, 5)[:, None])
    assert not points.options().autotune.enabled
    assert next(iter(pinn.collocation_points())).shape == (256, 1)
    assert int(pinn.collocation_points().cardinality()) == 100
    for arguments in ({"num_points": 1}, {"num_points": 2.5}, {"steps_per_epoch": 0}):
        with pytest.raises(ValueError, match="must be an integer of at least"):
            pinn.collocation_points(**arguments)


def test_fit_and_evaluate_without_times_take_the_collocation_points():
    pinn = small_pinn(DampedOscillator(start_time=0.3))
    expected = np.mean(one_layer_residual(pinn, np.linspace(0.3, 2.3, 256)) ** 2)
    assert pinn.evaluate(verbose=0)[0] == pytest.approx(expected, rel=1e-12)
    assert history_of(pinn)["loss"] == pytest.approx(expected, rel=1e-12)
    assert int(pinn.optimizer.iterations) == 100


@pytest.mark.slow
def test_no_digit_of_float64_times_is_lost():
    pinn = small_pinn()
    time = np.array([1.0 + 1e-10])
    # A residual whose slope is of order 1 changes by 1e-10; float32 would round the time to 1.
    expected = np.mean(one_layer_residual(pinn, time) ** 2)
    rounded = np.mean(one_layer_residual(pinn, np.array([1.0])) ** 2)
    assert abs(expected - rounded) > 1e-11
    dataset = tf.data.Dataset.from_tensors(time)
    for data in (time, list(time), tf.constant(time), dataset):
        assert pinn.evaluate(data, verbose=0)[0] == pytest.approx(expected, rel=1e-13)
        logs = history_of(pinn, data, validation_data=data)
        assert logs["loss"] == pytest.approx(expected, rel=1e-13)
        assert logs["val_loss"] == pytest.approx(expected, rel=1e-13)
    assert pinn.test_on_batch(time)[0] == pytest.approx(expected, rel=1e-13)
    position = one_layer_solution(pinn, time)[0]
    assert np.abs(position - one_layer_solution(pinn, [1.0])[0]).max() > 1e-11
    for prediction in (
        pinn.predict(time, verbose=0),
        pinn.predict(list(time), verbose=0),
        pinn.predict(dataset, verbose=0),
        pinn.predict_on_batch(time),
    ):
        np.testing.assert_allclose(prediction, position, rtol=1e-14)
    assert keras.config.floatx() == "float32"


def test_predict_gives_one_position_for_each_time_in_order():
    pinn = small_pinn()
    times = times_of(pinn, num=70)
    predicted = pinn.predict(times, batch_size=16, verbose=0)
    np.testing.assert_allclose(predicted, one_layer_solution(pinn, times)[0], rtol=1e-12)


def trained(**options):
    pinn = PINN(Decay(rate=1.3), 2.0, (6,), seed=1)
    pinn.compile(keras.optimizers.Adam(1e-2), **options)
    points = pinn.collocation_points(32, steps_per_epoch=7)
    return pinn, pinn.fit(points, epochs=2, verbose=0).history


@pytest.mark.further
def test_every_way_of_running_a_step_trains_alike():
    reference, history = trained()
    assert history["loss"][1] < history["loss"][0]
    # 3 does not divide 7 steps, 7 does, 100 is more than an epoch.
    for options in (
        {"run_eagerly": True},
        {"jit_compile": True},
        {"steps_per_execution": 3},
        {"steps_per_execution": 100},
    ):
        pinn, other = trained(**options)
        assert int(pinn.optimizer.iterations) == 14
        for name, values in history.items():
            np.testing.assert_allclose(other[name], values, rtol=1e-9, err_msg=str(options))
        for first, second in zip(reference.get_weights(), pinn.get_weights()):
            np.testing.assert_allclose(first, second, rtol=1e-9, atol=1e-12)


def test_adam_finds_the_decaying_exponential():
    pinn = PINN(Decay(rate=1.0), 2.0, (16,), seed=0)
    pinn.compile(keras.optimizers.Adam(1e-2), steps_per_execution=100)
    loss = pinn.fit(pinn.collocation_points(32), epochs=10, verbose=0).history["loss"]
    assert loss[-1] < 0.05 * loss[0]
    x, _ = pinn.problem.exact(np.linspace(0.0, 2.0, 50))
    np.testing.assert_allclose(pinn.predict(np.linspace(0.0, 2.0, 50), verbose=0), x, atol=0.02)


def test_compile_takes_adam_and_keeps_the_weights():
    pinn = PINN(Decay(), 1.0, (4,), seed=0)
    pinn.compile()
    assert isinstance(pinn.optimizer, keras.optimizers.Adam)
    pinn.fit(pinn.collocation_points(8, 2), verbose=0)
    weights = pinn.get_weights()
    pinn.compile("sgd")
    for before, after in zip(weights, pinn.get_weights()):
        np.testing.assert_array_equal(before, after)
    with pytest.raises(ValueError, match=r"minimises the mean square .*loss='mae'.*Leave loss out"):
        pinn.compile(loss="mae")


def test_on_batch_methods_train_and_test():
    pinn = small_pinn(optimizer=keras.optimizers.SGD(1e-3))
    times = times_of(pinn)
    expected = np.mean(one_layer_residual(pinn, times) ** 2)
    assert pinn.test_on_batch(times, return_dict=True)["loss"] == pytest.approx(expected, rel=1e-12)
    pinn.reset_metrics()
    assert pinn.train_on_batch(list(times))[0] == pytest.approx(expected, rel=1e-12)
    assert np.mean(one_layer_residual(pinn, times) ** 2) < expected
    with pytest.raises(ValueError, match=r"trained from 0.7 s to 2.7 s. Received t = 9 s"):
        pinn.train_on_batch([9.0])


def test_metrics_compare_with_targets_where_there_are_any():
    pinn = small_pinn(metrics=[keras.metrics.MeanAbsoluteError(dtype="float64")])
    times = times_of(pinn, num=6)
    targets = np.random.default_rng(0).normal(size=(6, 2))
    expected = np.abs(one_layer_solution(pinn, times)[0] - targets).mean()
    logs = history_of(pinn, pinn.collocation_points(8, 2), validation_data=(times, targets))
    assert "mean_absolute_error" not in logs
    assert logs["val_mean_absolute_error"] == pytest.approx(expected, rel=1e-12)
    logs = history_of(pinn, times, targets, batch_size=4)
    assert logs["mean_absolute_error"] == pytest.approx(expected, rel=1e-12)
    residual = one_layer_residual(pinn, times)
    assert logs["loss"] == pytest.approx(np.mean(residual**2), rel=1e-12)


def test_callbacks_see_the_logs_and_save_the_model(tmp_path):
    pinn = PINN(Decay(), 1.0, (4,), seed=0)
    pinn.compile(keras.optimizers.Adam(1e-2))
    rates = []
    history = pinn.fit(
        pinn.collocation_points(8, 2),
        epochs=6,
        validation_data=[0.1, 0.9],
        verbose=0,
        callbacks=[
            keras.callbacks.LearningRateScheduler(lambda epoch: 10.0 ** -(2 + epoch)),
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: rates.append(float(pinn.optimizer.learning_rate))
            ),
            # Keras knows which way is better of its own metrics only: say mode="min"
            keras.callbacks.ModelCheckpoint(
                tmp_path / "{epoch}.keras", monitor="residual_max", mode="min"
            ),
            keras.callbacks.EarlyStopping("loss", min_delta=1e9, patience=2),
        ],
    ).history
    assert len(history["loss"]) == 3
    np.testing.assert_allclose(rates, [1e-2, 1e-3, 1e-4], rtol=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{n}.keras" for n in (1, 2, 3)]
    loaded = keras.models.load_model(tmp_path / "3.keras")
    np.testing.assert_array_equal(loaded([0.5]), pinn([0.5]))


def test_a_tuple_or_weights_by_mistake_are_refused():
    pinn = small_pinn()
    times = times_of(pinn)
    with pytest.raises(ValueError, match=r"targets are an argument of their own, fit\(times, pos"):
        pinn.fit((times, times))
    for call in (pinn.fit, pinn.evaluate):
        with pytest.raises(
            ValueError, match=r"weighs all collocation points alike. Received: samp"
        ):
            call(times, sample_weight=np.ones(7))
    with pytest.raises(ValueError, match=r"same number of samples. Received the sizes .6, 7."):
        pinn.fit(times, np.zeros((6, 2)))


def test_a_subclass_may_replace_the_trial_solution():
    class Shifted(PINN):
        def call(self, t):
            return super().call(t) + 0.5

    pinn, shifted = (cls(springs(2, 2), 2.0, (4,), seed=0) for cls in (PINN, Shifted))
    times = times_of(pinn)
    np.testing.assert_allclose(shifted(times), pinn(times) + 0.5, rtol=1e-14)
    shifted.compile(keras.optimizers.SGD(0.0))
    x, v, a = shifted.derivatives(times)
    residual = a - pinn.problem.rhs(times[:, None], x.numpy(), v.numpy())
    assert shifted.evaluate(times, verbose=0)[0] == pytest.approx(np.mean(residual**2), rel=1e-12)


FORCES = {
    "plain": (lambda t: np.cos(1.3 * t), lambda t: np.cos(1.3 * t)),
    "step": (Step(2.0, time=0.8), lambda t: np.where(t >= 0.8, 2.0, 0.0)),
    "sampled": (
        Sampled([0.0, 1.0, 2.0], [0.0, 3.0, -1.0]),
        lambda t: np.interp(t, [0.0, 1.0, 2.0], [0.0, 3.0, -1.0]),
    ),
    "with ops": (lambda t, ops: ops.cos(1.3 * t), lambda t: np.cos(1.3 * t)),
}


def mean_square_under(force, pinn, times):
    x, slope, _ = one_layer_solution(pinn, times)
    return np.mean((slope - force(times[:, None]) + x) ** 2)


@pytest.mark.parametrize("name", FORCES)
@pytest.mark.parametrize("jit_compile", further_but_for([False, True], False), ids=["graph", "xla"])
def test_forces_act_eagerly_and_compiled(name, jit_compile):
    force, of_numpy = FORCES[name]
    pinn = small_pinn(Decay(force=force), jit_compile=jit_compile)
    times = times_of(pinn, num=9)
    expected = mean_square_under(of_numpy, pinn, times)
    assert abs(expected - mean_square_under(lambda t: 0.0, pinn, times)) > 1e-3
    assert np.mean(np.square(pinn.residual(times))) == pytest.approx(expected, rel=1e-12)
    logs = history_of(pinn, times, validation_data=times)
    assert logs["loss"] == pytest.approx(expected, rel=1e-12)
    assert logs["val_loss"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
def test_a_plain_force_acts_wherever_times_are_given():
    force, of_numpy = FORCES["plain"]
    pinn = small_pinn(Decay(force=force))
    times = times_of(pinn, num=9)
    expected = pytest.approx(mean_square_under(of_numpy, pinn, times), rel=1e-12)
    for dataset in (
        tf.data.Dataset.from_tensor_slices(times).batch(4),
        tf.data.Dataset.from_tensors({"t": times}),
        tf.data.Dataset.from_tensors((times, np.zeros((9, 1)))),
    ):
        assert history_of(pinn, dataset, validation_data=dataset)["val_loss"] == expected
        assert pinn.evaluate(dataset, verbose=0)[0] == expected
    assert pinn.test_on_batch(times)[0] == expected
    assert pinn.train_on_batch(times)[0] == expected
    positions = one_layer_solution(pinn, times)[0]
    np.testing.assert_allclose(pinn.predict(times, verbose=0), positions, rtol=1e-12)
    points = np.linspace(0.0, 2.0, 5)
    expected = mean_square_under(of_numpy, pinn, points)
    logs = history_of(pinn, pinn.collocation_points(5, 2))
    assert logs["loss"] == pytest.approx(expected, rel=1e-12)
    batch = next(iter(pinn.collocation_points(5, 2)))
    pinn.reset_metrics()
    assert pinn.test_on_batch(batch)[0] == pytest.approx(expected, rel=1e-12)
    assert pinn.train_on_batch(batch)[0] == pytest.approx(expected, rel=1e-12)


def test_a_fit_on_arrays_does_not_keep_the_execution_of_a_longer_one():
    pinn = small_pinn()
    pinn.choose_execution(pinn.collocation_points(), epochs=10)
    assert (pinn.steps_per_execution, pinn.jit_compile) == (100, True)
    pinn.fit(times_of(pinn), verbose=0)
    assert (pinn.steps_per_execution, pinn.jit_compile) == (1, False)


class Pushed(InitialValueProblem):
    """Two coordinates, each with its own force: x_i' = F_i − x_i."""

    order, dimension = 1, 2

    def __init__(self, force, position=(0.2, 0.3)):
        self.force = force
        super().__init__(position)

    def rhs(self, t, x, ops=np):
        return evaluate_force(self.force, t, ops) - x


@pytest.mark.slow
def test_each_coordinate_may_have_its_own_force():
    pinn = small_pinn(Pushed((lambda t: np.exp(-t), Sinusoid(2.0, 3.0))), jit_compile=True)
    times = times_of(pinn)
    x, slope, _ = one_layer_solution(pinn, times)
    force = np.stack([np.exp(-times), 2.0 * np.sin(3.0 * times)], axis=-1)
    expected = np.mean((slope + x - force) ** 2)
    assert pinn.evaluate(times, verbose=0)[0] == pytest.approx(expected, rel=1e-12)
    assert history_of(pinn, times)["loss"] == pytest.approx(expected, rel=1e-12)


def test_a_sampled_force_that_ends_before_the_interval_is_refused():
    force = Sampled([0.0, 1.0], [0.0, 1.0])
    with pytest.raises(ValueError, match="This force is known from 0 s to 1 s"):
        PINN(Decay(force=force), duration=2.0, hidden_units=(4,))


def test_float32_trains_in_float32():
    pinn = PINN(Decay(), 1.0, (4,), seed=0, dtype="float32")
    pinn.compile()
    assert next(iter(pinn.collocation_points())).dtype == "float32"
    loss = pinn.fit(pinn.collocation_points(8, 5), epochs=3, verbose=0).history["loss"]
    assert loss[-1] < loss[0]


@pytest.mark.slow
def test_h1_may_be_written_in_keras_ops_and_train():
    pinn = PINN(Decay(), 1.0, (4,), h1=lambda t: ops.exp(-0.5 * t), seed=0)
    pinn.compile(keras.optimizers.Adam(1e-2), jit_compile=True)
    loss = pinn.fit(pinn.collocation_points(8, 50), epochs=2, verbose=0).history["loss"]
    assert loss[-1] < 0.5 * loss[0]


def test_the_training_log_keeps_its_own_largest_residual_beside_that_of_the_validation():
    pinn = small_pinn(Decay())
    pinn.compile("sgd")
    times, others = np.linspace(0.0, 2.0, 9), np.array([0.0])
    expected = np.abs(pinn.residual(times)).max(), np.abs(pinn.residual(others)).max()
    pinn.optimizer.learning_rate = 0.0  # so that both are those of the weights above
    logs = pinn.fit(times, validation_data=others, batch_size=9, verbose=0).history
    assert logs["residual_max"] == pytest.approx([expected[0]], rel=1e-12)
    assert logs["val_residual_max"] == pytest.approx([expected[1]], rel=1e-12)
    assert expected[0] != pytest.approx(expected[1], rel=1e-3)


@pytest.mark.parametrize("bad", [3.0, float("nan")])
@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_times_outside_the_interval_are_refused_in_a_dataset_too(method, bad):
    pinn = small_pinn(Decay())
    pinn.compile()
    times = tf.data.Dataset.from_tensors(tf.constant([[0.0], [bad]], tf.float64))
    with pytest.raises(ValueError, match=r"trained from 0 s to 2 s\. Received times outside"):
        getattr(pinn, method)(times, verbose=0)
