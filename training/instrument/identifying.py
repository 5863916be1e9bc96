"""From records of an oscillator to its constants."""

import numpy as np

from oscillator_zoo.data import InitialValueProblem
from oscillator_zoo.data.checks import one_of
from oscillator_zoo.models.physics_cells.duffing_runs import COURSES

from ..law_fits.law_fit import PIECE, fit_decay, fit_law, fit_windows, pieces
from ..law_fits.oscillator_laws import LAWS
from ..law_fits.own_problem import fit_problem
from ..law_fits.record_list import as_records
from ..law_fits.weak_guesses import spectral_rate, weak_rate
from .column_checks import check_columns, left_of
from .found_constants import compared_of, estimates_of
from .identified import Identified, errors_of
from .record_doubts import (
    UNDECIDED,
    as_good,
    check_above_noise,
    doubts_of,
    ljung_box,
    no_better,
)
from .residual_causes import causes_of
from .score_tests import bic_of_friction
from .spoilt_samples import spoilt_samples

RULED_OUT = 30.0  # difference of BIC: odds of three million, over the beginnings of long records
NOT_ALL = ("quadratic_drag", "duffing", "quadratic_cubic")  # where all terms may be still nearer
ANGLES = ("rad", "radian", "radians")  # what a pendulum's angle is in; degrees become rad
SWING = (0.05, 3.2)  # rad, a motion that may be a pendulum's angle
NEAR = 1.05  # squares of windows, of the smallest: courses of the force worth a free run
MUCH = 0.5  # RMSE over standard deviation, which noise of a fourth of the power leaves
SHORT = 30  # periods that tell the courses of a force apart


def identify(
    records,
    model="auto",
    unknown=None,
    force_between=None,
    frame="base",
    scale="shared",
    **reading,
):
    """Constants of a measured oscillator, with intervals, from records and no first guess.

        linear            x'' + d x' + s x = G u
        quadratic_drag    x'' + d x' + q |x'| x' + s x = G u
        dry_friction      x'' + d x' + f sign x' + s x = G u, or at rest while |G u − s x| ≤ f
        duffing           x'' + d x' + s x + s3 x³ = G u
        quadratic_cubic   x'' + d x' + s x + s2 x² + s3 x³ = G u
        all_terms         x'' + d x' + q |x'| x' + s x + s2 x² + s3 x³ = G u
        pendulum          x'' + d x' + s sin x = G u

    Least squares on the free run of the equation: all records at once share the constants, and
    each has its own start and offset. Nothing is differentiated, so noise does not bias. A free
    decay may be sampled at any times, with gaps; a driven record in equal steps, and what of it
    was not measured may be NaN. Angles whose unit is degrees are taken in rad.

    The start is found, not guessed. For free decays a bank of matched filters gives frequency and
    damping; for driven ones the equation in weak form. Then the records are cut into windows of
    one or two periods, each of which begins where the record says (multiple shooting), and these
    are joined until one free run is left. `model="auto"` fits all equations and takes the one of
    the smallest BIC = n ln(mean square) + k ln n; its doubts name those that are as good. Long
    records are fitted by the equations that their first 60 periods do not rule out, and all terms
    at once are tried only where a nonlinear equation leaves a residual that is not white, dry
    friction under a force only where a residual looks like it (`residual_causes`).

    Standard errors are those of linearised least squares; where the residual is not white, those
    for correlated noise if they are larger.

    Args:
        records: a `Trajectory`, a path or whatever else `load_measurement` reads, or a list of
            them. A motion whose force is zero or constant is a free decay. The feature
            "position", "velocity" or "acceleration" is what was measured. On a shaken base
            (`input_kind="base_acceleration"` or another) the equation is that of the motion
            relative to the base, under its acceleration, and the gain G = 1/m is −1.
        model: one of the names above, "auto", or an `InitialValueProblem` of your own, of order 2.
        unknown: of a problem of your own, the names of the constants that are searched for. Its
            values of them are one of the points that the search begins from.
        force_between: of a driven record, what the force does between samples: "smooth" (no
            frequency above half the sampling rate), "linear" or "held"; None takes the nearest.
        frame: of a motion on a shaken base, whether it was measured relative to the "base" or
            from the "ground", as an accelerometer on the mass does.
        scale: "own" if each record has a scale of its own, as of a sensor that was mounted anew;
            that of the first is 1. The amplitudes of a free linear decay are always its own.
        **reading: arguments of `load_measurement`, such as `sampling_rate`, for files.

    Returns:
        `Identified`: `print` it; `estimates`, `doubts`, `plot()`, `model`, `problem`.

    Raises:
        ValueError: for records without motion or of different kinds, gaps in a force, uneven
            steps of a driven record, an unknown name, no oscillation to be found, or one that noise
            may have made.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator, add_noise, simulate
    >>> truth = DampedOscillator(damping=0.2, stiffness=4.0)
    >>> decay = simulate(truth, time_step=0.05, num_steps=800, method="rk4")
    >>> found = identify(add_noise(decay, relative=0.01, seed=0), model="linear")
    >>> print(f"{found.estimates['damping_ratio'].value:.3f}", found.doubts)
    0.050 []
    """
    records = as_records(records, frame, scale, **reading)
    if force_between is not None:
        one_of("force_between", force_between, COURSES)
    if isinstance(model, InitialValueProblem):
        fits, doubts = _own(model, unknown, records, force_between)
    else:
        fits, doubts = _by_name(model, unknown, records, force_between)
    compared = {fit.law.name: compared_of(fit) for fit in fits}
    fits.sort(key=lambda fit: compared[fit.law.name].bic)
    best = fits[0]
    errors = errors_of(best, records)
    check_above_noise(records, best, errors)
    estimates, correlation = estimates_of(best, errors)
    doubts += doubts_of(records, best, errors, estimates, correlation)
    doubts += spoilt_samples(records, errors)
    linear = next((fit for fit in fits if fit.law.name == "linear"), best)
    doubts += [] if _white(best, records) else causes_of(records, linear, errors)
    comparison = {fit.law.name: compared[fit.law.name] for fit in fits}
    doubts += as_good(comparison)
    return Identified(best, records, estimates, doubts, comparison)


