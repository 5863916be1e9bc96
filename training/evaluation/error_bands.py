"""How wrong a PINN says it is: proven where there is a proof, else estimated."""

import warnings
from typing import NamedTuple

import numpy as np


class ErrorBand(NamedTuple):
    """Sizes of the error of a solution at some times.

    | field       | content                                             | shape              |
    |-------------|-----------------------------------------------------|--------------------|
    | `position`  | bound or estimate of \\|x̂ − x\\|, in m                | (num, dimension)   |
    | `velocity`  | the same for the velocity, in m/s                   | (num, dimension)   |
    | `is_proven` | whether it is `PINN.error_bound` or the estimate    |                    |
    """

    position: np.ndarray
    velocity: np.ndarray
    is_proven: bool

    @property
    def name(self):
        """What it is, in two words."""
        return "error bound" if self.is_proven else "error estimate"


def error_band(pinn, times):
    """`ErrorBand` of a PINN at `times` (num,); None where it can say nothing of its error.

    That is for unknown parameters, and for motions that turn too often.
    """
    try:
        return ErrorBand(*pinn.error_bound(times), True)
    except ValueError:  # no proof for this equation or network
        pass
    try:
        with np.errstate(over="ignore", invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an estimate that is no use is as large as the motion
            sizes = (np.abs(error) for error in pinn.error_estimate(times))
            return ErrorBand(*(np.nan_to_num(size, nan=np.inf) for size in sizes), False)
    except ValueError:
        return None
