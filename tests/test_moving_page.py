"""The page that moves computes what Python computes, and asks nothing of other hosts."""

import json
import pathlib
import re
import shutil
import subprocess
import warnings

import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator, simulate

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "moving"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SHOWN = json.loads((PAGE / "solutions.js").read_text().removeprefix("const SOLUTIONS = ")[:-2])
TIMES = np.linspace(0.0, SHOWN["duration"], 101)


def by_node(expression):
    """What JavaScript makes of an expression, where node is installed."""
    if shutil.which("node") is None:
        pytest.skip("needs node")
    code = f"const page = require({json.dumps(str(PAGE / 'physics.js'))});"
    code += f"const times = {TIMES.tolist()}; const shown = {json.dumps(SHOWN)};"
    code += f"console.log(JSON.stringify({expression}))"
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return np.array(json.loads(done.stdout))


def network(solution):
    """1 + (t/T)² N(τ) by NumPy, at all times."""
    s = TIMES / SHOWN["duration"]
    waves = np.sin(np.outer(2.0 * s - 1.0, solution["U"]) + solution["b"])
    return 1.0 + s**2 * (waves @ solution["V"] + solution["c"])


@pytest.mark.parametrize("index", [0, 13, 31])
def test_a_solution_is_that_of_numpy(index):
    solution = SHOWN["solutions"][index]
    found = by_node(f"times.map((t) => page.trialSolution(t, shown.solutions[{index}], 12))")
    # The terms cancel: with weights as large as these, rounding adds up to 9e-13 at the most.
    np.testing.assert_allclose(found, network(solution), rtol=0, atol=1e-12)


def test_every_solution_is_within_its_bound():
    for solution in SHOWN["solutions"]:
        exact = DampedOscillator(damping=solution["damping"]).exact(TIMES)[0][:, 0]
        pieces = np.minimum(np.arange(101) * len(solution["bounds"]) // 100, 119)
        assert np.all(np.abs(network(solution) - exact) <= np.array(solution["bounds"])[pieces])


@pytest.mark.parametrize(("alpha", "delta"), [(0.2, 1.0), (2.0, 1.0), (3.0, 1.5), (0.1, 9.0)])
def test_motions_are_those_of_python(alpha, delta):
    oscillator = DampedOscillator(damping=alpha, stiffness=delta)
    exact = by_node(f"times.map((t) => page.exactMotion(t, {alpha}, {delta}).x)")
    np.testing.assert_allclose(exact, oscillator.exact(TIMES)[0][:, 0], rtol=0, atol=1e-13)
    euler = by_node(f"page.eulerMotion(0.01, {alpha}, {delta}, 10).map((step) => [step.x, step.v])")
    with warnings.catch_warnings():  # at 9 1/s² Euler's motion grows, and says so
        warnings.simplefilter("ignore")
        expected = simulate(oscillator, 0.01, len(euler) - 1).states[0]
    np.testing.assert_allclose(euler, expected, rtol=0, atol=1e-12)


def by_browser(place, tmp_path):
    """What a browser makes of the page, and what it logs."""
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    # Every host but the page itself is out of reach: a request would be an error in the log.
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    options += ["--host-resolver-rules=MAP * 127.0.0.1:9", "--enable-logging=stderr", "--v=0"]
    options += ["--virtual-time-budget=3000"]  # ms of the page's own clock, which does not wait
    command = [CHROMIUM, *options, "--dump-dom", f"{(PAGE / 'index.html').as_uri()}#{place}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("", "each step multiplies the motion by 0.9950"),
        ("dt=0.5&alpha=0.2&delta=1", "It grows: each step multiplies the motion by 1.0724"),
        ("dt=0.1&swing=5", "At 5.00 s the mass is at 0.099 m, and Euler’s at 0.152 m."),
        ("gamma=0&waves=7&time=12", "At 12.00 s the network says 0.84385"),
    ],
)
def test_a_browser_shows_it_and_loads_nothing_else(place, words, tmp_path):
    shown = by_browser(place, tmp_path)
    assert words in shown
    sources = re.findall(r'(?:src|<link[^>]*href)="([^"]*)"', shown)
    assert sources and not [source for source in sources if source.startswith(("http", "//"))]


def test_the_masses_swing_by_themselves(tmp_path):
    (seconds,) = re.findall(r"At ([\d.]+) s the mass is at", by_browser("play", tmp_path))
    assert float(seconds) > 0.0
    (seconds,) = re.findall(r"At ([\d.]+) s the mass is at", by_browser("", tmp_path))
    assert float(seconds) == 0.0
