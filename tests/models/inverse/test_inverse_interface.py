"""Inverse problems under Keras's whole interface, and what a fit says of its misfit."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from marks import further_but_for
from scipy.optimize import curve_fit

from oscillator_zoo.data import DampedOscillator, Trajectory
from oscillator_zoo.models import PINN, LevenbergMarquardt, load_model
from oscillator_zoo.models.inverse.misfit_check import is_above_noise, names_at_bound, noise_in

T = np.linspace(0.0, 6.0, 61)
NAMES = ("damping", "stiffness")


def positions(t, damping, stiffness):
    return DampedOscillator(damping=damping, stiffness=stiffness).exact(t)[0][:, 0]


def noise(size, num=61, seed=0):
    return size * np.random.default_rng(seed).standard_normal(num)


SIGMA = np.where(T < 3.0, 0.003, 0.05)  # a sensor that loosens
X = positions(T, 0.4, 1.3) + SIGMA * noise(1.0)
TRAJECTORY = Trajectory(T, X[None, :, None], ("position",), np.zeros((1, 61, 1)))
DATASET = tf.data.Dataset.from_tensor_slices((T, X)).batch(7)


@pytest.fixture(scope="module")
def pinn():
    guess = DampedOscillator(damping=0.2, stiffness=1.1)
    pinn = PINN(guess, 6.0, unknown_parameters=NAMES, seed=0)
    pinn.compile(LevenbergMarquardt())
    return pinn


def misfit(pinn, t, x):
    return positions(t, **pinn.found_values()) - x


def fitted_by_scipy(t, x, sigma=None):
    values, covariance = curve_fit(positions, t, x, (0.3, 1.2), sigma, xtol=1e-12, ftol=1e-14)
    return values, np.sqrt(np.diag(covariance))


# Keras's interface.


@pytest.mark.slow
def test_validation_is_the_misfit_of_data_that_were_held_back(pinn):
    history = pinn.fit(T[::2], X[::2], verbose=0, validation_data=(T[1::2], X[1::2])).history
    expected = np.mean(misfit(pinn, T[1::2], X[1::2]) ** 2)
    np.testing.assert_allclose(history["val_loss"][-1], expected, rtol=1e-9)
    np.testing.assert_allclose(history["loss"][-1], np.mean(misfit(pinn, T[::2], X[::2]) ** 2))
    split = pinn.fit(T, X, verbose=0, validation_split=0.25).history
    np.testing.assert_allclose(split["loss"][-1], np.mean(misfit(pinn, T[:45], X[:45]) ** 2))
    np.testing.assert_allclose(split["val_loss"][-1], np.mean(misfit(pinn, T[45:], X[45:]) ** 2))


@pytest.mark.slow
def test_evaluate_is_the_mean_square_misfit(pinn):
    pinn.fit(T, X, verbose=0)
    rho = misfit(pinn, T, X)
    results = pinn.evaluate(T, X, verbose=0, return_dict=True)
    np.testing.assert_allclose(results["loss"], np.mean(rho**2), rtol=1e-9)
    assert 0.0 < results["residual_max"] < 1e-8
    for data in ((TRAJECTORY,), (DATASET,), (T[:, None], X[:, None])):
        again = pinn.evaluate(*data, verbose=0, return_dict=True)["loss"]
        np.testing.assert_allclose(again, np.mean(rho**2), rtol=1e-9)
    weighted = pinn.evaluate(T, X, sample_weight=SIGMA, verbose=0, return_dict=True)
    np.testing.assert_allclose(weighted["loss"], np.mean(SIGMA * rho**2), rtol=1e-9)
    on_batch = pinn.test_on_batch(T, X, return_dict=True)
    np.testing.assert_allclose(on_batch["loss"], np.mean(rho**2), rtol=1e-9)
    equation = pinn.evaluate(verbose=0, return_dict=True)  # without data: the equation
    assert equation["loss"] < 1e-16


@pytest.mark.slow
def test_weights_are_those_of_least_squares(pinn):
    pinn.fit(T, X, verbose=0, sample_weight=1.0 / SIGMA**2)
    values, errors = fitted_by_scipy(T, X, SIGMA)
    np.testing.assert_allclose(list(pinn.found_values().values()), values, rtol=1e-6)
    for factor in (1.0, 7.0):  # only their ratios count
        found = pinn.estimates(T, X, sample_weight=factor / SIGMA**2)
        np.testing.assert_allclose([e.standard_error for e in found.values()], errors, rtol=1e-4)


@pytest.mark.slow
def test_data_of_weight_zero_are_left_out(pinn):
    weights = np.where(T < 3.0, 1.0, 0.0)
    early = T < 3.0
    pinn.fit(T, np.where(early, X, 99.0), verbose=0, sample_weight=weights)
    values, errors = fitted_by_scipy(T[early], X[early])
    np.testing.assert_allclose(list(pinn.found_values().values()), values, rtol=1e-6)
    found = pinn.estimates(T, X, sample_weight=weights)
    np.testing.assert_allclose([e.standard_error for e in found.values()], errors, rtol=1e-4)


@pytest.mark.slow
def test_a_dataset_is_read_as_one_batch(pinn):
    pinn.fit(T, X, verbose=0)
    found = pinn.found_values()
    pinn.fit(tf.data.Dataset.from_tensor_slices((T, X)).batch(8), verbose=0)
    assert pinn.found_values() == pytest.approx(found, rel=1e-7)  # where both end
    weighted = tf.data.Dataset.from_tensors((T[:, None], X[:, None], 1.0 / SIGMA**2))
    pinn.fit(weighted, verbose=0, epochs=2)
    assert pinn.found_values()["damping"] == pytest.approx(fitted_by_scipy(T, X, SIGMA)[0][0])


def test_batches_of_keras_are_read_as_one():
    class Batches(keras.utils.PyDataset):
        num_batches = 3

        def __getitem__(self, number):
            part = slice(20 * number, 20 * (number + 1))
            return T[part], X[part], SIGMA[part]

    guess = DampedOscillator(damping=0.2, stiffness=1.1)
    found = PINN(guess, 6.0, unknown_parameters=NAMES, seed=0).data_batch(Batches(), None, None)
    for part, expected in zip(found, (T[:60, None], X[:60, None], SIGMA[:60])):
        np.testing.assert_array_equal(part, expected)


@pytest.mark.slow
def test_steps_on_a_batch_and_callbacks(pinn):
    pinn.optimizer.reset()
    pinn.unknowns.restart()
    for _ in range(12):
        loss = pinn.train_on_batch(T, X, return_dict=True)["loss"]
    np.testing.assert_allclose(loss, np.mean(misfit(pinn, T, X) ** 2), rtol=1e-9)
    assert list(pinn.found_values().values()) == pytest.approx(fitted_by_scipy(T, X)[0])
    seen = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs))
    pinn.fit(T, X, 61, 3, 0, [callback])  # in Keras's order: batch_size, epochs, verbose, …
    assert len(seen) == 1 and pinn.stop_reason == "converged"  # done in the first epoch


@pytest.mark.parametrize(
    "data, options, message",
    [
        ((T, X), {"batch_size": 8}, r"are one batch.*batch_size=8 for 61 times. Leave batch_size"),
        ((T, X), {"class_weight": {0: 1.0}}, r"no classes.*class_weight=\{0: 1.0\}"),
        ((T, X), {"sample_weight": -np.ones(61)}, r"one number ≥ 0 for each of 61 times"),
        ((T, X), {"sample_weight": np.ones(60)}, r"one number ≥ 0 .*of shape \(60,\)"),
        ((T, X), {"sample_weight": np.zeros(61)}, r"Some data must count.*sample_weight=0"),
        ((TRAJECTORY, X), {}, r"A Trajectory brings its own positions. Received: y beside it"),
        ((DATASET, X), {}, r"brings its own positions. Received: y beside it.*fit\(times, y\)"),
        ((DATASET,), {"sample_weight": np.ones(61)}, r"its own weights. Received: sample_weight"),
        ((iter([(T, X)]),), {}, r"arrays, a Trajectory or a dataset.*Received: a list_iterator"),
        ((tf.data.Dataset.from_tensors(T),), {}, r"found from data. Received no positions"),
        (
            (tf.data.Dataset.from_tensors((T, X)).repeat(),),
            {},
            r"repeats itself for ever. Leave repeat\(\) out",
        ),
    ],
)
def test_what_data_cannot_be_is_refused(pinn, data, options, message):
    with pytest.raises(ValueError, match=message):
        pinn.fit(*data, verbose=0, **options)


@pytest.mark.slow
def test_other_optimizers_validate_the_misfit_alone():
    pinn = PINN(DampedOscillator(damping=0.3), 6.0, (8,), unknown_parameters=NAMES, seed=0)
    pinn.compile("adam")
    data = {"validation_data": (T, X), "steps_per_epoch": 2, "verbose": 0}
    history = pinn.fit(T, X, sample_weight=1.0 / SIGMA, **data).history
    expected = np.mean((np.asarray(pinn(T))[:, 0] - X) ** 2)
    np.testing.assert_allclose(history["val_loss"][-1], expected, rtol=1e-9)


# What the misfit says.


@pytest.mark.slow
def test_data_that_grow_bring_a_warning_of_the_bound_and_of_the_misfit(pinn, tmp_path):
    growing = np.exp(0.1 * T) * np.cos(T) + noise(0.01)
    with pytest.warns(UserWarning) as warned:
        pinn.fit(T, growing, verbose=0)
    texts = " ".join(str(w.message) for w in warned)
    assert len(warned) == 2 and "m (rms), " in texts and "do not hold" in texts
    assert "damping=" in texts and "cannot be negative and would be" in texts
    assert pinn.stop_reason == "at a bound: damping"
    assert all(w.filename == __file__ for w in warned)
    pinn.save(tmp_path / "grown.keras")
    assert load_model(tmp_path / "grown.keras").stop_reason == "at a bound: damping"


@pytest.mark.slow
@pytest.mark.parametrize("every", further_but_for([1, 4], 1))  # 60 and 16 numbers, one swing
def test_another_equation_brings_a_warning(pinn, every):
    hyperbolic = np.cos(T) / (1.0 + T) + noise(0.001)
    with pytest.warns(UserWarning, match=r"misfit of .* m \(rms\), \d+ times the noise"):
        pinn.fit(T[::every], hyperbolic[::every], verbose=0)
    assert pinn.stop_reason == "converged, misfit above noise"


@pytest.mark.further
def test_data_of_weight_zero_do_not_hide_a_misfit(pinn):
    counts = np.arange(61) % 3 > 0
    measured = np.where(counts, np.cos(T) / (1.0 + T) + noise(0.001), 1e6)
    rms = []
    for weights in (counts, None):
        chosen = slice(None) if weights is not None else counts
        with pytest.warns(UserWarning, match="smallest misfit of") as warned:
            pinn.fit(T[chosen], measured[chosen], verbose=0, sample_weight=weights)
        assert pinn.stop_reason == "converged, misfit above noise"
        rms.append(re.search(r"misfit of (\S+) m", str(warned[0].message))[1])
    assert rms[0] == rms[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "data",
    [
        *(
            pytest.param(data, marks=pytest.mark.further)
            for data in [
                (T, positions(T, 0.4, 1.3)),  # exact
                (T, np.float32(positions(T, 0.4, 1.3))),
                (T, np.round(positions(T, 0.4, 1.3), 2)),
                (T[::20], positions(T[::20], 0.4, 1.3) + noise(0.01, 4)),
                (T[[10, 30, 50]], positions(T[[10, 30, 50]], 0.4, 1.3) + noise(0.01, 3)),  # 1 over
                (T[::-1], X[::-1]),
            ]
        ),
        (T[[10, 30]], positions(T[[10, 30]], 0.4, 1.3) + noise(0.01, 2)),  # none to spare
    ],
)
def test_good_data_bring_no_warning(pinn, data):
    pinn.fit(*data, verbose=0)  # a warning is an error in these tests
    assert pinn.stop_reason == "converged"


def test_noise_is_what_the_last_two_values_do_not_predict():
    t = np.arange(400.0)
    for angle in (0.1, 1.0, 2.0, 3.0):  # of a misfit, per sample
        rho = (np.sin(angle * t) + noise(0.05, 400))[:, None]
        size, left = noise_in(rho, 2)
        assert size == pytest.approx(0.5**0.5, rel=0.05)
        assert 0.04 < left < 0.25  # noise in what is predicted from makes it larger
        assert is_above_noise(rho, 2, scale=1.0) and not is_above_noise(rho, 2, scale=1e5)


def test_noise_alone_is_not_above_itself():
    rng = np.random.default_rng(1)
    for num in (5, 14, 15, 20, 30, 100):
        t = np.linspace(0.0, 8.0, num)
        q = np.linalg.qr(np.exp(-0.1 * t)[:, None] * np.stack([t * np.cos(t), t * np.sin(t)], 1))[0]
        for _ in range(1000):
            rho = rng.standard_normal(num)
            rho -= q @ (q.T @ rho)  # as a fit of two parameters leaves it
            assert not is_above_noise(rho[:, None], 2, scale=1.0)


def test_only_a_positive_parameter_that_the_data_push_down_is_at_a_bound():
    jacobian, rho = np.eye(4, 3), np.array([0.1, 0.1, 0.0, 0.1])
    values = {"damping": 1e-9, "velocity": 1e-9, "mass": 1e-9}
    assert names_at_bound(values, (True, False, True), rho, jacobian) == ["damping"]
    assert names_at_bound(values, (True, False, True), -rho, jacobian) == []
