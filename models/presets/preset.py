"""Trained models that come with the package, or lie in a folder of the same kind."""

import os
import pathlib

import keras

from oscillator_zoo.data.checks import did_you_mean
from oscillator_zoo.data.files import write_whole_folder

from ..saving.model_file import load_model, write_model
from ..saving.pickles import with_card
from .card import check_fits, complete_card, read_card, write_card

PRESETS = pathlib.Path(__file__).parent
FILES = {"card.json", "model.keras"}
TENSORFLOW_ONLY = ("PINN", "LeastSquaresModel", "ResponseModel", "ForecastModel")


def preset_names():
    """Names of the presets that come with the package, sorted."""
    return sorted(path.parent.name for path in PRESETS.glob("*/card.json"))


def from_preset(name):
    """A trained model, by the name of a preset or from a folder that `save_preset` wrote.

    The file is read by `load_model`, and must be the one that its card describes. The card is the
    model's attribute `card`: how good the model is, and what it was trained for. Beyond that,

    - a `PINN` raises: for times outside its interval, and parameters outside its ranges;
    - `rollout`, `evaluate_forecast` and `evaluate_response` warn: of positions, velocities or
      forces more than a tenth outside the range of those in training, where the card has one, and
      of another time step;
    - calling such a model itself says nothing: it sees numbers, no units.

    `fit` goes on with training. Recurrent and feed-forward presets load on every Keras backend
    (those in float64 on JAX with the environment variable JAX_ENABLE_X64=1); those of the classes
    `PINN` and `ResponseModel` need TensorFlow.

    Args:
        name: one of `available_presets()`, or the path of a folder.

    Returns:
        `keras.Model`, compiled if it was when saved, as those of the package are.

    Raises:
        FileNotFoundError: if there is neither such a preset nor such a folder.
        ValueError: for a damaged preset, a card that does not fit its weights, a later format, or
            a model that the Keras backend in use cannot hold.

    Example:
    >>> model = from_preset("pinn-decay")
    >>> model.card["trained_for"]
    {'start_time': 0.0, 'duration': 4.0}
    """
    folder = preset_folder(name)
    card = read_card(folder / "card.json")
    _check_backend(card)
    model = load_model(folder / "model.keras")
    _check_precision(model, card)
    check_fits(card, model, folder)
    return with_card(model, card)


def preset_folder(name):
    """The folder of a preset: a name of the package's presets comes before a path."""
    names = preset_names()
    if isinstance(name, str) and name in names:
        return PRESETS / name
    if isinstance(name, str | os.PathLike) and pathlib.Path(name).is_dir():
        return pathlib.Path(name)
    raise FileNotFoundError(
        f"The presets are {', '.join(names) or 'none'}; any other name is that of a folder. "
        f"Received: {name!r}, which does not exist.{did_you_mean(name, names)}"
    )


def save_preset(model, folder, card):
    """Write a trained model and its card to a folder, whole or not at all.

    Args:
        model: `keras.Model`; compile it as one would go on training it.
        folder: where to write `model.keras` and `card.json`; another preset there is replaced. Its
            name is the preset's.
        card: dictionary of what the model itself does not know, all optional but "task":

            | key           | content                                              | default      |
            |---------------|------------------------------------------------------|--------------|
            | "task"        | "solution", "forecast" or "response"                 | of a `PINN`: |
            |               |                                                      | "solution"   |
            | "errors"      | numbers by name, as of an evaluation                 | none         |
            | "problem"     | dictionary: "class", and its parameters              | a PINN's own |
            | "trained_for" | "time_step" in s, and ranges [lowest, highest] of    | a PINN's own |
            |               | "position", "velocity", "force"                      |              |
            | "warm_up"     | number of samples that are known and not scored      | 1            |
            | "training"    | "seconds", "machine", "date"                         | none         |
            | "recipe", "seed", "epochs" | how it was made                         | none         |
            | "notes"       | list of sentences                                    | none         |

    Raises:
        ValueError: for an unknown key or a value of another kind, or a folder that cannot be
            written, or holds something else than a preset.
        OSError: if writing fails, on a full disk for instance.

    Example:
    >>> import tempfile
    >>> from oscillator_zoo.data import Decay
    >>> from oscillator_zoo.models import PINN
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "my-decay"
    >>> save_preset(PINN(Decay(), duration=1.0, hidden_units=(3,)), folder, {})
    >>> PINN.from_preset(folder).card["num_weights"]
    10
    """
    folder = pathlib.Path(folder)
    content = complete_card(card, model, folder.name)
    if getattr(model, "optimizer", None) is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)  # reading warns of one without state
    with write_whole_folder(folder, "preset", _is_preset) as temporary:
        temporary.mkdir()
        write_model(model.save, temporary / "model.keras")
        write_card(temporary / "card.json", content)


def _check_backend(card):
    backend = keras.backend.backend()
    if card["class"] in TENSORFLOW_ONLY and backend != "tensorflow":
        raise ValueError(
            f"The preset {card['name']!r} is a {card['class']}, which needs TensorFlow. Received "
            f"the Keras backend {backend!r}. Set the environment variable "
            "KERAS_BACKEND=tensorflow before Keras is imported."
        )


def _check_precision(model, card):
    arrays = map(keras.ops.convert_to_numpy, model.weights)
    if any(array.dtype.name != weight.dtype for array, weight in zip(arrays, model.weights)):
        raise ValueError(
            f"The preset {card['name']!r} computes in float64. Received "
            f"{keras.backend.backend()!r}, which rounds it to float32. Set the environment "
            "variable JAX_ENABLE_X64=1 before JAX is imported."
        )


def _is_preset(folder):
    return {path.name for path in folder.iterdir()} <= FILES
