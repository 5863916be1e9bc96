"""A problem's own `rhs` on cells of time: values, slopes and curvatures as discs."""

import copy
import re
from typing import NamedTuple

import numpy as np

from oscillator_zoo.data.forces.force import Force
from oscillator_zoo.data.forces.formulas import Sampled

from ..error_bounds.linear_equation import analytic_force
from ..error_bounds.rounding import EXTENDED, EXTENDED_UNIT, TINIEST, UNIT
from .discs import Disc
from .jets import Cut, Jet, NotSmooth, Split, Time

ADVICE = "Use error_estimate(t), which needs only its values."
ROUNDINGS_OF_NODE = 8.0  # a time at a node is right to so many u of its size
# By how much the numbers of an rhs in float64 may differ from its discs: so many times what the
# roundings that are seen in the discs make of them, and 1e-12 of the sizes.
SAME, SAME_SIZES = 64.0, 1e-12
# What NumPy says of a function that jets do not have.
UNKNOWN_FUNCTION = re.compile(
    r"callable (\w+) method|(?:Jet|Time)' object has .* '(\w+)'|ufunc '(\w+)' not"
)


class Rates(NamedTuple):
    """What an rhs is on discs: arrays `(…, d)`, `(…, d, s)` and `(…, d, s, s)`.

    | field       | content                                 |
    |-------------|-----------------------------------------|
    | `value`     | `Disc` of f                             |
    | `slopes`    | `Disc` of ∂f/∂(x, v); None without      |
    | `curvature` | bounds of \\|∂²f/∂(x, v)²\\|; None without |
    """

    value: Disc
    slopes: Disc
    curvature: np.ndarray


class SampledJet(Force):
    """A `Sampled` force on cells none of which reaches across a sample.

    Args:
        piece: `LinearPiece` of the cells.
        time: `Time`, at which it has to be asked for.
    """

    def __init__(self, piece, time):
        self.piece, self.time = piece, time

    def __call__(self, t, ops=np):
        for one in np.ravel(t):
            if one is not self.time:
                raise NotSmooth("it asks for a Sampled force at another time than t")
        axes = (slice(None),) + (None,) * (self.time.value.centre.ndim - 1)
        origin, value, slope, beyond = (a[axes] for a in self.piece)
        # The slope is a quotient of two differences.
        slope = Disc.rounded(slope, np.zeros(slope.shape), 4.0)
        force = Disc(value) + slope * (self.time.value - Disc(origin))
        force = force.widened(np.abs(slope.centre).astype(np.float64) * beyond)
        values = np.empty(np.shape(t), object)
        values.fill(Jet(force, order=self.time.order))
        return values


