"""Lessons assert what they claim and leave drawing to the package; their twins lack solutions."""

import ast
import json
import pathlib
import re
import runpy

import pytest

CI = pathlib.Path(__file__).parent.parent / ".ci"
LESSONS = sorted((CI.parent / "notebooks").glob("*.ipynb"))
WITHOUT_SOLUTIONS = ("five_ways",)  # a picture to begin with: nothing to be filled in
# Methods of Matplotlib, and its own colours, which are not those of the package.
DRAWN_BY_HAND = (
    "plot scatter errorbar fill_between vlines hlines axhline axvline axhspan axvspan hist imshow "
    "pcolormesh contourf semilogy semilogx loglog legend subplots colorbar set set_title "
    "set_xlabel set_ylabel set_xlim set_ylim"
).split()
OTHER_COLOURS = re.compile(r"""["'](?:C\d|tab:\w+|[rgbcmk][-.:ox]+|red|green|blue|orange)["']""")


@pytest.fixture(scope="module")
def faults():
    return runpy.run_path(str(CI / "check_claims.py"))["faults"]


def cells(text, *code):
    """A lesson of one text and some cells of code, the last of them the cell of claims."""
    made = [{"cell_type": "code", "source": source, "metadata": {}} for source in code]
    made[-1]["metadata"] = {"tags": ["claims"]}
    return [{"cell_type": "markdown", "source": text, "metadata": {}}, *made]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem.partition("_")[0])
def test_every_figure_of_a_lesson_is_asserted(path, faults):
    assert faults(json.loads(path.read_text(encoding="utf-8"))["cells"]) == []


def sources():
    """The code of all cells of all lessons."""
    for path in LESSONS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                yield "".join(cell["source"])


def draws_by_hand(source):
    """Whether a cell imports Matplotlib or calls a method of its figures and axes."""
    for node in ast.walk(ast.parse(source)):
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if called and node.func.attr in DRAWN_BY_HAND:
            return True
        if isinstance(node, ast.Import) and any("matplotlib" in part.name for part in node.names):
            return True
    return False


def test_at_most_a_tenth_of_the_cells_draw_by_hand():
    assert draws_by_hand("ax = plot_lines(t, lines)\nax.axvline(1.0)")
    assert not draws_by_hand("plot_lines(t, lines, mark_x=1.0)")
    cells_by_hand = [draws_by_hand(source) for source in sources()]
    assert sum(cells_by_hand) <= 0.1 * len(cells_by_hand)


def test_no_lesson_has_colours_of_its_own():
    assert OTHER_COLOURS.search('ax.plot(t, x, "k.")') and OTHER_COLOURS.search('color="tab:red"')
    assert [found for source in sources() if (found := OTHER_COLOURS.findall(source))] == []


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
        ("Fast.", "assert fit_seconds < 1.0", "fit_seconds is a measured time: show it."),
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


@pytest.mark.slow
def test_a_twin_must_stop_at_its_todo():
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbconvert")
    lesson = nbformat.v4.new_notebook()
    solved = "def two():\n    ### BEGIN SOLUTION two\n    return 2\n    ### END SOLUTION"
    lesson.cells = [nbformat.v4.new_code_cell(source) for source in (solved, "assert two() == 2")]
    swallowed = "try:\n    two()\nexcept NotImplementedError:\n    pass"
    runs = runpy.run_path(str(CI / "run_notebooks.py"))["LessonAndTwin"]
    runs(kernel_name="python3").preprocess(lesson)
    assert len(lesson.cells) == 2 and "SOLUTION" in lesson.cells[0].source
    lesson.cells[1].source = swallowed
    with pytest.raises(RuntimeError, match="Cell 0 of the twin ends with ''"):
        runs(kernel_name="python3").preprocess(lesson)
