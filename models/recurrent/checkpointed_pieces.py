"""The loops of CheckpointedGradient on TensorFlow."""

import tensorflow as tf


def run_pieces(run, pieces, start, values, output_specs):
    """Runs through the pieces of a sequence, and again on the way back.

    Forwards, s_{j+1} = S(x_j, s_j, w) and y_j = Y(x_j, s_j, w), of which all s_j are kept. The
    loop back carries λ_j = ∂C/∂s_j and the sum of ∂C/∂w, and runs piece j again under a tape:

    λ_j = λ_{j+1} ∂S/∂s_j + ∂C/∂y_j ∂Y/∂s_j,   and the same for x_j and w.

    Neither loop takes up a piece before it has done with the one before.

    Args:
        run: function of x_j, s_j and w that returns y_j and s_{j+1}; all but x_j are lists.
        pieces: x, `(piece, batch, time, features)`.
        start: s_0, tensors `(batch, …)`.
        values: w, all that `run` depends on besides; there is no gradient for integers.
        output_specs: a `tf.TensorSpec` for each tensor of y_j.

    Returns:
        y, tensors `(piece, batch, …)`, and the last s, both in lists.

    Raises:
        ValueError: where second derivatives are taken.
    """
    number = len(start)

    @tf.custom_gradient
    def forwards(*arguments):
        pieces, *others = _unwatched(arguments)
        start, values = _split(others, number)
        last, kept, outputs = _run_forwards(run, pieces, start, values, output_specs)

        def gradient(*upstream):
            of_last, of_outputs = _split(_unwatched(upstream), number)
            results = _run_back(run, pieces, kept, values, of_last, of_outputs)
            return _first_derivatives(results, [*upstream, *arguments])

        return (*last, *outputs), gradient

    last, outputs = _split(forwards(pieces, *start, *values), number)
    return outputs, last


def _run_forwards(run, pieces, start, values, output_specs):
    """The last state, all before it, `(piece, batch, …)`, and the outputs."""
    arrays = [_array(like, pieces) for like in (*start, *output_specs)]

    def body(j, states, arrays):
        outputs, after = run(pieces[j], states, values)
        kept = map(_copied, states)
        arrays = [array.write(j, value) for array, value in zip(arrays, (*kept, *outputs))]
        return j + 1, _shaped_as(states, after), arrays

    last, arrays = _loop(body, 0, pieces, start, arrays)
    kept, outputs = _split([array.stack() for array in arrays], len(start))
    return last, kept, outputs


def _run_back(run, pieces, kept, values, of_last, of_outputs):
    """Gradients with respect to x, s_0 and w, in one list, None for integers."""
    weights = [value for value in values if value.dtype.is_floating]

    def body(j, carried, arrays):
        of_states, sums = _split(carried, len(kept))
        sources = [pieces[j], *(states[j] for states in kept), *weights]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            x, *others = sources
            results = run(x, others[: len(kept)], values)
        upstream = [*(outputs[j] for outputs in of_outputs), *of_states]
        of_x, *others = tape.gradient(
            tf.nest.flatten(results), sources, upstream, unconnected_gradients="zero"
        )
        of_states, more = _split(others, len(kept))
        carried = _shaped_as(carried, [*of_states, *map(tf.add, sums, more)])
        return j - 1, carried, [arrays[0].write(j, of_x)]

    carried = [*of_last, *map(tf.zeros_like, weights)]
    last = pieces.shape[0] - 1
    carried, (of_pieces,) = _loop(body, last, pieces, carried, [_array(pieces[0], pieces)])
    of_states, sums = _split(carried, len(kept))
    sums = iter(sums)
    of_values = [next(sums) if value.dtype.is_floating else None for value in values]
    return [of_pieces.stack(), *of_states, *of_values]


def _loop(body, first, pieces, carried, arrays):
    """`j, carried, arrays = body(j, carried, arrays)` for each piece, one after the other."""
    _, carried, arrays = tf.while_loop(
        lambda *_: True,
        body,
        (first, carried, arrays),
        parallel_iterations=1,
        maximum_iterations=pieces.shape[0],
    )
    return carried, arrays


def _first_derivatives(results, sources):
    """The results, as a function of the sources that cannot be differentiated."""
    known = [result for result in results if result is not None]

    @tf.custom_gradient
    def values(*_):
        def refuse(*_, **__):
            raise ValueError(
                "A checkpointed gradient has no second derivatives. Received a gradient of a "
                "gradient, or forward mode (jvp) through a function that was compiled before. "
                "Take them of the layer itself."
            )

        return list(known), refuse

    known = iter(values(*sources))
    return [None if result is None else next(known) for result in results]


def _unwatched(tensors):
    # Two nested tapes would have a function of XLA return its loop's every intermediate result.
    return [tf.stop_gradient(tensor) for tensor in tensors]


def _copied(state):
    # The state after a piece may be a view of its last row, and keep all the others in memory.
    return tf.gather(state, tf.range(tf.shape(state)[0]))


def _array(like, pieces):
    return tf.TensorArray(like.dtype, pieces.shape[0], element_shape=like.shape)


def _shaped_as(tensors, others):
    """The others, their shapes as known as those of the tensors: a loop allows nothing less."""
    for tensor, other in zip(tensors, others):
        other.set_shape(tensor.shape)
    return others


def _split(values, number):
    values = list(values)
    return values[:number], values[number:]
