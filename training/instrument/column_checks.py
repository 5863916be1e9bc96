"""Are force and motion what they are said to be?"""

import numpy as np

from ..law_fits.law_fit import fit_law
from ..law_fits.oscillator_laws import LAWS
from ..law_fits.record_list import exchanged
from ..law_fits.weak_guesses import spectral_rate, weak_rate

PLAIN, NEARER = 0.05, 0.2  # RMSE over standard deviation, and over the other, of other columns


def check_columns(records, found, course):
    """Raise where records are explained once they are taken to be something else.

    Raises:
        ValueError: if the linear law is nearer by far to another quantity, or to the two columns
            exchanged.
    """
    other = weak_rate(records, spectral_rate(records), course)
    slow = fit_law(LAWS["linear"], records, other, {}, course)  # far below its frequency
    left = min((left_of(f, records) for f in (found, slow) if f and f.closed), default=1.0)
    for what, others in exchanged(records) if left > PLAIN else ():
        rate = spectral_rate(others)
        fit = fit_law(LAWS["linear"], others, rate, {}, course)
        if fit is not None and fit.closed and left_of(fit, others) < min(PLAIN, NEARER * left):
            raise ValueError(
                "Force and motion must be what they are said to be. Received "
                f"{records[0].name} with a {records[0].quantity}, of whose standard deviation a "
                f"fit leaves {left:.2g}; {what}, a linear one leaves {left_of(fit, others):.2g}. "
                "Check the headings; pass measured, input_column and output_column."
            )


def left_of(fit, records):
    """RMSE of a fit over the standard deviation of the records, together."""
    square = sum(record.kept.sum() * record.values[record.kept].var() for record in records)
    return np.sqrt(fit.square / square)
