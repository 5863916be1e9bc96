"""Where the residual of a PINN in float32 ends, as the page of conventions says."""

import pathlib
import re

import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator, Duffing
from oscillator_zoo.models import PINN, LevenbergMarquardt
from oscillator_zoo.training.evaluation.fine_grid import fine_times

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "explanation" / "conventions.md"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # a missed tolerance is what is measured here
@pytest.mark.parametrize(
    ("problem", "duration", "words"),
    [
        (DampedOscillator(damping=0.4), 8.0, r"(\S+) m/s² over 8 s"),
        pytest.param(
            DampedOscillator(damping=0.4, stiffness=400.0),
            8.0,
            r"(\S+) m/s² at 20 rad/s",
            marks=pytest.mark.long,
        ),
        pytest.param(
            Duffing(damping=0.2),
            10.0,
            r"Duffing's at (\S+) m/s² over 10 s",
            marks=pytest.mark.long,
        ),
    ],
)
def test_the_residual_in_float32_ends_where_its_page_says(problem, duration, words):
    pinn = PINN(problem, duration, seed=0, dtype="float32")
    pinn.compile(LevenbergMarquardt(tolerance=1e-12))
    pinn.fit(pinn.collocation_points(), epochs=3, verbose=0)
    found = np.abs(np.asarray(pinn.residual(fine_times(pinn)), np.float64)).max()
    shown = float(re.search(words, PAGE.read_text(encoding="utf-8").replace("\n", " "))[1])
    assert 0.2 * shown < found < 5.0 * shown  # rounding differs between machines
