"""Recurrent layers on a measured oscillator: error of the free run after equal time.

    python benchmarks/measured.py --data FILE --sampling-rate HZ [--models NAME …] [--seeds 0 1 2]

All are judged on the last quarter of the record as the recipes are: a free run in the force alone,
RMSE without the first 50 samples. Keras's own recurrent layers of 32 units, with a `Dense` layer on
top, get as many processor seconds for each learning rate as "elman-measured" takes, compiling
included: Adam on pieces of 500 samples, the first 250 of which run the layer in, a rate that falls
to zero along a cosine. The epoch and the rate are chosen on the same validation part (60 … 75 % of
the record), and the table shows the seconds of the chosen rate alone.

The record's unit of position is taken to be V; errors are printed in mV.
"""

import argparse
import datetime
import importlib.metadata
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from data import commit, processor
from oscillator_zoo.data import load_measurement, split_by_time, system_identification_pairs
from oscillator_zoo.training import evaluate_response, recipes
from oscillator_zoo.training.zoo.measured_elman import (
    BEFORE,
    WARM_UP,
    with_later_force,
    with_samples_before,
)

LENGTH = 500
UNITS = 32
LAYERS = {
    "LSTM": keras.layers.LSTM,
    "GRU": keras.layers.GRU,
    "SimpleRNN": keras.layers.SimpleRNN,
}
MODELS = ("duffing-measured", "elman-measured", *LAYERS)


class Budget(keras.callbacks.Callback):
    """Lets the rate fall along a cosine of the processor time spent, and stops at its end."""

    def __init__(self, rate, seconds):
        super().__init__()
        self.rate, self.seconds, self.start = rate, seconds, time.process_time()

    def on_train_batch_end(self, batch, logs=None):
        spent = (time.process_time() - self.start) / self.seconds
        self.model.optimizer.learning_rate = 0.5 * self.rate * (1.0 + np.cos(np.pi * min(spent, 1)))
        self.model.stop_training |= spent >= 1.0


def trained(layer, rate, seconds, train, validation, seed):
    """A Keras layer between scalings, trained by Adam; its lowest validation loss; and epochs."""
    keras.utils.set_random_seed(seed)
    force, mean, deviation = train.force, train.states.mean(), train.states.std()
    budget = Budget(rate, seconds)
    inputs = keras.Input((None, 1))
    scaled = keras.layers.Normalization(mean=force.mean(), variance=force.var())(inputs)
    outputs = keras.layers.Dense(1)(layer(scaled))
    trainer = keras.Model(inputs, keras.layers.Cropping1D((BEFORE, 0))(outputs))

    def pieces(part, **options):
        pairs = system_identification_pairs(part, length=LENGTH, inputs="force", **options)
        return pairs.map(lambda force, y: (force, (y[:, BEFORE:] - mean) / deviation))

    # XLA takes minutes to compile Keras's loops over 500 steps backwards.
    trainer.compile(keras.optimizers.Adam(rate, clipnorm=1.0), loss="mse", jit_compile=False)
    best = keras.callbacks.EarlyStopping(patience=10**6, restore_best_weights=True)
    history = trainer.fit(
        pieces(train, stride=100, batch_size=32, shuffle_seed=seed),
        validation_data=pieces(validation, stride=BEFORE, batch_size=64),
        epochs=10**6,
        callbacks=[best, budget],
        shuffle=False,
        verbose=0,
    )
    losses = history.history["val_loss"]
    model = keras.Model(inputs, keras.layers.Rescaling(deviation, mean)(outputs))
    return model, min(losses), len(losses)


def recipe(name, given, seed):
    """A recipe of the zoo: error, weights, processor seconds, and what it says of itself."""
    keras.utils.set_random_seed(seed)
    start = time.process_time()
    run = recipes()[name](given.data, given.sampling_rate, seed=seed)
    seconds = time.process_time() - start
    return run.evaluate()["model"], run.model.count_params(), seconds, run.notes[0]


def built_in(name, given, seed):
    """A layer of Keras at the best of the learning rates, as `recipe`."""
    record = with_later_force(load_measurement(given.data, given.sampling_rate))
    train, validation, test = split_by_time(record, (0.6, 0.15, 0.25))
    attempts = []
    for rate in given.rates:
        layer = LAYERS[name](UNITS, return_sequences=True)
        start = time.process_time()
        attempt = trained(layer, rate, given.cpu_seconds, train, validation, seed)
        attempts.append((*attempt, rate, time.process_time() - start))
    model, _, epochs, rate, seconds = min(attempts, key=lambda attempt: attempt[1])
    errors = evaluate_response(model, with_samples_before(record, test), BEFORE + WARM_UP)
    return errors["model"], model.count_params(), seconds, f"Adam, {rate:g}: {epochs} epochs."


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--sampling-rate", type=float, required=True)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--seeds", type=int, nargs="+", default=(0, 1, 2))
    parser.add_argument("--cpu-seconds", type=float, default=110.0, help="for each rate")
    parser.add_argument("--rates", type=float, nargs="+", default=(3e-3, 1e-2))
    given = parser.parse_args()

    print(
        f"{datetime.date.today()}, commit {commit()}, {processor()}, load average "
        f"{os.getloadavg()[0]:.1f}, Keras {keras.__version__}, TensorFlow "
        f"{importlib.metadata.version('tensorflow')}\n"
    )
    print("| model | seed | RMSE, mV | largest, mV | weights | CPU s | training |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | --- |")
    for name in given.models:
        for seed in given.seeds[:1] if name == "duffing-measured" else given.seeds:
            run = built_in if name in LAYERS else recipe
            errors, weights, seconds, note = run(name, given, seed)
            rmse, largest = 1e3 * errors["position_rmse"], 1e3 * errors["position_max"]
            cells = name, seed, f"{rmse:.3f}", f"{largest:.1f}", weights, f"{seconds:.0f}", note
            print("|", " | ".join(map(str, cells)), "|", flush=True)


if __name__ == "__main__":
    main()
