"""What the PINN benchmark needs of a contender, and the clock of its training."""

import dataclasses
import time
from collections.abc import Callable

import numpy as np

STEP_NETWORK = (32, 32, 32)  # of the table of training steps, tanh
now = time.perf_counter  # what training is timed by; `pinn.py --cpu` takes time.process_time


@dataclasses.dataclass
class Solver:
    """A contender on one problem.

    motion: times s `(num,)` -> [X, X', …] up to the order of the equation, `(num, dimension)`.
    adam: takes that many steps of Adam, and waits for them; the first call compiles.
    train: trains with a `Clock` until it says that time is up.
    setup: what else has to happen once before training is timed.
    facts: what the results should say about it.
    """

    motion: Callable
    adam: Callable | None
    train: Callable
    setup: Callable | None = None
    facts: dict = dataclasses.field(default_factory=dict)


def column(values, dtype):
    return np.reshape(values, (-1, 1)).astype(dtype)


class Clock:
    """Counts training seconds, and samples the error at times that are equidistant on a log scale.

    Args:
        budget: training time, in s.
        measure: function without arguments that returns (relative error, largest residual).
        target: relative error at which training may end; None trains to the end of the budget.
    """

    def __init__(self, budget, measure, target=None):
        self.budget, self.measure, self.target = budget, measure, target
        self.used, self.running, self.samples = 0.0, False, []
        self.marks = iter(10.0 ** (np.arange(-16, 40) / 8.0))
        self.mark = next(self.marks)

    def elapsed(self):
        return self.used + (now() - self.begin if self.running else 0.0)

    def cosine(self):
        """1 at the begin of the budget, 0 at its end: the share of its rate that Adam has left."""
        return 0.5 * (1.0 + np.cos(np.pi * min(self.elapsed() / self.budget, 1.0)))

    def resume(self):
        self.begin, self.running = now(), True

    def pause(self):
        self.used, self.running = self.elapsed(), False

    def check(self, stop=None, every=False):
        """Sample the error when due, or on `every` call. True at the end, after `stop()`."""
        if every or self.elapsed() >= self.mark:
            self.sample()
        reached = bool(self.samples) and self.target and self.samples[-1][1] <= self.target
        over = bool(reached) or self.elapsed() >= self.budget
        if over and stop is not None:
            stop()
        return over

    def sample(self):
        """Append (seconds, relative error, largest residual)."""
        self.pause()
        self.samples.append((self.used, *self.measure()))
        while self.mark <= self.used:
            self.mark = next(self.marks)
        self.resume()


def step_times(run, seconds=1.0, repeats=5, least=100):
    """Seconds of one step, where run(n) takes n steps and waits; medians over `repeats`.

    At least `least` steps are taken at a time: a long `fit` of ours is compiled otherwise.

    Returns:
        {"seconds": by the clock on the wall, "cpu": of the processor, which other processes on the
        same core disturb less}.
    """
    num, spent = least, 0.0
    while True:
        run(num)  # so many may have to be compiled
        begin = time.perf_counter()
        run(num)
        spent = time.perf_counter() - begin
        if spent > 0.5 * seconds:
            break
        num = max(num + 100, int(num * seconds / max(spent, 1e-3)) // 100 * 100)
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        run(num)
        walls.append((time.perf_counter() - wall) / num)
        cpus.append((time.process_time() - cpu) / num)
    return {"seconds": float(np.median(walls)), "cpu": float(np.median(cpus))}
