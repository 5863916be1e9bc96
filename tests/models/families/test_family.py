"""One network for ranges of an equation's parameters, against closed forms and DOP853."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.integrate import solve_ivp

from oscillator_zoo.data import (
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Duffing,
    InitialValueProblem,
    Sinusoid,
    Step,
)
from oscillator_zoo.models import PINN, LevenbergMarquardt
from oscillator_zoo.models.families.parameter_nodes import (
    ParameterNodes,
    chebyshev_points,
    counts_by_rule,
    low_discrepancy,
)
from oscillator_zoo.models.trial_solution.dense_network import Mixture
from oscillator_zoo.training import evaluate_solution, plot_solution


def solved(problem, duration, ranges, **arguments):
    pinn = PINN(problem, duration, parameter_ranges=ranges, seed=1, **arguments)
    pinn.compile(LevenbergMarquardt())
    pinn.fit(epochs=20, verbose=0)
    return pinn


def underdamped(t, damping, stiffness, position=1.0, velocity=0.0):
    """x, v of x'' + γ x' + k x = 0 as A e^{−γt/2} cos, sin (mass 1)."""
    d, w = damping / 2.0, np.sqrt(stiffness - damping**2 / 4.0)
    b = (velocity + d * position) / w
    x = np.exp(-d * t) * (position * np.cos(w * t) + b * np.sin(w * t))
    v = np.exp(-d * t) * (velocity * np.cos(w * t) - (d * b + position * w) * np.sin(w * t))
    return x, v


def grid(**axes):
    """Columns of all combinations, corners of the box included."""
    columns = np.meshgrid(*axes.values(), indexing="ij")
    return {name: column.reshape(-1) for name, column in zip(axes, columns)}


@pytest.fixture(scope="module")
def oscillators():
    """Damping and stiffness, three to five periods: the box of the accuracy claim."""
    ranges = {"damping": (0.05, 0.5), "stiffness": (0.5, 2.0)}
    return solved(DampedOscillator(), 20.0, ranges, derivatives="taylor")


@pytest.fixture(scope="module")
def small():
    """A short one, quick to solve."""
    return solved(DampedOscillator(), 3.0, {"damping": (0.1, 0.3), "stiffness": (0.8, 1.2)})


# Coefficients below 1e-9 of the motion are left out of the Chebyshev series, a few of them in each
# parameter, and their sum is what is left: 1e-8 at most.
@pytest.mark.further
def test_a_box_of_two_parameters_is_solved_everywhere(oscillators):
    x = grid(
        t=np.linspace(0.0, 20.0, 201),
        damping=np.linspace(0.05, 0.5, 8),
        stiffness=np.linspace(0.5, 2.0, 11),
    )
    exact, velocity = underdamped(**x)
    found, rate, _ = (np.asarray(y)[:, 0] for y in oscillators.derivatives(x))
    by_member = (201, 88)
    size = np.abs(exact).reshape(by_member).max(axis=0)
    assert (np.abs(found - exact).reshape(by_member).max(axis=0) <= 1e-8 * size).all()
    assert np.abs(rate - velocity).max() <= 1e-7
    assert np.abs(oscillators.predict(x, verbose=0)[:, 0] - exact).max() <= 1e-8


@pytest.mark.further
def test_the_residual_is_small_between_the_nodes_too(oscillators):
    assert oscillators.evaluate(verbose=0, return_dict=True)["residual_max"] < 1e-7


