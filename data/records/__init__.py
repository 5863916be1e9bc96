"""Records of instruments, read as they come.

`measurement` makes a `Trajectory` of a file or of arrays. `text_lines` decodes a file,
`text_table` finds the table in it, `cells` knows numbers and separators, `mapping_table` makes
the same of arrays. `headings` knows words and `heading_units` units, `columns` chooses the columns
(`time_column` that of the times, `column_index` one that is named) and `record_times` makes the
times. It may import the rooms below it.
"""

from .measurement import load_measurement

__all__ = ["load_measurement"]
