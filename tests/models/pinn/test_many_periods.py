"""Thousands of periods: what is done window after window grows with their number, and no faster."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator
from oscillator_zoo.models import PINN
from oscillator_zoo.models.error_bounds import chebyshev_cells, trial_bounds

LINEAR = 1.2  # times as much as by proportion, at most


def of_periods(num):
    """An untrained PINN of a motion of so many periods."""
    return PINN(DampedOscillator(stiffness=(2.0 * np.pi) ** 2, damping=0.1), float(num), seed=1)


def peak(function):
    """The most bytes that NumPy has at once in a call."""
    tracemalloc.start()
    function()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


@pytest.mark.slow
@pytest.mark.parametrize("method", ["error_bound", "error_estimate"])
def test_error_bars_take_memory_in_proportion_to_the_windows(method):
    """A comparison of cells with each other would take 16 times as much for 4 times as many."""
    few, many = (getattr(of_periods(num), method) for num in (10, 40))
    few([1.0]), many([1.0])  # what is made once
    assert peak(lambda: many([1.0])) < LINEAR * 4.0 * peak(lambda: few([1.0]))


def test_blocks_of_cells_and_times_have_the_numbers_of_all_at_once(monkeypatch):
    pinn, t = of_periods(4), np.linspace(0.0, 4.0, 50)
    whole = [pinn.error_bound(t), pinn.error_estimate(t)]
    for module in (chebyshev_cells, trial_bounds):
        monkeypatch.setattr(module, "MOST_TIMES", 7)
    monkeypatch.setattr(trial_bounds, "MOST_CELLS", 5)
    blocks = [pinn.error_bound(t), pinn.error_estimate(t)]
    np.testing.assert_allclose(blocks, whole, rtol=1e-9)  # products of matrices of other sizes


WHOLE_FIT = """
import resource, sys, time
import numpy as np
from oscillator_zoo.data import DampedOscillator
from oscillator_zoo.models import PINN, LevenbergMarquardt

def solve(periods):
    problem = DampedOscillator(stiffness=(2.0 * np.pi) ** 2, damping=2.0 / periods)
    pinn = PINN(problem, float(periods))
    pinn.compile(LevenbergMarquardt())
    pinn.fit(epochs=3, verbose=0)
    t = np.linspace(0.0, periods, 20 * periods + 1)
    error = np.abs(pinn.predict(t, verbose=0) - problem.exact(t)[0])
    pinn.evaluate(verbose=0)
    assert (error <= pinn.error_bound(t)[0]).all() and error.max() < 1e-6

solve(3)
begin = time.process_time()
solve(int(sys.argv[1]))
print(time.process_time() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""


@pytest.mark.long
def test_ten_thousand_periods_take_two_gigabytes_and_time_in_proportion():
    """Each in a process of its own; graphs of a few windows are made anew for many, some 3 s."""
    seconds = {}
    for periods in (100, 1000, 10_000):
        command = [sys.executable, "-c", WHOLE_FIT, str(periods)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        seconds[periods], gigabytes = map(float, answer.split())
        assert gigabytes < 2.0
    assert seconds[1000] < LINEAR * 10.0 * seconds[100]
    assert seconds[10_000] < LINEAR * 10.0 * seconds[1000]