@pytest.mark.further
def test_the_residual_is_that_of_each_rows_own_equation(small):
    random = np.random.default_rng(0)
    x = {"t": random.uniform(0, 3, 40), "damping": random.uniform(0.1, 0.3, 40), "stiffness": 0.9}
    wrong = PINN(DampedOscillator(), 3.0, parameter_ranges=small.parameter_ranges, seed=1)
    wrong.set_weights([random.normal(size=w.shape) for w in wrong.get_weights()])
    p, v, a = (np.asarray(y) for y in wrong.derivatives(x))
    by_hand = a + x["damping"][:, None] * v + 0.9 * p
    assert np.abs(by_hand).max() > 1.0
    np.testing.assert_allclose(wrong.residual(x), by_hand, rtol=1e-12, atol=1e-11)
    taylor = PINN.from_config({**wrong.get_config(), "derivatives": "taylor"})
    taylor.set_weights(wrong.get_weights())
    np.testing.assert_allclose(taylor.residual(x), by_hand, rtol=1e-11, atol=1e-10)


def test_a_familys_derivatives_in_time_are_those_of_its_position():
    pinn = PINN(DampedOscillator(), 6.0, parameter_ranges={"damping": (0.1, 0.3)}, seed=1)
    random = np.random.default_rng(0)
    pinn.set_weights([random.normal(size=w.shape) for w in pinn.get_weights()])
    assert pinn.num_windows > 2
    edge = pinn.window_edges[1]
    t, h = np.array([0.4, edge, 2.9, 5.5]), 1e-5

    def at(t):
        return np.asarray(pinn({"t": t, "damping": 0.17}))

    _, v, _ = pinn.derivatives({"t": t, "damping": 0.17})  # also across an edge of windows
    slope = (at(t + h) - at(t - h)) / (2.0 * h)
    np.testing.assert_allclose(v, slope, rtol=1e-4, atol=1e-3)  # x'' jumps at an edge: O(h)


@pytest.mark.further
def test_initial_position_and_velocity_may_be_parameters():
    ranges = {"position": (-1.0, 2.0), "velocity": (-1.0, 1.0)}
    pinn = solved(DampedOscillator(damping=0.2, stiffness=2.0), 6.0, ranges)
    x = grid(t=np.linspace(0, 6, 50), position=[-1.0, 0.3, 2.0], velocity=[-1.0, 0.0, 0.7])
    exact, _ = underdamped(damping=0.2, stiffness=2.0, **x)
    found, rate, _ = (np.asarray(y)[:, 0] for y in pinn.derivatives(x))
    assert np.abs(found - exact).max() < 1e-11  # linear in both: the nodes leave nothing out
    start = x["t"] == 0.0
    np.testing.assert_array_equal(found[start], x["position"][start])
    np.testing.assert_array_equal(rate[start], x["velocity"][start])


@pytest.mark.further
def test_a_nonlinear_family_begins_where_steppers_lead():
    pinn = solved(Duffing(damping=0.1), 6.0, {"position": (0.5, 1.5), "cubic_stiffness": (0.5, 1)})
    times = np.linspace(0.0, 6.0, 61)
    for position, cubic in ((0.5, 1.0), (1.5, 1.0), (0.93, 0.71)):

        def slope(t, y, cubic=cubic):
            return [y[1], -0.1 * y[1] - y[0] - cubic * y[0] ** 3]

        run = solve_ivp(slope, (0, 6), [position, 0.0], "DOP853", times, rtol=3e-14, atol=1e-14)
        found = pinn({"t": times, "position": position, "cubic_stiffness": cubic})
        assert np.abs(found[:, 0] - run.y[0]).max() < 1e-8


def test_motions_at_the_nodes_are_those_of_each_members_own_equation():
    """Of two masses, whose members a stepper takes one by one."""
    ranges = {"damping": (0.1, 0.4)}
    pair = CoupledOscillators((2.0, 2.0), 1.5, 0.2, position=(1.0, 0.0))
    pinn = PINN(pair, 2.0, parameter_ranges=ranges, parameter_nodes=2, seed=0)
    sketch = pinn.domain.sketch()
    motions = pinn.trial.motions_of(sketch)
    (nodes,) = pinn.trial.box.values(pinn.trial.nodes.points).values()
    for motion, damping in zip(motions, nodes, strict=True):
        exact = np.concatenate(pair.with_parameters(damping=float(damping)).exact(sketch.times), 1)
        np.testing.assert_allclose(motion, exact, rtol=0, atol=1e-6)


