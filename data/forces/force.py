"""What a problem accepts as its force F(t): objects of the class `Force`, and plain functions."""

import inspect
import numbers

import numpy as np

from ..checks import read_only
from ..ensemble import Ensemble


class Force(Ensemble):
    """Base of the forces: a function of time that says where it jumps.

    Subclass it for a force of your own: keep the constructor's arguments as attributes and write
    `__call__(t, ops=numpy)` with functions that `numpy` and `keras.ops` share. A plain function
    of t is accepted too wherever a force is, but cannot be saved with a model.

    Attributes:
        breakpoints: times, in s, at which the force jumps.
        kinks: times, in s, at which its slope jumps.
        ensemble_parameters: names of arguments that may be arrays of shape `(batch,)`.
    """

    breakpoints = ()
    kinks = ()

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
        sizes = [len(value) for value in self.arrays().values()]
        return max(sizes) if sizes else None

    def select(self, index):
        """The force on one trajectory of an ensemble, or on some."""
        return self.with_parameters(**{name: value[index] for name, value in self.arrays().items()})

    def check_arrays(self):
        """Raise unless the arrays among `ensemble_parameters` are all of one shape `(batch,)`."""
        arrays = self.arrays()
        for name, value in arrays.items():
            if value.ndim != 1:
                raise ValueError(
                    f"{name} must be a number or an array of shape (batch,). "
                    f"Received shape {value.shape}. Flatten it."
                )
        if len({len(value) for value in arrays.values()}) > 1:
            raise ValueError(
                f"The arrays in {type(self).__name__} must have one size (batch,). Received: "
                + ", ".join(f"{name} of size {len(value)}" for name, value in arrays.items())
                + ". Pass a number for what all forces share."
            )


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
        values = [evaluate_force(one, t, ops) + 0.0 * t for one in force]
        zero = sum(0.0 * value for value in values)  # of the shape that all of them share
        return ops.concatenate([value + zero for value in values], axis=-1)
    # A loop of steps comes here with numbers: it is not sent through two functions more.
    if isinstance(force, Force) or takes_ops(force):
        return force(read_only(t) if isinstance(t, np.ndarray) else t, ops=ops)
    values = plain_force_values(force, t, ops)
    return values if ops is np else ops.convert_to_tensor(values, t.dtype)


def takes_ops(force):
    """Whether a force is a function of (t, ops) and not a plain function of t."""
    if isinstance(force, Force):
        return True
    try:
        return "ops" in inspect.signature(force).parameters
    except (TypeError, ValueError):  # NumPy's own functions need not have a signature
        return False


def plain_force_values(force, t, ops=np):
    """A plain function of t evaluated by NumPy, as data: float64 of the shape of `t`."""
    try:
        times = np.asarray(t if ops is np else ops.convert_to_numpy(t), np.float64)
    except Exception:
        raise ValueError(
            "A force that is a plain function of t is evaluated by NumPy and cannot run inside a "
            f"compiled graph. Received: {force!r}. Write it as f(t, ops) with ops.sin and the "
            "like, or use oscillator_zoo.data.Sampled."
        ) from None
    try:
        with np.errstate(all="ignore"):  # what is not finite is refused below
            values = np.asarray(force(read_only(times)))
    except (TypeError, ValueError) as error:
        raise ValueError(
            "A force must be a function f(t) of an array of times in s. "
            f"Received {force!r}, which failed: {error}. Write it with NumPy's functions, "
            "np.where in place of if, and nothing written to t."
        ) from error
    if values.dtype.kind not in "iufb":
        raise ValueError(
            f"A force must return real numbers in N. Received {values.dtype} from {force!r}. "
            "Return an array of floats."
        )
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
        if one is None or (callable(one) and not isinstance(one, type)):
            continue
        cure = "Pass one of them."
        if isinstance(one, type):
            cure = f"Make one: {one.__name__}(…)."
        elif isinstance(one, numbers.Real):
            cure = f"For a constant force write Constant({one!r})."
        raise ValueError(
            "force must be None, a function of t, or one of Constant, Sinusoid, Step, Chirp, "
            f"Sampled. Received: {one!r}. {cure}"
        )
    return force


def select_force(force, index):
    """The force of one trajectory (an integer) or of some (a slice or an array)."""
    if isinstance(force, tuple):
        return tuple(select_force(one, index) for one in force)
    return force.select(index) if getattr(force, "ensemble_size", None) is not None else force
