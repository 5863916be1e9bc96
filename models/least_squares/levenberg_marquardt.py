"""Least-squares training: Levenberg–Marquardt with the readout solved for."""

import keras
import numpy as np

from oscillator_zoo.data.checks import real_value

from .least_squares_steps import (
    all_weights_step,
    in_own_graph,
    projected_step,
    readout_step,
    residuals_of,
)
from .whole_batch_optimizer import (
    ALL_WEIGHTS,
    CONSTRAINED,
    CONVERGED,
    FLOOR,
    METHODS,
    PROJECTION,
    READOUT,
    RUNNING,
    STALLED,
    TOLERANCE,
    WholeBatchOptimizer,
)

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

# Steps without progress, one after another, that end a method: Newton's steps of the readout soon
# repeat themselves, while a damped step may be refused until λ is large enough.
STALLS_OF_READOUT, STALLS = 2, 10
DAMPED_STEPS = {PROJECTION: projected_step, ALL_WEIGHTS: all_weights_step}


@keras.saving.register_keras_serializable("oscillator_zoo")
class LevenbergMarquardt(WholeBatchOptimizer):
    """Trains a `LeastSquaresModel` on the vector of its residuals, by QR.

        minimise |r(P)|²:   δ = −[J; √λ I]⁺ [r; 0],   J = ∂r/∂P          (Levenberg, Marquardt)
        gain ρ = (|r|² − |r₊|²) / δᵀ(λδ − Jᵀr):   accept if |r| falls, λ ← λ max(1/3, 1 − (2ρ − 1)³)
                                                 else λ ← λν, ν ← 2ν                  (Nielsen)

    A linear last layer, the readout, is solved for in each step instead of being stepped:

    - *readout solve*: only the readout is trained, Newton steps that are halved until |r| falls.
      A linear equation with its waves placed by rule needs two.
    - *variable projection*: the hidden weights take the steps above, with the readout solved
      exactly for each of them (Golub and Pereyra, in Kaufman's form).
    - *all weights*: plain Levenberg–Marquardt.
    - *constrained least squares*: what the model itself takes for a step, where its equation is a
      constraint and not a residual, as in a `PINN` with unknown parameters.

    All are solved by QR, as JᵀJ squares the condition of J and ends near 1e-8; only a damped step
    in float64 with λ above 1e-10 of the largest squared column of J factors JᵀJ + λI, several times
    faster, and refines the step at full precision. Every step uses all points of its batch, so give
    `fit` the same full batch each time. Training stops by itself and `stop_reason` says why:
    "rounding floor" (the residual is no larger than the rounding errors in it), "tolerance met" (it
    no longer falls, or need not, and is at most `tolerance`), "stalled", or "converged" where what
    is constrained no longer moves: "converged, misfit above noise" and "at a bound" where a look at
    the misfit speaks against the result (see `PINN.fit`).

    Args:
        variable_projection: "auto" solves for the readout first and trains hidden weights only if
            that misses the tolerance; True trains them after the first solve; False steps all
            weights alike. A model whose last layer is not linear always does the last.
        tolerance: ε ≥ 0, of the largest residual, in the unit of the residuals.
        initial_damping: λ at the start, relative to the largest squared column of J.
        name: name of the optimizer.

    It works on one device: not under a `tf.distribute.MirroredStrategy`.

    Raises:
        ValueError: in a model that is not a `LeastSquaresModel`.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator
    >>> from oscillator_zoo.models import PINN
    >>> pinn = PINN(DampedOscillator(damping=0.2), duration=10.0, seed=1)
    >>> pinn.compile(LevenbergMarquardt())
    >>> history = pinn.fit(pinn.collocation_points(), epochs=60, verbose=0)
    >>> pinn.optimizer.method
    'readout solve'
    >>> bool(history.history["residual_max"][-1] < 1e-9)
    True

    Reference:
        K. Madsen, H. B. Nielsen, O. Tingleff, "Methods for non-linear least squares problems",
        Technical University of Denmark (2004). G. Golub, V. Pereyra, "Separable nonlinear least
        squares", Inverse Problems 19 (2003).
    """

    def __init__(
        self,
        variable_projection="auto",
        tolerance=1e-6,
        initial_damping=1e-9,
        name="levenberg_marquardt",
    ):
        super().__init__(learning_rate=1.0, name=name)
        if variable_projection not in ("auto", True, False):
            raise ValueError(
                "variable_projection must be 'auto', True or False. "
                f"Received: {variable_projection!r}. 'auto' trains hidden weights where it helps."
            )
        self.variable_projection = variable_projection
        self.traced_method = None
        self.tolerance = real_value("tolerance", tolerance, "units of the residuals", at_least=0.0)
        self.initial_damping = real_value("initial_damping", initial_damping, "1", above=0.0)

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        first = READOUT if self.variable_projection else ALL_WEIGHTS

        def number(name, value, dtype="int32"):
            start = keras.initializers.Constant(np.array(value))  # a number would be float32
            return self.add_variable((), start, dtype=dtype, name=name)

        self.method_index = number("method_index", first)
        self.finished = number("finished", RUNNING)
        self.stalls = number("stalls", 0)
        self.damping = number("damping", self.initial_damping, "float64")
        self.growth = number("growth", 2.0, "float64")

    @property
    def method(self):
        """What ran last: "readout solve", "variable projection", …, as it is called above."""
        return METHODS[int(self.method_index)] if self.built else None

    @property
    def next_method_is_due(self):
        """Whether the training step has to be traced anew."""
        return self.traced_method not in (None, int(self.method_index))

    def reset(self):
        """Begin anew: forget the damping and that training has finished; weights stay."""
        if self.built:
            first = READOUT if self.variable_projection else ALL_WEIGHTS
            if self.traced_method in (CONSTRAINED, ALL_WEIGHTS):  # the only one: graph stays
                first = self.traced_method
            for variable, value in (
                (self.iterations, 0),
                (self.method_index, first),
                (self.finished, RUNNING),
                (self.stalls, 0),
                (self.damping, self.initial_damping),
                (self.growth, 2.0),
            ):
                variable.assign(value)

    def step_of(self, model, x, y=None, sample_weight=None):
        system = model.least_squares_system()
        check_frozen(model, system)
        residuals = self.step(system, x, y, sample_weight)
        check_penalties(model)  # which layers add when they are called
        return residuals

    def step(self, system, x, y=None, sample_weight=None):
        """One step, or none after training has finished.

        Args:
            system: `LeastSquaresSystem` of the model.
            x: inputs.
            y: targets, or None.
            sample_weight: weights, or None.

        Returns:
            The residuals after it.
        """
        batch = x, y, sample_weight
        residuals_now = residuals_of(system, batch)
        with tf.init_scope():  # known while a graph is made: one graph for each method
            if int(self.method_index) not in system.methods:
                self.method_index.assign(system.methods[0])
            self.traced_method = int(self.method_index)

        def train():
            if self.traced_method == CONSTRAINED:
                step = system.step(batch, self.damping, self.growth)
            elif self.traced_method == READOUT:
                step = readout_step(system, batch, residuals_now)
            else:
                take = DAMPED_STEPS[self.traced_method]
                step = take(system, batch, self.damping, self.growth, residuals_now)
            self.iterations.assign_add(1)
            self._decide(step, system.has_hidden_weights)
            return step.residuals

        running = tf.equal(tf.convert_to_tensor(self.finished), RUNNING)
        return tf.cond(running, lambda: in_own_graph(train), residuals_now)

    def _decide(self, step, has_hidden_weights):
        """Go on, train the hidden weights too, or stop."""
        stalls = tf.where(step.progress, 0, tf.convert_to_tensor(self.stalls) + 1)
        largest = tf.reduce_max(tf.abs(step.residuals))
        at_floor, within = largest <= step.rounding, largest <= self.tolerance
        solving = self.traced_method == READOUT
        idle = step.stuck | (stalls > (STALLS_OF_READOUT if solving else STALLS))
        stop = idle | (at_floor & ~step.progress) | (within & (not solving))
        reason = tf.where(at_floor, FLOOR, tf.where(within, TOLERANCE, STALLED))
        if solving and has_hidden_weights:
            missed = stop & tf.equal(reason, STALLED)
            go_on = missed if self.variable_projection == "auto" else tf.constant(True)
            self.method_index.assign(tf.where(go_on, PROJECTION, READOUT))
            stalls = tf.where(go_on, 0, stalls)
            stop &= ~go_on
        if self.traced_method == CONSTRAINED:
            stop, reason = step.stuck, CONVERGED
        self.stalls.assign(stalls)
        self.finished.assign(tf.where(stop, reason, RUNNING))

    def get_config(self):
        return {
            "name": self.name,
            "variable_projection": self.variable_projection,
            "tolerance": self.tolerance,
            "initial_damping": self.initial_damping,
        }


def check_frozen(model, system):
    """Raise for a model with weights that are held.

    Args:
        model: `LeastSquaresModel` that `LevenbergMarquardt` is about to train.
        system: its `LeastSquaresSystem`.

    Raises:
        ValueError: for weights among its unknowns that are not trainable.
    """
    moved = [*system.readout_variables, *system.nonlinear_variables]
    frozen = [variable.path for variable in moved if not variable.trainable]
    if frozen:
        raise ValueError(
            f"LevenbergMarquardt moves all weights of a {type(model).__name__}. Received frozen "
            f"ones: {', '.join(frozen)}. Set trainable=True, or train with another optimizer."
        )


def check_penalties(model):
    """Raise for a model with penalties beside the residuals, once its layers have been called."""
    if model.losses:
        raise ValueError(
            "LevenbergMarquardt makes the squares of residuals small and nothing else. Received a "
            "model with penalties (kernel_regularizer, activity_regularizer, …). Leave them out, "
            "or train with another optimizer."
        )
