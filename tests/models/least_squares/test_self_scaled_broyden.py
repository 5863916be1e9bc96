"""Self-scaled Broyden against textbook formulas and problems whose minimum is known."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from oscillator_zoo.data import DampedOscillator, Decay
from oscillator_zoo.models import PINN, LeastSquaresModel, SelfScaledBroyden
from oscillator_zoo.models.least_squares import self_scaled_broyden
from oscillator_zoo.models.least_squares.line_search import LinePoint, Objective, SearchEnd, search


@keras.saving.register_keras_serializable("tests")
class Valley(LeastSquaresModel):
    """Rosenbrock's valley, r = (10 (p₂ − p₁²), 1 − p₁), least at (1, 1)."""

    def __init__(self, start=(-1.2, 1.0), **kwargs):
        super().__init__(dtype="float64", **kwargs)
        self.start = start
        given = keras.initializers.Constant(np.array(start))
        self.point = self.add_weight((2,), given, dtype="float64", name="point")
        self.built = True

    def call(self, x):
        return x

    def residuals(self, x, y=None, sample_weight=None, training=False):
        first, second = tf.unstack(self.point.value)
        return tf.stack([10.0 * (second - first**2), 1.0 - first])[None]

    def get_config(self):
        return {"start": self.start}


def batches(num):
    return tf.data.Dataset.from_tensors(tf.zeros((1, 1), tf.float64)).repeat(num)


def linear_model():
    inputs = keras.Input((4,), dtype="float64")
    return LeastSquaresModel(inputs, keras.layers.Dense(1, dtype="float64")(inputs))


@pytest.mark.parametrize("scaling", [True, False])
def test_a_quadratic_is_solved_in_a_few_steps_for_each_weight(scaling):
    """Exact line searches would take n = 5 steps; these stop at |gᵀd| ≤ 0.9, and take a few n."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 4)), random.normal(size=(40, 1))
    model = linear_model()
    model.compile(SelfScaledBroyden(scaling, tolerance=0.0))
    model.fit(x, y, epochs=30, verbose=0)
    expected = np.linalg.lstsq(np.hstack([x, np.ones((40, 1))]), y, rcond=None)[0]
    # The gradient of a cost of 1 is right to 1e-16, and so the weights to the root of it at best.
    np.testing.assert_allclose(
        np.concatenate(model.get_weights(), axis=None), expected[:, 0], atol=1e-7
    )
    assert int(model.optimizer.iterations) <= 30


@pytest.mark.parametrize("scaling", [True, False])
def test_rosenbrocks_valley_is_followed_to_its_end(scaling):
    model = Valley()
    model.compile(SelfScaledBroyden(scaling, tolerance=1e-9))
    model.fit(batches(100), verbose=0)
    assert model.stop_reason == "tolerance met"
    np.testing.assert_allclose(model.point, [1.0, 1.0], rtol=0, atol=1e-9)
    assert int(model.optimizer.iterations) < 60  # BFGS of SciPy takes 34


def pair_of(random, num):
    """A step s and the gradient's change y = A s of a quadratic with a positive A."""
    root = random.normal(size=(num, num))
    s = random.normal(size=num)
    return s, (root @ root.T + np.eye(num)) @ s


def learned(scaling, s, y, inverse):
    """H after one pair, as the optimizer makes it."""
    optimizer = SelfScaledBroyden(scaling)
    optimizer.build([keras.Variable(np.zeros(len(s)))])
    optimizer.inverse_hessian.assign(inverse)
    gradient = -np.linalg.solve(inverse, s)  # s = −α H g with α = 1
    one = tf.constant(1.0, "float64")
    here = LinePoint(one, tf.constant(gradient), one)
    found = SearchEnd(one, one, tf.constant(gradient + y), one, -one, tf.constant(True))
    assert not optimizer._learn(tf.constant(s), here, found, tf.constant(False))
    return optimizer.inverse_hessian.numpy()


