"""Records on a shaken base, measured from it or from the ground."""

import dataclasses

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from oscillator_zoo.data import Trajectory
from oscillator_zoo.training import identify
from oscillator_zoo.training.law_fits.base_motion import on_the_base
from oscillator_zoo.training.law_fits.record_list import as_records

WAVES = np.array([[0.8, 0.7, 0.0], [0.5, 1.9, 1.0], [0.3, 3.1, 2.0]])  # size, rad/s, phase


def base(times, order):
    """Position, velocity or acceleration of the base."""
    size, omega, phase = WAVES.T[:, :, None]
    return np.sum(size * omega**order * np.sin(omega * times + phase + order * np.pi / 2), axis=0)


@pytest.fixture(scope="module")
def motion():
    """From the ground: x'' = −d (x' − b') − s (x − b); times, x, x', x''."""
    times = 0.15 * np.arange(200)

    def slope(t, s):
        b, b_rate = base(np.array([t]), 0)[0], base(np.array([t]), 1)[0]
        return [s[1], -0.4 * (s[1] - b_rate) - 9.0 * (s[0] - b)]

    given = {"t_eval": times, "rtol": 1e-10, "atol": 1e-12}
    x, v = solve_ivp(slope, (0.0, times[-1]), [0.5, 0.0], "DOP853", **given).y
    return times, x, v, -0.4 * (v - base(times, 1)) - 9.0 * (x - base(times, 0))


def record(motion, quantity, of_base):
    times, names = motion[0], ("position", "velocity", "acceleration")
    values, force = motion[1 + names.index(quantity)], base(times, names.index(of_base))
    kind = {"input_kind": f"base_{of_base}"}
    return Trajectory(times, values[None, :, None], (quantity,), force[None, :, None], **kind)


@pytest.mark.parametrize(
    ("quantity", "of_base"),
    [
        ("position", "position"),
        ("velocity", "position"),
        ("acceleration", "velocity"),
        ("acceleration", "acceleration"),
    ],
)
def test_the_bases_part_is_taken_off(motion, quantity, of_base):
    (one,) = as_records(record(motion, quantity, of_base), "ground")
    order = ("position", "velocity", "acceleration").index(quantity)
    places = np.searchsorted(motion[0], one.times - 1e-9)
    relative = (motion[1 + order] - base(motion[0], order))[places]
    # The largest error of a difference of order six: ω⁸ Δt⁶ / 560 for the fastest wave.
    np.testing.assert_allclose(one.values, relative, atol=5e-4)
    np.testing.assert_allclose(one.force, base(one.times, 2), atol=5e-4)


def test_an_accelerometer_on_a_shaken_mass(motion):
    given = record(motion, "acceleration", "acceleration")
    noise = 0.02 * np.random.default_rng(0).normal(size=given.states.shape)
    given.states[...] = given.states + noise
    found = identify(given, "linear", frame="ground", force_between="smooth").estimates
    truth = {"natural_frequency": 1.5 / np.pi, "damping_ratio": 0.2 / 3.0, "mass": -1.0}
    for name, value in truth.items():
        assert abs(found[name].value - value) < 4.0 * found[name].standard_error, name


def test_what_is_not_known_of_the_base_is_asked_for(motion):
    with pytest.raises(ValueError, match="Measure the base's position"):
        as_records(record(motion, "position", "acceleration"), "ground")
    with pytest.raises(ValueError, match="frame must be"):
        as_records(record(motion, "position", "position"), "room")
    (plain,) = as_records(record(motion, "position", "acceleration"))
    assert on_the_base(plain, "force", "ground") is plain
    uneven = dataclasses.replace(record(motion, "position", "position"), times=motion[0] ** 1.1)
    with pytest.raises(ValueError, match="equal steps"):
        as_records(uneven, "ground")


@pytest.mark.parametrize(("of_base", "unit"), [("position", "(mm/s²)"), ("velocity", "(mm/s)")])
def test_a_derivative_of_the_base_has_its_unit(motion, of_base, unit):
    units = {"force": "mm", "position": "mm"}
    given = dataclasses.replace(record(motion, "position", of_base), units=units)
    (one,) = as_records(given)
    assert one.units == {"force": unit, "position": "mm"}
    np.testing.assert_allclose(one.force, base(one.times, 2), atol=5e-4)
