"""What made a residual is named, with the constants that are there without it."""

import re

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from oscillator_zoo.data import Trajectory
from oscillator_zoo.training import identify

TIMES = 0.02 * np.arange(400)
NOISE = 0.003 * np.random.default_rng(5).normal(size=400)


def decay(times, frequency=1.5, ratio=0.02, phase=0.3):
    """A linear decay in closed form."""
    omega = 2.0 * np.pi * frequency
    damped = omega * np.sqrt(1.0 - ratio**2)
    return np.exp(-ratio * omega * times) * np.cos(damped * times + phase)


def record(values, force=None):
    force = np.zeros_like(values) if force is None else force
    return Trajectory(TIMES, values[None, :, None], ("position",), force[None, :, None])


SPOILT = {
    "The zero of record 1 seems to drift": lambda x: x + 2.0 * np.exp(-TIMES / 6.0),
    "record 1 holds another motion, or hum": lambda x: x + 0.2 * np.cos(2.0 * np.pi * 11.0 * TIMES),
    "changed in record 1 at about 3.": lambda x: np.where(TIMES < 3.91, x, 0.3 * x + 0.1),
    "changed in record 1 at about 1": lambda x: np.where(TIMES < 1.0, 0.9, decay(TIMES - 1.0)),
}


@pytest.mark.parametrize("words", SPOILT)
def test_what_spoils_a_decay_is_named(words):
    found = identify(record(SPOILT[words](decay(TIMES)) + NOISE), model="linear")
    (sentence,) = [doubt for doubt in found.doubts if words in doubt]
    decays = [float(number) for number in re.findall(r"([\d.]+) Hz", sentence)]
    expected = 11.0 if "hum" in words else 1.5
    assert min(abs(number - expected) for number in decays) < 2e-3
    assert "not white" in found.doubts[0] and found.rmse > 0.02


def driven(lag=0.0, frequencies=(0.4, 0.9, 1.4, 2.1, 2.9)):
    """Position under sines, late by a lag, and their force: closed form of the steady motion."""
    omega = 2.0 * np.pi * np.array(frequencies)
    turn = np.exp(1j * (np.outer(TIMES, omega) + np.arange(len(omega)) ** 2))
    answer = 1.0 / (50.0 - 0.5 * omega**2 + 1j * 0.6 * omega) * np.exp(-1j * omega * lag)
    x = (turn * answer).real.sum(axis=1)
    return x + 2e-3 * x.std() * NOISE / NOISE.std(), turn.real.sum(axis=1)


@pytest.mark.parametrize(
    ("lag", "words"),
    [(0.01, "The motion seems to come later than the force"), (-0.01, "The force seems to come")],
)
def test_a_lag_between_force_and_motion_is_named(lag, words):
    found = identify(record(*driven(lag)), model="linear", force_between="smooth")
    (sentence,) = [doubt for doubt in found.doubts if words in doubt]
    assert float(re.search(r"lag of about ([\d.]+) s", sentence)[1]) == pytest.approx(0.01, rel=0.3)
    assert identify(record(*driven()), model="linear", force_between="smooth").doubts == []


def test_a_drift_under_a_force_is_named():
    x, force = driven()
    found = identify(record(x + x.std() * TIMES / 8.0, force), "linear", force_between="smooth")
    assert any(
        "The zero seems to drift: powers of the time up to 3 take" in d for d in found.doubts
    )


def test_harmonics_of_a_hardening_spring_are_no_other_motion():
    x = decay(TIMES)
    found = identify(record(x + 0.05 * x**3 + NOISE), model="linear")
    assert "not white" in found.doubts[0]
    assert not any("holds another" in doubt or "drift" in doubt for doubt in found.doubts)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("velocity", r"record 1 with a position, of .* as velocity, a linear one leaves 0.0"),
        ("exchanged", "with force and motion exchanged, a linear one leaves 0.0"),
    ],
)
def test_columns_that_are_something_else_are_refused(given, words):
    x, force = driven(frequencies=np.linspace(0.3, 4.0, 12))
    columns = (np.gradient(x, TIMES), force) if given == "velocity" else (force, x)
    with pytest.raises(ValueError, match=words):
        identify(record(*columns), model="linear", force_between="smooth")


def test_single_samples_far_off_are_counted():
    values = decay(TIMES) + NOISE
    values[[50, 120, 300]] += [2.0, -1.5, 3.0]
    found = identify(record(values), model="linear")
    (sentence,) = found.doubts
    assert "3 samples of record 1 lie more than 6 deviations off, the farthest at 6 s" in sentence


def test_numbers_that_are_held_are_counted():
    values = decay(TIMES) + NOISE
    for first in (40, 120, 200):
        values[first + 1 : first + 9] = values[first]
    found = identify(record(values), model="linear")
    assert any("24 samples of record 1 repeat the one before, up to 8" in d for d in found.doubts)
    values = decay(TIMES) + NOISE
    values[1::2] = values[::2]
    found = identify(record(values), model="linear")
    assert any("repeat the one before, up to 1 in a row" in doubt for doubt in found.doubts)


@pytest.mark.parametrize("digit", [0.2, 0.02, 0.002, 1e-4])
def test_coarse_digits_are_no_held_numbers(digit):
    values = digit * np.rint((decay(TIMES, ratio=0.05) + NOISE) / digit)
    found = identify(record(values), model="linear")
    assert not any("repeat" in doubt or "deviations off" in doubt for doubt in found.doubts)


def test_a_rest_before_a_hit_is_no_held_number():
    values = np.zeros(400)
    for first in (60, 160, 260):
        values[first : first + 80] = np.rint(500.0 * decay(TIMES[:80], ratio=0.4, phase=-1.5))
    found = identify(record(values), model="linear")
    assert not any("repeat" in doubt for doubt in found.doubts)


def test_a_hardening_spring_is_no_change_half_way():
    slope = lambda t, s: [s[1], -30.0 * s[0] - 50.0 * s[0] ** 3 - 0.1 * s[1]]  # noqa: E731
    given = {"t_eval": TIMES, "rtol": 1e-9, "atol": 1e-11}
    x = solve_ivp(slope, (0.0, TIMES[-1]), [1.0, 0.0], "DOP853", **given).y[0]
    found = identify(record(x + NOISE), model="linear")
    assert "not white" in found.doubts[0] and not any("changed" in d for d in found.doubts)
