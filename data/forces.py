"""External forces F(t), in N."""

import inspect

import numpy as np

from .checks import is_tensor, real_value
from .configurable import Configurable


class Force(Configurable):
    """Base of the forces: a function of time that says where it jumps.

    Subclass it for a force of your own: keep the constructor's arguments as attributes and write
    `__call__(t, ops=numpy)` with functions that `numpy` and `keras.ops` share. A plain function
    of t is accepted too wherever a force is, but cannot be saved with a model.

    Attributes:
        breakpoints: times, in s, at which the force jumps.
        ensemble_parameters: names of arguments that may be arrays of shape `(batch,)`.
    """

    breakpoints = ()
    ensemble_parameters = ()

    def __call__(self, t, ops=np):
        """The force at time t.

        Args:
            t: time, `(…, 1)` or any shape that broadcasts against `(batch, 1)`, in s.
            ops: `numpy` or `keras.ops`.

        Returns:
            F in N, of the shape of `t`, or `(batch, …)` for an ensemble.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define __call__(self, t, ops=numpy)."
        )

    @property
    def ensemble_size(self):
        """Number of different forces, None where all trajectories share one."""
        sizes = {len(v) for v in map(self._value, self.ensemble_parameters) if np.ndim(v) == 1}
        if len(sizes) > 1:
            raise ValueError(
                f"The arrays in {type(self).__name__} must have one size (batch,). "
                f"Received the sizes {sorted(sizes)}. Pass a number for what all forces share."
            )
        return sizes.pop() if sizes else None

    def select(self, index):
        """The force on one trajectory of an ensemble, or on some."""
        chosen = {
            name: self._value(name)[index]
            for name in self.ensemble_parameters
            if np.ndim(self._value(name)) == 1
        }
        return self.with_parameters(**chosen)

    def columns(self, *names):
        """Parameters as `__call__` needs them: arrays of shape `(batch,)` become `(batch, 1)`."""
        return tuple(v[:, None] if np.ndim(v) == 1 else v for v in map(self._value, names))

    def _value(self, name):
        value = getattr(self, name)
        return None if is_tensor(value) else value


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

    def __call__(self, t, ops=np):
        (value,) = self.columns("value")
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

    def __call__(self, t, ops=np):
        amplitude, angular_frequency, phase = self.columns(*self.ensemble_parameters)
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
        self.time = real_value("time", time, "s")
        if np.ndim(self.time):
            raise ValueError(
                "time must be one number in s: all trajectories of an ensemble share their "
                f"breakpoints. Received: {time!r}. Simulate one ensemble for each time."
            )

    @property
    def breakpoints(self):
        return (self.time,)

    def __call__(self, t, ops=np):
        (amplitude,) = self.columns("amplitude")
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

    def __call__(self, t, ops=np):
        amplitude, start, end, duration, phase = self.columns(*self.ensemble_parameters)
        return amplitude * ops.sin(phase + (start + (end - start) * t / (2.0 * duration)) * t)


class Sampled(Force):
    """A force known at some times, linear between them; it raises outside them.

    In a compiled graph, where nothing can be raised, the force is NaN outside its times.

    Args:
        times: increasing, `(num,)`, in s.
        values: F at `times`, `(num,)`, or `(batch, num)` for an ensemble (NumPy only), in N.

    Raises:
        ValueError: for times that are not increasing, sizes that differ, or a call outside.

    Example:
    >>> Sampled(times=[0.0, 1.0, 2.0], values=[0.0, 4.0, 4.0])(np.array([0.25, 1.5]))
    array([1., 4.])
    """

    def __init__(self, times, values):
        self.times = real_value("times", times, "s")
        self.values = real_value("values", values, "N")
        if np.ndim(self.times) != 1 or len(self.times) < 2:
            raise ValueError(
                "times must have the shape (num,) with at least two samples. "
                f"Received shape {np.shape(times)}. Use Constant for a single value."
            )
        falling = np.flatnonzero(np.diff(self.times) <= 0.0)
        if falling.size:
            i = falling[0]
            raise ValueError(
                f"times must increase. Received {self.times[i]:g} s followed by "
                f"{self.times[i + 1]:g} s at index {i + 1}. Sort the samples, drop repetitions."
            )
        if np.ndim(self.values) not in (1, 2) or self.values.shape[-1] != len(self.times):
            raise ValueError(
                f"values must have the shape (num,) or (batch, num) with num = {len(self.times)}, "
                f"the number of times. Received shape {np.shape(values)}. Pass one value per time."
            )

    @property
    def ensemble_size(self):
        return len(self.values) if self.values.ndim == 2 else None

    def select(self, index):
        return Sampled(self.times, self.values[index]) if self.values.ndim == 2 else self

    def __call__(self, t, ops=np):
        if ops is np:
            return self._numpy(np.asarray(t, np.float64))
        if self.values.ndim == 2:
            raise ValueError(
                "In a Keras model a Sampled force has values of shape (num,). "
                f"Received shape {self.values.shape}. Take one member with force.select(i)."
            )
        times, values = (
            ops.cast(ops.convert_to_tensor(a, "float64"), t.dtype)
            for a in (self.times, self.values)
        )
        left = ops.searchsorted(times, ops.reshape(t, (-1,)), side="right") - 1
        left = ops.reshape(ops.clip(left, 0, len(self.times) - 2), ops.shape(t))
        start, end = ops.take(times, left), ops.take(times, left + 1)
        first, second = ops.take(values, left), ops.take(values, left + 1)
        inside = ops.logical_and(t >= self.times[0], t <= self.times[-1])
        force = first + (second - first) * (t - start) / (end - start)
        return ops.where(inside, force, float("nan") * t)

    def _numpy(self, t):
        outside = (t < self.times[0]) | (t > self.times[-1])
        if outside.any():
            raise ValueError(
                f"This force is known from {self.times[0]:g} s to {self.times[-1]:g} s. "
                f"Received t = {t[outside].flat[0]:g} s. Shorten the simulation or sample longer."
            )
        if self.values.ndim == 1:
            return np.interp(t, self.times, self.values)
        flat = np.stack([np.interp(t.reshape(-1), self.times, row) for row in self.values])
        return flat.reshape(len(flat), -1)


def evaluate_force(force, t, ops=np):
    """F(t) in N for whatever a problem accepts as its force.

    Args:
        force: None, a `Force`, a function `f(t, ops)`, a plain function `f(t)` (evaluated by NumPy
            at the given times and used as data), or a tuple of these, one for each coordinate.
        t: time, `(…, 1)`, in s.
        ops: `numpy` or `keras.ops`.

    Returns:
        F in N: 0.0, `(…, 1)`, or `(…, dimension)` for a tuple.

    Raises:
        ValueError: if a plain function is met inside a compiled graph, or gives a wrong shape.
    """
    if force is None:
        return 0.0
    if isinstance(force, tuple):
        return ops.concatenate([evaluate_force(f, t, ops) + 0.0 * t for f in force], axis=-1)
    if takes_ops(force):
        return force(t, ops=ops)
    return plain_force_values(force, t)


def takes_ops(force):
    """Whether a force is a function of (t, ops) and not a plain function of t."""
    return isinstance(force, Force) or "ops" in inspect.signature(force).parameters


def plain_force_values(force, t):
    """A plain function of t evaluated by NumPy, as data: float64 of the shape of `t`."""
    try:
        times = np.asarray(t, np.float64)
    except Exception:
        raise ValueError(
            "A force that is a plain function of t is evaluated by NumPy and cannot run inside a "
            f"compiled graph. Received: {force!r}. Write it as f(t, ops) with ops.sin and the "
            "like, or use oscillator_zoo.data.Sampled."
        ) from None
    values = np.asarray(force(times), np.float64)
    if values.ndim and values.shape != times.shape:
        raise ValueError(
            f"A force must return one value for each time, shape {times.shape}. "
            f"Received shape {values.shape} from {force!r}. Use elementwise functions of t."
        )
    if not np.isfinite(values).all():
        raise ValueError(
            f"A force must be finite. Received {values[~np.isfinite(values)].flat[0]} N from "
            f"{force!r}. Check it over the whole time interval."
        )
    return values + np.zeros_like(times)


def check_force(force):
    """The force as a problem keeps it; raises if it cannot be called."""
    if isinstance(force, list):
        force = tuple(force)
    for one in force if isinstance(force, tuple) else (force,):
        if one is not None and not callable(one):
            raise ValueError(
                "force must be None, a function of t, or one of Constant, Sinusoid, Step, Chirp, "
                f"Sampled. Received: {one!r}. For a constant force write Constant({one!r})."
            )
    return force


def select_force(force, index):
    """The force of one trajectory (an integer) or of some (a slice or an array)."""
    if isinstance(force, tuple):
        return tuple(select_force(one, index) for one in force)
    return force.select(index) if getattr(force, "ensemble_size", None) is not None else force
