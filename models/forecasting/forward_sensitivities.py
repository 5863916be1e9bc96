"""How the motion of a recurrent cell changes with its weights, carried along in time."""

import keras
import numpy as np

from ..least_squares.least_squares_system import LeastSquaresSystem

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def forward_sensitivities(cell, sequence, state, state_slopes, weights, jit_compile=False):
    """Derivatives of the outputs of a free run with respect to the weights of its cell.

        s_{n+1} = f(s_n, x_n; P),    y_{n+1} = g(s_n, x_n; P),    S = ∂s/∂P
        S_{n+1} = ∂f/∂s S_n + ∂f/∂P,    ∂y_{n+1}/∂P = ∂g/∂s S_n + ∂g/∂P

    The tape differentiates one step at a time and forgets it, so that memory and work grow like
    the number of steps, where `GradientTape.jacobian` of the whole run needs its square. Each
    step multiplies `(K, K)` by `(K, num_weights)`: for cells with a small state.

    Args:
        cell: Keras cell with one state tensor.
        sequence: x, `(batch, time, features)`.
        state: s_0, `(batch, K)`.
        state_slopes: S_0, `(batch, K, num_weights)`.
        weights: list of the variables P.
        jit_compile: whether XLA compiles the loop, by itself; what is around it may be left to
            TensorFlow, whose QR is far faster than that of XLA on a CPU.

    Returns:
        ∂y/∂P, `(batch, time, outputs, num_weights)`.
    """
    if jit_compile:
        alone = tf.function(
            lambda *tensors: forward_sensitivities(cell, *tensors, weights),
            jit_compile=True,
            autograph=False,
        )
        return alone(sequence, state, state_slopes)
    values = [weight.value for weight in weights]
    size = state.shape[-1]

    def slopes_of_step(given):
        """One step of one sequence: (s', y) and its derivatives by s and by P."""
        inputs, before = (part[None] for part in given)
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch([before, *values])
            output, (after,) = cell(inputs, [before])
            both = tf.concat([after, output], axis=-1)
        by_state, *by_weights = tape.jacobian(both, [before, *values], unconnected_gradients="zero")
        return both[0], by_state[0, :, 0], _joined(by_weights, both, values)[0]

    def step(n, before, slopes, run):
        # The tape cannot tell what each sequence of a batch does to the weights: one by one.
        both, by_state, by_weights = tf.vectorized_map(slopes_of_step, (sequence[:, n], before))
        slopes = by_state @ slopes + by_weights
        return n + 1, both[:, :size], slopes[:, :size], run.write(n, slopes[:, size:])

    num_steps = tf.shape(sequence)[1]
    run = tf.TensorArray(state.dtype, num_steps)
    *_, run = tf.while_loop(lambda n, *_: n < num_steps, step, (0, state, state_slopes, run))
    return tf.transpose(run.stack(), (1, 0, 2, 3))


def start_slopes(start, weights):
    """A state that may depend on weights, `start()`, and its slopes `(batch, K, num_weights)`."""
    values = [weight.value for weight in weights]
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(values)
        state = start()
    parts = tape.jacobian(state, values, unconnected_gradients="zero")
    return state, _joined(parts, state, values)


def _joined(parts, value, weights):
    """Derivatives with respect to each weight, side by side."""
    return tf.concat(
        [
            tf.reshape(part, (*tf.unstack(tf.shape(value)), int(np.prod(weight.shape))))
            for part, weight in zip(parts, weights)
        ],
        axis=-1,
    )


class ForwardSystem(LeastSquaresSystem):
    """Residuals of a model that carries its own slopes forward in time; it has no readout.

    Args:
        model: `LeastSquaresModel` with a method `linearise`.
    """

    readout_variables = ()

    def __init__(self, model):
        self.model = model

    @property
    def nonlinear_variables(self):
        return self.model.trainable_variables

    def residuals(self, x, y=None, sample_weight=None):
        return self.model.residuals(x, y, sample_weight)

    def linearise(self, x, y=None, sample_weight=None, readout_only=False):
        return self.model.linearise(x, y, sample_weight)