def test_a_family_is_a_layer_of_a_larger_model(small):
    names = ("t", "damping", "stiffness")
    inputs = {name: keras.Input((1,), name=name, dtype="float64") for name in names}
    doubled = keras.Model(inputs, 2.0 * small(inputs))
    x = {"t": np.array([[0.3], [2.0]]), "damping": [[0.1], [0.2]], "stiffness": [[1.0], [1.1]]}
    x = {name: np.array(column) for name, column in x.items()}
    np.testing.assert_allclose(doubled(x), 2.0 * np.asarray(small(x)), rtol=1e-14)


@pytest.mark.slow
def test_an_equation_of_order_one_has_families():
    pinn = solved(Decay(), 3.0, {"rate": (0.5, 2.0)})
    x = grid(t=np.linspace(0.0, 3.0, 31), rate=np.linspace(0.5, 2.0, 9))
    np.testing.assert_allclose(pinn(x)[:, 0], np.exp(-x["rate"] * x["t"]), atol=1e-8)


@pytest.mark.slow
def test_a_force_that_jumps_moves_every_member():
    problem = DampedOscillator(force=Step(1.0, 1.3), position=0.0)
    pinn = solved(problem, 4.0, {"damping": (0.1, 0.5)})
    assert 1.3 in pinn.window_edges
    t = np.linspace(0.0, 4.0, 81)
    for damping in (0.1, 0.237, 0.5):  # x = 1 − the free motion from 1, begun at the step
        exact = np.where(t < 1.3, 0.0, 1.0 - underdamped(np.maximum(t - 1.3, 0.0), damping, 1.0)[0])
        np.testing.assert_allclose(pinn({"t": t, "damping": damping})[:, 0], exact, atol=1e-8)


@pytest.mark.slow
def test_numbers_columns_and_tensors_mean_the_same(small):
    t = np.linspace(0.0, 3.0, 5)
    expected = small({"t": t, "damping": np.full(5, 0.2), "stiffness": np.full(5, 0.9)})
    for x in (
        {"t": t, "damping": 0.2, "stiffness": 0.9},
        {"t": t[:, None], "damping": [0.2], "stiffness": np.full((5, 1), 0.9)},
        {"t": tf.constant(t), "damping": tf.constant(0.2, tf.float64), "stiffness": 0.9},
        {"stiffness": 0.9, "damping": 0.2, "t": t.tolist()},
    ):
        np.testing.assert_allclose(small(x), expected, rtol=1e-13)
        np.testing.assert_allclose(small.predict(x, verbose=0), expected, rtol=1e-13)
    several = small({"t": 1.0, "damping": [0.1, 0.2, 0.3], "stiffness": 0.9})
    assert several.shape == (3, 1) and len(np.unique(several)) == 3


@pytest.mark.slow
def test_digits_of_float64_survive_predict(small):
    x = {"t": [1.0, 1.0 + 1e-10], "damping": 0.2, "stiffness": 1.0}
    slope = np.diff(small.predict(x, verbose=0)[:, 0])[0] / 1e-10
    assert slope == pytest.approx(float(small.derivatives(x)[1][0, 0]), rel=1e-4)


T = [0.5, 1.0]
BAD_INPUT = [
    ([0.5, 1.0], r"takes \{'t': …, 'damping': …, 'stiffness': …\}. Received: list"),
    ({"t": T, "damping": 0.2}, "Received nothing for stiffness"),
    ({"t": T, "damping": 0.2, "stifness": 1.0, "stiffness": 1.0}, "Did you mean 'stiffness'"),
    ({"t": T, "damping": 0.31, "stiffness": 1.0}, "trained from damping = 0.1 to 0.3.* = 0.31"),
    ({"t": T, "damping": 0.2, "stiffness": [1.0, 0.7]}, "Received stiffness = 0.7.*wider"),
    ({"t": [3.1], "damping": 0.2, "stiffness": 1.0}, "trained from 0 s to 3 s"),
    ({"t": T, "damping": np.nan, "stiffness": 1.0}, "damping must be a finite real"),
    ({"t": T, "damping": "0.2", "stiffness": 1.0}, "damping must be a finite real"),
    ({"t": T, "damping": [0.1, 0.2, 0.3], "stiffness": 1.0}, "t of 2, damping of 3"),
    ({"t": T, "damping": np.full((2, 2), 0.2), "stiffness": 1.0}, r"Received shape \(2, 2\)"),
]


