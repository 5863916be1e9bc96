"""Constants of a measured oscillator, from whichever description of it is nearer to the record."""

import numpy as np

from ..least_squares.estimates import Estimates
from . import duffing_checks
from .duffing_equation import fit_duffing
from .duffing_reading import duffing_cell_of, recurrence_estimates

NEARER = 0.95  # of the equation's error: a recurrence that is nearer than this knows more


class DuffingEstimates(Estimates):
    """`Estimate` by name, and what they rest on.

    | attribute     | content                                                              |
    |---------------|----------------------------------------------------------------------|
    | `source`      | "equation" or "recurrence"                                           |
    | `rmse`        | of its free run, in the unit of the position                         |
    | `linear_rmse` | of a linear recurrence fitted to single steps, run freely            |
    | `note`        | the same in a sentence                                               |
    """

    def __init__(self, estimates, source, rmse, linear_rmse, note):
        super().__init__(estimates)
        self.source, self.rmse, self.linear_rmse, self.note = source, rmse, linear_rmse, note


def duffing_estimates(model, time_step, x, y, equation=None):
    """The constants of a measured Duffing oscillator with standard errors and 95 % intervals.

        cov(c) = B / (B − 1) Σ_b m_b m_bᵀ,   m_b = D (JᵀJ)⁻¹ Σ_{n in b} J_n r_n,
        J = ∂r/∂P,   D = ∂c/∂P

    with r the error of the free run, P what was fitted (the delta method) and B batches b of about
    √N successive samples. They hold to first order in the noise, at the smallest |r|, also where
    neighbouring errors are alike, as they are where the oscillator itself is shaken: a batch has
    to be longer than they stay alike.

    Twelve weights approximate what happens between two samples; with six samples a period that
    moves k3 by some 4 %, and with 50 the noise alone decides many of them. So the equation itself
    is fitted to the record too, from the sample to the next (`fit_duffing`), and its constants
    are given. Only where the recurrence is nearer to the record by more than 5 %, which shows
    that something else than the equation is at work, are they those of `read_duffing`, whose
    errors do not know what the recurrence gets wrong on average.

    Args:
        model: `ResponseModel` of a `DuffingCell`, trained.
        time_step: Δt, in s.
        x: inputs that it was trained on. Of several motions, the recurrence alone is read.
        y: their targets.
        equation: `DuffingFit` of the same record, if there is one already.

    Returns:
        `DuffingEstimates`, a dictionary of `Estimate` (`value`, `standard_error`, `lower`,
        `upper`) by the names of `read_duffing`; its `note` says where they come from.

    Raises:
        ValueError: as `read_duffing`; for no more numbers than weights; or if neither free run is
            clearly better than that of a linear recurrence or leaves an error that is noise: then
            no constants were found.
    """
    known = duffing_cell_of(model).num_known - 1  # positions that were given
    error, jacobian = model.free_run_jacobian(x, y)
    force, position = np.asarray(x[0], np.float64)[..., 0], np.asarray(y, np.float64)[..., 0]
    rmse = duffing_checks.rmse_of(error.reshape(position.shape)[:, known:])
    source = "recurrence"
    if equation is None and len(force) == 1:
        equation = _fitted(force[0], position[0], time_step)
    if equation is not None:
        run = equation.position[-position.shape[1] :] - position[0]  # of y_0 … y_N or y_1 … y_N
        if rmse > NEARER * duffing_checks.rmse_of(run[known:]):
            source, error, rmse = "equation", run, duffing_checks.rmse_of(run[known:])
    linear = min(duffing_checks.linear_rmse(f, y) for f, y in zip(force, position))
    duffing_checks.check_found(rmse, linear, position.std(), error)
    if source == "equation":
        return DuffingEstimates(equation.estimates, source, rmse, linear, _note(equation))
    found = recurrence_estimates(model, time_step, error, jacobian)
    return DuffingEstimates(found, source, rmse, linear, _note(equation, rmse))


def _fitted(force, position, time_step):
    """`DuffingFit` of a record, None where there is none."""
    try:
        return fit_duffing(force, position, time_step)
    except ValueError:
        return None


def _note(equation, nearer=None):
    equation_is = "the equation, integrated between the samples with a"
    if equation is None:
        return "These constants are those of the recurrence, read from its weights."
    force = f"{equation.course} force (RMSE {equation.rmse:.4g})"
    if nearer is None:
        others = {n: rmse for n, rmse in equation.rmse_of.items() if n != equation.course}
        others = ", ".join(f"{name} {rmse:.4g}" for name, rmse in others.items())
        others = f"; {others}" if others else ""
        return f"These constants are those of {equation_is} {force[:-1]}{others})."
    return (
        f"These constants are those of the recurrence (RMSE {nearer:.4g}), which is nearer to the "
        f"record than {equation_is} {force}."
    )