def test_without_scaling_the_update_is_that_of_bfgs():
    random = np.random.default_rng(1)
    s, y = pair_of(random, 5)
    inverse = np.diag(random.uniform(0.5, 2.0, 5))
    rho, one = 1.0 / (s @ y), np.eye(5)
    left = one - rho * np.outer(s, y)
    expected = left @ inverse @ left.T + rho * np.outer(s, s)
    np.testing.assert_allclose(learned(False, s, y, inverse), expected, rtol=0, atol=1e-12)


def weights_of_update(h, b, num):
    """φ and τ by the formulas of the docstring."""
    a = h * b - 1.0
    rho = min(1.0, h * (1.0 - np.sqrt(a / (1.0 + a))))
    theta = max((rho - 1.0) / a, min(1.0 / rho, (1.0 - b) / b))
    sigma = 1.0 + a * theta
    root = sigma ** (-1.0 / (num - 1))
    tau = rho * min(root, 1.0 / theta) if theta > 0.0 else min(rho * root, sigma)
    return (1.0 - theta) / sigma, tau


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [0.1, 1.0, 10.0])
def test_the_scaled_update_has_the_weights_of_the_docstring(seed, size):
    """From guesses of H that are too small, about right, and too large: θ has either sign."""
    random = np.random.default_rng(seed)
    s, y = pair_of(random, 6)
    inverse = size * np.diag(random.uniform(0.01, 1.0, 6))
    hy, sy = inverse @ y, s @ y
    yhy = y @ hy
    phi, tau = weights_of_update(yhy / sy, s @ np.linalg.solve(inverse, s) / sy, 6)
    assert abs(phi - 1.0) > 1e-3 and abs(tau - 1.0) > 1e-3
    v = np.sqrt(yhy) * (s / sy - hy / yhy)
    changed = inverse - np.outer(hy, hy) / yhy + phi * np.outer(v, v)
    expected = changed / tau + np.outer(s, s) / sy
    found = learned(True, s, y, inverse)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12 * np.abs(found).max())


@pytest.mark.parametrize("seed", range(5))
def test_every_update_keeps_the_secant_equation_and_stays_positive(seed):
    """H y = s, whatever φ and τ are; Al-Baali and Khalfan's φ and τ keep H positive."""
    random = np.random.default_rng(seed)
    s, y = pair_of(random, 6)
    inverse = np.diag(random.uniform(0.01, 100.0, 6))
    updated = learned(True, s, y, inverse)
    np.testing.assert_allclose(
        updated @ y, s, rtol=0, atol=1e-10 * np.abs(updated).max() * np.abs(y).max()
    )
    np.testing.assert_allclose(updated, updated.T, rtol=0, atol=1e-12 * np.abs(updated).max())
    assert np.linalg.eigvalsh(updated).min() > 0.0


def test_a_line_search_obeys_the_strong_wolfe_conditions():
    model = Valley()
    objective = Objective(model, None)
    start, here = objective.weights(), objective.at_present()
    for factor in (1e-6, 1e-3, 1.0, 30.0):
        objective.move(start)
        found = search(objective, start, here, -factor * here.gradient)
        slope = -factor * np.sum(np.square(here.gradient))
        assert found.is_long_enough
        assert found.cost <= here.cost + 1e-4 * found.length * slope
        assert abs(np.sum(found.gradient * -factor * here.gradient)) <= 0.9 * abs(slope)
        objective.move(start + found.length * -factor * here.gradient)
        assert float(objective.at_present().cost) == float(found.cost)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{"run_eagerly": True}, {"jit_compile": True}], ids=["eager", "XLA"]
)
def test_eager_graph_and_xla_take_the_same_steps(options):
    weights = []
    for chosen in ({"jit_compile": False}, options):
        model = Valley()
        model.compile(SelfScaledBroyden(tolerance=0.0), **chosen)
        model.fit(batches(12), verbose=0)
        weights.append(np.array(model.point))
    np.testing.assert_allclose(weights[0], weights[1], rtol=0, atol=1e-10)


