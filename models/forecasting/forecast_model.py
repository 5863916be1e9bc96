"""A one-step forecaster that is trained on forecasts of many steps."""

import keras
import numpy as np
from keras import ops

from oscillator_zoo.data.checks import positive_integer, real_value

from ..layer_graphs.time_axis import can_carry_state, graph_of
from ..least_squares.least_squares_model import (
    LeastSquaresModel,
    linearised_from_slopes,
    masked,
    weighted,
)
from ..saving.frozen_parts import set_trainable_parts
from .closed_loop import CarriedState
from .forward_sensitivities import ForwardSystem, forward_sensitivities, start_slopes

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


@keras.saving.register_keras_serializable("oscillator_zoo")
class ForecastModel(LeastSquaresModel):
    """A one-step forecaster M in a closed loop, trained on the errors of whole forecasts.

        ŝ_{i+1} = M(…, (a_i s_i + (1 − a_i) ŝ_i, F_i)),   r = ŝ_i − s_i   for i ≥ `warm_up`

    a_i says where the forecaster sees the true state instead of its own prediction. It is 1 during
    the warm-up. After it

    - every `horizon`-th step is 1: the sequence is cut into forecasts of `horizon` steps, each
      from the truth, the network's memory going on from one to the next. `horizon = 1` is
      training on one-step errors, None a single forecast to the end of the sequence;
    - any other step is 1 with the probability `teacher_forcing`, drawn anew for each training step
      (scheduled sampling).

    Errors grow along a forecast, and so do gradients: begin with a short horizon (or with much
    teacher forcing) and let `oscillator_zoo.training.HorizonSchedule` and `TeacherForcingSchedule`
    change it from epoch to epoch. `evaluate`, `predict` and validation are free runs to the end
    of the sequence, whatever the two are.

    Sequences of different lengths are padded at the end with `mask_value`, as
    `oscillator_zoo.data.variable_length_batches` does: a time at which all features have that
    value is no time at all. It changes neither the cost nor its gradients, in which the mean is
    that over the steps there are; what `predict` says there means nothing.

    The forecaster itself is `forecaster`; `rollout` and `evaluate_forecast` take it, and training
    this model trains its weights. With `LevenbergMarquardt` the Jacobian is carried forward in
    time beside the state: for forecasters whose prediction and hidden states together are small.

    Args:
        forecaster: one-step model that carries a state, as for `rollout`: recurrent layers and
            layers that act on each time step alone, from `(batch, time, features)` to the next
            states at every step.
        warm_up: number of samples that are known, an integer ≥ 1.
        horizon: number of steps of a forecast in training, an integer ≥ 1, or None.
        teacher_forcing: probability, from 0 to 1.
        seed: an integer ≥ 0, of the draws.
        mask_value: a number that marks padding, or None where there is none.
        name: name of the model.
        **kwargs: as for `keras.Model`.

    Call arguments:
        sequences: s_i and F_i side by side, `(batch, time, features)`, more than `warm_up` times;
            the states after the warm-up are what `fit` compares with, and `call` does not see.

    Returns:
        ŝ_i from i = `warm_up` to the last time, `(batch, time − warm_up, states)`.

    Raises:
        ValueError: as `LeastSquaresModel`, for a forecaster without a state to carry, a warm-up as
            long as the sequences, or a horizon or probability out of range; in `fit`, for targets.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator, simulate
    >>> from oscillator_zoo.models import ElmanRNN, LevenbergMarquardt
    >>> states = simulate(DampedOscillator(damping=0.5), 0.1, num_steps=60).states
    >>> layer = ElmanRNN(2, "linear", use_bias=False, return_sequences=True, dtype="float64")
    >>> inputs = keras.Input((None, 2), dtype="float64")
    >>> model = ForecastModel(keras.Model(inputs, layer(inputs)), warm_up=5, horizon=1)
    >>> model.compile(LevenbergMarquardt(tolerance=1e-8))
    >>> history = model.fit(states, epochs=100, verbose=0)
    >>> bool(history.history["loss"][-1] < 1e-15)
    True

    Reference:
        S. Bengio, O. Vinyals, N. Jaitly, N. Shazeer, Scheduled sampling for sequence prediction
        with recurrent neural networks, NeurIPS 28 (2015).
    """

    def __init__(
        self,
        forecaster,
        warm_up,
        horizon=None,
        teacher_forcing=0.0,
        seed=0,
        mask_value=None,
        name=None,
        **kwargs,
    ):
        _check_forecaster(forecaster)
        super().__init__(name=name, dtype=graph_of(forecaster).outputs[0].dtype, **kwargs)
        self.warm_up = positive_integer("warm_up", warm_up)
        self.seed = positive_integer("seed", seed, at_least=0)
        if mask_value is not None:
            mask_value = real_value("mask_value", mask_value, "the sequences' unit", arrays=False)
        self.mask_value = mask_value
        self.num_states = forecaster.output_shape[-1]
        predictor = CarriedState(forecaster)
        shape = forecaster.input_shape[-1], self.num_states
        self._cell = ForecastCell(predictor, *shape, dtype=self.dtype_policy)
        self._loop = keras.layers.RNN(self._cell, return_sequences=True, dtype=self.dtype_policy)
        self._horizon = self.add_weight((), "zeros", "int32", trainable=False, name="horizon")
        self._teacher_forcing = self.add_weight(
            (), "zeros", "float32", trainable=False, name="teacher_forcing"
        )
        self.horizon, self.teacher_forcing = horizon, teacher_forcing
        for part in (self, predictor, self._cell, self._loop):
            part.built = True  # all weights are the forecaster's, and it has them
        set_trainable_parts(self)

    @property
    def forecaster(self):
        """The one-step model, for `rollout` and `evaluate_forecast`."""
        return self._cell.predictor.model

    @property
    def horizon(self):
        """Number of steps of a forecast in training, None for the rest of the sequence."""
        return int(ops.convert_to_numpy(self._horizon)) or None

    @horizon.setter
    def horizon(self, value):
        self._horizon.assign(0 if value is None else positive_integer("horizon", value))

    @property
    def teacher_forcing(self):
        """Probability that training shows the true state."""
        return float(ops.convert_to_numpy(self._teacher_forcing))

    @teacher_forcing.setter
    def teacher_forcing(self, value):
        value = real_value("teacher_forcing", value, "1 (a probability)", at_least=0.0)
        if value > 1.0:
            raise ValueError(
                "teacher_forcing must be a probability, from 0 to 1. "
                f"Received: {value:g}. 1 always shows the true state, 0 never."
            )
        self._teacher_forcing.assign(value)

    def call(self, sequences):
        return self._forecast(sequences)

    def export_signature(self):
        """What an exported model takes: sequences `(batch, time, features)`."""
        shape = None, None, self.forecaster.input_shape[-1]
        return tf.TensorSpec(shape, self.compute_dtype, name="sequences")

    def _forecast(self, x):
        inputs, start = self._inputs(x)
        return self._loop(inputs, initial_state=[start])[:, self.warm_up - 1 :]

    def residuals(self, x, y=None, sample_weight=None, training=False):
        """√w · (ŝ − s) of every step after the warm-up, `(batch, time − warm_up, states)`.

        Padded steps count as zero, as in `LeastSquaresModel.residuals`.

        Args:
            x: sequences; in training a tuple of them and of a_i, `(batch, time − 1)`.
            y: None: the sequences say what is true.
            sample_weight: w, one weight per sequence (or per sequence and step), or None.
            training: not used: there is no dropout in a closed loop.
        """
        forecast = self._forecast(x)
        truth = _sequences(x)[:, self.warm_up :, : self.num_states]
        return self._weighted(forecast - ops.cast(truth, forecast.dtype), x, sample_weight)

    def _weighted(self, values, x, sample_weight):
        """√w · values of the steps after the warm-up, and 0 in padded ones."""
        if self.mask_value is not None:
            values = masked(values, self._is_time(_sequences(x)[:, self.warm_up :]))
        return values if sample_weight is None else weighted(values, sample_weight)

    def _is_time(self, sequences):
        """False where all features are the `mask_value`, `(batch, time)`."""
        single = ops.cast(sequences, "float32")  # as the data may have been before they came here
        return ops.any(ops.not_equal(single, np.float32(self.mask_value)), axis=-1)

    def least_squares_system(self):
        return ForwardSystem(self)

    def linearise(self, x, y=None, sample_weight=None):
        """`Linearised` residuals of a batch, with all weights among the nonlinear ones."""
        weights = self.trainable_variables
        residuals = self.residuals(x, y, sample_weight)
        inputs = self._inputs(x)[0]
        start, slopes = start_slopes(lambda: self._inputs(x)[1], weights)
        by_xla = not tf.executing_eagerly()
        slopes = forward_sensitivities(self._cell, inputs, start, slopes, weights, by_xla)
        slopes = self._weighted(slopes[:, self.warm_up - 1 :], x, sample_weight)
        return linearised_from_slopes(residuals, slopes)

    def train_step(self, data):
        """As `LeastSquaresModel.train_step`, with a_i drawn for this step."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if y is not None:
            raise ValueError(
                "The targets of a ForecastModel are the states after the warm-up, which the "
                "sequences hold. Received: y. Call fit(sequences)."
            )
        shown = self.shown_states(x, self.optimizer.iterations)
        return super().train_step(((x, shown), None, sample_weight))

    def shown_states(self, sequences, step=0):
        """a_i in a step of training, for every time but the last: `(batch, time − 1)`."""
        batch, num_times = ops.shape(sequences)[0], ops.shape(sequences)[1]
        after = ops.arange(num_times - 1) - (self.warm_up - 1)
        period = ops.where(self._horizon > 0, self._horizon, num_times)
        seed = tf.stack([self.seed, tf.cast(step, "int32")])  # so that resumed training repeats
        drawn = tf.random.stateless_uniform((batch, num_times - 1), seed)
        shown = (after <= 0) | (after % period == 0) | (drawn < self._teacher_forcing)
        return ops.cast(shown, self.compute_dtype)

    def _inputs(self, x):
        """What the loop sees, (s_i, F_i, a_i) for every time but the last, and its first state."""
        sequences, shown = _sequences(x), x[1] if isinstance(x, tuple) else None
        _check_length(sequences, self.warm_up)
        if self.mask_value is not None:  # what follows the last time may be anything but huge
            is_time = self._is_time(sequences)[..., None]
            sequences = ops.where(is_time, sequences, ops.zeros_like(sequences))
        sequences = ops.cast(sequences, self.compute_dtype)
        given = sequences[:, :-1]
        if shown is None:
            shown = ops.cast(ops.arange(ops.shape(given)[1]) < self.warm_up, self.compute_dtype)
            shown = ops.broadcast_to(shown, ops.shape(given)[:2])
        start = self._cell.first_state(sequences[:, 0])
        return ops.concatenate([given, shown[..., None]], axis=-1), start

    def get_config(self):
        return {
            "forecaster": keras.saving.serialize_keras_object(self.forecaster),
            "warm_up": self.warm_up,
            "horizon": self.horizon,
            "teacher_forcing": self.teacher_forcing,
            "seed": self.seed,
            "mask_value": self.mask_value,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config):
        forecaster = keras.saving.deserialize_keras_object(config["forecaster"])
        return cls(**{**config, "forecaster": forecaster})


class ForecastCell(keras.layers.Layer):
    """One step of a forecaster as a cell: (s_i, F_i, a_i) in, ŝ_{i+1} out, one state tensor.

    The state is the last prediction and, side by side with it, all that the forecaster remembers.
    """

    def __init__(self, predictor, num_features, num_states, **kwargs):
        super().__init__(**kwargs)
        self.predictor, self.num_states = predictor, num_states
        memory = predictor.initial_memory(ops.zeros((1, num_features), self.compute_dtype))
        self.sizes = [tensor.shape[-1] for tensor in memory]
        self.state_size = num_states + sum(self.sizes)

    def first_state(self, sample):
        """The state before the first of the samples `(batch, features)`."""
        nothing = ops.zeros_like(sample[:, : self.num_states])
        return ops.concatenate([nothing, *self.predictor.initial_memory(sample)], axis=-1)

    def call(self, inputs, states):
        (state,) = states
        prediction, memory = state[:, : self.num_states], []
        first = self.num_states
        for size in self.sizes:
            memory.append(state[:, first : first + size])
            first += size
        shown = inputs[:, -1:] > 0.5
        states = ops.where(shown, inputs[:, : self.num_states], prediction)
        force = inputs[:, self.num_states : -1]
        following, memory = self.predictor.step(ops.concatenate([states, force], axis=-1), memory)
        return following, [ops.concatenate([following, *memory], axis=-1)]


def _sequences(x):
    """The sequences of what `residuals` takes, with a_i beside them or not."""
    return x[0] if isinstance(x, tuple) else x


def _check_forecaster(forecaster):
    graph = graph_of(forecaster)
    if graph is None or not can_carry_state(forecaster):
        raise ValueError(
            "A ForecastModel carries the hidden states of its forecaster along: a functional or "
            "sequential keras.Model of recurrent layers and of layers that act on each time step "
            f"alone. Received: {type(forecaster).__name__}. For another model, train on windows."
        )
    shapes = graph.inputs[0].shape, graph.outputs[0].shape
    if len(shapes[1]) != 3 or shapes[1][-1] > shapes[0][-1]:
        raise ValueError(
            "A forecaster predicts, at every step, the states that lead its input features: "
            "(batch, time, features) to (batch, time, states), states <= features. Received "
            f"{shapes[0]} to {shapes[1]}. Set return_sequences=True."
        )


def _check_length(sequences, warm_up):
    num_times = sequences.shape[1]
    if num_times is not None and num_times <= warm_up:
        raise ValueError(
            f"Sequences must have more than warm_up = {warm_up} times. Received {num_times}. "
            "Use longer sequences or a shorter warm-up."
        )
