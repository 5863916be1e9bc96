"""A user's layers are read, by any number of threads, and never written to."""

import threading

import keras
import numpy as np
import pytest
from keras import layers

from oscillator_zoo.models import CheckpointedGradient, ElmanRNN, TruncatedGradient, rollout
from oscillator_zoo.models.layer_graphs.twins import twin, without_dropout

DROPOUT = {"dropout": 0.3, "recurrent_dropout": 0.2, "return_sequences": True, "seed": 1}


class Guarded:
    """A list of what was written to objects of a class, whoever wrote it."""

    def __init__(self, monkeypatch, kind, names):
        self.written = []
        write = kind.__setattr__

        def noted(this, name, value):
            if name in names:
                self.written.append(name)
            write(this, name, value)

        monkeypatch.setattr(kind, "__setattr__", noted)


NAMES = {"dropout", "recurrent_dropout", "return_state", "return_sequences", "stateful"}


@pytest.mark.parametrize(
    "hidden",
    [
        lambda: ElmanRNN(3, **DROPOUT),
        lambda: layers.RNN([layers.LSTMCell(3, dropout=0.3), layers.GRUCell(3, dropout=0.3)]),
        lambda: layers.Bidirectional(layers.SimpleRNN(3, **DROPOUT)),
    ],
    ids=["elman", "stacked", "both directions"],
)
def test_a_forecast_writes_nothing(hidden, monkeypatch):
    model = keras.Sequential([keras.Input((5, 2)), hidden(), layers.Dense(2)])
    guard = Guarded(monkeypatch, layers.Layer, NAMES)
    prefix = np.ones((1, 6, 2), "float32")
    forecast = rollout(model, prefix, 2)
    assert np.isfinite(forecast).all()
    # ClosedLoop makes a layer of its own, an RNN, whose options are written once each.
    assert len(guard.written) == len(set(guard.written))
    assert not {"dropout", "recurrent_dropout"} & set(guard.written)


@pytest.mark.parametrize("wrap", [lambda one: TruncatedGradient(one, 2), CheckpointedGradient])
def test_a_wrapper_writes_nothing(wrap, monkeypatch):
    layer = ElmanRNN(3, return_sequences=True, activity_regularizer="l2")
    wrapper = wrap(layer)
    x = np.ones((1, 6, 2), "float32")
    wrapper(x)
    guard = Guarded(monkeypatch, ElmanRNN, {*NAMES, "activity_regularizer"})
    wrapper(x)
    assert guard.written == []


def test_forecasts_of_several_threads_are_those_of_one():
    model = keras.Sequential([keras.Input((None, 2)), ElmanRNN(4, output_units=2, **DROPOUT)])
    prefix, found = np.ones((1, 6, 2), "float32"), []
    threads = [
        threading.Thread(target=lambda: found.append(rollout(model, prefix, 5))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = rollout(model, prefix, 5)
    for forecast in found:
        np.testing.assert_array_equal(forecast, expected)
    assert len(found) == 4
    assert model.layers[0].dropout == 0.3 and not model.layers[0].return_state


def test_a_twin_shares_weights_and_leaves_the_layer_alone():
    layer = ElmanRNN(3, return_sequences=True)
    x = np.ones((1, 4, 2), "float32")
    layer(x)
    other = twin(layer, return_state=True)
    layer.set_weights([2.0 * weight for weight in layer.get_weights()])
    outputs, state = other(x)
    np.testing.assert_array_equal(outputs, layer(x))
    np.testing.assert_array_equal(outputs[:, -1], state)
    assert layer.return_state is False


def test_only_what_has_dropout_gets_a_twin():
    plain, dropping = layers.LSTM(3, return_sequences=True), layers.LSTM(3, **DROPOUT)
    assert without_dropout(plain) is plain
    inner = keras.Sequential([keras.Input((4, 2)), layers.TimeDistributed(layers.Dense(2)), plain])
    assert without_dropout(inner) is inner
    model = keras.Sequential([keras.Input((4, 2)), inner, layers.Bidirectional(dropping)])
    answer = without_dropout(model)
    assert answer is not model
    cell = model.layers[1].forward_layer.cell
    state = np.array(cell.seed_generator.state)
    x = np.ones((1, 4, 2), "float32")
    answered = answer(x)
    np.testing.assert_array_equal(cell.seed_generator.state, state)
    np.testing.assert_allclose(answered, model(x), rtol=0, atol=1e-6)
    assert not np.array_equal(cell.seed_generator.state, state)  # Keras draws, for no dropout
    assert cell.dropout == 0.3 and dropping.cell.dropout == 0.3
