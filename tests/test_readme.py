"""The README's examples run, and their stored output is what they print."""

import contextlib
import importlib.metadata
import io
import pathlib
import re

import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator

README = (pathlib.Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
NUMBER = r"-?\d+\.?\d*(?:e[+-]?\d+)?"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def block(language, containing):
    (found,) = [text for text in blocks(language) if containing in text]
    return found


def table(text):
    """Label → numbers of a printed table; dashes and other words do not count."""
    rows = (re.split(r"  +", line.strip()) for line in text.splitlines() if line.strip())
    numbers = {row[0]: [float(x) for x in row[1:] if re.fullmatch(NUMBER, x)] for row in rows}
    return {label: values for label, values in numbers.items() if values}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Runs a block, in a namespace of its own, once: its names, what it prints, where it writes."""
    done = {}

    def run(code):
        if code not in done:
            folder, names = tmp_path_factory.mktemp("readme"), {"__name__": "__main__"}
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                patch.setenv("MPLBACKEND", "Agg")
                with contextlib.redirect_stdout(io.StringIO()) as text:
                    exec(compile(code, "README.md", "exec"), names)
            done[code] = names, text.getvalue(), folder
        return done[code]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("code", blocks("python"), ids=lambda code: code.split("\n")[-2][:40])
def test_every_block_runs_as_it_stands(code, ran):
    ran(code)


@pytest.mark.slow
def test_the_readmes_example_prints_what_the_readme_shows(ran):
    _, received_text, folder = ran(block("python", "evaluate_solution"))
    shown_text = block("text", "position error")
    assert received_text.splitlines()[0] == shown_text.splitlines()[0]
    shown, received = table(shown_text), table(received_text)
    assert list(shown) == list(received)
    for label, numbers in shown.items():
        # The network's errors are rounding errors, in which machines differ: their size is right,
        # not their digits. The steppers' errors agree to all digits.
        assert abs(received[label][0]) < 5.0 * abs(numbers[0]) + 1e-12, label
        assert received[label][1:] == pytest.approx(numbers[1:], rel=1e-2), label
    assert (folder / "damped.keras").exists()
    assert (folder / "damped.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_readmes_family_and_inverse_problem_print_what_the_readme_shows(ran):
    shown_lines = block("text", "standard error").splitlines()
    received_lines = ran(block("python", "parameter_ranges"))[1].splitlines()
    for shown, received in zip(shown_lines, received_lines, strict=True):
        assert re.sub(NUMBER, "", received) == re.sub(NUMBER, "", shown)
    # The bound is mostly one of rounding errors; what is found from data is the same everywhere,
    # but for its last digit.
    bounds = [float(re.findall(NUMBER, lines[0])[-1]) for lines in (shown_lines, received_lines)]
    assert bounds[1] < 10.0 * bounds[0]
    for shown, received in zip(shown_lines[1:], received_lines[1:]):
        numbers = [[float(x) for x in re.findall(NUMBER, text)] for text in (shown, received)]
        assert numbers[1] == pytest.approx(numbers[0], abs=1.5e-4)


def test_the_readmes_preset_predicts_in_three_lines(ran):
    *table, positions, bound = ran(block("python", "available_presets"))[1].splitlines()
    assert len(table) == 21
    exact = DampedOscillator(damping=0.4).exact([1.0, 2.0])[0][:, 0]
    assert [float(x) for x in re.findall(NUMBER, positions)] == pytest.approx(exact, abs=1e-8)
    assert float(re.search(r"\d+e-\d+", bound)[0]) < 1e-10


def test_the_readmes_files_run_elsewhere(ran):
    names, _, _ = ran(block("python", "import export_model"))
    exact = DampedOscillator(damping=0.4).exact([0.5, 1.0])[0]
    assert np.all(np.abs(names["x"] - exact) < names["bound"])
    assert names["states"].shape == (1, 20, 2)


def test_every_file_that_the_readme_names_exists():
    root = pathlib.Path(__file__).parent.parent
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) > 20
    missing = [link for link in links if not link.startswith("http") and not (root / link).exists()]
    assert not missing


@pytest.mark.slow
def test_the_readmes_forecast_trains_the_forecaster(ran):
    names, text, _ = ran(block("python", "HorizonSchedule"))
    assert "persistence" in text
    errors = names["evaluate_forecast"](names["forecaster"], names["test"], warm_up=50)
    assert errors["model"]["rmse"] < 0.1 * errors["persistence"]["rmse"]


def test_the_citation_and_the_changelog_are_of_this_version():
    folder = pathlib.Path(__file__).parent.parent
    citation, changes = (
        (folder / name).read_text(encoding="utf-8") for name in ("CITATION.cff", "CHANGELOG.md")
    )
    version = importlib.metadata.version("oscillator-zoo")
    assert re.search(r"^version: (.*)$", citation, flags=re.MULTILINE)[1] == version
    assert f"## [{version}]" in changes or "## [Unreleased]" in changes
