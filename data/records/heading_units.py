"""Units in headings: 'x (mm)', 'a [g]', 'time_s', 'F in N', or a row of units below them."""

import re

SYMBOL = (
    r"(?:[pnuµμmckMGd]?(?:m|s|g|N|V|A|Pa|rad|Hz|bar|J|W|Nm)|min|h|deg|°|º|grad|in|inch|ft|lbf?)"
)
PART = rf"{SYMBOL}(?:\^?-?\d|[²³]|⁻[¹²])?"
UNIT = re.compile(rf"{PART}(?:[ ]?[/*·⋅ ][ ]?\(?{PART}\)?)*|1/s|%|°C|counts?|digits?|LSB|dB|gal|-")
IN_BRACKETS = re.compile(r"[\[({<]\s*([^\[\](){}<>]{1,16}(?:\([^()]*\))?)\s*[\])}>]\s*$")
AT_END = re.compile(r"(?:_|/|,|\bin\b|\s)\s*([^\s_,]{1,8})\s*$")
WORDS = {"second", "seconds", "sec", "secs", "msec", "usec", "ms", "us", "ns", "sekunden"}
WORDS |= {"meter", "meters", "metre", "metres", "newton", "volt", "volts", "degrees", "radians"}


def is_unit(text):
    """Whether a text is a unit: a symbol, a product or a quotient of them, or the word for one."""
    text = text.strip("[]() ")
    return text != "-" and (bool(UNIT.fullmatch(text)) or text.lower() in WORDS)


def unit_of(table, column):
    """The unit of a column of a `TextTable` as it is written there; "" if nothing says it."""
    below = "" if table.units is None else table.units[column]
    if below not in ("", "-"):
        return below
    found = _unit_in("" if table.headings is None else table.headings[column])
    return found[1].strip() if found else ""


def without_unit(heading):
    """The heading without the unit at its end, if there is one."""
    found = _unit_in(heading)
    return heading[: found.start()].strip() if found else heading


def _unit_in(heading):
    """The match of a unit at the end of a heading, in brackets or after a mark; or None."""
    found = IN_BRACKETS.search(heading) or AT_END.search(heading)
    return found if found and is_unit(found[1]) else None


def kind_by_unit(unit):
    """What has that unit: "force", "position", "velocity", "acceleration", or None."""
    plain = unit.replace(" ", "").replace("²", "^2").replace("⁻¹", "^-1").replace("⁻²", "^-2")
    plain = plain.replace("**", "^").replace("(", "").replace(")", "")
    length = r"(?:[nuµμmcdk]?m|in|inch|ft|rad|deg|°|º)"
    kinds = {
        "acceleration": rf"{length}(?:/s\^?2|/s/s|[·*⋅]?s\^?-2)|[mu]?g|gal",
        "velocity": rf"{length}(?:/s|[·*⋅]?s\^?-1)",
        "position": length,
        "force": r"[uµμmkM]?N|[mk]?Nm|lbf?",
    }
    return next((kind for kind, form in kinds.items() if re.fullmatch(form, plain)), None)
