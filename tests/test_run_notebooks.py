"""`.ci/run_notebooks.py` knows which cells have to show a picture; no output shows a machine."""

import json
import pathlib
import re
import runpy

import pytest

SCRIPT = pathlib.Path(__file__).parent.parent / ".ci" / "run_notebooks.py"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("figure, ax = plt.subplots()", True),
        ("for run in runs:\n    plot_loss(run)", True),
        ("plot_rollout(result).set_title('A title')", True),
        ("def draw(x):\n    plt.plot(x)", False),
        ("class Curve:\n    def draw(self):\n        self.ax.plot(self.x)", False),
        ("def draw(x):\n    plt.plot(x)\n\nplt.figure()\ndraw([0.0, 1.0])", True),
        ("print('plt.plot(x)')  # plot(x)", False),
        ("history = model.fit(x, y)", False),
    ],
)
def test_a_cell_draws_where_it_calls_what_draws(source, expected):
    pytest.importorskip("nbconvert")
    assert runpy.run_path(str(SCRIPT))["draws"](source) == expected


def test_no_stored_output_shows_a_path_of_the_machine_that_wrote_it():
    shown = []
    for path in sorted((SCRIPT.parents[1] / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                text = "".join(output.get("text", output.get("data", {}).get("text/plain", "")))
                shown += [(path.name, *re.findall(r"\S*(?:ipykernel_|site-packages)\S*", text))]
    assert len(shown) > 100  # outputs were found
    assert [entry for entry in shown if len(entry) > 1] == []


@pytest.mark.slow
def test_all_notebooks_that_fail_are_named(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbconvert")
    fault_of = runpy.run_path(str(SCRIPT))["fault_of"]
    for name, source in (("good", "assert 1 < 2"), ("bad", "assert 2 < 1")):
        lesson = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
        nbformat.write(lesson, tmp_path / f"{name}.ipynb")
    assert fault_of(tmp_path / "good.ipynb") == ""
    assert fault_of(tmp_path / "bad.ipynb").startswith("bad.ipynb: ")
    assert "AssertionError" in fault_of(tmp_path / "bad.ipynb")
