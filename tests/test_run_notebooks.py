"""`.ci/run_notebooks.py` knows which cells of a notebook have to show a picture."""

import pathlib
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