def _by_name(model, unknown, records, course):
    """`LawFit` of the equations that have names, and doubts."""
    name = one_of("model", model, ("auto", *LAWS))
    if unknown is not None:
        raise ValueError(
            "unknown belongs to a problem of your own, whose other constants are known. Received "
            f"unknown={unknown!r} with model={model!r}. Leave it out, or pass a problem."
        )
    auto = name == "auto"
    names = [n for n in LAWS if _may_be(n, records)] if auto else [name]
    driven = records[0].force is not None
    fits, doubts = (_driven if driven else _free)(names, records, course)
    if not fits:
        raise ValueError(
            "The records must show an oscillation. Received records in which no run of "
            f"{', '.join(names)} stays finite with a spring that draws back. Check the columns and "
            "the sampling rate."
        )
    if auto and driven:
        fits += _with_friction(fits, records)
    best = _nearest(fits)
    if auto and best.law.name in NOT_ALL and not _white(best, records):
        fits += _more("all_terms", best, records)
    return fits, doubts


def _nearest(fits):
    return min(fits, key=lambda fit: compared_of(fit).bic)


def _with_friction(fits, records):
    """`LawFit` with dry friction in a list, empty where it is not worth a search."""
    best = _nearest(fits)
    changes = {fit.law.name: bic_of_friction(fit) for fit in fits}
    # It is the linear law with a term more, which has to help that law, wherever it is compared.
    if not changes.get("linear", -np.inf) < 0.0:
        return []
    promised = min(compared_of(fit).bic + changes[fit.law.name] for fit in fits)
    if not promised < compared_of(best).bic:
        return []
    found = _more("dry_friction", best, records)
    return [fit for fit in found if fit.constants["dry_friction"] > 0.0]


def _more(name, best, records):
    """`LawFit` of one law more in a list, searched for from the best one; empty without a run."""
    rate = np.sqrt(best.constants["squared_frequency"])
    found = fit_law(LAWS[name], records, rate, best.constants, best.course)
    return [] if found is None else [found]


def _white(fit, records):
    """Whether the residual looks like noise."""
    found, usual = ljung_box(errors_of(fit, records))
    return found <= usual


def _fitted(names, records, rate, start, course):
    """`LawFit` of the laws, but of long records not of those that their beginnings rule out."""
    first = pieces(records, rate, PIECE)
    if first is not records and len(names) > 1:
        begun = {name: fit_law(LAWS[name], first, rate, start, course) for name in names}
        bics = {name: compared_of(fit).bic for name, fit in begun.items() if fit is not None}
        names = [name for name in bics if bics[name] < min(bics.values()) + RULED_OUT]
    fits = [fit_law(LAWS[name], records, rate, start, course) for name in names]
    return [fit for fit in fits if fit is not None]


