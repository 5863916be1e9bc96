"""What `run.json` holds, and what is refused in its place."""

import hashlib
import json
import math

import pytest

from oscillator_zoo.training.results.run_file import read_description, write_description

CONTENT = {
    "task": "response",
    "warm_up": 3,
    "notes": ["α = 1"],
    "recipe": "elman-driven",
    "history": {"loss": [2.0, 1.0], "rate": [0.1, math.inf]},
}


@pytest.fixture
def written(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"model")
    path = tmp_path / "run.json"
    write_description(path, CONTENT, [tmp_path / "model.keras"])
    return path


def test_what_was_written_is_read(written):
    assert read_description(written) == CONTENT
    content = json.loads(written.read_text(encoding="utf-8"))
    assert content["format_version"] == 1
    assert content["sha256"] == {"model.keras": hashlib.sha256(b"model").hexdigest()}


def test_a_description_of_before_versions_and_hashes_is_read(written):
    written.write_text(json.dumps(CONTENT))
    assert read_description(written) == CONTENT


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "format_version 2, where 1 is expected"),
        ({"format_version": None}, "format_version None"),
        ({"task": "forecasts"}, "Did you mean 'forecast'"),
        ({"task": ["a"]}, "task"),
        ({"warm_up": 0}, "warm_up 0, where a number of samples is expected"),
        ({"warm_up": 1.5}, "warm_up 1.5"),
        ({"warm_up": 10**400}, "warm_up 1000"),
        ({"notes": "a text"}, "notes that are no list of texts"),
        ({"notes": [1]}, "notes that are no list of texts"),
        ({"history": []}, "a history that has no list of numbers"),
        ({"history": {"loss": 1.0}}, "a history that has no list of numbers"),
        ({"history": {"loss": ["1"]}}, "a history that has no list of numbers"),
        ({"history": {"loss": [[1.0]]}}, "a history that has no list of numbers"),
        ({"sha256": []}, "hashes that do not belong"),
        ({"sha256": {"../model.keras": "0"}}, "hashes that do not belong"),
    ],
)
def test_wrong_values_are_refused(changes, message, written):
    written.write_text(json.dumps({**CONTENT, **changes}))
    with pytest.raises(ValueError, match=rf"run\.json must be as.*{message}"):
        read_description(written)


@pytest.mark.parametrize("missing", ["task", "warm_up", "notes", "history"])
def test_missing_values_are_refused(missing, written):
    content = {key: value for key, value in CONTENT.items() if key != missing}
    written.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf"run\.json must be as.*KeyError: '{missing}'"):
        read_description(written)


@pytest.mark.parametrize("content", [b"", b"3", b"[]", b"[" * 10**5, b"\xff\xfe", b'{"task":'])
def test_what_is_no_description_is_refused(content, written):
    written.write_bytes(content)
    with pytest.raises(ValueError, match=r"run\.json must be as.*Train again") as info:
        read_description(written)
    assert len(str(info.value)) < 700


def test_a_folder_in_its_place_is_refused(tmp_path):
    (tmp_path / "run.json").mkdir()
    with pytest.raises(ValueError, match=r"run\.json must be as.*Is a directory"):
        read_description(tmp_path / "run.json")


def test_another_file_than_the_one_described_is_refused(written):
    (written.parent / "model.keras").write_bytes(b"model of another run")
    with pytest.raises(ValueError, match=r"model\.keras with another SHA-256.*delete its line"):
        read_description(written)
    (written.parent / "model.keras").unlink()
    with pytest.raises(FileNotFoundError, match=r"There is no .*model\.keras, which run\.json"):
        read_description(written)
