"""What is doubted in a fit, and that nothing is where all is well."""

import dataclasses

import numpy as np
import pytest
from decay_records import TIMES, decay, record
from scipy.integrate import solve_ivp

from oscillator_zoo.data import load_measurement
from oscillator_zoo.training import identify


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


@pytest.fixture(scope="module")
def driven():
    """A mass of 0.5 on a spring, under a force that is held: exact steps in closed form."""
    draws = np.random.default_rng(3)
    force = draws.normal(size=300)
    omega, ratio, step = 10.0, 0.02, 0.02
    system = np.array([[0.0, 1.0], [-(omega**2), -2.0 * ratio * omega]])
    values, basis = np.linalg.eig(system)
    turn = ((basis * np.exp(values * step)) @ np.linalg.inv(basis)).real
    kick = np.linalg.solve(system, (turn - np.eye(2)) @ [0.0, 2.0])
    states = [np.zeros(2)]
    for pull in force[:-1]:
        states.append(turn @ states[-1] + kick * pull)
    x = np.array(states)[:, 0]
    return record(TIMES, noisy(x, 0.005 * x.std()), force)


@pytest.mark.parametrize(
    ("factor", "kind", "words"),
    [
        (1.0, "force", None),
        (-1.0, "force", "The mass is below 0: -0.5"),
        (-2.0, "force", None),  # −1, as of a base whose kind was not said
        (-2.0, "base_acceleration", None),
        (2.0, "base_acceleration", "On a shaken base the mass is −1"),
        (-20.0, "base_acceleration", "On a shaken base the mass is −1"),
    ],
)
def test_the_sign_of_a_force_and_the_mass_on_a_base(driven, factor, kind, words):
    given = dataclasses.replace(driven, force=factor * driven.force, input_kind=kind)
    found = identify(given, model="linear", force_between="held")
    assert found.estimates["mass"].value == pytest.approx(0.5 * factor, rel=0.02)
    assert len(found.doubts) == (words is not None), found.doubts
    assert words is None or found.doubts[0].startswith(words)


def test_a_base_in_other_units_than_the_motion_has_another_mass(driven):
    units = {"force": "g", "position": "mm"}
    given = dataclasses.replace(
        driven, force=driven.force, input_kind="base_acceleration", units=units
    )
    assert identify(given, model="linear", force_between="held").doubts == []


def test_a_pendulum_in_degrees_without_a_unit_is_doubted():
    slope = lambda t, s: [s[1], -16.0 * np.sin(s[0]) - 0.1 * s[1]]  # noqa: E731
    given = {"t_eval": TIMES, "rtol": 1e-10, "atol": 1e-12}
    x = solve_ivp(slope, (0.0, TIMES[-1]), [1.2, 0.0], "DOP853", **given).y[0]
    found = identify(record(TIMES, noisy(np.degrees(x), 0.2)), model="duffing")
    assert any("a pendulum whose angle is in degrees" in doubt for doubt in found.doubts)
    assert identify(record(TIMES, noisy(x, 0.003)), model="duffing").doubts == []
