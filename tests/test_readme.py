"""The README's example runs, and its stored output is what it prints."""

import contextlib
import io
import pathlib
import re

import pytest

README = (pathlib.Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
NUMBER = r"-?\d+\.?\d*(?:e[+-]?\d+)?"


def block(language, containing):
    blocks = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    (found,) = [text for text in blocks if containing in text]
    return found


def table(text):
    """Label → numbers of a printed table; dashes and other words do not count."""
    rows = (re.split(r"  +", line.strip()) for line in text.splitlines() if line.strip())
    numbers = {row[0]: [float(x) for x in row[1:] if re.fullmatch(NUMBER, x)] for row in rows}
    return {label: values for label, values in numbers.items() if values}


@pytest.mark.slow
def test_the_readmes_example_prints_what_the_readme_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block("python", "PINN"), "README.md", "exec"), {})
    shown, received = table(block("text", "position error")), table(printed.getvalue())
    assert list(shown) == list(received)
    for label, numbers in shown.items():
        # Five thousand steps of Adam amplify the rounding in which machines differ: the size of
        # the network's errors is theirs, not the digits. The steppers' errors agree to all digits.
        assert abs(received[label][0]) < 5.0 * abs(numbers[0]) + 1e-12, label
        assert received[label][1:] == pytest.approx(numbers[1:], rel=1e-2), label
    assert (tmp_path / "damped.keras").exists()
    assert (tmp_path / "damped.png").read_bytes().startswith(b"\x89PNG")


def test_every_file_that_the_readme_names_exists():
    root = pathlib.Path(__file__).parent.parent
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) > 20
    missing = [link for link in links if not link.startswith("http") and not (root / link).exists()]
    assert not missing