@pytest.mark.parametrize("x, message", BAD_INPUT)
def test_bad_input_is_refused_by_every_function_of_a_family(small, x, message):
    for function in (
        small,
        lambda x: small.predict(x, verbose=0),
        small.derivatives,
        small.residual,
        lambda x: small.evaluate(x, verbose=0),
        small.train_on_batch,
    ):
        with pytest.raises(ValueError, match=message):
            function(x)


def test_datasets_outside_the_box_are_refused(small):
    rows = {"t": [[0.5]], "damping": [[0.2]], "stiffness": [[5.0]]}
    dataset = tf.data.Dataset.from_tensors({k: tf.constant(v, tf.float64) for k, v in rows.items()})
    for function in (small.predict, small.evaluate):
        with pytest.raises(ValueError, match=r"trained from damping = 0.1 to 0.3.*in a dataset"):
            function(dataset, verbose=0)


class Picky(InitialValueProblem):
    """Looks at its parameter as if it were always a number."""

    def __init__(self, stiffness=1.0):
        if stiffness <= 0.0:
            raise ValueError("stiffness must be positive.")
        self.stiffness = stiffness
        super().__init__(1.0, 0.0)

    def rhs(self, t, x, v, ops=np):
        return -self.stiffness * x


@pytest.mark.parametrize(
    "problem, ranges, message",
    [
        (DampedOscillator(), {}, "Name at least one argument of DampedOscillator"),
        (DampedOscillator(), ["damping"], r"must be a dictionary.*Received: \['damping'\]"),
        (DampedOscillator(), {"dampin": (0.1, 0.2)}, "Did you mean 'damping'"),
        (DampedOscillator(), {"damping": 0.2}, r"pair \(lo, hi\). Received: 0.2"),
        (DampedOscillator(), {"damping": (0.1, 0.2, 0.3)}, r"pair \(lo, hi\)"),
        (DampedOscillator(), {"damping": (0.2, 0.1)}, r"increase.*Received: \(0.2, 0.1\)"),
        (DampedOscillator(), {"damping": (0.2, 0.2)}, "must increase"),
        (DampedOscillator(), {"damping": (0.2, np.inf)}, "damping must be a finite real"),
        (DampedOscillator(), {"damping": (-0.2, 0.2)}, "damping must be >= 0"),
        (DampedOscillator(), {"stiffness": (0.0, 1.0)}, "stiffness must be > 0"),
        (DampedOscillator(), {"start_time": (0.0, 1.0)}, "Received: start_time"),
        (DampedOscillator(force=Sinusoid(1.0, 1.0)), {"force": (0, 1)}, "one real number.*force"),
        (DampedOscillator(force=lambda t: 0.0 * t), {"damping": (0.1, 0.2)}, "plain function"),
        (Picky(), {"stiffness": (0.5, 1.0)}, r"Picky must take tensors \(num, 1\) for stiffness"),
        (Picky(), {"stiffness": (-0.5, 1.0)}, "stiffness must be positive"),
    ],
)
def test_bad_ranges_are_refused(problem, ranges, message):
    with pytest.raises(ValueError, match=message):
        PINN(problem, 3.0, parameter_ranges=ranges)


