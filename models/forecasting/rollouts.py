"""Closed-loop forecasts: a model's predictions become its inputs."""

import threading
import warnings

import keras
import numpy as np
from keras import ops

from oscillator_zoo.data.checks import positive_integer, real_value

from ..layer_graphs.time_axis import can_carry_state, graph_of, normalization_constants
from ..presets.range_warning import warn_outside
from .closed_loop import ClosedLoop

_loops = threading.Lock()  # one at a time makes a loop


def rollout(model, prefix, num_steps, force=None):
    """Forecast `num_steps` steps by feeding a one-step model's predictions back, in one call.

    With the last known state s_P, the forces F and the model's one-step prediction M,

        ŝ_{P+1} = M(…, (s_P, F_P)),   ŝ_{P+2} = M(…, (s_P, F_P), (ŝ_{P+1}, F_{P+1})),   …

    which are the numbers of a Python loop that appends each prediction to the sequence and calls
    the model again. What "…" is depends on the model:

    - A model of recurrent layers and of layers that act on each time step alone (Dense,
      Normalization, Rescaling, `TimeDistributed` around anything, …) carries its hidden states,
      so that it has seen the whole past at a constant cost per step. It starts from its initial
      (zero or learned) state before the prefix, `stateful` layers too, and leaves their states
      untouched.
    - Any other model sees a window that slides: as many steps as its `Input` has, or, where that
      is None, as the prefix has.

    The loop is compiled once per model and kind of shapes, and reads the weights at every call.
    No gradients pass through it. A model from force to motion, such as `RNN(EulerCell(...))`,
    predicts the motion without feedback: call it on the force.

    Args:
        model: `keras.Model` with one input and one output, or a recurrent layer, that takes
            `(batch, time, features)` and predicts the next state: `(batch, time, state)`, of
            which the last step counts, or `(batch, state)`. It takes what it predicts, followed
            by the force where it takes one, as in `oscillator_zoo.data.forecast_windows`.
        prefix: the known steps, `(batch, time, features)`: states, then the force that acted at
            the same times; in the units that the model was trained in.
        num_steps: number of predictions, an integer ≥ 1.
        force: F from the last time of the prefix on, `(batch, num_steps, dimension)`, in N.
            `force[:, 0]` is F at the last time of the prefix, as `prefix[:, -1]` holds it too;
            the last one acts one step before the last prediction. None where the model takes no
            force.

    Returns:
        The predictions after the prefix, `ndarray` of shape `(batch, num_steps, state)`.

    Raises:
        ValueError: for a wrong rank, shape or number of features, values that are not finite, a
            `num_steps` that is not an integer, a missing, superfluous or shifted force, a model
            whose output does not fit its input, or of which it is unknown how it treats time.

    Warns:
        RuntimeWarning: if the forecast leaves the range of finite numbers.
        UserWarning: for motions or forces outside those that a preset was trained on.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> from oscillator_zoo.data import DampedOscillator, simulate
    >>> from oscillator_zoo.models import ElmanRNN, euler_weights, rollout
    >>> oscillator = DampedOscillator(damping=0.1)
    >>> layer = ElmanRNN(2, activation="linear", use_bias=False, return_sequences=True)
    >>> layer.build((None, None, 2))
    >>> W, _ = euler_weights(oscillator, time_step=0.1)
    >>> layer.set_weights([W, np.zeros((2, 2))])  # the state comes as input: s_{i+1} = A s_i
    >>> states = simulate(oscillator, time_step=0.1, num_steps=50).states
    >>> forecast = rollout(layer, states[:, :1], num_steps=50)
    >>> forecast.shape, bool(np.abs(forecast - states[:, 1:]).max() < 1e-5)
    ((1, 50, 2), True)
    """
    num_steps = positive_integer("num_steps", num_steps)
    prefix = _sequences("prefix", prefix)
    num_outputs = _number_of_outputs(model, prefix)
    force = _force_or_nothing(force, prefix, num_outputs, num_steps)
    first = -(-num_outputs // 2)  # the positions; a model of positions alone has one output
    motion = {"position": prefix[..., :first], "velocity": prefix[..., first:num_outputs]}
    warn_outside(model, **motion, force=force)
    forecast = _compiled_loop(model).predict_on_batch((prefix, force))
    _warn_if_not_finite(forecast)
    return forecast


def _sequences(name, values):
    values = values if isinstance(values, np.ndarray) else ops.convert_to_numpy(values)
    if values.ndim != 3 or values.shape[1] == 0:
        raise ValueError(
            f"{name} must have the shape (batch, time, features) with at least one time. "
            f"Received shape {values.shape}. For one sequence write {name}[None]."
        )
    return real_value(name, values, "the units of the model's inputs")


def _number_of_outputs(model, prefix):
    """Size of a prediction, once model and prefix are known to fit."""
    if not isinstance(model, keras.Model | keras.layers.RNN):
        raise ValueError(
            "model must be a keras.Model or a recurrent layer. "
            f"Received: {model!r}. Put other layers into keras.Sequential([...])."
        )
    if not model.built:
        raise ValueError(
            "A model without weights predicts nothing. Received an unbuilt model. "
            "Train it, or call it once."
        )
    graph, num_inputs = graph_of(model), prefix.shape[-1]
    if graph is None:
        outputs = model.compute_output_spec(keras.KerasTensor(prefix.shape, model.compute_dtype))
        inputs, outputs = [keras.KerasTensor(prefix.shape)], keras.tree.flatten(outputs)
    else:
        inputs, outputs = graph.inputs, graph.outputs
    input_shape, output_shape = inputs[0].shape, outputs[0].shape
    if (len(inputs), len(outputs), len(input_shape)) != (1, 1, 3) or len(output_shape) < 2:
        raise ValueError(
            "A closed loop needs a model with one input, (batch, time, features), and one output, "
            "(batch, time, state) or (batch, state). Received inputs "
            f"{[x.shape for x in inputs]} and outputs {[y.shape for y in outputs]}. "
            "Join them into one, and leave return_state=False."
        )
    if input_shape[-1] not in (None, num_inputs):
        raise ValueError(
            f"prefix must have the {input_shape[-1]} features of the model's input: what it "
            f"predicts, then the force. Received {num_inputs} features, shape {prefix.shape}. "
            "Look at model.input_shape."
        )
    _check_length(model, input_shape[1], prefix)
    if output_shape[-1] > num_inputs:
        raise ValueError(
            f"A closed loop feeds what the model predicts back to its input. Received a model with "
            f"{num_inputs} input features and {output_shape[-1]} outputs, which do not fit. "
            "A model from force to motion needs no feedback: call it on the force."
        )
    return output_shape[-1]


def _check_length(model, window, prefix):
    if window and prefix.shape[1] < window and not can_carry_state(model):
        raise ValueError(
            f"prefix must fill the model's window of {window} steps. "
            f"Received {prefix.shape[1]} steps. Pass at least {window}."
        )


def _force_or_nothing(force, prefix, num_outputs, num_steps):
    batch, _, num_inputs = prefix.shape
    dimension = num_inputs - num_outputs
    expected = (batch, num_steps, dimension)
    if force is None:
        if dimension:
            raise ValueError(
                f"The model takes {num_inputs} features and predicts {num_outputs}: the other "
                f"{dimension} are a force. Received force=None. Pass force of shape {expected}, "
                "from the last time of the prefix on."
            )
        return np.zeros(expected)
    if not dimension:
        raise ValueError(
            f"The model takes the {num_inputs} features that it predicts, and no force. "
            "Received a force. Leave force out."
        )
    force = _sequences("force", force)
    if force.shape != expected:
        raise ValueError(
            f"force must have the shape (batch, num_steps, dimension) = {expected}. "
            f"Received {force.shape}. Pass one force for every step that is taken."
        )
    known = prefix[:, -1, num_outputs:]
    if not np.allclose(force[:, 0], known, rtol=1e-3, atol=1e-3 * np.abs(force).max()):
        raise ValueError(
            "force[:, 0] must be the force at the last time of the prefix, which the prefix holds "
            f"too. Received {force[0, 0]} and {known[0]} in the first sequence. After a prefix of "
            "P steps pass force[:, P - 1 : P - 1 + num_steps]."
        )
    return force


def _compiled_loop(model):
    """The model's `ClosedLoop`, made anew only where layers or constants were replaced."""
    parts = (graph_of(model), *normalization_constants(model))
    # Kept in the model's own dictionary, it goes when the model goes; Keras neither tracks nor
    # saves what is set there under a name with two underscores.
    with _loops:
        known_parts, loop = vars(model).get("__closed_loop__", ((), None))
        same = len(parts) == len(known_parts) and all(a is b for a, b in zip(parts, known_parts))
        if loop is None or not same:
            loop = ClosedLoop(model)
            vars(model)["__closed_loop__"] = (parts, loop)
        return loop


def _warn_if_not_finite(forecast):
    good = np.isfinite(forecast).all(axis=(0, 2))
    if not good.all():
        warnings.warn(
            f"The forecast is not finite from step {int(np.argmin(good)) + 1} on: fed with its own "
            "predictions the model diverges. Train it longer, or on its own predictions.",
            RuntimeWarning,
            stacklevel=3,
        )
