"""A network that solves an initial-value problem: the lecture's trial solution."""

import keras
from keras import ops

from oscillator_zoo.data.checks import one_number, one_of, positive_integer

from ..base_model.blocks import block_after_block
from ..equation.equation_checks import check_problem, check_rhs, checked_rhs
from ..equation.plain_forces import with_given_force
from ..inverse.measured_data import holds_positions
from ..inverse.unknowns import Unknowns
from ..least_squares.distribution import part_of_cost
from ..least_squares.levenberg_marquardt import LevenbergMarquardt
from ..saving.frozen_parts import frozen_config, set_trainable_parts
from ..trial_solution.activations import get_activation
from ..trial_solution.initial_conditions import check_initial_conditions
from ..trial_solution.initial_weights import BANDWIDTH, units_by_rule
from ..trial_solution.time_derivatives import time_derivatives
from .answers import Answers
from .fit_checks import check_compiled
from .fit_to_data import fit_to_data
from .interval_model import NO_WEIGHTS
from .plan import plan_of
from .residual_max import Maximum
from .warm_start import warm_start

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

DERIVATIVES = ("tape", "taylor")


@keras.saving.register_keras_serializable("oscillator_zoo")
class PINN(Answers):
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

    Three ways to train it, all by `fit(pinn.collocation_points(), epochs=…)`, all points at once:

    - `compile(LevenbergMarquardt())` works on the residuals one by one and ends near the rounding
      of float64 after a few steps. Give no `hidden_units`: the interval is then cut into windows
      in each of which the motion turns by two radians, all with the same 32 sine waves, which are
      placed by rule, and each with a readout of its own. One window's end is the next one's start,
      so x̂ and x̂' are continuous. A nonlinear equation begins at a trajectory of `simulate`.
    - `compile(keras.optimizers.Adam(rate))` follows the gradient of C, the lecture's way. Give
      `learned=True`: each window has a network of its own, and all are trained at once, each
      beginning near a trajectory of `simulate` until those before it obey, to errors of
      1e-4 … 1e-6 in tens of thousands of steps of a falling rate,
      `keras.optimizers.schedules.CosineDecay(5e-3, num_steps)`, 1e-2 for fewer. One network,
      `hidden_units=(32, 32)`, ends at 1e-2 … 1e-4, and may miss a long or nonlinear motion.
    - `compile(SelfScaledBroyden())` follows the gradient too, and learns the curvature on the way.
      Give `learned=True`: each window then has a network of its own, two hidden layers of ten
      tanh, and is trained after the one before it, to |r| ≤ 1e-6 in hundreds of steps. With
      `hidden_units=(20, 20)` one network for all times does it, where they are not long.

    With Adam several devices may share the points (`LeastSquaresModel` says how).

    `history` has the `loss` C in (m/s²)² and `residual_max`, the largest |r| at the training
    points, in m/s² (to callbacks that watch it say `mode="min"`).

    Everything is float64: in float32 the residual ends at 1e-6 to 1e-5 of the largest
    acceleration where the equation is linear, at 3e-4 to 8e-4 for Duffing and a pendulum (as
    measured, see docs/explanation/conventions.md). The solution holds between t0 and t0 + T only;
    times outside raise. A plain forward problem is solved faster by `simulate(method="rk4")`; a
    network gives a function that can be differentiated, has an error bar (`error_bound`), can
    cover a range of parameters, and can find parameters.

    Args:
        problem: `InitialValueProblem` of order 1 or 2, one trajectory.
        duration: T > 0, in s.
        hidden_units: units of each hidden layer, a tuple of integers (or one integer), for one
            window; None: by rule, 32 units and as many windows as the motion needs.
        activation: of the hidden layers: "sin", "tanh", "swish", any Keras activation that has
            second derivatives; None: "sin", or "tanh" where `learned`.
        h1: replaces h1, a function of t `(num, 1)` that returns `(num, dimension)` in m and
            meets the initial conditions; written in `keras.ops`, registered if it is to be saved.
        h2: replaces h2, a function of t that vanishes at t0 (with its slope, for order 2); or the
            lecture's h2(t, N), a function of t and of the network's output `(num, dimension)` in
            the place of h2 · N, which vanishes at t0 whatever N is, and returns
            `(num, dimension)` in m. x0 (e^{s N} − 1), s = (t − t0)/T, keeps a solution positive.
        window_edges: times at which windows begin and end, increasing from t0 to t0 + T, in s;
            None: by rule where `hidden_units` is None too, else one window.
        derivatives: how the residual takes derivatives in time: "tape", by nested
            `GradientTape`, or "taylor", propagated through the layers, which is a little faster
            and what `LevenbergMarquardt` and windows that are learned take in any case.
        unknown_parameters: names of arguments of `problem` (numbers of the equation or of the
            initial state) to be found by `fit(times, positions)`; `problem` has the first guess
            and keeps it, `found_problem()` and `estimates` have the result. The guessed motion
            should be right to less than half a swing at all times.
        parameter_ranges: {name: (low, high)} for a family of solutions: one network for all
            values of these arguments of `problem`.
        parameter_nodes: {name: integer}, the number of values of each at which a family is
            solved; None: by rule.
        bandwidth: S > 0, in rad: weights and biases of a first layer of sines are drawn from
            U(−S, S), so that its fastest wave turns by S in half a window; None: by rule.
        learned: whether each window has a network of its own, all of whose weights are trained by
            gradients, and none solved for; windows and units by rule where they are not given.
        seed: integer ≥ 0 that fixes the initial weights; None leaves them to
            `keras.utils.set_random_seed`.
        name: name of the model.
        dtype: "float64"; "float32" is faster and less accurate.

    Call arguments:
        t: times, `(num,)` or `(num, 1)`, in s. Returns x̂, `(num, dimension)`, in m.

    Raises:
        ValueError: for an ensemble, a duration that is not positive, h1 and h2 that miss the
            initial conditions, times outside the interval, an `rhs` of the wrong shape or
            precision or that fails (with its line and a cure), a motion that is too long for its
            fastest rate (stiff equations), or a Keras backend other than TensorFlow.

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

    @block_after_block
    def call(self, t):
        """The trial solution x̂(t) = h1(t) + h2(t, N(τ; P)), by default h2(t) N."""
        trial, place = self.trial, self.trial.place(t)  # the window of each time, and τ in it
        return trial.h1(place) + trial.h2(place, self.network(place.tau, place.readout))

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
        rows = self.domain.rows(t)
        if not self.is_by_tape:
            return tuple(self.trial.motion(self.trial.place(rows)))
        times, position = self.domain.times(rows), self.domain.at_parameters(self, rows)
        return tuple(time_derivatives(position, times, 2, self.problem.dimension))

    def residual(self, t):
        """r(t) = x̂'' − rhs in m/s² (order 1: x̂' − rhs in m/s), a tensor `(num, dimension)`.

        Args:
            t: times, `(num,)` or `(num, 1)`, in s.

        Raises:
            ValueError: for times outside the interval.
        """
        return self.residuals(self.domain.rows(t))

    @block_after_block
    def residuals(self, x, y=None, sample_weight=None, training=False):
        """What training makes small: the residual at the times x, beside the misfit to data y.

        x is what Keras calls the input of a model: here times, not positions.
        """
        if self._are_measured(y):
            equation = self.residuals(self.identification.points)
            misfit = self.identification.residuals(x, y, sample_weight)
            return self.identification.data_beside(misfit, equation)
        if sample_weight is not None:
            raise ValueError(NO_WEIGHTS)
        if training and self.is_side_by_side:
            return self.trial.residuals_side_by_side(x)
        if not (self.is_by_tape and self.optimizer_is_ordinary):
            return self.trial.residuals(x)  # the same, N's derivatives through its layers
        problem, x = with_given_force(self.trial.problem_for(x), x)
        t, function = self.domain.times(x), self.domain.at_parameters(self, x)
        *state, rate = time_derivatives(function, t, problem.order, problem.dimension)
        return rate - checked_rhs(problem.rhs(t, *state, ops=ops), rate)

    def train_step(self, data):
        """One step down the gradient of C(P) = mean r²; `LevenbergMarquardt` takes its own."""
        if not self.optimizer_is_ordinary:
            return self.whole_batch_step(data)
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            residuals = self.residuals(x, y, sample_weight, training=True)
            cost = self.cost(residuals)
            # Differs from the cost in mixed precision, and where devices share the points.
            scaled_cost = self.optimizer.scale_loss(part_of_cost(cost, x))
        gradients = tape.gradient(scaled_cost, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return self.update_metrics(x, y, sample_weight, cost, residuals)

    def __init__(
        self,
        problem,
        duration,
        hidden_units=None,
        activation=None,
        h1=None,
        h2=None,
        window_edges=None,
        derivatives="tape",
        unknown_parameters=(),
        parameter_ranges=None,
        parameter_nodes=None,
        bandwidth=None,
        learned=False,
        seed=None,
        name=None,
        dtype="float64",
        **kwargs,
    ):
        super().__init__(name=name, dtype=dtype, **kwargs)
        check_problem(problem)
        self.problem = problem
        self.duration = one_number("duration", duration, "s", "Pass T.", above=0.0)
        problem.force_values([problem.start_time, problem.start_time + self.duration])
        check_rhs(problem, self.duration)
        self.unknowns = None
        if unknown_parameters:
            self.unknowns = Unknowns(problem, unknown_parameters, h1, self.dtype_policy)
        self.unknown_parameters = tuple(unknown_parameters)
        check_initial_conditions(problem, self.duration, h1, h2)
        self.h1, self.h2 = h1, h2
        self.seed = seed if seed is None else positive_integer("seed", seed, at_least=0)
        self.learned = bool(learned)
        self.activation = get_activation(activation or ("tanh" if self.learned else "sin"))
        self.derivative_method = one_of("derivatives", derivatives, DERIVATIVES)
        self.hidden_units = units_by_rule(hidden_units, self.learned)
        by_rule = hidden_units is None or self.learned
        by_rule &= window_edges is None and h1 is None and h2 is None
        plan = plan_of(self, by_rule, window_edges, bandwidth, parameter_ranges, parameter_nodes)
        self.domain, self.points, self.fit_checks = plan.domain, plan.points, plan.checks
        self.window_edges, self.bandwidth = plan.window_edges, plan.bandwidth
        self.network = plan.network(self)
        self.trial = plan.trial(self)
        self.identification = plan.identification(self)
        self.residual_max = Maximum(name="residual_max", dtype="float64")
        self.built = True
        set_trainable_parts(self)

    def least_squares_system(self):
        """What `LevenbergMarquardt` works on: the trial solution, or the search for parameters."""
        return self.trial if self.identification is None else self.identification

    @property
    def parameter_ranges(self):
        """Pairs [lo, hi] by name of the parameter, None for a single solution."""
        return self.domain.ranges

    @property
    def parameter_nodes(self):
        """Numbers of nodes by name of the parameter, None for a single solution."""
        return self.trial.node_counts

    def update_metrics(self, x, y, sample_weight, cost, residuals):
        is_misfit = self._are_measured(y)
        of_equation = self.residuals(self.identification.points) if is_misfit else residuals
        self.residual_max.update_state(ops.abs(of_equation))
        return super().update_metrics(x, y, sample_weight, cost, residuals)

    def fit(self, x=None, *args, **kwargs):
        """`keras.Model.fit` on times in s; without times at `collocation_points()`.

        `LevenbergMarquardt` begins a nonlinear equation where `simulate` leads, unless the network
        is nearer to obeying it already; it ends `fit` by itself and leaves its `stop_reason`.
        Where the residual stays above its tolerance, `fit` warns once: how large it is, at which
        time, and what helps there.

        With `unknown_parameters` it is `fit(times, positions)`, or `fit(trajectory)` for a
        `Trajectory` of one motion, or a dataset of (times, positions): all data are one batch,
        given `steps_per_epoch=100` times in each epoch, and the equation is enforced on the
        model's own collocation points. `LevenbergMarquardt` minimises |x̂(t_j) − y_j|² among the
        solutions of the equation, so there is no weight between data and equation, and `loss` is
        the mean square of the misfit in m². Other optimizers minimise that plus the mean of
        (r/ω²)², which bends the parameters. `sample_weight` w_j = 1/σ_j² makes it Σ_j w_j ρ_j²;
        `validation_split` keeps the last of the data back; `evaluate(times, positions)` and
        `val_loss` are the mean square of the misfit, whatever optimizer trains.

        At its end `LevenbergMarquardt` says in `stop_reason` "converged"; or, with a warning,
        "converged, misfit above noise" where the misfit is more than 2 + 30/n times what its own
        last two values leave unpredicted, or "at a bound: damping" where a parameter that cannot
        be negative would be.

        Raises:
            ValueError: for times outside the interval; with `unknown_parameters`, for data that
                are missing, not finite or of another shape, for a `batch_size` smaller than they
                are, and where they cannot tell the parameters apart.

        Example:
        >>> import numpy as np
        >>> from oscillator_zoo.data import DampedOscillator
        >>> from oscillator_zoo.models import PINN, LevenbergMarquardt
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
        if self.identification is not None:
            return fit_to_data(self, super().fit, x, *args, **kwargs)
        if isinstance(self.optimizer, LevenbergMarquardt) and not self.optimizer.has_begun:
            warm_start(self)
        history = super().fit(x, *args, **kwargs)
        for check in self.fit_checks:
            if check(self):  # one warning is enough
                break
        return history

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, **kw):
        """`keras.Model.evaluate`: the mean square residual, by default at `collocation_points()`.

        With `unknown_parameters`, `evaluate(times, positions)` is the mean square misfit, in m².
        A family's default is 4096 points between its nodes.
        """
        if self.identification is not None and (y is not None or holds_positions(x)):
            data = self.data_batch(x, y, sample_weight)
            x, y, batch_size, sample_weight = data.dataset(), None, None, None
        return super().evaluate(x, y, batch_size, verbose, sample_weight, **kw)

    def test_step(self, data):
        """The cost without a step; of data of an inverse problem, that of their misfit alone."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if not self._are_measured(y):
            return super().test_step(data)
        misfit = self.identification.residuals(x, y, sample_weight)
        return self.update_metrics(x, y, sample_weight, self.cost(misfit), misfit)

    def train_on_batch(self, x, y=None, sample_weight=None, **kwargs):
        """One step on a batch of times, or of times and positions for an inverse problem."""
        check_compiled(self, "train_on_batch")
        data = x, y, sample_weight
        data = self.data_batch(*data) if self.identification else (self.batch(x), *data[1:])
        if not getattr(self.optimizer, "has_begun", True):
            if isinstance(self.optimizer, LevenbergMarquardt):
                warm_start(self)
            if self.identification is not None:
                self.identification.check_identifiable(*data)
        return super().train_on_batch(*data, **kwargs)

    def test_on_batch(self, x, y=None, sample_weight=None, **kwargs):
        """`evaluate` of one batch."""
        check_compiled(self, "test_on_batch")
        if self._are_measured(y):
            x, y, sample_weight = self.data_batch(x, y, sample_weight)
        return super().test_on_batch(x, y, sample_weight, **kwargs)

    def _are_measured(self, y):
        """Whether y are positions for an inverse problem, and not targets of metrics."""
        return y is not None and self.identification is not None

    def compute_output_shape(self, input_shape):
        shape = input_shape["t"] if isinstance(input_shape, dict) else input_shape
        return (shape[0], self.problem.dimension)

    def get_config(self):
        return {
            **super().get_config(),
            **frozen_config(self),
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
            "bandwidth": self.bandwidth,
            "learned": self.learned,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        def read(value):
            if not isinstance(value, dict):
                return value
            return keras.saving.deserialize_keras_object(value, custom_objects)

        # Files of older versions, whose weights follow, do not say how wide they were drawn.
        config = {"bandwidth": BANDWIDTH, **config}
        flags = config.pop("trainable_parts", None)
        pinn = cls(**{name: read(value) for name, value in config.items()})
        set_trainable_parts(pinn, flags)
        return pinn
