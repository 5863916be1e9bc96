"""Makes the files beside it anew: `python tests/golden/make.py [FOLDER]`.

They were written by the version that introduced format 1 and are kept, so that later versions can
be seen to read them. Make new ones, in a folder of their own, only for a new format.
"""

import json
import pathlib
import sys

import keras
import numpy as np

from oscillator_zoo.data import Decay, Duffing, Sinusoid, sample_oscillators, simulate
from oscillator_zoo.models import (
    PINN,
    DuffingCell,
    ElmanRNN,
    LevenbergMarquardt,
    ResponseModel,
    save_preset,
)
from oscillator_zoo.training import Run


def forecaster():
    """A recurrent network, trained for one epoch."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, 2))
    model = keras.Model(inputs, ElmanRNN(3, output_units=2, return_sequences=True)(inputs))
    model.compile("sgd", "mse")
    sequences = np.sin(np.arange(24.0)).reshape(1, 12, 2)
    history = model.fit(sequences[:, :-1], sequences[:, 1:], verbose=0).history
    return model, history


def solver():
    """A network that solves an equation, trained for one epoch."""
    pinn = PINN(Decay(rate=0.7), duration=2.0, hidden_units=(4,), seed=3)
    pinn.compile(LevenbergMarquardt())
    pinn.fit(pinn.collocation_points(16, steps_per_epoch=3), verbose=0)
    return pinn


def responder():
    """A measured oscillator, with coefficients as `fit_one_step` might find them."""
    cell = DuffingCell(num_forces=2, num_springs=3, position_scale=0.05, dtype="float64")
    cell.position_kernel.assign([1.5, -0.8])
    cell.force_kernel.assign([0.2, 0.05])
    cell.spring_kernel.assign([-0.01, -0.02, 0.003])
    model = ResponseModel(cell)
    model.compile(LevenbergMarquardt())
    return model


def motion():
    """Two driven oscillators."""
    force = Sinusoid(0.5, angular_frequency=2.0)
    return simulate(sample_oscillators(2, seed=1, damping=(0.1, 0.3), force=force), 0.1, 12)


def outputs(run, pinn, response, trajectory):
    """What the models answer, and what the trajectory holds, as lists of numbers."""
    times = np.linspace(0.0, 2.0, 5)
    sequence = np.cos(np.arange(10.0)).reshape(1, 5, 2)
    force = np.sin(np.arange(6.0)).reshape(1, 6, 1)
    results = {
        "forecaster": run.model(sequence),
        "forecaster_test": run.test.states,
        "solver": pinn(times),
        "solver_residual": pinn.residual(times),
        "responder": response((force, np.full((1, 2, 1), 0.01))),
        "trajectory": trajectory.states,
        "trajectory_force": trajectory.force,
        "trajectory_damping": trajectory.problem.damping,
    }
    return {name: np.asarray(value).ravel().tolist() for name, value in results.items()}


def make(folder):
    """Write every file."""
    (folder / "run").mkdir(parents=True, exist_ok=True)
    model, history = forecaster()
    trajectory = motion()
    facts = {"recipe": "elman-harmonic", "seed": 0, "epochs": 1, "training_seconds": 0.5}
    test = simulate(Duffing(cubic_stiffness=0.2), 0.1, 12)
    run = Run(model, "forecast", history, test, warm_up=2, notes=("A note.",), facts=facts)
    run.save(folder / "run")
    pinn, response = solver(), responder()
    pinn.save(folder / "pinn.keras")
    response.save(folder / "duffing.keras")
    save_preset(pinn, folder / "preset", {"errors": {"position_max": 0.01}, "notes": ["A note."]})
    trajectory.save(folder / "trajectory.npz")
    expected = outputs(run, pinn, response, trajectory)
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    make(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent))
