"""Random parameters of a trajectory as a function of (seed, index), by a counter-based generator.

Philox turns a key and a counter into random bits. The seed gives the key, and the counter is made
of the index, so that the parameters of trajectory 10¹² are drawn without those before it, by
whoever needs them, in whatever order.
"""

import numpy as np

from ..problems.sampling import value_or_range

# One number of each for every trajectory, drawn whether it is needed or not.
DRAWN = {
    "mass": "kg",
    "damping": "kg/s",
    "stiffness": "N/m",
    "position": "m",
    "velocity": "m/s",
    "amplitude": "N",
    "angular_frequency": "rad/s",
    "phase": "rad",
}
COUNTS = 2  # of the counter for a trajectory: Philox gives four numbers with each


def draw_uniform(seed, first, step, num):
    """Numbers from 0 to 1 for the trajectories first, first + step, …, `(num, 8)`.

    Args:
        seed: an integer ≥ 0.
        first: index of the first trajectory.
        step: from one index to the next.
        num: number of trajectories.

    Example:
    >>> both = draw_uniform(seed=1, first=6, step=1, num=2)
    >>> bool((both[1] == draw_uniform(seed=1, first=7, step=3, num=1)[0]).all())
    True
    """
    bits = np.random.Philox(seed, counter=COUNTS * first)
    generator = np.random.Generator(bits)
    if step == 1:
        return generator.random((num, len(DRAWN)))
    rows = np.empty((num, len(DRAWN)))
    for row in rows:
        generator.random(out=row)
        bits.advance(COUNTS * (step - 1))
    return rows


def check_ranges(ranges):
    """{name: number or (lo, hi)} in floats; raises for anything else."""
    return {name: value_or_range(name, value, DRAWN[name]) for name, value in ranges.items()}


def in_ranges(uniform, ranges):
    """{name: number or `(num,)`} from numbers between 0 and 1.

    Args:
        uniform: `(num, 8)`, as `draw_uniform` gives it.
        ranges: {name: number or (lo, hi)}.
    """
    return {
        name: value[0] + (value[1] - value[0]) * uniform[:, column]
        if isinstance(value := ranges[name], tuple)
        else value
        for column, name in enumerate(DRAWN)
        if name in ranges
    }
