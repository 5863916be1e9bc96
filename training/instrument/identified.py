"""What `identify` found: constants, model, problem, pictures and doubts."""

import keras
import numpy as np

from oscillator_zoo.data import (
    DampedOscillator,
    Duffing,
    MeasuredOscillator,
    Pendulum,
    Sampled,
)
from oscillator_zoo.models import OscillatorCell, ProblemCell
from oscillator_zoo.models.physics_cells.duffing_runs import LARGEST_ANGLE, force_at

from .found_constants import covariance_of, unit_of_constant
from .record_doubts import autocorrelation, ljung_box
from .record_plot import plot_record

FINER = 16  # points of a smooth force in a sample; straight lines between miss .5 % at most
GRAVITY = 9.81  # m/s², with which a pendulum's frequency becomes a length


class Identified:
    """Constants of a measured oscillator, as `identify` found them.

    Printed, it is a table of the constants with standard errors and 95 % intervals, then what
    they rest on, then what speaks against them.

    | attribute    | content                                                              |
    |--------------|----------------------------------------------------------------------|
    | `estimates`  | `Estimate` (`value`, `standard_error`, `lower`, `upper`) by name      |
    | `covariance` | of the estimates, in their order, `(estimates, estimates)`           |
    | `doubts`     | sentences; empty if nothing speaks against the constants             |
    | `law`        | name of the equation                                                 |
    | `equation`   | the equation as a text                                               |
    | `records`    | what was measured, `Record` by `Record`                              |
    | `residuals`  | record − fit, one array for each record                              |
    | `offsets`    | of what was measured, one number for each record                     |
    | `scales`     | the same, by which the fit's motion is multiplied; 1 of the first     |
    | `rmse`       | of the free runs                                                     |
    | `comparison` | `LawComparison` by law, the best first, where several were tried     |
    """

    def __init__(self, fit, records, estimates, doubts, comparison):
        self.fit, self.records, self.estimates, self.doubts = fit, records, estimates, doubts
        self.law, self.equation = fit.law.name, fit.law.equation
        self.offsets, self.comparison = fit.offsets, comparison
        self.scales = np.broadcast_to(fit.scales, len(records))
        self.residuals = [-error for error in errors_of(fit, records)]
        self.rmse = float(np.sqrt(np.mean(fit.error**2)))

    @property
    def covariance(self):
        """How the errors of the estimates go together, in their order and units, an array."""
        return covariance_of(self.fit, self.estimates)

    @property
    def problem(self):
        """The equation with the start and the force of the first record: `InitialValueProblem`.

        Its position is counted from the rest, without the offset of the record.
        """
        return problem_of(self.fit, self.records, 0)

    def problem_for(self, number):
        """The same for a record by its number."""
        return problem_of(self.fit, self.records, number)

    @property
    def model(self):
        """A Keras model that runs freely, to `predict`, go on in `fit`, or `export`.

            model.predict(result.model_inputs()) → (1, N, 1), at the record's second time and later

        Its layer is an `OscillatorCell`, of a problem of your own a `ProblemCell`, in
        `keras.layers.RNN`, made for the time step of the first record: x = {"force": u_1 … u_N
        `(batch, N, 1)`, "start": (x_0, v_0, u_0) `(batch, 3)`}. A force that is smooth between
        samples is given at 16 points a sample, `(batch, 16 N, 1)`: `model_inputs` lays it out.
        """
        return model_of(self.fit, self.records, 0)

    def model_inputs(self):
        """x for `model`, of the first record."""
        return inputs_of(self.fit, self.records, 0)

    def plot(self, number=0, ax=None):
        """A record with its fit, the residual, and the residual's autocorrelation.

        Args:
            number: of the record.
            ax: three Matplotlib `Axes`; None makes a figure.

        Returns:
            The three `Axes`.
        """
        return plot_record(self.records[number], self.residuals[number], self.law, ax)

    def __repr__(self):
        return f"Identified({self.law}, {len(self.records)} record(s), {len(self.doubts)} doubt(s))"

    def __str__(self):
        rows = [("constant", "value", "± error", "95 % interval", "unit")]
        for name, e in self.estimates.items():
            value, error = f"{e.value:.7g}", f"{e.standard_error:.2g}"
            interval = f"{e.lower:.7g} … {e.upper:.7g}"
            unit = (
                "" if hasattr(self.fit.law, "problem") else unit_of_constant(name, self.records[0])
            )
            rows.append((name, value, error, interval, unit))
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(t.ljust(w) for t, w in zip(row, widths)).rstrip() for row in rows]
        lines += ["", f"{self.law}: {self.equation}", self._basis()]
        if len(self.comparison) > 1:
            lines += ["", *_compared(self.comparison)]
        lines += ["", *(f"Doubt: {sentence}" for sentence in self.doubts or ())]
        if not self.doubts:
            lines.append("Nothing speaks against these constants.")
        return "\n".join(lines)

    def _basis(self):
        record, num = self.records[0], sum(map(len, self.residuals))
        alike = autocorrelation(self.residuals)
        kind = "free decay" if record.force is None else f"driven, force {self.fit.course}"
        own = record.force is not None or hasattr(self.fit.law, "problem")
        mass = "" if own else "; of mass 1"
        timed = "" if record.timed else " No unit of time is named: s."
        return (
            f"{len(self.records)} record(s), {num} samples of the {record.quantity}, {kind}; RMSE "
            f"{self.rmse:.4g}; residual: autocorrelation {alike[1]:+.2g} at lag 1, Ljung–Box "
            f"{ljung_box(self.residuals)[0]:.3g}{mass}. x, F: units of the record.{timed}"
        )


