"""Layers like those of a user, with other options: the user's own are never written to."""

import keras

INNER = ("layer", "forward_layer", "backward_layer", "cell")  # where wrappers keep other layers


def twin(layer, **attributes):
    """A layer with the same weights and other values for some attributes.

    It shares everything else with the layer, which is left as it is: other threads may be calling
    it. Options that are set for a while and set back are seen by them, and may stay for good.
    """
    copy = object.__new__(type(layer))
    # Past __setattr__: Keras would enter the new values among what the layer itself tracks.
    vars(copy).update(vars(layer))
    vars(copy).update(attributes)
    return copy


def without_dropout(layer):
    """A layer or model as it is at inference: itself, or a twin if recurrent parts have dropout.

    At inference there is none, but Keras's recurrent layers draw random numbers for it all the
    same, and keep them on their cells. Looked into are functional and sequential models, wrappers
    of a layer, and stacks of cells.
    """
    if isinstance(layer, keras.Sequential) and layer._functional is not None:
        changed = {"_functional": without_dropout(layer._functional)}
    elif isinstance(layer, keras.Function):
        same = all(without_dropout(operation) is operation for operation in layer.operations)
        return layer if same else _graph_without_dropout(layer)
    elif isinstance(layer, keras.layers.Layer):
        changed = _parts_without_dropout(layer)
    else:
        return layer
    same = all(value is getattr(layer, name) for name, value in changed.items())
    return layer if same else twin(layer, **changed)


def _graph_without_dropout(model):
    def run(inputs, operation_fn=lambda operation: operation, call_fn=None):
        def replaced(operation, **options):
            return operation_fn(without_dropout(operation), **options)

        return model._run_through_graph(inputs, operation_fn=replaced, call_fn=call_fn)

    return twin(model, _run_through_graph=run)


def _parts_without_dropout(layer):
    parts = {name: getattr(layer, name, None) for name in INNER}
    parts = {name: part for name, part in parts.items() if isinstance(part, keras.layers.Layer)}
    changed = {name: without_dropout(part) for name, part in parts.items()}
    if isinstance(layer, keras.layers.StackedRNNCells):
        cells = [without_dropout(cell) for cell in layer.cells]
        if any(one is not other for one, other in zip(cells, layer.cells)):
            changed["cells"] = cells
    if hasattr(layer, "get_dropout_mask"):
        for name in ("dropout", "recurrent_dropout"):
            changed |= {name: 0.0} if getattr(layer, name, 0.0) else {}
    return changed
