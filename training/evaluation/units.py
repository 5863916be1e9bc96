"""Units of what is plotted and tabulated."""


def position_unit(problem):
    """Unit of the position: "m" or "rad", or that of the file for a measurement."""
    return "unit of the file" if problem is None else problem.position_unit


def feature_unit(problem, feature):
    """Unit of a feature such as "position" or "velocity_2"."""
    per_time = "/s" if feature.startswith("velocity") else ""
    return position_unit(problem) + per_time
