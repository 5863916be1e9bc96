"""The lecture's forms in general: h1(t) + h2(t, N(t, P)), and a pair of first order."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from oscillator_zoo.data import DampedOscillator, Decay, FirstOrder
from oscillator_zoo.models import PINN, LevenbergMarquardt, load_model
from oscillator_zoo.models.trial_solution.initial_conditions import takes_network


@keras.saving.register_keras_serializable("tests")
def positive(t, n):
    """x0 (e^{t N} − 1) with x0 = 2: then x0 + h2 = x0 e^{t N} cannot become negative."""
    return 2.0 * (ops.exp(t * n) - 1.0)


@keras.saving.register_keras_serializable("tests")
def bounded(t, n):
    """The sine of t² N: x = x0 + h2 stays within 1 m of x0."""
    return ops.sin(t**2 * n)


def decaying(**options):
    return PINN(Decay(rate=1.0, position=2.0), 3.0, (6,), "tanh", h2=positive, seed=1, **options)


@pytest.fixture(scope="module")
def solved():
    pinn = decaying()
    pinn.compile(LevenbergMarquardt(variable_projection=False))
    pinn.fit(pinn.collocation_points(60), epochs=3, verbose=0)
    return pinn


def test_the_trial_solution_is_the_lectures():
    pinn, times = decaying(), np.linspace(0.0, 3.0, 7)[:, None]
    network = pinn.network(2.0 * times / 3.0 - 1.0).numpy()
    np.testing.assert_allclose(pinn(times), 2.0 * np.exp(times * network), rtol=1e-14)


@pytest.mark.parametrize("problem", [Decay(position=2.0), DampedOscillator(position=2.0)])
def test_derivatives_through_the_layers_are_those_of_tapes(problem):
    h2 = positive if problem.order == 1 else bounded
    tape, taylor = (
        PINN(problem, 3.0, (5, 4), "tanh", h2=h2, seed=1, derivatives=method)
        for method in ("tape", "taylor")
    )
    times = np.linspace(0.0, 3.0, 7)
    for one, other in zip(tape.derivatives(times), taylor.derivatives(times)):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)


def test_least_squares_has_the_slopes_of_a_tape():
    pinn = PINN(DampedOscillator(position=2.0), 3.0, (4,), "tanh", h2=bounded, seed=1)
    times = tf.constant(np.linspace(0.0, 3.0, 5)[:, None])
    with tf.GradientTape() as tape:
        residuals = pinn.trial.residuals(times)
    variables = [*pinn.trial.readout_variables, *pinn.trial.nonlinear_variables]
    kernel, bias, *hidden = (np.reshape(a, (5, -1)) for a in tape.jacobian(residuals, variables))
    system = pinn.trial.linearise(times)
    np.testing.assert_allclose(system.by_readout[0], np.hstack([kernel, bias]), atol=1e-12)
    np.testing.assert_allclose(system.by_nonlinear[0], np.hstack(hidden), atol=1e-12)


@pytest.mark.slow
def test_a_positive_solution_is_found_and_positive_everywhere(solved):
    times = np.linspace(0.0, 3.0, 101)
    np.testing.assert_allclose(solved(times)[:, 0], 2.0 * np.exp(-times), rtol=0, atol=1e-6)
    assert (decaying()(times).numpy() > 0.0).all()  # whatever the weights are


def test_it_survives_a_file(solved, tmp_path):
    solved.save(tmp_path / "positive.keras")
    loaded, times = load_model(tmp_path / "positive.keras"), np.linspace(0.0, 3.0, 5)
    np.testing.assert_array_equal(loaded(times), solved(times))
    np.testing.assert_array_equal(loaded.residual(times), solved.residual(times))


@pytest.mark.slow
def test_an_export_gives_the_same_numbers(solved, tmp_path):
    solved.export(str(tmp_path / "served"))
    served, times = tf.saved_model.load(str(tmp_path / "served")), np.linspace(0.0, 3.0, 5)[:, None]
    np.testing.assert_allclose(served.x(times), solved(times), rtol=1e-14)
    np.testing.assert_allclose(served.residual(times), solved.residual(times), atol=1e-12)


@pytest.mark.parametrize(
    ("h2", "message"),
    [
        (lambda t, n: n, r"The value of h2\(t, N\) at t0 = 0 s must be \[0.0\]"),
        (lambda t, n: t * n, r"The slope of h2\(t, N\) at t0 = 0 s must be \[0.0\]"),
        (lambda t, n: (t**2 * n)[:, 0], r"h2\(t, N\) must return \(num, 1\).*Received \(2,\)"),
    ],
)
def test_a_start_that_is_missed_is_refused(h2, message):
    with pytest.raises(ValueError, match=message):
        PINN(DampedOscillator(), 3.0, (4,), h2=h2)


def test_a_search_for_parameters_refuses_it():
    with pytest.raises(ValueError, match=r"linear in the readout.*h2 of t and N"):
        decaying(unknown_parameters=("rate",))


def test_only_two_arguments_that_must_be_given_are_time_and_network():
    assert takes_network(positive)
    assert not takes_network(lambda t, scale=2.0: scale * t)
    assert not takes_network(ops.tanh) and not takes_network(None)


@pytest.mark.slow
def test_the_lectures_boxed_pair_is_solved_by_a_network_of_two_outputs(tmp_path):
    oscillator = DampedOscillator(damping=0.4)
    pinn, times = PINN(FirstOrder(oscillator), 4.0, seed=1), np.linspace(0.0, 4.0, 101)
    pinn.compile(LevenbergMarquardt())
    pinn.fit(epochs=1, verbose=0)
    np.testing.assert_allclose(pinn(times), np.hstack(oscillator.exact(times)), atol=1e-12)
    pinn.save(tmp_path / "pair.keras")
    np.testing.assert_array_equal(load_model(tmp_path / "pair.keras")(times), pinn(times))
