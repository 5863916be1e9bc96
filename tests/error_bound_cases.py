"""Random problems, networks and training stages, with solutions to 30 digits, for error bounds.

`benchmarks/error_bounds.py` tries many of them.
"""

import itertools
import time
from typing import NamedTuple

import keras
import mpmath
import numpy as np
from mpmath import mpf

from oscillator_zoo.data import (
    Chirp,
    Constant,
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Sampled,
    Sinusoid,
    Step,
)
from oscillator_zoo.models import PINN, LevenbergMarquardt, SelfScaledBroyden
from oscillator_zoo.models.error_bounds.error_bound import enclose_error
from oscillator_zoo.models.error_bounds.linear_equation import LinearEquation
from oscillator_zoo.models.error_bounds.residual_bounds import ResidualBounds
from oscillator_zoo.models.error_bounds.trial_bounds import TrialBounds

DIGITS = 34
TAYLOR_TERMS = 30  # at |A| h ≤ 1/2: what is left out is below 2^-30/30! = 4e-42 of the state

# --------------------------------------------------------------------- the exact solution


def exact_motion(problem, times):
    """State (x, v), order 1: (x,), at float64 times, as lists of `mpf`, by Taylor series.

    s' = A s + B F(t): s_{k+1} = (A s_k + B F_k)/(k + 1), with A and B from the problem's numbers.
    """
    with mpmath.workdps(DIGITS):
        matrix, drive = matrices(problem)
        size, d = len(matrix), problem.dimension
        stops = {mpf(problem.start_time), *map(mpf, times)}
        ends = [mpf(t) for force in problem.coordinate_forces for t in kinks(force)]
        stops |= {t for t in ends if problem.start_time < t < max(times)}
        stops = sorted(stops)
        fastest = max(sum(abs(a) for a in row) for row in balanced(matrix))
        fastest = max([fastest, *(frequency(f, stops) for f in problem.coordinate_forces)])
        state = [mpf(float(y)) for part in problem.initial_state() for y in part.reshape(-1)]
        found = {stops[0]: state}
        for begin, end in itertools.pairwise(stops):
            num = max(int(mpmath.ceil(2 * fastest * (end - begin))), 1)
            step = (end - begin) / num
            for i in range(num):
                now = begin + i * step
                forces = [series(f, now, (begin + end) / 2) for f in problem.coordinate_forces]
                term, state = state, list(state)
                power = mpf(1)
                for k in range(TAYLOR_TERMS):
                    term = [
                        sum(matrix[row][j] * term[j] for j in range(size) if matrix[row][j])
                        for row in range(size)
                    ]
                    for i_force in range(d):
                        for row in range(d):
                            if drive[row][i_force]:
                                term[size - d + row] += drive[row][i_force] * forces[i_force][k]
                    term = [value / (k + 1) for value in term]
                    power *= step
                    state = [y + value * power for y, value in zip(state, term)]
            found[end] = state
        return [found[mpf(t)] for t in times]


def exact_rate(problem, state, t):
    """x' of a problem of order 1."""
    with mpmath.workdps(DIGITS):
        matrix, drive = matrices(problem)
        force = series(problem.force, mpf(t), mpf(t))[0] if problem.force else mpf(0)
        return matrix[0][0] * state[0] + drive[0][0] * force


def matrices(problem):
    """A and B as lists of `mpf`, from the problem's definition."""
    if isinstance(problem, Decay):
        return [[-mpf(problem.rate)]], [[mpf(1)]]
    if isinstance(problem, DampedOscillator):
        m, c, k = (mpf(y) for y in (problem.mass, problem.damping, problem.stiffness))
        return [[mpf(0), mpf(1)], [-k / m, -c / m]], [[1 / m]]
    d = problem.dimension
    springs = [mpf(float(k)) for k in problem.stiffness]
    matrix = [[mpf(0)] * (2 * d) for _ in range(2 * d)]
    drive = [[mpf(0)] * d for _ in range(d)]
    for i in range(d):
        m = mpf(float(problem.masses[i]))
        matrix[i][d + i] = mpf(1)
        matrix[d + i][i] = -(springs[i] + springs[i + 1]) / m
        matrix[d + i][d + i] = -mpf(float(problem.damping[i])) / m
        drive[i][i] = 1 / m
        for j, spring in ((i - 1, springs[i]), (i + 1, springs[i + 1])):
            if 0 <= j < d:
                matrix[d + i][j] = spring / m
    return matrix, drive


