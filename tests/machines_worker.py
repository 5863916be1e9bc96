"""One of several workers that train models; writes what came of it to FOLDER/INDEX.json.

    python machines_worker.py FOLDER            all cases; then worker 1 is killed while it trains
    python machines_worker.py FOLDER resume     goes on with that training

`TF_CONFIG` says which worker it is.
"""

import json
import os
import pathlib
import signal
import sys

import keras
import numpy as np
import tensorflow as tf

from oscillator_zoo.data import (
    DampedOscillator,
    Sinusoid,
    forecast_windows,
    sample_oscillators,
    simulate,
    trajectory_stream,
)
from oscillator_zoo.models import (
    PINN,
    ElmanRNN,
    EulerCell,
    ForecastModel,
    LeastSquaresModel,
    LevenbergMarquardt,
    ResponseModel,
    chief_path,
    several_machines,
)
from oscillator_zoo.training import Run, train
from oscillator_zoo.training.callbacks import backup
from oscillator_zoo.training.results.workers import check_same_backup
from oscillator_zoo.training.zoo import entries

STEPS, BATCH, TIMES = 2, 8, 12
QUIET = {"shuffle": False, "verbose": 0}
DESCENT = keras.optimizers.SGD  # shows a gradient of another size, as Adam would not


def stream(shard=0, num_shards=1, seed=0):
    """Forces and motions; one shard of them is as many samples of every batch fewer."""
    names = {"amplitude": 1.0, "inputs": "force", "num_steps": TIMES, "dtype": "float64"}
    return trajectory_stream(seed, shard, num_shards, batch_size=BATCH // num_shards, **names)


def own_shards(strategy):
    """The same batches, of which each worker computes its own part only."""
    return strategy.distribute_datasets_from_function(
        lambda worker: stream(worker.input_pipeline_id, worker.num_input_pipelines)
    )


def of_the_user(strategy, folder):
    """A plain Keras model; its file, and how its steps went."""
    layer = ElmanRNN(4, output_units=2, return_sequences=True, dtype="float64")
    with strategy.scope():
        model = keras.Sequential([keras.Input((TIMES, 1), dtype="float64"), layer])
        model.compile(DESCENT(1e-2), loss="mse")
    history = model.fit(own_shards(strategy), steps_per_epoch=STEPS, epochs=2, **QUIET)
    model.save(chief_path(folder / "user.keras", strategy))
    return model, history.history, {}


def least_squares(strategy, folder):
    """Arrays, of which the last batch is smaller, with validation data, a metric and callbacks."""
    inputs = keras.Input((TIMES, 1), dtype="float64")
    layer = ElmanRNN(4, output_units=2, return_sequences=True, dtype="float64")
    with strategy.scope():
        model = LeastSquaresModel(inputs, layer(inputs))
        mean = keras.metrics.MeanAbsoluteError(name="mae", dtype="float64")
        model.compile(DESCENT(1e-2), metrics=[mean])
    random = np.random.default_rng(0)
    x, y = (random.standard_normal((BATCH + 4, TIMES, n)) for n in (1, 2))
    seen = []
    callbacks = [
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["loss"])),
        keras.callbacks.ModelCheckpoint(folder / "best.keras", save_best_only=True),
    ]
    options = {"validation_data": (x[:6], y[:6]), "callbacks": callbacks, "shuffle": False}
    history = model.fit(x, y, BATCH, 2, verbose=0, **options)
    evaluated = model.evaluate(x, y, verbose=0)
    predicted = model.predict(x, batch_size=BATCH, verbose=0)
    return model, history.history, {"evaluate": evaluated, "predict": predicted, "seen": seen}


