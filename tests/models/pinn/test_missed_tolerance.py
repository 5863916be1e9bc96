"""A fit above its tolerance warns, with the place and what helps; short pulses are seen."""

import re

import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator, InitialValueProblem, Step, VanDerPol
from oscillator_zoo.models import PINN, LevenbergMarquardt
from oscillator_zoo.models.equation import sketch
from oscillator_zoo.models.equation.budget import MOST_RADIANS, check_motion
from oscillator_zoo.models.equation.rhs_jumps import rhs_jumps
from oscillator_zoo.models.equation.sketch import Sketch, equation_rates, rk4
from oscillator_zoo.models.equation.undeclared_jumps import undeclared_jumps
from oscillator_zoo.models.least_squares.whole_batch_optimizer import STOP_REASONS
from oscillator_zoo.models.pinn.fit_checks import warn_of_wrong_motion
from oscillator_zoo.models.pinn.missed_tolerance import warn_of_missed_tolerance
from oscillator_zoo.models.pinn.what_helps import what_helps


def pulse(t):
    """3 ms long, at 4.0 s."""
    return 100.0 * np.exp(-0.5 * ((t - 4.0) / 1e-3) ** 2)


class Bend(InitialValueProblem):
    def rhs(self, t, x, v, ops=np):
        return -x - ops.abs(x)


def fit(pinn, steps=15, **options):
    pinn.compile(LevenbergMarquardt(**options), run_eagerly=True)
    return pinn.fit(pinn.collocation_points(steps_per_epoch=steps), epochs=1, verbose=0)


def test_a_missed_tolerance_names_the_residual_the_place_andwhat_helps():
    def bend(t, ops=np):  # at 1.234 s, inside a window, which no smooth network follows
        return ops.abs(t - 1.234)

    edges = [0.0, 1.0, 2.0, 3.0]
    pinn = PINN(DampedOscillator(force=bend), 3.0, (16,), window_edges=edges, seed=0)
    message = (
        r"at most at the tolerance, 1e-06 m/s²\. Received up to [\d.e-]+, most at t = 1\.2\d* s; "
        r"fit ended with stop_reason=.*Cut that window, 1 s to 2 s: window_edges=sorted.*"
        r"error_estimate\(t\)"
    )
    fit(pinn, steps=1)  # has only begun: no word yet
    pinn.optimizer.finished.assign(STOP_REASONS.index("stalled"))
    with pytest.warns(UserWarning, match=message) as caught:
        pinn.fit(pinn.collocation_points(steps_per_epoch=1), epochs=1, verbose=0)
    assert len(caught) == 1


def test_windows_that_are_tiny_already_are_not_to_be_cut_again():
    pinn = PINN(DampedOscillator(), 3.0, (4,), window_edges=[0.0, 1.0, 1.0001, 3.0], seed=0)
    assert re.search(r"as short as 0\.0001 s.*jumps or bends with x", what_helps(pinn, 1.00005))
    assert "Cut that window, 1.0001 s to 3 s" in what_helps(pinn, 2.0)


def test_a_tolerance_of_zero_asks_for_the_smallest_residual_and_does_not_warn():
    fit(PINN(DampedOscillator(), 2.0, seed=0), tolerance=0.0)


def test_a_short_pulse_is_solved_with_the_defaults():
    """From rest the pulse, of 0.2507 N s, gives that speed: x = 0.2507 sin(t − 4) after it."""
    pinn = PINN(DampedOscillator(force=pulse, position=0.0), 10.0, seed=0)
    fit(pinn)
    after = np.linspace(4.1, 10.0, 50)
    speed = 100.0 * 1e-3 * np.sqrt(2.0 * np.pi) * np.exp(-0.5e-6)
    np.testing.assert_allclose(pinn(after)[:, 0], speed * np.sin(after - 4.0), atol=1e-7)


def test_the_sketch_steps_over_no_pulse():
    sketch = Sketch(DampedOscillator(force=pulse, position=0.0), 10.0)
    assert sketch.rates.max() > 500.0 and abs(sketch.times[sketch.rates.argmax()] - 4.0) < 0.01


def test_a_rectangle_of_a_two_thousandth_is_found():
    force = lambda t: np.where((t >= 4.0) & (t < 4.0005), 1.0, 0.0)  # noqa: E731
    assert undeclared_jumps(DampedOscillator(force=force), 10.0) == pytest.approx([4.0, 4.0005])


class Jumping(InitialValueProblem):
    """In a valley |x|, with dry friction, or with a kick in time that nothing declares."""

    def __init__(self, kind="x", position=1.0, velocity=0.0):
        self.kind = kind
        super().__init__(position, velocity)

    def rhs(self, t, x, v, ops=np):
        of_kind = {"x": -ops.sign(x), "v": -x - 0.01 * ops.sign(v), "t": -x + ops.sign(t - 0.7)}
        return of_kind[self.kind]


@pytest.mark.parametrize(
    ("kind", "velocity", "time"),
    [("x", 0.0, np.sqrt(2.0)), ("v", 0.5, np.arctan(0.5 / 1.01)), ("t", 0.0, 0.7)],
)
def test_a_jump_of_rhs_is_found_at_its_time(kind, velocity, time):
    """−sign(x) is a fall from 1 m; friction of .01 N bends a harmonic motion a little."""
    jumps = rhs_jumps(Sketch(Jumping(kind, velocity=velocity), 2.0))
    assert np.abs(np.subtract(jumps, time)).min() < 0.03


