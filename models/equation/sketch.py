"""A first look at a motion by a stepper: how fast it is, and where training may begin."""

import contextlib
import warnings

import numpy as np

from oscillator_zoo.data import simulate

from .budget import MOST_RADIANS, STIFF, check_motion, rate_of_time
from .resolution import motion_at, unresolved
from .undeclared_jumps import undeclared_jumps

STEP = 0.05  # radians of the fastest motion in one step
FEWEST_STEPS, MOST_STEPS = 250, 64_000
SHORT_BY = 1.02  # so many times the steps that were made tell nothing new
STEP_ASIDE = 1e-6  # of difference quotients, relative
LOOKED_AT = 65_536  # times at which a force is looked at
GRADING = 0.25  # a window may be half as long again as the one beside it
HIDDEN = 2.0  # so many times faster than the sketch shows: a pulse that it stepped over
STABLE = 2.0  # radians in one step of RK4, which is stable up to 2.78
SHORTENED, MOST_SHORTENED = 16, 12  # a first look that RK4 cannot follow, and how often


class Sketch:
    """A trajectory of a problem by RK4 and the rate at which it changes.

    RK4 and not Euler's method, which may end elsewhere: it adds energy, and a pendulum that
    starts high goes over the top.

    | attribute     | content                                   | shape          |
    |---------------|-------------------------------------------|----------------|
    | `times`       | t_i, equidistant, in s                    | (num,)         |
    | `states`      | (x, v)                                    | (num, order·d) |
    | `rates`       | ω(t_i) in rad/s, see `local_rates`        | (num,)         |
    | `angle`       | ∫ ω dt from the start, in rad             | (num,)         |
    | `jumps`       | times at which the force jumps, in s      | list           |
    | `rough_times` | these, and those at which its slope jumps | list           |

    Args:
        problem: `InitialValueProblem`, one trajectory.
        duration: T, in s.

    Raises:
        ValueError: if the motion leaves the range of numbers, however small the step.
    """

    def __init__(self, problem, duration):
        self.problem = problem
        undeclared = undeclared_jumps(problem, problem.start_time + duration)
        self.jumps = sorted({*problem.breakpoints, *undeclared})
        self.rough_times = sorted({*self.jumps, *_kinks(problem)})
        self._follow(problem, duration)
        # A jump in time makes the motion fast, and not the equation stiff.
        rates = equation_rates(problem, self.times, self.states)
        if rates.max() * duration > MOST_RADIANS:
            self._check_continuous(rates)
        check_motion(problem, duration, self.rates, rates.max())
        steps = np.diff(self.times) * 0.5 * (self.rates[1:] + self.rates[:-1])
        self.angle = np.concatenate([[0.0], np.cumsum(steps)])

    def _follow(self, problem, duration):
        """Set times, states and rates, by steps in which the fastest motion turns by `STEP`."""
        num_steps, hidden = FEWEST_STEPS, self._hidden_rate(problem, duration)
        is_pulse = False
        while True:
            try:
                run = rk4(problem, duration, num_steps)
                self.times, self.states = run.times, run.states[0]
                self.rates = local_rates(problem, self.times, self.states, self.rough_times)
                fastest = self.rates.max()
                if hidden > HIDDEN * fastest:
                    fastest, is_pulse = hidden, True
                wanted = int(np.ceil(fastest * duration / STEP))
            except ValueError as error:  # unstable: the step is too large for this motion
                if num_steps == MOST_STEPS:
                    raise ValueError(
                        f"A PINN needs a motion that {MOST_STEPS} steps of RK4 can follow. "
                        f"Received {problem!r} over {duration:g} s. {error} {STIFF}"
                    ) from error
                wanted = 4 * num_steps
            if wanted <= SHORT_BY * num_steps or num_steps == MOST_STEPS:
                break
            if wanted >= 4 * num_steps:  # before many steps a few say whether they are worth it
                _check_beginning(problem, duration)
            num_steps = min(wanted, MOST_STEPS)
        if is_pulse:
            self.rates = slowly_varying(self.times, self.rates)

    def _check_continuous(self, rates):
        """Raise where the equation is fast only because rhs jumps with x or v.

        There a difference quotient is half as large over twice the step.
        """
        worst = int(rates.argmax())
        wider = equation_rates(self.problem, self.times, self.states, 2.0 * STEP_ASIDE)[worst]
        if abs(wider - rates[worst]) > 0.1 * rates[worst]:
            raise ValueError(
                "A PINN follows an rhs that is continuous in x and v. Received "
                f"{self.problem!r}, which jumps with them near t = {self.times[worst]:.6g} s, as "
                "dry friction does. Write it smoothly, tanh(v / width) for sign(v), or take "
                "simulate(method='rk4') with small steps."
            )

    def unresolved(self, edges):
        """Which windows between edges, `(W,)`, are too long for polynomials to follow x''.

        A linear equation is looked at as a function of time alone, beside a fixed state: what it
        adds by itself is smooth, and its sketch may be a coarse one.
        """
        problem, largest = self.problem, np.abs(self.states).max(axis=0)
        of_states = derivatives(problem, self.times, self.states)
        size = max(np.abs(of_states[:, -problem.dimension :]).max(), 1e-300)

        def rates_at(t):
            states = np.broadcast_to(largest, (len(t), len(largest)))
            if not problem.is_linear:
                states = motion_at(self.times, self.states, of_states, self.jumps, t)
            return rhs_values(problem, t, states) / size

        return unresolved(rates_at, edges)

    def states_at(self, times):
        """(x, v) at times by steps half as long, `(num, order·d)`, and how far halving the steps
        has moved them anywhere, `(order·d,)`.
        """
        duration, num_steps = self.times[-1] - self.times[0], len(self.times) - 1
        finer = rk4(self.problem, duration, 2 * num_steps)
        states = finer.states[0]
        rates = derivatives(self.problem, finer.times, states)
        found = motion_at(finer.times, states, rates, self.jumps, times)
        return found, np.abs(states[::2] - self.states).max(axis=0)

    def _hidden_rate(self, problem, duration):
        """The largest `rate_of_time` away from rough times, in rad/s: that of a short pulse."""
        times = problem.start_time + np.linspace(0.0, duration, LOOKED_AT + 1)
        rates = rate_of_time(problem, times)
        return float(np.max(rates * ~is_near(times, self.rough_times)[1:-1], initial=0.0))


