"""Splits: disjoint parts, in order, whose problems tell the truth."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oscillator_zoo.data import (
    DampedOscillator,
    Decay,
    InitialValueProblem,
    Sinusoid,
    Trajectory,
    sample_oscillators,
    simulate,
    split_by_time,
    split_by_trajectory,
)

fraction_lists = st.lists(st.floats(0.05, 1.0), min_size=1, max_size=4).map(
    lambda shares: [share / max(1.0, sum(shares)) for share in shares]
)


def numbered(num_trajectories, num_times):
    """Each sample knows its trajectory and its index in time."""
    which, when = np.meshgrid(np.arange(num_trajectories), np.arange(num_times), indexing="ij")
    states = np.stack([which, when], axis=-1).astype(float)
    names = ("position", "velocity")
    return Trajectory(np.arange(num_times) * 0.5, states, names, states[:, :, :1] + 0.5)


def samples(part):
    return set(map(tuple, part.states.reshape(-1, 2).astype(int).tolist()))


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 60), fraction_lists, st.integers(0, 1000))
def test_parts_by_trajectory_are_whole_disjoint_and_of_the_size_asked_for(num, fractions, seed):
    whole = numbered(num, 3)
    try:
        parts = split_by_trajectory(whole, fractions, seed)
    except ValueError as error:
        assert "must hold at least one" in str(error)
        assume(False)
    rows = [part.states[:, 0, 0].astype(int).tolist() for part in parts]
    together = [row for part in rows for row in part]
    assert len(set(together)) == len(together)
    assert all(part == sorted(part) and len(part) for part in rows)
    if sum(fractions) > 1 - 1e-9:
        assert len(together) == num
    for part, chosen, fraction in zip(parts, rows, fractions):
        assert abs(len(chosen) - fraction * num) <= 1.0  # each edge is rounded to the nearest
        np.testing.assert_array_equal(part.states, whole.states[chosen])
        np.testing.assert_array_equal(part.force, whole.force[chosen])


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 200), fraction_lists, st.integers(0, 20))
def test_parts_by_time_follow_each_other_after_the_gap(num_times, fractions, gap):
    whole = numbered(2, num_times)
    try:
        parts = split_by_time(whole, fractions, gap)
    except ValueError as error:
        assert "must hold at least one" in str(error)
        assume(False)
    indices = [part.states[0, :, 1].astype(int).tolist() for part in parts]
    assert indices[0][0] == 0
    for part in indices:
        assert part == list(range(part[0], part[-1] + 1))
    for before, after in itertools.pairwise(indices):
        assert after[0] - before[-1] == gap + 1
    if sum(fractions) > 1 - 1e-9:
        assert indices[-1][-1] == num_times - 1
    usable = num_times - gap * (len(fractions) - 1)
    for part, chosen, fraction in zip(parts, indices, fractions):
        assert abs(len(chosen) - fraction * usable) <= 1.0
        np.testing.assert_array_equal(part.times, whole.times[chosen])
        np.testing.assert_array_equal(part.states, whole.states[:, chosen])
        np.testing.assert_array_equal(part.force, whole.force[:, chosen])


def test_both_splits_share_no_sample():
    whole = numbered(10, 20)
    for parts in (split_by_trajectory(whole, (0.6, 0.4), 0), split_by_time(whole, (0.6, 0.4))):
        one, other = map(samples, parts)
        assert not one & other
        assert len(one | other) == 200


def test_the_seed_decides_the_split():
    whole = numbered(100, 2)
    one, same, other = (
        split_by_trajectory(whole, (0.5, 0.5), seed)[0].states[:, 0, 0] for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert set(one) != set(other)
    assert set(one) != set(range(50))


def test_parts_by_trajectory_carry_their_own_problems():
    oscillators = sample_oscillators(10, seed=0, force=Sinusoid(np.arange(10.0), 1.3))
    for part in split_by_trajectory(simulate(oscillators, 0.1, 20), (0.7, 0.3), seed=0):
        again = simulate(part.problem, 0.1, 20)
        np.testing.assert_allclose(again.states, part.states, rtol=0, atol=1e-12)  # rounding


@pytest.mark.parametrize(
    "problem",
    [
        DampedOscillator(damping=0.2, force=Sinusoid(1.0, 1.3), velocity=0.5, start_time=3.0),
        sample_oscillators(4, seed=0, force=Sinusoid(1.0, 1.3)),
        Decay(rate=0.3, position=2.0),
    ],
    ids=["single", "ensemble", "first order"],
)
def test_simulating_the_problem_of_a_later_part_continues_the_motion(problem):
    first, second = split_by_time(simulate(problem, 0.05, 99), (0.5, 0.5), gap=10)
    assert first.problem is problem
    assert second.problem.start_time == second.times[0] == pytest.approx(problem.start_time + 2.75)
    again = simulate(second.problem, 0.05, len(second.times) - 1)
    # The grids t0 + i h and t_k + j h differ by rounding, and with them the force.
    np.testing.assert_allclose(again.states, second.states, rtol=0, atol=1e-12)
    np.testing.assert_allclose(again.times, second.times, rtol=0, atol=1e-13)


def test_the_first_state_of_a_later_part_is_its_problems_initial_state():
    class Plane(InitialValueProblem):
        def rhs(self, t, x, v, ops=np):
            return -x

    for start in (Plane([1.0, 2.0], [0.0, 0.0], dimension=2), Plane(np.eye(2), np.eye(2))):
        part = split_by_time(simulate(start, 0.1, 19), (0.5, 0.5))[1]
        x, v = part.problem.initial_state()
        np.testing.assert_array_equal(np.concatenate([x, v], axis=-1), part.states[:, 0])
        assert part.problem.ensemble_size == start.ensemble_size


def test_copies_of_one_motion_get_a_start_each():
    one = simulate(DampedOscillator(), 0.1, 9)
    shaken = one.states + np.array([0.0, 0.1])[:, None, None]
    pair = dataclasses.replace(one, states=shaken, force=np.repeat(one.force, 2, axis=0))
    part = split_by_time(pair, (0.5, 0.5))[1]
    np.testing.assert_array_equal(part.problem.position, part.states[:, 0, 0])


def test_a_problem_that_cannot_start_elsewhere_is_dropped():
    class Fixed(InitialValueProblem):
        def __init__(self):
            super().__init__(1.0, 0.0)

        def rhs(self, t, x, v, ops=np):
            return -x

    first, second = split_by_time(simulate(Fixed(), 0.1, 9), (0.5, 0.5))
    assert isinstance(first.problem, Fixed)
    assert second.problem is None
    positions = dataclasses.replace(
        simulate(DampedOscillator(), 0.1, 9),
        states=np.zeros((1, 10, 1)),
        feature_names=("position",),
    )
    assert split_by_time(positions, (0.5, 0.5))[1].problem is None


def test_a_measurement_stays_without_a_problem():
    assert all(part.problem is None for part in split_by_time(numbered(1, 10), (0.5, 0.5)))


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ((0.7, 0.4), r"sum of at most 1. Received: \(0.7, 0.4\) with the sum 1.1. Divide"),
        ((0.5, 0.0), r"fractions must be > 0"),
        ((1.2, -0.2), r"fractions must be > 0"),
        ((0.5, np.nan), r"fractions must be a finite"),
        ((), r"empty array"),
        ("half", r"fractions must be a finite"),
        (((0.5, 0.5),), r"sequence of shares"),
        ((0.98, 0.02), r"one of the 10 .*which give parts of \[10, 0\].*more data"),
    ],
)
@pytest.mark.parametrize("split", ["trajectory", "time"])
def test_fractions_that_make_no_parts_are_refused(split, fractions, message):
    with pytest.raises(ValueError, match=message):
        if split == "trajectory":
            split_by_trajectory(numbered(10, 10), fractions, seed=0)
        else:
            split_by_time(numbered(10, 10), fractions)


def test_thirds_are_accepted_in_spite_of_rounding():
    assert [len(part) for part in split_by_trajectory(numbered(9, 2), (1 / 3,) * 3, 0)] == [3] * 3
    assert sum((0.7, 0.2, 0.1)) < 1
    assert [len(part) for part in split_by_trajectory(numbered(10, 2), (0.7, 0.2, 0.1), 0)] == [
        7,
        2,
        1,
    ]


def test_gaps_that_leave_nothing_are_refused():
    with pytest.raises(ValueError, match=r"one of the 0 times \(after 1 gaps of 10\)"):
        split_by_time(numbered(1, 10), (0.5, 0.5), gap=10)
    with pytest.raises(ValueError, match=r"gap must be an integer of at least 0"):
        split_by_time(numbered(1, 10), (0.5, 0.5), gap=-1)
    with pytest.raises(ValueError, match=r"gap must be an integer.*Write gap=2"):
        split_by_time(numbered(1, 10), (0.5, 0.5), gap=2.0)
    with pytest.raises(ValueError, match=r"seed must be an integer"):
        split_by_trajectory(numbered(10, 2), (0.5, 0.5), seed="a")


def test_arrays_in_place_of_a_trajectory_are_refused():
    for split in (
        lambda x: split_by_trajectory(x, (0.5, 0.5), 0),
        lambda x: split_by_time(x, (1.0,)),
    ):
        with pytest.raises(ValueError, match=r"A Trajectory is expected.* Received: ndarray"):
            split(np.ones((3, 4, 2)))
