"""What is written in any dialect is read back; several records, gaps, units, kinds of motion."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oscillator_zoo.data import Trajectory, load_measurement

TIMES, MOTION, FORCE = [0.0, 0.5, 1.0, 1.5], [0.25, -1.5, 3.0, 1e-3], [1.0, 0.0, 2.5, -4.0]
finite = st.floats(-1e6, 1e6).map(lambda value: float(f"{value:.12g}"))


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"]
HEADS = ["name (unit)", "name [unit]", "name_unit", "row", "comment"]


@st.composite
def dialects(draw):
    """Encoding, separator, decimal mark, and what stands before the numbers and after them."""
    comma = draw(st.booleans())
    return {
        "encoding": draw(st.sampled_from(ENCODINGS)),
        "separator": draw(st.sampled_from([";", "\t", "  "] + [","] * (not comma))),
        "decimal": "," if comma else ".",
        "newline": draw(st.sampled_from(["\n", "\r\n"])),
        "preamble": draw(
            st.sampled_from(["", "Gerät: Öse\n", "# µm\n", "Rate; 100\nDatum\n\n", "% a\n// b\n"])
        ),
        "head": draw(
            st.sampled_from(["name (unit)", "name [unit]", "name_unit", "row", "comment"])
        ),
        "order": draw(st.permutations([0, 1, 2])),
        "trailing": draw(st.booleans()),
        "end": draw(st.sampled_from(["", "\n", "\n\n"])),
    }


def text_of(dialect, columns):
    """A file in a dialect, of columns (name, unit, values)."""
    mark, columns = dialect["separator"], [columns[i] for i in dialect["order"]]
    tail = mark if dialect["trailing"] and mark.strip() else ""
    head = dialect["head"]
    lines = [mark.join(name for name, _, _ in columns) + tail]
    if head == "row":
        lines.append(mark.join(unit for _, unit, _ in columns) + tail)
    elif head != "comment":
        words = [head.replace("name", n).replace("unit", u) for n, u, _ in columns]
        lines = [mark.join(words) + tail]
    else:
        lines = ["# " + lines[0]]
    for row in zip(*(values for _, _, values in columns)):
        cells = [repr(float(value)).replace(".", dialect["decimal"]) for value in row]
        lines.append(mark.join(cells) + tail)
    text = dialect["preamble"] + "\n".join(lines) + dialect["end"]
    return text.replace("\n", dialect["newline"])


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    dialect=dialects(),
    values=st.lists(st.tuples(finite, finite), min_size=3, max_size=12),
    start=st.floats(0.0, 100.0),
    steps=st.lists(st.integers(1, 1000), min_size=12, max_size=12),
)
def test_what_is_written_in_any_dialect_is_read_back(tmp_path, dialect, values, start, steps):
    times = round(start, 3) + np.cumsum(steps[: len(values)]) / 8.0
    force, motion = np.transpose(values)
    columns = [("time", "s", times), ("force", "N", force), ("position", "mm", motion)]
    path = tmp_path / "record.csv"
    path.write_bytes(text_of(dialect, columns).encode(dialect["encoding"], errors="replace"))
    record = load_measurement(path)
    np.testing.assert_allclose(record.times, times, rtol=0, atol=1e-3 * np.diff(times).min())
    np.testing.assert_array_equal(record.force[0, :, 0], force)
    np.testing.assert_array_equal(record.feature("position")[0], motion)
    units = {"position": "mm", "force": "N", "time": "s"}
    assert record.units == ({} if dialect["head"] == "comment" else units)


def read(tmp_path, text, *arguments, encoding="utf-8", **options):
    path = tmp_path / "record.csv"
    path.write_bytes(text.encode(encoding))
    return load_measurement(path, *arguments, **options)


def assert_is(record, times, motion, force=None):
    np.testing.assert_allclose(record.times, times, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(record.states[0, :, 0], motion)
    force = np.zeros(len(times)) if force is None else force
    np.testing.assert_array_equal(record.force[0, :, 0], force)


def test_a_ring_down_of_a_telephone(tmp_path):
    """As phyphox writes it: times, three accelerations and their size, no force."""
    head = ["Time (s)"] + [f"Linear Acceleration {axis} (m/s^2)" for axis in "xyz"]
    head += ["Absolute acceleration (m/s^2)"]
    text = ",".join(f'"{name}"' for name in head)
    for i in range(4):
        text += f"\n{TIMES[i]:.9E},{MOTION[i]:.9E},{FORCE[i]:.9E},7.0E-1,1.0E0"
    record = read(tmp_path, text, output_column=head[1])
    assert_is(record, TIMES, MOTION)
    assert record.feature_names == ("acceleration",)
    assert record.units == {"time": "s", "acceleration": "m/s^2"}
    assert read(tmp_path, text, output_column=2).feature_names == ("acceleration",)
    with pytest.raises(ValueError, match=r"Received several.*'Linear Acceleration x.*output_col"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("headings", "measured", "kind"),
    [
        ("t,a_base (m/s²),x (mm)", "position", "base_acceleration"),
        ("t,base [mm],mass [mm]", "position", "base_position"),
        ("t,ground velocity,x", "position", "base_velocity"),
        ("t,F (N),a [g]", "acceleration", "force"),
        ("t,F (N),v (m/s)", "velocity", "force"),
        ("t,u,x (m/s²)", "acceleration", "force"),
        ("Zeit (s),Kraft (N),Beschleunigung (m/s²)", "acceleration", "force"),
        ("t,F,speed", "velocity", "force"),
    ],
)
def test_what_was_measured_is_told_by_heading_and_unit(headings, measured, kind, tmp_path):
    rows = "".join(f"{t},{u},{x}\n" for t, u, x in zip(TIMES, FORCE, MOTION))
    record = read(tmp_path, f"{headings}\n{rows}", encoding="latin-1")
    assert_is(record, TIMES, MOTION, FORCE)
    assert (record.feature_names, record.input_kind) == ((measured,), kind)


def test_arguments_say_what_headings_do_not(tmp_path):
    text = "t,p,q\n" + "".join(f"{t},{u},{x}\n" for t, u, x in zip(TIMES, FORCE, MOTION))
    given = {"measured": "velocity", "input_kind": "base_acceleration"}
    record = read(tmp_path, text, **given)
    assert record.feature_names == ("velocity",) and record.input_kind == "base_acceleration"
    path = tmp_path / "saved.npz"
    record = read(tmp_path, text.replace("p,q", "p [N],q [µm]"))
    record.save(path)
    loaded = Trajectory.load(path)
    assert loaded.units == {"force": "N", "position": "µm"} == record[0].units
    assert loaded.input_kind == "force"
    read(tmp_path, text, **given).save(path)
    assert Trajectory.load(path).input_kind == "base_acceleration"


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("t,x (mm)\n0,1\n1,2\n", {"measured": "velocity"}, r"column of velocities. Received none"),
        (
            "t,x (mm)\n0,1\n1,2\n",
            {"measured": "velocity", "output_column": 1},
            r"what the unit says.*'mm' of 'x",
        ),
        ("t,x\n0,1\n1,2\n", {"measured": "speed"}, r"measured must be"),
        ("t,base,x\n0,1,1\n1,2,2\n", {}, r"'base', which says none. Pass input_kind"),
        ("t,F,x\n0,1,1\n1,2,2\n", {"input_kind": "weight"}, r"input_kind must be"),
        (
            "t,F (N),x (mm)\n0,1,1\n1,2,2\n",
            {"input_column": "x (mm)", "output_column": "F (N)"},
            r"Received them swapped.*input 'x \(mm\)', output 'F \(N\)'",
        ),
        ("t,x\n0.3,0\n0.1,1\n0.2,2\n", {}, r"increase. Received 0.1 in line 3.*of 'x' rise thr"),
        ("t,x\n0,3\n,1\n2,2\n", {}, r"Every sample needs its time. Received none in line 3"),
        ("t,x\n0,\n1,\n2,2\n", {}, r"at least two samples. Received 1 in 'x'"),
        ("t,x\n0.3,3\n0.1,1\n0.2,2\n", {}, r"increase.*if the times are too coarse\.$"),
        ("t,x\n-,-,-\n0,1\n1,2\n", {}, r"3 in line 2.*Or is line 1, 't,x', no line of headings"),
        (
            "t,base x (m),base y (m),x\n0,1,1,1\n1,2,2,2\n",
            {},
            r"several columns of the base: 'base x \(m\)', 'base y \(m\)'. Pass input_column",
        ),
        ("t,x\n0,1\n1,oops\n2,2\n", {}, r"Column 1 \('x'\) .*'oops' in line 3: '1,oops'"),
    ],
)
def test_what_contradicts_itself_is_refused(text, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text, **options)


@pytest.mark.parametrize("gap", ["", "NaN", "nan", "NA", "-", "#N/A"])
def test_cells_without_a_number_are_gaps(gap, tmp_path):
    text = f"t,u,y\n0,1,5\n1,{gap},6\n2,3,{gap}\n3,4,7\n5,5,8\n"
    record = read(tmp_path, text)
    assert_is(record, [0.0, 3.0, 5.0], [5.0, 7.0, 8.0], [1.0, 4.0, 5.0])
    record = read(tmp_path, f"u,y\n1,5\n{gap},6\n3,7\n", 10.0)
    assert_is(record, [0.0, 0.2], [5.0, 7.0], [1.0, 3.0])
    record = read(tmp_path, "u,y\n-,-\n1,5\n3,7\n", 10.0)  # the first sample is one too
    assert_is(record, [0.1, 0.2], [5.0, 7.0], [1.0, 3.0])
    assert_is(load_measurement({"t": [0, 1, 2], "y": [1.0, None, 4.0]}), [0.0, 2.0], [1.0, 4.0])


def test_headings_need_no_separator_at_their_end(tmp_path):
    record = read(tmp_path, "t;v (mm/s)\n0;1;\n1;2;\n2;4;\n", output_column="v")
    assert_is(record, [0.0, 1.0, 2.0], [1.0, 2.0, 4.0])
    assert (record.feature_names, record.units) == (("velocity",), {"velocity": "mm/s"})


def test_several_records_in_one_file(tmp_path):
    one = "t,y\n0,1\n1,2\n2,4\n"
    for text in (one + "\n" + one, one + "\n0,1\n1,2\n2,4\n", one + "\n\n\n" + one + "\n"):
        first, second = read(tmp_path, text)
        assert_is(first, [0, 1, 2], [1, 2, 4])
        assert_is(second, [0, 1, 2], [1, 2, 4])
    text = "run,t,y\nA,0,1\nA,1,2\nB,0,4\nB,1,5\n"
    first, second = read(tmp_path, text)
    assert_is(second, [0, 1], [4, 5])
    first, second = read(tmp_path, "t,x,y\n0,1,4\n1,2,5\n", output_column=("x", "y"), **FREE)
    assert_is(second, [0, 1], [4, 5])


FREE = {"input_column": False}


def test_a_blank_line_in_one_record_is_nothing(tmp_path):
    assert_is(read(tmp_path, "t,y\n0,1\n1,2\n\n2,4\n3,5\n"), [0, 1, 2, 3], [1, 2, 4, 5])


def test_several_files_and_records_in_memory(tmp_path):
    (tmp_path / "a.csv").write_text("t,y\n0,1\n1,2\n")
    arrays = {"t": np.array([0.0, 0.1, 0.4]), "F": np.arange(3), "x (µm)": [0.1, np.nan, 0.3]}
    first, second = load_measurement([tmp_path / "a.csv", arrays])
    assert_is(first, [0, 1], [1, 2])
    assert_is(second, [0.0, 0.4], [0.1, 0.3], [0.0, 2.0])
    assert second.units == {"position": "µm"}
    with pytest.raises(ValueError, match=r"arrays of one length by name. Received: t \(3\), y"):
        load_measurement({"t": np.arange(3), "y": np.arange(4)})
    with pytest.raises(ValueError, match=r"Column 1 \('y'\).*Received '\[2.0\]' in row 1"):
        load_measurement({"t": [0, 1], "y": [1.0, [2.0]]})
    with pytest.raises(ValueError, match=r"Column 1 \('y'\).*Received 'a' in row 0"):
        load_measurement({"t": [0, 1], "y": ["a", "b"]})
    with pytest.raises(ValueError, match=r"Received \(2, 1\) for 'y'"):
        load_measurement({"t": [0, 1], "y": [[0], [1]]})
    with pytest.raises(ValueError, match=r"A record is expected. Received an empty list"):
        load_measurement([])


def test_a_frame_with_an_index_of_times():
    class Index(np.ndarray):
        name = None

    class Frame(dict):
        """As much of pandas.DataFrame as is asked for."""

    frame = Frame(position=[1.0, 2.0, 4.0])
    frame.index = np.array(["2020-01-01T00:00:00", "2020-01-01T00:00:01.5", "2020-01-01T00:00:03"])
    frame.index = frame.index.astype("datetime64[ns]").view(Index)
    assert_is(load_measurement(frame), [0.0, 1.5, 3.0], [1.0, 2.0, 4.0])
    frame.index = np.array([0.0, 2.0, 4.0]).view(Index)
    with pytest.raises(ValueError, match="Received neither"):
        load_measurement(frame)
    frame.index.name = "Time (ms)"
    assert_is(load_measurement(frame), [0.0, 0.002, 0.004], [1.0, 2.0, 4.0])


def test_a_preamble_with_numbers_is_no_table(tmp_path):
    text = "Serial,17\nRate,100\n\nChannel,A,B\nt,u,y\ns,N,mm\n0,1,5\n1,2,6\n2,3,7\n3,1,1\n4,1,1\n"
    record = read(tmp_path, text)
    assert_is(record, [0, 1, 2, 3, 4], [5, 6, 7, 1, 1], [1, 2, 3, 1, 1])
    assert record.units == {"time": "s", "force": "N", "position": "mm"}


@pytest.mark.parametrize(
    "text",
    [
        "t x\n0.0D+00 2.5D-01\n5.0d-1 -1.5D0\n1.0D+00 3.0D0\n1.5D0 1.0D-3\n",
        "t;x\n0,0D0;0,25D0\n0,5D0;-1,5D0\n1,0D0;3D0\n1,5D0;1D-3\n",
        "t|x\n0|0.25\n0.5|-1.5\n1|3\n1.5|1e-3\n",
        "t | x\n0 | 0,25\n0,5 | -1,5\n1 | 3\n1,5 | 0,001\n",
    ],
)
def test_exponents_of_fortran_and_bars(tmp_path, text):
    assert_is(read(tmp_path, text), TIMES, MOTION)


@pytest.mark.parametrize("cell", ['"1,234.5"', "1'234.5", '"1 234.5"'])
def test_marks_between_thousands_are_named(tmp_path, cell):
    with pytest.raises(ValueError, match=r"Column 1.* in line 3.*without marks between thousands"):
        read(tmp_path, f"t,x\n0,1.5\n1,{cell}\n2,2.5\n")


def test_headings_name_milliseconds_as_arduino_does(tmp_path):
    for name, unit in (("millis", 1e-3), ("micros", 1e-6), ("millis()", 1e-3)):
        record = read(tmp_path, f"{name},x\n0,1\n20,2\n40,4\n")
        assert_is(record, [0.0, 20.0 * unit, 40.0 * unit], [1, 2, 4])
        assert record.units == {"time": name.strip("()")}


def test_old_files_of_trajectories_load(tmp_path):
    record = Trajectory(np.arange(3.0), np.zeros((1, 3, 1)), ("position",), np.zeros((1, 3, 1)))
    record.save(tmp_path / "old.npz")
    loaded = Trajectory.load(tmp_path / "old.npz")
    assert loaded.units is None and loaded.input_kind == "force"
    with np.load(tmp_path / "old.npz") as content:
        arrays = dict(content)
    np.savez(tmp_path / "odd.npz", units=np.array(json.dumps([1])), **arrays)
    with pytest.raises(ValueError, match=r"units in a saved trajectory must be texts"):
        Trajectory.load(tmp_path / "odd.npz")
