"""What a model does along time: does it carry a state, or does it see a window?"""

import keras

POINTWISE = tuple(
    getattr(keras.layers, name)
    for name in """
    InputLayer Masking TimeDistributed Identity Dense Activation ELU LeakyReLU ReLU
    Normalization Rescaling BatchNormalization LayerNormalization RMSNormalization
    UnitNormalization Dropout AlphaDropout GaussianDropout GaussianNoise SpatialDropout1D
    Add Average Concatenate Maximum Minimum Multiply Subtract
    """.split()
)
POINTWISE_OPERATIONS = set(
    """
    Add Subtract Multiply TrueDivide Negative Concatenate Sin Cos Tanh Square
    NotEqual Any LogicalAnd
    """.split()  # the last line makes masks
)


def graph_of(model):
    """The graph of layers of a functional or sequential model, None for anything else."""
    if isinstance(model, keras.Sequential):
        return model._functional
    return model if isinstance(model, keras.Function) else None


def operations_of(model):
    """Layers and operations of a model, those of models inside it included."""
    graph = graph_of(model)
    if graph is None:
        inside = model.layers if isinstance(model, keras.Model) else []
        return inside or [model]
    return [op for operation in graph.operations for op in operations_of(operation)]


def can_carry_state(model):
    """Whether a model consists of recurrent layers and of layers that see one step at a time."""
    inspectable = graph_of(model) is not None or isinstance(model, keras.layers.RNN)
    return inspectable and bool(_recurrent(model)) and _unclear(model) is None


def check_window_model(model):
    """Raise where sliding a window over the model would not be what the model does.

    Raises:
        ValueError: for a recurrent model of unlimited length whose layers cannot all be taken one
            step at a time, and for a `stateful` one.
    """
    recurrent, graph = _recurrent(model), graph_of(model)
    if recurrent and (graph is None or graph.input_shape[1] is None):
        unclear = model if graph is None else _unclear(model)
        raise ValueError(
            "A recurrent model of unlimited length is fed one step at a time, so its layers must "
            "be recurrent or act on each time step alone. Received the layer "
            f"{unclear.name!r} ({type(unclear).__name__}), of which that is not known. Wrap it in "
            "keras.layers.TimeDistributed, or give the model a window, keras.Input((window, "
            "features))."
        )
    if any(getattr(part, "stateful", False) for layer in recurrent for part in _parts(layer)):
        raise ValueError(
            "A window is seen anew at every step. Received a model with a stateful layer, which "
            "would remember the window before. Build the model with stateful=False."
        )


def check_call(layer, arguments):
    """Raise if a recurrent layer is called with more than a sequence and a mask."""
    unknown = [k for k, v in arguments.items() if k not in ("mask", "training") and v is not None]
    if unknown:
        raise ValueError(
            "A closed loop starts every recurrent layer from its own initial state and feeds it "
            f"nothing but its input. Received the layer {layer.name!r} called with {unknown[0]}. "
            "Use learn_initial_state=True, or a longer prefix."
        )


def normalization_constants(model):
    """Means and variances that `adapt` computes, constants to a compiled function."""
    layers = [op for op in operations_of(model) if isinstance(op, keras.layers.Normalization)]
    return [constant for layer in layers for constant in (layer.mean, layer.variance)]


def _recurrent(model):
    """The recurrent layers of a model, and those with one somewhere inside."""
    kinds = (keras.layers.RNN, keras.layers.Bidirectional)
    return [op for op in operations_of(model) if any(isinstance(p, kinds) for p in _parts(op))]


def _parts(op):
    """An operation and the layers inside it; what acts on each step has nothing along time."""
    is_whole = isinstance(op, POINTWISE) or not isinstance(op, keras.layers.Layer)
    return [op] if is_whole else list(op._flatten_layers())


def _unclear(model):
    """The first operation not known to act on each step alone or on the past, or None."""
    for op in operations_of(model):
        if isinstance(op, keras.layers.RNN):
            if op.go_backwards or op.return_state:
                return op
        elif not (_acts_on_features(op) or _has_no_time_axis(op)):
            return op
    return None


def _acts_on_features(op):
    axes = keras.tree.flatten(getattr(op, "axis", -1))
    if any(axis not in (-1, 2) for axis in axes):
        return False
    is_layer = isinstance(op, keras.layers.Layer)
    return isinstance(op, POINTWISE) if is_layer else type(op).__name__ in POINTWISE_OPERATIONS


def _has_no_time_axis(op):
    try:
        inputs = keras.tree.flatten(op.input)
    except (AttributeError, ValueError):  # called on several inputs, or never
        return False
    return all(len(tensor.shape) <= 2 for tensor in inputs)
