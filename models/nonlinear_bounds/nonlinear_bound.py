"""How wrong the solution of a nonlinear equation can be: a proven bound, without the answer.

The true motion is x = x̂ − E − w. E, the signed error, is found by Newton's method on cells, as
polynomials; whatever E is, w obeys

    w' = J(t) w − q(t, w) + δ(t),   δ = [x̂'; x̂''] − [v; f(t, x̂ − E)] − E'

with J and f of the corrected motion x̂ − E, so that δ is as small as rounding and q a square of
something as small: `validated_steps.carry` bounds w cell by cell. Then
|x̂ − x| ≤ |E| + |w| + rounding of the model's own x̂.
"""

import numpy as np
from numpy.polynomial.chebyshev import chebder

from ..error_bounds.chebyshev_cells import NUM_NODES
from ..error_bounds.defect_bounds import SINGULAR
from ..error_bounds.error_bound import (
    ROUNDINGS_OF_JUMP,
    ROUNDINGS_OF_VALUE,
    SMALLEST,
    ErrorSeries,
)
from ..error_bounds.residual_bounds import RATIOS
from ..error_bounds.rounding import EXTENDED, EXTENDED_UNIT, UNIT, UPWARDS, gamma
from ..error_bounds.trial_bounds import TrialBounds
from .cell_polynomials import (
    DEGREES,
    begins,
    fundamental,
    fundamental_defect,
    largest,
    largest_defect,
)
from .right_hand_side import ADVICE, RightHandSide
from .signed_error import jumps, resolved, whole
from .validated_steps import CellBounds, NotClosed, carry

TUBES = (1e-3, 1e-2, 0.1, 1.0)  # of the motion: how far w may reach, the first that is enough


def kind_of_series(problem):
    """`ErrorSeries` for a problem marked `@linear`, `NonlinearErrorSeries` for any other."""
    return ErrorSeries if problem.is_linear else NonlinearErrorSeries


class NonlinearErrorSeries(ErrorSeries):
    """The signed error of a `PINN` with a nonlinear problem as series on cells, and its radius.

    Args:
        pinn: `PINN`.

    Raises:
        ValueError: where no proof is known, or where it does not close.
    """

    def _solve(self, pinn):
        self.trial, rhs = TrialBounds(pinn), RightHandSide(pinn.problem)
        motion, series, here, sizes = resolved(rhs, self.trial)
        self.cells, scale = motion.cells, _scale(motion, series)
        bounds = _cell_bounds(motion, series, here, sizes, scale)
        bounds, radius = self._carried(rhs, motion, series, bounds, scale)
        rhs.check(motion.cells, motion.times_at_nodes(), motion.at_nodes(series))

        d, own = self.trial.dimension, gamma(ROUNDINGS_OF_VALUE, UNIT)
        rates, lost = _rate_series(series, self.cells.half)
        self.slopes = (largest(rates) + lost).T[:, :d]  # |E'| of the position at most, in m/s
        self.jump_at_end = np.zeros(d)
        if self.trial.order == 2:
            self.parts, radii = [series[:, :d], series[:, d:]], [radius[:, :d], radius[:, d:]]
        else:  # e' = J w − q + δ + E'
            slope = np.einsum("kij,kj->ki", bounds.slopes, radius)
            bent = 0.5 * np.einsum("kijl,kj,kl->ki", bounds.curvature, radius, radius)
            self.parts = [series, rates]
            radii = [radius, slope + bent + bounds.defects + lost.T]
            if self.cells.end[-1] in rhs.compared:  # x' jumps there
                self.jump_at_end = np.full(d, np.inf)
        self._allow(motion.errors)
        self.radii = [
            (width + own * largest(part).T + of_model) * UPWARDS
            for part, width, of_model in zip(self.parts, radii, self.model_errors, strict=True)
        ]

    def _carried(self, rhs, motion, series, bounds, scale):
        """`CellBounds` with a curvature in the narrowest tube that is enough, and |w|."""
        for width in TUBES:
            tube = np.broadcast_to(width * scale[:, None], series.shape[1:])
            time, state = motion.times_around(1.0), motion.around(series, 1.0, tube)
            found = rhs.rates(motion.cells, time, state, order=2)
            d, size = rhs.dimension, rhs.size
            curvature = np.zeros((len(tube.T), size, size, size))
            curvature[:, size - d :] = found.curvature
            slopes = whole(found.slopes.largest.transpose(1, 2, 0)).transpose(2, 0, 1)
            bounds = bounds._replace(slopes=slopes, curvature=curvature, tube=tube.T)
            self._check_bounded(rhs.problem, motion, state, bounds)
            try:
                return bounds, carry(bounds, scale)
            except NotClosed as error:
                last = error
                if not error.is_too_narrow:
                    break
        raise self._refusal(rhs.problem, last)

    def _check_bounded(self, problem, motion, state, bounds):
        """Raise where the rhs, or x̂ itself, has no bound in a cell: no training helps there."""
        cells = self.cells
        for part in (bounds.defects, bounds.drift, bounds.curvature):  # without a tube first
            is_bounded = np.isfinite(part.reshape(len(part), -1)).all(axis=1)
            if not is_bounded.all():
                break
        k = int(np.argmin(np.where(is_bounded, np.inf, cells.half)))
        if is_bounded[k]:
            return
        where = f"between t = {cells.begin[k]:g} s and {cells.end[k]:g} s"
        if not np.isfinite([a[k] for a in motion.size_of(RATIOS[0])]).all():
            raise ValueError(
                "error_bound of a nonlinear problem needs a network that polynomials follow. "
                f"Received: a PINN for {type(problem).__name__} with weights so large that its "
                f"waves {where} are lost in rounding. Train anew. {ADVICE}"
            )
        centre, radius = [y.centre[k] for y in state], [y.radius[k] for y in state]
        if not np.isfinite(radius).all():
            return
        raise ValueError(
            "error_bound of a nonlinear problem needs an rhs with two derivatives at and near the "
            f"motion. Received: {type(problem).__name__}, whose rhs has none that is bounded "
            f"{where}, where the state is ({_listed(centre)}), give or take ({_listed(radius)}): "
            "it divides by what may be 0 there, or takes a power, log, sqrt or abs of it. Train "
            "the PINN further if the true motion is far from there; else write the rhs smoothly, "
            f"sqrt(x² + width²) for |x|, or end before. {ADVICE}"
        )

    def _refusal(self, problem, error):
        window, edges = self.cells.window[error.cell], self.trial.edges
        return ValueError(
            "error_bound of a nonlinear problem needs a solution near the true one, so that "
            f"4 Y Z₂ < 1 in every step. Received: a PINN for {type(problem).__name__} with "
            f"{error.factor:.3g} at t = {self.cells.begin[error.cell]:g} s, in window {window} "
            f"({edges[window]:g} s to {edges[window + 1]:g} s). Train it further there. {ADVICE}"
        )


