"""Every reader, given damaged and hostile files, reads them right or refuses them clearly."""

import json
import pathlib
import subprocess
import sys
import time

import pytest

WORKER = pathlib.Path(__file__).parent / "fuzz_worker.py"
READERS = ("csv", "npz", "keras", "run", "preset")


def fuzz(readers, first, last, folder, seconds):
    """Counts of a worker's outcomes for each reader; fails with their faults."""
    command = [sys.executable, str(WORKER), *readers, str(first), str(last), str(folder)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, (
        f"File {(folder / 'current').read_text()} ended the process "
        f"({done.returncode}): {done.stderr[-2000:]}"
    )
    found = [json.loads(line) for line in done.stdout.splitlines()[-len(readers) :]]
    for one in found:
        assert not one["faults"], "\n".join(f"{k}: {v}" for k, v in one["faults"].items())
        print(f"{one['reader']}: {one['counts']}, the slowest {one['slowest']:.2f} s")
        assert one["counts"]["read"] + one["counts"]["refused"] == last - first
    print(f"{time.perf_counter() - start:.0f} s")
    return {one["reader"]: one["counts"] for one in found}


@pytest.mark.slow
def test_a_hundred_damaged_files_are_read_right_or_refused_clearly(tmp_path):
    found = fuzz(READERS, 0, 100, tmp_path, seconds=300)
    assert list(found) == list(READERS)
    for counts in found.values():
        assert min(counts["read"], counts["refused"]) >= 10  # neither all sound nor all rubbish


@pytest.mark.long
@pytest.mark.parametrize("reader", READERS)
def test_thousands_of_damaged_files_are_read_right_or_refused_clearly(reader, tmp_path):
    fuzz([reader], 100, 2600, tmp_path, seconds=1800)