def _own(problem, unknown, records, course):
    """`LawFit` of a problem of the user's own, and a doubt on the course of the force."""
    unknown = (unknown,) if isinstance(unknown, str) else unknown
    if records[0].force is None:
        return [fit_problem(problem, unknown, records, None)], []
    tried = COURSES if course is None else (course,)
    runs = {name: fit_problem(problem, unknown, records, name) for name in tried}
    best = min(runs, key=lambda name: runs[name].square)
    close = [n for n in runs if compared_of(runs[n]).bic < compared_of(runs[best]).bic + UNDECIDED]
    if len(close) == 1:
        return [runs[best]], []
    return [runs[best]], [
        f"What the force does between samples cannot be told: {', '.join(close)} are as near. "
        "Pass force_between."
    ]


def _free(names, records, _):
    """`LawFit` of every law to free decays."""
    linear = fit_decay(LAWS["linear"], records)
    rate = np.sqrt(linear.constants["squared_frequency"])
    others = [name for name in names if name != "linear"]
    fits = _fitted(others, records, rate, linear.constants, None)
    return ([linear, *fits] if "linear" in names else fits), []


def _driven(names, records, course):
    """`LawFit` of every law to driven records, and a doubt on what the force does in between.

    The search begins where the records move most, and elsewhere if no law explains them from there.
    """
    rate = spectral_rate(records)
    found = _driven_near(rate, names, records, course)
    if _explain(found[0], records):
        return found
    other = weak_rate(records, rate, course)
    again = _driven_near(other, names, records, course) if other != rate else found
    return min(found, again, key=lambda one: min((fit.square for fit in one[0]), default=np.inf))


def _explain(fits, records):
    """Whether the nearest of the fits runs better than a linear autoregression."""
    if not fits:
        return False
    best = min(fits, key=lambda fit: fit.square)
    return not any(map(no_better, records, errors_of(best, records)))


def _driven_near(rate, names, records, course):
    """The same from one first rate, in rad/s."""
    first = pieces(records, rate, SHORT)
    law = LAWS["quadratic_cubic" if len(names) > 1 else names[0]]
    tried = {
        name: fit_windows(law, first, rate, name) for name in COURSES if course in (None, name)
    }
    best = min(square for _, square in tried.values())
    runs = {
        name: fit_law(law, first, rate, start, name)
        for name, (start, square) in tried.items()
        if square <= NEAR * best or len(tried) == 1
    }
    runs = {name: fit for name, fit in runs.items() if fit is not None}
    if not runs:
        return [], []
    asked, course = course, min(runs, key=lambda name: runs[name].square)
    best = runs[course]
    if not best.closed or left_of(best, first) > MUCH or not _explain([best], first):
        check_columns(first, best, asked or "smooth")
    start = runs[course].constants
    rate = np.sqrt(start["squared_frequency"])
    known = [law.name] if first is records else []
    fits = _fitted([n for n in names if n not in known], records, rate, start, course)
    return [*(runs[course] for _ in known), *fits], _course_doubt(course, runs)


def _course_doubt(course, runs):
    """A sentence if the force may as well do something else between samples."""
    best = runs[course]
    root = np.sqrt(best.constants["squared_frequency"])
    for name, fit in runs.items():
        worse = compared_of(fit).bic - compared_of(best).bic
        shift = np.sqrt(fit.constants["squared_frequency"]) / root - 1.0
        if name != course and worse < UNDECIDED and "held" in (name, course):
            return [
                f"What the force does between samples cannot be told: {name} is as near as "
                f"{course} (difference of BIC {worse:.2g}) and moves the frequency by {shift:.2g} "
                "of itself. Pass force_between."
            ]
    return []


def _may_be(name, records):
    """Whether a law is worth a try: a pendulum's angle is in rad and no farther than the top."""
    if name == "all_terms":
        return False
    if name == "dry_friction":  # under a force its search is long, and `bic_of_friction` is asked
        return records[0].force is None
    if name != "pendulum":
        return True
    if records[0].units.get("position", "rad") not in ANGLES:
        return False
    reach = max(np.ptp(record.values[record.kept]) / 2.0 for record in records)
    return records[0].quantity == "position" and SWING[0] < reach < SWING[1]
