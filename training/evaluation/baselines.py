"""Forecasts that need no network, to be compared with."""

import warnings

import numpy as np

from oscillator_zoo.data import simulate


def persistence(states, warm_up, num_steps):
    """The last known state, repeated.

    Args:
        states: `(batch, time, features)`; the first `warm_up` are known.
        warm_up: number of known samples.
        num_steps: length of the forecast.

    Returns:
        `(batch, num_steps, features)`.
    """
    return np.repeat(states[:, warm_up - 1 : warm_up], num_steps, axis=1)


def linear_autoregression(states, force, warm_up, num_steps, order=2, training=None):
    """A linear recurrence fitted by least squares, which feeds its forecasts back.

        s_{i+1} = b + Σ_{j<p} A_j s_{i−j} + Σ_{j<q} B_j F_{i−j}

    With both position and velocity, order 1 holds every linear oscillator exactly; with the
    position alone, order 2 does. The columns are scaled to one size before the fit, and of all
    matrices that fit equally well the smallest is taken.

    Args:
        states: `(batch, time, features)`; the first `warm_up` are known.
        force: `(batch, time, dimension)`, known at all times.
        warm_up: number of known samples.
        num_steps: length of the forecast.
        order: p = q, the number of past samples that the next one depends on; or the pair (p, q).
        training: tuple (states, force) of other motions: one recurrence is fitted to all of them.
            None fits one to the known samples of each trajectory.

    Returns:
        `(batch, num_steps, features)`, or None if there are not more equations than unknowns.
    """
    orders = order if isinstance(order, tuple) else (order, order)
    longest = max(orders)
    unknowns = 1 + orders[0] * states.shape[-1] + orders[1] * force.shape[-1]
    if training is None:
        data = [(s[None, :warm_up], f[None, :warm_up]) for s, f in zip(states, force)]
    else:
        data = [training]
    num_equations = len(data[0][0]) * (data[0][0].shape[1] - longest)
    if num_equations < unknowns or warm_up < longest:
        return None
    matrices = np.stack([_fit(*one, orders) for one in data])
    motion = states[:, : warm_up + num_steps].copy()
    for i in range(warm_up, warm_up + num_steps):
        past = slice(i - longest, i)
        inputs = _regressors(motion[:, past], force[:, past], orders)
        with np.errstate(over="ignore", invalid="ignore"):
            motion[:, i] = (inputs @ matrices)[:, 0]
    return motion[:, warm_up:]


def stepped(trajectory, warm_up, num_steps, method):
    """The trajectory's own problem, stepped on from the last known state at the same Δt.

    Args:
        trajectory: `Trajectory` with a problem.
        warm_up: number of known samples.
        num_steps: length of the forecast.
        method: as for `simulate`.

    Returns:
        `(batch, num_steps, features)`; inf where the method leaves the range of float64.
    """
    shape = (len(trajectory), num_steps, trajectory.states.shape[-1])
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")
        try:
            problem = _continued(trajectory, warm_up)
            return simulate(problem, trajectory.time_step, num_steps, method).states[:, 1:]
        except ValueError:
            return np.full(shape, np.inf)


def exact_motion(trajectory, warm_up, num_steps):
    """The exact solution of the trajectory's own problem from its last known state.

    Returns:
        `(batch, num_steps, features)`, or None where no closed form is known.
    """
    times = trajectory.times[warm_up : warm_up + num_steps]
    problem = _continued(trajectory, warm_up)
    try:
        motion = problem.exact(times)
    except ValueError:
        return None
    return np.concatenate(motion[: problem.order], axis=-1)


def _continued(trajectory, warm_up):
    """The trajectory's problem with the last known state as its start."""
    problem, dimension = trajectory.problem, trajectory.problem.dimension
    state = trajectory.states[:, warm_up - 1].astype(np.float64)
    parts = [state[:, :dimension], state[:, dimension:]][: problem.order]
    start = {
        name: part[:, 0] if dimension == 1 else part
        for name, part in zip(("position", "velocity"), parts)
    }
    return problem.with_parameters(**start, start_time=float(trajectory.times[warm_up - 1]))


def _regressors(states, force, orders):
    """Rows (1, s_i, s_{i−1}, …, F_i, F_{i−1}, …) for every i that has a whole past."""
    longest = max(orders)
    num = states.shape[1] - longest + 1
    past = [
        part[:, longest - 1 - lag : longest - 1 - lag + num]
        for part, order in zip((states, force), orders)
        for lag in range(order)
    ]
    return np.concatenate([np.ones((*states.shape[:1], num, 1)), *past], axis=-1)


def _fit(states, force, orders):
    """The matrix M of s_{i+1} = (1, s_i, …, F_i, …) M, `(unknowns, features)`."""
    inputs = _regressors(states[:, :-1], force[:, :-1], orders)
    inputs = inputs.reshape(-1, inputs.shape[-1])
    targets = states[:, max(orders) :].reshape(-1, states.shape[-1])
    size = np.abs(inputs).max(axis=0, initial=0.0)
    size[size == 0.0] = 1.0
    solution, *_ = np.linalg.lstsq(inputs / size, targets, rcond=None)
    return solution / size[:, None]
