"""Named lines in one picture."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from oscillator_zoo.training import panels, plot_lines
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


def test_dots_are_points_without_a_line_and_marks_stand_where_they_are_asked_for():
    ax = plot_lines(T, {"data": T, "fit": T}, dots=("data",), mark=(0.2, 0.4), mark_x=0.5)
    data, fit, *marks = ax.lines
    assert (data.get_linestyle(), data.get_marker()) == ("None", ".")
    assert fit.get_linestyle() == "-" and fit.get_color() != data.get_color()
    assert [mark.get_ydata()[0] for mark in marks[:2]] == [0.2, 0.4]
    assert marks[2].get_xdata()[0] == 0.5
    plt.close(ax.figure)


def test_four_kinds_of_dots_have_markers_of_their_own():
    lines = plot_lines(T, {name: T for name in "abcd"}, dots="abcd").lines
    assert len({line.get_marker() for line in lines}) == 4
    plt.close(lines[0].axes.figure)


def test_two_kinds_of_dots_can_be_told_apart_where_they_lie_on_each_other():
    starts, ends = plot_lines(T, {"starts": T, "ends": T}, dots=["starts", "ends"]).lines
    assert starts.get_marker() != ends.get_marker() and starts.get_color() == ends.get_color()
    assert ends.get_markersize() > starts.get_markersize()  # seen around a dot that it lies on
    assert ends.get_markerfacecolor() == "none"
    plt.close(starts.axes.figure)


def test_unknown_dots_are_refused():
    with pytest.raises(ValueError, match=r"dots must name one of the lines a\. Received: 'd'"):
        plot_lines(T, {"a": T}, dots=("d",))


def test_panels_share_and_label_the_time_once():
    top, bottom = panels(2)
    left, right = panels(1, 2, sharey=True)
    alone = plot_lines(T, {"a": T})
    for ax in (top, bottom, left, right):
        plot_lines(T, {"a": T}, ax=ax)
    labels = [(ax.get_xlabel(), ax.get_ylabel()) for ax in (top, bottom, left, right, alone)]
    time, position = "time (s)", "position (m)"
    assert labels == [("", position), *2 * [(time, position)], (time, ""), (time, position)]
    for ax in (top, left, alone):
        plt.close(ax.figure)
