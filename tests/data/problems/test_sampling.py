"""Random ensembles and noise: repeatable, in range, independent of what else is drawn."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscillator_zoo.data import (
    DampedOscillator,
    Sinusoid,
    add_noise,
    sample_oscillators,
    simulate,
)

DRAWN = ("damping", "stiffness", "position", "velocity")


def test_the_same_seed_gives_the_same_bits_everywhere():
    oscillators = sample_oscillators(100, seed=7, mass=(1.0, 3.0))
    values = np.stack([getattr(oscillators, name) for name in ("mass", *DRAWN)])
    digest = hashlib.sha256(values.astype("<f8").tobytes()).hexdigest()
    assert digest == "89c66e4fb3fa0cb7c286bd19035e030f22b0e539434779ff02a9ee81a25435cb"


def test_other_seeds_give_other_oscillators():
    one, other = (sample_oscillators(100, seed=seed).damping for seed in (0, 1))
    assert not np.isin(one, other).any()


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 2**64))
def test_an_oscillator_stays_the_same_when_more_are_drawn(num, more, seed):
    few, many = sample_oscillators(num, seed), sample_oscillators(num + more, seed)
    for name in DRAWN:
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[:num])


def test_fixing_one_parameter_changes_no_other():
    free, fixed = sample_oscillators(9, seed=0), sample_oscillators(9, seed=0, stiffness=4.0)
    assert fixed.stiffness == 4.0
    for name in ("damping", "position", "velocity"):
        np.testing.assert_array_equal(getattr(free, name), getattr(fixed, name))


def test_parameters_are_uniform_and_uncorrelated():
    # Mean and correlation of 10 000 draws scatter by .003 and .01 of the range: four times that.
    oscillators = sample_oscillators(10_000, seed=0, damping=(0.2, 0.6))
    damping = oscillators.damping
    assert 0.2 <= damping.min() < 0.201
    assert 0.599 < damping.max() < 0.6
    assert abs(damping.mean() - 0.4) < 4 * 0.003 * 0.4
    correlation = np.corrcoef([getattr(oscillators, name) for name in DRAWN])
    assert np.abs(correlation - np.eye(4)).max() < 0.04


def test_every_parameter_may_be_fixed_and_the_ensemble_keeps_its_size():
    oscillators = sample_oscillators(
        5, 0, mass=2, damping=0.1, stiffness=3.0, position=1.0, velocity=0.5, start_time=2.0
    )
    assert oscillators.ensemble_size == 5
    motion = simulate(oscillators, time_step=0.1, num_steps=10)
    alone = DampedOscillator(2.0, 0.1, 3.0, None, 1.0, 0.5, start_time=2.0)
    expected = simulate(alone, time_step=0.1, num_steps=10)
    every = np.repeat(expected.states, 5, axis=0)
    np.testing.assert_allclose(motion.states, every, rtol=0, atol=1e-12)  # rounding
    np.testing.assert_array_equal(motion.times, expected.times)


def test_default_oscillators_are_stable_under_euler_up_to_a_tenth_of_a_second():
    oscillators = sample_oscillators(1000, seed=0)
    rate, squared_frequency = oscillators.damping, oscillators.stiffness
    for step in (0.01, 0.1):  # |λ|² of an underdamped oscillator
        assert np.all(1.0 - step * rate + step**2 * squared_frequency <= 1.0)
    assert np.all(rate < 2.0 * np.sqrt(squared_frequency))


def test_one_oscillator_is_an_ensemble_of_one():
    assert sample_oscillators(1, seed=0).ensemble_size == 1


def test_the_force_may_differ_between_oscillators():
    force = Sinusoid(np.array([1.0, 2.0, 3.0]), angular_frequency=1.3)
    assert sample_oscillators(3, seed=0, force=force).force is force
    with pytest.raises(ValueError, match=r"position of size 4, force of size 3|force of size 3"):
        sample_oscillators(4, seed=0, force=force)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_oscillators": 0}, r"num_oscillators must be an integer of at least 1"),
        ({"num_oscillators": 2.0}, r"Write num_oscillators=2"),
        ({"seed": -1}, r"seed must be an integer of at least 0"),
        ({"seed": None}, r"seed must be an integer.*Received: None"),
        ({"damping": (0.5, 0.1)}, r"damping must be .*lo <= hi, in kg/s. Received: \(0.5, 0.1\)"),
        ({"damping": (0.1, 0.2, 0.3)}, r"range \(lo, hi\).*pass arrays to DampedOscillator"),
        ({"damping": np.array([0.1, 0.2])}, r"range \(lo, hi\)"),
        ({"damping": (-0.5, 0.1)}, r"damping must be >= 0 kg/s"),
        ({"damping": (0.1, np.nan)}, r"damping must be a finite real number"),
        ({"damping": "weak"}, r"damping must be a finite real number"),
        ({"mass": (0.0, 0.0)}, r"mass must be > 0 kg"),
        ({"force": 1.0}, r"write Constant\(1.0\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sample_oscillators(**{"num_oscillators": 3, "seed": 0, **arguments})


# Noise


def clean():
    oscillators = sample_oscillators(50, seed=0, stiffness=9.0, force=Sinusoid(1.0, 1.3))
    return simulate(oscillators, time_step=0.01, num_steps=400)


def test_noise_has_the_relative_rms_asked_for_in_each_feature():
    motion = clean()
    noise = add_noise(motion, relative=0.05, seed=0).states - motion.states
    for i in range(2):
        rms = np.sqrt(np.mean(motion.states[:, :, i] ** 2))
        # 20 050 samples: the standard deviation scatters by 1/√(2·20050) = .5 %, the mean by .7 %.
        assert np.std(noise[:, :, i]) == pytest.approx(0.05 * rms, rel=0.02)
        assert abs(np.mean(noise[:, :, i])) < 4 * 0.05 * rms / np.sqrt(noise[:, :, i].size)
    assert abs(np.corrcoef(noise[:, :, 0].ravel(), noise[:, :, 1].ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(noise[:, 1:, 0].ravel(), noise[:, :-1, 0].ravel())[0, 1]) < 0.03


def test_noise_leaves_times_force_problem_and_the_original_alone():
    motion = clean()
    before = motion.states.copy()
    noisy = add_noise(motion, relative=0.1, seed=0)
    assert noisy.force is motion.force
    assert noisy.times is motion.times
    assert noisy.problem is motion.problem
    np.testing.assert_array_equal(motion.states, before)


def test_noise_repeats_with_its_seed_and_vanishes_at_zero():
    motion = clean()
    same = [add_noise(motion, 0.1, seed=3).states for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert np.all(add_noise(motion, 0.1, seed=4).states != same[0])
    np.testing.assert_array_equal(add_noise(motion, 0, seed=3).states, motion.states)


@pytest.mark.parametrize(
    ("relative", "seed", "message"),
    [
        (-0.1, 0, r"relative must be >= 0"),
        (np.nan, 0, r"relative must be a finite real number"),
        ([0.1, 0.2], 0, r"relative must be one number in 1"),
        (0.1, 0.5, r"seed must be an integer"),
    ],
)
def test_noise_that_makes_no_sense_is_refused(relative, seed, message):
    with pytest.raises(ValueError, match=message):
        add_noise(clean(), relative, seed)
