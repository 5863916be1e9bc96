"""What happens during `fit`: when to stop, what to show, what to keep.

`tolerances` stop at the lecture's criterion or at an error; `progress` and `solution_plot` show how
training goes, as `live_output`; `schedules` change what a forecaster is trained on; `stopping` and
`backup` (in a `backup_file`) let a fit that was interrupted go on. It may import the rooms below
it.
"""

from .progress import Progress
from .schedules import HorizonSchedule, TeacherForcingSchedule
from .solution_plot import SolutionPlot
from .stopping import StopOnInterrupt, StopOnNaN
from .tolerances import ErrorTolerance, ResidualTolerance

__all__ = [
    "ErrorTolerance",
    "HorizonSchedule",
    "Progress",
    "ResidualTolerance",
    "SolutionPlot",
    "StopOnInterrupt",
    "StopOnNaN",
    "TeacherForcingSchedule",
]
