"""Motions with gaps on a grid of equal steps: the error of the cubic, and what is refused."""

import numpy as np
import pytest

from oscillator_zoo.data import Trajectory


def motion(times):
    times = np.asarray(times, np.float64)
    states = np.stack([np.cos(times), -np.sin(times)], axis=-1)[None]
    force = np.abs(times - 1.0)[None, :, None]
    return Trajectory(times, states, ("position", "velocity"), force, units={"position": "mm"})


def test_a_cubic_is_met_exactly_and_the_force_is_a_straight_line():
    times = np.array([0.0, 0.1, 0.25, 0.5, 0.6, 0.8, 1.0])
    cubic = (1.0 + times - 2.0 * times**3)[None, :, None]
    even = Trajectory(times, cubic, ("position",), 3.0 * cubic).resample(0.05)
    grid = 0.05 * np.arange(21)
    np.testing.assert_allclose(even.times, grid, rtol=0, atol=1e-15)
    np.testing.assert_allclose(even.states[0, :, 0], 1.0 + grid - 2.0 * grid**3, atol=1e-13)
    linear = np.interp(grid, times, 3.0 * cubic[0, :, 0])
    np.testing.assert_allclose(even.force[0, :, 0], linear, rtol=0, atol=1e-13)


def test_the_error_is_of_order_four():
    errors = []
    for step in (0.2, 0.1, 0.05):
        random = np.random.default_rng(0)
        uneven = motion(
            step * (np.arange(int(8 / step)) + 0.3 * random.uniform(size=int(8 / step)))
        )
        even = uneven.resample(step)
        errors.append(np.abs(even.states[0, :, 0] - np.cos(even.times)).max())
        assert even.units == {"position": "mm"} and even.time_step == pytest.approx(step)
    order = np.log2(errors[0] / errors[2]) / 2.0
    assert 3.5 < order < 4.5


@pytest.mark.parametrize(
    ("times", "options", "message"),
    [
        (np.r_[0:1:0.1, 3:4:0.1], {}, r"longer than 0.3 s is not.*Received 2.1 s, from 0.9 s to 3"),
        ([0.0, 0.1, 0.2], {}, r"between four samples. Received 3"),
        (np.r_[0:1:0.1], {"time_step": 2.0}, r"shorter than the motion. Received 2 s, for 0.9"),
        (np.r_[0:1:0.1], {"time_step": -1.0}, r"time_step must be > 0"),
        (np.r_[0:1:0.1], {"longest_gap": 0.0}, r"longest_gap must be > 0"),
    ],
)
def test_what_cannot_be_interpolated_is_refused(times, options, message):
    with pytest.raises(ValueError, match=message):
        motion(times).resample(**options)


def test_a_longer_gap_is_bridged_on_demand():
    assert len(motion(np.r_[0:1:0.1, 3:4:0.1]).resample(longest_gap=3.0).times) == 40
