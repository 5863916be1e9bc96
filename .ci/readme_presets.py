"""Writes the table of presets into the README, from their cards."""

import pathlib
import re

from oscillator_zoo.models import available_presets

README = pathlib.Path(__file__).parent.parent / "README.md"
PLACE = re.compile(r"(<!-- presets -->\n).*?(\n<!-- end of presets -->)", re.DOTALL)

text = README.read_text(encoding="utf-8")
table = available_presets().markdown()
README.write_text(PLACE.sub(lambda found: found[1] + table + found[2], text), encoding="utf-8")
