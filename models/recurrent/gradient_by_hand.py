"""Gradients by hand inside compiled functions of TensorFlow."""

import itertools

import tensorflow as tf
from tensorflow.python.eager import forwardprop_util, record

_numbers = itertools.count()


def by_hand(function, gradient, arguments):
    """Results of a function, differentiated by a gradient that is written by hand.

    It does what `tf.custom_gradient` does, in forward mode as well. There TensorFlow takes, in a
    compiled function, the derivative of what it finds inside: nothing, where no tape shall look
    inside, and so the tangents would be zero without a word. Here the tangents J t are those of
    the gradient Jᵀ u, which is a linear function of u: (∂/∂u Jᵀ u)ᵀ t.

    Args:
        function: of the arguments, returning a list of tensors. Nothing in it is recorded.
        gradient: function of a list of results, a list of upstream gradients u and a list of the
            arguments, returning Jᵀ u as a list, None where there is none. It may be
            differentiated by `tf.gradients` and by tapes around everything; tapes of its own
            record nothing in forward mode.
        arguments: list of tensors; the function depends on nothing else.

    Returns:
        List of the results.
    """
    name = f"GradientByHand-{next(_numbers)}"
    graph = tf.compat.v1.get_default_graph()
    with record.stop_recording():
        inside = function(*arguments)
        with graph.gradient_override_map({"IdentityN": name}):
            results = tf.identity_n([*inside, *arguments])[: len(inside)]

    def of_tape(*upstreams):
        # Copies, because a gradient may be made in another graph than its arguments.
        here = [list(map(tf.identity, tensors)) for tensors in (results, upstreams, arguments)]
        return list(gradient(*here))

    @tf.RegisterGradient(name)
    def of_graph(_, *upstreams):
        return [None] * len(inside) + of_tape(*upstreams[: len(inside)])

    record.record_operation(name, results, arguments, of_tape)
    return results


def num_forward_modes():
    """How many `tf.autodiff.ForwardAccumulator` are at work, one around the other."""
    return len(forwardprop_util.pack_tangents([]).indices)
