"""Measurement noise on a motion."""

import dataclasses

import numpy as np

from ..checks import one_number, positive_integer
from .trajectory import check_trajectory


def add_noise(trajectory, relative, seed):
    """Add Gaussian noise to the states, as an imperfect instrument would.

    The noise of each feature has the standard deviation `relative` × rms, with the root mean
    square of that feature over all trajectories and times: one instrument reads the whole
    ensemble. Times and force stay exact, and `problem` stays the one that made the clean motion.

    Args:
        trajectory: `Trajectory`.
        relative: standard deviation of the noise over the rms of the signal, a number ≥ 0.
        seed: an integer ≥ 0.

    Returns:
        A new `Trajectory`.

    Raises:
        ValueError: for a negative `relative`, or a seed that is not an integer ≥ 0.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator, simulate
    >>> clean = simulate(DampedOscillator(), time_step=0.01, num_steps=1000)
    >>> noise = add_noise(clean, relative=0.1, seed=0).states - clean.states
    >>> ratio = noise.std(axis=(0, 1)) / np.sqrt(np.mean(clean.states**2, axis=(0, 1)))
    >>> ratio.round(2)
    array([0.1, 0.1])
    """
    check_trajectory(trajectory)
    cure = "For noise of your own, use dataclasses.replace(trajectory, states=...)."
    relative = one_number("relative", relative, "1 (noise over rms)", cure, at_least=0.0)
    generator = np.random.default_rng(positive_integer("seed", seed, at_least=0))
    states = trajectory.states
    with np.errstate(over="ignore"):
        rms = np.sqrt(np.mean(states**2, axis=(0, 1)))
    if not np.isfinite(rms).all():
        raise ValueError(
            "states must be finite numbers whose squares are so too. Received up to "
            f"{np.abs(states).max():g}. Count in larger units, or cut what is not finite."
        )
    noise = relative * rms * generator.standard_normal(states.shape)
    return dataclasses.replace(trajectory, states=states + noise)