def _listed(numbers):
    return ", ".join(f"{float(number):.2g}" for number in numbers)


def _cell_bounds(motion, series, here, sizes, scale):
    """`CellBounds` for the E of `series`, as yet without a tube."""
    cells, matrix = motion.cells, here.matrix.astype(np.float64)
    half = cells.half
    of_rates, of_matrix = sizes
    phi, adjoint = fundamental(matrix, half), fundamental(-matrix.transpose(0, 2, 1, 3), half)
    drift = fundamental_defect(here.matrix, here.matrix_error, of_matrix, phi, half)
    adjoint_drift = fundamental_defect(
        -here.matrix.transpose(0, 2, 1, 3),
        here.matrix_error.transpose(1, 0, 2),
        [one.transpose(1, 0, 2) for one in of_matrix],
        adjoint,
        half,
    )
    forward, drift = largest(phi).transpose(1, 0, 2), drift.transpose(1, 0, 2)
    back, back_drift = (a.transpose(1, 2, 0) for a in (largest(adjoint), adjoint_drift))
    lengths, own = 2.0 * half * UPWARDS, gamma(ROUNDINGS_OF_JUMP, UNIT)
    off, back_off = _off_at_begin(phi), _off_at_begin(adjoint).transpose(0, 2, 1)
    # (X Φ)' = X Φ' + X' Φ is as small as both defects, and X Φ − 1 is that, integrated.
    product = lengths[:, None, None] * (back @ drift + back_drift @ forward)
    product = (product + off + back_off + back_off @ off) * UPWARDS
    defects = largest_defect(here.rates, here.rate_error, series, half, of_rates)
    both_sides = largest(series)
    both_sides[:, 1:] += both_sides[:, :-1].copy()
    return CellBounds(
        lengths=lengths,
        forward=forward,
        backward=_inverse_size(back, product, scale),
        drift=drift,
        ends=phi.sum(axis=0).transpose(1, 0, 2),
        end_error=own * forward,
        begin_off=off,
        defects=defects.T * UPWARDS + SMALLEST,
        jumps=(np.abs(jumps(series)) + own * both_sides).T + motion.trial.jumps(cells) + SMALLEST,
        slopes=None,
        curvature=None,
        tube=None,
    )


def _off_at_begin(series):
    """Bounds of |Φ(begin) − 1|, `(num, s, s)`."""
    off = np.abs(begins(series) - np.eye(series.shape[1])[:, None])
    return (off + gamma(ROUNDINGS_OF_JUMP, UNIT) * largest(series)).transpose(1, 0, 2)


def _inverse_size(back, off, scale):
    """Bounds of |Φ⁻¹| = |(X Φ)⁻¹ X| where |X Φ − 1| ≤ off, in coordinates of sizes `scale`."""
    norm = ((off * scale).sum(axis=2) / scale).max(axis=1) * UPWARDS
    missing = np.where(norm < SINGULAR, norm / (1.0 - norm), np.inf)
    sums = (back / scale[:, None]).sum(axis=1)
    return back + missing[:, None, None] * scale[:, None] * sums[:, None, :]


def _rate_series(series, half):
    """Coefficients of E', and how far rounding may have moved E', `(s, num)`.

    Each coefficient is a sum of at most n terms 2 j c_j/h, and there are n of them.
    """
    rates = chebder(series.astype(EXTENDED)) / half.astype(EXTENDED)
    terms = (np.abs(series) * DEGREES[:, None, None]).sum(axis=0) / half
    lost = EXTENDED_UNIT * 2.0 * NUM_NODES * (NUM_NODES + 3.0) * terms
    rates = rates.astype(np.float64)
    return rates, (lost + UNIT * largest(rates)) * UPWARDS


def _scale(motion, series):
    """Sizes of the coordinates of the state x̂ − E, powers of 2, `(s,)`."""
    sizes = np.array([disc.size.max() for disc in motion.around(series, 1.0)])
    known = np.isfinite(sizes) & (sizes > 0.0)
    sizes = np.where(known, sizes, sizes[known].max(initial=0.0) or 1.0)
    return 2.0 ** np.round(np.log2(sizes))