def test_what_a_family_cannot_have_is_refused(small):
    ranges = {"damping": (0.1, 0.3)}
    for name, value in (("h1", lambda t: 1.0 + 0.0 * t), ("unknown_parameters", ("stiffness",))):
        with pytest.raises(ValueError, match=f"takes no {name}"):
            PINN(DampedOscillator(), 3.0, parameter_ranges=ranges, **{name: value})
    with pytest.raises(ValueError, match="belong to parameter_ranges"):
        PINN(DampedOscillator(), 3.0, parameter_nodes={"damping": 4})
    bad_nodes = [({"dampin": 4}, "must name damping"), (1, "of at least 2"), (98, "may have 97")]
    for nodes, message in bad_nodes:
        with pytest.raises(ValueError, match=message):
            PINN(DampedOscillator(), 3.0, parameter_ranges=ranges, parameter_nodes=nodes)
    with pytest.raises(ValueError, match=r"20000 readouts.*in all"):
        PINN(DampedOscillator(), 9.0, parameter_ranges=small.parameter_ranges, parameter_nodes=97)


def test_least_squares_takes_its_own_points(small):
    pinn = PINN.from_config(small.get_config())
    pinn.compile(LevenbergMarquardt())
    with pytest.raises(ValueError, match="takes points at its nodes"):
        pinn.fit(pinn.collocation_points(50), verbose=0)
    pinn.compile(LevenbergMarquardt(variable_projection=False))
    with pytest.raises(ValueError, match="variable_projection=False"):
        pinn.fit(verbose=0)


@pytest.mark.slow
def test_too_few_nodes_do_not_pass_silently():
    ranges = {"stiffness": (0.5, 2.0)}
    with pytest.warns(UserWarning, match=r"Between its nodes.*parameter_nodes=\{'stiffness': 4\}"):
        pinn = solved(DampedOscillator(), 9.0, ranges, parameter_nodes=4)
    # at the nodes all is well: only a look between them tells
    end = chebyshev_points(4)[1] * 0.75 + 1.25
    x = {"t": [9.0], "stiffness": end}
    assert abs(pinn(x)[0, 0] - np.cos(9.0 * np.sqrt(end))) < 1e-9


@pytest.mark.slow
def test_gradients_train_a_family_at_points_of_the_whole_box():
    ranges = {"damping": (0.1, 0.3)}
    pinn = PINN(DampedOscillator(), 2.0, (8, 8), parameter_ranges=ranges, seed=1)
    assert pinn.num_windows == 1
    pinn.compile(keras.optimizers.Adam(1e-2))
    history = pinn.fit(pinn.collocation_points(100), epochs=3, verbose=0).history
    assert history["loss"][-1] < 0.05 * history["loss"][0]
    (points,) = pinn.collocation_points(100, steps_per_epoch=1)
    assert sorted(points) == ["damping", "t"] and points["t"].dtype == tf.float64
    for name, (low, high) in {"t": (0.0, 2.0), **ranges}.items():
        share = (points[name].numpy() - low) / (high - low)
        # evenly spread: each tenth of the range has its tenth of the points, give or take three
        assert np.abs(np.histogram(share, 10, (0, 1))[0] - 10).max() <= 3


def test_weight_gradients_of_a_familys_cost_are_right():
    pinn = PINN(DampedOscillator(), 3.0, parameter_ranges={"damping": (0.1, 0.3)}, seed=1)
    random = np.random.default_rng(0)
    pinn.set_weights([random.normal(size=w.shape) for w in pinn.get_weights()])
    (points,) = pinn.collocation_points(20, steps_per_epoch=1)
    with tf.GradientTape() as tape:
        cost = pinn.cost(pinn.residuals(points))
    gradients = tape.gradient(cost, pinn.trainable_variables)
    directions = [random.normal(size=w.shape) for w in pinn.get_weights()]
    slope = sum(float(np.sum(g * d)) for g, d in zip(gradients, directions))
    old, h = pinn.get_weights(), 1e-6

    def moved(step):
        pinn.set_weights([w + step * d for w, d in zip(old, directions)])
        return float(pinn.cost(pinn.residuals(points)))

    assert slope == pytest.approx((moved(h) - moved(-h)) / (2.0 * h), rel=1e-6)


