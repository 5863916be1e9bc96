"""The initial-value problems of the PINN benchmark, their true solutions, and how errors are taken.

Needs NumPy and SciPy only, because most contenders run where oscillator_zoo is not installed. Every
right-hand side is written for lists of coordinates and the functions of any array library m:

    rhs(t, [x1, …], [v1, …], m) -> [x1'', …]      (order 1: rhs(t, [x1, …], None, m) -> [x1', …])
"""

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp

STEP_TIME = 5.0


def linear(damping, stiffness):
    return lambda t, x, v, m: [-damping * v[0] - stiffness * x[0]]


def driven(t, x, v, m):
    return [m.cos(1.3 * t) - 0.1 * v[0] - x[0]]


def duffing(t, x, v, m):
    return [-0.1 * v[0] - x[0] - x[0] * x[0] * x[0]]


def van_der_pol(nonlinearity):
    return lambda t, x, v, m: [nonlinearity * (1.0 - x[0] * x[0]) * v[0] - x[0]]


def pendulum(t, x, v, m):
    return [-m.sin(x[0])]


def coupled(t, x, v, m):
    return [x[1] - 2.0 * x[0], x[0] - 2.0 * x[1]]


def resonance(t, x, v, m):
    return [m.sin(t) - x[0]]


def step(t, x, v, m):
    return [m.where(t >= STEP_TIME, m.ones_like(t), m.zeros_like(t)) - 0.2 * v[0] - x[0]]


def decay(t, x, v, m):
    return [-x[0]]


def damped_motion(damping, stiffness):
    """x = e^{−dt} (cos ωt + d/ω sin ωt), d = γ/2, ω² = k − d², from rest at 1 m."""
    d = damping / 2.0
    w = np.sqrt(stiffness - d * d)
    return lambda t: np.exp(-d * t) * (np.cos(w * t) + d / w * np.sin(w * t))


def resonant_motion(t):
    return np.cos(t) + 0.5 * (np.sin(t) - t * np.cos(t))


def coupled_motion(t):
    together, against = np.cos(t), np.cos(np.sqrt(3.0) * t)
    return np.stack([together + against, together - against]) / 2.0


@dataclasses.dataclass(frozen=True)
class Problem:
    """One initial-value problem, starting at t = 0 from `position` at rest.

    `rate`, in 1/s, is the speed of the motion: contenders get the equation in the time s = rate·t,
    which is the scaling that the literature advises. `ours` is the problem's class in
    oscillator_zoo.data and its arguments. Training of a problem with a `target` ends there.
    """

    name: str
    duration: float
    rhs: Callable
    ours: tuple
    exact: Callable = None
    position: tuple = (1.0,)
    order: int = 2
    rate: float = 1.0
    breakpoints: tuple = ()
    num_points: int = 256
    target: float = None

    def truth(self, t):
        """Positions `(num, dimension)` at increasing times: closed form, else DOP853 at 3e-14."""
        if self.exact is not None:
            return np.reshape(self.exact(t), (-1, len(t))).T
        return self.integrate(t, rtol=3e-14, atol=1e-15)

    def integrate(self, t, **tolerances):
        """Positions by SciPy's DOP853, begun anew at each breakpoint."""
        state, dimension = np.zeros(self.order * len(self.position)), len(self.position)
        state[:dimension] = self.position
        pieces, edges = [], [0.0, *self.breakpoints, self.duration]
        for begin, end in itertools.pairwise(edges):
            inside = t[(t >= begin) & ((t < end) | (end == self.duration))]
            times = np.append(inside[inside < end], end)
            before = np.nextafter(end, begin) if end in self.breakpoints else end
            run = solve_ivp(
                lambda s, y, before=before: self._slopes(min(s, before), y),
                (begin, end),
                state,
                "DOP853",
                times,
                **tolerances,
            )
            pieces.append(run.y[:dimension, : len(inside)].T)
            state = run.y[:, -1]
        return np.concatenate(pieces)

    def _slopes(self, t, y):
        x, v = np.split(y, 2) if self.order == 2 else (y, None)
        rate = self.rhs(np.float64(t), x, v, np)
        return np.concatenate([v, rate]) if self.order == 2 else rate