@pytest.mark.slow
def test_training_goes_on_from_a_file_as_if_it_had_not_stopped(tmp_path):
    whole, half = Valley(), Valley()
    for model in (whole, half):
        model.compile(SelfScaledBroyden(tolerance=0.0))
    whole.fit(batches(14), verbose=0)
    half.fit(batches(7), verbose=0)
    half.save(tmp_path / "half.keras")
    loaded = keras.models.load_model(tmp_path / "half.keras")
    assert loaded.optimizer.scaling and loaded.optimizer.tolerance == 0.0
    loaded.fit(batches(7), verbose=0)
    np.testing.assert_array_equal(loaded.point, whole.point)
    assert int(loaded.optimizer.iterations) == 14


def test_an_estimate_that_leads_uphill_is_forgotten():
    model = Valley()
    model.compile(SelfScaledBroyden(tolerance=0.0))
    model.fit(batches(3), verbose=0)
    model.optimizer.inverse_hessian.assign(-np.eye(2))
    before = model.cost(model.residuals(None))
    model.fit(batches(1), verbose=0)
    assert float(model.cost(model.residuals(None))) < float(before)
    assert np.linalg.eigvalsh(model.optimizer.inverse_hessian.numpy()).min() > 0.0


def test_a_start_without_a_finite_cost_stops_where_it_is():
    model = Valley(start=(np.inf, 1.0))
    model.compile(SelfScaledBroyden())
    model.fit(batches(9), verbose=0)
    assert model.stop_reason == "stalled"
    assert int(model.optimizer.iterations) == 1
    np.testing.assert_array_equal(model.point, [np.inf, 1.0])


def test_a_minimum_that_misses_the_tolerance_ends_the_fit():
    """The misfit stays: steps go on until no fall can be seen, and then stop."""
    model = linear_model()
    model.compile(SelfScaledBroyden(tolerance=1e-6))
    random = np.random.default_rng(0)
    model.fit(random.normal(size=(9, 4)), random.normal(size=(9, 1)), epochs=200, verbose=0)
    assert model.stop_reason in ("rounding floor", "stalled")
    reset = model.optimizer
    reset.reset()
    assert model.stop_reason is None and not reset.has_begun


@pytest.mark.slow
def test_a_network_learns_the_equation_to_the_lectures_accuracy():
    """All weights follow the gradient: |x'' − rhs| ≤ 1e-6, and the motion is right to 1e-6."""
    problem = DampedOscillator(damping=0.2)
    pinn = PINN(problem, 6.0, hidden_units=(12,), seed=0)
    pinn.compile(SelfScaledBroyden())
    pinn.fit(pinn.collocation_points(60), epochs=20, verbose=0)
    assert pinn.stop_reason == "tolerance met"
    t = np.linspace(0.0, 6.0, 301)
    assert np.abs(pinn.residual(t)).max() < 5e-6  # between the points too
    assert np.abs(pinn(t) - problem.exact(t)[0]).max() < 1e-6


def test_reset_begins_anew_in_every_stage():
    pinn = PINN(Decay(), 1.0, learned=True, seed=0)
    optimizer = SelfScaledBroyden()
    pinn.compile(optimizer)
    changed = (optimizer.stage, optimizer.missed, optimizer.finished, optimizer.iterations)
    begun = [int(variable) for variable in changed]
    for variable in changed:
        variable.assign(3)
    optimizer.reset()
    assert [int(variable) for variable in changed] == begun and pinn.stop_reason is None


def test_what_it_cannot_do_says_so(monkeypatch):
    with pytest.raises(ValueError, match=r"scaling must be True or False. Received: 1\."):
        SelfScaledBroyden(scaling=1)
    monkeypatch.setattr(self_scaled_broyden, "MOST_WEIGHTS", 4)
    model = linear_model()
    with pytest.raises(
        ValueError, match=r"at most 4 of them\. Received 5, whose matrix has 0\.0 GB"
    ):
        model.compile(SelfScaledBroyden())
    plain = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    plain.compile(SelfScaledBroyden(), "mse")
    with pytest.raises(ValueError, match="Use it to compile a LeastSquaresModel or a PINN"):
        plain.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0)
