"""Whether dry friction under a force is worth a search: a score test on the fit of another law."""

import numpy as np

from ..multiple_shooting import Shooting
from .oscillator_laws import TERMS, Law


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
    moves, num = _cleared(_response(fit), fit.jacobian), len(fit.error)
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


def _cleared(column, others):
    basis = np.linalg.qr(others / np.linalg.norm(others, axis=0))[0]
    return column - basis @ (basis.T @ column)