class RightHandSide:
    """f(t, x, v) of a problem, evaluated on discs.

    Args:
        problem: `InitialValueProblem`.

    Attributes:
        compared: times with which `rhs` has compared t, where it may jump.
    """

    def __init__(self, problem):
        self.problem, self.compared = problem, set()
        self.dimension, self.size = problem.dimension, problem.order * problem.dimension

    def rates(self, cells, time, state, order):
        """`Rates` on cells, order by order: 0 for the value alone, 1 and 2 for derivatives.

        Args:
            cells: `Cells`.
            time: `Disc` of t, `(num, …)`.
            state: list of s `Disc`, `(num, …)`.
            order: 0, 1 or 2.

        Raises:
            ValueError: where `rhs` asks for an operation that is not known.
            Cut: where it compares t with a time inside of a cell.
        """
        shape = time.centre.shape
        d, s = self.dimension, self.size
        value = Disc(np.zeros((*shape, d), EXTENDED), np.zeros((*shape, d)))
        slopes = Disc(np.zeros((*shape, d, s), EXTENDED), np.zeros((*shape, d, s)))
        curvature = np.zeros((*shape, d, s, s)) if order == 2 else None
        rates = Rates(value, slopes if order else None, curvature)
        with np.errstate(all="ignore"):
            self._fill(rates, np.arange(len(cells.begin)), cells, time, state, order)
        return rates

    def _fill(self, rates, which, cells, time, state, order):
        """Evaluate on the cells `which`, piece by piece of what `rhs` compares t with."""
        some = cells.select(which)
        t = Time(_select(time, which), some.begin, some.end, order, self.compared)
        jets = [Jet.variable(_select(y, which), j, order) for j, y in enumerate(state)]
        try:
            found = self._evaluate(t, jets, some)
        except Split as split:
            for holds in (split.holds, ~split.holds):
                self._fill(rates, which[holds], cells, time, state, order)
            return
        for i, jet in enumerate(found):
            _put(rates.value, which, (i,), jet.value)
            for j, one in jet.first.items():
                _put(rates.slopes, which, (i, j), one)
            for (j, k), one in jet.second.items():
                rates.curvature[which, ..., i, j, k] = one.largest
                rates.curvature[which, ..., i, k, j] = one.largest

    def _evaluate(self, t, jets, cells):
        """A list of d jets."""
        probe, given = copy.copy(self.problem), self.problem.force
        forces = given if isinstance(given, tuple) else (given,)
        forces = tuple(_on_cells(force, t, cells) for force in forces)
        if any(isinstance(force, SampledJet) for force in forces):
            probe.force = forces if isinstance(given, tuple) else forces[0]
        d = self.dimension
        parts = [_row(jets[i : i + d]) for i in range(0, len(jets), d)]
        try:
            rates = probe.rhs(_row([t]), *parts)
            rates = np.broadcast_to(np.asarray(rates, object), parts[0].shape)[0]
            return [jets[0].of(rate) for rate in rates]
        except (Split, Cut):
            raise
        except Exception as error:  # whatever a user's own function does with such objects
            raise self._refusal(error) from error

    def _refusal(self, error):
        operation = str(error)
        unknown = UNKNOWN_FUNCTION.search(operation)
        if isinstance(error, NotSmooth):
            pass
        elif unknown:
            operation = f"it takes {next(filter(None, unknown.groups()))}"
        elif "Tensor" in operation:
            operation = "it takes functions of TensorFlow: those of ops, its argument, are NumPy's"
        else:
            operation = f"it failed there: {operation.rstrip('.')}"
        return ValueError(
            "error_bound of a nonlinear problem needs an rhs made of sums, products, quotients, "
            "powers, sin, cos, tan, exp, log, sqrt, sinh, cosh, tanh, arctan, where of t, and abs "
            "of what keeps its sign. "
            f"Received: {type(self.problem).__name__}, and {operation}. {ADVICE}"
        )

    def check(self, cells, time, state):
        """Raise unless the rhs gives, in numbers, what it gave on discs, at every node.

        Args:
            cells: `Cells`.
            time: `Disc` of the nodes, `(num, n)`.
            state: list of s `Disc`, `(num, n)`.
        """
        rates = self.rates(cells, time, state, order=1)
        inside = (time.centre > cells.begin[:, None]) & (time.centre < cells.end[:, None])
        t = time.centre.astype(np.float64)
        inside &= (t > cells.begin[:, None]) & (t < cells.end[:, None])
        t, d = t[inside][:, None], self.dimension
        states = np.stack([y.centre[inside].astype(np.float64) for y in state], axis=-1)
        parts = [states[:, i : i + d] for i in range(0, self.size, d)]
        try:
            with np.errstate(all="ignore"):
                received = np.asarray(self.problem.rhs(t, *parts), np.float64)
        except Exception as error:  # a user's own function
            raise self._refusal(error) from error
        expected, radius = rates.value.centre[inside], rates.value.radius[inside]
        sizes = np.abs(expected).astype(np.float64)
        sizes += np.einsum("kij,kj->ki", rates.slopes.largest[inside], np.abs(states))
        allowed = SAME * UNIT / EXTENDED_UNIT * radius + SAME_SIZES * sizes + TINIEST
        with np.errstate(all="ignore"):
            off = np.abs(np.broadcast_to(received, expected.shape) - expected)
            wrong = ((off > allowed) | np.isnan(off) & np.isfinite(radius)).any(axis=1)
        if wrong.any():
            first = float(t[np.argmax(wrong), 0])
            raise self._refusal(NotSmooth(f"its numbers are others at t = {first:g} s"))


def _on_cells(force, time, cells):
    if type(force) is not Sampled:
        return force
    return SampledJet(analytic_force(force, cells.begin, cells.end), time)


def _select(disc, which):
    """Some rows of a disc whose arrays may broadcast."""
    shape = disc.centre.shape
    return Disc(disc.centre[which], np.broadcast_to(disc.radius, shape)[which])


def _put(rates, which, place, disc):
    """Store a disc, and ∞ for what is no number."""
    centre, radius = np.broadcast_arrays(disc.centre, disc.radius)
    known = np.isfinite(centre.astype(np.float64))
    rates.centre[(which, ..., *place)] = np.where(known, centre, 0.0)
    rates.radius[(which, ..., *place)] = np.where(known, radius, np.inf)


def _row(things):
    row = np.empty((1, len(things)), object)
    row[0] = things
    return row
