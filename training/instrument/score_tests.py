"""What a little of a cause would do to a fit: score tests, which need no search (Rao).

Of dry friction, a lag between force and motion, and a drift of the zero under a force.
"""

import numpy as np

from ..law_fits.linear_decay import cleared
from ..law_fits.oscillator_laws import TERMS, Law
from ..multiple_shooting import Shooting

MOST_OF_IT = 0.5  # share of the squares of a residual that one cause has to explain
LEAST_LAG = 0.25  # of a step: smaller ones depend on what the force does between samples
DRIFT = 3  # highest power of time


def bic_of_friction(fit):
    """By how much dry friction changes the BIC of a fit to driven records, to first order.

    A weak friction f moves the fit by f z, with z the response of its motion x to −sign x'. What
    z takes off the residual beside all other unknowns is known without a search (Rao's score
    test). Below 0 it is more than a constant costs, ln n.

    Args:
        fit: `LawFit` of a law without dry friction.

    Returns:
        A number; infinite where a friction that pushes along would be nearer.
    """
    moves, num = cleared(_response(fit), fit.jacobian), len(fit.error)
    fall = -(moves @ fit.error)  # as z itself is cleared of what the fit may still do
    if not fall > 0.0:
        return np.inf
    share = fall**2 / (moves @ moves) / fit.square
    return num * np.log1p(-min(share, 1.0 - 1e-12)) + np.log(num)


def _response(fit):
    """z at all samples, cleared of what starts and offsets can do."""
    shooting, point = fit.search
    own = fit.law
    terms = own.terms | {"dry_friction": TERMS["dry_friction"]}
    law = Law(own.name, own.equation, terms, own.scalable, own.parts)
    weak = Shooting(law, shooting.coarse.windows)  # a score needs no more
    point = point._replace(constants=np.insert(point.constants, -1, 0.0))  # before the gain
    return weak.projected(weak.state(point, weak.groups(len(point.starts))))[:, -2]


def lag(records, fit):
    """Whether force and motion are apart in time, by the score of a shift: ∂error/∂τ = x'."""
    ends = np.cumsum([record.kept.sum() for record in records])[:-1]
    moves = []
    for record, error in zip(records, np.split(fit.error, ends)):
        times = record.times[record.kept]
        moves.append(np.gradient(record.values[record.kept] + error, times))
    moves = cleared(np.concatenate(moves), fit.jacobian)
    along = float(moves @ fit.error)
    share = along**2 / (moves @ moves) / fit.square
    late, step = along / (moves @ moves), records[0].duration / (len(records[0].times) - 1)
    if share > MOST_OF_IT and abs(late) > LEAST_LAG * step:
        first, second = ("motion", "force") if late > 0.0 else ("force", "motion")
        return (
            f"The {first} seems to come later than the {second}: a lag of about {abs(late):.2g} s "
            f"({abs(late) / step:.2g} samples) takes {share:.0%} off the squares of the residual "
            f"of {fit.law.name}, with a force that is {fit.course} between samples. Compare their "
            "clocks and filters, and shift one of them."
        )


def drift_under_force(records, fit):
    """Whether powers of the time take most off the residual, beside all constants."""
    columns = np.zeros((len(fit.error), DRIFT * len(records)))
    first = 0
    for i, record in enumerate(records):
        times = (record.times[record.kept] - record.times[0]) / record.duration
        rows, places = slice(first, first + len(times)), slice(DRIFT * i, DRIFT * (i + 1))
        columns[rows, places] = np.vander(times, DRIFT + 1)[:, :-1]
        first = rows.stop
    columns = cleared(columns, fit.jacobian)
    basis = np.linalg.qr(columns)[0]
    share = np.sum((basis.T @ fit.error) ** 2) / fit.square
    if share > MOST_OF_IT:
        return (
            f"The zero seems to drift: powers of the time up to {DRIFT} take {share:.0%} off the "
            f"squares of the residual of {fit.law.name}. Subtract the drift."
        )
