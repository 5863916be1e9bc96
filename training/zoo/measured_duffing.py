"""Recipe of a Duffing oscillator for a measured one."""

import numpy as np

from oscillator_zoo.data import split_by_time
from oscillator_zoo.models import (
    DuffingCell,
    LevenbergMarquardt,
    ResponseModel,
    duffing_estimates,
    fit_duffing,
    fit_one_step,
    start_like,
)

from ..results.run import Run
from .linear_start import FINE
from .measured_elman import WARM_UP, check_record, read_record

SHORTEST = 400  # samples, of which the test has a quarter
NEARER = 0.95  # of the start's error: training that gains less has fitted noise
UNITS = {
    "natural_frequency": "Hz",
    "damping_ratio": "",
    "stiffness": "of force / position",
    "quadratic_stiffness": "of force / position²",
    "cubic_stiffness": "of force / position³",
}


def measured_motions(
    data, sampling_rate=None, input_column=None, output_column=None, time_column=None
):
    """The first three quarters of a record, to train on, and the last, to test on."""
    record = read_record(data, sampling_rate, input_column, output_column, time_column)
    check_record(record, SHORTEST)
    return split_by_time(record, (0.75, 0.25))


def duffing_measured(
    data,
    sampling_rate=None,
    input_column=None,
    output_column=None,
    epochs=40,
    seed=0,
    callbacks=(),
    time_column=None,
):
    """Duffing oscillator of twelve weights: from the measured force to the measured position.

    The first three quarters of the record are trained on. The equation is fitted to them first
    (`fit_duffing`); twelve weights that step like the oscillator found there are then trained on
    the free run, and kept where they come nearer to the record. The last quarter tests them: a
    free run over the whole quarter from its first positions (four; 50 where a period has 16
    samples or more), whose first 50 samples are not scored. Nothing is random, and `seed` changes
    nothing.

    Args:
        data: path of a CSV file, see `oscillator_zoo.data.load_measurement`.
        sampling_rate: samples per second, in Hz; None where the file has a column of times.
        input_column: the force's column, index or heading.
        output_column: the position's column, index or heading.
        epochs: most steps of least squares.
        seed: an integer ≥ 0.
        callbacks: Keras callbacks.
        time_column: the times' column, index or heading; False to go by `sampling_rate`.

    Returns:
        `Run` of a model from force `(batch, time, 1)` and the first positions `(batch, k, 1)` to
        the position `(batch, time, 1)`. Its notes give the constants with standard errors, or say
        why there are none.
    """
    train, test = measured_motions(data, sampling_rate, input_column, output_column, time_column)
    equation = _equation(train)
    cell = DuffingCell(
        position_scale=train.states.std(),
        position_offset=train.states.mean(),
        force_scale=train.force.std(),
        num_known=_num_known(equation, train.time_step),
        dtype="float64",
    )
    model = ResponseModel(cell)
    x = train.force[:, :-1], train.states[:, : cell.num_known]
    y = train.states[:, 1:]
    if equation is None:
        fit_one_step(model, x, y)
    else:
        start_like(model, equation, train.force[0, :-1, 0])
    start = model.get_weights(), _rmse(model, x, y)
    model.compile(LevenbergMarquardt(tolerance=0.0))
    history = model.fit(x, y, epochs=epochs, callbacks=callbacks, verbose=0)
    notes = (f"Trained by least squares: {len(history.history['loss'])} steps.",)
    if equation is not None and not _rmse(model, x, y) < NEARER * start[1]:
        model.set_weights(start[0])
        notes = (f"{notes[0]} They came no nearer than the equation's own weights, which stay.",)
    notes += _constants(model, train, x, y, equation)
    return Run(model, "response", history.history, test, WARM_UP, training=train, notes=notes)


def _equation(train):
    """`DuffingFit` of the training part, None where there is no oscillator in it."""
    try:
        return fit_duffing(train.force[0, :-1, 0], train.states[0, 1:, 0], train.time_step)
    except ValueError:
        return None


def _num_known(equation, time_step):
    """Positions that a run begins with: more where neighbours differ by noise alone."""
    if equation is None:
        return None
    samples = 1.0 / (time_step * equation.estimates["natural_frequency"].value)
    return WARM_UP if samples >= FINE else None


def _rmse(model, x, y):
    """Error of the free run after the positions that were given."""
    error = (model.free_run(x) - y)[:, model.num_known - 1 :]
    return float(np.sqrt(np.mean(error**2)))


def _constants(model, train, x, y, equation):
    """Sentences on the constants, or on why there are none."""
    try:
        estimates = duffing_estimates(model, train.time_step, x, y, equation)
    except ValueError as error:
        return (str(error),)
    units = train.units or {}
    of_file = "of force / position"
    if units.keys() >= {"force", "position"}:  # as the headings of the record name them
        of_file = f"{units['force']}/{units['position']}"
    lines = tuple(
        _line(name, unit.replace("of force / position", of_file), estimates[name])
        for name, unit in UNITS.items()
    )
    return (*lines, estimates.note)


def _line(name, unit, estimate):
    what = name.replace("_", " ").capitalize()
    value = f"{estimate.value:.6g} ± {estimate.standard_error:.2g} {unit}".rstrip()
    return f"{what}: {value} (standard error)."
