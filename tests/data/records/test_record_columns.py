"""Which columns of a record are time, force and position; comments, units, equal headings."""

import numpy as np
import pytest

from oscillator_zoo.data import forecast_windows, load_measurement

TIMES, FORCE, POSITION = [0.0, 0.01, 0.02], [1.0, 2.0, 4.0], [0.5, 0.49, 0.47]


def record(tmp_path, text, *arguments, **options):
    path = tmp_path / "record.csv"
    path.write_text(text)
    return load_measurement(path, *arguments, **options)


def assert_record(found, times, force, position):
    np.testing.assert_allclose(found.times, times, rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(found.force[0, :, 0], force)
    np.testing.assert_array_equal(found.states[0, :, 0], position)


@pytest.mark.parametrize(
    "text",
    [
        "t,u,y\n0.00,1,0.50\n0.01,2,0.49\n0.02,4,0.47\n",
        "y,u,t\n0.50,1,0.00\n0.49,2,0.01\n0.47,4,0.02\n",
        "Time (ms);F (N);x (mm)\n0;1;0.50\n10;2;0.49\n20;4;0.47\n",
        "timeMs force position\n0 1 0.50\n10 2 0.49\n20 4 0.47\n",
        "Zeit\tKraft\tWeg\nms\tN\tm\n0\t1\t0.50\n10\t2\t0.49\n20\t4\t0.47\n",
        "Elapsed time [s],input,output\n0,1,0.50\n1e-2,2,0.49\n2e-2,4,0.47\n",
        "timestamp_us,torque,theta,temperature\n0,1,0.50,20\n1e4,2,0.49,20\n2e4,4,0.47,20\n",
        "0.00,1,0.50\n0.01,2,0.49\n0.02,4,0.47\n",
        "a,b,c\n0.00,1,0.50\n0.01,2,0.49\n0.02,4,0.47\n",
        "# t,u,y\n0.00,1,0.50\n0.01,2,0.49\n0.02,4,0.47\n",
        "% made by a scope\n\n# x\nt,u,y\n# begin\n0,1,0.50\n0.01,2,0.49\n0.02,4,0.47\n// end\n",
        "Time (s)  Input force (N)  Output\n0.00 1 0.50\n0.01 2 0.49\n0.02 4 0.47\n",
        "index,t,u,y\n0,0.00,1,0.50\n1,0.01,2,0.49\n2,0.02,4,0.47\n",
    ],
)
@pytest.mark.parametrize("rate", [None, 100.0])
def test_a_column_of_times_is_recognised_and_counts(text, rate, tmp_path):
    text = text.replace("\n\n#", "\n#")
    assert_record(record(tmp_path, text, rate), TIMES, FORCE, POSITION)


@pytest.mark.parametrize(
    "text",
    [
        "time_s,angle_rad\n0.00,0.50\n0.01,0.49\n0.02,0.47\n",
        "0.00,0.50\n0.01,0.49\n0.02,0.47\n",
        "t,x,v,a\n0.00,0.50,1,7\n0.01,0.49,2,8\n0.02,0.47,4,7\n",
    ],
)
def test_a_free_decay_has_no_force(text, tmp_path):
    for rate in (None, 100.0):
        assert_record(record(tmp_path, text, rate), TIMES, [0.0, 0.0, 0.0], POSITION)


def test_positions_alone_and_a_force_that_is_switched_off(tmp_path):
    assert_record(record(tmp_path, "0.50\n0.49\n0.47\n", 100.0), TIMES, [0.0] * 3, POSITION)
    text = "q,p\n3,0.50\n1,0.49\n2,0.47\n"
    found = record(tmp_path, text, 100.0, input_column=False, output_column="p")
    assert_record(found, TIMES, [0.0] * 3, POSITION)


def test_a_record_begins_at_its_own_time(tmp_path):
    text = "5.00,0.50\n5.01,0.49\n5.02,0.47\n"
    for rate in (None, 100.0):
        assert_record(record(tmp_path, text, rate), [5.0, 5.01, 5.02], [0.0] * 3, POSITION)


def test_the_column_may_be_named_by_index_or_heading_and_its_unit_is_read(tmp_path):
    text = "when/ms,u,y\n0,1,0.50\n10,2,0.49\n20,4,0.47\n"
    for column in (0, "when/ms"):
        assert_record(record(tmp_path, text, time_column=column), TIMES, FORCE, POSITION)
    assert_record(record(tmp_path, text, 1.0, time_column=False), [0, 1, 2], FORCE, POSITION)


def test_any_column_of_many_equal_steps_is_time_and_a_counter_is_not(tmp_path):
    k = np.arange(9)
    columns = {"n": k, "t": 3.0 + 0.1 * k, "u": np.cos(k), "y": np.sin(k)}
    for order in (("n", "t", "u", "y"), ("u", "t", "y"), ("u", "y", "t")):
        np.savetxt(tmp_path / "r.txt", np.transpose([columns[name] for name in order]))
        found = load_measurement(tmp_path / "r.txt")
        assert_record(found, columns["t"], columns["u"], columns["y"])


def test_times_rounded_to_their_last_digit_are_an_even_grid(tmp_path):
    times = np.arange(40) / 610.35
    text = "t,y\n" + "".join(f"{t:.4f},{i % 3}\n" for i, t in enumerate(times))
    np.testing.assert_allclose(record(tmp_path, text).times, times, atol=1e-4)
    assert record(tmp_path, text).time_step == pytest.approx(1 / 610.35, rel=2e-3)
    np.testing.assert_allclose(record(tmp_path, text, 610.35).times, times, rtol=1e-12)


GAP = "t,u,y\n0.00,1,0.50\n0.01,2,0.49\n0.50,4,0.47\n"


def test_a_gap_stays_and_what_needs_equal_steps_says_so(tmp_path):
    found = record(tmp_path, GAP)
    assert_record(found, [0.0, 0.01, 0.5], FORCE, POSITION)
    with pytest.raises(ValueError, match=r"times must be equidistant.*0.01 s to 0.49 s.*resample"):
        forecast_windows(found, window=1)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (GAP, {"sampling_rate": 10.0}, r"=10 Hz, and times in 't' with steps from 0.01 s to 0.49"),
        (GAP.replace("0.50,4", "0.02,4"), {"sampling_rate": 10.0}, r"=10 Hz.*in 't' with 100 Hz\."),
        ("5,1\n5.1,2\n5.2,4\n", {"sampling_rate": 25.0}, r"=25 Hz.*in column 0 with 10 Hz.*\(ms\)"),
        # One sample is missing, and the times have no digits to spare.
        ("t,y\n0,1\n1,2\n2,4\n4,1\n5,1\n", {"sampling_rate": 1.0}, r"from 1 s to 2 s, 0.8 Hz on"),
        ("y\n1\n2\n", {}, r"needs a column of times, or sampling_rate.*neither: 'y' in"),
        ("t,y\n0,1\n.1,2\n.1,4\n", {}, r"Times must increase. Received .1 in line 4, after .1"),
        ("t,y\n0,1\nx,2\n", {}, r"Received 'x' in line 3.*time_column=False and sampling_rate"),
        ("time,y\n12:00:00,1\n12:00:01,2\n", {"sampling_rate": 1.0}, r"'12:00:00' in line 2"),
        ("t,y\nticks,m\n0,1\n1,2\n", {}, r"one of s, ms, us, ns, min, h. Received: 'ticks' below"),
        ("t,u,y\n0,1,1\n1,2,3\n", {"input_column": "t"}, r"Received 't': the numbers of 't' are"),
        ("0,1,2\n1,2,2\n2,5,2\n", {"input_column": 0, "sampling_rate": 1.0}, r"column 0 are times"),
        ("t,u,y\n0,1,1\n1,2,3\n", {"output_column": 0}, r"output_column must be a column of"),
        ("time,force\n0,5\n1,4\n", {}, r"needs a column of positions. Received none beside"),
        ("t,x,y\n0,1,2\n1,2,3\n", {}, r"one column of positions. Received several.*'x', 'y'"),
        ("t,s1,s2,s3\n0,1,2,5\n1,3,2,5\n", {}, r"Received several.*: 's1', 's2', 's3'. Pass"),
        ("t,F (N),s1,s2\n0,1,2,5\n1,3,2,5\n", {}, r"Received several.*: 's1', 's2'. Pass output"),
        ("t,y,y\n0,1,2\n1,2,3\n", {"output_column": "y"}, r"'y'. Columns 1 and 2 have it. Pass"),
        ("t,u\n0,1\n1,2\n", {"time_column": "time"}, r"time_column must be an index or one of"),
        ("t,u\n0,1\n1,2\n", {"time_column": 2}, r"time_column must be an index from 0 to 1"),
        ("a,b,c\n0,1\n1,2\n", {}, r"Received neither: column 0, column 1"),
        ("t,y\nN/A,1\n0,1\n1,2\n", {}, r"Received neither|Every sample needs its time"),
        ("# t,y\n", {}, r"Received comments only"),
    ],
)
def test_what_the_columns_do_not_tell_is_refused_with_the_cure(text, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        record(tmp_path, text, **options)


def test_lines_keep_their_numbers_below_comments_and_units(tmp_path):
    text = "# one\nt,u,y\ns,N,m\n0,1,1\n# two\n1,oops,2\n"
    with pytest.raises(ValueError, match=r"Column 1 .*'oops' in line 6: '1,oops,2'"):
        record(tmp_path, text)


@pytest.mark.parametrize(
    ("heading", "is_time"),
    [("T", False), ("T (s)", True), ("time constant", False), ("s", False), ("seconds", True)],
)
def test_words_that_look_like_time(heading, is_time, tmp_path):
    text = f"{heading},u,y\n0,1,0.50\n3,2,0.49\n7,4,0.47\n"
    if is_time:
        np.testing.assert_array_equal(record(tmp_path, text).times, [0.0, 3.0, 7.0])
    else:
        with pytest.raises(ValueError, match="Received neither"):
            record(tmp_path, text)


@pytest.mark.parametrize("end", ["", "\n", " \n", "\n\n", "\n \t\n", "\r\n"])
def test_a_tab_at_the_end_of_the_last_line_is_an_empty_cell(end, tmp_path):
    text = "t\tu\ty\tnote\n0.00\t1\t0.50\t\n0.01\t2\t0.49\t\n0.02\t4\t0.47\t" + end
    assert_record(record(tmp_path, text, input_column=1, output_column=2), TIMES, FORCE, POSITION)