def balanced(matrix):
    """A in units of time in which its largest elements are alike: (x, v/ω)."""
    size = len(matrix)
    half = size // 2
    if size == 1:
        return matrix
    omega = mpmath.sqrt(max([abs(a) for row in matrix[half:] for a in row[:half]] + [mpf(1)]))
    scale = [mpf(1)] * half + [omega] * half
    return [[matrix[i][j] * scale[j] / scale[i] for j in range(size)] for i in range(size)]


def kinks(force):
    return {Step: lambda: [force.time], Sampled: lambda: list(force.times)}.get(
        type(force), lambda: []
    )()


def frequency(force, stops):
    if isinstance(force, Sinusoid):
        return abs(mpf(force.angular_frequency))
    if isinstance(force, Chirp):
        sweep = abs(mpf(force.end_angular_frequency) - mpf(force.start_angular_frequency))
        latest = max(abs(stops[0]), abs(stops[-1]))
        return abs(mpf(force.start_angular_frequency)) + (sweep / force.duration) * (latest + 1)
    return mpf(0)


def series(force, now, inside):
    """Taylor coefficients of F at `now`, for a piece of it in which `inside` lies."""
    zeros = [mpf(0)] * TAYLOR_TERMS
    if force is None:
        return zeros
    if isinstance(force, Constant):
        return [mpf(force.value), *zeros[1:]]
    if isinstance(force, Step):
        return [mpf(force.amplitude if inside >= force.time else 0.0), *zeros[1:]]
    if isinstance(force, Sampled):
        i = max(j for j in range(len(force.times) - 1) if force.times[j] <= inside)
        (t0, t1), (f0, f1) = (
            map(mpf, (float(a[i]), float(a[i + 1]))) for a in (force.times, force.values)
        )
        slope = (f1 - f0) / (t1 - t0)
        return [f0 + slope * (now - t0), slope, *zeros[2:]]
    if isinstance(force, Sinusoid):
        phase, rate, sweep = mpf(force.phase), mpf(force.angular_frequency), mpf(0)
    else:
        rate, end = mpf(force.start_angular_frequency), mpf(force.end_angular_frequency)
        phase, sweep = mpf(force.phase), (end - rate) / (2 * mpf(force.duration))
    angle, slope = phase + (rate + sweep * now) * now, rate + 2 * sweep * now
    sine, cosine = [mpmath.sin(angle)], [mpmath.cos(angle)]
    for k in range(TAYLOR_TERMS - 1):  # sin' = φ' cos, cos' = −φ' sin, φ' = slope + 2 β t
        before = (sine[k - 1], cosine[k - 1]) if k else (mpf(0), mpf(0))
        sine.append((slope * cosine[k] + 2 * sweep * before[1]) / (k + 1))
        cosine.append(-(slope * sine[k] + 2 * sweep * before[0]) / (k + 1))
    return [mpf(force.amplitude) * value for value in sine]


# --------------------------------------------------------------------------- random cases


def random_problem(random):
    """A linear problem of any damping, force and start, and a duration."""
    omega = float(np.exp(random.uniform(np.log(0.3), np.log(80.0))))
    duration = random.uniform(1.0, 40.0) / omega
    start = float(random.choice([0.0, 0.0, 0.7, -3.0, 100.0]))
    force = random_force(random, omega, start, duration)
    kind = random.choice(["oscillator", "oscillator", "oscillator", "coupled", "decay"])
    if kind == "decay":
        problem = Decay(omega, random.normal(), force, start)
    elif kind == "oscillator":
        mass = random.choice([1.0, random.uniform(0.5, 3.0)])
        stiffness = mass * omega**2
        damping = random_damping_ratio(random) * 2.0 * np.sqrt(mass * stiffness)
        x, v = random.normal(size=2)
        problem = DampedOscillator(mass, damping, stiffness, force, x, omega * v, start)
    else:
        d = int(random.integers(2, 4))
        masses = random.uniform(0.5, 2.0, d)
        springs = random.uniform(0.0, 1.0, d + 1) * omega**2
        damping = random.choice([0.0, random.uniform(0.0, 2.0) * omega]) * random.uniform(0, 1, d)
        x, v = random.normal(size=(2, d))
        forces = force if random.random() < 0.5 else (force, *(None,) * (d - 1))
        problem = CoupledOscillators(masses, springs, damping, forces, x, omega * v, start)
    return problem, duration