class Task:
    """A problem in scaled time s = rate·t, 0 ≤ s ≤ `length`, as contenders see it.

    `budget` is the training time in s, for those who plan with it.
    """

    def __init__(self, problem, budget=None):
        self.budget = budget
        self.problem, self.rate = problem, problem.rate
        self.order, self.x0 = problem.order, problem.position
        self.dimension = len(self.x0)
        self.length = self.rate * problem.duration
        self.points = np.linspace(0.0, self.length, problem.num_points)
        # Nine more between each two: where a residual is large when the network only obeys there.
        self.fine = np.linspace(0.0, self.length, 10 * (problem.num_points - 1) + 1)
        self._truth = problem.truth(self.fine / self.rate)

    def rhs(self, s, x, dx, m):
        """X''(s), order 1: X'(s), as a list of coordinates."""
        v = None if self.order == 1 else [self.rate * y for y in dx]
        return [y / self.rate**self.order for y in self.problem.rhs(s / self.rate, x, v, m)]

    def errors(self, motion):
        """Relative L2 error and largest residual, in the problem's own units, on the fine grid.

        Args:
            motion: [X, X', …] up to the order, each `(num, dimension)`, in scaled time.
        """
        arrays = [np.reshape(np.asarray(y, np.float64), self._truth.shape) for y in motion]
        x = arrays[0]
        columns = [list(y.T) for y in arrays]
        rhs = np.stack(self.rhs(self.fine, columns[0], columns[1], np), axis=-1)
        residual = self.rate**self.order * (arrays[self.order] - rhs)
        error = np.linalg.norm(x - self._truth) / np.linalg.norm(self._truth)
        return float(error), float(np.abs(residual).max())


def _of_horizon(periods):
    return Problem(
        f"{periods} period{'s' * (periods > 1)}",
        2.0 * np.pi * periods,
        linear(0.0, 1.0),
        ("DampedOscillator", {}),
        np.cos,
        num_points=max(256, 20 * periods),
        target=1e-3,
    )


_COSINE = ("Sinusoid", (1.0, 1.3, np.pi / 2))
_DUFFING = ("Duffing", {"damping": 0.1})

PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem("harmonic", 10.0, linear(0.0, 1.0), ("DampedOscillator", {}), np.cos),
        Problem(
            "damped, ω0 = 20",
            1.0,
            linear(4.0, 400.0),
            ("DampedOscillator", {"damping": 4.0, "stiffness": 400.0}),
            damped_motion(4.0, 400.0),
            rate=20.0,
        ),
        Problem(
            "damped, ω0 = 80",
            1.0,
            linear(4.0, 6400.0),
            ("DampedOscillator", {"damping": 4.0, "stiffness": 6400.0}),
            damped_motion(4.0, 6400.0),
            rate=80.0,
        ),
        Problem("driven", 30.0, driven, ("DampedOscillator", {"damping": 0.1, "force": _COSINE})),
        Problem("Duffing, T = 10", 10.0, duffing, _DUFFING),
        Problem("Duffing, T = 20π", 20.0 * np.pi, duffing, _DUFFING),
        Problem(
            "Van der Pol, μ = 1",
            10.0,
            van_der_pol(1.0),
            ("VanDerPol", {"nonlinearity": 1.0, "position": 1.0}),
        ),
        Problem(
            "Van der Pol, μ = 5",
            20.0,
            van_der_pol(5.0),
            ("VanDerPol", {"nonlinearity": 5.0, "position": 1.0}),
        ),
        Problem(
            "pendulum",
            10.0,
            pendulum,
            ("Pendulum", {"gravity": 1.0, "position": 2.5}),
            position=(2.5,),
        ),
        Problem(
            "coupled pair",
            20.0,
            coupled,
            ("CoupledOscillators", {"masses": (1.0, 1.0), "position": (1.0, 0.0)}),
            coupled_motion,
            position=(1.0, 0.0),
        ),
        Problem(
            "resonance",
            30.0,
            resonance,
            ("DampedOscillator", {"force": ("Sinusoid", (1.0, 1.0))}),
            resonant_motion,
        ),
        Problem(
            "step force",
            15.0,
            step,
            ("DampedOscillator", {"damping": 0.2, "force": ("Step", (1.0, STEP_TIME))}),
            breakpoints=(STEP_TIME,),
        ),
        Problem("decay", 5.0, decay, ("Decay", {}), lambda t: np.exp(-t), order=1),
    )
}
HORIZONS = {problem.name: problem for problem in map(_of_horizon, (1, 10, 100))}


def as_ours(problem):
    """The problem as an `InitialValueProblem` of oscillator_zoo, checked against its `rhs` here."""
    import oscillator_zoo.data as data

    name, arguments = problem.ours
    arguments = dict(arguments)
    if "force" in arguments:
        force, values = arguments["force"]
        arguments["force"] = getattr(data, force)(*values)
    result = getattr(data, name)(**arguments)
    t = np.linspace(0.0, problem.duration, 50)[:, None]
    x, v = np.random.default_rng(0).normal(size=(2, 50, len(problem.position)))
    got = result.rhs(t, x, v) if problem.order == 2 else result.rhs(t, x)
    wanted = np.hstack(problem.rhs(t, list(x.T[..., None]), list(v.T[..., None]), np))
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(result.initial_state()[0][0], problem.position)
    return result
