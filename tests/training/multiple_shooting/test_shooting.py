"""Multiple shooting on records that SciPy made."""

import dataclasses

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from oscillator_zoo.training.law_fits.oscillator_laws import LAWS
from oscillator_zoo.training.law_fits.record_list import Record
from oscillator_zoo.training.multiple_shooting import Shooting, windows_of
from oscillator_zoo.training.multiple_shooting.shooting import Point

LAW = LAWS["duffing"]
TRUTH = np.array([1.0, 0.05, 0.4])  # squared frequency, damping rate, cubic stiffness
FAR = np.array([0.8, 0.2, 0.0])  # out of step by half a period after three of them


TIMES = np.linspace(0.0, 40.0, 240)


def motion(constants, start):
    """x at all times by SciPy, off by 1e-11."""

    def rhs(t, s):
        return s[1], -constants[0] * s[0] - constants[1] * s[1] - constants[2] * s[0] ** 3

    span = TIMES[0], TIMES[-1]
    return solve_ivp(rhs, span, start, "DOP853", TIMES, rtol=1e-12, atol=1e-13).y[0]


def decay(amplitude):
    values, kept = motion(TRUTH, (amplitude, 0.0)), np.full(len(TIMES), True)
    return Record("decay", TIMES, values, None, "position", kept, middle=0.0)


@pytest.fixture(scope="module")
def shooting():
    records = [decay(1.0), decay(0.6)]
    fine, coarse = (windows_of(records, 1.0, (1.0, 1.0), parts, None) for parts in (8.0, 3.0))
    return Shooting(LAW, fine, coarse)


@pytest.fixture(scope="module")
def shot(shooting):
    return shooting.search(shooting.at_rest(FAR))


def test_a_search_from_afar_ends_at_the_constants_of_the_record(shot):
    """The error of the method of order 8 at 1/8 rad a step is 1e-9 of the motion in a window."""
    assert shot.closed
    np.testing.assert_allclose(shot.point.constants, TRUTH, rtol=0, atol=1e-6)
    np.testing.assert_allclose(shot.error, 0.0, rtol=0, atol=1e-7)


def test_both_records_are_one_run_from_their_own_starts(shot, shooting):
    heads = shot.point.starts[shooting.begins]
    np.testing.assert_allclose(heads, [[1.0, 0.0], [0.6, 0.0]], rtol=0, atol=1e-6)


@pytest.mark.parametrize("scaled", [False, True])
def test_a_step_is_that_of_dense_least_squares_on_all_unknowns(scaled):
    """Starts, constants, offsets and scales at once, by differences of the error: off by 1e-8."""
    records = [decay(1.0), decay(0.6), decay(0.8)]
    records = [dataclasses.replace(r, scaled=scaled and i > 0) for i, r in enumerate(records)]
    shooting = Shooting(LAW, windows_of(records, 1.0, (1.0, 1.0), 8.0, None))
    random, num = np.random.default_rng(0), len(shooting.windows.step)
    scales = np.array([1.0, 1.1, 0.9]) if scaled else np.ones(1)
    sizes = [3, 3, 2 * num, 2 * scaled]  # constants, offsets, starts, scales but the first

    def point(unknowns):
        constants, offsets, starts, others = np.split(unknowns, np.cumsum(sizes)[:-1])
        others = np.append(1.0, others) if scaled else 1.0
        return Point(constants, offsets, starts.reshape(num, 2), others)

    def error(unknowns):
        return shooting.state(point(unknowns), shooting.groups(1)).error

    starts = 0.5 * random.standard_normal(2 * num)
    unknowns = np.concatenate([0.9 * TRUTH, [0.1, -0.2, 0.3], starts, scales[1:]])
    steps = 1e-5 * np.eye(len(unknowns))
    jacobian = np.stack([(error(unknowns + h) - error(unknowns - h)) / 2e-5 for h in steps], axis=1)
    expected = -np.linalg.lstsq(jacobian, error(unknowns), rcond=None)[0]
    state = shooting.state(point(unknowns), shooting.groups(1))
    move = shooting.move(state, shooting.groups(1))
    own = np.atleast_1d(move.scales)[1:]
    received = np.concatenate([move.constants, move.offsets, move.starts.ravel(), own])
    # Differences and the ridge of 1e-9 are both amplified by starts that few samples see.
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_step_from_where_runs_overflow_is_none(shooting):
    point = shooting.at_rest(FAR)
    point = point._replace(starts=np.full_like(point.starts, 1e200))
    with np.errstate(all="ignore"):
        state = shooting.state(point, shooting.groups(1))
        move = shooting.move(state, shooting.groups(1))
    assert np.isnan(move.constants).all()


def test_a_search_leaves_nothing_behind(shot, shooting):
    """The second has the windows and weights of the first, and ends bit for bit where it did."""
    again = shooting.search(shooting.at_rest(FAR))
    for first, second in zip(shot.point, again.point):
        np.testing.assert_array_equal(first, second)


def test_the_jacobian_is_what_constants_move_beyond_starts_and_offsets(shot):
    """Differences of SciPy's motions, of order 2 in a step of 1e-4; what a start or an offset of
    the record can do is taken off by least squares."""
    for number, amplitude in enumerate((1.0, 0.6)):
        numbers = np.array([*TRUTH, amplitude, 0.0])
        columns = [
            (motion(ends[0][:3], ends[0][3:]) - motion(ends[1][:3], ends[1][3:])) / 2e-4
            for ends in ((numbers + move, numbers - move) for move in 1e-4 * np.eye(5))
        ]
        by_constants = np.stack(columns[:3], axis=1)
        own = np.stack([*columns[3:], np.ones(len(TIMES))], axis=1)
        expected = by_constants - own @ np.linalg.lstsq(own, by_constants, rcond=None)[0]
        found = shot.jacobian[number * len(TIMES) : (number + 1) * len(TIMES)]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
