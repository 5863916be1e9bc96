"""Constants of a fitted law as people name them, with standard errors and intervals."""

from typing import NamedTuple

import numpy as np

from oscillator_zoo.models.least_squares.estimates import (
    Estimate,
    Estimates,
    estimates_at_minimum,
)

from .record_doubts import ljung_box

STEP = 1e-5  # of the differences, relative
UNITS = {
    "natural_frequency": "Hz",
    "damping_ratio": "",
    "quality_factor": "",
    "logarithmic_decrement": "",
    "mass": "F s²/x",
    "damping": "F s/x",
    "stiffness": "F/x",
    "gain": "1/(F s²)",
}
EXTRA = {  # free, then driven
    "quadratic_drag": ("1/x", "F s²/x²"),
    "quadratic_stiffness": ("1/(x s²)", "F/x²"),
    "cubic_stiffness": ("1/(x² s²)", "F/x³"),
    "dry_friction": ("x/s²", "F"),
}


class LawComparison(NamedTuple):
    """How near a law comes to the records: Bayesian information criterion, and RMSE.

    `rate` is the natural frequency that it finds, in rad/s.
    """

    bic: float
    rmse: float
    rate: float


def unit_of_constant(name, record):
    """The unit of a constant, with x and F where the record does not name them."""
    unit = EXTRA[name][record.force is not None] if name in EXTRA else UNITS[name]
    own = {"F": record.units.get("force"), "x": record.units.get("position")}
    if record.quantity != "position" and record.quantity in record.units:
        own["x"] = f"({record.units[record.quantity]} s{'²' * (record.quantity[0] == 'a')})"
    return "".join(own.get(letter) or letter for letter in unit)


def named(law, constants):
    """Constants as people name them: of mass 1 in a free decay, else with the mass 1/G."""
    if hasattr(law, "problem"):  # of the user's own, with names of its own
        return dict(constants)
    p = dict(constants)
    root, ratio = _ratio(p)
    values = {
        "natural_frequency": root / (2.0 * np.pi),
        "damping_ratio": ratio,
        "logarithmic_decrement": 2.0 * np.pi * ratio / np.sqrt(max(1.0 - ratio**2, 1e-12)),
    }
    driven = "gain" in p
    mass = 1.0 / p["gain"] if driven else 1.0
    if driven and law.scalable:
        values["mass"] = mass
        values["damping"] = mass * p["damping_rate"]
        values["stiffness"] = mass * p["squared_frequency"]
    elif driven:
        values["gain"] = p["gain"]
    extra = (name for name in p if name in EXTRA)
    return values | {name: mass * p[name] for name in extra}


def _ratio(p):
    root = np.sqrt(p["squared_frequency"])
    return root, p["damping_rate"] / (2.0 * root)


def estimates_of(fit, errors):
    """`Estimates` of a fit, and the correlations of the law's constants.

    To first order in the noise; for residuals that are not white, the larger one of those for
    independent noise and for noise whose neighbours are alike. The quality factor 1/(2ζ), which
    is far from linear where the damping is hardly known, has the interval of ζ turned over.
    A search that did not end at one free run gives no intervals: they reach to infinity.

    Args:
        fit: `LawFit`.
        errors: residuals of each record, in order of time.

    Returns:
        Tuple (estimates, correlation `(P, P)`).

    Raises:
        ValueError: for records that do not tell the constants apart, or hold too few numbers.
    """
    values = named(fit.law, fit.constants)
    lengths = np.linalg.norm(fit.jacobian, axis=0)
    if not lengths.all():
        raise ValueError(_alike(fit))
    never, solved = [False] * len(values), fit.num_unknowns - len(fit.constants)
    given = (values, never, fit.error, fit.jacobian, _slopes_of_named(fit, lengths))
    try:
        found = estimates_at_minimum(*given, solved=solved)
    except np.linalg.LinAlgError:
        raise ValueError(_alike(fit)) from None
    white, usual = ljung_box(errors)
    if white > usual:
        alike = estimates_at_minimum(*given, correlated=True)
        found = {n: max(found[n], alike[n], key=lambda e: e.standard_error) for n in found}
    if not fit.closed:
        found = {n: Estimate(e.value, np.inf, -np.inf, np.inf) for n, e in found.items()}
    estimates = Estimates()
    for name, estimate in found.items():
        estimates[name] = estimate
        if name == "damping_ratio":
            estimates["quality_factor"] = _turned_over(estimate)
    root = _root_of_covariance(fit, lengths)
    root /= np.linalg.norm(root, axis=1, keepdims=True)
    return estimates, root @ root.T


