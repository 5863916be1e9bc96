"""What a model sees of a trajectory, all its steps in one sequence."""

from .batches import force_included, input_columns, rows, state_columns
from .identification_pairs import check_input_names


class StreamParts:
    """Inputs and targets of whole trajectories, as arrays of `dtype`.

    Args:
        inputs: "states", "force", or a tuple of "force" and "initial_state".
        features, targets, include_force: as for `forecast_windows`.
        dtype: of the arrays.

    Raises:
        ValueError: for other inputs, or for columns of states chosen where there are none.
    """

    def __init__(self, inputs, features, targets, include_force, dtype):
        self.names = check_input_names(inputs, also="states")
        if inputs != "states" and (features is not None or include_force is not None):
            raise ValueError(
                "features and include_force choose columns of inputs='states'. "
                f"Received: inputs={inputs!r} beside them. Leave them out."
            )
        self.inputs, self.features, self.targets = inputs, features, targets
        self.include_force, self.dtype = include_force, dtype

    def __call__(self, trajectory):
        """List of arrays `(batch, …)`: the inputs in their order, then the targets."""
        if "force" in self.names and not force_included(trajectory, None):
            raise ValueError(
                f"inputs={self.inputs!r} needs a force. Received oscillators without one. "
                "Pass amplitude=(lo, hi), or a force that all of them share."
            )
        columns = [self._columns(trajectory, name) for name in self.names]
        columns.append(state_columns(trajectory, self.targets)[:, 1:])
        return [rows(part, self.dtype).reshape(part.shape) for part in columns]

    def _columns(self, trajectory, name):
        if name == "force":
            return trajectory.force[:, :-1]
        if name == "initial_state":
            return trajectory.states[:, 0]
        return input_columns(trajectory, self.features, self.include_force)[:, :-1]

    def in_structure(self, arrays):
        """(inputs, targets), the inputs a tuple unless they were given by one name."""
        *inputs, targets = arrays
        return (inputs[0] if isinstance(self.inputs, str) else tuple(inputs)), targets
