"""`fit` of an inverse problem: Keras's interface round `Identification`."""

import dataclasses

import numpy as np

from oscillator_zoo.data.trajectories.trajectory import Trajectory

from ..base_model.array_batches import split_off_last
from ..inverse.measured_data import MeasuredData
from ..inverse.method_bias import method_bias, warn_of_method_bias
from ..least_squares.levenberg_marquardt import LevenbergMarquardt
from ..least_squares.whole_batch_optimizer import AT_BOUND, CONVERGED, STOP_REASONS
from .fit_checks import has_finished_least_squares
from .warm_start import warm_start


def fit_to_data(
    pinn,
    fit,
    x,
    y=None,
    batch_size=None,
    epochs=1,
    verbose="auto",
    callbacks=None,
    validation_split=0.0,
    validation_data=None,
    shuffle=True,
    class_weight=None,
    sample_weight=None,
    initial_epoch=0,
    steps_per_epoch=None,
    **kwargs,
):
    """Find the unknown parameters from positions y measured at times x, all in one batch.

    A fit by `LevenbergMarquardt` that has come to its end begins anew at the first guess.

    Args:
        pinn: `PINN` with unknown parameters.
        fit: its `fit` on a dataset.
        x, y and the others: those of `keras.Model.fit`, in its order.

    Raises:
        ValueError: as `PINN.fit`.
    """
    data = pinn.data_batch(x, y, sample_weight)
    _check_options(len(data.times), batch_size, class_weight)
    if validation_data is not None:
        parts = validation_data if isinstance(validation_data, tuple | list) else [validation_data]
        validation_data = pinn.data_batch(*_three(parts)).dataset()
    elif validation_split:
        arrays = tuple(None if part is None else np.asarray(part) for part in data)
        arrays, held = split_off_last(arrays, validation_split)
        data, validation_data = pinn.data_batch(*arrays), MeasuredData(*held).dataset()
    if pinn.stop_reason is not None:
        pinn.optimizer.reset()  # it had finished, perhaps with other data
        pinn.unknowns.restart()
    if not getattr(pinn.optimizer, "has_begun", True):
        if isinstance(pinn.optimizer, LevenbergMarquardt):
            warm_start(pinn)
        pinn.identification.check_identifiable(*data)
    history = fit(
        data.dataset(100 if steps_per_epoch is None else steps_per_epoch),
        epochs=epochs,
        verbose=verbose,
        callbacks=callbacks,
        validation_data=validation_data,
        initial_epoch=initial_epoch,
        **kwargs,
    )
    _judge(pinn, data, x)
    return history


def _check_options(num, batch_size, class_weight):
    if batch_size is not None and batch_size < num:
        raise ValueError(
            "All data of a motion are one batch: each step solves the equation for all of them. "
            f"Received batch_size={batch_size} for {num} times. Leave batch_size out."
        )
    if class_weight is not None:
        raise ValueError(
            f"Positions have no classes. Received class_weight={class_weight!r}. Leave it out; "
            "sample_weight has a number for each time, 1/σ² of its noise."
        )


def _three(parts):
    """(times, positions, weights) of one, two or three."""
    return (*parts, None, None)[:3]


def _judge(pinn, data, x):
    """Say whether the smallest misfit is to be believed, and what a stepper did to the data."""
    identification = pinn.identification
    converged = pinn.stop_reason == STOP_REASONS[CONVERGED]
    if converged or (has_finished_least_squares(pinn.optimizer) and pinn.stop_reason is None):
        verdict = identification.verdict(*data)
        if converged or verdict == AT_BOUND:  # to which the last steps crawl
            pinn.optimizer.finished.assign(verdict)
    if isinstance(x, Trajectory) and data.positions.shape[0] > len(pinn.unknown_parameters):
        fitted = _first_times(x, len(data.times))  # without what validation_split keeps back
        jacobian = pinn.jacobian(data.times)
        bias = method_bias(pinn.found_problem(), fitted, jacobian, data.weights)
        warn_of_method_bias(fitted, bias, identification.estimates(*data))


def _first_times(trajectory, num):
    """The first `num` times of a `Trajectory`."""
    return dataclasses.replace(
        trajectory,
        times=trajectory.times[:num],
        states=trajectory.states[:, :num],
        force=trajectory.force[:, :num],
    )
