"""A network that solves an initial-value problem: the lecture's trial solution."""

import keras
import numpy as np
from keras import ops

from oscillator_zoo.data import InitialValueProblem
from oscillator_zoo.data.checks import positive_integer, real_value
from oscillator_zoo.data.serialization import check_saveable

from .activations import get_activation
from .feeding import without_autotuning
from .force_data import add_force, with_given_force
from .least_squares_model import LeastSquaresModel
from .maximum import Maximum
from .saveable import check_registered_function
from .trial_solution import initial_motion, vanishing_power

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


@keras.saving.register_keras_serializable("oscillator_zoo")
class PINN(LeastSquaresModel):
    """A physics-informed neural network: it is trained by its equation, not by data.

    The trial solution meets the initial conditions whatever the network N says,

        x̂(t) = h1(t) + h2(t) · N(τ; P),   τ = 2 (t − t0)/T − 1,
        h1 = x0 + v0 (t − t0),  h2 = ((t − t0)/T)²      (order 1: h1 = x0, h2 = (t − t0)/T)

    and training makes the residual of the equation small at the collocation points t_i,

        r(t) = x̂''(t) − rhs(t, x̂, x̂'),   C(P) = mean_i r(t_i)²      (order 1: r = x̂' − rhs)

    | symbol  | argument       | unit             |
    |---------|----------------|------------------|
    | t0, rhs | `problem`      | s, m/s² (or m/s) |
    | T       | `duration`     | s                |
    | N       | `hidden_units` |                  |

    Everything is float64: in float32 the residual cannot fall below about 1e-4. The solution
    holds between t0 and t0 + T only; times outside raise. A plain forward problem is solved
    faster by `simulate(method="rk4")`; a network gives a function that can be differentiated.

    `fit(pinn.collocation_points(), epochs=…)` trains on all points at once; `history` has the
    `loss` C in (m/s²)² and `residual_max`, the largest |r| at the training points, in m/s².

    Args:
        problem: `InitialValueProblem` of order 1 or 2, one trajectory.
        duration: T > 0, in s.
        hidden_units: units of each hidden layer, a tuple of integers (or one integer).
        activation: of the hidden layers: "sin", "tanh", "swish", any Keras activation that has
            second derivatives.
        h1: replaces h1, a function of t `(num, 1)` that returns `(num, dimension)` in m and
            meets the initial conditions; written in `keras.ops`, registered if it is to be saved.
        h2: replaces h2, a function of t that vanishes at t0 (with its slope, for order 2).
        seed: integer that fixes the initial weights, or None.
        name: name of the model.
        dtype: "float64"; "float32" is faster and less accurate.

    Call arguments:
        t: times, `(num,)` or `(num, 1)`, in s. Returns x̂, `(num, dimension)`, in m.

    Raises:
        ValueError: for an ensemble, a duration that is not positive, h1 and h2 that miss the
            initial conditions, times outside the interval, or a Keras backend other than
            TensorFlow.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator
    >>> pinn = PINN(DampedOscillator(damping=0.2), duration=2.0, hidden_units=(8,), seed=1)
    >>> x, v, a = pinn.derivatives([0.0])
    >>> float(x[0, 0]), float(v[0, 0])
    (1.0, 0.0)
    >>> pinn.compile(keras.optimizers.Adam(1e-2))
    >>> history = pinn.fit(pinn.collocation_points(64), epochs=2, verbose=0)
    >>> sorted(history.history)
    ['loss', 'residual_max']

    Reference:
        I. E. Lagaris, A. Likas, D. I. Fotiadis, "Artificial neural networks for solving ordinary
        and partial differential equations", IEEE Transactions on Neural Networks 9 (1998).
    """

    def __init__(
        self,
        problem,
        duration,
        hidden_units=(32, 32, 32),
        activation="tanh",
        h1=None,
        h2=None,
        seed=None,
        name=None,
        dtype="float64",
        **kwargs,
    ):
        super().__init__(name=name, dtype=dtype, **kwargs)
        _check_problem(problem)
        self.problem = problem
        self.duration = real_value("duration", duration, "s", above=0.0)
        units = hidden_units if isinstance(hidden_units, tuple | list) else (hidden_units,)
        self.hidden_units = tuple(positive_integer("hidden_units", n) for n in units)
        self.activation = get_activation(activation)
        self.h1, self.h2, self.seed = h1, h2, seed
        self.residual_max = Maximum(name="residual_max", dtype="float64")
        self.network = self._make_network()
        self.built = True
        self._check_initial_conditions()

    def call(self, t):
        """The trial solution x̂(t) = h1(t) + h2(t) N(τ)."""
        t = self._as_column(t)
        h1 = initial_motion(self.problem, t) if self.h1 is None else self.h1(t)
        h2 = vanishing_power(self.problem, self.duration, t) if self.h2 is None else self.h2(t)
        tau = 2.0 * (t - self.problem.start_time) / self.duration - 1.0
        return h1 + h2 * self.network(tau)

    def residuals(self, x, y=None, sample_weight=None, training=False):
        """The residual of the equation at the times x, which training makes small."""
        if sample_weight is not None:
            raise ValueError(
                "A PINN weighs all collocation points alike. Received: sample_weight. "
                "Put more points where the solution needs them."
            )
        problem, t = with_given_force(self.problem, x)
        t = self._as_column(t)
        *state, rate = self._time_derivatives(t, self.problem.order)
        return rate - problem.rhs(t, *state, ops=ops)

    def log(self, x, y, sample_weight, cost, residuals):
        self.residual_max.update_state(ops.abs(residuals))
        return super().log(x, y, sample_weight, cost, residuals)

    def derivatives(self, t):
        """Position, velocity and acceleration of the trial solution.

        Args:
            t: times, `(num,)` or `(num, 1)`, in s.

        Returns:
            Tuple (x, v, a) of float64 tensors `(num, dimension)` in m, m/s and m/s².

        Raises:
            ValueError: for times outside the interval.
        """
        return tuple(self._time_derivatives(self._checked_times(t), 2))

    def residual(self, t):
        """r(t) = x̂'' − rhs in m/s² (order 1: x̂' − rhs in m/s), a tensor `(num, dimension)`.

        Args:
            t: times, `(num,)` or `(num, 1)`, in s.

        Raises:
            ValueError: for times outside the interval.
        """
        return self.residuals(self._checked_times(t))

    def collocation_points(self, num_points=256, steps_per_epoch=100):
        """Equidistant times from t0 to t0 + T, as a dataset of equal full batches.

        Args:
            num_points: number of times, both ends included.
            steps_per_epoch: how often the batch comes in one epoch: one training step each.

        Returns:
            `tf.data.Dataset` of float64 tensors `(num_points, 1)` for `fit` and `evaluate`.
        """
        num_points = positive_integer("num_points", num_points, at_least=2)
        start = self.problem.start_time
        times = np.linspace(start, start + self.duration, num_points)[:, None]
        batch = tf.data.Dataset.from_tensors(tf.constant(times, self.compute_dtype))
        batch = add_force(batch, self.problem).cache()
        return without_autotuning(
            batch.repeat(positive_integer("steps_per_epoch", steps_per_epoch))
        )

    def as_dataset(self, x, y=None, sample_weight=None, batch_size=32, shuffle=False):
        """Batches of times, checked, with targets for compiled metrics only."""
        times = self._times_in_interval(x)
        dataset = super().as_dataset(times, y, sample_weight, batch_size, shuffle)
        return add_force(dataset, self.problem)

    def fit(self, x=None, *args, **kwargs):
        """`keras.Model.fit` on times in s; `fit(epochs=…)` takes `collocation_points()`."""
        return super().fit(self.collocation_points() if x is None else x, *args, **kwargs)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.problem.dimension)

    def get_config(self):
        return {
            **super().get_config(),
            "problem": self.problem,
            "duration": self.duration,
            "hidden_units": self.hidden_units,
            "activation": keras.activations.serialize(self.activation),
            "h1": self.h1,
            "h2": self.h2,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        read = keras.saving.deserialize_keras_object
        return cls(**{name: read(value, custom_objects) for name, value in config.items()})

    def save(self, filepath, overwrite=True, **kwargs):
        """`keras.Model.save` to a `.keras` file, whole or not at all, problem included.

        Raises:
            ValueError: if the problem, its force, h1, h2 or the activation cannot be saved.
        """
        check_saveable(self.problem)
        for name in ("h1", "h2", "activation"):
            check_registered_function(name, getattr(self, name))
        super().save(filepath, overwrite=overwrite, **kwargs)

    def export(self, filepath, format="tf_saved_model", **kwargs):
        """Write a SavedModel that serves x, v, a and the residual for times `(num, 1)` in s.

        The endpoints are `serve` (as Keras calls it) and `x`, both the position in m, `v` in
        m/s, `a` in m/s² and `residual` in the unit of the equation; each takes a float64 tensor
        `(num, 1)`. Other formats are left to `keras.Model.export`.

        Raises:
            ValueError: if the force is a plain function, which no graph can hold.
        """
        if format != "tf_saved_model":
            return super().export(filepath, format=format, **kwargs)
        check_saveable(self.problem)
        archive = keras.export.ExportArchive()
        archive.track(self)
        signature = [tf.TensorSpec((None, 1), self.compute_dtype, name="t")]
        endpoints = {
            "serve": lambda t: self(t),
            "x": lambda t: self(t),
            "v": lambda t: self.derivatives(t)[1],
            "a": lambda t: self.derivatives(t)[2],
            "residual": lambda t: self.residual(t),
        }
        for name, function in endpoints.items():
            archive.add_endpoint(name, function, input_signature=signature)
        archive.write_out(filepath, verbose=kwargs.get("verbose", False))

    def _make_network(self):
        seeds = np.random.SeedSequence(self.seed).generate_state(len(self.hidden_units) + 1)
        layers = [keras.Input((1,), dtype=self.compute_dtype)]
        for units, seed in zip((*self.hidden_units, self.problem.dimension), seeds):
            layers.append(
                keras.layers.Dense(
                    units,
                    activation=None if len(layers) > len(self.hidden_units) else self.activation,
                    kernel_initializer=keras.initializers.GlorotUniform(int(seed)),
                    dtype=self.dtype_policy,
                )
            )
        return keras.Sequential(layers, name="network")

    def _time_derivatives(self, t, order):
        """[x̂, x̂', …] up to the given order, one `GradientTape` around the other."""
        if order == 0:
            return [self(t)]
        with tf.GradientTape(persistent=self.problem.dimension > 1) as tape:
            tape.watch(t)
            lower = self._time_derivatives(t, order - 1)
            coordinates = tf.unstack(lower[-1], axis=-1)
        rates = [tape.gradient(x, t, unconnected_gradients="zero") for x in coordinates]
        return [*lower, tf.concat(rates, axis=-1)]

    def _as_column(self, t):
        t = t["t"] if isinstance(t, dict) else t
        return ops.reshape(ops.cast(t, self.compute_dtype), (-1, 1))

    def _checked_times(self, t):
        """Times as a tensor `(num, 1)`; those of a graph under construction are not known yet."""
        if tf.is_symbolic_tensor(t):
            return self._as_column(t)
        return tf.constant(self._times_in_interval(t), self.compute_dtype)

    def _times_in_interval(self, t):
        times = np.atleast_1d(real_value("t", np.asarray(t), "s"))
        if times.ndim > 2 or (times.ndim == 2 and times.shape[1] != 1):
            raise ValueError(
                f"Times must have the shape (num,) or (num, 1). Received {times.shape}. "
                "Flatten them."
            )
        start, end = self.problem.start_time, self.problem.start_time + self.duration
        rounding = 1e-9 * self.duration
        outside = (times < start - rounding) | (times > end + rounding)
        if outside.any():
            raise ValueError(
                f"This PINN is trained from {start:g} s to {end:g} s. "
                f"Received t = {times[outside].flat[0]:g} s. Train one with a longer duration: a "
                "network knows nothing outside its interval."
            )
        return times.reshape(-1, 1)

    def _check_initial_conditions(self):
        if self.h1 is None and self.h2 is None:
            return
        start = np.array([self.problem.start_time])
        wanted = self.problem.initial_state()
        received = self.derivatives(start)[: self.problem.order]
        for name, value, target in zip(("position", "velocity"), received, wanted):
            if not np.allclose(value, target, rtol=1e-9, atol=1e-9):
                raise ValueError(
                    f"h1 + h2·N must have the initial {name} {target[0]} at t0 whatever N is. "
                    f"Received {np.asarray(value)[0]}. Let h1 meet the initial conditions and h2 "
                    "vanish at t0, for a problem of order 2 with its slope."
                )


def _check_problem(problem):
    if not isinstance(problem, InitialValueProblem):
        raise ValueError(
            "problem must be an InitialValueProblem such as DampedOscillator. "
            f"Received: {problem!r}. Subclass InitialValueProblem for your own equation."
        )
    if problem.ensemble_size is not None:
        raise ValueError(
            "A PINN solves one trajectory. Received an ensemble of "
            f"{problem.ensemble_size}. Take one with problem.select(0)."
        )
