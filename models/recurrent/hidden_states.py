"""The recurrence of ElmanRNN on TensorFlow, with backpropagation through time by hand."""

from typing import Any, NamedTuple

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
# In the loop XLA computes U x_t of so many features sooner than it would read it from memory, and
# so many outputs V h_t sooner than it would write h_t there for a product after the loop.
FEW_FEATURES = 8


class Loop(NamedTuple):
    """What a loop does in each step."""

    activation: Any  # f
    block: int  # steps written out in each pass
    gives: str | None  # of all steps: "states" h_t, "outputs" V h_t + c, or None
    keeps_states: bool  # whether h_t of all steps is the last result, for the gradient at least


def recurrence(x, start, weights, readout, mask, activation, training, return_sequences):
    """The last state, and of all steps h_t or V h_t + c, where h_t = f(b + W h_{t-1} + U x_t).

    h_t = h_{t-1} where the mask is False. The gradient is the lecture's. Backwards in time only
    this is carried from step to step:

    δ_t = (∂C/∂h_t + δ_{t+1} Wᵀ) f'(z_t)

    and then ∂C/∂(W, U, b) = Σ_t (h_{t-1}, x_t, 1)ᵀ δ_t, a product of matrices for all steps
    together. From the forward to the backward loop only x_t and h_t are kept, since f'(z_t) is a
    function of h_t: `(time, batch, units)` once, where TensorFlow's own gradient keeps every
    intermediate result. Outside training not even h_t is kept: a gradient, if one is asked for,
    computes it again. Higher derivatives are those of the same recurrence left to TensorFlow, and
    so are tangents in forward mode (`by_hand`).

    XLA compiles the loop when the number of steps is known, anew for each size of batch: while
    training, else only if that size is known too. Inside a function that XLA compiles the loop
    is a part of it.

    Args:
        x: inputs, `(batch, time, features)`.
        start: h_0, `(batch, units)`.
        weights: U `(features, units)`, W `(units, units)` and b `(units,)`.
        readout: V `(units, output_units)` and c `(output_units,)`, or [] for the states h_t.
        mask: booleans `(batch, time)`, or None for all True.
        activation: f, a key of `SLOPES`.
        training: whether gradients will be wanted.
        return_sequences: whether all steps are wanted, or the last state only.

    Returns:
        The last state `(batch, units)`, and a tensor `(batch, time, units or output_units)`, None
        unless `return_sequences`.
    """
    inside = in_xla(tf.compat.v1.get_default_graph())
    known = x.shape[1] is not None and (training or x.shape[0] is not None) and not is_portable()
    gives = "states" if return_sequences else None
    few_outputs = readout and readout[0].shape[1] <= FEW_FEATURES
    if return_sequences and few_outputs and (known or inside):
        gives = "outputs"
    block = 1 if known or inside or is_portable() else STEPS_WRITTEN_OUT
    loop = Loop(activation, block, gives, keeps_states=bool(training) or gives == "states")
    sources = [x, start, *weights]
    sources += readout if gives == "outputs" else []
    masks = [] if mask is None else [mask]
    last, *others = _run_by_hand(loop, sources, masks, inside, known and not inside)
    if gives != "states":
        return last, others[0] if return_sequences else None
    return last, _turned(_project(others[0], *readout) if readout else others[0])


def _run_by_hand(loop, sources, masks, inside, compiled):
    """Results of `_run` with their gradient by hand, except that of states kept for it."""
    run, run_back = (_run_by_xla, _run_back_by_xla) if compiled else (_run, _run_back)
    num_states = int(loop.keeps_states)
    num_wanted = 1 if loop.gives is None else 2
    of_masks = [None for _ in masks]

    def split(tensors):
        rest = tensors[num_states:]
        return tensors[:num_states], rest[:num_wanted], rest[num_wanted:]

    def gradient(results, upstreams, arguments):
        states = results[len(results) - num_states :]
        arguments = [*states, *upstreams[:num_wanted], *arguments]
        return *by_hand(first_order, second_order, arguments), *of_masks

    def first_order(*tensors):
        states, upstreams, arguments = split(tensors)
        if not states:
            states = run(loop._replace(keeps_states=True), *arguments)[-1:]
        delta, of_start = run_back(loop, *states, upstreams, *arguments)
        sums = _sums_over_time(loop, delta, *states, upstreams, *arguments)
        of_x = _turned(tf.matmul(delta, arguments[2], transpose_b=True))
        return [of_x, of_start, *sums]

    def second_order(_, of_slopes, tensors):
        states, upstreams, arguments = split(tensors)
        second_order = _second_order_in_xla if inside else _second_order_outside
        slopes = second_order(loop, of_slopes, upstreams, arguments)
        return *(None for _ in states), *slopes, *of_masks

    return by_hand(lambda *arguments: run(loop, *arguments), gradient, [*sources, *masks])


