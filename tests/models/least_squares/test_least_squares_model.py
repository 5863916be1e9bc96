"""`LeastSquaresModel` next to `keras.Model` with loss="mse": the same training, more digits."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from marks import further_but_for

from oscillator_zoo.data import Decay
from oscillator_zoo.models import PINN, ElmanRNN, LeastSquaresModel, LevenbergMarquardt

PADDING = -1e9
# Both compute the same numbers in another order: rounding, enlarged a little by five steps.
TOLERANCE = {"float32": 1e-6, "float64": 1e-12}


def dense(cls, dtype="float32", **options):
    inputs = keras.Input((3,), dtype=dtype)
    hidden = layers.Dense(5, "tanh", dtype=dtype, **options)(inputs)
    return cls(inputs, layers.Dense(2, dtype=dtype)(hidden))


def recurrent(cls, dtype="float32", **options):
    inputs = keras.Input((None, 2), dtype=dtype)
    hidden = layers.Masking(PADDING, dtype=dtype)(inputs)
    hidden = ElmanRNN(4, return_sequences=True, dtype=dtype, **options)(hidden)
    return cls(inputs, layers.Dense(1, dtype=dtype)(hidden))


def pairs(*shapes, num=10, dtype="float32"):
    random = np.random.default_rng(0)
    return tuple(random.normal(size=(num, *shape)).astype(dtype) for shape in shapes)


def both(make, **options):
    """A keras.Model and a LeastSquaresModel with the same weights."""
    reference, model = make(keras.Model, **options), make(LeastSquaresModel, **options)
    model.set_weights(reference.get_weights())
    return reference, model


def assert_trains_alike(reference, model, *data, dtype="float32", **options):
    reference.compile(keras.optimizers.Adam(1e-2), keras.losses.MeanSquaredError(dtype=dtype))
    model.compile(keras.optimizers.Adam(1e-2))
    before = model.get_weights()
    arguments = {"epochs": 5, "shuffle": False, "verbose": 0, **options}
    if dtype == "float64":  # keras.Model rounds arrays to float32, but not a dataset
        dataset = tf.data.Dataset.from_tensor_slices(data).batch(len(data[-1]))
        expected = reference.fit(dataset, **arguments).history
    else:
        expected = reference.fit(*data[:2], **arguments).history
    received = model.fit(*data[:2], **arguments).history
    np.testing.assert_allclose(received["loss"], expected["loss"], rtol=1e-5)
    for first, second in zip(reference.get_weights(), model.get_weights()):
        np.testing.assert_allclose(second, first, rtol=0, atol=TOLERANCE[dtype])
    assert max(np.abs(a - b).max() for a, b in zip(before, model.get_weights())) > 1e-3


@pytest.mark.parametrize(
    ("make", "shapes", "dtype"),
    [
        (dense, [(3,), (2,)], "float32"),
        (dense, [(3,), (2,)], "float64"),
        (recurrent, [(6, 2), (6, 1)], "float64"),
    ],
)
def test_training_equals_that_of_a_keras_model_with_the_mean_square(make, shapes, dtype):
    assert_trains_alike(*both(make, dtype=dtype), *pairs(*shapes, dtype=dtype), dtype=dtype)


@pytest.mark.slow
def test_unequal_batches_and_regularizers_are_averaged_as_keras_does():
    models = both(dense, kernel_regularizer="l2", activity_regularizer=keras.regularizers.L2(0.1))
    x, y = pairs((3,), (2,))
    assert_trains_alike(*models, x, y, batch_size=4)
    assert_evaluates_alike(*models, x, y, batch_size=4)
    assert models[1].evaluate(x, y, verbose=0) > np.mean((models[1].predict(x, verbose=0) - y) ** 2)


def assert_evaluates_alike(reference, model, *data, **options):
    expected = reference.evaluate(*data, verbose=0, **options)
    assert model.evaluate(*data, verbose=0, **options) == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "shapes", "weights_shape"),
    [(dense, [(3,), (2,)], (10,)), (recurrent, [(6, 2), (6, 1)], (10, 6))],
)
def test_sample_weights_act_as_in_keras(make, shapes, weights_shape):
    reference, model = both(make)
    x, y = pairs(*shapes)
    weights = np.random.default_rng(1).uniform(0.0, 2.0, weights_shape).astype("float32")
    assert_trains_alike(reference, model, x, y, sample_weight=weights, batch_size=4)
    error = np.mean((model.predict(x, verbose=0) - y) ** 2, axis=-1)
    evaluated = model.evaluate(x, y, sample_weight=weights, verbose=0)
    assert evaluated == pytest.approx(np.mean(error * weights), 1e-5)


def test_a_weight_per_sequence_weighs_all_of_its_steps():
    model = recurrent(LeastSquaresModel)
    model.compile("sgd")
    x, y = pairs((6, 2), (6, 1))
    weights = np.linspace(0.0, 2.0, 10)
    error = (model.predict(x, verbose=0) - y)[..., 0] ** 2
    evaluated = model.evaluate(x, y, sample_weight=weights, verbose=0)
    assert evaluated == pytest.approx(np.mean(error * weights[:, None]), 1e-5)


def padded(num=5, time=6):
    x, y = pairs((time, 2), (time, 1), num=num)
    valid = np.arange(time) < np.array([2, 3, 4, 5, 6])[:, None]
    x[~valid] = PADDING
    return x, y, valid


@pytest.mark.further
def test_padding_changes_neither_the_loss_nor_the_gradients():
    reference, model = both(recurrent)
    x, y, valid = padded()
    model.compile("sgd")
    prediction = model.predict(x, verbose=0)
    expected = np.mean((prediction - y)[valid] ** 2)
    assert abs(expected - np.mean((prediction - y) ** 2)) > 1e-3
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)
    y_other = np.where(valid[..., None], y, 100.0).astype("float32")
    assert model.evaluate(x, y_other, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert_trains_alike(reference, model, x, y_other)
    weights = np.linspace(0.5, 1.5, 30, dtype="float32").reshape(5, 6)
    assert_evaluates_alike(reference, model, x, y_other, sample_weight=weights)


def test_a_batch_that_is_all_padding_counts_as_zero():
    model = recurrent(LeastSquaresModel)
    model.compile("sgd")
    x = np.full((2, 4, 2), PADDING, "float32")
    assert model.evaluate(x, np.ones((2, 4, 1)), verbose=0) == 0.0


@pytest.mark.parametrize("structure", further_but_for([list, tuple, dict], dict))
def test_several_inputs_come_as_list_tuple_or_dictionary(structure):
    def make(cls):
        inputs = {name: keras.Input((2,), name=name) for name in "ab"}
        outputs = layers.Dense(1)(layers.Concatenate()([inputs["a"], inputs["b"]]))
        return cls(inputs if structure is dict else structure(inputs.values()), outputs)

    a, b, y = pairs((2,), (2,), (1,))
    x = {"a": a, "b": b} if structure is dict else structure([a, b])
    assert_trains_alike(*both(make), x, y)
    model = make(LeastSquaresModel)
    model.compile("sgd")
    model.fit(x, y, validation_data=(x, y), verbose=0)
    np.testing.assert_allclose(model.predict(x, verbose=0), model(x), rtol=1e-5)


def test_dropout_is_active_in_training_only():
    inputs = keras.Input((4,))
    model = LeastSquaresModel(inputs, layers.Dropout(0.5, seed=0)(inputs))
    x = np.ones((50, 4), "float32")
    assert float(ops.mean(ops.square(model.residuals(x, x)))) == 0.0
    assert float(ops.mean(ops.square(model.residuals(x, x, training=True)))) > 0.5
    model.compile("sgd")
    history = model.fit(x, x, validation_data=(x, x), verbose=0).history
    assert history["loss"][0] > 0.5 and history["val_loss"] == [0.0]


def test_a_cost_that_is_scaled_for_half_precision_trains_as_in_keras():
    reference, model = both(dense)
    x, y = pairs((3,), (2,))
    for each, loss in ((reference, "mse"), (model, None)):
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.05), 2.0**10)
        each.compile(optimizer, loss)
        history = each.fit(x, y, epochs=3, verbose=0).history["loss"]
    assert history[2] < history[0] < 100.0
    for first, second in zip(reference.get_weights(), model.get_weights()):
        np.testing.assert_allclose(second, first, rtol=0, atol=1e-6)


def test_no_digit_of_float64_arrays_is_lost():
    inputs = keras.Input((1,), dtype="float64")
    model = LeastSquaresModel(inputs, layers.Rescaling(1.0, dtype="float64")(inputs))
    model.compile("sgd")
    x, y = np.array([[1.0 + 1e-10]]), np.array([[1.0]])
    for data in ((x, y), (x.tolist(), y.tolist()), (tf.constant(x), tf.constant(y))):
        assert model.evaluate(*data, verbose=0) == pytest.approx(1e-20, rel=1e-5)
        history = model.fit(*data, validation_data=data, verbose=0).history
        assert history["loss"] + history["val_loss"] == pytest.approx([1e-20] * 2, rel=1e-5)
        assert model.predict(data[0], verbose=0)[0, 0] == 1.0 + 1e-10
    assert keras.config.floatx() == "float32"


def test_metrics_are_logged_beside_the_loss():
    x, y = pairs((3,), (2,))
    reference, model = both(dense)
    reference.compile("sgd", loss="mse", metrics=["mae"])
    model.compile("sgd", loss="mse", metrics=["mae"])
    expected = reference.evaluate(x, y, verbose=0, return_dict=True)
    assert model.evaluate(x, y, verbose=0, return_dict=True) == pytest.approx(expected, rel=1e-5)
    assert sorted(expected) == ["loss", "mae"]
    assert sorted(model.fit(x, y, verbose=0).history) == ["loss", "mae"]


def test_class_weights_generators_and_steps_go_to_keras():
    x, y = pairs((3,), (2,))
    model = dense(LeastSquaresModel)
    model.compile("sgd")
    model.fit(((x[i : i + 2], y[i : i + 2]) for i in range(0, 10, 2)), steps_per_epoch=5, verbose=0)
    assert int(model.optimizer.iterations) == 5
    model.fit(x, y, batch_size=2, steps_per_epoch=3, verbose=0)
    assert int(model.optimizer.iterations) == 8


def test_what_keras_offers_for_graphs_of_layers_works():
    model = dense(LeastSquaresModel)
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    assert "32 (128.00 B)" in "\n".join(lines)
    assert [type(layer).__name__ for layer in model.layers] == ["InputLayer", "Dense", "Dense"]
    assert model.get_layer(index=1).units == 5 and model.input_shape == (None, 3)
    clone = keras.models.clone_model(model)
    assert type(clone) is type(model) and isinstance(clone, LeastSquaresModel)
    assert type(model).__name__ == "LeastSquaresModel"


@pytest.mark.slow
def test_training_goes_on_from_a_file_as_if_it_had_not_stopped(tmp_path):
    x, y = pairs((6, 2), (6, 1))
    options = {"epochs": 3, "shuffle": False, "batch_size": 4, "verbose": 0}
    _, model = both(recurrent)
    other = recurrent(LeastSquaresModel)
    other.set_weights(model.get_weights())
    for each in (model, other):
        each.compile(keras.optimizers.Adam(1e-2))
        each.fit(x, y, **options)
    model.save(tmp_path / "half.keras")
    loaded = keras.models.load_model(tmp_path / "half.keras")
    assert type(loaded) is type(model)
    loaded.fit(x, y, **options)
    other.fit(x, y, **options)
    for expected, weight in zip(other.get_weights(), loaded.get_weights()):
        np.testing.assert_allclose(weight, expected, rtol=0, atol=1e-6)


@keras.saving.register_keras_serializable("test_least_squares_model")
class Doubled(LeastSquaresModel):
    """Residuals of its own, in a graph of layers or with a call of its own."""

    def residuals(self, x, y, sample_weight=None, training=False):
        return 2.0 * (self(x, training=training) - y)


@keras.saving.register_keras_serializable("test_least_squares_model")
class OwnCall(LeastSquaresModel):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.layer = layers.Dense(units)

    def call(self, x):
        return self.layer(x)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("test_least_squares_model")
class OwnGraph(LeastSquaresModel):
    def __init__(self, units=2, **kwargs):
        inputs = keras.Input((3,))
        super().__init__(inputs=inputs, outputs=layers.Dense(units)(inputs), **kwargs)


def test_a_model_that_took_no_step_yet_survives_a_file(tmp_path):
    model = dense(LeastSquaresModel, dtype="float64")
    model.compile(LevenbergMarquardt(initial_damping=0.5))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    data = pairs((3,), (2,), dtype="float64")
    losses = [one.fit(*data, epochs=2, verbose=0).history["loss"] for one in (model, loaded)]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("make", [lambda: dense(Doubled), lambda: OwnCall(2), OwnGraph])
def test_subclasses_train_and_survive_a_file(tmp_path, make):
    model = make()
    x, y = pairs((3,), (2,))
    model.compile("sgd")
    loss = model.fit(x, y, epochs=3, verbose=0).history["loss"]
    assert loss[2] < loss[0]
    factor = 4.0 if isinstance(model, Doubled) else 1.0
    expected = factor * np.mean((model.predict(x, verbose=0) - y) ** 2)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert loaded.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_a_step_by_hand_before_anything_is_built_is_one_of_least_squares():
    class Line(LeastSquaresModel):
        def __init__(self):
            super().__init__()
            self.line = keras.layers.Dense(1, dtype="float64")

        def call(self, x):
            return self.line(x)

    x = np.linspace(0.0, 1.0, 9)[:, None]
    model = Line()
    model.compile(LevenbergMarquardt(initial_damping=1e-12))
    model(x)
    assert not model.optimizer.built
    loss = model.train_step((tf.constant(x), tf.constant(3.0 * x - 1.0)))["loss"]
    assert float(loss) < 1e-12
    np.testing.assert_allclose(np.ravel(model.get_weights()[0]), [3.0], rtol=1e-6)


def test_graphs_of_layers_leave_the_classes_as_they_are():
    bases = {cls: cls.__mro__ for cls in (LeastSquaresModel, PINN, Doubled, OwnGraph)}
    for model in (dense(LeastSquaresModel), dense(Doubled), OwnGraph()):
        assert isinstance(model, LeastSquaresModel) and model.outputs
    for cls, mro in bases.items():
        assert cls.__mro__ == mro
    registered = "oscillator_zoo>LeastSquaresModel"
    assert keras.saving.get_registered_object(registered) is LeastSquaresModel
    pinn = PINN(Decay(), 1.0, (3,))
    pinn.compile()
    assert pinn.evaluate(verbose=0)[0] > 0.0


@pytest.mark.slow
@pytest.mark.parametrize("make", [recurrent, dense])
def test_an_exported_model_takes_any_number_of_samples_and_steps(tmp_path, make):
    model = make(LeastSquaresModel)
    model.export(tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served")
    for num, shape in ((1, (9, 2)), (4, (5, 2))) if make is recurrent else ((1, (3,)), (4, (3,))):
        (x,) = pairs(shape, num=num)
        np.testing.assert_allclose(served.serve(x), model(x), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="must exist and be writable"):
        model.export(tmp_path / "missing" / "served")


def test_bad_input_is_refused():
    model = dense(LeastSquaresModel)
    model.compile("sgd")
    x, y = pairs((3,), (2,))
    with pytest.raises(ValueError, match=r"needs targets. Received: y=None. Call fit\(x, y\)"):
        model.fit(x, verbose=0)
    with pytest.raises(ValueError):
        model.fit((x, y), verbose=0)
    with pytest.raises(ValueError, match=r"shape of the predictions, \(10, 2\).*\(10,\). Reshape"):
        model.residuals(x, y[:, 0])
    with pytest.raises(ValueError, match="Targets must have the shape of the predictions"):
        model.fit(x, y[:, :1], verbose=0)
    with pytest.raises(ValueError, match=r"Received the sizes \[9, 10\]. Cut them to one size"):
        model.fit(x, y[:9], verbose=0)
    with pytest.raises(ValueError, match="sample_weight without y"):
        model.fit(x, sample_weight=np.ones(10), verbose=0)
    with pytest.raises(ValueError, match=r"validation_split must leave samples .*for 10 samples"):
        model.fit(x, y, validation_split=1.0, verbose=0)
    with pytest.raises(ValueError, match=r"minimises the mean square .*Received loss='mae'"):
        model.compile("sgd", loss="mae")
    with pytest.raises(ValueError, match=r"ends in .keras. Received: folder"):
        model.save("folder")
    inputs = keras.Input((3,))
    with pytest.raises(ValueError, match=r"Received 2 outputs. Concatenate them"):
        LeastSquaresModel(inputs, [inputs, inputs])


def test_metrics_of_stateful_layers_are_refused():
    inputs = keras.Input((4, 2), batch_size=1)
    model = LeastSquaresModel(inputs, ElmanRNN(2, stateful=True)(inputs))
    model.compile("sgd")
    with pytest.raises(ValueError, match="Metrics call the model a second time"):
        model.compile("sgd", metrics=["mae"])


@pytest.mark.slow
def test_least_squares_takes_batches_whose_number_of_samples_is_not_known():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(12, 2)), random.normal(size=(12, 1))
    inputs = keras.Input((2,), dtype="float64")
    hidden = keras.layers.Dense(3, "tanh", dtype="float64")(inputs)
    outputs = keras.layers.Dense(1, "tanh", dtype="float64")(hidden)  # no readout: all weights
    model = LeastSquaresModel(inputs, outputs)
    model.compile(LevenbergMarquardt())
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(12)
    assert batches.element_spec[0].shape[0] is None
    losses = model.fit(batches, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.9 * losses[0]


DATES = np.arange("2020-01-01", "2020-01-03", dtype="datetime64[D]")[:, None]


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_dates_are_refused_with_how_to_write_them_as_numbers(method):
    model = dense(LeastSquaresModel)
    model.compile("sgd")
    message = rf"{method} takes numbers\. Received an array of datetime64\[D\]\. Write seconds"
    for data in ((DATES, np.ones((2, 2))), (np.ones((2, 3)), DATES)):
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(*data)
    with pytest.raises(
        ValueError, match=r"predict_on_batch takes numbers\. Received an array of tim"
    ):
        model.predict_on_batch({"t": DATES - DATES[0]})


def test_a_batch_without_rows_is_refused():
    model = dense(LeastSquaresModel)
    model.compile("sgd")
    for method in ("train_on_batch", "test_on_batch", "predict_on_batch"):
        with pytest.raises(ValueError, match=rf"{method} needs inputs\. Received an empty ndarray"):
            getattr(model, method)(np.ones((0, 3)))
    empty = tf.data.Dataset.from_tensors((np.ones((0, 3)), np.ones((0, 2))))
    for method in ("fit", "evaluate", "predict"):
        with pytest.raises(ValueError, match=rf"{method} needs inputs\. Received .* of 0 rows"):
            getattr(model, method)(empty)


def batches_of(*sizes):
    """Batches of so many rows, one after another."""
    return ((np.ones((num, 3)), np.ones((num, 2))) for num in sizes)


def dataset_of(*sizes):
    """The same as a dataset that does not say how many rows come."""
    rows = tf.TensorSpec((None, 3), "float64"), tf.TensorSpec((None, 2), "float64")
    return tf.data.Dataset.from_generator(lambda: batches_of(*sizes), output_signature=rows)


@pytest.mark.parametrize("batches", [dataset_of, batches_of])
@pytest.mark.parametrize("sizes", [(0,), (2, 0, 2)])
def test_a_batch_without_rows_among_batches_of_any_size_is_refused(batches, sizes):
    model = dense(LeastSquaresModel)
    model.compile("sgd")
    message = r"^Every batch needs rows\. Received a dataset with a batch of 0 rows\."
    for method in ("fit", "evaluate", "predict"):
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(batches(*sizes), verbose=0)
    with pytest.raises(ValueError, match=message):
        model.fit(*pairs((3,), (2,)), validation_data=dataset_of(*sizes), verbose=0)
    assert np.isfinite(model.evaluate(batches(2, 2), steps=2, verbose=0))
