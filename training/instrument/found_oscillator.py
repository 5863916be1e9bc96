"""A law that was found, as an `InitialValueProblem` and as a Keras model."""

import keras
import numpy as np

from oscillator_zoo.data import DampedOscillator, Duffing, InitialValueProblem, Pendulum, Sampled
from oscillator_zoo.data.checks import real_value
from oscillator_zoo.data.forces.force import check_force, evaluate_force
from oscillator_zoo.models import OscillatorCell

GRAVITY = 9.81


@keras.saving.register_keras_serializable("oscillator_zoo")
class MeasuredOscillator(InitialValueProblem):
    """An oscillator with any of the terms that `identify` finds.

        x'' + d x' + q |x'| x' + s x + s2 x² + s3 x³ = G F(t)

    | symbol | argument              | unit       |
    |--------|-----------------------|------------|
    | s      | `squared_frequency`   | 1/s²       |
    | d      | `damping_rate`        | 1/s        |
    | q      | `quadratic_drag`      | 1/m        |
    | s2     | `quadratic_stiffness` | 1/(m s²)   |
    | s3     | `cubic_stiffness`     | 1/(m² s²)  |
    | G      | `gain`                | 1/kg       |
    | F      | `force`               | N          |
    | x0, v0 | `position`, `velocity`| m, m/s     |

    Raises:
        ValueError: for constants that are not finite numbers.

    Example:
    >>> problem = MeasuredOscillator(squared_frequency=4.0, quadratic_drag=0.1)
    >>> float(problem.rhs(0.0, 1.0, -2.0))
    -3.6
    """

    def __init__(
        self,
        squared_frequency=1.0,
        damping_rate=0.0,
        quadratic_drag=0.0,
        quadratic_stiffness=0.0,
        cubic_stiffness=0.0,
        gain=1.0,
        force=None,
        position=1.0,
        velocity=0.0,
        start_time=0.0,
    ):
        self.squared_frequency = real_value("squared_frequency", squared_frequency, "1/s²")
        self.damping_rate = real_value("damping_rate", damping_rate, "1/s")
        self.quadratic_drag = real_value("quadratic_drag", quadratic_drag, "1/m")
        self.quadratic_stiffness = real_value("quadratic_stiffness", quadratic_stiffness, "1/m/s²")
        self.cubic_stiffness = real_value("cubic_stiffness", cubic_stiffness, "1/m²/s²")
        self.gain = real_value("gain", gain, "1/kg")
        self.force = check_force(force)
        super().__init__(position, velocity, start_time, dimension=1)

    ensemble_parameters = (
        *("squared_frequency", "damping_rate", "quadratic_drag"),
        *("quadratic_stiffness", "cubic_stiffness", "gain"),
    )

    def rhs(self, t, x, v, ops=np):
        s, d, q, s2, s3, gain = self.columns(*self.ensemble_parameters, ops=ops)
        loss = (d + q * ops.abs(v)) * v
        return gain * evaluate_force(self.force, t, ops) - loss - (s + (s2 + s3 * x) * x) * x


def problem_of(fit, records, number):
    """The law with the start and the force of one record."""
    record, p = records[number], fit.constants
    driven = record.force is not None
    gain = p.get("gain", 1.0)
    damping = max(p["damping_rate"], 0.0)
    start = dict(zip(("position", "velocity"), map(float, fit.starts[number])))
    start["start_time"] = float(record.times[0])
    force = Sampled(record.times, record.force) if driven else None
    if fit.law.name == "pendulum":
        scaled = Sampled(record.times, gain * record.force) if driven else None
        length = GRAVITY / p["squared_frequency"]
        return Pendulum(length, GRAVITY, damping, scaled, **start)
    if set(p) <= {"squared_frequency", "damping_rate", "cubic_stiffness", "gain"} and gain > 0.0:
        own = {"mass": 1.0 / gain, "damping": damping / gain, "force": force, **start}
        own["stiffness"] = p["squared_frequency"] / gain
        if "cubic_stiffness" in p:
            return Duffing(cubic_stiffness=p["cubic_stiffness"] / gain, **own)
        return DampedOscillator(**own)
    return MeasuredOscillator(**p, force=force, **start)


def model_of(fit, records, number):
    """A Keras model from the force and the start to the measured quantity; see `Identified`."""
    record = records[number]
    cell = OscillatorCell(
        time_step=record.duration / (len(record.times) - 1),
        offset=float(fit.offsets[number]),
        quantity=record.quantity,
        pendulum=fit.law.name == "pendulum",
        held=fit.course == "held",
        **fit.constants,
        dtype="float64",
    )
    force = keras.Input((None, 1), name="force", dtype="float64")
    start = keras.Input((3,), name="start", dtype="float64")
    layer = keras.layers.RNN(cell, return_sequences=True, dtype="float64")
    return keras.Model({"force": force, "start": start}, layer(force, initial_state=[start]))
