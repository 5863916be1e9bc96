"""A TensorFlow function as a graph of float32 numbers with its weights inside."""

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2 as weights_as_constants,
    )

LOOPS = ("While", "StatelessWhile")


def float32_function(concrete, input_names, output_names):
    """The function in float32, of tensors by name, returning tensors by name.

    Args:
        concrete: `tf.ConcreteFunction`; its weights become constants.
        input_names: names of its inputs, in the order of `concrete.inputs`.
        output_names: likewise of its outputs.

    Returns:
        `tf.ConcreteFunction` whose signature has these names.
    """
    frozen = weights_as_constants(concrete, lower_control_flow=False)
    graph = frozen.graph.as_graph_def()
    ends = [[tensor.name for tensor in tensors] for tensors in (frozen.inputs, frozen.outputs)]
    _rename_functions(graph)
    _to_float32(graph)
    imported = tf.compat.v1.wrap_function(
        lambda: tf.graph_util.import_graph_def(graph, name=""), []
    )
    run = imported.prune(*([imported.graph.get_tensor_by_name(n) for n in end] for end in ends))

    def named(**tensors):
        results = run(*(tensors[name] for name in input_names))
        return dict(zip(output_names, results, strict=True))

    specs = {
        name: tf.TensorSpec(tensor.shape, tensor.dtype, name)
        for name, tensor in zip(input_names, run.inputs, strict=True)
    }
    return tf.function(named, autograph=False).get_concrete_function(**specs)


def constants_inside(concrete, specs):
    """A function of the same inputs with the arrays that layers keep as constants inside.

    Args:
        concrete: `tf.ConcreteFunction` that returns tensors by name.
        specs: `tf.TensorSpec` of its inputs.
    """
    frozen = weights_as_constants(concrete, lower_control_flow=False)
    names = sorted(concrete.structured_outputs)

    def named(*tensors):
        return dict(zip(names, tf.nest.flatten(frozen(*tensors)), strict=True))

    return tf.function(named, input_signature=specs, autograph=False)


def has_loop(concrete):
    """Whether a function, or one that it calls, contains a loop."""
    graph = concrete.graph.as_graph_def()
    return any(node.op in LOOPS for nodes in _all_nodes(graph) for node in nodes)


def _all_nodes(graph):
    return [graph.node, *(function.node_def for function in graph.library.function)]


def _rename_functions(graph):
    """Names of their own for the functions of a graph: TensorFlow knows each name only once."""
    names = {f.signature.name: f"{f.signature.name}_float32" for f in graph.library.function}
    for function in graph.library.function:
        function.signature.name = names[function.signature.name]
    for node in (node for nodes in _all_nodes(graph) for node in nodes):
        node.op = names.get(node.op, node.op)
        for value in node.attr.values():
            for called in (*([value.func] if value.HasField("func") else ()), *value.list.func):
                called.name = names.get(called.name, called.name)


def _to_float32(graph):
    double, single = tf.float64.as_datatype_enum, tf.float32.as_datatype_enum
    for function in graph.library.function:
        for argument in (*function.signature.input_arg, *function.signature.output_arg):
            if argument.type == double:
                argument.type = single
    for node in (node for nodes in _all_nodes(graph) for node in nodes):
        for value in node.attr.values():
            if value.type == double:
                value.type = single
            for i, kind in enumerate(value.list.type):
                value.list.type[i] = single if kind == double else kind
            if value.HasField("tensor") and value.tensor.dtype == double:
                rounded = tf.make_ndarray(value.tensor).astype("float32")
                value.tensor.CopyFrom(tf.make_tensor_proto(rounded))
