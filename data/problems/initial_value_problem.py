"""The equation of motion together with its initial state."""

import numbers

import numpy as np

from ..checks import is_tensor, one_number, positive_integer, real_value
from ..ensemble import Ensemble
from ..forces.force import evaluate_force, select_force


class InitialValueProblem(Ensemble):
    """An ordinary differential equation of order 1 or 2 with its initial state.

        order 2:  x'' = rhs(t, x, x'),  x(t0) = x0,  x'(t0) = v0
        order 1:  x'  = rhs(t, x),      x(t0) = x0

    | symbol | argument     | unit |
    |--------|--------------|------|
    | x0     | `position`   | m    |
    | v0     | `velocity`   | m/s  |
    | t0     | `start_time` | s    |

    Subclass it for an equation of your own: set `order` (and `dimension`) and write `rhs`.
    Constructor arguments are kept as attributes of the same name; saving a model with the problem
    inside needs `@keras.saving.register_keras_serializable()` on the subclass.

    Many trajectories at once (an ensemble) come from arrays of shape `(batch,)` for `position`,
    `velocity` (`(batch, dimension)` where `dimension` > 1) and whatever `ensemble_parameters`
    names; `rhs` then reads those through `self.columns(..., ops=ops)`.

    Args:
        position: initial position: number, `(dimension,)`, `(batch,)`, `(batch, dimension)`, in m.
        velocity: initial velocity, the same, in m/s. Required where `order` is 2.
        start_time: number, in s.
        order: 1 or 2; by default the class's attribute `order`.
        dimension: number of coordinates; by default the class's attribute `dimension`, or the last
            axis of a `position` of rank 2.

    Raises:
        ValueError: for an order that is neither 1 nor 2, a missing or superfluous velocity, values
            that are not finite, or sizes that do not fit each other.

    Example:
    >>> class Morse(InitialValueProblem):
    ...     def rhs(self, t, x, v, ops=np):
    ...         return -2.0 * ops.exp(-x) * (1.0 - ops.exp(-x))
    >>> float(Morse(position=0.5, velocity=0.0).rhs(0.0, 0.5, 0.0)).__round__(4)
    -0.4773
    """

    order = 2
    dimension = 1
    position_unit = "m"
    force = None

    def __init__(self, position, velocity=None, start_time=0.0, order=None, dimension=None):
        self.order = type(self).order if order is None else order
        if isinstance(self.order, bool) or self.order not in (1, 2):
            raise ValueError(
                f"order must be 1 (x' = rhs) or 2 (x'' = rhs). Received: {self.order!r}. "
                "Write a higher order as a system of order 1."
            )
        if self.order == 2 and velocity is None:
            raise ValueError(
                "A problem of order 2 needs an initial velocity in m/s. Received: velocity=None. "
                "Pass velocity=0.0 for a start from rest."
            )
        if self.order == 1 and velocity is not None:
            raise ValueError(
                "A problem of order 1 starts from its position alone. "
                f"Received: velocity={velocity!r}. Leave velocity out."
            )
        unit = self.position_unit
        self.position = real_value("position", position, unit)
        self.velocity = None if velocity is None else real_value("velocity", velocity, f"{unit}/s")
        cure = "All trajectories of an ensemble start at the same time."
        self.start_time = one_number("start_time", start_time, "s", cure)
        if dimension is None:
            dimension = type(self).dimension
            if dimension == 1 and np.ndim(self.position) == 2:
                dimension = np.shape(self.position)[-1]
        self.dimension = positive_integer("dimension", dimension)
        self._check_forces()
        self._ensemble_sizes()

    def rhs(self, t, x, v=None, ops=np):
        """Right-hand side of the equation: x'' in m/s² (order 2) or x' in m/s (order 1).

        Args:
            t: time, `(…, 1)`, in s.
            x: position, `(…, dimension)`, in m.
            v: velocity, `(…, dimension)`, in m/s; order 1 has none.
            ops: `numpy` or `keras.ops`. Constants are Python floats.

        Returns:
            `(…, dimension)`.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define rhs(self, t, x, v, ops=numpy) "
            "(order 1: rhs(self, t, x, ops=numpy))."
        )

    def exact(self, t):
        """Closed-form solution, where there is one.

        Args:
            t: times, `(num,)` or `(num, 1)`, none before `start_time`, in s.

        Returns:
            Tuple (x, v) of position in m and velocity in m/s, each `(num, dimension)`, or
            `(batch, num, dimension)` for an ensemble. For order 1, v is x'.

        Raises:
            ValueError: if no closed form is known, or for times before the start.
        """
        raise ValueError(
            f"No closed form is known for {self!r}. "
            'Use simulate(method="rk4") with a small time_step.'
        )

    def as_exact(self, *motion):
        """Arrays `(batch, num, dimension)` as `exact` returns them: without an ensemble, no batch.

        An axis of 1 grows to the size of the ensemble.
        """
        size = self.ensemble_size
        if size is None:
            return tuple(component[0] for component in motion)
        return tuple(
            np.ascontiguousarray(np.broadcast_to(component, (size, *component.shape[1:])))
            for component in motion
        )

    def energy(self, x, v, ops=np):
        """Mechanical energy, where the problem has one.

        Args:
            x: position, any shape that ends in `dimension`; for dimension 1 also without that
                axis; an ensemble's begins with `batch`. In m.
            v: velocity, the same shape, in m/s.
            ops: `numpy` or `keras.ops`.

        Returns:
            Energy in J, of the shape of `x` with a last axis of 1 in place of `dimension`.
        """
        raise ValueError(
            f"{type(self).__name__} defines no energy. Override energy(x, v) to give it one."
        )

    @property
    def is_linear(self):
        """Whether `rhs` is marked `@linear`: `simulate` then takes many steps at once."""
        return getattr(type(self).rhs, "is_linear", False)

    @property
    def energy_never_grows(self):
        """Whether the true motion cannot gain `energy`: growth is then an error of the method."""
        return False

    def slopes(self, t, *state, ops=np):
        """Time derivatives of the state (x, v) → (v, x''), order 1: (x,) → (x',)."""
        rate = self.rhs(t, *state, ops=ops)
        return (rate,) if self.order == 1 else (state[1], rate)

    @property
    def feature_names(self):
        """Names of a state's components, ("position", "velocity") for one oscillator."""
        names = ("position", "velocity")[: self.order]
        if self.dimension == 1:
            return names
        return tuple(f"{name}_{i + 1}" for name in names for i in range(self.dimension))

    @property
    def coordinate_forces(self):
        """The force on each coordinate, a tuple of `dimension` forces or None."""
        given = self.force
        return given if isinstance(given, tuple) else (given,) * self.dimension

    @property
    def residual_unit(self):
        """Unit of x'' − rhs, order 1: x' − rhs."""
        return f"{self.position_unit}/s{'²' if self.order == 2 else ''}"

    @property
    def breakpoints(self):
        """Times after the start at which a force jumps, in increasing order, in s."""
        forces = self.coordinate_forces
        times = {time for force in forces for time in getattr(force, "breakpoints", ())}
        return tuple(sorted(time for time in times if time > self.start_time))

    @property
    def ensemble_size(self):
        """Number of trajectories of an ensemble, None for a single trajectory."""
        sizes = self._ensemble_sizes()
        return max(sizes.values()) if sizes else None

    def initial_state(self):
        """The start (x0, v0), order 1: (x0,), each `(batch, dimension)`; tensors as they are."""
        given = {"position": self.position, "velocity": self.velocity}
        return tuple(
            value if is_tensor(value) else self._state_array(name, value)
            for name, value in list(given.items())[: self.order]
        )

    def select(self, index):
        """The problem of one trajectory (an integer), or of some (a slice or an array)."""
        sizes = self._ensemble_sizes()
        chosen = {}
        for name, size in sizes.items():
            shared = size == 1 and max(sizes.values()) > 1
            if shared and not isinstance(index, numbers.Integral):
                continue
            which = 0 if shared else index
            value = getattr(self, name)
            chosen[name] = select_force(value, which) if name == "force" else value[which]
        return self.with_parameters(**chosen)

    def force_values(self, times):
        """F at `times`, in N: `(batch, time, dimension)`; zeros where the problem has no force."""
        size = self.ensemble_size or 1
        row = np.asarray(times, np.float64)[None, :]
        shape = (size, row.shape[1])
        values = [evaluate_force(force, row) for force in self.coordinate_forces]
        return np.stack([np.broadcast_to(value, shape) for value in values], axis=-1)

    def _state_array(self, name, value):
        array = np.asarray(value, np.float64)
        if self.dimension == 1 and array.ndim <= 1:
            return array.reshape(-1, 1)
        if self.dimension > 1 and array.ndim in (1, 2) and array.shape[-1] == self.dimension:
            return array.reshape(-1, self.dimension)
        expected = (
            "a number or (batch,)" if self.dimension == 1 else "(dimension,) or (batch, dimension)"
        )
        raise ValueError(
            f"{name} must have the shape {expected} with dimension {self.dimension}. "
            f"Received shape {array.shape}. Reshape it, or pass dimension=… to the problem."
        )

    def _check_forces(self):
        if isinstance(self.force, tuple) and len(self.force) != self.dimension:
            raise ValueError(
                f"A tuple of forces must hold one force (or None) for each of the {self.dimension} "
                f"coordinates. Received {len(self.force)}. One force alone acts on all of them."
            )

    def _ensemble_sizes(self):
        sizes = {}
        for name in ("position", "velocity"):
            value = getattr(self, name, None)
            if value is not None and not is_tensor(value):
                size = len(self._state_array(name, value))
                if np.ndim(value) == (1 if self.dimension == 1 else 2):
                    sizes[name] = size
        for name in self.ensemble_parameters:
            value = getattr(self, name, None)
            if isinstance(value, np.ndarray):
                if value.ndim != 1:
                    raise ValueError(
                        f"{name} must be a number or an array of shape (batch,). "
                        f"Received shape {value.shape}. Flatten it."
                    )
                sizes[name] = len(value)
        of_forces = {getattr(force, "ensemble_size", None) for force in self.coordinate_forces}
        of_forces.discard(None)
        if len(of_forces) > 1:
            raise ValueError(
                "The forces on the coordinates must have one ensemble size. "
                f"Received the sizes {sorted(of_forces)}. Pass arrays of one size (batch,)."
            )
        if of_forces:
            sizes["force"] = of_forces.pop()
        if len(set(sizes.values()) - {1}) > 1:
            raise ValueError(
                "All ensemble parameters must have one size (batch,). Received: "
                + ", ".join(f"{name} of size {size}" for name, size in sizes.items())
                + ". Pass a number for what all trajectories share."
            )
        return sizes


def linear(rhs):
    """Mark a method `rhs` as linear in x and v, with constant coefficients, plus the force.

    A subclass that overrides `rhs` loses the mark with it.
    """
    rhs.is_linear = True
    return rhs