def test_bends_steep_slopes_and_declared_jumps_are_none():
    for problem in (VanDerPol(10.0), DampedOscillator(force=Step(1.0, 0.7)), Bend(1.0, 0.0)):
        assert rhs_jumps(Sketch(problem, 10.0)) == []


@pytest.mark.slow
def test_a_fit_across_a_jump_warns_with_the_place_and_what_helps():
    """With windows by rule: to have them by rule is no advice then."""
    pinn = PINN(Jumping(), 2.0, seed=0)
    fit(pinn, steps=1, tolerance=1e-15)
    pinn.optimizer.finished.assign(STOP_REASONS.index("stalled"))
    cure = r"t = [\d.]+.*No network follows an rhs that jumps, .* near t = 1\.4\d* s.*breakpoints"
    with pytest.warns(UserWarning, match=r"Received up to [\d.e-]+, most at " + cure):
        warn_of_missed_tolerance(pinn)
    pinn.set_weights([0.0 * weight for weight in pinn.get_weights()])
    with pytest.warns(UserWarning, match="differs from that of RK4 .* there at " + cure) as caught:
        assert warn_of_wrong_motion(pinn)
    assert "left out" not in str(caught[0].message)


def test_motions_beyond_the_budget_are_refused_with_numbers():
    stiff = VanDerPol(100.0, position=2.0, velocity=0.0)
    message = r"at most 10000 rad.*Received 6e\+04 rad in VanDerPol.*over 200 s: rates up to 300 "
    with pytest.raises(ValueError, match=message + r".*windows.*GB.*method='Radau'.*Up to 33 s"):
        check_motion(stiff, 200.0, np.full(100, 300.0), 300.0)
    with pytest.raises(ValueError, match=r"at most 1e\+11 multiplications a step.*Radau"):
        check_motion(DampedOscillator(), 1e7, np.full(100, 1.0), 1.0)
    check_motion(DampedOscillator(), 62_832.0, np.full(100, 1.0), 1.0)  # 10,000 periods


class Robertson(InitialValueProblem):
    """Robertson's kinetics, 1966: rates of 0.04 and 2000 rad/s in one motion."""

    order, dimension = 1, 3

    def rhs(self, t, x, ops=np):
        a, b, c = x[..., 0], x[..., 1], x[..., 2]
        slow, back, fast = 0.04 * a, 1e4 * b * c, 3e7 * b * b
        return ops.stack([back - slow, slow - back - fast, fast], axis=-1)


@pytest.mark.parametrize(
    ("problem", "duration"),
    [
        (Robertson((1.0, 0.0, 0.0)), 40.0),
        (Robertson((1.0, 0.0, 0.0)), 1e5),  # RK4 cannot follow it with any of its steps
        (VanDerPol(50.0, position=2.0, velocity=0.0), 100.0),
        (VanDerPol(1000.0, position=2.0, velocity=0.0), 3000.0),
    ],
)
def test_stiff_motions_are_refused_before_a_long_sketch(monkeypatch, problem, duration):
    """By a few thousand steps of RK4; what the message says would do is not refused."""
    steps = []

    def counted(problem, duration, num_steps):
        steps.append(num_steps)
        return rk4(problem, duration, num_steps)

    monkeypatch.setattr(sketch, "rk4", counted)
    with pytest.raises(ValueError, match=r"method='Radau'.*Up to [\d.e-]+ s would do") as caught:
        Sketch(problem, duration)
    assert sum(steps) <= 10_000
    shorter = float(re.search(r"Up to ([\d.e-]+) s", str(caught.value))[1])
    run = rk4(problem, shorter, 10_000)
    fastest = equation_rates(problem, run.times, run.states[0]).max()
    assert 0.5 < fastest * shorter / MOST_RADIANS < 1.0


def test_a_sketch_with_almost_enough_steps_is_not_made_again(monkeypatch):
    """21,900 steps of .05 rad: 21,906 are wanted by the rates that these then show."""
    steps = []

    def counted(problem, duration, num_steps):
        steps.append(num_steps)
        return rk4(problem, duration, num_steps)

    monkeypatch.setattr(sketch, "rk4", counted)
    found = Sketch(Robertson((1.0, 0.0, 0.0)), 0.5)
    assert sum(steps) < 1.2 * len(found.times)
    assert found.rates.max() * (found.times[1] - found.times[0]) < 0.0515


def test_what_would_do_meets_every_part_of_the_budget():
    """Twice too many radians, and 4.9 times too many multiplications."""
    with pytest.raises(ValueError, match=r"Received 2e\+04 rad .*Up to 4 s would do"):
        check_motion(VanDerPol(1.0), 20.0, np.full(100, 4e5), 1000.0)


def test_all_weights_of_many_windows_are_refused_before_they_are_allocated():
    pinn = PINN(DampedOscillator(), 4000.0, seed=0)
    pinn.compile(LevenbergMarquardt(variable_projection=False))
    with pytest.raises(ValueError, match=r"may take 4 GB at once\. Received all weights at once"):
        pinn.fit(pinn.collocation_points(steps_per_epoch=1), epochs=1, verbose=0)
