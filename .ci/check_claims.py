"""Every figure that a lesson's text claims is asserted in its cell of claims.

The last code cell of a lesson is tagged `claims`. A figure of the text is a number with a decimal
point or an exponent, before the exercises. It stands in that cell in one of two ways:

- in the comment of an `assert`, and between its bounds: `assert 0.01 < error < 0.03  # 0.02`;
- in a comment `# given: 0.4 1.3`, a constant that the lesson itself sets in another code cell.

A time that was measured (its name holds `seconds`) is shown, never asserted: the next machine has
another one.
"""

import ast
import json
import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).parent.parent / "notebooks"
POWER = r"(?:(?P<factor>\d+(?:\.\d+)?)\s*\\cdot\s*)?10\^\{?(?P<power>-?\d+)\}?"
FIGURE = re.compile(POWER + r"|(?<![\w.])\d+(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+)")


def figures(text):
    """Numbers with a decimal point or an exponent, powers of ten in LaTeX among them."""
    for match in FIGURE.finditer(text):
        power = match["power"]
        yield float(match[0] if power is None else f"{match['factor'] or 1}e{power}")


def numbers(tree):
    """All number literals of a piece of Python, without their signs."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield float(node.value)


def asserted(source):
    """(low, figure, high) of every figure in the comment of an assert."""
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assert):
            bounds = sorted(numbers(node.test))
            low = bounds[0] if len(bounds) > 1 else 0.0
            for line in lines[node.lineno - 1 : node.end_lineno]:
                for figure in figures(line.partition("#")[2]):
                    yield low, figure, bounds[-1] if bounds else 0.0


def asserted_times(source):
    """Names of measured times in the asserts of a piece of Python."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            yield from (
                inner.id
                for inner in ast.walk(node)
                if isinstance(inner, ast.Name) and "seconds" in inner.id
            )


def faults(cells):
    """What a lesson's cells say and do not assert, in sentences; none if all is well."""
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    tags = [c["metadata"].get("tags", []) for c in cells if c["cell_type"] == "code"]
    if "claims" not in tags[-1] or "assert" not in code[-1]:
        return ["The last code cell must be tagged claims, and assert."]
    text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    claimed = set(figures(text.partition("## Exercises")[0]))
    found = list(asserted(code[-1]))
    given = {x for line in re.findall("# given: (.*)", code[-1]) for x in figures(line)}
    literals = {x for source in code[:-1] for x in numbers(ast.parse(source))}
    return [
        *(f"{x:g} is not asserted." for x in claimed - given - {x for _, x, _ in found}),
        *(f"{x:g} is not between {a:g} and {b:g}." for a, x, b in found if not a <= x <= b),
        *(f"{x:g} is called given, but no cell sets it." for x in given - literals),
        *(f"{x:g} is called given, but the text has no such figure." for x in given - claimed),
        *(f"{name} is a measured time: show it." for name in sorted(set(asserted_times(code[-1])))),
    ]


if __name__ == "__main__":
    wrong = 0
    for path in sorted(FOLDER.glob("*.ipynb")):
        for fault in faults(json.loads(path.read_text(encoding="utf-8"))["cells"]):
            print(f"{path.name}: {fault}")
            wrong += 1
    sys.exit(wrong > 0)
