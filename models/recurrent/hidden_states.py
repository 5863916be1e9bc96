"""The recurrence of ElmanRNN on TensorFlow, with backpropagation through time by hand."""

import keras
import tensorflow as tf
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext as in_xla

from ..export.portable_graphs import is_portable
from .gradient_by_hand import by_hand

# f'(z) as a function of h = f(z).
SLOPES = {
    keras.activations.tanh: lambda h: 1.0 - h * h,
    keras.activations.sigmoid: lambda h: h * (1.0 - h),
    keras.activations.relu: lambda h: tf.cast(h > 0.0, h.dtype),
    keras.activations.linear: tf.ones_like,
}
# Without XLA a pass through the loop costs as much as the products in it, so several steps are
# written out in each. XLA gains nothing from that, and takes longer to compile.
STEPS_WRITTEN_OUT = 10
# XLA computes U x_t of so many features in the loop sooner than it would read it from memory.
FEW_FEATURES = 8


def hidden_states(x, start, kernel, recurrent_kernel, bias, mask, activation, training):
    """States h_t = f(b + W h_{t-1} + U x_t) of all steps; h_t = h_{t-1} where the mask is False.

    The gradient is the lecture's. Backwards in time only this is carried from step to step:

    δ_t = (∂C/∂h_t + δ_{t+1} Wᵀ) f'(z_t)

    and then ∂C/∂(W, U, b) = Σ_t (h_{t-1}, x_t, 1)ᵀ δ_t, a product of matrices for all steps
    together. From the forward to the backward loop only x_t and h_t are kept, since f'(z_t) is a
    function of h_t: `(time, batch, units)` once, where TensorFlow's own gradient keeps every
    intermediate result. Higher derivatives are those of the same recurrence left to TensorFlow,
    and so are tangents in forward mode (`by_hand`).

    XLA compiles the loop when the number of steps is known, anew for each size of batch: while
    training, else only if that size is known too. Inside a function that XLA compiles the loop
    is a part of it.

    Args:
        x: inputs, `(batch, time, features)`.
        start: h_0, `(batch, units)`.
        kernel: U, `(features, units)`.
        recurrent_kernel: W, `(units, units)`.
        bias: b, `(units,)`.
        mask: booleans `(batch, time)`, or None for all True.
        activation: f, a key of `SLOPES`.
        training: whether gradients will be wanted.

    Returns:
        Tensor `(time, batch, units)`.
    """
    inside = in_xla(tf.compat.v1.get_default_graph())
    known = x.shape[1] is not None and (training or x.shape[0] is not None) and not is_portable()
    run, run_back = (_run_by_xla, _run_back_by_xla) if known and not inside else (_run, _run_back)
    block = 1 if known or inside or is_portable() else STEPS_WRITTEN_OUT
    masks = [] if mask is None else [tf.transpose(mask)]

    def gradient(hidden, upstream, arguments):
        arguments = [*hidden, *upstream, *arguments]
        of_sources = by_hand(first_order, second_order, arguments)
        return *of_sources, *(None for _ in masks)

    def first_order(hidden, upstream, *arguments):
        x, start, kernel, *_ = arguments
        delta, of_start = run_back(activation, block, hidden, upstream, *arguments)
        sums = _sums_over_time(delta, hidden, x, start)
        return [tf.matmul(delta, kernel, transpose_b=True), of_start, *sums]

    def second_order(_, upstreams, arguments):
        _, upstream, *arguments = arguments
        run = _second_order_in_xla if inside else _second_order_outside
        of_upstream, *results = run(activation, upstreams, upstream, arguments)
        return None, of_upstream, *results, *(None for _ in masks)

    arguments = [tf.transpose(x, (1, 0, 2)), start, kernel, recurrent_kernel, bias, *masks]
    (hidden,) = by_hand(
        lambda *arguments: [run(activation, block, *arguments)], gradient, arguments
    )
    return hidden


def _run(activation, block, x, start, kernel, recurrent_kernel, bias, mask=None):
    """h_t, `(time, batch, units)`, of inputs and masks with time first."""
    in_loop = block == 1 and x.shape[-1] <= FEW_FEATURES
    inputs = _array(x if in_loop else _project(x, kernel, bias))
    masks = None if mask is None else _array(mask)

    def step(t, before, states):
        projected = inputs.read(t)
        if in_loop:
            projected = projected @ kernel + bias
        hidden = activation(projected + before @ recurrent_kernel)
        if masks is not None:
            hidden = tf.where(masks.read(t)[:, None], hidden, before)
        return hidden, states.write(t, _flat(hidden))

    return _loop(step, _length(x), block, start)[1]


