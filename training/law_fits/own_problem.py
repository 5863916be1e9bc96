"""Unknown constants of a problem of the user's own, fitted like those of a law by name."""

import numpy as np

from oscillator_zoo.data.checks import did_you_mean
from oscillator_zoo.data.forces.force import Force

from ..multiple_shooting import PERIODS, run_windows
from .law_fit import fit_from
from .weak_guesses import even, position_of, spectral_rate

STEP = 1e-5  # of central differences, relative: the cube root of rounding
SPANS = (0.2, 0.4, 0.7)  # of a period, over which a cubic is laid through the record
MOST_STEPS = 12
FEWEST = 7  # samples under a cubic
MOST_KEPT = 1000  # problems that were made for constants
PARTS = 4.0  # Runge–Kutta steps in a radian


class OwnLaw:
    """An `InitialValueProblem` in place of a `Law`: x'' = rhs, its derivatives by differences.

    Args:
        problem: of order 2 and dimension 1; its values are where the search begins.
        unknown: names of constructor arguments.
        rate: rad/s; 1/rate is the unit of time of the search.
    """

    scalable, parts, sticks, periods = False, PARTS, False, PERIODS

    def __init__(self, problem, unknown, rate):
        self.problem, self.unknown, self.rate = problem, tuple(unknown), rate
        self.name, self.equation = type(problem).__name__, f"x'' = rhs of {problem!r}"
        self.now, self.made = _Now(), {}

    def constants(self, driven):
        """Names of the unknown constants."""
        return self.unknown

    def run(self, constants, starts, windows):
        """As of `Law`."""
        return run_windows(self, constants, starts, windows)

    def units(self, driven, rate, position, force):
        """What each constant is multiplied by: nothing is scaled but time."""
        return np.ones(len(self.unknown))

    def with_constants(self, values):
        """The problem with other constants and the force of the record, or None if it refuses."""
        values = tuple(map(float, values))
        if values not in self.made:
            if len(self.made) > MOST_KEPT:
                self.made.clear()
            given = dict(zip(self.unknown, values))
            if self.now.value is not None:
                given["force"] = self.now
            try:
                self.made[values] = self.problem.with_parameters(**given)
            except ValueError:
                self.made[values] = None
        return self.made[values]

    def acceleration(self, constants, x, v, u=None):
        """As of `Law`: x'' and its derivatives, in units of 1/rate."""
        constants = np.broadcast_to(constants, (len(constants), len(x)))
        result = np.empty(len(x)), np.empty(len(x)), np.empty(len(x)), np.empty(constants.shape)
        edges = np.flatnonzero(np.any(np.diff(constants, axis=1) != 0.0, axis=0)) + 1
        for run in np.split(np.arange(len(x)), edges):
            own = None if u is None else u[run]
            for whole, part in zip(result, self._at(constants[:, run[0]], x[run], v[run], own)):
                whole[..., run] = part
        return result

    def _at(self, constants, x, v, u):
        step_x, step_v = (STEP * (np.abs(a).max() + 1e-300) for a in (x, v))
        moves = np.array([[0, 0], [step_x, 0], [-step_x, 0], [0, step_v], [0, -step_v]])
        around = (x + moves[:, :1]).ravel(), (v + moves[:, 1:]).ravel()
        forces = None if u is None else np.tile(u, len(moves))
        value, *ends = self.rates(constants, *around, forces).reshape(len(moves), -1)
        by_x, by_v = ends[0] - ends[1], ends[2] - ends[3]
        by_constant = np.empty((len(constants), len(x)))
        for i, step in enumerate(STEP * np.maximum(np.abs(constants), 1e-3)):
            move = step * (np.arange(len(constants)) == i)
            after, before = (self.rates(constants + sign * move, x, v, u) for sign in (1.0, -1.0))
            slope = (after - before) / (2.0 * step)
            if not np.isfinite(slope).all():  # at a bound of the constant: from one side
                known = after if np.isfinite(after).all() else 2.0 * value - before
                slope = (known - value) / step
            by_constant[i] = slope
        return value, by_x / (2.0 * step_x), by_v / (2.0 * step_v), by_constant

    def rates(self, constants, x, v, u=None):
        """x'' of one set of constants, `(K,)`; not a number where the problem refuses them."""
        self.now.value = None if u is None else u[:, None]
        problem = self.with_constants(constants)
        if problem is None:
            return np.full(len(x), np.nan)
        with np.errstate(all="ignore"):
            found = problem.rhs(0.0, x[:, None], self.rate * v[:, None], ops=np)
        return np.broadcast_to(found, (len(x), 1))[:, 0] / self.rate**2


class _Now(Force):
    """A force that is whatever acts at the moment."""

    value = None

    def __call__(self, t, ops=np):
        return self.value