def test_a_member_is_a_pinn_that_gives_the_same_numbers(small):
    member = small.member(damping=0.17, stiffness=1.1)
    assert (member.problem.damping, member.problem.stiffness) == (0.17, 1.1)
    t = np.linspace(0.0, 3.0, 31)
    x = {"t": t, "damping": 0.17, "stiffness": 1.1}
    for own, of_family in zip(member.derivatives(t), small.derivatives(x)):
        np.testing.assert_allclose(own, of_family, atol=1e-11)
    exact = underdamped(t, 0.17, 1.1)[0]
    error, bound = np.abs(member(t)[:, 0] - exact), member.error_bound(t)[0][:, 0]
    assert (error <= bound).all() and bound.max() < 1e-8
    assert evaluate_solution(member)["pinn"]["position_relative_l2"] < 1e-8
    with pytest.raises(ValueError, match="one number for each"):
        small.member(damping=[0.1, 0.2], stiffness=1.0)
    with pytest.raises(ValueError, match="nothing for stiffness"):
        small.member(damping=0.1)
    with pytest.raises(ValueError, match="is a single solution itself"):
        member.member()


def test_tables_pictures_and_error_bars_send_a_family_to_its_members(small):
    for function in (evaluate_solution, plot_solution):
        with pytest.raises(ValueError, match=r"pinn.member\(damping=…, stiffness=…\).*with_param"):
            function(small)
    for function in (small.error_bound, small.error_estimate, small.defect_correction):
        with pytest.raises(ValueError, match="Error bars belong to the solution of one problem"):
            function([1.0])


def run_python(code, *arguments):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_file_holds_the_family_and_a_fresh_process_goes_on_training(small, tmp_path):
    small.save(tmp_path / "family.keras")
    x = {"t": np.linspace(0, 3, 7), "damping": np.linspace(0.1, 0.3, 7), "stiffness": 1.1}
    run_python(
        "import sys, keras, numpy as np, oscillator_zoo.models\n"
        "pinn = keras.models.load_model(sys.argv[1])\n"
        "x = {'t': np.linspace(0, 3, 7), 'damping': np.linspace(.1, .3, 7), 'stiffness': 1.1}\n"
        "before = np.stack([*pinn.derivatives(x), pinn.residual(x)])\n"
        "assert pinn.optimizer.stop_reason, 'the optimizer is as it was'\n"
        "pinn.compile(keras.optimizers.Adam(1e-9))\n"
        "pinn.fit(pinn.collocation_points(50), verbose=0)\n"
        "counts = list(pinn.trial.nodes.counts)\n"
        "np.savez(sys.argv[2], before=before, after=pinn(x), nodes=counts)\n",
        tmp_path / "family.keras",
        tmp_path / "result.npz",
    )
    result = np.load(tmp_path / "result.npz")
    np.testing.assert_array_equal(result["nodes"], small.trial.nodes.counts)
    expected = [*small.derivatives(x), small.residual(x)]
    np.testing.assert_allclose(result["before"], expected, rtol=1e-12, atol=1e-13)
    assert 0.0 < np.abs(result["after"] - small(x)).max() < 1e-3


def test_the_ranges_and_nodes_are_in_the_config():
    arguments = {"parameter_ranges": {"damping": (0.1, 0.4)}, "parameter_nodes": {"damping": 5}}
    pinn = PINN(DampedOscillator(), 3.0, **arguments)
    config = pinn.get_config()
    assert config["parameter_ranges"] == {"damping": [0.1, 0.4]}
    assert config["parameter_nodes"] == {"damping": 5}
    assert PINN.from_config(config).trial.nodes.counts == (5,)