def _run(loop, x, start, kernel, recurrent_kernel, bias, *others):
    """The last state; V h_t + c, `(batch, time, output_units)`, if the loop gives it; and h_t,
    `(time, batch, units)`, if it keeps it.
    """
    x = _turned(x)
    in_loop = loop.block == 1 and x.shape[-1] <= FEW_FEATURES
    inputs = _array(x if in_loop else _project(x, kernel, bias))
    readout, masks = _split(loop, others)

    def step(t, before):
        projected = inputs.read(t)
        if in_loop:
            projected = projected @ kernel + bias
        hidden = loop.activation(projected + before @ recurrent_kernel)
        for mask in masks:
            hidden = tf.where(mask.read(t)[:, None], hidden, before)
        outputs = [hidden @ output_kernel for output_kernel in readout[:1]]
        return hidden, outputs + [hidden] * loop.keeps_states

    sizes = [weight.shape[-1] for weight in readout[:1]] + [bias.shape[-1]] * loop.keeps_states
    last, *rows = _loop(step, _length(x), loop.block, start, sizes)
    if readout:
        rows[0] = _turned(rows[0]) + readout[1]
    return [last, *rows]


def _run_back(loop, states, upstreams, x, start, kernel, recurrent_kernel, bias, *others):
    """δ_t, `(time, batch, units)`, and ∂C/∂h_0."""
    of_last, *of_steps = upstreams
    of_steps = [_array(_turned(u) if loop.gives == "outputs" else u) for u in of_steps]
    length, states = _length(states), _array(states)
    readout, masks = _split(loop, others)
    transposed, *transposed_readout = map(tf.transpose, [recurrent_kernel, *readout[:1]])

    def step(t, total):
        for upstream in of_steps:
            of_step = upstream.read(t)
            for weight in transposed_readout:
                of_step = of_step @ weight
            total = total + of_step
        delta = total * SLOPES[loop.activation](states.read(t))
        if not masks:
            return delta @ transposed, [delta]
        valid = masks[0].read(t)[:, None]
        delta = tf.where(valid, delta, tf.zeros_like(delta))
        return tf.where(valid, delta @ transposed, total), [delta]

    sizes = [bias.shape[-1]]
    of_start, delta = _loop(step, length, loop.block, of_last, sizes, backwards=True)
    return delta, of_start


def _sums_over_time(loop, delta, states, upstreams, x, start, *others):
    """∂C/∂ of U, W, b, V and c. Not in `_run_back`: XLA takes twice as long for these products."""
    x = _turned(x)
    of_recurrent = _product(states[:-1], delta[1:]) + _product(start, delta[0])
    of_kernel_and_bias = _product(tf.concat([x, tf.ones_like(x[..., :1])], axis=-1), delta)
    sums = [of_kernel_and_bias[:-1], of_recurrent, of_kernel_and_bias[-1]]
    if loop.gives == "outputs":
        sums += [_product(states, _turned(upstreams[1])), tf.reduce_sum(upstreams[1], (0, 1))]
    return sums


_run_by_xla = tf.function(_run, jit_compile=True, autograph=False)
_run_back_by_xla = tf.function(_run_back, jit_compile=True, autograph=False)


def _second_order(loop, of_slopes, upstreams, arguments):
    """Gradient of the gradients with respect to `upstreams` and the sources in `arguments`."""
    sources = arguments[: 7 if loop.gives == "outputs" else 5]
    results = _run(loop._replace(block=1), *arguments)[: len(upstreams)]
    slopes = tf.gradients(results, sources, upstreams, unconnected_gradients="zero")
    wanted = [*upstreams, *sources]
    return tf.gradients(slopes, wanted, of_slopes, unconnected_gradients="zero")


# Functions, since tapes do not know of what a loop in their own graph gives out later on for its
# gradient; and one for XLA, where loops keep their results in another way.
_second_order_outside, _second_order_in_xla = (
    tf.function(_second_order, autograph=False) for _ in range(2)
)


def _loop(step, length, block, carried, sizes, backwards=False):
    """Repeats `carried, rows = step(t, carried)`, `block` steps in each pass.

    Returns:
        List of the last `carried`, and of each row all steps, `(time, batch, size)`.
    """
    batch, shape = carried.shape[0], carried.shape

    def steps(number):
        def body(passed, carried, *arrays):
            for k in range(number):
                t = length - 1 - (passed + k) if backwards else passed + k
                carried, rows = step(t, carried)
                arrays = [a.write(t, _flat(row)) for a, row in zip(arrays, rows)]
            carried.set_shape(shape)  # as known as before: a loop allows nothing less
            return passed + number, carried, *arrays

        return body

    arrays = [
        tf.TensorArray(carried.dtype, length, element_shape=(batch and batch * size,))
        for size in sizes
    ]
    state = 0, carried, *arrays
    loops = [(block, length // block), (1, length % block)] if block > 1 else [(1, length)]
    for number, passes in loops:
        state = tf.while_loop(lambda *_: True, steps(number), state, maximum_iterations=passes)
    _, last, *arrays = state
    stacks = [array.stack() for array in arrays]
    return [last, *(tf.reshape(s, (length, batch or -1, n)) for s, n in zip(stacks, sizes))]


def _split(loop, others):
    """V and c, if the loop reads out, and the mask, if there is one, as arrays."""
    num_readout = 2 if loop.gives == "outputs" else 0
    return others[:num_readout], [_array(tf.transpose(mask)) for mask in others[num_readout:]]


def _project(x, kernel, bias):
    rows = _rows(x) @ kernel + bias
    return tf.reshape(rows, (_length(x), x.shape[1] or -1, kernel.shape[-1]))


def _turned(values):
    """Time before batches, or the other way round."""
    return tf.transpose(values, (1, 0, 2))


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
