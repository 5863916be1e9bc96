"""Arguments of a problem that may be varied or searched for: single numbers."""

FIXED = ("start_time", "order", "dimension")  # which the network is built on


def number_argument(problem, name, wanted, cure):
    """The value of a constructor argument that is one real number.

    Args:
        problem: `InitialValueProblem`.
        name: of the argument.
        wanted: what it should be, for the message.
        cure: what to do, for the message.

    Raises:
        ValueError: for a name that is no argument, or not one number of the equation or the
            initial state.
    """
    config = problem.get_config()
    if name not in config:
        problem.with_parameters(**{name: 1.0})  # raises, and names the nearest
    value = config[name]
    if name in FIXED or isinstance(value, bool) or not isinstance(value, float | int):
        raise ValueError(f"{wanted}. Received: {name}={value!r}. {cure}")
    return float(value)