def check_own_problem(problem, unknown, driven):
    """Raise unless the constants of a problem can be searched for.

    Raises:
        ValueError: for no names, unknown ones, another order or dimension, an rhs that depends on
            time by itself, or a problem without a force for driven records.
    """
    config = problem.get_config()
    for name in unknown or ():
        if name not in config or not np.isscalar(config[name]):
            raise ValueError(
                f"unknown must name numbers among {', '.join(config)}. Received {name!r}."
                f"{did_you_mean(name, config)}"
            )
    if not unknown:
        raise ValueError(
            f"unknown must name constants of {type(problem).__name__}, such as "
            f"{', '.join(n for n in config if n not in TAKEN)}. Received {unknown!r}. Name some."
        )
    if problem.order != 2 or problem.dimension != 1:
        raise ValueError(
            "A record is fitted by a problem of order 2 and dimension 1. Received order "
            f"{problem.order}, dimension {problem.dimension}. Write the motion of one coordinate."
        )
    if driven and "force" not in config:
        raise ValueError(
            f"Under driven records a problem needs an argument force. Received "
            f"{type(problem).__name__} without one. Add it, and evaluate it in rhs."
        )
    still = problem.with_parameters(force=None) if driven else problem
    x, v = np.array([[0.3]]), np.array([[0.2]])
    rates = [still.rhs(t, x, v, ops=np) for t in (0.0, 0.7)]
    if not np.array_equal(*rates, equal_nan=True):
        raise ValueError(
            "The right-hand side may depend on time by the record's force only. Received "
            f"{problem!r}, whose rhs is another at t = 0.7 s than at 0. Pass the force as a record."
        )


TAKEN = ("position", "velocity", "start_time", "force", "order", "dimension")


def fit_problem(problem, unknown, records, course):
    """`LawFit` of a problem of the user's own.

    The search begins at the problem's own values, and at the constants that come nearest to
    x'' = rhs along a smoothed record.

    Raises:
        ValueError: as `check_own_problem`; where no run stays finite.
    """
    driven = records[0].force is not None
    check_own_problem(problem, unknown, driven)
    rate = spectral_rate(records)
    law = OwnLaw(problem, unknown, rate)
    own = np.array([float(problem.get_config()[name]) for name in law.unknown])
    guesses = [own, *(_smoothed_guess(law, own, records, span) for span in SPANS)]
    guesses = np.array([guess for guess in guesses if guess is not None])
    fit = fit_from(law, records, rate, (1.0, 1.0), guesses, course)
    if fit is None:
        raise ValueError(
            "The search needs values of the unknown constants from which runs stay finite. "
            f"Received {', '.join(f'{n}={p:g}' for n, p in zip(law.unknown, own))}, from which "
            f"and from the smoothed records none does. Begin with a {law.name} of nearer values."
        )
    return fit


@np.errstate(all="ignore")
def _smoothed_guess(law, own, records, span):
    """Constants by Gauss–Newton on x'' − rhs, x and its derivatives by sliding cubics; or None."""
    parts = [_derivatives(record, law.rate, span) for record in records]
    parts = [part for part in parts if part is not None]
    if not parts:
        return None
    x, v, a = (np.concatenate([part[i] for part in parts]) for i in range(3))
    u = None if parts[0][3] is None else np.concatenate([part[3] for part in parts])
    found, least = own, np.inf
    move = np.zeros(len(own) + 1)
    for _ in range(MOST_STEPS):
        tried = found + move[:-1]
        value, _, _, columns = law.acceleration(tried[:, None], x, v, u)
        left = a - value
        left = left - left.mean()  # a constant besides, for the record's offset
        square = left @ left
        if not (square < least and np.isfinite(columns).all()):  # too far, or no numbers
            move = 0.3 * move
            continue
        found, least = tried, square
        columns = np.c_[columns.T, np.ones(len(x))]
        sizes = np.linalg.norm(columns, axis=0) + 1e-300
        move = np.linalg.lstsq(columns / sizes, left, rcond=1e-10)[0] / sizes
    return found if np.isfinite(least) else None


def _derivatives(record, rate, span):
    """x, x', x'' in units of 1/rate, and the force, where a cubic fits into the record."""
    step, values, force, known = even(record)
    x = position_of(record, values, step, rate)
    width = max(FEWEST, round(span * 2.0 * np.pi / rate / step)) | 1
    if width > len(x):
        return None
    tau = (np.arange(width) - width // 2) * step * rate
    kernels = np.linalg.pinv(np.stack([tau**k for k in range(4)], axis=1))
    whole = np.correlate(known.astype(float), np.ones(width), "valid") > width - 0.5
    x, v, half = (np.correlate(x, kernel, "valid")[whole] for kernel in kernels[:3])
    inner = slice(width // 2, len(values) - width // 2)
    return x, v, 2.0 * half, None if force is None else force[inner][whole]
