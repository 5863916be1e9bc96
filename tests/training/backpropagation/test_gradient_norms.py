"""Norms of Jacobians through time, against NumPy products and against the oscillator."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf

from oscillator_zoo.models import ElmanCell, ElmanRNN, EulerCell, JordanCell, JordanRNN
from oscillator_zoo.training import gradient_norms, plot_gradient_norms

BATCH, TIME, FEATURES, UNITS, OUTPUTS = 3, 12, 2, 4, 2
SLOPES = {
    "tanh": lambda z: 1.0 - np.tanh(z) ** 2,
    "linear": np.ones_like,
    "relu": lambda z: np.where(z > 0.0, 1.0, 0.0),
    "sin": np.cos,
}


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def random_weights(layer, seed=0, scale=0.6):
    cell = getattr(layer, "cell", layer)
    random = np.random.default_rng(seed)
    cell.set_weights([random.normal(size=w.shape) * scale for w in cell.weights])
    return layer


def sequences(seed=1):
    random = np.random.default_rng(seed)
    return random.normal(size=(BATCH, TIME, FEATURES)), random.normal(size=(BATCH, UNITS))


def numpy_norms(cell, x, h_0, slope, f):
    """‖J_T J_{T−1} … J_{T−k+1}‖ of the lecture's cell with J_j = diag(f'(z_j)) W."""
    U, W, b = (np.asarray(w.numpy()) for w in (cell.kernel, cell.recurrent_kernel, cell.bias))
    result = []
    for x_i, h in zip(x, h_0):
        jacobians = []
        for x_t in x_i:
            z = b + h @ W + x_t @ U
            jacobians.append(np.diag(slope(z)) @ W.T)
            h = f(z)
        product, norms = np.eye(UNITS), [1.0]
        for jacobian in jacobians[::-1]:
            product = product @ jacobian
            norms.append(np.sqrt(np.linalg.eigvalsh(product.T @ product)[-1]))
        result.append(norms)
    return np.array(result)


@pytest.mark.parametrize("activation", SLOPES)
def test_norms_are_those_of_the_product_of_diag_f_and_w(activation):
    function = keras.ops.sin if activation == "sin" else activation
    layer = ElmanRNN(UNITS, activation=function, output_units=OUTPUTS, dtype="float64")
    layer.build((None, None, FEATURES))
    x, h_0 = sequences()
    found = gradient_norms(random_weights(layer), x, h_0)
    f = {"tanh": np.tanh, "linear": lambda z: z, "relu": lambda z: np.maximum(z, 0), "sin": np.sin}
    expected = numpy_norms(layer.cell, x, h_0, SLOPES[activation], f[activation])
    np.testing.assert_allclose(found.norms, expected, rtol=1e-12, atol=1e-15)
    radius = np.abs(np.linalg.eigvals(layer.cell.recurrent_kernel.numpy())).max()
    assert found.spectral_radius == pytest.approx(radius, rel=1e-12)
    np.testing.assert_allclose(found.expected, radius ** np.arange(TIME + 1), rtol=1e-12)
    np.testing.assert_array_equal(found.lags, np.arange(TIME + 1))


LAYERS = {
    "elman cell": lambda: ElmanCell(UNITS, dtype="float64"),
    "jordan": lambda: JordanRNN(5, output_units=UNITS, dtype="float64"),
    "simple": lambda: keras.layers.SimpleRNN(UNITS, dtype="float64"),
    "gru": lambda: keras.layers.GRU(UNITS, dtype="float64"),
    "lstm": lambda: keras.layers.LSTM(UNITS, dtype="float64"),
    "stacked": lambda: keras.layers.RNN(
        keras.layers.StackedRNNCells(
            [keras.layers.LSTMCell(3, dtype="float64"), keras.layers.GRUCell(4, dtype="float64")],
            dtype="float64",
        )
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_norms_of_any_cell_are_those_of_the_tapes_jacobian(name):
    layer = LAYERS[name]()
    is_cell = not isinstance(layer, keras.layers.RNN)
    layer.build((None, FEATURES) if is_cell else (None, None, FEATURES))
    random_weights(layer)
    cell = layer if is_cell else layer.cell
    x = tf.constant(sequences()[0][:1])
    found = gradient_norms(layer, x).norms[0]
    states = [cell.get_initial_state(1)]
    for t in range(TIME):
        states.append(cell(x[:, t], states[-1])[1])
    for lag in (1, 4, TIME):
        with tf.GradientTape(persistent=True) as tape:
            start = tf.nest.map_structure(tf.identity, states[-1 - lag])
            tape.watch(start)
            state = start
            for t in range(TIME - lag, TIME):
                state = cell(x[:, t], state)[1]
            last = tf.concat(tf.nest.flatten(state), axis=-1)
        parts = tape.jacobian(last, tf.nest.flatten(start), experimental_use_pfor=False)
        jacobian = np.hstack([tf.reshape(part, (last.shape[-1], -1)) for part in parts])
        assert found[lag] == pytest.approx(np.linalg.norm(jacobian, 2), rel=1e-12)


@pytest.mark.further
def test_gradient_of_eulers_cell_grows_and_decays_as_the_oscillator_does():
    step, delta = 0.1, 1.7
    for alpha in (0.0, 0.05, 0.17, 0.8):  # growth, growth, neither, decay
        cell = EulerCell(step, alpha, delta, dtype="float64")
        found = gradient_norms(cell, np.zeros((1, 300, 1)))
        squared = 1.0 - step * alpha + step**2 * delta
        assert found.spectral_radius**2 == pytest.approx(squared, rel=1e-12)
        # |λ|^k ≤ ‖A^k‖ ≤ (condition of the eigenvectors) |λ|^k
        A = np.array([[1.0, step], [-step * delta, 1.0 - step * alpha]])
        condition = np.linalg.cond(np.linalg.eig(A)[1])
        ratio = found.norms[0] / found.expected
        assert ratio.min() > 1.0 - 1e-12 and ratio.max() < condition * (1.0 + 1e-12)
        powers = [np.linalg.norm(np.linalg.matrix_power(A, k), 2) for k in found.lags]
        np.testing.assert_allclose(found.norms[0], powers, rtol=1e-12)


@pytest.mark.slow
def test_gradient_of_an_undamped_unit_oscillator_is_exactly_lambda_to_the_k():
    found = gradient_norms(EulerCell(0.1, 0.0, 1.0, dtype="float64"), np.zeros((1, 400, 1)))
    np.testing.assert_allclose(found.norms[0], 1.01 ** (found.lags / 2), rtol=1e-12)


def test_bounded_activation_makes_a_gradient_vanish_faster_than_its_matrix_says():
    keras.utils.set_random_seed(0)
    layer = ElmanRNN(UNITS, recurrent_initializer="orthogonal", dtype="float64")
    layer.build((None, None, FEATURES))
    found = gradient_norms(layer, sequences()[0])
    assert found.spectral_radius == pytest.approx(1.0)
    assert np.all(np.diff(found.norms) < 0.0) and found.norms[:, -1].max() < 0.5


def test_largest_lag_leaves_the_others_as_they_were():
    cell = random_weights(built_cell())
    x, h_0 = sequences()
    whole = gradient_norms(cell, x, h_0).norms
    part = gradient_norms(cell, x, [h_0], max_lag=3)
    np.testing.assert_allclose(part.norms, whole[:, :4], rtol=1e-14)
    assert part.expected.shape == part.lags.shape == (4,)


def test_norms_beyond_the_range_of_numbers_are_zero_or_infinite():
    for value, end in ((1e-3, 0.0), (1e3, np.inf)):
        cell = ElmanCell(1, activation="linear", use_bias=False, dtype="float64")
        cell.build((None, 1))
        cell.set_weights([np.zeros((1, 1)), np.array([[value]])])
        found = gradient_norms(cell, np.zeros((1, 200, 1)))
        assert found.norms[0, -1] == found.expected[-1] == end


def test_jordan_cell_feeds_back_through_both_its_matrices():
    cell = JordanCell(5, activation="linear", output_units=UNITS, dtype="float64")
    cell.build((None, FEATURES))
    found = gradient_norms(random_weights(cell), sequences()[0])
    product = cell.recurrent_kernel.numpy() @ cell.output_kernel.numpy()
    eigenvalue = np.abs(np.linalg.eigvals(product)).max()
    assert found.spectral_radius == pytest.approx(eigenvalue, rel=1e-12)
    long = gradient_norms(cell, np.zeros((1, 400, FEATURES))).norms[0]
    assert (long[-1] / long[-51]) ** (1 / 50) == pytest.approx(eigenvalue, rel=1e-2)


def test_cells_with_gates_have_no_single_matrix():
    layer = keras.layers.GRU(UNITS)
    found = gradient_norms(layer, build_on(layer, sequences()[0]))
    assert found.spectral_radius is None and found.expected is None


def built_cell():
    cell = ElmanCell(UNITS, dtype="float64")
    cell.build((None, FEATURES))
    return cell


def build_on(layer, x):
    layer.build(x.shape)
    return x


def test_anything_but_a_cell_with_weights_is_refused():
    x = np.zeros((1, 5, FEATURES))
    with pytest.raises(ValueError, match=r"Received: Dense. Of a model take one layer"):
        gradient_norms(keras.layers.Dense(2), x)
    with pytest.raises(ValueError, match=r"Received an unbuilt cell. Call it once"):
        gradient_norms(ElmanRNN(UNITS), x)


def test_arrays_and_lags_that_do_not_fit_are_refused():
    cell, (x, h_0) = random_weights(built_cell()), sequences()
    with pytest.raises(ValueError, match=r"\(batch, time, features\). Received \(12, 2\)"):
        gradient_norms(cell, x[0])
    with pytest.raises(ValueError, match=r"the cell's 2 features.* Received \(3, 12, 1\)"):
        gradient_norms(cell, x[:, :, :1])
    with pytest.raises(ValueError, match=r"shape \(3, 4\).* Received \(4,\). Pass one row"):
        gradient_norms(cell, x, h_0[0])
    with pytest.raises(ValueError, match="max_lag must be an integer of at least 1"):
        gradient_norms(cell, x, h_0, max_lag=0)
    with pytest.raises(ValueError, match=r"Received max_lag=13. Pass at most 12"):
        gradient_norms(cell, x, h_0, max_lag=13)
    with pytest.raises(ValueError, match="inputs must be a finite real"):
        gradient_norms(cell, np.full_like(x, np.nan))


def test_states_that_overflow_are_refused():
    cell = ElmanCell(1, activation="linear", dtype="float64")
    cell.build((None, 1))
    cell.set_weights([np.ones((1, 1)), np.array([[1e200]]), np.zeros(1)])
    with pytest.raises(ValueError, match=r"not finite from step 3 on. Pass fewer steps"):
        gradient_norms(cell, np.ones((1, 5, 1)))


def test_picture_has_the_mean_the_band_and_the_power_of_lambda():
    found = gradient_norms(random_weights(built_cell()), *sequences())
    ax = plot_gradient_norms(found, label="tanh")
    expected, mean = ax.lines
    np.testing.assert_array_equal(expected.get_ydata(), found.expected)
    np.testing.assert_array_equal(mean.get_ydata(), found.norms.mean(axis=0))
    assert mean.get_label() == "tanh" and len(ax.collections) == 1
    assert (ax.get_xlabel(), ax.get_yscale()) == ("lag k (steps)", "log")
    assert plot_gradient_norms(found, ax=ax) is ax
    assert ax.lines[1].get_color() != ax.lines[3].get_color()


def test_picture_of_one_sequence_without_a_matrix_is_one_line():
    layer = keras.layers.GRU(UNITS)
    ax = plot_gradient_norms(gradient_norms(layer, build_on(layer, sequences()[0][:1])))
    assert len(ax.lines) == 1 and len(ax.collections) == 0
