"""How the motion of a recurrent cell changes with its weights, carried along in time."""

import keras
import numpy as np

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def forward_sensitivities(cell, sequence, state, state_slopes, weights):
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

    Returns:
        ∂y/∂P, `(batch, time, outputs, num_weights)`.
    """
    values = [weight.value for weight in weights]

    def one_sequence(given):
        steps, state, slopes = (part[None] for part in given)

        def step(n, state, slopes, run):
            with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
                tape.watch([state, *values])
                output, (new_state,) = cell(steps[:, n], [state])
                both = tf.concat([new_state, output], axis=-1)
            by_state, *by_weights = tape.jacobian(
                both, [state, *values], unconnected_gradients="zero"
            )
            moved = by_state[:, :, 0] @ slopes + _joined(by_weights, both, values)
            size = state.shape[-1]
            return n + 1, new_state, moved[:, :size], run.write(n, moved[0, size:])

        num_steps = tf.shape(steps)[1]
        run = tf.TensorArray(state.dtype, num_steps)
        *_, run = tf.while_loop(lambda n, *_: n < num_steps, step, (0, state, slopes, run))
        return run.stack()

    # One after the other: the tape cannot tell what each sequence of a batch does to the weights.
    given = sequence, state, state_slopes
    return tf.map_fn(one_sequence, given, fn_output_signature=state.dtype)


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
