"""Writes what follows from the presets: two tables, and outputs that tests compare with."""

import json
import pathlib
import re
import sys

from oscillator_zoo.__main__ import LISTING
from oscillator_zoo.models import available_presets, from_preset
from oscillator_zoo.training.commands import listing

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
PLACE = re.compile(r"(<!-- presets -->\n).*?(\n<!-- end of presets -->)", re.DOTALL)


def main():
    """Write the table of docs/zoo.md, what `oscillator-zoo list` prints, and the outputs."""
    from preset_outputs import EXPECTED, NAMES, outputs

    page = ROOT / "docs" / "zoo.md"
    table = available_presets().markdown()
    text = PLACE.sub(lambda found: found[1] + table + found[2], page.read_text(encoding="utf-8"))
    page.write_text(text, encoding="utf-8")
    LISTING.write_text(listing(), encoding="utf-8")
    found = {name: outputs(from_preset(name)) for name in NAMES}
    EXPECTED.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