@pytest.mark.further
def test_a_savedmodel_takes_times_and_parameters_by_name(small, tmp_path):
    small.export(tmp_path / "family")
    served = tf.saved_model.load(str(tmp_path / "family"))
    rows = {"t": [[1.0], [2.0], [3.5], [1.0]], "damping": [[0.2], [0.3], [0.2], [0.4]]}
    x = {n: tf.constant(v, tf.float64) for n, v in rows.items()}
    x["stiffness"] = tf.ones((4, 1), tf.float64)
    inside = {name: values[:2] for name, values in x.items()}
    expected = dict(zip("xva", small.derivatives(inside)), residual=small.residual(inside))
    for name, values in expected.items():
        answer = getattr(served, name)(x)
        np.testing.assert_allclose(answer[:2], values, rtol=1e-12, atol=1e-13)
        assert np.isnan(answer[2:]).all()  # a time and a damping outside
    by_keyword = served.signatures["serving_default"](**x)
    np.testing.assert_array_equal(by_keyword["output_0"][:2], served.x(x)[:2])


def test_polynomials_between_the_nodes_are_exact():
    nodes = ParameterNodes((4, 3))

    def cubic(a, b):
        return a**3 - 2.0 * a * b**2 + 0.3 * b - 1.0

    at_nodes = cubic(*nodes.points.T)
    a, b = np.random.default_rng(0).uniform(-1, 1, (2, 50, 1))
    mixture = Mixture(None, nodes.weights([a, b]))
    np.testing.assert_allclose(mixture.of(tf.constant(at_nodes[:, None])), cubic(a, b), atol=1e-14)
    itself = nodes.weights([nodes.points[:, :1], nodes.points[:, 1:]])
    np.testing.assert_allclose(itself, np.eye(12), atol=1e-14)


def test_a_mixture_takes_each_rows_own_window():
    weights = tf.constant([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]], tf.float64)
    values = tf.constant([[1.0], [2.0], [10.0], [20.0]], tf.float64)  # two windows of two nodes
    mixture = Mixture(tf.constant([0, 1, 1]), weights)
    np.testing.assert_array_equal(mixture.of(values), [[1.0], [15.0], [20.0]])
    np.testing.assert_array_equal(mixture.of_windows(values)[1], [[1.5], [15.0]])


def test_nodes_by_rule_follow_how_much_the_motion_changes():
    class Box:
        names, ranges = ("a", "b"), {"a": [0.0, 1.0], "b": [0.0, 1.0]}

        def corners(self):
            return np.array([[s, t] for s in (-1.0, 1.0) for t in (-1.0, 1.0)] + [[0.0, 0.0]])

    def motions(points):  # degree 4 in a, e^{i 10 b} in b
        wave = points[:, :1] ** 4 + np.exp(10j * points[:, 1:]).real
        return np.stack([wave, 0.0 * wave], axis=-1)

    in_a, in_b = counts_by_rule(Box(), motions)
    assert in_a == 6  # five coefficients and one to spare
    # |J_n(10)| < 1e-9 from n = 30 on (Abramowitz and Stegun, table 9.4: J_30(10) = 1.6e-12)
    assert 24 <= in_b <= 30
    with pytest.raises(ValueError, match=r"change smoothly with b.*97 nodes. Narrow the range"):
        counts_by_rule(
            Box(), lambda points: np.sign(points[:, 1:, None] - 0.3) * np.ones((1, 1, 2))
        )


def test_low_discrepancy_points_fill_the_square():
    points = low_discrepancy(400, 2)
    assert points.shape == (400, 2) and (points >= 0).all() and (points < 1).all()
    counts, *_ = np.histogram2d(*points.T, bins=10, range=[[0, 1], [0, 1]])
    assert counts.min() >= 2 and counts.max() <= 6  # random ones: 0 to 10
    np.testing.assert_allclose(chebyshev_points(3), [-1.0, 0.0, 1.0], atol=0)
