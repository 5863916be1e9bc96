"""A network that solves an initial-value problem: the lecture's trial solution."""

import keras
import numpy as np
from keras import ops

from oscillator_zoo.data.checks import positive_integer, real_value
from oscillator_zoo.data.configurable import did_you_mean

from .activations import get_activation
from .blocks import block_after_block
from .dense_network import DenseNetwork
from .equation_checks import check_problem, check_rhs, checked_rhs
from .error_bars import ErrorBars
from .family import Family
from .feeding import without_autotuning
from .force_data import with_given_force
from .identification import Identification
from .interval_model import NO_WEIGHTS
from .least_squares_limits import check_compiled
from .levenberg_marquardt import LevenbergMarquardt
from .maximum import Maximum
from .placement import (
    DEFAULT_UNITS,
    POINTS,
    bandwidth,
    check_window_edges,
    initializers,
    windows_by_rule,
)
from .portable import is_without_tapes
from .time_derivatives import time_derivatives
from .trial_solution import check_initial_conditions
from .unknowns import Unknowns
from .warm_start import warm_start
from .wrong_motion import warn_of_few_points, warn_of_wrong_motion

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

DERIVATIVES = ("tape", "taylor")


@keras.saving.register_keras_serializable("oscillator_zoo")
class PINN(ErrorBars, Identification, Family):
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

    Two ways to train it, both by `fit(pinn.collocation_points(), epochs=…)`, all points at once:

    - `compile(LevenbergMarquardt())` works on the residuals one by one and ends near the rounding
      of float64 after a few steps. Give no `hidden_units`: the interval is then cut into windows
      in each of which the motion turns by two radians, all with the same 32 sine waves, which are
      placed by rule, and each with a readout of its own. One window's end is the next one's start,
      so x̂ and x̂' are continuous. A nonlinear equation begins at a trajectory of `simulate`.
    - `compile(keras.optimizers.Adam(rate))` follows the gradient of C, the lecture's way. Give
      `hidden_units=(32, 32)`. It takes thousands of steps to an error of 1e-2 … 1e-4, best with a
      falling rate, `keras.optimizers.schedules.CosineDecay(5e-3, num_steps)`.

    With Adam several devices may share the points (`LeastSquaresModel` says how).

    `history` has the `loss` C in (m/s²)² and `residual_max`, the largest |r| at the training
    points, in m/s² (to callbacks that watch it say `mode="min"`).

    Everything is float64: in float32 the residual cannot fall below about 1e-4. The solution
    holds between t0 and t0 + T only; times outside raise. A plain forward problem is solved
    faster by `simulate(method="rk4")`; a network gives a function that can be differentiated, has
    an error bar (`error_bound`), can cover a range of parameters, and can find parameters.

    Args:
        problem: `InitialValueProblem` of order 1 or 2, one trajectory.
        duration: T > 0, in s.
        hidden_units: units of each hidden layer, a tuple of integers (or one integer), for one
            window; None: by rule, 32 units and as many windows as the motion needs.
        activation: of the hidden layers: "sin", "tanh", "swish", any Keras activation that has
            second derivatives.
        h1: replaces h1, a function of t `(num, 1)` that returns `(num, dimension)` in m and
            meets the initial conditions; written in `keras.ops`, registered if it is to be saved.
        h2: replaces h2, a function of t that vanishes at t0 (with its slope, for order 2).
        window_edges: times at which windows begin and end, increasing from t0 to t0 + T, in s;
            None: by rule where `hidden_units` is None too, else one window.
        derivatives: how the residual takes derivatives in time: "tape", by nested
            `GradientTape`, or "taylor", propagated through the layers, which is a little faster
            and what `LevenbergMarquardt` takes in any case.
        unknown_parameters: names of arguments of `problem` (numbers of the equation or of the
            initial state) to be found by `fit(times, positions)`; `problem` has the first guess
            and keeps it, `found_problem()` and `estimates` have the result. The guessed motion
            should be right to less than half a swing at all times.
        parameter_ranges: {name: (low, high)} for a family of solutions: one network for all
            values of these arguments of `problem`.
        parameter_nodes: {name: integer}, the number of values of each at which a family is
            solved; None: by rule.
        seed: integer ≥ 0 that fixes the initial weights; None leaves them to
            `keras.utils.set_random_seed`.
        name: name of the model.
        dtype: "float64"; "float32" is faster and less accurate.

    Call arguments:
        t: times, `(num,)` or `(num, 1)`, in s. Returns x̂, `(num, dimension)`, in m.

    Raises:
        ValueError: for an ensemble, a duration that is not positive, h1 and h2 that miss the
            initial conditions, times outside the interval, an `rhs` of the wrong shape or
            precision, or a Keras backend other than TensorFlow.

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
        hidden_units=None,
        activation="sin",
        h1=None,
        h2=None,
        window_edges=None,
        derivatives="tape",
        unknown_parameters=(),
        parameter_ranges=None,
        parameter_nodes=None,
        seed=None,
        name=None,
        dtype="float64",
        **kwargs,
    ):
        super().__init__(name=name, dtype=dtype, **kwargs)
        check_problem(problem)
        self.problem = problem
        self.duration = real_value("duration", duration, "s", above=0.0)
        if np.ndim(self.duration):
            raise ValueError(f"duration must be one number in s. Received: {duration!r}. Pass T.")
        problem.force_values([problem.start_time, problem.start_time + self.duration])
        check_rhs(problem, self.duration)
        self.unknowns = None
        if unknown_parameters:
            self.unknowns = Unknowns(problem, unknown_parameters, h1, self.dtype_policy)
        self.unknown_parameters = tuple(unknown_parameters)
        check_initial_conditions(problem, self.duration, h1, h2)
        self.h1, self.h2 = h1, h2
        excluded = {"h1": h1, "h2": h2, "unknown_parameters": self.unknown_parameters}
        self.sketch = sketch = self.set_box(parameter_ranges, excluded)
        by_rule = hidden_units is None and window_edges is None and h1 is None and h2 is None
        if by_rule:
            window_edges = windows_by_rule(sketch)
        self.window_edges = check_window_edges(window_edges, problem, self.duration)
        if self.num_windows > 1 and (h1 is not None or h2 is not None):
            raise ValueError(
                "An h1 or h2 of your own starts from one state and so has one window. "
                f"Received window_edges={list(self.window_edges)}. Leave out one or the other."
            )
        self.set_nodes(parameter_nodes, sketch)
        self.frequency = sketch.angle[-1] / self.duration  # the motion's mean rate, in rad/s
        units = DEFAULT_UNITS if hidden_units is None else hidden_units
        units = units if isinstance(units, tuple | list) else (units,)
        self.hidden_units = tuple(positive_integer("hidden_units", n) for n in units)
        self.activation = get_activation(activation)
        if derivatives not in DERIVATIVES:
            raise ValueError(
                f"derivatives must be one of {', '.join(DERIVATIVES)}. Received: {derivatives!r}."
                f"{did_you_mean(derivatives, DERIVATIVES)}"
            )
        self.derivative_method = derivatives
        self.seed = seed if seed is None else positive_integer("seed", seed, at_least=0)
        self.network = self._make_network(bandwidth(sketch, self.window_edges, by_rule))
        self.residual_max = Maximum(name="residual_max", dtype="float64")
        self.built = True

    @block_after_block
    def residuals(self, x, y=None, sample_weight=None, training=False):
        """The residual of the equation at the times x, which training makes small."""
        if sample_weight is not None:
            raise ValueError(NO_WEIGHTS)
        if self.unknowns is not None and y is not None:
            return self.data_and_equation(x, y)
        problem, x = with_given_force(self.problem_for(x), x)
        if self.is_by_tape and self.optimizer_is_ordinary:
            t = self.column(x)
            *state, rate = time_derivatives(
                self.at_parameters(x), t, problem.order, problem.dimension
            )
        else:
            place = self.place(x)
            t = place.t
            *state, rate = self.motion(place)[: problem.order + 1]
        return rate - checked_rhs(problem.rhs(t, *state, ops=ops), rate)

    def log(self, x, y, sample_weight, cost, residuals):
        if self.unknowns is not None and y is not None:  # residuals are those of the data
            residuals_of_equation = self.residuals(self.own_points())
        else:
            residuals_of_equation = residuals
        self.residual_max.update_state(ops.abs(residuals_of_equation))
        return super().log(x, y, sample_weight, cost, residuals)

    @property
    def is_by_tape(self):
        """Whether derivatives are taken by tapes, which other runtimes do not have."""
        return self.derivative_method == "tape" and not is_without_tapes()

    @block_after_block
    def derivatives(self, t):
        """Position, velocity and acceleration of the trial solution.

        Args:
            t: times, `(num,)` or `(num, 1)`, in s.

        Returns:
            Tuple (x, v, a) of float64 tensors `(num, dimension)` in m, m/s and m/s².

        Raises:
            ValueError: for times outside the interval.
        """
        if not self.is_by_tape:
            return tuple(self.motion(self.place(t)))
        x = self.rows(t)
        function = self.at_parameters(x)
        return tuple(time_derivatives(function, self.column(x), 2, self.problem.dimension))

    def residual(self, t):
        """r(t) = x̂'' − rhs in m/s² (order 1: x̂' − rhs in m/s), a tensor `(num, dimension)`.

        Args:
            t: times, `(num,)` or `(num, 1)`, in s.

        Raises:
            ValueError: for times outside the interval.
        """
        return self.residuals(self.rows(t))

    def fit(self, x=None, *args, **kwargs):
        """`keras.Model.fit` on times in s; without times at `collocation_points()`.

        `LevenbergMarquardt` begins a nonlinear equation where `simulate` leads, unless the network
        is nearer to obeying it already; it ends `fit` by itself and leaves its `stop_reason`.

        With `unknown_parameters` it is `fit(times, positions)`, or `fit(trajectory)` for a
        `Trajectory` of one motion: all data are one batch, given `steps_per_epoch=100` times in
        each epoch, and the equation is enforced on the model's own collocation points.
        `LevenbergMarquardt` minimises |x̂(t_j) − y_j|² among the solutions of the equation, so
        there is no weight between data and equation, and `loss` is the mean square of the misfit
        in m². Other optimizers minimise that plus the mean of (r/ω²)², which bends the parameters.

        Raises:
            ValueError: for times outside the interval; with `unknown_parameters`, for data that
                are missing, not finite or of another shape, and where they cannot tell the
                parameters apart.

        Example:
        >>> from oscillator_zoo.data import DampedOscillator
        >>> truth = DampedOscillator(damping=0.3, stiffness=2.0)
        >>> times = np.linspace(0.0, 3.0, 31)
        >>> noise = 0.01 * np.random.default_rng(0).standard_normal(31)
        >>> guess = DampedOscillator(damping=0.1, stiffness=1.5)
        >>> pinn = PINN(guess, duration=3.0, unknown_parameters=("damping", "stiffness"))
        >>> pinn.compile(LevenbergMarquardt())
        >>> history = pinn.fit(times, truth.exact(times)[0][:, 0] + noise, verbose=0)
        >>> {name: round(value, 2) for name, value in pinn.found_values().items()}
        {'damping': 0.3, 'stiffness': 2.0}
        """
        check_compiled(self, "fit")
        if isinstance(self.optimizer, LevenbergMarquardt) and not self.optimizer.has_begun:
            warm_start(self)
        if self.unknowns is not None:
            return self.fit_data(x, *args, **kwargs)
        history = super().fit(x, *args, **kwargs)
        warn_of_wrong_motion(self)
        warn_of_few_points(self)
        return history

    def collocation_points(self, num_points=None, steps_per_epoch=100):
        """Times from t0 to t0 + T, as a dataset of equal full batches.

        One window has equidistant times, both ends included; several have Chebyshev's points
        inside each, which lie closer near the edges.

        Args:
            num_points: number of times, at least; None: 256, or 56 for each of several windows.
            steps_per_epoch: how often the batch comes in one epoch: one training step each.

        Returns:
            `tf.data.Dataset` of float64 tensors `(num_points, 1)` for `fit` and `evaluate`.

        Raises:
            ValueError: for numbers that are not positive integers.
        """
        steps_per_epoch = positive_integer("steps_per_epoch", steps_per_epoch)
        family = self.box is not None
        points = self.family_points(num_points) if family else self.collocation_times(num_points)
        batch = tf.data.Dataset.from_tensors(tf.nest.map_structure(tf.constant, points))
        batch = self.prepare(batch).cache()
        return without_autotuning(batch.repeat(steps_per_epoch))

    def collocation_times(self, num_points=None):
        """The times of `collocation_points`, an array `(num_points, 1)`, in s."""
        default = 256 if self.num_windows == 1 else POINTS * self.num_windows
        num_points = default if num_points is None else num_points
        num_points = positive_integer("num_points", num_points, at_least=2)
        edges, num = np.asarray(self.window_edges), -(-num_points // self.num_windows)
        if self.num_windows == 1:
            inside = np.linspace(0.0, 1.0, num)
        else:  # between the edges, where a force may jump
            inside = 0.5 - 0.5 * np.cos(np.pi * (np.arange(num) + 0.5) / num)
        return (
            (edges[:-1, None] + np.diff(edges)[:, None] * inside)
            .reshape(-1, 1)
            .astype(self.compute_dtype)
        )

    def compute_output_shape(self, input_shape):
        shape = input_shape["t"] if isinstance(input_shape, dict) else input_shape
        return (shape[0], self.problem.dimension)

    def get_config(self):
        return {
            **super().get_config(),
            "problem": self.problem,
            "duration": self.duration,
            "hidden_units": self.hidden_units,
            "activation": keras.activations.serialize(self.activation),
            "h1": self.h1,
            "h2": self.h2,
            "window_edges": list(self.window_edges),
            "derivatives": self.derivative_method,
            "unknown_parameters": self.unknown_parameters,
            "parameter_ranges": self.parameter_ranges,
            "parameter_nodes": self.parameter_nodes,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        def read(value):
            if not isinstance(value, dict):
                return value
            return keras.saving.deserialize_keras_object(value, custom_objects)

        return cls(**{name: read(value) for name, value in config.items()})

    def _make_network(self, scale):
        weights = initializers(
            self.hidden_units, self.activation, scale, self.num_readouts, self.seed
        )
        return DenseNetwork(
            self.hidden_units,
            self.problem.dimension,
            self.activation,
            weights,
            self.num_readouts,
            dtype=self.dtype_policy,
        )
