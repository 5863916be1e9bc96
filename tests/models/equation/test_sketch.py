import numpy as np
import pytest
from scipy.integrate import solve_ivp

from oscillator_zoo.data import DampedOscillator, InitialValueProblem, Step
from oscillator_zoo.models.equation import sketch
from oscillator_zoo.models.equation.sketch import Sketch

JUMP, DURATION, TIMES = 5.0, 15.0, np.array([0.0, 2.3, 5.0, 5.01, 9.0, 15.0])


def plain_step(t):
    """A step that does not say when it jumps."""
    return 1.0 * (np.asarray(t) >= JUMP)


def true_states():
    def rhs(t, y, force):
        return [y[1], force - y[0] - 0.2 * y[1]]

    options = {"method": "DOP853", "rtol": 3e-14, "atol": 1e-14, "dense_output": True}
    before = solve_ivp(rhs, (0.0, JUMP), [1.0, 0.0], args=(0.0,), **options)
    after = solve_ivp(rhs, (JUMP, DURATION), before.y[:, -1], args=(1.0,), **options)
    return np.where(TIMES < JUMP, before.sol(TIMES), after.sol(TIMES)).T


@pytest.mark.parametrize(("force", "worst"), [(Step(1.0, JUMP), 1e-7), (plain_step, None)])
def test_states_of_a_sketch_and_how_far_they_may_be_off(force, worst):
    sketch = Sketch(DampedOscillator(damping=0.2, position=1.0, force=force), DURATION)
    states, moved = sketch.states_at(TIMES)
    off = np.abs(states - true_states()).max(axis=0)
    if worst is not None:  # a step that ends where the force jumps, of 0.025 rad: 1e-8 was seen
        assert off.max() <= worst
    else:  # a jump inside a step: off by up to a third of it, a sixth of the step before halving
        assert (off <= 2.0 * moved).all()
        assert 1e-4 <= off.max() <= 0.05 / 6.0


def test_a_motion_that_no_number_of_steps_follows_is_refused(monkeypatch):
    monkeypatch.setattr(sketch, "MOST_STEPS", sketch.FEWEST_STEPS)
    stiff = DampedOscillator(damping=1e3, stiffness=1.0)  # RK4 is unstable for steps of 0.4 s
    with pytest.raises(ValueError, match=r"250 steps of RK4 can follow\. Received Damped.* 100 s"):
        Sketch(stiff, 100.0)


class Explosive(InitialValueProblem):
    def rhs(self, t, x, v, ops=np):
        return 1e200 * x**3


def test_a_motion_that_leaves_the_numbers_at_once_has_no_rate():
    assert sketch._rate_of_beginning(Explosive(1e100, 0.0), 1.0) == 0.0
    (rate,) = np.abs(np.linalg.eigvals([[0.0, 1.0], [-9.0, 0.0]])[:1])
    assert sketch._rate_of_beginning(DampedOscillator(stiffness=9.0), 1.0) == pytest.approx(rate)
