"""`card.json`: what a preset says about the model beside it."""

import json
import math

from oscillator_zoo.data.checks import did_you_mean
from oscillator_zoo.data.files import open_to_read, reason, write_whole

from .facts import facts_of, versions, weights_sha256

FORMAT_VERSION = 1
# What a model does, and the error that a table of presets shows.
TASKS = {
    "solution": ("position_relative_l2", "relative L2"),
    "forecast": ("rmse", "RMSE / amplitude, free run"),
    "response": ("position_nrmse", "RMSE / standard deviation"),
}
LARGEST_FILE = 2**20  # bytes; a card has some thousand


def complete_card(card, model, name):
    """A card with all its keys: those given, and what the model itself knows.

    Args:
        card: dictionary, see `save_preset`.
        model: the `keras.Model`.
        name: of the preset.

    Raises:
        ValueError: for unknown keys, or values of another kind than a card holds.
    """
    if not isinstance(card, dict):
        raise ValueError(
            f"A card is a dictionary. Received: {card!r}. Pass {{'errors': {{…}}}} at least."
        )
    default = {"task": "solution" if hasattr(model, "problem") else None, "warm_up": 1}
    default |= {"problem": None, "trained_for": {}, "recipe": None, "seed": None, "epochs": None}
    default |= {"errors": {}, "training": {}, "notes": []}
    for key in card:
        if key not in default:
            raise ValueError(
                f"A card takes {', '.join(default)}. Received: {key!r}.{did_you_mean(key, default)}"
            )
    head = {"format_version": FORMAT_VERSION, "name": name}
    own = {**facts_of(model), "versions": versions(), "sha256": weights_sha256(model)}
    try:
        complete = {**head, **default, **json.loads(json.dumps(card)), **own}
        _check(complete)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"A card holds plain numbers and texts. Received: {reason(error)}. Correct it."
        ) from error
    return complete


def write_card(path, card):
    """Write a complete card, whole or not at all."""
    with write_whole(path) as temporary:
        text = json.dumps(card, indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_card(path):
    """The content of a `card.json`, checked.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for a damaged or foreign file, or one of a later format.
    """
    with open_to_read(path, "A preset's card", mode="rb") as file:
        content = file.read(LARGEST_FILE + 1)
    try:
        if len(content) > LARGEST_FILE:
            raise ValueError(f"more than {LARGEST_FILE} bytes")
        card = json.loads(content)
        _check(card)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"card.json must be as `save_preset` wrote it. Received: {path} "
            f"({type(error).__name__}: {reason(error)}). Save or install the preset again."
        ) from error
    return card


def check_fits(card, model, folder):
    """Raise unless the card is that of the model: class, problem, weights."""
    own = {**facts_of(model), "sha256": weights_sha256(model)}
    wrong = [key for key, value in own.items() if card[key] != value]
    if wrong:
        raise ValueError(
            "The card of a preset must be that of the weights beside it. "
            f"Received: {folder}, where {', '.join(wrong)} of card.json differ from model.keras. "
            "Save or install the preset again."
        )


def _check(card):
    """Raise unless a card has all keys, each with a value of its kind."""
    if card["format_version"] != FORMAT_VERSION:
        raise ValueError(
            f"format_version {card['format_version']!r}, where {FORMAT_VERSION} is expected"
        )
    for key, (is_right, expected) in KINDS.items():
        if not is_right(card[key]):
            raise ValueError(f"{key} {repr(card[key])[:80]}, where {expected} is expected")


def _is_text(value):
    return isinstance(value, str)


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62


def _is_number(value):
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and abs(value) < 1e300 and math.isfinite(value)


def _is_dictionary(value):
    return isinstance(value, dict)


def _or_none(is_right):
    return lambda value: value is None or is_right(value)


def _is_errors(value):
    return _is_dictionary(value) and all(map(_is_number, value.values()))


def _is_problem(value):
    return _is_dictionary(value) and _is_text(value.get("class"))


def _is_range(value):
    is_pair = isinstance(value, list) and len(value) == 2
    return _is_number(value) or (is_pair and all(map(_is_number, value)))


def _is_ranges(value):
    return _is_dictionary(value) and all(
        _is_range(part) or (name == "parameter_ranges" and _is_ranges(part))
        for name, part in value.items()
    )


def _is_texts(values):
    return isinstance(values, list) and all(map(_is_text, values))


KINDS = {
    "name": (_is_text, "a text"),
    "class": (_is_text, "a text"),
    "task": (lambda value: _is_text(value) and value in TASKS, f"one of {', '.join(TASKS)}"),
    "warm_up": (lambda value: _is_count(value) and 1 <= value < 2**31, "a number of samples"),
    "problem": (_or_none(_is_problem), "a dictionary with a class, or null,"),
    "trained_for": (_is_ranges, "a dictionary of numbers and ranges"),
    "recipe": (_or_none(_is_text), "a text, or null,"),
    "seed": (_or_none(_is_count), "an integer, or null,"),
    "epochs": (_or_none(_is_count), "an integer, or null,"),
    "num_weights": (_is_count, "an integer ≥ 0"),
    "errors": (_is_errors, "a dictionary of finite numbers"),
    "training": (
        lambda value: _is_dictionary(value) and _is_number(value.get("seconds", 0)),
        "a dictionary with a number of seconds",
    ),
    "notes": (_is_texts, "a list of texts"),
    "versions": (
        lambda value: _is_dictionary(value) and _is_texts(list(value.values())),
        "a dictionary of texts",
    ),
    "sha256": (lambda value: _is_text(value) and len(value) == 64, "a hash of 64 digits"),
}