def forecast(strategy, folder):
    """Sequences in a closed loop."""
    states = keras.Input((None, 2), dtype="float64")
    layer = ElmanRNN(2, output_units=2, return_sequences=True, dtype="float64")
    with strategy.scope():
        model = ForecastModel(keras.Model(states, layer(states)), warm_up=4)
        model.compile(DESCENT(1e-2))
    sequences = simulate(sample_oscillators(BATCH, seed=0), 0.1, num_steps=TIMES).states
    history = model.fit(sequences, batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
    model.save(folder / "forecast.keras")  # of this package: the chief writes, without a word
    return model, history.history, {}


def response(strategy, folder):
    """The constants of an oscillator."""
    driven = sample_oscillators(BATCH, seed=0, stiffness=1.0, force=Sinusoid(1.0, 1.3))
    motions = simulate(driven, 0.1, num_steps=TIMES)
    with strategy.scope():
        cell = EulerCell(0.1, damping_rate=0.1, squared_frequency=0.5, dtype="float64")
        model = ResponseModel(cell)
        model.compile(DESCENT(1e-2))
    data = motions.force[:, :-1], motions.states[:, 1:]
    history = model.fit(*data, batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
    return model, history.history, {}


def equation(strategy, folder):
    """A PINN's collocation points, an early end, and `evaluate` at points of its own."""
    with strategy.scope():
        model = PINN(DampedOscillator(damping=0.2), 3.0, hidden_units=(6, 6), seed=1)
        model.compile(DESCENT(1e-3))
    stop = keras.callbacks.EarlyStopping("loss", patience=0, min_delta=1e9)
    points = model.collocation_points(16, steps_per_epoch=STEPS)
    history = model.fit(points, epochs=9, verbose=0, callbacks=[stop])
    return model, history.history, {"evaluate": model.evaluate(verbose=0)}


CASES = (of_the_user, least_squares, forecast, response, equation)


def refusals(strategy, worker):
    """What is refused, by its text."""

    def undivided():
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
        with strategy.scope():
            model = keras.Sequential([keras.Input((TIMES, 1)), ElmanRNN(2)])
            model.compile("sgd", "mse")
        model.fit(stream().with_options(options), steps_per_epoch=1, verbose=0)

    def whole_batches():
        with strategy.scope():
            PINN(DampedOscillator(), 3.0).compile(LevenbergMarquardt())

    def train_in_scope():
        with strategy.scope():
            train("pinn-decay", "nowhere")

    def other_backups():  # on disks of their own, the second worker begins anew
        check_same_backup(strategy, [3 - 3 * worker, 0])

    cases = (undivided, whole_batches, train_in_scope, other_backups)
    return {f.__name__: error_of(f) for f in cases}


def error_of(function):
    try:
        function()
    except ValueError as error:
        return str(error)
    return "no error"


def without_mending(strategy):
    """What becomes of `fit` when Keras asks TensorFlow's own strategy."""
    mended = vars(strategy).pop("reduce")
    try:
        of_the_user(strategy, pathlib.Path(os.devnull))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        strategy.reduce = mended
    return "no error"


def killed_in(epoch):
    """A callback by which worker 1 dies at the beginning of an epoch."""

    def die(now, logs=None):
        if now == epoch and json.loads(os.environ["TF_CONFIG"])["task"]["index"] == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    return keras.callbacks.LambdaCallback(on_epoch_begin=die)


def small_recipe(killed=False):
    """A recipe of seconds, with data in a new order in every epoch."""

    def recipe(epochs=4, seed=0, callbacks=()):
        """Five states in, the next one out."""
        motions = simulate(sample_oscillators(4, seed), 0.1, num_steps=40)
        layers = [keras.Input((5, 2)), keras.layers.Flatten(), keras.layers.Dense(2)]
        model = keras.Sequential(layers)
        model.compile(keras.optimizers.Adam(1e-2), loss="mse")
        windows = forecast_windows(motions, 5, stride=5, batch_size=8, shuffle_seed=seed)
        callbacks = [*callbacks, *([killed_in(2)] if killed else ())]
        options = {"epochs": epochs, "shuffle": False, "verbose": 0}
        history = model.fit(windows, callbacks=callbacks, **options).history
        return Run(model, "forecast", history, motions, warm_up=5)

    return recipe


def trained(folder, killed=False, **options):
    """The history and the weights of the small recipe, or what was said of a lost worker."""
    backup.SECONDS = 0.0  # after every epoch
    entries.RECIPES["small"] = small_recipe(killed)
    try:
        run, _ = train("small", folder, **options)
    except ConnectionError as error:
        return str(error)
    return {"history": run.history, "weights": [w.tolist() for w in run.model.get_weights()]}


def result(case, strategy, folder):
    """What several workers, and one alone, should find the same."""
    keras.utils.set_random_seed(0)
    model, history, more = case(strategy, folder)
    weights = [w.tolist() for w in model.get_weights()]
    more = {name: np.asarray(value).tolist() for name, value in more.items()}
    return {"weights": weights, "history": history, **more}


def main(folder, resume):
    worker, found = json.loads(os.environ["TF_CONFIG"])["task"]["index"], {}

    def say(name, value):
        found[name] = value
        (folder / f"{worker}.json").write_text(json.dumps(found))

    if resume:  # `train` makes the strategy
        say("resumed", trained(folder / "killed", resume=True))
        return
    strategy = several_machines()
    say("refusals", refusals(strategy, worker))
    say("without_mending", without_mending(strategy))
    for case in CASES:
        say(case.__name__, result(case, strategy, folder))
    say("undisturbed", trained(folder / "undisturbed"))
    say("lost", trained(folder / "killed", killed=True))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2:] == ["resume"])
