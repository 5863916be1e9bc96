"""Measured records: what is read, and what is refused with its line."""

import pathlib

import numpy as np
import pytest

from oscillator_zoo.data import forecast_windows, load_measurement, split_by_time

SILVERBOX = pathlib.Path(__file__).parents[4] / "shared" / "silverbox" / "silverbox_train.csv"

FORCE, POSITION = [0.5, -1.25, 3e-3], [0.0, 2.0, -1e2]


def written(tmp_path, text, name="record.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        "0.5,0\n-1.25,2\n3e-3,-1e2\n",
        "0.5,0\n-1.25,2\n3e-3,-1e2",
        "input_V,output_V\n0.5,0\n-1.25,2\n3e-3,-1e2\n\n\n",
        "\ufeffu,y\r\n0.5,0\r\n-1.25,2\r\n3e-3,-1e2\r\n",
        "u;y\n0.5;0\n-1.25;2\n3e-3;-1e2\n",
        "u\ty\n0.5\t0\n-1.25\t2\n3e-3\t-1e2\n",
        "0.5  0\n -1.25 2\n3e-3 -1e2\n",
        '"u, in V","y, in V"\n"0.5","0"\n"-1.25","2"\n"3e-3","-1e2"\n',
        "input V\toutput V\n0.5\t0\n-1.25\t2\n3e-3\t-1e2\n",
        " 0.5 , 0 \n -1.25 , 2 \n 3e-3 , -1e2 \n",
    ],
)
def test_usual_spellings_of_a_table_give_the_same_record(text, tmp_path):
    record = load_measurement(written(tmp_path, text), sampling_rate=8.0)
    np.testing.assert_array_equal(record.force, np.array(FORCE)[None, :, None])
    np.testing.assert_array_equal(record.states, np.array(POSITION)[None, :, None])
    np.testing.assert_array_equal(record.times, [0.0, 0.125, 0.25])
    assert record.feature_names == ("position",)
    assert record.problem is None
    assert record.states.dtype == record.force.dtype == np.float64


def test_columns_are_chosen_by_index_or_heading_and_others_may_hold_anything(tmp_path):
    path = written(tmp_path, "when,y,u\nmonday,0,0.5\n,2,-1.25\n?,-1e2,3e-3\n")
    for columns in ((2, 1), ("u", "y"), ("u", 1)):
        record = load_measurement(path, 8.0, *columns)
        np.testing.assert_array_equal(record.force[0, :, 0], FORCE)
        np.testing.assert_array_equal(record.feature("position")[0], POSITION)


BODY = "u,y\n1,2\n3,4\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            BODY + "5,abc\n7,8\n",
            r"Column 1 \('y'\) must hold finite.*'abc' in line 4: '5,abc'",
        ),
        (BODY + "5,inf\n", r"Received 'inf' in line 4"),
        (BODY + "5,1e400\n", r"Received '1e400' in line 4"),
        (BODY + "5\n7,8\n", r"must have 2 columns.*Received 1 in line 4: '5'. Fill the gap"),
        (BODY + "5,6,7\n", r"Received 3 in line 4: '5,6,7'"),
        (BODY + "\n7,8\n", r"at least two samples. Received 1 in 'y' of .* from line 5 on"),
        (BODY + "5;6\n", r"Received 1 in line 4: '5;6'"),
        ("1,2\n3,4\nu,y\n", r"Received 'u' in line 3: 'u,y'"),
        ("1,y\n3,4\n", r"Received 'y' in line 1: '1,y'"),
        ("nan,nan\n3,4\n", r"at least two samples. Received 1 in column 1"),
        ("u;y\n0,5;1,5\n1,0;2.5\n", r"one of them throughout. Received line 2: '0,5;1,5', and"),
        ("u;y\n1,000.5;2\n", r"Received '1,000.5' in line 2"),
        ("", r"at least two samples. Received an empty file"),
        (" \n\n", r"Received an empty file"),
        ("u,y\n", r"at least two samples. Received 0"),
        ("u,y\n1,2\n", r"at least two samples. Received 1"),
        ("1,2\n", r"at least two samples. Received 1"),
        ("1:2\n3:4\n", r"output_column must be an index from 0 to 0.*Separate columns by commas"),
        ("u y\n1 2\n3\n", r"Received 1 in line 3"),
        (BODY + "x" * 100 + ",6\n", r"in line 4: 'x{60}…'"),
        (BODY + '"' + "9" * 200_000 + ",6\n", r"Received 1 in line 4"),
    ],
)
def test_a_record_with_a_defect_is_refused_with_its_line(text, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        load_measurement(written(tmp_path, text), sampling_rate=10.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sampling_rate": 0.0}, r"sampling_rate must be > 0 Hz"),
        ({"sampling_rate": "fast"}, r"sampling_rate must be a finite real number.*Hz"),
        ({"sampling_rate": [1.0, 2.0]}, r"sampling_rate must be one number"),
        ({"input_column": 2}, r"input_column must be an index from 0 to 1.*Received: 2"),
        ({"input_column": -1}, r"input_column must be an index from 0 to 1"),
        ({"input_column": 1.0}, r"index from 0 or a heading. Received: 1.0"),
        ({"input_column": True}, r"index from 0 or a heading. Received: True"),
        ({"output_column": "outptu"}, r"headings \(input, output\).*Did you mean 'output'"),
        ({"input_column": 1}, r"must differ. Received: 1 and 1"),
        ({"input_column": "output"}, r"must differ. Received: 'output' and 1"),
    ],
)
def test_arguments_that_do_not_fit_the_file_are_refused(arguments, message, tmp_path):
    path = written(tmp_path, "input,output\n1,2\n3,4\n")
    with pytest.raises(ValueError, match=message):
        load_measurement(path, **{"sampling_rate": 10.0, **arguments})


