"""External forces F(t), in N: constant, sinusoid, step and chirp (and `Sampled`, next door)."""

import numpy as np

from ..checks import one_number, real_value
from .force import Force, check_force, evaluate_force, select_force, takes_ops
from .sampled import Sampled

__all__ = [
    "Chirp",
    "Constant",
    "Force",
    "Sampled",
    "Sinusoid",
    "Step",
    "check_force",
    "evaluate_force",
    "select_force",
    "takes_ops",
]


class Constant(Force):
    """A constant force, F(t) = F0.

    Args:
        value: F0, number or `(batch,)`, in N.

    Example:
    >>> Constant(2.0)(np.array([0.0, 1.0]))
    array([2., 2.])
    """

    ensemble_parameters = ("value",)

    def __init__(self, value):
        self.value = real_value("value", value, "N")
        self.check_arrays()

    def __call__(self, t, ops=np):
        (value,) = self.columns("value", ops=ops)
        return value + 0.0 * t


class Sinusoid(Force):
    """A harmonic force, F(t) = A sin(ω t + φ).

    | symbol | argument            | unit  |
    |--------|---------------------|-------|
    | A      | `amplitude`         | N     |
    | ω      | `angular_frequency` | rad/s |
    | φ      | `phase`             | rad   |

    Args:
        amplitude: number or `(batch,)`, in N.
        angular_frequency: number or `(batch,)`, in rad/s.
        phase: number or `(batch,)`, in rad; π/2 makes a cosine.

    Example:
    >>> Sinusoid(amplitude=2.0, angular_frequency=1.3, phase=np.pi / 2)(np.array([0.0]))
    array([2.])
    """

    ensemble_parameters = ("amplitude", "angular_frequency", "phase")

    def __init__(self, amplitude, angular_frequency, phase=0.0):
        self.amplitude = real_value("amplitude", amplitude, "N")
        self.angular_frequency = real_value("angular_frequency", angular_frequency, "rad/s")
        self.phase = real_value("phase", phase, "rad")
        self.check_arrays()

    def __call__(self, t, ops=np):
        amplitude, angular_frequency, phase = self.columns(*self.ensemble_parameters, ops=ops)
        return amplitude * ops.sin(angular_frequency * t + phase)


class Step(Force):
    """A force that is switched on: F(t) = A for t ≥ t_s, zero before.

    Args:
        amplitude: A, number or `(batch,)`, in N.
        time: t_s, number, in s; the one breakpoint.

    Example:
    >>> Step(amplitude=3.0, time=1.0)(np.array([0.5, 1.0, 1.5]))
    array([0., 3., 3.])
    """

    ensemble_parameters = ("amplitude",)

    def __init__(self, amplitude, time):
        self.amplitude = real_value("amplitude", amplitude, "N")
        self.check_arrays()
        cure = "An ensemble shares its breakpoints: simulate one ensemble for each time."
        self.time = one_number("time", time, "s", cure)

    @property
    def breakpoints(self):
        return (self.time,)

    def __call__(self, t, ops=np):
        (amplitude,) = self.columns("amplitude", ops=ops)
        return ops.where(t >= self.time, amplitude + 0.0 * t, 0.0 * t)


class Chirp(Force):
    """A sinusoid whose frequency grows linearly, F(t) = A sin(φ + ω0 t + (ω1 − ω0) t² / (2 T)).

    The momentary frequency is ω0 + (ω1 − ω0) t / T; the sweep goes on after T.

    | symbol | argument                  | unit  |
    |--------|---------------------------|-------|
    | A      | `amplitude`               | N     |
    | ω0     | `start_angular_frequency` | rad/s |
    | ω1     | `end_angular_frequency`   | rad/s |
    | T      | `duration`                | s     |
    | φ      | `phase`                   | rad   |

    Args:
        amplitude: number or `(batch,)`, in N.
        start_angular_frequency: number or `(batch,)`, in rad/s.
        end_angular_frequency: number or `(batch,)`, in rad/s.
        duration: positive number or `(batch,)`, in s.
        phase: number or `(batch,)`, in rad.

    Example:
    >>> float(Chirp(1.0, 0.0, 2.0, duration=10.0)(np.pi)).__round__(6)
    0.834354
    """

    ensemble_parameters = (
        "amplitude",
        "start_angular_frequency",
        "end_angular_frequency",
        "duration",
        "phase",
    )

    def __init__(
        self, amplitude, start_angular_frequency, end_angular_frequency, duration, phase=0.0
    ):
        self.amplitude = real_value("amplitude", amplitude, "N")
        self.start_angular_frequency = real_value(
            "start_angular_frequency", start_angular_frequency, "rad/s"
        )
        self.end_angular_frequency = real_value(
            "end_angular_frequency", end_angular_frequency, "rad/s"
        )
        self.duration = real_value("duration", duration, "s", above=0.0)
        self.phase = real_value("phase", phase, "rad")
        self.check_arrays()

    def __call__(self, t, ops=np):
        amplitude, start, end, duration, phase = self.columns(*self.ensemble_parameters, ops=ops)
        return amplitude * ops.sin(phase + (start + (end - start) * t / (2.0 * duration)) * t)


FORMULAS = (Constant, Sinusoid, Step, Chirp)
