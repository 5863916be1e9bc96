"""Parameters that may differ from one trajectory to the next."""

import copy

import numpy as np

from .configurable import Configurable


class Ensemble(Configurable):
    """Base of problems and forces: some constructor arguments may be arrays of shape `(batch,)`.

    Attributes:
        ensemble_parameters: the names of those arguments.

    Example:
    >>> class Springs(Ensemble):
    ...     ensemble_parameters = ("stiffness",)
    ...     def __init__(self, stiffness):
    ...         self.stiffness = stiffness
    >>> Springs(np.array([1.0, 2.0])).columns("stiffness")[0]
    array([[1.],
           [2.]])
    """

    ensemble_parameters = ()

    def columns(self, *names, ops=np):
        """Parameters as an equation needs them: `(batch, 1)`, or the number that all share.

        Args:
            *names: names of parameters.
            ops: `numpy` or `keras.ops`, which makes tensors of arrays.

        Returns:
            Tuple of numbers, `(batch, 1)` arrays, or tensors.
        """
        return self._shaped(names, (-1, 1), ops)

    def columns_like(self, x, *names, ops=np):
        """Parameters that broadcast against x of any rank: `(batch, 1, …)`, with `x`'s axes."""
        other_axes = max(len(getattr(x, "shape", ())) - 1, 0)
        return self._shaped(names, (-1,) + (1,) * other_axes, ops)

    def _shaped(self, names, shape, ops):
        values = (getattr(self, name) for name in names)
        return tuple(
            operand(value.reshape(shape) if np.ndim(value) == 1 else value, ops)
            if isinstance(value, np.ndarray)
            else value
            for value in values
        )

    def members(self, index):
        """Some of an ensemble, without the checks of `select`, nor starts or a force of their own.

        Args:
            index: slice or array.
        """
        some = copy.copy(self)
        vars(some).update({name: value[index] for name, value in self.arrays().items()})
        return some

    def arrays(self):
        """The parameters that are arrays, by name."""
        values = {name: getattr(self, name) for name in self.ensemble_parameters}
        return {name: v for name, v in values.items() if isinstance(v, np.ndarray)}


def operand(value, ops):
    """An array as `ops` takes it (PyTorch multiplies no NumPy arrays); anything else as it is."""
    if ops is np or not isinstance(value, np.ndarray):
        return value
    return ops.convert_to_tensor(value, "float64")
