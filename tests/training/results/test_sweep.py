"""One function at many points: whatever becomes of single ones, the table is whole."""

import concurrent.futures
import functools
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import sweep_functions
from sweep_functions import killed_always, killed_once, square

from oscillator_zoo.training import sweep

TESTS = pathlib.Path(sweep_functions.__file__).parent
BAD = "ArithmeticError: four is bad"


@pytest.fixture
def threads():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield pool


def test_a_bad_point_costs_its_own_row_only(threads):
    rows = sweep(square, ({"x": x, "offset": 1.0} for x in (1, 3, 2)), threads)
    assert [row.pop("process", None) is None for row in rows] == [False, True, False]
    assert rows == [
        {"x": 1, "offset": 1.0, "square": 2.0, "error": None},
        {"x": 3, "offset": 1.0, "error": "ArithmeticError: three is bad"},
        {"x": 2, "offset": 1.0, "square": 5.0, "error": None},
    ]
    assert sweep(square, [], threads) == []


@pytest.mark.parametrize(
    ("returned", "columns"),
    [
        (1.5, {"result": 1.5}),
        (np.float64(1.5), {"result": 1.5}),
        ({"a": np.arange(2), "b": (1, "c")}, {"a": [0, 1], "b": [1, "c"]}),
        (None, {"result": None}),
    ],
)
def test_results_are_numbers_and_texts(returned, columns, threads):
    (row,) = sweep(lambda x: returned, [{"x": 1}], threads)
    assert row == {"x": 1, **columns, "error": None}
    assert repr(row["x"]) == "1" and "np." not in repr(row)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (object(), "Received: a object. Return its numbers"),
        ({"x": 2}, "Received: x, as an argument or the error is called"),
        ({"error": 2}, "Received: error, as an argument"),
        ({1: 2}, "Received: a dict"),
    ],
)
def test_other_results_are_the_error_of_their_row(returned, message, threads):
    (row,) = sweep(lambda x: returned, [{"x": 1}], threads)
    assert message in row["error"] and row["x"] == 1


def leave():
    raise SystemExit(3)


def test_what_leaves_the_program_leaves_its_point_only(threads):
    assert sweep(leave, [{}], threads) == [{"error": "SystemExit: 3"}]


def test_ctrl_c_ends_the_sweep_and_keeps_what_was_finished(threads, tmp_path):
    def interrupted(x):
        if x == 2:
            raise KeyboardInterrupt
        return x

    points = [{"x": x} for x in range(4)]
    with concurrent.futures.ThreadPoolExecutor(1) as one, pytest.raises(KeyboardInterrupt):
        sweep(interrupted, points, one, tmp_path / "rows.jsonl")
    lines = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert [json.loads(line)["row"]["x"] for line in lines[1:]] == [0, 1]


def test_a_sweep_goes_on_with_its_file(threads, tmp_path):
    path, called = tmp_path / "rows.jsonl", []

    def logged(x):
        called.append(x)
        return square(x)["square"]

    points = [{"x": x} for x in (1, 3)]
    first = sweep(logged, points, threads, path)
    with open(path, "ab") as file:
        file.write(b'{"point": {"x": 2}, "row": {"x": 2, "resu')  # cut short by a kill
    again = sweep(logged, [*points, {"x": 2}], threads, path)
    assert again == [*first, {"x": 2, "result": 4, "error": None}]
    assert sorted(called) == [1, 2, 3, 3]  # errors are tried again
    assert sweep(logged, [{"x": 2}, {"x": 1}], threads, path) == [again[2], again[0]]
    assert len(called) == 4


def test_a_file_of_something_else_is_refused_and_left_alone(threads, tmp_path):
    path = tmp_path / "rows.jsonl"
    for content in (b"a,b\n1,2\n", b"[]\n", b"notes", b'{"format": "oscillator-zoo sweep 9"}\n'):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"for the same function. Received: .*rows.jsonl"):
            sweep(square, [{"x": 1}], threads, path)
        assert path.read_bytes() == content
    path.unlink()
    sweep(square, [{"x": 1}], threads, path)
    with pytest.raises(ValueError, match=r"sweep_functions.square.*leave.*Choose another file"):
        sweep(leave, [{}], threads, path)
    with pytest.raises(ValueError, match=r"Received: .*No such file.*Make the folder"):
        sweep(square, [{"x": 1}], threads, tmp_path / "none" / "rows.jsonl")


