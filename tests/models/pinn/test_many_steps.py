"""A long fit is one compiled loop, and trains as single steps do; graphs are made once."""

import keras
import numpy as np
import pytest

from oscillator_zoo.data import Decay
from oscillator_zoo.models import PINN, LevenbergMarquardt
from oscillator_zoo.models.pinn import interval_model


class Stop(keras.callbacks.Callback):
    """Notes how far an epoch is each time `fit` comes back to Python, and the loss there."""

    def __init__(self):
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append((batch, logs["loss"]))


def trained(steps_per_epoch=6, **given):
    pinn = PINN(Decay(rate=1.3), 2.0, (3,), seed=1, derivatives="taylor")
    pinn.compile(keras.optimizers.Adam(1e-2), **given)
    watch = Stop()
    points = pinn.collocation_points(8, steps_per_epoch)
    history = pinn.fit(points, epochs=2, callbacks=[watch], verbose=0).history
    return pinn, history, watch


@pytest.fixture(scope="module")
def reference():
    return trained(steps_per_execution=1, jit_compile=False)


@pytest.fixture
def short_is_long(monkeypatch):
    monkeypatch.setattr(interval_model, "LONG_FIT", 12)
    monkeypatch.setattr(interval_model, "LONGEST_CALL", 3)


@pytest.mark.slow
def test_a_compiled_loop_trains_as_single_steps_do(reference, short_is_long):
    pinn, history, watch = trained()
    assert pinn.steps_are_one_loop
    assert int(pinn.optimizer.iterations) == 12
    assert [batch for batch, _ in watch.seen] == [2, 5, 2, 5]
    one_by_one, expected, every = reference
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-9, err_msg=name)
    of_steps = [loss for batch, loss in every.seen if batch in (2, 5)]
    np.testing.assert_allclose([loss for _, loss in watch.seen], of_steps, rtol=1e-9)
    for one, other in zip(one_by_one.get_weights(), pinn.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("steps", "more", "one_loop"),
    [(100, {}, True), (70, {}, True), (101, {}, False), (10, {"steps_per_epoch": 50}, False)],
)
def test_only_whole_epochs_of_equal_batches_are_one_loop(steps, more, one_loop):
    pinn = PINN(Decay(), 2.0, (3,), seed=1)
    pinn.compile(keras.optimizers.Adam(1e-2))
    pinn.choose_execution(pinn.collocation_points(8, steps), 100, **more)
    assert pinn.steps_are_one_loop is one_loop
    pinn.choose_execution(pinn.collocation_points(8, steps).repeat(), 100, steps_per_epoch=10)
    assert pinn.steps_are_one_loop
    arrays = pinn.as_dataset(np.linspace(0.0, 2.0, 100), batch_size=1)
    pinn.choose_execution(arrays, 100)
    assert not pinn.steps_are_one_loop  # their batches may be of two sizes


def test_least_squares_make_the_graph_of_the_residuals_once(monkeypatch):
    pinn = PINN(Decay(), 2.0, (4,), seed=0)
    pinn.compile(LevenbergMarquardt())
    calls, residuals = [], pinn.trial.residuals

    def counted(*args):
        calls.append(args)
        return residuals(*args)

    monkeypatch.setattr(pinn.trial, "residuals", counted)
    pinn.train_on_batch(pinn.collocation_times(20))
    in_graphs = [args for args in calls if type(args[0]).__name__ == "SymbolicTensor"]
    assert len(in_graphs) == 1
