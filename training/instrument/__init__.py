"""Any record of an oscillator in, its constants with honest intervals out.

Begin with `identifying`. `record_list` takes what was measured, `base_motion` what a shaken base
does, `oscillator_laws` has the equations. `linear_decay` fits a free linear decay in closed form;
all else is fitted by `law_fit`: `weak_guesses` to begin with, then multiple shooting, a room of its
own. `own_problem` does the same for an equation of the user's. `found_constants` gives errors and
intervals, `record_doubts` what speaks against them, `residual_causes` what may have made a residual
that is no noise (and whether dry friction under a force is worth a search), `identified` shows it
and makes the problem and the Keras model, `record_plot` draws it. It may import the rooms
below it.
"""

from .identified import Identified
from .identifying import identify

__all__ = ["Identified", "identify"]
