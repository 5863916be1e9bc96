"""Constants of an oscillator from noisy measurements, by the error of the free run."""

import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator, Sinusoid, add_noise, simulate
from oscillator_zoo.models import EulerCell, LevenbergMarquardt, ResponseModel

pytestmark = pytest.mark.slow  # forty measurements
TRUTH = {"damping_rate": 0.3, "squared_frequency": 1.2}
NUM_MEASUREMENTS = 40


def driven_motion():
    force = Sinusoid(1.0, angular_frequency=1.3)
    oscillator = DampedOscillator(damping=0.3, stiffness=1.2, force=force, position=0.0)
    return simulate(oscillator, 0.1, num_steps=200)


@pytest.fixture(scope="module")
def noisy_fits():
    """The estimates from 40 measurements with 2 % noise, with either kind of standard error."""
    clean = driven_motion()
    cell = EulerCell(0.1, damping_rate=0.1, squared_frequency=1.0, dtype="float64")
    model = ResponseModel(cell)
    model.compile(LevenbergMarquardt(tolerance=1e-6))
    x, found = clean.force[:, :-1], []
    for seed in range(NUM_MEASUREMENTS):
        y = add_noise(clean, relative=0.02, seed=seed).states[:, 1:]
        model.optimizer.reset()
        graph = model.train_function
        # Steps change 1e-6 of the values in the first epoch and rounding in the fifth, but for
        # the first measurement, which begins at other constants.
        model.fit(x, y, epochs=5 if found else 15, verbose=0)
        assert not found or model.train_function is graph  # no measurement but the first waits
        found.append([model.estimates(x, y, correlated) for correlated in (False, True)])
    return found


@pytest.mark.parametrize("name", list(TRUTH))
def test_estimates_of_the_free_run_are_unbiased(noisy_fits, name):
    values = np.array([independent[name].value for independent, _ in noisy_fits])
    standard_error_of_mean = values.std(ddof=1) / np.sqrt(len(values))
    assert abs(values.mean() - TRUTH[name]) < 3.0 * standard_error_of_mean


@pytest.mark.parametrize("name", list(TRUTH))
@pytest.mark.parametrize("correlated", [False, True])
def test_standard_errors_are_the_scatter_of_the_estimates(noisy_fits, name, correlated):
    fits = [pair[correlated][name] for pair in noisy_fits]
    scatter = np.std([fit.value for fit in fits], ddof=1)
    stated = np.sqrt(np.mean([fit.standard_error**2 for fit in fits]))
    # The scatter of 40 values is itself known to 11 %: three of these, and a little for `stated`.
    assert stated == pytest.approx(scatter, rel=0.4)
    inside = [fit.lower <= TRUTH[name] <= fit.upper for fit in fits]
    assert np.sum(inside) >= 33  # of 40 at 95 %; fewer happen once in a thousand times


def test_one_step_errors_of_the_same_data_give_a_wrong_damping():
    """Least squares on s_{i+1} − s_i, with the noise of s_i in it: what the free run avoids."""
    clean, found = driven_motion(), []
    for seed in range(NUM_MEASUREMENTS):
        (x, v), force = add_noise(clean, relative=0.02, seed=seed).states[0].T, clean.force[0, :, 0]
        slope = np.diff(v) / 0.1 - force[:-1]
        found.append(np.linalg.lstsq(-np.stack([v[:-1], x[:-1]], axis=1), slope)[0][0])
    standard_error_of_mean = np.std(found, ddof=1) / np.sqrt(len(found))
    assert np.mean(found) - TRUTH["damping_rate"] > 5.0 * standard_error_of_mean


def test_estimates_name_every_entry_of_a_weight():
    from oscillator_zoo.models import ElmanCell

    model = ResponseModel(ElmanCell(1, dtype="float64", seed=1))
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, 1, 30, 1))
    assert list(model.estimates(x, y)) == [
        "kernel[0, 0]",
        "recurrent_kernel[0, 0]",
        "bias[0]",
    ]