def errors_of(fit, records):
    """The fit's errors, record by record."""
    ends = np.cumsum([record.kept.sum() for record in records])[:-1]
    return np.split(fit.error, ends)


def _compared(comparison):
    """Lines of the laws that were tried, and which cannot be told apart."""
    best = min(one.bic for one in comparison.values())
    yield "Laws by BIC = n ln(mean square) + k ln n, less that of the best; below 6 is no decision:"
    for name, one in comparison.items():
        yield f"  {name:15}  {one.bic - best:10.4g}  RMSE {one.rmse:.4g}"


def problem_of(fit, records, number):
    """The law with the start and the force of one record."""
    record, p = records[number], dict(fit.constants)
    driven = record.force is not None
    start = dict(zip(("position", "velocity"), map(float, fit.starts[number])))
    start["start_time"] = float(record.times[0])
    if hasattr(fit.law, "problem"):
        if driven:
            start["force"] = _between(record, fit.course)
        taken = fit.law.problem.get_config()  # a problem need not have a start time
        start = {name: value for name, value in start.items() if name in taken}
        return fit.law.problem.with_parameters(**p, **start)
    if "dry_friction" in p:
        p["dry_friction"] = max(p["dry_friction"], 0.0)
    gain, damping = p.get("gain", 1.0), max(p["damping_rate"], 0.0)
    force = _between(record, fit.course) if driven else None
    if fit.law.name == "pendulum":
        scaled = Sampled(force.times, gain * force.values) if driven else None
        length = GRAVITY / p["squared_frequency"]
        return Pendulum(length, GRAVITY, damping, scaled, **start)
    if set(p) <= {"squared_frequency", "damping_rate", "cubic_stiffness", "gain"} and gain > 0.0:
        own = {"mass": 1.0 / gain, "damping": damping / gain, "force": force, **start}
        own["stiffness"] = p["squared_frequency"] / gain
        if "cubic_stiffness" in p:
            return Duffing(cubic_stiffness=p["cubic_stiffness"] / gain, **own)
        return DampedOscillator(**own)
    return MeasuredOscillator(**p, force=force, **start)


def _between(record, course):
    """The force of a record as the fit takes it between samples: `Sampled`."""
    times, force = record.times, record.force
    if course == "linear":
        return Sampled(times, force)
    if course == "held":  # up to a billionth of a step before the next sample
        ends = times[1:] - 1e-9 * np.diff(times)
        times = np.append(np.stack([times[:-1], ends], axis=1), times[-1])
        return Sampled(times, np.append(np.repeat(force[:-1], 2), force[-1]))
    shares = np.arange(FINER) / FINER
    steps = times[:-1, None] + shares * np.diff(times)[:, None]
    fine = force_at(force, shares, course)
    return Sampled(np.append(steps, times[-1]), np.append(fine, force[-1]))


def inputs_of(fit, records, number):
    """x for the model: the force after the start at `FINER` points a sample if it is smooth."""
    record = records[number]
    force = np.zeros(len(record.times)) if record.force is None else record.force
    if fit.course == "smooth":
        force = _between(record, fit.course).values
    start = np.append(fit.starts[number], force[0])
    return {"force": force[None, 1:, None], "start": start[None]}


def model_of(fit, records, number):
    """A Keras model from the force and the start to the measured quantity; see `Identified`."""
    record, finer = records[number], FINER if fit.course == "smooth" else 1
    given = {
        "time_step": record.duration / (len(record.times) - 1) / finer,
        "offset": float(fit.offsets[number]),
        "quantity": record.quantity,
        "held": fit.course == "held",
        "dtype": "float64",
    }
    if hasattr(fit.law, "problem"):
        still = {"force": None} if record.force is not None else {}
        problem = fit.law.problem.with_parameters(**fit.constants, **still)
        parts = max(1, int(np.ceil(given["time_step"] * fit.law.rate / LARGEST_ANGLE)))
        cell = ProblemCell(problem, tuple(fit.constants), num_parts=parts, **given)
    else:
        cell = OscillatorCell(pendulum=fit.law.name == "pendulum", **fit.constants, **given)
    force = keras.Input((None, 1), name="force", dtype="float64")
    start = keras.Input((3,), name="start", dtype="float64")
    layer = keras.layers.RNN(cell, return_sequences=True, dtype="float64")
    motion = layer(force, initial_state=[start])
    if finer > 1:  # of the points of every sample the last, which is the next sample
        motion = keras.layers.Cropping1D((finer - 1, 0), dtype="float64")(motion)
        motion = keras.layers.MaxPooling1D(1, finer, dtype="float64")(motion)
    return keras.Model({"force": force, "start": start}, motion)