def _check_beginning(problem, duration):
    """Raise for a nonlinear equation that is too stiff from the start, after a few small steps."""
    rate = _rate_of_beginning(problem, duration)
    if problem.is_linear or rate * duration <= MOST_RADIANS:
        return
    shorter = MOST_RADIANS / rate
    with contextlib.suppress(ValueError):  # rates that grow a lot: the first have to do
        run = rk4(problem, shorter, int(MOST_RADIANS / STABLE))
        rate = max(rate, float(equation_rates(problem, run.times, run.states[0]).max()))
    check_motion(problem, duration, np.full(2, rate), rate)


def _rate_of_beginning(problem, duration):
    """The equation's median rate while it takes the first steps of the longest sketch, in rad/s.

    Where RK4 cannot follow, a shorter beginning is looked at. It is 0 where it never can, and for
    an rhs that jumps with x or v, whose rate is another over twice the step.
    """
    beginning = duration * FEWEST_STEPS / MOST_STEPS
    for _ in range(MOST_SHORTENED):
        try:
            run = rk4(problem, beginning, FEWEST_STEPS)
        except ValueError:
            beginning /= SHORTENED
            continue
        given = problem, run.times, run.states[0]
        rate, wider = (np.median(equation_rates(*given, k * STEP_ASIDE)) for k in (1.0, 2.0))
        return float(rate) if abs(wider - rate) <= 0.1 * rate else 0.0
    return 0.0