@pytest.mark.parametrize("point", [3, {"error": 1}, {"x": object()}, {1: 2}])
def test_points_are_dictionaries_of_numbers_and_texts(point, threads):
    with pytest.raises(ValueError, match=r"Received: "):
        sweep(square, [point], threads)


def test_processes_cannot_import_what_has_no_name():
    def inside(x):
        return x

    for function in (lambda x: x, inside, functools.partial(inside, x=1), OneNumber().number):
        with pytest.raises(ValueError, match=r", which they cannot find. Define it with def"):
            sweep(function, [{"x": 1}])


class OneNumber:
    def __init__(self):
        self.number = functools.partial(lambda x: x)


def test_a_killed_process_and_a_bad_point_leave_the_table_whole(tmp_path):
    points = [{"x": x, "folder": str(tmp_path)} for x in range(7)]
    expected = [{**p, "result": p["x"] ** 2, "error": None} for p in points]
    expected[4] = {**points[4], "error": BAD}
    assert sweep(killed_once, points, path=tmp_path / "rows.jsonl") == expected
    assert (tmp_path / "killed").exists()
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 8


def test_a_point_that_kills_its_process_is_found_out():
    rows = sweep(killed_always, [{"x": x} for x in range(5)])
    assert "died (killed, out of memory)" in rows[1].pop("error")
    assert rows.pop(1) == {"x": 1}
    assert rows == [{"x": x, "result": x * x, "error": None} for x in (0, 2, 3, 4)]


def test_a_broken_pool_of_the_users_loses_nothing_that_was_finished(tmp_path):
    points, path = [{"x": x} for x in (0, 2, 1, 3)], tmp_path / "rows.jsonl"
    with concurrent.futures.ProcessPoolExecutor(1, max_tasks_per_child=1) as pool:
        rows = sweep(killed_always, points, pool, path)
    assert [row["error"] is None for row in rows[:3]] == [True, True, False]
    again = sweep(killed_always, [points[0], points[1], points[3]], path=path)
    assert [row["result"] for row in again] == [0, 4, 9]


def test_a_pool_that_takes_no_more_points_costs_their_rows_only(threads):
    class Broken(concurrent.futures.Executor):
        def submit(self, function, /, *args, **kwargs):
            if function.keywords["x"] > 2:
                raise concurrent.futures.BrokenExecutor
            return threads.submit(function)

    rows = sweep(functools.partial(square, offset=1.0), [{"x": x} for x in (1, 2, 3)], Broken())
    assert [row["error"] is None for row in rows] == [True, True, False]
    assert "died (killed, out of memory)" in rows[2]["error"]


def test_a_file_belongs_to_a_function_with_what_is_fixed_of_it(threads, tmp_path):
    path, points = tmp_path / "rows.jsonl", [{"x": 1}]
    sweep(functools.partial(square, offset=1.0), points, threads, path)
    (row,) = sweep(functools.partial(square, offset=1.0), points, threads, path)
    assert row["error"] is None
    with pytest.raises(ValueError, match=r"square with \(\) \{'offset': 1\.0\}"):
        sweep(functools.partial(square, offset=2.0), points, threads, path)


@pytest.mark.slow
def test_a_cluster_of_dask_ends_with_the_same_table(tmp_path):
    distributed = pytest.importorskip("distributed")
    points = [{"x": x, "folder": str(tmp_path)} for x in range(7)]
    expected = [{**p, "result": p["x"] ** 2, "error": None} for p in points]
    expected[4] = {**points[4], "error": BAD}
    options = {"host": "127.0.0.1", "dashboard_address": None, "threads_per_worker": 1}
    with (
        distributed.LocalCluster(2, processes=True, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        rows = sweep(killed_once, points, client.get_executor(pure=False))
    assert (tmp_path / "killed").exists()
    assert rows == expected


@pytest.mark.slow
def test_the_example_of_the_page_runs_as_a_file(tmp_path):
    page = (TESTS.parent / "docs" / "how_to" / "sweeps.md").read_text(encoding="utf-8")
    (tmp_path / "study.py").write_text(page.split("```py\n")[1].split("```")[0])
    command = [sys.executable, "study.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.count("'off_by': 0.") == 4 and ran.stdout.count("'error': None") == 4
