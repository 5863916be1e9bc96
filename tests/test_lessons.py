"""Lessons assert what their text claims; their twins for students lack the solutions."""

import ast
import json
import pathlib
import runpy

import pytest

CI = pathlib.Path(__file__).parent.parent / ".ci"
LESSONS = sorted((CI.parent / "notebooks").glob("*.ipynb"))
WITHOUT_CLAIMS = ("an_error_bar", "a_measured_oscillator")  # lessons without such a cell
WITHOUT_SOLUTIONS = ("five_ways", "reuse", *WITHOUT_CLAIMS)


@pytest.fixture(scope="module")
def faults():
    return runpy.run_path(str(CI / "check_claims.py"))["faults"]


def cells(text, *code):
    """A lesson of one text and some cells of code, the last of them the cell of claims."""
    made = [{"cell_type": "code", "source": source, "metadata": {}} for source in code]
    made[-1]["metadata"] = {"tags": ["claims"]}
    return [{"cell_type": "markdown", "source": text, "metadata": {}}, *made]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem[:2])
def test_every_figure_of_a_lesson_is_asserted(path, faults):
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    if any(name in path.name for name in WITHOUT_CLAIMS) and "claims" not in str(found[-1]):
        pytest.skip("has no cell of claims")
    assert faults(found) == []


@pytest.mark.parametrize(
    ("text", "code", "fault"),
    [
        ("Off by 0.02 m.", "assert 0.01 < e < 0.03  # 0.02", None),
        ("Off by 0.02 m.", "assert 0.03 < e < 0.04  # 0.02", "0.02 is not between 0.03 and 0.04."),
        ("Off by 0.02 m.", "assert e < 0.03", "0.02 is not asserted."),
        (r"At $8\cdot10^{-7}$ m.", "assert e < 1e-6  # 8e-7", None),
        (r"At $10^{-7}$ m.", "assert e < 1.0", "1e-07 is not asserted."),
        ("With 0.4 kg/s.", "assert e  # and\n# given: 0.4", None),
        ("With 0.5 kg/s.", "assert e\n# given: 0.5", "0.5 is called given, but no cell sets it."),
        ("All well.\n## Exercises\nTry 0.7.", "assert e", None),
    ],
)
def test_a_figure_needs_an_assert_or_a_constant(text, code, fault, faults):
    assert faults(cells(text, "damping = 0.4", code)) == ([] if fault is None else [fault])


def test_the_cell_of_claims_is_the_last(faults):
    assert "tagged claims" in faults(cells("Text.", "x = 1")[:1] + cells("", "x = 1")[1:])[0]


def test_twins_are_valid_and_lack_the_solutions(tmp_path):
    pytest.importorskip("nbformat")
    count = runpy.run_path(str(CI / "student_twins.py"))["write_all"](tmp_path)
    assert sorted(count) == [path.name for path in LESSONS]
    for path in LESSONS:
        twin = json.loads((tmp_path / path.name).read_text(encoding="utf-8"))
        text = "".join("".join(cell["source"]) + "\n" for cell in twin["cells"])
        assert count[path.name] > 0 or any(name in path.name for name in WITHOUT_SOLUTIONS)
        assert "SOLUTION" not in text
        for cell in twin["cells"]:
            if cell["cell_type"] == "code":
                ast.parse("".join(cell["source"]))
                assert cell["outputs"] == []
