"""Models in pickles and in copies."""

import io
import types

import keras


def reduced(model):
    """What `pickle` and `copy.deepcopy` take of a model: its file, and the card of a preset."""
    _, (file,) = keras.Model.__reduce__(model)
    card = getattr(model, "card", None)
    return restored, (file.getvalue(), None if card is None else dict(card))


def restored(content, card):
    """The model of `reduced`. Like any pickle it is read from sources that are trusted only."""
    model = keras.Model._unpickle_model(io.BytesIO(content))
    return model if card is None else with_card(model, card)


def with_card(model, card):
    """The model with a card that says what it was trained for, which its copies have too."""
    model.card = types.MappingProxyType(card)
    # On the object, because it may be of a class of Keras's own. Both modules look here first.
    vars(model)["__reduce_ex__"] = lambda protocol: reduced(model)
    return model
