"""What is doubted in a fit, and that nothing is where all is well."""

import numpy as np
import pytest

from oscillator_zoo.data import Trajectory, load_measurement
from oscillator_zoo.training import identify

TIMES = 0.02 * np.arange(300)


def decay(times, ratio=0.02):
    """A linear decay of 1.5 Hz in closed form."""
    omega = 3.0 * np.pi
    damped = omega * np.sqrt(1.0 - ratio**2)
    return np.exp(-ratio * omega * times) * np.cos(damped * times + 0.3)


def record(times, values, force=None):
    force = np.zeros_like(times) if force is None else force
    return Trajectory(times, values[None, :, None], ("position",), force[None, :, None])


def noisy(values, share=0.005, seed=1):
    return values + share * np.random.default_rng(seed).normal(size=len(values))


@pytest.mark.parametrize(
    ("heading", "scale", "is_doubted"),
    [("t", 1e3, True), ("t (s)", 1e3, False), ("millis", 1e3, False), ("t", 1.0, False)],
)
def test_whole_numbers_without_a_unit_of_time_are_doubted(heading, scale, is_doubted):
    given = load_measurement(
        {heading: np.rint(1e5 * scale * TIMES) / 1e5, "x": noisy(decay(TIMES))}
    )
    found = identify(given, model="linear")
    assert any("whole numbers in steps of 20 s" in doubt for doubt in found.doubts) == is_doubted
    assert ("No unit of time is named: s." in str(found)) == (heading == "t")
    frequency = found.estimates["natural_frequency"].value
    assert frequency == pytest.approx(
        1.5 / (1e3 if heading != "millis" and scale > 1.0 else 1.0), rel=0.01
    )


def test_samples_that_a_rate_times_are_in_seconds():
    given = load_measurement({"x": noisy(decay(TIMES))}, sampling_rate=0.05)
    found = identify(given, model="linear")
    assert found.doubts == [] and "No unit of time" not in str(found)
