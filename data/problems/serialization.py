"""Problems and forces as text, through Keras's registry of classes."""

import json

from ..configurable import Configurable
from ..forces import Chirp, Constant, Force, Sampled, Sinusoid, Step
from .coupled_oscillators import CoupledOscillators
from .damped_oscillator import DampedOscillator
from .decay import Decay
from .duffing import Duffing, MeasuredOscillator
from .first_order import FirstOrder
from .initial_value_problem import InitialValueProblem
from .pendulum import Pendulum
from .van_der_pol import VanDerPol

REGISTERED = (
    *(Constant, Sinusoid, Step, Chirp, Sampled),
    *(DampedOscillator, Duffing, VanDerPol, Pendulum, CoupledOscillators, Decay, FirstOrder),
    MeasuredOscillator,
)
NUMBERS = ("float64", "float32", "float16", "int64", "int32", "bool")


def register_with_keras():
    """Register the problems and forces of this package under "oscillator_zoo"."""
    import keras

    for cls in REGISTERED:
        keras.saving.register_keras_serializable("oscillator_zoo")(cls)


def check_saveable(problem):
    """Raise unless the problem, and its force, can be built again from a file.

    Raises:
        ValueError: for an unregistered class or a force that is a plain function.
    """
    import keras

    forces = problem.force if isinstance(problem.force, tuple) else (problem.force,)
    for item in (problem, *(force for force in forces if force is not None)):
        if not isinstance(item, InitialValueProblem | Force):
            raise ValueError(
                f"A force that is a plain function cannot be saved. Received: {item!r}. "
                "Use Sinusoid, Step, Chirp or Sampled, or a registered subclass of Force."
            )
        name = keras.saving.get_registered_name(type(item))
        if keras.saving.get_registered_object(name) is not type(item):
            raise ValueError(
                f"Only registered classes can be saved. Received an unregistered "
                f"{type(item).__name__}. Put @keras.saving.register_keras_serializable() above "
                "the class."
            )


def problem_to_text(problem):
    """The problem as JSON.

    Raises:
        ValueError: what `check_saveable` raises, or for an argument that does not survive.
    """
    import keras

    register_with_keras()
    check_saveable(problem)
    try:
        text = json.dumps(keras.saving.serialize_keras_object(problem))
        problem_from_text(text)
    except Exception as error:
        raise ValueError(
            f"A problem is saved through its constructor arguments: numbers, arrays, texts, "
            f"forces. Received a {type(problem).__name__} that cannot be built from them again "
            f"({error}). Keep each argument, unchanged, as an attribute of the same name."
        ) from error
    return text


def problem_from_text(text):
    """The problem that `problem_to_text` wrote.

    Only registered problems and forces are built; nothing else that the text may name is
    imported, looked up or called.

    Raises:
        ValueError: for a class that is not registered, or a text that is no problem.
    """
    import keras

    register_with_keras()
    config = json.loads(text)
    if not isinstance(config, dict):
        raise ValueError("The file holds no problem. Save it again with Trajectory.save.")
    check_registered(config, InitialValueProblem)
    problem = keras.saving.deserialize_keras_object(config, safe_mode=True)
    if not isinstance(problem, InitialValueProblem):  # a dictionary that lacks a key stays one
        raise ValueError("The file holds no problem. Save it again with Trajectory.save.")
    return problem


def is_plain_value(config):
    """Whether Keras's dictionary stands for an array of numbers.

    An array of texts or objects may ask for any amount of memory: "U1000000000" for one letter.
    """
    inner = config.get("config")
    is_array = config["class_name"] in ("__numpy__", "__tensor__") and isinstance(inner, dict)
    return is_array and inner.get("dtype") in NUMBERS


def check_registered(config, base):
    """Raise unless every object that `config` names is plain data or a registered `Configurable`.

    Raises:
        ValueError: naming the first class that is neither.
    """
    import keras

    if isinstance(config, list):
        for value in config:
            check_registered(value, Configurable)
    if not isinstance(config, dict):
        return
    if "class_name" in config or base is InitialValueProblem:
        name = config.get("registered_name") or config.get("class_name")
        cls = keras.saving.get_registered_object(name)
        plain = base is Configurable and is_plain_value(config)
        if not plain and not (isinstance(cls, type) and issubclass(cls, base)):
            raise ValueError(
                f"The file holds an object of the class {name!r}, which is not registered. "
                "Import the module that defines it before loading."
            )
    for value in config.values():
        check_registered(value, Configurable)