def test_a_heading_needs_a_line_of_headings(tmp_path):
    with pytest.raises(ValueError, match=r"headings \(none\). Received: 'u'"):
        load_measurement(written(tmp_path, "1,2\n3,4\n"), 10.0, input_column="u")
    with pytest.raises(ValueError, match=r"headings \(u, u\). Received: 'u'"):
        load_measurement(written(tmp_path, "u,u\n1,2\n3,4\n"), 10.0, input_column="u")


def test_files_that_are_no_text_are_refused(tmp_path):
    np.savez(tmp_path / "record.npz", a=np.arange(100.0))
    with pytest.raises(ValueError, match=r"must be a text file in UTF-8.*record.npz"):
        load_measurement(tmp_path / "record.npz", 10.0)
    (tmp_path / "odd.csv").write_bytes(b"\xff\xfe1")
    with pytest.raises(ValueError, match=r"must be a text file in UTF-8"):
        load_measurement(tmp_path / "odd.csv", 10.0)
    with pytest.raises(FileNotFoundError):
        load_measurement(tmp_path / "absent.csv", 10.0)


def test_a_real_record_becomes_windows():
    if not SILVERBOX.exists():
        pytest.skip("the Silverbox record is not beside the checkout")
    record = load_measurement(SILVERBOX, sampling_rate=610.35, input_column="input_V")
    table = np.loadtxt(SILVERBOX, delimiter=",", skiprows=1)
    np.testing.assert_array_equal(record.force[0, :, 0], table[:, 0])
    np.testing.assert_array_equal(record.states[0, :, 0], table[:, 1])
    assert record.times[-1] == pytest.approx((len(table) - 1) / 610.35, rel=1e-15)
    train, test = split_by_time(record, (0.75, 0.25), gap=100)
    windows = forecast_windows(train, window=50, batch_size=64, shuffle_seed=0)
    inputs, targets = next(iter(windows))
    assert inputs.shape == (64, 50, 2)
    assert targets.shape == (64, 1)
    assert len(test.times) + len(train.times) == len(table) - 100


def test_digits_with_underscores_are_text(tmp_path):
    path = tmp_path / "record.csv"
    path.write_text("1.0,2.0\n1_0,2.0\n3.0,4.0\n")
    with pytest.raises(ValueError, match="Received '1_0' in line 2"):
        load_measurement(path, sampling_rate=1.0)


def test_a_missing_record_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"A measured record .* does not exist"):
        load_measurement(tmp_path / "nowhere.csv", sampling_rate=1.0)
    with pytest.raises(ValueError, match=r"A measured record .* is expected"):
        load_measurement(tmp_path, sampling_rate=1.0)