def slowly_varying(times, rates):
    """Rates that fall off slowly beside a pulse, 1/ω(t) ≤ 1/ω(s) + `GRADING` |t − s| for all s.

    A pulse's flanks are as short as it is, but hardly accelerate: by their own rates they would
    share a window with the long rest beside them.
    """
    distance = GRADING * times
    ahead = np.minimum.accumulate(1.0 / rates - distance) + distance
    behind = np.minimum.accumulate((1.0 / rates + distance)[::-1])[::-1] - distance
    return 1.0 / np.minimum(ahead, behind)


def local_rates(problem, times, states, rough_times=()):
    """ω(t), how fast a motion changes, in rad/s: the larger of two rates,

        max |λ(J)|, J = ∂(v, rhs)/∂(x, v)      of the equation around the motion,
        √(|a''| / max |a|), a = rhs            of the motion itself, its force included,

    and nowhere less than half of its mean, so that a slow part is not cut too coarsely.

    Args:
        problem: `InitialValueProblem`, one trajectory.
        times: equidistant, `(num,)`, in s.
        states: `(num, order · dimension)`.
        rough_times: where the force jumps or has a kink: a'' is not looked at there, in s.

    Returns:
        `(num,)`.
    """
    rhs = rhs_values(problem, times, states)
    change = np.zeros_like(rhs)
    change[1:-1] = np.diff(rhs, n=2, axis=0) / (times[1] - times[0]) ** 2
    smooth = ~is_near(times, rough_times)
    size = np.maximum(np.abs(rhs).max(), 1e-300)
    of_motion = np.sqrt(np.abs(change).max(axis=-1) / size) * smooth
    rates = np.maximum(equation_rates(problem, times, states), of_motion)
    return np.maximum(rates, max(0.5 * rates.mean(), 1.0 / (times[-1] - times[0])))


def rhs_values(problem, times, states):
    """x'' (order 1: x') of states `(num, order · dimension)` at times `(num,)`, `(num, d)`."""
    state = np.split(states, problem.order, axis=-1)
    return np.broadcast_to(problem.rhs(times[:, None], *state), state[0].shape)


def derivatives(problem, times, states):
    """y' = (v, x'') of states y = (x, v), `(num, order · dimension)`; order 1: x'."""
    rates = rhs_values(problem, times, states)
    return np.hstack([states[:, problem.dimension :], rates])


def equation_rates(problem, times, states, step=STEP_ASIDE):
    """max |λ(J)| with J = ∂(v, rhs)/∂(x, v) at every time of a motion, `(num,)`, in rad/s.

    J is a difference quotient over ±`step` times the largest magnitude of each feature.
    """
    columns = []
    for k, size in enumerate(step * np.maximum(np.abs(states).max(axis=0), 1e-3)):
        aside = size * np.eye(states.shape[1])[k]
        after, before = (rhs_values(problem, times, states + move) for move in (aside, -aside))
        columns.append((after - before) / (2.0 * size))
    jacobian = np.stack(columns, axis=-1)
    if problem.order == 2:
        velocity = np.zeros_like(jacobian)
        velocity[:, :, problem.dimension :] = np.eye(problem.dimension)
        jacobian = np.concatenate([velocity, jacobian], axis=1)
    return np.abs(np.linalg.eigvals(jacobian)).max(axis=-1)


def _kinks(problem):
    """Times after the start at which slopes of forces jump, such as those of samples, in s."""
    kinks = (np.ravel(getattr(f, "kinks", ())).tolist() for f in problem.coordinate_forces)
    return [time for times in kinks for time in times if time > problem.start_time]


def is_near(times, places):
    """Whether the nearest of increasing `places` is less than two steps away, `(num,)`."""
    around = np.array([-np.inf, *places, np.inf])
    after = np.searchsorted(around, times)
    distance = np.minimum(times - around[after - 1], around[after] - times)
    return distance < 2.0 * (times[1] - times[0])


def rk4(problem, duration, num_steps):
    """`Trajectory` by RK4, no word about growth."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # growth is answered by smaller steps
        return simulate(problem, duration / num_steps, num_steps, "rk4")
