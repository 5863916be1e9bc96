"""What `identify` is given: units, and numbers that are none."""

import numpy as np
import pytest
from decay_records import TIMES, decay, record
from scipy.integrate import solve_ivp

from oscillator_zoo.data import load_measurement
from oscillator_zoo.training import identify
from oscillator_zoo.training.instrument.identifying import _may_be
from oscillator_zoo.training.law_fits.record_list import as_records


def read(heading, values, time="t (s)", times=TIMES):
    return load_measurement({time: times, heading: values})


@pytest.mark.parametrize("unit", ["deg", "°", "degrees"])
def test_an_angle_in_degrees_is_taken_in_rad(unit):
    (one,) = as_records(read(f"angle ({unit})", np.degrees(decay(TIMES))))
    np.testing.assert_allclose(one.values, decay(TIMES), rtol=1e-12)
    assert one.units["position"] == "rad"
    (one,) = as_records(read("omega (deg/s)", np.degrees(decay(TIMES))))
    np.testing.assert_allclose(one.values, decay(TIMES), rtol=1e-12)
    assert one.quantity == "velocity" and one.units["velocity"] == "rad/s"


def test_a_pendulum_in_degrees_is_one():
    slope = lambda t, s: [s[1], -16.0 * np.sin(s[0]) - 0.1 * s[1]]  # noqa: E731
    given = {"t_eval": TIMES, "rtol": 1e-10, "atol": 1e-12}
    x = solve_ivp(slope, (0.0, TIMES[-1]), [1.2, 0.0], "DOP853", **given).y[0]
    noisy = np.degrees(x) + 0.2 * np.random.default_rng(1).normal(size=len(x))
    found = identify(read("angle (deg)", noisy))
    assert found.law == "pendulum" and found.doubts == []
    for name, value in {"natural_frequency": 2.0 / np.pi, "damping_ratio": 0.1 / 8.0}.items():
        one = found.estimates[name]
        assert abs(one.value - value) < 4.0 * one.standard_error, name


def test_a_way_is_no_angle():
    for heading, may_be in (("x (mm)", False), ("x", True), ("angle (deg)", True)):
        values = (1.0 if heading != "angle (deg)" else 50.0) * decay(TIMES)
        assert _may_be("pendulum", as_records(read(heading, values))) == may_be


def test_records_in_other_units_share_no_constants():
    given = [read("x (m)", decay(TIMES)), read("x (mm)", 1e3 * decay(TIMES))]
    with pytest.raises(ValueError, match=r"one unit of the position. Received 'm' in record 1, "):
        as_records(given)
    assert len(as_records(given, scale="own")) == 2
    assert len(as_records([given[0], read("x", decay(TIMES))])) == 2


@pytest.mark.parametrize("code", [-9999.0, 1e6])
def test_a_number_for_gaps_is_no_sample(code):
    values = decay(TIMES)
    values[::50] = code
    with pytest.raises(
        ValueError, match=r"empty cell or NaN. Received .* in 6 samples of record 1, wh"
    ):
        as_records(record(TIMES, values))
    assert as_records(record(TIMES, np.clip(decay(TIMES), -0.5, 0.5)))  # clipped, not coded
