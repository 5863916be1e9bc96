"""Random ensembles of oscillators."""

import numpy as np

from ..checks import positive_integer, real_value
from .damped_oscillator import DampedOscillator

UNITS = {
    "mass": "kg",
    "damping": "kg/s",
    "stiffness": "N/m",
    "position": "m",
    "velocity": "m/s",
}


def sample_oscillators(
    num_oscillators,
    seed,
    mass=1.0,
    damping=(0.2, 0.6),
    stiffness=(0.5, 2.0),
    position=(-1.0, 1.0),
    velocity=(-1.0, 1.0),
    force=None,
    start_time=0.0,
):
    """An ensemble of damped oscillators with uniformly drawn parameters.

    Every parameter is a number, which all oscillators share, or a range (lo, hi) to draw from.
    The k-th oscillator is the same however many are drawn, and whichever of the other parameters
    are drawn with it. With the default ranges all oscillators are underdamped, and explicit Euler
    is stable for steps up to 0.1 s.

    Args:
        num_oscillators: an integer ≥ 1.
        seed: an integer ≥ 0.
        mass: m, number or (lo, hi), positive, in kg.
        damping: γ, number or (lo, hi), not negative, in kg/s.
        stiffness: k, number or (lo, hi), positive, in N/m.
        position: x0, number or (lo, hi), in m.
        velocity: v0, number or (lo, hi), in m/s.
        force: as `DampedOscillator` takes it; its arrays, if any, have `num_oscillators` values.
        start_time: t0, number, in s.

    Returns:
        `DampedOscillator` whose `ensemble_size` is `num_oscillators`.

    Raises:
        ValueError: for a range that is not two increasing numbers, values the oscillator cannot
            have, or a force of another size.

    Example:
    >>> oscillators = sample_oscillators(3, seed=1, damping=(0.1, 0.2), stiffness=4.0)
    >>> oscillators.damping.round(3), oscillators.stiffness
    (array([0.133, 0.161, 0.151]), 4.0)
    """
    num_oscillators = positive_integer("num_oscillators", num_oscillators)
    seed = positive_integer("seed", seed, at_least=0)
    given = {
        "mass": mass,
        "damping": damping,
        "stiffness": stiffness,
        "position": position,
        "velocity": velocity,
    }
    drawn = {
        name: _draw(name, value, num_oscillators, np.random.default_rng((seed, stream)))
        for stream, (name, value) in enumerate(given.items())
    }
    drawn["position"] = np.broadcast_to(drawn["position"], num_oscillators).copy()
    return DampedOscillator(**drawn, force=force, start_time=start_time)


def value_or_range(name, value, unit):
    """A float for a number, (lo, hi) in floats for a range; raises for anything else."""
    if isinstance(value, tuple | list) and len(value) == 2:
        low, high = (real_value(name, bound, unit, arrays=False) for bound in value)
        if np.ndim(low) == np.ndim(high) == 0 and low <= high:
            return low, high
    elif np.ndim(value) == 0:
        return real_value(name, value, unit, arrays=False)
    raise ValueError(
        f"{name} must be a number or a range (lo, hi) with lo <= hi, in {unit}. "
        f"Received: {value!r}. For values of your own, pass arrays to DampedOscillator."
    )


def _draw(name, value, num, generator):
    """A number as it is; for a range (lo, hi), `num` values of it."""
    value = value_or_range(name, value, UNITS[name])
    if not isinstance(value, tuple):
        return value
    low, high = value
    return low + (high - low) * generator.random(num)
