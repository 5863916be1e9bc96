"""Which parts of a layer are frozen, for its configuration.

Keras passes `trainable` on when it is set, to the parts that a layer then has. A layer that makes
parts of its own in its constructor has none of them when its configuration, read from a file or by
`clone_model`, says `trainable=False`; and of parts frozen alone it says nothing.
"""

import keras


def parts_of(layer, with_weights=True):
    """The layers in the attributes of a layer, and their weights, each with its owner.

    Args:
        layer: Keras layer.
        with_weights: whether weights are parts too.

    Returns:
        Dictionary by path, outer parts first: "network" or "network/hidden/0/kernel": pairs
        (part, the layer that has it).
    """
    parts, seen = {}, {id(layer)}

    def add(path, part, owner):
        is_new = id(part) not in seen
        if is_new:
            seen.add(id(part))
            parts[path] = part, owner
        return is_new

    def collect(owner, prefix):
        for name, value in vars(owner).items():
            is_list = isinstance(value, list | tuple)
            for i, part in enumerate(value if is_list else [value]):
                path = f"{prefix}{name}/{i}" if is_list else f"{prefix}{name}"
                if name.startswith("_") or not isinstance(part, keras.layers.Layer):
                    continue
                if add(path, part, owner):
                    collect(part, f"{path}/")
        for weight in owner.weights if with_weights else ():  # those of its parts are there already
            add(f"{prefix}{weight.name}", weight, owner)

    collect(layer, "")
    return parts


def frozen_config(layer, with_weights=True):
    """What a configuration says of parts that are not as trainable as what has them.

    Returns:
        {"trainable_parts": {path: flag}}, or {} where all parts are like the layer itself.
    """
    differing = {
        path: part.trainable
        for path, (part, owner) in parts_of(layer, with_weights).items()
        if part.trainable != owner.trainable
    }
    return {"trainable_parts": differing} if differing else {}


def set_trainable_parts(layer, flags=None):
    """Pass a layer's own `trainable` on to the parts that it made since, then set theirs.

    Args:
        layer: Keras layer that has its parts.
        flags: `trainable` by path, as `frozen_config` says, or None.

    Raises:
        ValueError: for a path that leads nowhere, or a flag that is no boolean.
    """
    if not layer.trainable:
        layer.trainable = True  # TensorFlow passes on no value that an attribute has already
        layer.trainable = False
    if not flags:
        return
    parts = parts_of(layer)
    for path, flag in flags.items():
        if path not in parts or not isinstance(flag, bool):
            raise ValueError(
                f"trainable_parts must say True or False of parts of a {type(layer).__name__}: "
                f"{', '.join(parts)}. Received: {path!r}: {flag!r}. Set part.trainable instead."
            )
        parts[path][0].trainable = flag
