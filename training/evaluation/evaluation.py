"""The table in which every evaluation ends."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """Errors of a model next to those of baselines, which prints as a table.

    `evaluation["model"]["position_max"]` is one number; NaN stands for what has no meaning for a
    method, and prints as –.

    Args:
        scores: dictionary method → measure → float.
        labels: dictionary measure → what it is, with its unit.
        notes: sentences below the table, a tuple of texts.

    Example:
    >>> print(Evaluation({"model": {"error": 0.0123}}, {"error": "error (m)"}, ("Of one run.",)))
                    model
    error (m)      0.0123
    Of one run.
    """

    scores: dict
    labels: dict
    notes: tuple = ()

    def __getitem__(self, method):
        """The measures of one method, a dictionary."""
        self.check_method(method)
        return self.scores[method]

    def check_method(self, method):
        """Raise a ValueError unless a method of this name was compared."""
        if method not in self.scores:
            raise ValueError(
                f"The methods compared are {', '.join(self.scores)}. Received: {method!r}. "
                "Use one of them."
            )

    def __str__(self):
        width = 2 + max(len(label) for label in self.labels.values())
        columns = {name: max(10, 2 + len(name)) for name in self.scores}
        lines = ["".rjust(width) + "".join(n.rjust(w) for n, w in columns.items())]
        for measure, label in self.labels.items():
            values = (
                _shown(self.scores[name].get(measure)).rjust(w) for name, w in columns.items()
            )
            lines.append(label.ljust(width) + "".join(values))
        return "\n".join([*(line.rstrip() for line in lines), *self.notes])

    __repr__ = __str__


def _shown(value):
    """Three digits; integers whole, NaN and missing values as a dash."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return str(value) if isinstance(value, int) else f"{value:.3g}"


def position_unit(problem):
    """Unit of the position: "m" or "rad", or that of the file for a measurement."""
    return "unit of the file" if problem is None else problem.position_unit


def feature_unit(problem, feature):
    """Unit of a feature such as "position" or "velocity_2"."""
    per_time = "/s" if feature.startswith("velocity") else ""
    return position_unit(problem) + per_time