def _run_back(
    activation, block, hidden, upstream, x, start, kernel, recurrent_kernel, bias, mask=None
):
    """δ_t, `(time, batch, units)`, and ∂C/∂h_0."""
    length, transposed = _length(x), tf.transpose(recurrent_kernel)
    states, upstreams = _array(hidden), _array(upstream)
    masks = None if mask is None else _array(mask)

    def step(passed, carried, deltas):
        t = length - 1 - passed
        total = upstreams.read(t) + carried
        delta = total * SLOPES[activation](states.read(t))
        if masks is None:
            return delta @ transposed, deltas.write(t, _flat(delta))
        valid = masks.read(t)[:, None]
        delta = tf.where(valid, delta, tf.zeros_like(delta))
        return tf.where(valid, delta @ transposed, total), deltas.write(t, _flat(delta))

    of_start, delta = _loop(step, length, block, tf.zeros_like(start))
    return delta, of_start


def _sums_over_time(delta, hidden, x, start):
    """∂C/∂ of U, W and b. Not in `_run_back`: XLA takes twice as long for these products."""
    of_recurrent = _product(hidden[:-1], delta[1:]) + _product(start, delta[0])
    of_kernel_and_bias = _product(tf.concat([x, tf.ones_like(x[..., :1])], axis=-1), delta)
    return of_kernel_and_bias[:-1], of_recurrent, of_kernel_and_bias[-1]


_run_by_xla = tf.function(_run, jit_compile=True, autograph=False)
_run_back_by_xla = tf.function(_run_back, jit_compile=True, autograph=False)


def _second_order(activation, upstreams, upstream, arguments):
    """Gradient of the gradients with respect to ∂C/∂h and to the arguments of `hidden_states`."""
    sources = arguments[:5]
    hidden = _run(activation, 1, *arguments)
    results = tf.gradients(hidden, sources, upstream, unconnected_gradients="zero")
    wanted = [upstream, *sources]
    return tf.gradients(results, wanted, upstreams, unconnected_gradients="zero")


# Functions, since tapes do not know of what a loop in their own graph gives out later on for its
# gradient; and one for XLA, where loops keep their results in another way.
_second_order_outside, _second_order_in_xla = (
    tf.function(_second_order, autograph=False) for _ in range(2)
)


def _loop(step, length, block, carried):
    """Repeats `carried, array = step(t, carried, array)`, `block` steps in each pass."""

    def steps(number):
        def body(t, carried, array):
            shape = carried.shape
            for k in range(number):
                carried, array = step(t + k, carried, array)
            carried.set_shape(shape)  # as known as before: a loop allows nothing less
            return t + number, carried, array

        return body

    array = tf.TensorArray(carried.dtype, length, element_shape=(carried.shape.num_elements(),))
    state = 0, carried, array
    loops = [(block, length // block), (1, length % block)] if block > 1 else [(1, length)]
    end = 0
    for number, passes in loops:
        end += number * passes
        state = tf.while_loop(
            lambda t, *_, end=end: t < end, steps(number), state, maximum_iterations=passes
        )
    _, last, array = state
    return last, tf.reshape(array.stack(), (length, carried.shape[0] or -1, carried.shape[-1]))


def _project(x, kernel, bias):
    rows = _rows(x) @ kernel + bias
    return tf.reshape(rows, (_length(x), x.shape[1] or -1, kernel.shape[-1]))


def _flat(values):
    # XLA writes a row into a stack by vectors of numbers, but a matrix number by number.
    return tf.reshape(values, (-1,))


def _rows(values):
    return tf.reshape(values, (-1, values.shape[-1]))


def _product(left, right):
    return tf.matmul(_rows(left), _rows(right), transpose_a=True)


def _length(values):
    return tf.shape(values)[0] if values.shape[0] is None else values.shape[0]


def _array(values):
    array = tf.TensorArray(values.dtype, _length(values), element_shape=values.shape[1:])
    return array.unstack(values)
