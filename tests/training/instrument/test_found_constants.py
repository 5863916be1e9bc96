"""What is known of the constants: beside an independent fit."""

import numpy as np
import pytest
from decay_records import TIMES, decay, record
from scipy.optimize import curve_fit

from oscillator_zoo.training import identify


def test_the_covariance_is_that_of_an_independent_fit():
    noise = 0.01 * np.random.default_rng(0).normal(size=TIMES.size)
    found = identify(record(TIMES, decay(TIMES) + noise), model="linear")

    def motion(t, frequency, ratio, c, a, b):
        omega = 2.0 * np.pi * frequency
        phase = omega * np.sqrt(1.0 - ratio**2) * t
        return c + np.exp(-ratio * omega * t) * (a * np.cos(phase) + b * np.sin(phase))

    start = (1.5, 0.02, 0.0, np.cos(0.3), -np.sin(0.3))
    covariance = curve_fit(motion, TIMES, decay(TIMES) + noise, start, xtol=1e-12)[1][:2, :2]
    names = list(found.estimates)
    assert names[:2] == ["natural_frequency", "damping_ratio"]
    # curve_fit differentiates by forward differences: 1e-8 of a derivative, roots of it at worst.
    np.testing.assert_allclose(found.covariance[:2, :2], covariance, rtol=1e-4)
    errors = [e.standard_error for e in found.estimates.values()]
    np.testing.assert_allclose(np.diag(found.covariance), np.square(errors), rtol=1e-12)
    # Q falls where ζ rises.
    ratio, quality = names.index("damping_ratio"), names.index("quality_factor")
    assert found.covariance[ratio, quality] == pytest.approx(-errors[ratio] * errors[quality])
