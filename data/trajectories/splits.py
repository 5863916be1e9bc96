"""Parts of the data for training, validation and test that share no sample."""

import itertools

import numpy as np

from ..checks import positive_integer, real_value
from .trajectory import check_trajectory


def split_by_trajectory(trajectory, fractions, seed):
    """Divide an ensemble at random into parts of whole trajectories.

    No trajectory is in two parts, so nothing learned from one part was seen in another. Within a
    part the trajectories keep their order.

    Args:
        trajectory: `Trajectory` of several trajectories.
        fractions: shares such as (0.7, 0.15, 0.15): positive, with a sum of 1, or less to leave
            some trajectories out.
        seed: an integer ≥ 0.

    Returns:
        Tuple of `Trajectory`, one for each fraction.

    Raises:
        ValueError: for fractions that are not positive or exceed 1 together, or an empty part.

    Example:
    >>> from oscillator_zoo.data import sample_oscillators, simulate
    >>> ensemble = simulate(sample_oscillators(10, seed=0), time_step=0.1, num_steps=50)
    >>> train, test = split_by_trajectory(ensemble, (0.8, 0.2), seed=0)
    >>> len(train), len(test)
    (8, 2)
    """
    check_trajectory(trajectory)
    generator = np.random.default_rng(positive_integer("seed", seed, at_least=0))
    edges = _edges(fractions, len(trajectory), "trajectories")
    order = generator.permutation(len(trajectory))
    return tuple(trajectory[np.sort(order[a:b])] for a, b in itertools.pairwise(edges))


def split_by_time(trajectory, fractions, gap=0):
    """Divide the time axis into consecutive parts: earlier ones to train, later ones to test.

    Every part has all trajectories and keeps its absolute times. The `problem` of a part that
    starts later starts there too: its `start_time` and initial state are the first time and
    state of the part, so that `simulate(part.problem, …)` continues the motion and `exact(t)`
    starts from the part's own first state. A problem whose constructor does not take them becomes
    None rather than claim a start that is not the part's.

    Args:
        trajectory: `Trajectory`.
        fractions: shares of the times, as in `split_by_trajectory`.
        gap: number of samples left out between two parts, so that the end of one tells less
            about the start of the next.

    Returns:
        Tuple of `Trajectory`, one for each fraction, in order of time.

    Raises:
        ValueError: for fractions that are not positive or exceed 1 together, a gap that is not an
            integer ≥ 0, or an empty part.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator, simulate
    >>> motion = simulate(DampedOscillator(damping=1.0), time_step=0.5, num_steps=9)
    >>> train, test = split_by_time(motion, (0.5, 0.5), gap=2)
    >>> train.times, test.times
    (array([0. , 0.5, 1. , 1.5]), array([3. , 3.5, 4. , 4.5]))
    """
    check_trajectory(trajectory)
    gap = positive_integer("gap", gap, at_least=0)
    num_gaps = np.size(fractions) - 1
    num_times = len(trajectory.times) - gap * num_gaps
    edges = _edges(fractions, num_times, f"times (after {num_gaps} gaps of {gap})")
    return tuple(
        _part(trajectory, a + k * gap, b + k * gap)
        for k, (a, b) in enumerate(itertools.pairwise(edges))
    )


def _edges(fractions, size, what):
    """Indices at which the parts begin and end: `(len(fractions) + 1,)`."""
    shares = np.atleast_1d(real_value("fractions", fractions, "shares of 1", above=0.0))
    if shares.ndim != 1 or shares.sum() > 1.0 + 1e-9:
        raise ValueError(
            "fractions must be a sequence of shares with a sum of at most 1. "
            f"Received: {fractions!r} with the sum {shares.sum():g}. Divide by the sum."
        )
    edges = np.concatenate([[0], np.rint(np.cumsum(shares) * max(size, 0)).astype(int)])
    if (np.diff(edges) < 1).any():
        raise ValueError(
            f"Every part must hold at least one of the {max(size, 0)} {what}. "
            f"Received fractions={fractions!r}, which give parts of {np.diff(edges).tolist()}. "
            "Use larger fractions, fewer parts or more data."
        )
    return edges


def _part(trajectory, start, end):
    problem = _problem_from(trajectory, start) if start else trajectory.problem
    return trajectory._chosen(kept=slice(start, end), problem=problem)


def _problem_from(trajectory, start):
    """The trajectory's problem with the state at index `start` as its initial state."""
    problem = trajectory.problem
    if problem is None or problem.feature_names != trajectory.feature_names:
        return None
    states = trajectory.states[:, start]
    if problem.ensemble_size is None and len(states) == 1:
        states = states[0]
    names = ("position", "velocity")[: problem.order]
    values = np.split(states, problem.order, axis=-1)
    if problem.dimension == 1:
        values = [value[..., 0] for value in values]
    changes = dict(zip(names, values), start_time=float(trajectory.times[start]))
    if not set(changes) <= set(problem.argument_names()):
        return None
    return problem.with_parameters(**changes)
