"""Named lines in one picture."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from oscillator_zoo.training import plot_lines
from oscillator_zoo.training.plots.axes import TRUTH

T = np.linspace(0.0, 1.0, 5)


def test_lines_are_told_apart_by_dashes_and_the_truth_is_grey():
    ax = plot_lines(T, {"exact": T, "a": T[:, None] ** 2, "b": 2.0 - T}, truth="exact", mark=0.5)
    exact, a, b = ax.lines[:3]
    assert exact.get_color() == TRUTH
    assert a.get_color() != b.get_color() and a.get_linestyle() != b.get_linestyle()
    np.testing.assert_array_equal(a.get_ydata(), T**2)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["exact", "a", "b"]
    plt.close(ax.figure)


def test_each_line_may_bring_its_own_times():
    ax = plot_lines(None, {"a": (T, T), "b": (T[:3], T[:3])}, yscale="log", ylabel="error (m)")
    assert [len(line.get_xdata()) for line in ax.lines] == [5, 3]
    assert (ax.get_yscale(), ax.get_ylabel()) == ("log", "error (m)")
    plt.close(ax.figure)


def test_an_unknown_truth_is_refused():
    with pytest.raises(ValueError, match=r"one of the lines a\. Received: 'exact'. Use one of"):
        plot_lines(T, {"a": T}, truth="exact")