def random_damping_ratio(random):
    choices = [
        0.0,
        random.uniform(0.0, 0.9),
        1.0,
        1.0 + random.choice([-1.0, 1.0]) * 10.0 ** random.uniform(-13.0, -2.0),
        random.uniform(1.0, 15.0),
    ]
    return float(choices[random.integers(len(choices))])


def random_force(random, omega, start, duration):
    a = random.normal() * omega**2
    near = float(random.choice([omega, omega * random.uniform(0.1, 2.0)]))
    inside = start + random.uniform(0.05, 0.95) * duration
    num = int(random.integers(3, 15))
    knots = np.linspace(start - 0.01 * duration, start + 1.01 * duration, num)
    forces = [
        None,
        Constant(a),
        Sinusoid(a, near, random.uniform(0.0, 6.0)),
        Step(a, inside),
        Chirp(a, 0.2 * near, near, duration, random.uniform(0.0, 6.0)),
        Sampled(knots, a * random.normal(size=num)),
    ]
    return forces[random.integers(len(forces))]


def random_pinn(random, problem, duration):
    """A network of any depth, in any number of windows."""
    activation = str(random.choice(["sin", "sin", "tanh", "swish"]))
    units = [None, (8,), (24,), (48,), (16, 16), (8, 8, 8)][random.integers(6)]
    edges = None
    if units is not None and random.random() < 0.5:
        inside = np.sort(random.uniform(0.1, 0.9, random.integers(1, 5)))
        edges = problem.start_time + duration * np.array([0.0, *inside, 1.0])
        edges[-1] = problem.start_time + duration
    return PINN(
        problem,
        duration,
        hidden_units=units,
        activation=activation,
        window_edges=edges,
        derivatives=str(random.choice(["tape", "taylor"])),
        seed=int(random.integers(1 << 30)),
    )


def random_learned_pinn(random, problem, duration):
    """A network of any depth for each window, with weights of its own."""
    edges = problem.start_time + duration * np.linspace(0.0, 1.0, int(random.integers(2, 6)))
    edges[-1] = problem.start_time + duration
    return PINN(
        problem,
        duration,
        hidden_units=[(8,), (10, 10), (4, 6, 4)][random.integers(3)],
        activation=str(random.choice(["sin", "tanh", "tanh", "swish"])),
        window_edges=edges,
        derivatives=str(random.choice(["tape", "taylor"])),
        learned=True,
        seed=int(random.integers(1 << 30)),
    )


STAGES = ("untrained", "random weights", "Adam", "least squares", "perturbed", "all but done")


def train(pinn, stage, random):
    """Leaves a network in some stage of its training."""
    if stage == "untrained":
        return
    if stage == "random weights":
        scale = 10.0 ** random.uniform(-2.0, 0.5)
        pinn.set_weights([scale * random.normal(size=np.shape(w)) for w in pinn.get_weights()])
        return
    optimizer = keras.optimizers.Adam(0.01) if stage == "Adam" else LevenbergMarquardt()
    steps = {"Adam": 5, "least squares": 1, "perturbed": 2, "all but done": 2}[stage]
    pinn.compile(optimizer, run_eagerly=True)
    num = 48 * (len(pinn.window_edges) - 1)
    pinn.fit(pinn.collocation_points(num, steps_per_epoch=steps), epochs=1, verbose=0)
    if stage == "perturbed":
        perturb(pinn, random)


def perturb(pinn, random):
    """Moves every weight, by a share that is the same for all."""
    noise = 10.0 ** random.uniform(-14.0, -1.0)
    for weight in pinn.trainable_variables:
        weight.assign(weight * (1.0 + noise * random.normal(size=weight.shape)))


class Outcome(NamedTuple):
    """What one case has shown; sizes are the largest over the times."""

    seed: int
    stage: str
    name: str
    holds: bool
    error: float  # of the position, m
    bound: float
    rounding: float  # what rounding in the model's own x̂ can do
    share: float  # the largest error/bound at any time, position and velocity
    seconds: float

    @property
    def is_tight(self):
        """Within 10 times the error, where that is 100 times the rounding."""
        return self.bound <= 10.0 * self.error or self.error < 100.0 * self.rounding