def covariance_of(fit, estimates):
    """How the errors of the estimates go together, `(estimates, estimates)`, to first order.

    The diagonal holds the squares of the standard errors. Where residuals are not white, only these
    are larger: the correlations are those of independent noise. Estimates without intervals have
    nothing finite here.

    Args:
        fit: `LawFit`.
        estimates: as `estimates_of` gives them.
    """
    lengths = np.linalg.norm(fit.jacobian, axis=0)
    root = _root_of_covariance(fit, lengths)
    moves = dict(zip(named(fit.law, fit.constants), _slopes_of_named(fit, lengths) @ root))
    if "quality_factor" in estimates:
        moves["quality_factor"] = -moves["damping_ratio"]
    units = np.array([moves[name] / np.linalg.norm(moves[name]) for name in estimates])
    errors = np.array([estimate.standard_error for estimate in estimates.values()])
    with np.errstate(invalid="ignore"):  # of infinite errors
        return units @ units.T * np.outer(errors, errors)


def _root_of_covariance(fit, lengths):
    """L with L Lᵀ = (JᵀJ)⁻¹, `(P, P)`: the constants move by L e where the noise moves by e.

    Args:
        fit: `LawFit`.
        lengths: of the columns of its Jacobian J, `(P,)`.
    """
    return np.linalg.inv(np.linalg.qr(fit.jacobian / lengths, mode="r")) / lengths[:, None]


def _slopes_of_named(fit, lengths):
    """How the named constants change with those of the fit, `(named, P)`, by central differences.

    Args:
        fit: `LawFit`.
        lengths: of the columns of its Jacobian, `(P,)`.
    """
    names, point = list(fit.constants), np.array(list(fit.constants.values()))
    # A natural step: what changes the fit by a small part of the record.
    steps = STEP * np.maximum(np.abs(point), 1e-3 * np.sqrt(fit.square) / (lengths + 1e-300))
    slopes = []
    for step, unit in zip(steps, np.eye(len(point))):
        ends = [
            np.array(list(named(fit.law, dict(zip(names, moved))).values()))
            for moved in (point + step * unit, point - step * unit)
        ]
        slopes.append((ends[0] - ends[1]) / (2.0 * step))
    return np.stack(slopes, axis=-1)


def _turned_over(ratio):
    """Q = 1/(2ζ) from ζ; an interval of ζ that reaches 0 leaves Q without an upper end."""
    value = 0.5 / ratio.value if ratio.value > 0.0 else np.inf
    upper = 0.5 / ratio.lower if ratio.lower > 0.0 else np.inf
    lower = 0.5 / ratio.upper if ratio.upper > 0.0 else np.inf
    error = 2.0 * value**2 * ratio.standard_error if np.isfinite(value) else np.inf
    return Estimate(value, error, lower, upper)


def _alike(fit):
    return (
        f"The records must tell the constants apart. Received records in which some of "
        f"{', '.join(fit.constants)} ({fit.law.name}) do the same, or nothing. Name a model of "
        "fewer constants, or measure more."
    )


def compared_of(fit):
    """`LawComparison` of a `LawFit`."""
    num, mean = len(fit.error), fit.square / len(fit.error)
    bic = num * np.log(mean + 1e-300) + fit.num_unknowns * np.log(num)
    rate = np.sqrt(fit.constants.get("squared_frequency", np.nan))
    return LawComparison(float(bic), float(np.sqrt(mean)), float(rate))
