"""Any record of an oscillator in, its constants with honest intervals out.

Begin with `identifying`, which fits the laws of the room below, `law_fits`, and compares them.
`found_constants` gives errors and intervals; `record_doubts` what speaks against them;
`residual_causes` what may have made a residual that is no noise, some of it by `score_tests` (which
also say whether dry friction under a force is worth a search); `spoilt_samples` single samples that
are no measurement; `column_checks` refuses force and motion that are something else. `identified`
shows it and makes the problem and the Keras model, `record_plot` draws it. It may import the rooms
below it.
"""

from .identified import Identified
from .identifying import identify

__all__ = ["Identified", "identify"]
