"""Recipe of a Duffing oscillator for a measured one."""

from oscillator_zoo.data import load_measurement, split_by_time
from oscillator_zoo.models import (
    DuffingCell,
    LevenbergMarquardt,
    ResponseModel,
    duffing_estimates,
    fit_one_step,
)

from ..results.run import Run
from .measured_elman import WARM_UP, check_record, with_later_force

SHORTEST = 400  # samples, of which the test has a quarter
UNITS = {
    "natural_frequency": "Hz",
    "damping_ratio": "",
    "stiffness": "of force / position",
    "quadratic_stiffness": "of force / position²",
    "cubic_stiffness": "of force / position³",
}


def measured_motions(data, sampling_rate, input_column=None, output_column=None):
    """The first three quarters of a record, to train on, and the last, to test on."""
    record = with_later_force(load_measurement(data, sampling_rate, input_column, output_column))
    check_record(record, SHORTEST)
    return split_by_time(record, (0.75, 0.25))


def duffing_measured(
    data,
    sampling_rate,
    input_column=None,
    output_column=None,
    epochs=40,
    seed=0,
    callbacks=(),
):
    """Duffing oscillator of twelve weights: from the measured force to the measured position.

    The first three quarters of the record train the free run by least squares, the last quarter
    tests it: a free run over the whole quarter from its first four positions, whose first 50
    samples are not scored. Nothing is random, and `seed` changes nothing.

    Args:
        data: path of a CSV file, see `oscillator_zoo.data.load_measurement`.
        sampling_rate: samples per second, in Hz.
        input_column: the force's column, index or heading.
        output_column: the position's column, index or heading.
        epochs: most steps of least squares.
        seed: an integer ≥ 0.
        callbacks: Keras callbacks.

    Returns:
        `Run` of a model from force `(batch, time, 1)` and the first positions `(batch, 4, 1)` to
        the position `(batch, time, 1)`.
    """
    train, test = measured_motions(data, sampling_rate, input_column, output_column)
    cell = DuffingCell(
        position_scale=train.states.std(),
        position_offset=train.states.mean(),
        force_scale=train.force.std(),
        dtype="float64",
    )
    model = ResponseModel(cell)
    x = train.force[:, :-1], train.states[:, : cell.num_known]
    y = train.states[:, 1:]
    fit_one_step(model, x, y)
    model.compile(LevenbergMarquardt(tolerance=0.0))
    history = model.fit(x, y, epochs=epochs, callbacks=callbacks, verbose=0)
    estimates = duffing_estimates(model, train.time_step, x, y)
    notes = (f"Trained by least squares: {len(history.history['loss'])} steps.",)
    notes += tuple(_line(name, unit, estimates[name]) for name, unit in UNITS.items())
    return Run(model, "response", history.history, test, WARM_UP, training=train, notes=notes)


def _line(name, unit, estimate):
    what = name.replace("_", " ").capitalize()
    value = f"{estimate.value:.6g} ± {estimate.standard_error:.2g} {unit}".rstrip()
    return f"{what}: {value} (standard error)."
