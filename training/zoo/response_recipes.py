"""Recipes of models from force to motion."""

import keras
import numpy as np

from oscillator_zoo.data import (
    DampedOscillator,
    Sinusoid,
    simulate,
    split_by_trajectory,
    system_identification_pairs,
)
from oscillator_zoo.models import (
    ElmanRNN,
    EulerCell,
    JordanRNN,
    LevenbergMarquardt,
    ResponseModel,
    TruncatedGradient,
)

from ..results.run import Run

WARM_UP = 20
NUM_STEPS = 200
EXACT = {"dtype": "float64"}
HIDDEN_UNITS = 8
STATES = {"output_units": 2, "return_sequences": True, **EXACT}  # position and velocity
# What the networks count in, so many m, m/s and N: tanh of small numbers is nearly straight, as the
# oscillator is. Counting in single metres, the Jordan network stays some 20 % off.
SCALE = 100.0


def driven_motions(seed):
    """80 times the oscillator x'' + .4 x' + x = F(t) from rest, each with a sinusoid of its own."""
    generator = np.random.default_rng(seed)
    force = Sinusoid(
        amplitude=generator.uniform(0.2, 1.0, 80),
        angular_frequency=generator.uniform(0.5, 2.0, 80),
        phase=generator.uniform(0.0, 2.0 * np.pi, 80),
    )
    oscillator = DampedOscillator(damping=0.4, force=force, position=0.0)
    motions = simulate(oscillator, time_step=0.1, num_steps=NUM_STEPS)
    return split_by_trajectory(motions, (0.7, 0.15, 0.15), seed)


def cosine_adam(initial_rate, steps):
    """Adam whose rate falls to zero along a cosine: a constant rate leaves good solutions again.

    Gradients through 200 steps of time sometimes explode; `clipnorm` bounds them.
    """
    rate = keras.optimizers.schedules.CosineDecay(initial_rate, steps)
    return keras.optimizers.Adam(rate, clipnorm=1.0)


def elman_driven(epochs=120, seed=0, callbacks=(), truncation=None):
    """Elman network: from the force alone to position and velocity, by least squares.

    With `truncation` the same network is trained by Adam, on gradients that go back through so many
    steps at most, not through all 200. That ends a hundred times less exact.
    """
    train, validation, test = driven_motions(seed)
    layer = ElmanRNN(HIDDEN_UNITS, **STATES)
    reduce, restore = scalings()
    force = keras.Input((None, 1), **EXACT)
    model = keras.Model(force, restore(layer(reduce(force))))
    options = {"epochs": epochs, "callbacks": callbacks}
    if truncation is None:
        history = fit_by_least_squares(layer.cell, train, validation, **options)
        return Run(model, "response", history, test, WARM_UP)
    pairs = system_identification_pairs(train, inputs="force", batch_size=8, shuffle_seed=seed)
    force = keras.Input((NUM_STEPS, 1), **EXACT)
    truncated = TruncatedGradient(layer, truncation)
    trained = keras.Model(force, restore(truncated(reduce(force))))
    trained.compile(cosine_adam(5e-3, epochs * len(pairs)), loss="mse")
    history = trained.fit(
        pairs,
        validation_data=system_identification_pairs(validation, inputs="force"),
        shuffle=False,
        verbose=0,
        **options,
    )
    return Run(model, "response", history.history, test, WARM_UP)


def jordan_driven(epochs=120, seed=0, callbacks=()):
    """Jordan network: only its output is fed back; first the true state in its place.

    With a teacher nothing is fed back, so training is fast, but the network never meets its own
    errors: each step is nearly right, and what is wrong adds up when it runs free. The second half
    of the epochs therefore trains the free run, by least squares, and ends where that ends.
    """
    train, validation, test = driven_motions(seed)
    layer = JordanRNN(HIDDEN_UNITS, **STATES)
    reduce, restore = scalings()
    force, teacher = keras.Input((None, 1), **EXACT), keras.Input((None, 2), **EXACT)
    answers = layer(reduce(force), teacher=reduce(teacher))
    taught = keras.Model([force, teacher], restore(answers))
    free = keras.Model(force, restore(layer(reduce(force))))

    pairs = system_identification_pairs(train, inputs="force", batch_size=8, shuffle_seed=seed)
    taught_epochs = epochs // 2
    taught.compile(cosine_adam(5e-3, max(taught_epochs, 1) * len(pairs)), loss="mse")
    taught.fit(
        pairs.map(lambda force, states: ((force, states), states)),
        epochs=taught_epochs,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    )
    # From random weights it stalls for two seeds of four, at errors of some 65 %.
    options = {"initial_epoch": taught_epochs, "epochs": epochs, "callbacks": callbacks}
    history = fit_by_least_squares(layer.cell, train, validation, **options)
    return Run(free, "response", history, test, WARM_UP)


def scalings():
    """Layers that divide by `SCALE` and multiply by it."""
    return keras.layers.Rescaling(1.0 / SCALE, **EXACT), keras.layers.Rescaling(SCALE, **EXACT)


def fit_by_least_squares(cell, train, validation, **options):
    """History of a cell's free run, trained on scaled motions; its losses count in m and m/s."""
    model = ResponseModel(cell)
    model.compile(LevenbergMarquardt(tolerance=0.0, initial_damping=1e-4))
    history = fit_free_run(model, train, validation, SCALE, **options)
    return {name: [SCALE**2 * loss for loss in losses] for name, losses in history.items()}


def fit_free_run(model, train, validation, scale=1.0, **options):
    """History of a `ResponseModel` trained on all motions whole, divided by a scale."""
    pairs = [(p.force[:, :-1] / scale, p.states[:, 1:] / scale) for p in (train, validation)]
    return model.fit(*pairs[0], validation_data=pairs[1], verbose=0, **options).history


def euler_damped(epochs=30, seed=0, callbacks=()):
    """Euler cell: `fit` finds α = γ/m and δ = k/m of the oscillator behind Euler's sequences."""
    train, validation, test = driven_motions(seed)
    cell = EulerCell(time_step=0.1, damping_rate=0.1, squared_frequency=0.5, dtype="float64")
    model = ResponseModel(cell)
    model.compile(LevenbergMarquardt(tolerance=1e-12))
    history = fit_free_run(model, train, validation, epochs=epochs, callbacks=callbacks)
    alpha, delta = float(cell.damping_rate), float(cell.squared_frequency)
    notes = (
        f"Found α = {alpha:.12f} 1/s (true .4) and δ = {delta:.12f} 1/s² (true 1): "
        f"{model.stop_reason or 'stopped'} after {len(history['loss'])} steps.",
    )
    return Run(model, "response", history, test, WARM_UP, notes=notes)
