"""Linear decays in closed form, as records for `identify`."""

import numpy as np

from oscillator_zoo.data import Trajectory

TIMES = 0.02 * np.arange(300)


def decay(times, ratio=0.02):
    """A linear decay of 1.5 Hz in closed form."""
    omega = 3.0 * np.pi
    damped = omega * np.sqrt(1.0 - ratio**2)
    return np.exp(-ratio * omega * times) * np.cos(damped * times + 0.3)


def record(times, values, force=None):
    force = np.zeros_like(times) if force is None else force
    return Trajectory(times, values[None, :, None], ("position",), force[None, :, None])