def random_case(random):
    """A `PINN` for a random problem, in some stage of its training, and the stage's name."""
    problem, duration = random_problem(random)
    pinn = random_pinn(random, problem, duration)
    stage = STAGES[random.integers(len(STAGES))]
    train(pinn, stage, random)
    return pinn, stage


LEARNED_STAGES = ("untrained", "random weights", "Adam", "quasi-Newton", "perturbed")


def learned_case(random):
    """The same for a network all of whose weights are learned."""
    problem, duration = random_problem(random)
    pinn = random_learned_pinn(random, problem, duration)
    stage = LEARNED_STAGES[random.integers(len(LEARNED_STAGES))]
    if stage in ("untrained", "random weights"):
        train(pinn, stage, random)
        return pinn, stage
    optimizer = SelfScaledBroyden(tolerance=0.0)  # windows may be too long for any other
    pinn.compile(keras.optimizers.Adam(0.01) if stage == "Adam" else optimizer)
    pinn.fit(pinn.collocation_points(steps_per_epoch=30), epochs=1, verbose=0)
    if stage == "perturbed":
        perturb(pinn, random)
    return pinn, stage


def try_case(seed, num_times=12, make=random_case):
    """The outcome of one random case."""
    random = np.random.default_rng(seed)
    pinn, stage = make(random)
    problem, duration = pinn.problem, pinn.duration
    start = problem.start_time
    times = {start, start + duration, *(start + duration * random.random(num_times)).tolist()}
    times |= {t for t in (*pinn.window_edges, *problem.breakpoints) if t <= start + duration}
    times |= {t for f in problem.coordinate_forces for t in kinks(f) if start <= t <= max(times)}
    times = np.array(sorted(times))
    x = np.asarray(pinn(times[:, None]))
    v = np.asarray(pinn.derivatives(times)[1])
    begin = time.perf_counter()
    enclosure = enclose_error(pinn, times)
    seconds = time.perf_counter() - begin
    bounds = enclosure.bounds()
    error, share = np.zeros(x.shape), 0.0
    with mpmath.workdps(DIGITS):
        for i, state in enumerate(exact_motion(problem, times)):
            d = problem.dimension
            rates = state[d:] if problem.order == 2 else [exact_rate(problem, state, times[i])]
            for j in range(d):
                error[i, j] = abs(mpf(float(x[i, j])) - state[j])
                error_v = abs(mpf(float(v[i, j])) - rates[j])
                for e, b in ((mpf(error[i, j]), bounds[0]), (error_v, bounds[1])):
                    share = max(share, float(e / mpf(float(b[i, j]))) if b[i, j] else e and np.inf)
    residual = ResidualBounds(problem, LinearEquation.of(problem), TrialBounds(pinn))
    rounding = residual.trial.model_errors(residual.cells())[0].max()
    return Outcome(
        seed,
        stage,
        f"{problem!r} {pinn.hidden_units} {pinn.activation.__name__} {len(pinn.window_edges) - 1}",
        bool(share <= 1.0),
        float(error.max()),
        float(bounds[0].max()),
        float(rounding),
        float(share),
        seconds,
    )


# --------------------------------------------------------------------------- cases at edges


def edge_case(random):
    """A `PINN` where a bound is easily wrong, and the kind of edge."""
    kind = str(random.choice(list(EDGES)))
    return EDGES[kind](random), kind


def near(random, time):
    """A float64 number at most three numbers away."""
    for _ in range(int(random.integers(0, 4))):
        time = float(np.nextafter(time, random.choice([-np.inf, np.inf])))
    return time


