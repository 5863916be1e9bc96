"""Trains models on one device and on two, in a process of its own; prints JSON.

Logical devices have to be set up before TensorFlow starts, hence the process. For each case the
weights and the history after a few steps are compared, each as the largest difference relative to
the largest value; for each refusal its text.
"""

import contextlib
import json
import sys
import unittest.mock

import keras
import numpy as np
import tensorflow as tf

from oscillator_zoo.data import (
    DampedOscillator,
    Sinusoid,
    sample_oscillators,
    simulate,
    trajectory_stream,
)
from oscillator_zoo.models import (
    PINN,
    ElmanRNN,
    EulerCell,
    ForecastModel,
    JordanRNN,
    LeastSquaresModel,
    LevenbergMarquardt,
    ResponseModel,
)
from oscillator_zoo.models.pinn import interval_model

OSCILLATOR = DampedOscillator(damping=0.2)


def two_devices():
    """A strategy over two logical processors."""
    (processor, *_) = tf.config.list_physical_devices("CPU")
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(processor, halves)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def sequences(num, batch_size):
    """Random inputs and targets; the last batch may be smaller."""
    random = np.random.default_rng(0)
    arrays = [random.standard_normal((num, 30, features)) for features in (1, 2)]
    return tf.data.Dataset.from_tensor_slices(tuple(arrays)).batch(batch_size)


def streamed():
    names = {"amplitude": 1.0, "inputs": "force", "num_steps": 30, "dtype": "float64"}
    return trajectory_stream(0, batch_size=16, **names)


def recurrent(layer_class, data=None, optimizer=keras.optimizers.SGD, **options):
    layer = layer_class(8, output_units=2, return_sequences=True, dtype="float64", **options)
    model = keras.Sequential([keras.Input((None, 1)), layer])
    model.compile(optimizer(1e-2), loss="mse")
    data = sequences(32, 16) if data is None else data
    return model, model.fit(data, epochs=2, steps_per_epoch=2, shuffle=False, verbose=0)


def least_squares(num=32, **options):
    inputs = keras.Input((30, 1))
    layer = ElmanRNN(8, output_units=2, return_sequences=True, dtype="float64")
    model = LeastSquaresModel(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(1e-2), **options)
    data = sequences(num, 16)
    return model, model.fit(data, validation_data=data, epochs=2, verbose=0)


def forecast():
    states = keras.Input((None, 2), dtype="float64")
    layer = ElmanRNN(4, output_units=2, return_sequences=True, dtype="float64")
    change = layer(states)
    forecaster = keras.Model(states, keras.layers.Add(dtype="float64")([states, change]))
    model = ForecastModel(forecaster, warm_up=10)
    model.compile(keras.optimizers.SGD(1e-2))
    sequences = simulate(sample_oscillators(16, seed=0), 0.1, num_steps=30).states
    return model, model.fit(sequences, batch_size=8, shuffle=False, epochs=2, verbose=0)


def response():
    driven = sample_oscillators(16, seed=0, stiffness=1.0, force=Sinusoid(1.0, 1.3))
    motions = simulate(driven, 0.1, num_steps=30)
    cell = EulerCell(0.1, damping_rate=0.1, squared_frequency=0.5, dtype="float64")
    model = ResponseModel(cell)
    model.compile(keras.optimizers.SGD(1e-2))
    data = motions.force[:, :-1], motions.states[:, 1:]
    return model, model.fit(*data, batch_size=8, shuffle=False, epochs=2, verbose=0)


def pinn(optimizer=keras.optimizers.SGD, rate=1e-3, **options):
    model = PINN(OSCILLATOR, 3.0, hidden_units=(8, 8), seed=1, **options)
    model.compile(optimizer(rate))
    points = model.collocation_points(64, steps_per_epoch=5)
    return model, model.fit(points, epochs=2, verbose=0)


def long_pinn():
    """A fit that one device takes as a long one, many steps in one call that XLA compiles."""
    with unittest.mock.patch.object(interval_model, "LONG_FIT", 10):
        return pinn(keras.optimizers.Adam, 1e-2)


def inverse():
    model = PINN(OSCILLATOR, 3.0, hidden_units=(8,), seed=1, unknown_parameters=("damping",))
    model.compile(keras.optimizers.SGD(1e-3))
    times = np.linspace(0.0, 3.0, 40)
    positions = np.cos(times)[:, None]
    return model, model.fit(times, positions, epochs=2, steps_per_epoch=5, verbose=0)


ADAM = keras.optimizers.Adam
MAE = keras.metrics.MeanAbsoluteError
CASES = {
    "ElmanRNN": lambda: recurrent(ElmanRNN),
    "ElmanRNN, Adam and own start": lambda: recurrent(
        ElmanRNN, optimizer=ADAM, learn_initial_state=True
    ),
    "ElmanRNN, stream": lambda: recurrent(ElmanRNN, data=streamed()),
    "JordanRNN": lambda: recurrent(JordanRNN),
    "least squares": lambda: least_squares(metrics=[MAE(dtype="float64")]),
    "least squares, uneven": lambda: least_squares(num=33),
    "ForecastModel": forecast,
    "ResponseModel": response,
    "PINN": lambda: pinn(),
    "PINN, Adam": lambda: pinn(ADAM, 1e-2),
    "PINN, long": long_pinn,
    "PINN, family": lambda: pinn(parameter_ranges={"damping": (0.1, 0.4)}),
    "PINN, inverse": inverse,
}


def odd_points():
    model = PINN(OSCILLATOR, 3.0, hidden_units=(8,))
    model.compile("adam")
    model.fit(model.collocation_points(63), verbose=0)


REFUSED = {
    "LevenbergMarquardt": lambda: PINN(OSCILLATOR, 3.0).compile(LevenbergMarquardt()),
    "jit_compile": lambda: PINN(OSCILLATOR, 3.0).compile("adam", jit_compile=True),
    "steps_per_execution": lambda: PINN(OSCILLATOR, 3.0).compile("adam", steps_per_execution=4),
    "odd points": odd_points,
}


def relative(one, other):
    one, other = np.ravel(one), np.ravel(other)
    return float(np.abs(one - other).max() / max(np.abs(one).max(), 1e-300))


def compared(case, strategy):
    """Largest differences in the weights and in the history, and by how much the loss changed."""
    keras.utils.set_random_seed(0)
    alone, history = case()
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model, of_two = case()
    pairs = list(zip(alone.get_weights(), model.get_weights()))
    return {
        "weights": max(relative(one, other) for one, other in pairs),
        "history": max(relative(v, of_two.history[name]) for name, v in history.history.items()),
        "loss": relative(history.history["loss"][0], history.history["loss"][-1]),
        "replicas": model.distribute_strategy.num_replicas_in_sync,
    }


def refusal(case, scope):
    with scope:
        try:
            case()
        except ValueError as error:
            return str(error)
    return "no error"


def main(names):
    """Print the results of some cases, or, without names, all cases and what is refused."""
    two = two_devices()
    if names:
        print(json.dumps({name: compared(CASES[name], two) for name in names}))
        return
    one = tf.distribute.MirroredStrategy(["CPU:0"])
    results = {name: compared(case, two) for name, case in CASES.items()}
    results |= {name: refusal(case, two.scope()) for name, case in REFUSED.items()}
    results["one device"] = refusal(REFUSED["LevenbergMarquardt"], one.scope())
    results["no strategy"] = refusal(REFUSED["LevenbergMarquardt"], contextlib.nullcontext())
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1:])
