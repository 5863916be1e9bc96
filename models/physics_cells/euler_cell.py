"""Euler's method as a recurrent cell, whose weights are the oscillator's constants."""

import keras
import numpy as np
from keras import ops

from oscillator_zoo.data.checks import one_number

from ..recurrent.elman_cell import one_state

FEATURES = ("position", "velocity")


@keras.saving.register_keras_serializable("oscillator_zoo")
class EulerCell(keras.layers.Layer):
    """One step of explicit Euler for a damped driven oscillator, as a cell of `keras.layers.RNN`.

        x_{i+1} = x_i + Δt v_i
        v_{i+1} = v_i + Δt (F_i / m − α v_i − δ x_i)

    | symbol     | argument                               | unit   |
    |------------|----------------------------------------|--------|
    | Δt         | `time_step`                            | s      |
    | α = γ/m    | `damping_rate`, a weight               | 1/s    |
    | δ = k/m    | `squared_frequency`, a weight          | 1/s²   |
    | m          | `mass`                                 | kg     |
    | x_0, v_0   | `initial_position`, `initial_velocity` | m, m/s |

    The numbers are those of `oscillator_zoo.data.simulate(method="euler")`, to rounding; for long
    sequences `LinearRNN(cell)` takes many steps at once, which `keras.layers.RNN` cannot, and it
    has forward-mode derivatives (jvp) in compiled functions, where TensorFlow raises a TypeError
    for Keras's own loop (but with `unroll=True`). Fed with measured force and motion, `fit` turns
    the weights α and δ into the oscillator's constants.
    Fitted to a motion that Euler's method did *not* make, they absorb the error of the method, to
    first order α + Δt δ in place of α. δ is kept ≥ 0 during training; α is not, since Euler data
    may look like a negative damping, nor is the sign of a trainable mass, which should start
    within a factor of a few of the truth.

    The attributes `damping_rate` and `squared_frequency` are the weights: they hold the trained
    values (`cell.damping_rate.numpy()`), which a saved model restores. `get_config` holds the
    values that training started from, as for any Keras layer. `mass`, `initial_position` and
    `initial_velocity` are weights where they are trainable and numbers elsewhere.

    Args:
        time_step: Δt > 0, in s: the sampling interval of the sequences.
        damping_rate: α, where training starts.
        squared_frequency: δ ≥ 0, where training starts.
        mass: m > 0. Where the force is known in other units only, 1/m is the gain.
        trainable_physics: whether `fit` changes α and δ.
        trainable_mass: whether `fit` changes m.
        initial_position: x_0, used unless the call passes `initial_state`.
        initial_velocity: v_0, likewise.
        learn_initial_state: whether `fit` changes x_0 and v_0, which all sequences share.
        features: what the output holds: `("position", "velocity")`, or one of them where only
            that is measured.

    Call arguments:
        force: F_i, `(batch, 1)`, in N; for `RNN(cell)` F_0 … F_{N−1}, `(batch, time, 1)`.
        states: s_i = (x_i, v_i), `(batch, 2)`, in m and m/s, in a list.

    Returns:
        The `features` of s_{i+1}, `(batch, len(features))`, and s_{i+1} in a list.

    Raises:
        ValueError: for a step or mass that is not positive, a negative δ, values that are not
            finite numbers, unknown features, a force or state of another size.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> from oscillator_zoo.models import EulerCell
    >>> cell = EulerCell(time_step=0.5, damping_rate=0.0, squared_frequency=1.0)
    >>> layer = keras.layers.RNN(cell, return_sequences=True)
    >>> start = np.array([[1.0, 0.0]])
    >>> motion = layer(np.zeros((1, 2, 1)), initial_state=start)  # F_0, F_1 → s_1, s_2
    >>> print(keras.ops.convert_to_numpy(motion)[0])
    [[ 1.   -0.5 ]
     [ 0.75 -1.  ]]
    """

    is_linear = True

    def __init__(
        self,
        time_step,
        damping_rate,
        squared_frequency,
        mass=1.0,
        trainable_physics=True,
        trainable_mass=False,
        initial_position=0.0,
        initial_velocity=0.0,
        learn_initial_state=False,
        features=FEATURES,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.time_step = _number("time_step", time_step, "s", above=0.0)
        self.trainable_physics = bool(trainable_physics)
        self.trainable_mass = bool(trainable_mass)
        self.learn_initial_state = bool(learn_initial_state)
        self.features = _known_features(features)
        self.state_size = len(FEATURES)
        self.output_size = len(self.features)
        self._start_values = {
            "damping_rate": _number("damping_rate", damping_rate, "1/s"),
            "squared_frequency": _number(
                "squared_frequency", squared_frequency, "1/s²", at_least=0.0
            ),
            "mass": _number("mass", mass, "kg", above=0.0),
            "initial_position": _number("initial_position", initial_position, "m"),
            "initial_velocity": _number("initial_velocity", initial_velocity, "m/s"),
        }
        self.damping_rate = self._add_number("damping_rate", self.trainable_physics)
        self.squared_frequency = self._add_number(
            "squared_frequency", self.trainable_physics, keras.constraints.NonNeg()
        )
        for name, is_weight in (
            ("mass", self.trainable_mass),
            ("initial_position", self.learn_initial_state),
            ("initial_velocity", self.learn_initial_state),
        ):
            start = self._start_values[name]
            setattr(self, name, self._add_number(name, True) if is_weight else start)

    def _add_number(self, name, trainable, constraint=None):
        start = np.array(self._start_values[name])  # keras.initializers.Constant is float32
        return self.add_weight(
            shape=(),
            name=name,
            initializer=lambda shape, dtype: ops.convert_to_tensor(start, dtype),
            trainable=trainable,
            constraint=constraint,
        )

    def build(self, force_shape):
        if force_shape[-1] != 1:
            raise ValueError(
                "EulerCell takes the force on one mass, (batch, time, 1) in N. "
                f"Received {force_shape[-1]} features. Pass the motion as initial_state, not as "
                "input."
            )

    def call(self, force, states):
        state, like_states = one_state(states)
        if state.shape[-1] != self.state_size:
            raise ValueError(
                "The state of an EulerCell is (position, velocity), (batch, 2). "
                f"Received shape {tuple(state.shape)}. Pass initial_state of shape (batch, 2)."
            )
        x, v = state[:, :1], state[:, 1:]
        slope = force / self.mass - self.damping_rate * v - self.squared_frequency * x
        motion = {"position": x + self.time_step * v, "velocity": v + self.time_step * slope}
        new_state = ops.concatenate(list(motion.values()), axis=-1)
        output = ops.concatenate([motion[name] for name in self.features], axis=-1)
        return output, like_states(new_state)

    def step_matrix(self, training=False):
        """A of s_{i+1} = s_i A + u_i, `(2, 2)`, for states in rows; u_i is `project_input`."""
        numbers = (1.0, self.damping_rate, self.squared_frequency)
        one, alpha, delta = (_tensor(number, self.compute_dtype) for number in numbers)
        h = self.time_step
        return ops.stack([ops.stack([one, -h * delta]), ops.stack([h * one, one - h * alpha])])

    def project_input(self, force, training=False):
        """u_i = (0, Δt F_i / m), for one step `(batch, 1)` or a sequence `(batch, time, 1)`."""
        force = ops.cast(force, self.compute_dtype)
        kick = self.time_step * (force / _tensor(self.mass, self.compute_dtype))
        return ops.concatenate([ops.zeros_like(kick), kick], axis=-1)

    def read_out(self, states):
        """The `features` of states `(..., 2)`."""
        columns = [FEATURES.index(name) for name in self.features]
        return ops.concatenate([states[..., i : i + 1] for i in columns], axis=-1)

    def get_initial_state(self, batch_size=None):
        """The state before the first force, in a list: (x_0, v_0), `(batch_size, 2)`."""
        numbers = self.initial_position, self.initial_velocity
        start = ops.stack([_tensor(number, self.compute_dtype) for number in numbers])
        return [ops.zeros((batch_size, 1), dtype=self.compute_dtype) + start]

    def get_config(self):
        return {
            **super().get_config(),
            **self._start_values,
            "time_step": self.time_step,
            "trainable_physics": self.trainable_physics,
            "trainable_mass": self.trainable_mass,
            "learn_initial_state": self.learn_initial_state,
            "features": self.features,
        }


def _tensor(number, dtype):
    """A number or weight as a tensor; `ops.cast` alone would round a number to float32."""
    return ops.cast(number * ops.ones((), dtype=dtype), dtype)


def _number(name, value, unit, **bounds):
    return one_number(name, value, unit, "Use one cell per oscillator.", **bounds)


def _known_features(features):
    known = isinstance(features, list | tuple) and len(features) > 0
    if not known or any(name not in FEATURES for name in features):
        raise ValueError(
            f"features must be a tuple of names out of {FEATURES}. Received: {features!r}. "
            'Write features=("position",) where only the position is measured.'
        )
    return tuple(features)