def jump_beside_an_edge(random):
    """A step, or two samples that are neighbours, beside an edge, a start or an end, far away."""
    start = float(random.choice([0.3, -1e3, 1e6, 1e9, -1e12]))
    ulp = abs(np.spacing(start))
    # Intervals and windows are as short as a PINN takes them.
    duration = float(max(random.uniform(0.5, 3.0), random.integers(4, 40) * 2**16 * ulp))
    end = start + duration
    edge = start + 0.4 * duration
    edges = [start, edge, edge + max(0.2 * duration, ulp), end]
    if random.random() < 0.3:
        edges.insert(2, float(edge + 2**14 * np.spacing(max(abs(start), abs(end)))))
    jump = near(random, float(random.choice([start, edge, edge, end])))
    size = float(10.0 ** random.uniform(-2, 3))
    force = Step(size, jump)
    if random.random() < 0.5:
        times = [start - duration, jump, float(np.nextafter(jump, np.inf)), end + duration]
        force = Sampled(times, size * random.normal(size=4))
    if random.random() < 0.3:
        problem = Decay(random.uniform(0.1, 3.0), random.normal(), force, start)
    else:
        problem = DampedOscillator(
            damping=random.uniform(0, 2), force=force, position=0.0, start_time=start
        )
    pinn = PINN(problem, duration, (6,), window_edges=edges, bandwidth=3.0, seed=1)
    return with_weights(pinn, random, 1.0)


def large_weights_that_cancel(random):
    """Layers far in saturation, whose rounding errors are amplified beyond all bounds."""
    size = float(10.0 ** random.uniform(2, 10))
    activation = str(random.choice(["tanh", "sin", "swish"]))
    pinn = PINN(
        DampedOscillator(position=random.normal(), stiffness=random.uniform(0.5, 4.0)),
        1.0,
        hidden_units=(8, 1, 1),
        activation=activation,
        seed=1,
    )
    weights = [random.normal(size=np.shape(w)) for w in pinn.get_weights()]
    f = {"tanh": np.tanh, "sin": np.sin, "swish": lambda z: z / (1 + np.exp(-z))}[activation]
    weights[0] *= float(random.choice([0.0, 1e-9, 1.0]))
    weights[2] *= size
    weights[3] = -(f(weights[1]) @ weights[2])
    weights[4] *= size
    weights[5] *= 9.0
    pinn.set_weights(weights)
    return pinn


def very_large_or_small(random):
    """Amplitudes and units far from 1."""
    size = float(10.0 ** random.choice([-290.0, -200.0, -100.0, 100.0, 140.0]))
    problem = DampedOscillator(
        damping=random.uniform(0, 1), position=size, velocity=-size * random.normal()
    )
    pinn = PINN(problem, 2.0, (6,), bandwidth=3.0, seed=1)
    with_weights(pinn, random, 1.0)
    pinn.network.readout.kernel.assign(pinn.network.readout.kernel * size)
    pinn.network.readout.bias.assign(pinn.network.readout.bias * size)
    return pinn


def fast_force(random):
    """A force that turns a thousand times in a window."""
    omega = float(10.0 ** random.uniform(1.5, 2.8))
    force = Sinusoid(random.normal() * omega, omega, random.uniform(0, 6))
    if random.random() < 0.5:
        force = Chirp(random.normal(), -omega, omega, 1.0)
    problem = DampedOscillator(force=force, start_time=float(random.choice([0.0, 2.0])))
    edges = [problem.start_time, problem.start_time + 1.0]
    pinn = PINN(problem, 1.0, (6,), window_edges=edges, bandwidth=3.0, seed=1)
    return with_weights(pinn, random, 1.0)


def steep_units(random):
    """Units that turn in a small part of a window."""
    pinn = PINN(Decay(1.0), 1.0, hidden_units=(3,), activation="tanh", seed=1)
    with_weights(pinn, random, 1.0)
    first = pinn.network.hidden[0]
    slope = 10.0 ** random.uniform(1, 6, 3)
    first.kernel.assign(slope[None])
    first.bias.assign(-slope * random.uniform(-0.9, 0.9, 3))
    return pinn


def very_damped(random):
    """Damping ratios up to 1e5."""
    ratio = float(random.choice([1.0, 10.0 ** random.uniform(-8, 5)]))
    problem = DampedOscillator(damping=2.0 * ratio, stiffness=1.0, velocity=random.normal())
    duration = 3.0 / max(ratio, 1.0)
    return with_weights(PINN(problem, duration, (6,), bandwidth=3.0, seed=1), random, 1.0)


def with_weights(pinn, random, scale):
    pinn.set_weights([scale * random.normal(size=np.shape(w)) for w in pinn.get_weights()])
    return pinn


EDGES = {
    "jump": jump_beside_an_edge,
    "cancelling": large_weights_that_cancel,
    "sizes": very_large_or_small,
    "fast force": fast_force,
    "steep": steep_units,
    "damped": very_damped,
}
