"""Problems and forces as text, through Keras's registry of classes."""

import json

from .forces import Force
from .initial_value_problem import InitialValueProblem


def register_with_keras():
    """Register the problems and forces of this package under "oscillator_zoo"."""
    import keras

    from . import PROBLEMS_AND_FORCES

    for cls in PROBLEMS_AND_FORCES:
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
    """The problem as JSON; raises what `check_saveable` raises."""
    import keras

    register_with_keras()
    check_saveable(problem)
    return json.dumps(keras.saving.serialize_keras_object(problem))


def problem_from_text(text):
    """The problem that `problem_to_text` wrote; classes must be registered, no code is run."""
    import keras

    register_with_keras()
    config = json.loads(text)
    registered = isinstance(config, dict) and config.get("registered_name")
    if not registered or keras.saving.get_registered_object(registered) is None:
        raise ValueError(
            f"The file holds a problem of the class {registered!r}, which is not registered. "
            "Import the module that defines it before loading."
        )
    return keras.saving.deserialize_keras_object(config, safe_mode=True)
