"""Every reader, given damaged and hostile files, reads them right or refuses them clearly."""

import json
import pathlib
import subprocess
import sys
import time

import pytest

WORKER = pathlib.Path(__file__).parent / "fuzz_worker.py"
READERS = ("csv", "npz", "keras", "run", "preset")


def fuzz(reader, first, last, folder, seconds):
    """Counts of a worker's outcomes, and the slowest file's seconds; fails with its faults."""
    command = [sys.executable, str(WORKER), reader, str(first), str(last), str(folder)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, (
        f"{reader} file {(folder / 'current').read_text()} ended the process "
        f"({done.returncode}): {done.stderr[-2000:]}"
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert not found["faults"], "\n".join(f"{k}: {v}" for k, v in found["faults"].items())
    print(f"{reader}: {found['counts']} in {time.perf_counter() - start:.0f} s, ", end="")
    print(f"the slowest {found['slowest']:.2f} s")
    return found["counts"]


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS)
def test_a_hundred_damaged_files_are_read_right_or_refused_clearly(reader, tmp_path):
    counts = fuzz(reader, 0, 100, tmp_path, seconds=180)
    assert counts["read"] + counts["refused"] == 100
    assert min(counts["read"], counts["refused"]) >= 10  # neither all sound nor all rubbish


@pytest.mark.long
@pytest.mark.parametrize("reader", READERS)
def test_thousands_of_damaged_files_are_read_right_or_refused_clearly(reader, tmp_path):
    counts = fuzz(reader, 100, 2600, tmp_path, seconds=1800)
    assert counts["read"] + counts["refused"] == 2500
