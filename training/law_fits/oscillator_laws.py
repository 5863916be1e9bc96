"""The equations that `identify` knows, each a sum of terms with one constant each.

x'' + Σ_i p_i φ_i(x, x') = G u
"""

from typing import NamedTuple

import numpy as np

from ..multiple_shooting import (
    PERIODS,
    run_driven_with_friction,
    run_linear_windows,
    run_windows,
    run_with_friction,
)


class Term(NamedTuple):
    """One term p φ(x, v).

    | field      | content                                                              |
    |------------|----------------------------------------------------------------------|
    | `values`   | φ, ∂φ/∂x and ∂φ/∂v as a function of x and v; None for a slope of 0   |
    | `rate`     | power of 1/s in the unit of p                                        |
    | `position` | power of 1/m in the unit of p                                        |
    | `shape`    | φ of x alone, for first guesses; "velocity", or None if there is none |
    """

    values: object
    rate: int
    position: int
    shape: object = None


def _sine(x, v):
    return np.sin(x), np.cos(x), None


TERMS = {
    "squared_frequency": Term(lambda x, v: (x, 1.0, None), 2, 0, lambda x: x),
    "damping_rate": Term(lambda x, v: (v, None, 1.0), 1, 0, "velocity"),
    "quadratic_drag": Term(lambda x, v: (np.abs(v) * v, None, 2.0 * np.abs(v)), 0, 1),
    "quadratic_stiffness": Term(lambda x, v: (x * x, 2.0 * x, None), 2, 1, lambda x: x * x),
    "cubic_stiffness": Term(lambda x, v: (x * x * x, 3.0 * x * x, None), 2, 2, lambda x: x * x * x),
    "dry_friction": Term(lambda x, v: (np.sign(v), None, None), 2, -1),
}
PENDULUM = {"squared_frequency": Term(_sine, 2, 0, np.sin)}


class Law(NamedTuple):
    """An equation of motion.

    | field      | content                                                          |
    |------------|------------------------------------------------------------------|
    | `name`     | as the user writes it                                            |
    | `equation` | as a text                                                        |
    | `terms`    | `Term` by the name of its constant, in order                     |
    | `scalable` | whether it keeps its form when positions are in another unit     |
    | `parts`    | Runge–Kutta steps in a radian; more for terms with a kink        |
    | `sticks`   | whether the motion may come to rest and stay there               |
    | `periods`  | in a window that a search begins with                            |
    """

    name: str
    equation: str
    terms: dict
    scalable: bool = True
    parts: float = 4.0
    sticks: bool = False
    periods: float = PERIODS

    def constants(self, driven):
        """Names of all constants; the gain G = 1/m comes last where a force acts."""
        return (*self.terms, "gain") if driven else tuple(self.terms)

    def acceleration(self, constants, x, v, u=None):
        """x'', ∂x''/∂x, ∂x''/∂v, each `(K,)`, and ∂x''/∂p, `(P, K)`; constants `(P, K or 1)`."""
        by_constant, slope_x, slope_v = np.empty((len(constants), *x.shape)), 0.0, 0.0
        for i, (p, term) in enumerate(zip(constants, self.terms.values())):
            by_constant[i], along_x, along_v = term.values(x, v)
            slope_x = slope_x if along_x is None else slope_x - p * along_x
            slope_v = slope_v if along_v is None else slope_v - p * along_v
        np.negative(by_constant, out=by_constant)
        if u is not None:
            by_constant[-1] = u
        return (constants * by_constant).sum(axis=0), slope_x, slope_v, by_constant

    def run(self, constants, starts, windows):
        """`WindowRun`: the motion in all windows; see `run_windows`."""
        return run_windows(self, constants, starts, windows)

    def units(self, driven, rate, position, force):
        """What each constant in scaled units is multiplied by: 1/s, m and N of one unit each."""
        sizes = [rate**term.rate / position**term.position for term in self.terms.values()]
        return np.array([*sizes, rate**2 * position / force] if driven else sizes)


class LinearLaw(Law):
    """A law that is linear in x and x'."""

    __slots__ = ()

    def run(self, constants, starts, windows):
        """As of `Law`, under a force in exact steps."""
        run = run_windows if windows.force is None else run_linear_windows
        return run(self, constants, starts, windows)


class FrictionLaw(Law):
    """A law with dry friction, which turns round where the velocity is 0, or sticks there."""

    __slots__ = ()

    def run(self, constants, starts, windows):
        """As of `Law`, from one turning point to the next."""
        run = run_with_friction if windows.force is None else run_driven_with_friction
        return run(constants, starts, windows)


def _of(*names):
    return {name: TERMS[name] for name in names}


_VISCOUS = ("squared_frequency", "damping_rate")
LAWS = {
    law.name: law
    for law in (
        LinearLaw("linear", "x'' + d x' + s x = G u", _of(*_VISCOUS)),
        Law(
            "quadratic_drag",
            "x'' + d x' + q |x'| x' + s x = G u",
            _of(*_VISCOUS, "quadratic_drag"),
            parts=10.0,
        ),
        FrictionLaw(
            "dry_friction",
            "x'' + d x' + f sign x' + s x = G u, or at rest where it sticks",
            _of(*_VISCOUS, "dry_friction"),
            sticks=True,
        ),
        Law("duffing", "x'' + d x' + s x + s3 x³ = G u", _of(*_VISCOUS, "cubic_stiffness")),
        Law(
            "quadratic_cubic",
            "x'' + d x' + s x + s2 x² + s3 x³ = G u",
            _of(*_VISCOUS, "quadratic_stiffness", "cubic_stiffness"),
        ),
        Law(
            "all_terms",
            "x'' + d x' + q |x'| x' + s x + s2 x² + s3 x³ = G u",
            _of(*_VISCOUS, "quadratic_drag", "quadratic_stiffness", "cubic_stiffness"),
            parts=10.0,
        ),
        Law(
            "pendulum",
            "x'' + d x' + s sin x = G u",
            PENDULUM | _of("damping_rate"),
            scalable=False,
            periods=PERIODS / 3.0,  # in longer ones, least squares may miss a turn over the top
        ),
    )
}
